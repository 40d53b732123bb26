"""Data in, plotly figure out: pure functions, one look in two themes (`colours`), and the numbers of any figure as a table.

Epochs count from 1; accuracies and recalls come as 0 to 1 and are drawn in percent; losses are in nats.
The figures over epochs stand in `curves`, those of the matrix in `matrices`, those of scores in `confidence`; all are named here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from fer_core.emotions import EMOTIONS, NAMES
from fer_core.messages import Sentence
from fer_core.plots.confusion import SHADINGS, Shading, matrix, matrix_difference, matrix_film
from fer_core.plots.curves import (
    Curve,
    Metric,
    curves,
    images_per_second,
    learning_rate,
    probe_over_epochs,
    recall_over_epochs,
    seed_band,
    sparkline,
)
from fer_core.plots.scores import (
    cell_probabilities,
    class_scores,
    compare_accuracy,
    confidence_bars,
    coverage,
    map_curves,
    reliability,
)
from fer_core.plots.theme import (
    EMOTION_COLOURS,
    GROUND,
    RUN_COLOURS,
    TEXT,
    Theme,
    blank,
    run_colour,
    shade,
)

__all__ = [
    "EMOTION_COLOURS",
    "RUN_COLOURS",
    "SHADINGS",
    "Curve",
    "Metric",
    "Shading",
    "Theme",
    "cell_probabilities",
    "class_bars",
    "class_scores",
    "compare_accuracy",
    "confidence_bars",
    "coverage",
    "curves",
    "images_per_second",
    "learning_rate",
    "map_curves",
    "matrix",
    "matrix_difference",
    "matrix_film",
    "probability_bars",
    "probe_over_epochs",
    "recall_over_epochs",
    "reliability",
    "run_colour",
    "seed_band",
    "sparkline",
    "to_table",
]


def class_bars(counts: Mapping[str, Sequence[int]], *, chosen: int | None = None, theme: Theme = "light") -> go.Figure:
    """Draw the faces per class of one split, {split: (7,)}, with number and share; of several splits, the shares side by side."""
    alone = len(counts) == 1
    figure = blank(theme, "", "faces" if alone else "share of the split", ",d" if alone else ".0%")
    patterns = ("", "/", ".", "x")
    tables = {split: [int(value) for value in values] for split, values in counts.items()}
    top = 0.0
    for number, (split, values) in enumerate(tables.items()):
        shares = [value / max(1, sum(values)) for value in values]
        heights = values if alone else shares
        top = max(top, *heights)
        figure.add_bar(
            x=list(EMOTIONS),
            y=heights,
            name=f"{split} ({sum(values):,})",
            customdata=list(zip(values, shares, strict=True)),
            texttemplate="%{customdata[0]:,}<br>%{customdata[1]:.1%}" if alone else None,
            textposition="outside",
            constraintext="none",
            textfont={"size": 12},
            cliponaxis=False,
            hovertemplate="%{customdata[0]:,} faces, %{customdata[1]:.1%}",
            marker={
                "color": [EMOTION_COLOURS[name] for name in EMOTIONS],
                "opacity": [1.0 if chosen in (None, index) else 0.45 for index in range(len(EMOTIONS))],
                "pattern": {"shape": patterns[number % 4], "fgcolor": "rgba(255,255,255,.65)", "fillmode": "overlay"},
            },
        )
    figure.update_xaxes(tickvals=EMOTIONS, ticktext=NAMES)
    return figure.update_layout(showlegend=not alone, yaxis={"range": [0, 1.18 * top or 1]})


def probability_bars(probabilities: np.ndarray, true: int | None = None, *, theme: Theme = "light") -> go.Figure:
    """Draw the seven probabilities (7,) of one face: predicted filled, the others pale, the true class outlined."""
    values = np.asarray(probabilities, dtype=float)
    predicted = int(values.argmax())
    names = [Sentence("<b>{label}</b>", label=name) if index == true else name for index, name in enumerate(NAMES)]
    figure = blank(theme, "probability", "", "")
    figure.add_bar(
        x=values,
        y=EMOTIONS,
        orientation="h",
        name="probability",
        texttemplate="%{x:.1%}",
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{x:.2%}",
        marker={
            "color": [
                shade((GROUND[theme], EMOTION_COLOURS[name]), 1 if index == predicted else 0.35) for index, name in enumerate(EMOTIONS)
            ],
            "line": {"color": TEXT[theme], "width": [2.5 if index == true else 0 for index in range(len(EMOTIONS))]},
        },
    )
    figure.update_xaxes(range=[0, 1.16], tickvals=[0, 0.25, 0.5, 0.75, 1], tickformat=".0%", showgrid=True)
    figure.update_yaxes(tickvals=EMOTIONS, ticktext=names, autorange="reversed", showgrid=False)
    return figure.update_layout(hovermode="closest", margin={"t": 8}, showlegend=False)


def to_table(figure: go.Figure) -> dict[str, list[Any]]:
    """Return the numbers of a figure as equally long columns: series, the axes by their titles, low and high of intervals."""
    rows: list[dict[str, Any]] = []
    for trace in figure.data:
        rows += _heatmap_rows(trace) if trace.type == "heatmap" else _point_rows(trace, figure)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [row.get(name) for row in rows] for name in columns}


def _point_rows(trace: Any, figure: go.Figure) -> list[dict[str, Any]]:
    if trace.x is None or (trace.type == "scatter" and trace.mode == "text"):
        return []
    columns = {"x": [_item(value) for value in trace.x], "y": [_item(value) for value in trace.y]}
    titles = {"x": (figure.layout.xaxis.title.text or "class").split(" (solid")[0], "y": figure.layout.yaxis.title.text or "class"}
    if trace.meta:  # marks that stand beside a name: {axis: (title, names)}
        for axis, (title, names) in trace.meta.items():
            columns[axis], titles[axis] = list(names), title
    rows = [{"series": trace.name, titles["x"]: a, titles["y"]: b} for a, b in zip(columns["x"], columns["y"], strict=True)]
    for error, value in ((trace.error_x, trace.x), (trace.error_y, trace.y)):
        if error.array is not None:
            for row, centre, up, down in zip(rows, value, error.array, error.arrayminus, strict=True):
                row |= {"low": _item(centre - down), "high": _item(centre + up)}
    return rows


def _heatmap_rows(trace: Any) -> list[dict[str, Any]]:
    names = (trace.meta or {}).get("columns", ["count"])
    return [
        {"true": true, "predicted": predicted, **dict(zip(names, map(_item, np.atleast_1d(trace.customdata[r][c])), strict=True))}
        for r, true in enumerate(trace.y)
        for c, predicted in enumerate(trace.x)
        if trace.z[r][c] is not None and not np.isnan(trace.z[r][c])
    ]


def _item(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return value.replace("<b>", "").replace("</b>", "") if isinstance(value, str) else value
