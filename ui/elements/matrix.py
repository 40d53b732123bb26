"""A confusion matrix of buttons: the whole cell is the target, headings open rows and columns, and the selection is told from outside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from fer_core.annotations.face_filter import Cell
from fer_core.emotions import EMOTIONS
from fer_core.messages import signed
from fer_core.plots.confusion import Shading, cell_grounds, difference_grounds
from fer_core.plots.theme import EMOTION_COLOURS, TEXT, Theme, ink
from ui.streamlit_ext.component import component
from ui.text import formatting
from ui.text.language import say

_component = component(__file__, "matrix")


@dataclass(frozen=True)
class Look:
    """What stands in the 49 cells, row by row: a large and a small text, the ground, and what is told on hover."""

    large: list[str]
    small: list[str]
    grounds: list[str]
    tips: list[str]
    row_totals: list[str]
    column_totals: list[str]


def counted(counts: np.ndarray, shading: Shading, theme: Theme) -> Look:
    """Show counts (7, 7), rows true: the number large, the share of the row small; `errors` hides the diagonal."""
    rows, columns = counts.sum(1), counts.sum(0)
    large, small, tips = [], [], []
    for t, p in np.ndindex(counts.shape):
        n, hidden = int(counts[t, p]), shading == "errors" and t == p
        share = f"{n / rows[t]:.0%}" if rows[t] else "–"
        large.append("" if hidden else f"{n:,}")
        small.append("" if hidden else share)
        of_called = (say("{share:.1%} of the faces called {called}", share=n / columns[p], called=formatting.emotion(p)) if columns[p] else
                     say("nothing is called so"))
        tips.append(say("{n:,} of {support:,} {label} faces called {called} ({share}; {of_called})", n=n, support=int(rows[t]),
                        label=formatting.emotion(t), called=formatting.emotion(p), share=share, of_called=of_called))
    return Look(large, small, cell_grounds(counts, shading, theme), tips, [f"{n:,}" for n in rows], [f"{n:,}" for n in columns])


def difference(a: np.ndarray, b: np.ndarray, theme: Theme) -> Look:
    """Show the row percent of b minus those of a in points, and the faces; orange is more in b, purple more in a."""
    points, grounds = difference_grounds(a, b, theme)
    faces = (b - a).ravel()
    tips = [
        say(
            "{label} called {called}: {a:,} in A, {b:,} in B",
            label=formatting.emotion(t),
            called=formatting.emotion(p),
            a=int(a[t, p]),
            b=int(b[t, p]),
        )
        for t, p in np.ndindex(a.shape)
    ]
    return Look([signed(value) for value in points.ravel()], [f"{int(n):+,}".replace("-", "\N{MINUS SIGN}") for n in faces], grounds, tips,
                [f"{n:,}" for n in a.sum(1)], [f"{int(n):+,}".replace("-", "\N{MINUS SIGN}") for n in b.sum(0) - a.sum(0)])


def matrix(look: Look, key: str, *, told: Sequence[tuple[str, bool]], selected: Sequence[Cell], on_pick: Callable[[list[Cell]], None],
           theme: Theme) -> None:
    """Draw the matrix under what is told of it, (words, strong) each; `on_pick` gets all cells that are then selected."""

    def picked() -> None:
        value = st.session_state[f"matrix_{key}"].get("pick")
        if value is not None:
            on_pick([(_index(t), _index(p)) for t, p in value["cells"]])

    names = [formatting.emotion(number) for number in range(len(EMOTIONS))]
    data: dict[str, Any] = {
        **vars(look),
        "names": names,
        "row_names": [say("All faces labelled {label}: {n}", label=name, n=n) for name, n in zip(names, look.row_totals, strict=True)],
        "column_names": [say("All faces called {called}: {n}", called=name, n=n)
                         for name, n in zip(names, look.column_totals, strict=True)],
        "edges": [EMOTION_COLOURS[name] for name in EMOTIONS],
        "inks": [ink(ground) for ground in look.grounds],
        "told": [{"text": text, "strong": strong} for text, strong in told],
        "across": say("predicted: what the network called it"),
        "down": say("true: its label"),
        "several": say("Several"),
        "several_tip": say("Each click adds a cell, a row or a column, or takes it off (or hold Ctrl)"),
        "clear": say("Clear"),
        "save_tip": say("Save the matrix as a picture"),
        "hint": say("Click a cell or a name · Ctrl adds · Esc clears"),
        "selected": [list(cell) for cell in selected],
        "chosen_colour": TEXT[theme],
        "label": say("Confusion matrix"),
        "file": "fer-lens-matrix",
    }
    with st.container(key=key):
        _component(key=f"matrix_{key}", data=data, on_pick_change=picked)


def _index(value: Any) -> int | None:
    return None if value is None else int(value)
