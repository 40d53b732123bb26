"""Figures of the confusion matrix: one matrix, its film over the epochs, the difference of two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from fer_core.emotions import EMOTIONS, NAMES
from fer_core.errors import FerError
from fer_core.messages import signed
from fer_core.metrics.evaluation import CLASSES, from_matrix
from fer_core.plots.theme import (
    CALM,
    DIVERGING,
    EMOTION_COLOURS,
    GRID,
    QUIET,
    SEQUENTIAL,
    TEXT,
    Theme,
    blank,
    ink,
    shade,
)

Shading = Literal["row", "column", "all", "log", "errors"]
SHADINGS: dict[Shading, str] = {
    "row": "share of the label",
    "column": "share of the predicted class",
    "all": "share of all faces",
    "log": "count, logarithmic",
    "errors": "share of all errors",
}
"""What the colour of a cell can mean."""
LOUD = 0.3
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
    return _player(figure, last, theme)


def matrix_difference(a: np.ndarray, b: np.ndarray, *, theme: Theme = "light") -> go.Figure:
    """Draw the row percent of b minus those of a, in points: orange is more in b, purple is more in a."""
    points, grounds = difference_grounds(a, b, theme)
    top = max(1.0, float(np.abs(points).max()))
    figure = _square(theme, "")
    hover = "%{y} called %{x}<br>%{customdata[1]:+.1f} points, %{customdata[0]:+d} faces<extra></extra>"
    figure.add_traces(
        [
            _heat(points, (-top, top), DIVERGING[theme], np.stack([b - a, points], -1), ["count", "points"], hover),
            _words([signed(value) for value in points.ravel()], grounds, 12),
        ]
    )
    return figure


def _player(figure: go.Figure, last: int, theme: Theme) -> go.Figure:
    still = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    moving = {"fromcurrent": True, "frame": {"duration": 350, "redraw": True}, "transition": {"duration": 0}}
    figure.update_layout(
        sliders=[
            {
                "active": last - 1,
                "x": 0.25,
                "len": 0.75,
                "y": -0.02,
                "pad": {"t": 8},
                "currentvalue": {"prefix": "epoch ", "xanchor": "right"},
                "ticklen": 0,
                "minorticklen": 0,
                "bordercolor": GRID[theme],
                "bgcolor": GRID[theme],
                "font": {"color": "rgba(0,0,0,0)", "size": 1},
                "steps": [{"label": str(epoch), "method": "animate", "args": [[str(epoch)], still]} for epoch in range(1, last + 1)],
            }
        ],
        updatemenus=[
            {
                "type": "buttons",
                "x": 0,
                "xanchor": "left",
                "y": -0.02,
                "yanchor": "top",
                "pad": {"t": 14},
                "bgcolor": "rgba(0,0,0,0)",
                "bordercolor": QUIET[theme],
                "showactive": False,
                "font": {"color": TEXT[theme]},
                "buttons": [{"label": "&#9654; Play", "method": "animate", "args": [None, moving]}],
            }
        ],
    )
    figure.layout.sliders[0].currentvalue.font = {"color": TEXT[theme], "size": 13}
    return figure


def _square(theme: Theme, title: str) -> go.Figure:
    figure = blank(theme, "predicted", "true")
    names = {"tickvals": list(EMOTIONS), "ticktext": list(NAMES)}
    figure.update_xaxes(names, side="top", showgrid=False, ticks="", constrain="domain", range=[-0.58, CLASSES - 0.5])
    figure.update_yaxes(names, showgrid=False, scaleanchor="x", constrain="domain", range=[CLASSES - 0.5, -0.58])
    for index, name in enumerate(EMOTIONS):
        edge = {"type": "rect", "line": {"width": 0}, "fillcolor": EMOTION_COLOURS[name]}
        figure.add_shape(x0=index - 0.46, x1=index + 0.46, y0=-0.58, y1=-0.52, **edge)
        figure.add_shape(y0=index - 0.46, y1=index + 0.46, x0=-0.58, x1=-0.52, **edge)
    return figure.update_layout(hovermode="closest", title={"text": title}, showlegend=False, margin={"t": 84 if title else 48, "b": 8})


def cell_grounds(counts: np.ndarray, shading: Shading, theme: Theme) -> list[str]:
    """Return the colours of the 49 cells, row by row: what is right in calm grey, errors in the scale of counts."""
    values, (wrong, right) = _shaded(counts, shading)
    return [
        shade(CALM[theme], v / right) if number % (CLASSES + 1) == 0 else shade(SEQUENTIAL[theme], v / wrong)
        for number, v in enumerate(values.ravel())
    ]


def difference_grounds(a: np.ndarray, b: np.ndarray, theme: Theme) -> tuple[np.ndarray, list[str]]:
    """Return the row percent of b minus those of a, in points (7, 7), and the colours of the 49 cells."""
    points = 100 * (_shares(np.asarray(b), 1) - _shares(np.asarray(a), 1))
    top = max(1.0, float(np.abs(points).max()))
    return points, [shade(DIVERGING[theme], (value + top) / (2 * top)) for value in points.ravel()]


def _shaded(counts: np.ndarray, shading: Shading) -> tuple[np.ndarray, tuple[float, float]]:
    """Return what the colour means in each cell (7, 7), and what the strongest colour of an error and of the diagonal stands for."""
    if shading not in SHADINGS:
        raise FerError("There is no such shading.", received=shading, expected=", ".join(SHADINGS))
    errors = counts * (1 - np.eye(CLASSES, dtype=np.int64))
    values = {
        "row": _shares(counts, 1),
        "column": _shares(counts, 0),
        "all": counts / max(1, counts.sum()),
        "log": np.log10(1 + counts),
        "errors": errors / max(1, errors.sum()),
    }[shading]
    wrong = values.max() if shading == "log" else values[~np.eye(CLASSES, dtype=bool)].max()
    relative = shading in ("row", "column")
    return values, (LOUD if relative else max(1e-9, float(wrong)), 1.0 if relative else max(1e-9, float(values.max())))


def _cells(counts: np.ndarray, shading: Shading, theme: Theme) -> list[Any]:
    from_matrix(counts)
    values, (top_wrong, top_right) = _shaded(counts, shading)
    rows, diagonal = _shares(counts, 1), np.eye(CLASSES, dtype=bool)
    data = np.stack([counts, rows], -1)
    hover = "<b>%{y}</b> called <b>%{x}</b><br>%{customdata[0]:,} faces, %{customdata[1]:.1%} of %{y}<extra></extra>"
    heats = [
        _heat(np.where(mask, values, np.nan), (0, top), scale[theme], data, ["count", "row_share"], hover)
        for mask, top, scale in ((~diagonal, top_wrong, SEQUENTIAL), (diagonal, top_right, CALM))
    ]
    grounds = cell_grounds(counts, shading, theme)
    words = [
        f"{count:,}<br><span style='font-size:10px'>{share:.0%}</span>" for count, share in zip(counts.ravel(), rows.ravel(), strict=True)
    ]
    if shading == "errors":
        words = ["" if right else word for word, right in zip(words, diagonal.ravel(), strict=True)]
        heats = heats[:1]
    return [*heats, _words(words, grounds)]


def _heat(z: np.ndarray, limits: tuple[float, float], scale: Sequence[str], data: np.ndarray, columns: list[str], hover: str) -> go.Heatmap:
    names = list(EMOTIONS)
    stops = [[place / (len(scale) - 1), colour] for place, colour in enumerate(scale)]
    return go.Heatmap(
        z=z,
        x=names,
        y=names,
        zmin=limits[0],
        zmax=limits[1],
        colorscale=stops,
        showscale=False,
        xgap=2,
        ygap=2,
        customdata=data,
        meta={"columns": columns},
        hovertemplate=hover,
        hoverongaps=False,
    )


def _words(words: list[str], grounds: list[str], size: int = 14) -> go.Scatter:
    return go.Scatter(
        x=[name for _ in EMOTIONS for name in EMOTIONS],
        y=[name for name in EMOTIONS for _ in EMOTIONS],
        mode="text",
        text=words,
        textfont={"size": size, "color": [ink(ground) for ground in grounds]},
        hoverinfo="skip",
        name="",
    )


def _shares(counts: np.ndarray, axis: int) -> np.ndarray:
    shares: np.ndarray = counts / np.maximum(1, counts.sum(axis, keepdims=True))
    return shares
