"""Figures of predictions: the confusion matrix, its film and difference, confidence, and classes or runs with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from fer_core.colours import CALM, DIVERGING, EMOTION_COLOURS, GRID, QUIET, SEQUENTIAL, TEXT, Theme, blank, ink, run_colour, shade
from fer_core.emotions import EMOTIONS
from fer_core.errors import FerError
from fer_core.evaluate import CLASSES, Evaluation, from_matrix

Shading = Literal["row", "column", "all", "log", "errors"]
SHADINGS: dict[Shading, str] = {
    "row": "share of the true class", "column": "share of the predicted class", "all": "share of all faces", "log": "count, logarithmic",
    "errors": "share of all errors",
}
"""What the colour of a cell can mean."""
LOUD = 0.5
"""An error that takes this share of its row or column has the strongest colour, so that a film keeps one scale."""


def matrix(counts: np.ndarray, *, shading: Shading = "row", title: str = "", theme: Theme = "light") -> go.Figure:
    """Draw a confusion matrix (7, 7), rows true: counts large, row percent small, the diagonal calm and the errors loud."""
    figure = _square(theme, title)
    figure.add_traces(_cells(np.asarray(counts), shading, theme))
    return figure


def matrix_film(matrices: np.ndarray, *, shading: Shading = "row", theme: Theme = "light") -> go.Figure:
    """Draw matrices (epochs, 7, 7) as a film: a slider and a play button, one scale throughout; it opens at the last epoch."""
    if len(matrices) == 0:
        raise FerError("There is no epoch to show yet.", expected="at least one validation matrix")
    last = len(matrices)
    figure = matrix(matrices[-1], shading=shading, theme=theme)
    figure.frames = [go.Frame(name=str(epoch), data=_cells(np.asarray(counts), shading, theme)) for epoch, counts in enumerate(matrices, 1)]
    still = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    moving = {"fromcurrent": True, "frame": {"duration": 350, "redraw": True}, "transition": {"duration": 0}}
    figure.update_layout(
        sliders=[{"active": last - 1, "x": 0.16, "len": 0.84, "y": -0.02, "pad": {"t": 8}, "currentvalue": {"prefix": "epoch "}, "ticklen": 0, "minorticklen": 0,
                  "bordercolor": GRID[theme], "bgcolor": GRID[theme], "font": {"color": "rgba(0,0,0,0)", "size": 1},
                  "steps": [{"label": str(epoch), "method": "animate", "args": [[str(epoch)], still]} for epoch in range(1, last + 1)]}],
        updatemenus=[{"type": "buttons", "x": 0, "xanchor": "left", "y": -0.02, "yanchor": "top", "pad": {"t": 14}, "bgcolor": "rgba(0,0,0,0)",
                      "bordercolor": QUIET[theme], "buttons": [{"label": "&#9654; Play", "method": "animate", "args": [None, moving]}]}])
    figure.layout.sliders[0].currentvalue.font = {"color": TEXT[theme], "size": 13}
    return figure


def matrix_difference(a: np.ndarray, b: np.ndarray, *, theme: Theme = "light") -> go.Figure:
    """Draw the row percent of b minus those of a, in points: orange is more in b, purple is more in a."""
    points = 100 * (_shares(np.asarray(b), 1) - _shares(np.asarray(a), 1))
    top = max(1.0, float(np.abs(points).max()))
    figure = _square(theme, "")
    figure.add_traces([_heat(points, (-top, top), DIVERGING[theme], np.stack([b - a, points], -1), ["count", "points"], "%{customdata[1]:+.1f} points<br>%{customdata[0]:+d} faces"),
                       _words([f"{value:+.1f}" for value in points.ravel()], [shade(DIVERGING[theme], (v + top) / (2 * top)) for v in points.ravel()])])
    return figure


def class_scores(evaluations: Mapping[str, Evaluation], score: Literal["recall", "precision"] = "recall", *, theme: Theme = "light") -> go.Figure:
    """Draw recall or precision of every class with its 95% interval, one mark per evaluation {name: Evaluation}."""
    figure = blank(theme, "", score, ".0%")
    for number, (name, evaluation) in enumerate(evaluations.items()):
        values = np.array([getattr(part, score) for part in evaluation.per_class])
        bounds = np.array([getattr(part, f"{score}_interval") for part in evaluation.per_class])
        place = np.arange(CLASSES) + (number - (len(evaluations) - 1) / 2) * 0.8 / max(1, len(evaluations))
        colour: Any = [EMOTION_COLOURS[emotion] for emotion in EMOTIONS] if len(evaluations) == 1 else run_colour(number)
        figure.add_scatter(x=place, y=values, mode="markers", name=name, marker={"color": colour, "size": 10}, cliponaxis=False,
                           customdata=[[part.name, low, high, part.support] for part, (low, high) in zip(evaluation.per_class, bounds, strict=True)],
                           error_y={"array": bounds[:, 1] - values, "arrayminus": values - bounds[:, 0], "thickness": 1.5, "width": 4,
                                    "color": QUIET[theme] if len(evaluations) == 1 else colour},
                           hovertemplate="%{customdata[0]}: %{y:.1%} (%{customdata[1]:.1%} to %{customdata[2]:.1%}), %{customdata[3]:,} faces")
    first = next(iter(evaluations.values()))
    figure.update_xaxes(tickvals=list(range(CLASSES)), ticktext=[f"{part.name}<br>{part.support:,}" for part in first.per_class], range=[-0.5, CLASSES - 0.5])
    return figure.update_layout(hovermode="closest", yaxis={"range": [0, 1]}, showlegend=len(evaluations) > 1)


def compare_accuracy(evaluations: Mapping[str, Evaluation], *, theme: Theme = "light") -> go.Figure:
    """Draw the accuracy of runs {name: Evaluation} with its 95% interval, and hollow the one without copies of training faces."""
    figure = blank(theme, "accuracy", "", "")
    for word, symbol, shift in (("all faces", "circle", 0.0), ("without copies of training faces", "circle-open", 0.22)):
        shown = [(row, number, e if not shift else e.without_copies) for number, (row, e) in enumerate(evaluations.items())]
        parts = [(name, number, e) for name, number, e in shown if e is not None]
        values = np.array([e.accuracy for _, _, e in parts])
        bounds = np.array([e.interval for _, _, e in parts]).reshape(-1, 2)
        figure.add_scatter(x=values, y=[number + shift for _, number, _ in parts], mode="markers", name=word,
                           marker={"color": [run_colour(number) for _, number, _ in parts], "symbol": symbol, "size": 11, "line": {"width": 2}},
                           error_x={"array": bounds[:, 1] - values, "arrayminus": values - bounds[:, 0], "color": QUIET[theme], "thickness": 1.5, "width": 4},
                           customdata=[[name, e.n, *e.interval] for name, _, e in parts],
                           hovertemplate="%{customdata[0]}: %{x:.1%} (%{customdata[2]:.1%} to %{customdata[3]:.1%}) of %{customdata[1]:,}")
    figure.update_yaxes(tickvals=list(range(len(evaluations))), ticktext=[f"{name} ({e.n:,})" for name, e in evaluations.items()],
                        range=[len(evaluations) - 0.4, -0.6], showgrid=False)
    return figure.update_layout(hovermode="closest", xaxis={"tickformat": ".0%", "showgrid": True})


def reliability(evaluation: Evaluation, *, theme: Theme = "light") -> go.Figure:
    """Draw accuracy against confidence in 15 equally wide bins, with 95% intervals; the dotted line is perfect calibration."""
    bins = [part for part in evaluation.bins if part.n]
    figure = blank(theme, "confidence (highest probability)", "share right", ".0%")
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", name="perfect", line={"color": QUIET[theme], "dash": "dot", "width": 1.5}, hoverinfo="skip")
    figure.add_scatter(x=[part.confidence for part in bins], y=[part.accuracy for part in bins], mode="lines+markers",
                       name=f"calibration error {evaluation.ece:.1%}", line={"color": run_colour(0), "width": 2},
                       marker={"size": [5 + 14 * (part.n / max(b.n for b in bins)) ** 0.5 for part in bins]}, customdata=[part.n for part in bins],
                       error_y={"array": [part.interval[1] - part.accuracy for part in bins], "arrayminus": [part.accuracy - part.interval[0] for part in bins],
                                "color": QUIET[theme], "thickness": 1.5, "width": 3}, hovertemplate="%{y:.1%} right at %{x:.1%}, %{customdata:,} faces")
    return figure.update_layout(hovermode="closest", xaxis={"range": [0, 1.02], "tickformat": ".0%"}, yaxis={"range": [0, 1.02]})


def coverage(confidence: np.ndarray, right: np.ndarray, *, chosen: float | None = None, theme: Theme = "light") -> go.Figure:
    """Draw the accuracy on the faces above a confidence against the share that is left; `chosen` marks one threshold."""
    order = np.argsort(-confidence, kind="stable")
    hits, left = np.cumsum(right[order]), np.arange(1, len(order) + 1)
    last = np.flatnonzero(np.append(np.diff(confidence[order]) != 0, True))  # equal confidences leave together
    keep = last[np.unique(np.linspace(0, len(last) - 1, 400).astype(int))] if len(last) else last
    figure = blank(theme, "share of faces kept", "share right among them", ".0%")
    figure.add_scatter(x=left[keep] / max(1, len(order)), y=hits[keep] / left[keep], mode="lines", name="accuracy", line={"color": run_colour(0), "width": 2.2},
                       customdata=confidence[order][keep], hovertemplate="%{y:.1%} right when p is at least %{customdata:.2f}")
    kept = int((confidence >= chosen).sum()) if chosen is not None else 0
    if kept:
        figure.add_scatter(x=[kept / len(order)], y=[float(right[confidence >= chosen].mean())], mode="markers", name=f"p at least {chosen:.2f}",
                           marker={"size": 11, "color": TEXT[theme]}, hovertemplate="%{y:.1%} right of %{x:.1%} of the faces")
    return figure.update_layout(hovermode="closest", xaxis={"range": [0, 1.02], "tickformat": ".0%"})


def confidence_bars(confidence: np.ndarray, right: np.ndarray, *, theme: Theme = "light") -> go.Figure:
    """Draw how many faces are right and wrong at each confidence, 20 equally wide bins."""
    edges = np.linspace(0, 1, 21)
    figure = blank(theme, "confidence (highest probability)", "faces", ",d")
    for word, mask, colour in (("right", right, GRID[theme] if theme == "dark" else "#B8C2CD"), ("wrong", ~right, shade(SEQUENTIAL[theme], 0.7))):
        count, _ = np.histogram(confidence[mask], bins=edges)
        figure.add_bar(x=(edges[:-1] + edges[1:]) / 2, y=count, width=0.045, name=f"{word} ({int(count.sum()):,})", marker={"color": colour}, hovertemplate="%{y:,}")
    return figure.update_layout(barmode="stack", xaxis={"range": [0, 1], "tickformat": ".0%"})


def _square(theme: Theme, title: str) -> go.Figure:
    figure = blank(theme, "predicted", "true")
    names = list(EMOTIONS)
    figure.update_xaxes(side="top", tickvals=names, showgrid=False, ticks="", constrain="domain", range=[-0.58, CLASSES - 0.5])
    figure.update_yaxes(tickvals=names, showgrid=False, scaleanchor="x", constrain="domain", range=[CLASSES - 0.5, -0.58])
    for index, name in enumerate(EMOTIONS):
        edge = {"type": "rect", "line": {"width": 0}, "fillcolor": EMOTION_COLOURS[name]}
        figure.add_shape(x0=index - 0.46, x1=index + 0.46, y0=-0.58, y1=-0.52, **edge)
        figure.add_shape(y0=index - 0.46, y1=index + 0.46, x0=-0.58, x1=-0.52, **edge)
    return figure.update_layout(hovermode="closest", title={"text": title}, showlegend=False, margin={"t": 84 if title else 48, "b": 8})


def _cells(counts: np.ndarray, shading: Shading, theme: Theme) -> list[Any]:
    if shading not in SHADINGS:
        raise FerError("There is no such shading.", received=shading, expected=", ".join(SHADINGS))
    scores = from_matrix(counts)
    rows, errors = _shares(counts, 1), counts * (1 - np.eye(CLASSES, dtype=np.int64))
    values = {"row": rows, "column": _shares(counts, 0), "all": counts / scores.n, "log": np.log10(1 + counts), "errors": errors / max(1, scores.errors)}[shading]
    diagonal = np.eye(CLASSES, dtype=bool)
    top_wrong = LOUD if shading in ("row", "column") else max(1e-9, float(values.max() if shading == "log" else values[~diagonal].max()))
    top_right = 1.0 if shading in ("row", "column") else max(1e-9, float(values.max()))
    data = np.stack([counts, rows], -1)
    hover = "<b>%{y}</b> called <b>%{x}</b><br>%{customdata[0]:,} faces, %{customdata[1]:.1%} of %{y}"
    heats = [_heat(np.where(mask, values, np.nan), (0, top), scale[theme], data, ["count", "row_share"], hover)
             for mask, top, scale in ((~diagonal, top_wrong, SEQUENTIAL), (diagonal, top_right, CALM))]
    grounds = [shade(CALM[theme], v / top_right) if right else shade(SEQUENTIAL[theme], v / top_wrong)
               for v, right in zip(values.ravel(), diagonal.ravel(), strict=True)]
    words = [f"{count:,}<br><span style='font-size:11px'>{share:.0%}</span>" for count, share in zip(counts.ravel(), rows.ravel(), strict=True)]
    if shading == "errors":
        words = ["" if right else word for word, right in zip(words, diagonal.ravel(), strict=True)]
        heats = heats[:1]
    return [*heats, _words(words, grounds)]


def _heat(z: np.ndarray, limits: tuple[float, float], scale: Sequence[str], data: np.ndarray, columns: list[str], hover: str) -> go.Heatmap:
    names = list(EMOTIONS)
    stops = [[place / (len(scale) - 1), colour] for place, colour in enumerate(scale)]
    return go.Heatmap(z=z, x=names, y=names, zmin=limits[0], zmax=limits[1], colorscale=stops, showscale=False, xgap=2, ygap=2, customdata=data,
                      meta={"columns": columns}, hovertemplate=hover + "<extra></extra>", hoverongaps=False)


def _words(words: list[str], grounds: list[str]) -> go.Scatter:
    return go.Scatter(x=[name for _ in EMOTIONS for name in EMOTIONS], y=[name for name in EMOTIONS for _ in EMOTIONS], mode="text", text=words,
                      textfont={"size": 15, "color": [ink(ground) for ground in grounds]}, hoverinfo="skip", name="")


def _shares(counts: np.ndarray, axis: int) -> np.ndarray:
    shares: np.ndarray = counts / np.maximum(1, counts.sum(axis, keepdims=True))
    return shares
