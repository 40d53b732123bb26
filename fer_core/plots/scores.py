"""Figures of scores: classes and runs with their 95% intervals, calibration, and what is gained by leaving the unsure out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from fer_core.emotions import EMOTIONS
from fer_core.messages import Sentence
from fer_core.metrics.evaluation import CLASSES, Evaluation
from fer_core.plots.theme import (
    EMOTION_COLOURS,
    GROUND,
    QUIET,
    SEQUENTIAL,
    TEXT,
    Theme,
    blank,
    run_colour,
    shade,
)

MAP_CURVES = {"deletion": ("deletion, this map", "deletion, random maps"), "insertion": ("insertion, this map", "insertion, random maps")}
"""Names of a map's curves, and of those of random maps."""


def _colour(colours: Sequence[str], number: int) -> str:
    """Give a run its own colour, or else the one of its place."""
    return colours[number] if colours else run_colour(number)


def class_scores(
    evaluations: Mapping[str, Evaluation], score: Literal["recall", "precision"] = "recall", *, colours: Sequence[str] = (),
    theme: Theme = "light"
) -> go.Figure:
    """Draw recall or precision of every class with its 95% interval, one mark per evaluation {name: Evaluation}, in the runs' colours."""
    figure = blank(theme, "", score, ".0%")
    for number, (name, evaluation) in enumerate(evaluations.items()):
        values = np.array([getattr(part, score) for part in evaluation.per_class])
        bounds = np.array([getattr(part, f"{score}_interval") for part in evaluation.per_class])
        place = np.arange(CLASSES) + (number - (len(evaluations) - 1) / 2) * 0.8 / max(1, len(evaluations))
        colour: Any = [EMOTION_COLOURS[emotion] for emotion in EMOTIONS] if len(evaluations) == 1 else _colour(colours, number)
        figure.add_scatter(
            x=place,
            meta={"x": ("class", EMOTIONS)},
            y=values,
            mode="markers",
            name=name,
            marker={"color": colour, "size": 10},
            cliponaxis=False,
            text=[part.name.capitalize() for part in evaluation.per_class],
            customdata=[[part.name, low, high, part.support] for part, (low, high) in zip(evaluation.per_class, bounds, strict=True)],
            error_y={
                "array": bounds[:, 1] - values,
                "arrayminus": values - bounds[:, 0],
                "thickness": 1.5,
                "width": 4,
                "color": QUIET[theme] if len(evaluations) == 1 else colour,
            },
            hovertemplate="%{text}: %{y:.1%} (%{customdata[1]:.1%} to %{customdata[2]:.1%}), %{customdata[3]:,} faces",
        )
    first = next(iter(evaluations.values()))
    figure.update_xaxes(
        tickvals=list(range(CLASSES)),
        ticktext=[Sentence("{label}<br>{n:,}", label=part.name.capitalize(), n=part.support) for part in first.per_class],
        range=[-0.5, CLASSES - 0.5],
    )
    return figure.update_layout(hovermode="closest", yaxis={"range": [0, 1]}, showlegend=len(evaluations) > 1)


def compare_accuracy(evaluations: Mapping[str, Evaluation], *, colours: Sequence[str] = (), theme: Theme = "light") -> go.Figure:
    """Draw the accuracy of runs {name: Evaluation} with its 95% interval, in their `colours`; hollow, without copies of training faces.

    A run that was asked about exact copies only has a symbol of its own.
    """
    figure = blank(theme, "accuracy", "", "")
    rows = list(enumerate(evaluations.items()))
    series = (
        ("all faces", "circle", 0.0, [(name, number, e) for number, (name, e) in rows]),
        ("without exact copies of training faces", "diamond-open", 0.22,
         [(name, number, e.without_copies) for number, (name, e) in rows if e.near is None]),
        ("without exact and near copies of training faces", "circle-open", 0.22,
         [(name, number, e.without_copies) for number, (name, e) in rows if e.near is not None]),
    )
    for word, symbol, shift, shown in series:
        parts = [(name, number, e) for name, number, e in shown if e is not None]
        if shift and not parts:
            continue
        values = np.array([e.accuracy for _, _, e in parts])
        bounds = np.array([e.interval for _, _, e in parts]).reshape(-1, 2)
        figure.add_scatter(
            x=values,
            y=[number + shift for _, number, _ in parts],
            meta={"y": ("run", [name for name, _, _ in parts])},
            mode="markers",
            name=word,
            marker={"color": [_colour(colours, number) for _, number, _ in parts], "symbol": symbol, "size": 11, "line": {"width": 2}},
            error_x={
                "array": bounds[:, 1] - values,
                "arrayminus": values - bounds[:, 0],
                "color": QUIET[theme],
                "thickness": 1.5,
                "width": 4,
            },
            customdata=[[name, e.n, *e.interval] for name, _, e in parts],
            hovertemplate="%{customdata[0]}: %{x:.1%} (%{customdata[2]:.1%} to %{customdata[3]:.1%}) of %{customdata[1]:,}",
        )
    figure.update_yaxes(
        tickvals=list(range(len(evaluations))),
        ticktext=[f"{name} ({e.n:,})" for name, e in evaluations.items()],
        range=[len(evaluations) - 0.4, -0.6],
        showgrid=False,
    )
    return figure.update_layout(hovermode="closest", xaxis={"tickformat": ".0%", "showgrid": True})


def reliability(evaluation: Evaluation, *, theme: Theme = "light") -> go.Figure:
    """Draw accuracy against confidence in 15 equally wide bins, with 95% intervals; the dotted line is perfect calibration."""
    bins = [part for part in evaluation.bins if part.n]
    figure = blank(theme, "confidence (highest probability)", "share right", ".0%")
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="perfect", line={"color": QUIET[theme], "dash": "dot", "width": 1.5}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=[part.confidence for part in bins],
        y=[part.accuracy for part in bins],
        mode="lines+markers",
        name=Sentence("calibration error {ece:.1%}", ece=evaluation.ece),
        line={"color": run_colour(0), "width": 2},
        marker={"size": [5 + 14 * (part.n / max(b.n for b in bins)) ** 0.5 for part in bins]},
        customdata=[part.n for part in bins],
        error_y={
            "array": [part.interval[1] - part.accuracy for part in bins],
            "arrayminus": [part.accuracy - part.interval[0] for part in bins],
            "color": QUIET[theme],
            "thickness": 1.5,
            "width": 3,
        },
        hovertemplate="%{y:.1%} right at %{x:.1%}, %{customdata:,} faces",
    )
    return figure.update_layout(hovermode="closest", xaxis={"range": [0, 1.02], "tickformat": ".0%"}, yaxis={"range": [0, 1.02]})


def coverage(confidence: np.ndarray, right: np.ndarray, *, chosen: float | None = None, theme: Theme = "light") -> go.Figure:
    """Draw the accuracy on the faces above a confidence against the share that is left; `chosen` marks one threshold."""
    order = np.argsort(-confidence, kind="stable")
    hits, left = np.cumsum(right[order]), np.arange(1, len(order) + 1)
    last = np.flatnonzero(np.diff(confidence[order], append=-1.0) != 0)  # equal confidences leave together
    keep = last[np.unique(np.linspace(0, len(last) - 1, 400).astype(int))] if len(last) else last
    figure = blank(theme, "share of faces kept", "share right among them", ".0%")
    figure.add_scatter(
        x=left[keep] / max(1, len(order)),
        y=hits[keep] / left[keep],
        mode="lines",
        name="accuracy",
        line={"color": run_colour(0), "width": 2.2},
        customdata=confidence[order][keep],
        hovertemplate="%{y:.1%} right when p is at least %{customdata:.2f}",
    )
    kept = int((confidence >= chosen).sum()) if chosen is not None else 0
    if kept:
        figure.add_scatter(
            x=[kept / len(order)],
            y=[float(right[confidence >= chosen].mean())],
            mode="markers",
            name=Sentence("p at least {chosen:.2f}", chosen=chosen),
            marker={"size": 11, "color": TEXT[theme]},
            hovertemplate="%{y:.1%} right of %{x:.1%} of the faces",
        )
    return figure.update_layout(hovermode="closest", xaxis={"range": [0, 1.02], "tickformat": ".0%"})


def confidence_bars(confidence: np.ndarray, right: np.ndarray, *, theme: Theme = "light") -> go.Figure:
    """Draw how many faces are right and wrong at each confidence, 20 equally wide bins."""
    edges = np.linspace(0, 1, 21)
    figure = blank(theme, "confidence (highest probability)", "faces", ",d")
    for word, mask, colour in (
        ("right", right, shade((GROUND[theme], QUIET[theme]), 0.45)),
        ("wrong", ~right, shade(SEQUENTIAL[theme], 0.7)),
    ):
        count, _ = np.histogram(confidence[mask], bins=edges)
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=count,
            width=0.045,
            name=Sentence("{word} ({n:,})", word=word, n=int(count.sum())),
            marker={"color": colour},
            hovertemplate="%{y:,}",
        )
    return figure.update_layout(barmode="stack", xaxis={"range": [0, 1], "tickformat": ".0%"})


def cell_probabilities(called: np.ndarray, own: np.ndarray, *, theme: Theme = "light") -> go.Figure:
    """Draw how the faces of a cell spread over p of what they were called and p of their label (NaN without one), 20 bins each."""
    edges = np.linspace(0, 1, 21)
    figure = blank(theme, "probability", "faces", ",d")
    top = 0
    pairs = (("p of what it was called", called, shade(SEQUENTIAL[theme], 0.7)),
             ("p of its label", own, shade((GROUND[theme], QUIET[theme]), 0.55)))
    for word, values, colour in pairs:
        known = values[~np.isnan(values)]
        count, _ = np.histogram(np.clip(known, 0, 1), bins=edges)
        top = max(top, int(count.max()))
        name = Sentence("{word} (median {median:.2f})", word=word, median=float(np.median(known))) if len(known) else word
        figure.add_bar(x=(edges[:-1] + edges[1:]) / 2, y=count, width=0.022, offset=-0.023 if word == pairs[0][0] else 0.001, name=name,
                       marker={"color": colour}, hovertemplate="%{y:,}")
    whole = {"dtick": 1} if top <= 5 else {}  # there is no half face
    return figure.update_layout(barmode="overlay", xaxis={"range": [0, 1.001], "tickformat": ".0%"}, yaxis=whole)


def map_curves(own: Mapping[str, np.ndarray], random: Mapping[str, np.ndarray], score: str, *, theme: Theme = "light") -> go.Figure:
    """Draw a map's curves {"deletion", "insertion": (steps + 1,)} and, dashed, the mean of those of random maps (randoms, steps + 1)."""
    figure = blank(theme, "share of the pixels, the strongest first", score, ".0%")
    for number, (name, values) in enumerate(own.items()):
        share, others, (mine, theirs) = np.linspace(0, 1, len(values)), random[name], MAP_CURVES[name]
        for said, line, dash, width in ((mine, values, "solid", 2.4), (theirs, others.mean(0), "dash", 1.6)):
            figure.add_scatter(x=share, y=line, name=said, mode="lines", line={"color": run_colour(number), "dash": dash, "width": width},
                               hovertemplate="%{y:.1%}")
    return figure.update_layout(hovermode="x unified", xaxis={"range": [0, 1], "tickformat": ".0%"}, yaxis={"range": [0, 1.02]})
