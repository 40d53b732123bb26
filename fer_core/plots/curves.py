"""Figures over epochs: training curves, speed, recall per class, a probe face, repeated seeds, a sparkline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import plotly.graph_objects as go

from fer_core.emotions import EMOTIONS, NAMES
from fer_core.messages import Sentence
from fer_core.metrics.evaluation import wilson
from fer_core.plots.theme import (
    EMOTION_COLOURS,
    GRID,
    GROUND,
    QUIET,
    RUN_COLOURS,
    Theme,
    blank,
    run_colour,
    see_through,
)

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
            figure.add_scatter(
                x=epochs,
                y=run.history[column],
                name=word if alone else run.name if word == "validation" else Sentence("{run}, training", run=run.name),
                legendgroup="" if alone else run.name,
                showlegend=alone or word == "validation",
                mode=_mode(epochs),
                line={"color": run.colour, "dash": dash, "width": 2.2 if word == "validation" else 1.5},
                hovertemplate=f"%{{y:{hover}}}",
                opacity=1 if word == "validation" else 0.8,
            )
        if run.stopped:
            low = {"y": 0, "yanchor": "bottom"} if metric == "accuracy" else {"y": 1, "yanchor": "top"}  # where the curves are not
            figure.add_vline(
                x=run.stopped,
                line={"color": run.colour, "width": 1.5, "dash": "dash"},
                annotation={
                    "text": Sentence("stopped after {epoch}", epoch=run.stopped),
                    "font": {"size": 12, "color": QUIET[theme]},
                    "xanchor": "right",
                    "xshift": -4,
                    **low,
                },
            )
    figure = _frame(figure, metric, theme)
    return _mark_best(figure, runs, metric, theme) if any(len(run.history["epoch"]) for run in runs) else figure


def learning_rate(runs: Sequence[Curve], *, theme: Theme = "light") -> go.Figure:
    """Draw the learning rate of every epoch, from zero: a cosine ends there."""
    figure = _column(runs, "learning_rate", "learning rate", ".2g", theme)
    return figure.update_yaxes(rangemode="tozero", exponentformat="power", minexponent=4)


def images_per_second(runs: Sequence[Curve], *, theme: Theme = "light") -> go.Figure:
    """Draw the training speed of every epoch."""
    return _column(runs, "images_per_second", "training speed (images/s)", ",.0f", theme).update_yaxes(rangemode="tozero")


def recall_over_epochs(
    history: Mapping[str, np.ndarray], *, support: Sequence[int] | None = None, chosen: int | None = None, theme: Theme = "light",
) -> go.Figure:
    """Draw each class's recall over the epochs; a chosen class (0 to 6) stands out, with its 95% band if `support` (7,) is given."""
    figure = blank(theme, "epoch", "recall on validation", ".0%")
    epochs = history["epoch"]
    if chosen is not None and support is not None and len(epochs):
        n = int(support[chosen])
        bounds = np.array([wilson(round(value * n), n) for value in np.nan_to_num(history[f"recall_{EMOTIONS[chosen]}"])])
        _band(figure, epochs, bounds, EMOTION_COLOURS[EMOTIONS[chosen]], f"{NAMES[chosen]}, 95% interval")
    for index, name in enumerate(EMOTIONS):
        out = chosen is None or index == chosen
        figure.add_scatter(
            x=epochs,
            y=history[f"recall_{name}"],
            name=NAMES[index] if support is None else Sentence("{emotion} ({faces:,})", emotion=NAMES[index], faces=int(support[index])),
            mode=_mode(epochs),
            line={"color": EMOTION_COLOURS[name], "width": 3 if index == chosen else 2},
            opacity=1 if out else 0.35,
            hovertemplate="%{y:.1%}",
        )
    figure.update_yaxes(range=[0, 1])
    return _or_empty(figure, theme)


def probe_over_epochs(probabilities: np.ndarray, true: int | None = None, *, theme: Theme = "light") -> go.Figure:
    """Draw how the seven probabilities (epochs, 7) of one fixed face move; the true class is the thick line."""
    figure = blank(theme, "epoch", "probability", ".0%")
    epochs = np.arange(1, len(probabilities) + 1)
    for index, name in enumerate(EMOTIONS):
        figure.add_scatter(
            x=epochs,
            y=np.asarray(probabilities)[:, index] if len(epochs) else [],
            name=Sentence("{label} (label)", label=NAMES[index]) if index == true else NAMES[index],
            mode=_mode(epochs),
            line={"color": EMOTION_COLOURS[name], "width": 3.5 if index == true else 1.5},
            hovertemplate="%{y:.1%}",
        )
    figure.update_yaxes(range=[0, 1])
    return _or_empty(figure, theme)


def seed_band(
    groups: Mapping[str, Sequence[Mapping[str, np.ndarray]]], metric: Metric = "accuracy", *, theme: Theme = "light"
) -> go.Figure:
    """Draw repeated seeds, {name: histories}, as mean and one standard deviation to each side, over the epochs that all seeds have."""
    title, ticks, hover = UNITS[metric]
    figure = blank(theme, "epoch (band: one standard deviation)", Sentence("validation {metric}", metric=title), ticks)
    for number, (name, histories) in enumerate(groups.items()):
        length = min((len(history["epoch"]) for history in histories), default=0)
        if not length:
            continue
        values = np.stack([np.asarray(history[f"val_{metric}"][:length], dtype=float) for history in histories])
        mean, deviation = values.mean(0), values.std(0, ddof=1) if len(values) > 1 else np.zeros(length)
        epochs, colour = histories[0]["epoch"][:length], run_colour(number)
        _band(figure, epochs, np.stack([mean - deviation, mean + deviation], 1), colour, name)
        figure.add_scatter(
            x=epochs,
            y=mean,
            name=Sentence("{run} ({n} seeds)", run=name, n=len(histories)),
            mode=_mode(epochs),
            line={"color": colour, "width": 2.2},
            customdata=deviation,
            hovertemplate=f"%{{y:{hover}}} &#177; %{{customdata:{hover}}}",
        )
    return _or_empty(figure, theme)


def sparkline(values: Sequence[float] | np.ndarray, colour: str = RUN_COLOURS[0]) -> go.Figure:
    """Draw a curve without axes, 40 pixels high, its last value as a dot; the same in both themes."""
    y = np.asarray(values, dtype=float)
    x = np.arange(1, len(y) + 1)
    figure = blank("light", "", "")
    figure.add_scatter(x=x, y=y, mode="lines", name="value", line={"color": colour, "width": 2}, hoverinfo="skip")
    figure.add_scatter(
        x=x[-1:], y=y[-1:], mode="markers", name="last", marker={"color": colour, "size": 6}, hoverinfo="skip", cliponaxis=False
    )
    figure.update_xaxes(visible=False, fixedrange=True).update_yaxes(visible=False, fixedrange=True)
    return figure.update_layout(height=40, margin={"l": 2, "r": 6, "t": 4, "b": 4, "pad": 0}, showlegend=False, hovermode=False)


def _mode(x: Sequence[float] | np.ndarray) -> str:
    return "lines" if len(x) > 1 else "lines+markers"


def _mark_best(figure: go.Figure, runs: Sequence[Curve], metric: Metric, theme: Theme) -> go.Figure:
    """Put a dot on the best epoch of every run, with its number where there is room for it."""
    width, height = (span[1] - span[0] for span in (figure.layout.xaxis.range, figure.layout.yaxis.range))
    taken: list[tuple[float, float]] = []
    halo = ", ".join([f"0 0 3px {GROUND[theme]}"] * 3)  # the number may lie on another curve
    for run in runs:
        at = np.flatnonzero(np.asarray(run.history["epoch"]) == run.best)
        if run.best is None or not len(at):
            continue
        value = float(run.history[f"val_{metric}"][at[0]])
        text = f"{value:.1%}" if metric == "accuracy" else f"{value:.3f}"
        side = "left" if run.best > figure.layout.xaxis.range[1] - 0.2 * width else "center"
        spots = {f"{edge} {side}": (run.best / width, value / height + shift) for edge, shift in (("top", 0.05), ("bottom", -0.05))}
        order = sorted(spots, reverse=metric == "accuracy")
        free = [spot for spot in order if all(abs(spots[spot][0] - x) > 0.16 or abs(spots[spot][1] - y) > 0.06 for x, y in taken)]
        taken += [spots[free[0]]] if free else []
        figure.add_scatter(
            x=[run.best],
            y=[value],
            mode="markers+text" if free else "markers",
            name=f"{run.name}, best epoch",
            showlegend=False,
            legendgroup="" if len(runs) == 1 else run.name,
            text=[Sentence("{value}, epoch {epoch}", value=text, epoch=run.best) if len(runs) == 1 else text],
            textposition=free[0] if free else None,
            textfont={"color": run.colour, "size": 13, "shadow": halo},
            cliponaxis=False,
            marker={"color": run.colour, "size": 10},
            hoverinfo="skip",
        )
    return figure


def _frame(figure: go.Figure, metric: Metric, theme: Theme) -> go.Figure:
    """Fix the y axis to whole steps around the numbers that are finite."""
    values = np.concatenate([np.asarray(trace.y, dtype=float) for trace in figure.data] or [np.zeros(0)])
    values = values[np.isfinite(values)]
    step = 0.05 if metric == "accuracy" else 0.1
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    bounds = [max(0.0, np.floor((low - 0.3 * step) / step) * step), np.ceil((high + 0.6 * step) / step) * step]
    return _or_empty(figure.update_yaxes(range=[bounds[0], min(1.02, bounds[1]) if metric == "accuracy" else bounds[1]]), theme)


def _column(runs: Sequence[Curve], column: str, title: str, hover: str, theme: Theme) -> go.Figure:
    figure = blank(theme, "epoch", title)
    for run in runs:
        figure.add_scatter(
            x=run.history["epoch"],
            y=run.history[column],
            name=run.name,
            mode=_mode(run.history["epoch"]),
            line={"color": run.colour, "width": 2.2},
            hovertemplate=f"%{{y:{hover}}}",
        )
    return _or_empty(figure.update_layout(showlegend=len(runs) > 1), theme)


def _band(figure: go.Figure, x: np.ndarray, bounds: np.ndarray, colour: str, name: str) -> None:
    for word, edge, fill in (("low", bounds[:, 0], None), ("high", bounds[:, 1], "tonexty")):
        figure.add_scatter(
            x=x,
            y=edge,
            mode="lines",
            line={"width": 0},
            fill=fill,
            fillcolor=see_through(colour, 0.18),
            name=f"{name}, {word}",
            showlegend=False,
            hoverinfo="skip",
        )


def _or_empty(figure: go.Figure, theme: Theme) -> go.Figure:
    epochs = [float(value) for trace in figure.data for value in trace.x]
    if epochs:
        last = max(epochs)
        return figure.update_xaxes(range=[1, last + 0.02 * last] if last > 1 else [0, 2], dtick=1 if last <= 12 else None, tickformat="d")
    figure.add_annotation(
        text="No epoch is complete yet.",
        x=0.5,
        y=0.5,
        xref="paper",
        yref="paper",
        showarrow=False,
        font={"size": 16, "color": QUIET[theme]},
    )
    return figure.update_layout(
        showlegend=False, xaxis={"showticklabels": False, "linecolor": GRID[theme]}, yaxis={"showticklabels": False}
    )
