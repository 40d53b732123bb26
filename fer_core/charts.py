"""Data in, plotly figure out: pure functions, one look in two themes (`colours`), and the numbers of any figure as a table.

Epochs count from 1; accuracies and recalls come as 0 to 1 and are drawn in percent; losses are in nats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from fer_core.colours import EMOTION_COLOURS, GRID, QUIET, RUN_COLOURS, TEXT, Theme, blank, run_colour, see_through
from fer_core.emotions import EMOTIONS
from fer_core.evaluate import wilson
from fer_core.matrices import (
    SHADINGS,
    Shading,
    class_scores,
    compare_accuracy,
    confidence_bars,
    coverage,
    matrix,
    matrix_difference,
    matrix_film,
    reliability,
)

__all__ = ["EMOTION_COLOURS", "RUN_COLOURS", "SHADINGS", "Curve", "Metric", "Shading", "Theme", "class_bars", "class_scores", "compare_accuracy",
           "confidence_bars", "coverage", "curves", "images_per_second", "learning_rate", "matrix", "matrix_difference", "matrix_film", "probability_bars",
           "probe_over_epochs", "recall_over_epochs", "reliability", "run_colour", "seed_band", "sparkline", "to_table"]

Metric = Literal["accuracy", "loss"]
UNITS = {"accuracy": ("accuracy", ".0%", ".1%"), "loss": ("loss (nats)", "", ".3f")}
"""Axis title, tick format and hover format of a metric."""


@dataclass(frozen=True)
class Curve:
    """A run as it is drawn: columns of its history, its colour, its best epoch and where early stopping ended it (both from 1)."""

    name: str
    history: Mapping[str, np.ndarray]
    colour: str = RUN_COLOURS[0]
    best: int | None = None
    stopped: int | None = None


def curves(runs: Sequence[Curve], metric: Metric = "accuracy", *, theme: Theme = "light") -> go.Figure:
    """Draw training (dashed) and validation (solid) of every run in one chart; the best epoch is a dot with its number."""
    title, ticks, hover = UNITS[metric]
    figure = blank(theme, "epoch" if len(runs) < 2 else "epoch (solid: validation, dashed: training)", title, ticks)
    for run in runs:
        alone, epochs = len(runs) == 1, run.history["epoch"]
        for column, word, dash in ((metric, "training", "dash"), (f"val_{metric}", "validation", "solid")):
            figure.add_scatter(x=epochs, y=run.history[column], name=word if alone else run.name if word == "validation" else f"{run.name}, training",
                               legendgroup=None if alone else run.name, showlegend=alone or word == "validation", mode=_mode(epochs),
                               line={"color": run.colour, "dash": dash, "width": 2.2 if word == "validation" else 1.5}, hovertemplate=f"%{{y:{hover}}}",
                               opacity=1 if word == "validation" else 0.8)
        _mark_best(figure, run, metric, label=len(runs) <= 3)
        if run.stopped:
            figure.add_vline(x=run.stopped, line={"color": run.colour, "width": 1.5, "dash": "dash"},
                             annotation={"text": f"stopped after {run.stopped}", "font": {"size": 12, "color": QUIET[theme]}, "yanchor": "bottom", "y": 0,
                                         "xanchor": "right", "xshift": -4, "textangle": 0})
    return _or_empty(figure, theme)


def learning_rate(runs: Sequence[Curve], *, theme: Theme = "light") -> go.Figure:
    """Draw the learning rate of every epoch on a logarithmic axis."""
    figure = _column(runs, "learning_rate", "learning rate", ".2g", theme)
    return figure.update_yaxes(type="log", exponentformat="power", dtick=1, rangemode="normal")


def images_per_second(runs: Sequence[Curve], *, theme: Theme = "light") -> go.Figure:
    """Draw the training speed of every epoch."""
    return _column(runs, "images_per_second", "training speed (images/s)", ",.0f", theme).update_yaxes(rangemode="tozero")


def recall_over_epochs(history: Mapping[str, np.ndarray], *, support: Sequence[int] | None = None, chosen: int | None = None,
                       theme: Theme = "light") -> go.Figure:
    """Draw each class's recall over the epochs; a chosen class (0 to 6) stands out, with its 95% band if `support` (7,) is given."""
    figure = blank(theme, "epoch", "recall on validation", ".0%")
    epochs = history["epoch"]
    if chosen is not None and support is not None and len(epochs):
        n = int(support[chosen])
        bounds = np.array([wilson(round(value * n), n) for value in np.nan_to_num(history[f"recall_{EMOTIONS[chosen]}"])])
        _band(figure, epochs, bounds[:, 0], bounds[:, 1], EMOTION_COLOURS[EMOTIONS[chosen]], f"{EMOTIONS[chosen]}, 95% interval")
    for index, name in enumerate(EMOTIONS):
        out = chosen is None or index == chosen
        figure.add_scatter(x=epochs, y=history[f"recall_{name}"], name=name if support is None else f"{name} ({int(support[index]):,})", mode=_mode(epochs),
                           line={"color": EMOTION_COLOURS[name], "width": 3 if index == chosen else 2}, opacity=1 if out else 0.35,
                           hovertemplate="%{y:.1%}")
    figure.update_yaxes(range=[0, 1])
    return _or_empty(figure, theme)


def class_bars(counts: Mapping[str, Sequence[int]], *, chosen: int | None = None, theme: Theme = "light") -> go.Figure:
    """Draw the faces per class of one split or several, {split: (7,)}: a bar each with its number and its share of the split."""
    figure = blank(theme, "", "faces", ",d")
    patterns = ("", "/", ".", "x")
    for number, (split, values) in enumerate(counts.items()):
        total = max(1, int(np.sum(values)))
        shares = [int(value) / total for value in values]
        label = "%{y:,}<br>%{customdata:.1%}" if len(counts) == 1 else "%{customdata:.1%}"
        figure.add_bar(x=list(EMOTIONS), y=[int(value) for value in values], name=f"{split} ({int(np.sum(values)):,})", customdata=shares,
                       texttemplate=label, textposition="outside", cliponaxis=False, hovertemplate="%{y:,} faces, %{customdata:.1%}",
                       marker={"color": [EMOTION_COLOURS[name] for name in EMOTIONS],
                               "opacity": [1.0 if chosen in (None, index) else 0.45 for index in range(len(EMOTIONS))],
                               "pattern": {"shape": patterns[number % 4], "fgcolor": "rgba(255,255,255,.65)", "fillmode": "overlay"}})
    top = max((int(np.max(values)) for values in counts.values()), default=0)
    return figure.update_layout(showlegend=len(counts) > 1, yaxis={"range": [0, 1.18 * max(top, 1)]}, margin={"t": 24})


def probability_bars(probabilities: np.ndarray, true: int | None = None, *, theme: Theme = "light") -> go.Figure:
    """Draw the seven probabilities (7,) of one face: predicted filled, the others pale, the true class outlined."""
    values = np.asarray(probabilities, dtype=float)
    predicted = int(values.argmax())
    names = [f"<b>{name}</b>" if index == true else name for index, name in enumerate(EMOTIONS)]
    figure = blank(theme, "probability", "", "")
    figure.add_bar(x=values, y=names, orientation="h", name="probability", texttemplate="%{x:.1%}", textposition="outside", cliponaxis=False,
                   hovertemplate="%{x:.2%}",
                   marker={"color": [see_through(EMOTION_COLOURS[name], 1 if index == predicted else 0.3) for index, name in enumerate(EMOTIONS)],
                           "line": {"color": TEXT[theme], "width": [2.5 if index == true else 0 for index in range(len(EMOTIONS))]}})
    figure.update_xaxes(range=[0, 1.16], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%", showgrid=True)
    return figure.update_layout(hovermode="closest", yaxis={"autorange": "reversed", "showgrid": False}, margin={"t": 8}, showlegend=False)


def probe_over_epochs(probabilities: np.ndarray, true: int | None = None, *, theme: Theme = "light") -> go.Figure:
    """Draw how the seven probabilities (epochs, 7) of one fixed face move; the true class is the thick line."""
    figure = blank(theme, "epoch", "probability", ".0%")
    epochs = np.arange(1, len(probabilities) + 1)
    for index, name in enumerate(EMOTIONS):
        figure.add_scatter(x=epochs, y=np.asarray(probabilities)[:, index] if len(epochs) else [], name=f"{name} (label)" if index == true else name,
                           mode=_mode(epochs), line={"color": EMOTION_COLOURS[name], "width": 3.5 if index == true else 1.5}, hovertemplate="%{y:.1%}")
    figure.update_yaxes(range=[0, 1])
    return _or_empty(figure, theme)


def seed_band(groups: Mapping[str, Sequence[Mapping[str, np.ndarray]]], metric: Metric = "accuracy", *, theme: Theme = "light") -> go.Figure:
    """Draw repeated seeds, {name: histories}, as mean and one standard deviation to each side, over the epochs that all seeds have."""
    title, ticks, hover = UNITS[metric]
    figure = blank(theme, "epoch (band: one standard deviation)", f"validation {title}", ticks)
    for number, (name, histories) in enumerate(groups.items()):
        length = min((len(history["epoch"]) for history in histories), default=0)
        if not length:
            continue
        values = np.stack([np.asarray(history[f"val_{metric}"][:length], dtype=float) for history in histories])
        mean, deviation = values.mean(0), values.std(0, ddof=1) if len(values) > 1 else np.zeros(length)
        epochs, colour = histories[0]["epoch"][:length], run_colour(number)
        _band(figure, epochs, mean - deviation, mean + deviation, colour, name)
        figure.add_scatter(x=epochs, y=mean, name=f"{name} ({len(histories)} seeds)", mode=_mode(epochs), line={"color": colour, "width": 2.2},
                           legendgroup=name, customdata=deviation, hovertemplate=f"%{{y:{hover}}} &#177; %{{customdata:{hover}}}")
    return _or_empty(figure, theme)


def sparkline(values: Sequence[float] | np.ndarray, colour: str = RUN_COLOURS[0]) -> go.Figure:
    """Draw a curve without axes, 40 pixels high, its last value as a dot; the same in both themes."""
    y = np.asarray(values, dtype=float)
    x = np.arange(1, len(y) + 1)
    figure = blank("light", "", "")
    figure.add_scatter(x=x, y=y, mode="lines", name="value", line={"color": colour, "width": 2}, hoverinfo="skip")
    figure.add_scatter(x=x[-1:], y=y[-1:], mode="markers", name="last", marker={"color": colour, "size": 6}, hoverinfo="skip", cliponaxis=False)
    figure.update_xaxes(visible=False, fixedrange=True).update_yaxes(visible=False, fixedrange=True)
    return figure.update_layout(height=40, margin={"l": 2, "r": 6, "t": 4, "b": 4, "pad": 0}, showlegend=False, hovermode=False)


def to_table(figure: go.Figure) -> dict[str, list[Any]]:
    """Return the numbers of a figure as equally long columns: series, the axes by their titles, and low and high where there are intervals."""
    rows: list[dict[str, Any]] = []
    for trace in figure.data:
        rows += _heatmap_rows(trace) if trace.type == "heatmap" else _point_rows(trace, figure)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [row.get(name) for row in rows] for name in columns}


def _point_rows(trace: Any, figure: go.Figure) -> list[dict[str, Any]]:
    if trace.x is None or (trace.type == "scatter" and trace.mode == "text"):
        return []
    x, y = figure.layout.xaxis.title.text or "x", figure.layout.yaxis.title.text or "y"
    rows = [{"series": trace.name, x.split(" (solid")[0]: _item(a), y: _item(b)} for a, b in zip(trace.x, trace.y, strict=True)]
    for error, value in ((trace.error_x, trace.x), (trace.error_y, trace.y)):
        if error.array is not None:
            for row, centre, up, down in zip(rows, value, error.array, error.arrayminus, strict=True):
                row |= {"low": _item(centre - down), "high": _item(centre + up)}
    return rows


def _heatmap_rows(trace: Any) -> list[dict[str, Any]]:
    names = (trace.meta or {}).get("columns", ["count"])
    return [{"true": true, "predicted": predicted, **dict(zip(names, map(_item, np.atleast_1d(trace.customdata[r][c])), strict=True))}
            for r, true in enumerate(trace.y) for c, predicted in enumerate(trace.x) if trace.z[r][c] is not None and not np.isnan(trace.z[r][c])]


def _item(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return value.replace("<b>", "").replace("</b>", "") if isinstance(value, str) else value


def _mode(x: Sequence[float] | np.ndarray) -> str:
    return "lines" if len(x) > 1 else "lines+markers"


def _mark_best(figure: go.Figure, run: Curve, metric: Metric, *, label: bool) -> None:
    at = np.flatnonzero(np.asarray(run.history["epoch"]) == run.best)
    if run.best is None or not len(at):
        return
    value = float(run.history[f"val_{metric}"][at[0]])
    text = f"{value:.1%}, epoch {run.best}" if metric == "accuracy" else f"{value:.3f}, epoch {run.best}"
    figure.add_scatter(x=[run.best], y=[value], mode="markers+text" if label else "markers", name=f"{run.name}, best epoch", showlegend=False,
                       legendgroup=run.name, text=[text], textposition="top center" if metric == "accuracy" else "bottom center", cliponaxis=False,
                       textfont={"color": run.colour, "size": 13}, marker={"color": run.colour, "size": 10}, hoverinfo="skip")


def _column(runs: Sequence[Curve], column: str, title: str, hover: str, theme: Theme) -> go.Figure:
    figure = blank(theme, "epoch", title)
    for run in runs:
        figure.add_scatter(x=run.history["epoch"], y=run.history[column], name=run.name, mode=_mode(run.history["epoch"]),
                           line={"color": run.colour, "width": 2.2}, hovertemplate=f"%{{y:{hover}}}")
    return _or_empty(figure.update_layout(showlegend=len(runs) > 1), theme)


def _band(figure: go.Figure, x: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str, group: str) -> None:
    figure.add_scatter(x=x, y=low, mode="lines", line={"width": 0}, name=f"{group}, low", legendgroup=group, showlegend=False, hoverinfo="skip")
    figure.add_scatter(x=x, y=high, mode="lines", line={"width": 0}, fill="tonexty", fillcolor=see_through(colour, 0.18), name=f"{group}, high",
                       legendgroup=group, showlegend=False, hoverinfo="skip")


def _or_empty(figure: go.Figure, theme: Theme) -> go.Figure:
    epochs = [float(value) for trace in figure.data for value in (trace.x if trace.x is not None else ())]
    if epochs:
        last = max(epochs)
        return figure.update_xaxes(range=[min(1, last - 1), last + 0.02 * last] if last > 1 else [0, 2], dtick=1 if last <= 12 else None, tickformat="d")
    figure.add_annotation(text="No epoch is complete yet.", x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 16, "color": QUIET[theme]})
    return figure.update_layout(showlegend=False, xaxis={"showticklabels": False, "linecolor": GRID[theme]}, yaxis={"showticklabels": False})
