"""Chosen cells of a matrix in words."""

from __future__ import annotations

from collections.abc import Sequence

from fer_core.annotations.face_filter import Cell
from fer_core.emotions import EMOTIONS
from ui.text import formatting
from ui.text.language import say


def said(cells: Sequence[Cell]) -> str:
    """Write cells in words: `Sad called Neutral`, `labelled Sad`, `called Neutral`."""
    return formatting.commas([
        say("{label} called {called}", label=plain(t), called=plain(p)) if t is not None and p is not None
        else say("labelled {label}", label=plain(t)) if t is not None
        else say("called {called}", called=plain(p)) if p is not None else say("all faces")
        for t, p in cells
    ])


def plain(label: int) -> str:
    """Name a label in English, as files have it; -1 is a face without one."""
    return EMOTIONS[label].capitalize() if label >= 0 else "No label"
