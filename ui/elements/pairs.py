"""The ranked list of confused pairs: the matrix for the keyboard, and faster to read than 49 cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from fer_core.annotations.face_filter import Cell
from fer_core.emotions import EMOTIONS
from fer_core.metrics.evaluation import Evaluation
from fer_core.plots.theme import EMOTION_COLOURS
from ui.streamlit_ext.component import component
from ui.text import formatting
from ui.text.language import say

COLUMNS = (
    ("Pair", "what the label says, and what the network called it", False),
    ("Faces", "how many faces", False),
    ("Of class", "share of the faces with this label", True),
    ("Of errors", "share of all errors", False),
    ("× chance", "how many times as often as chance expects: the errors of the class spread over the others as often as those are named "
     "in error", True),
    ("Reverse", "the same two classes the other way round", False),
)

_component = component(__file__, "pairs")


def rows(evaluation: Evaluation) -> list[dict[str, object]]:
    """Return a row per confused pair, both directions, the most frequent first."""
    result: list[dict[str, object]] = []
    for pair in evaluation.most_confused():
        true, called = (formatting.emotion(index) for index in (pair.true, pair.predicted))
        reverse = int(evaluation.matrix[pair.predicted, pair.true])
        result.append({
            "cell": [pair.true, pair.predicted],
            "name": f"{true} → {called}",
            "colours": [EMOTION_COLOURS[EMOTIONS[index]] for index in (pair.true, pair.predicted)],
            "texts": [f"{pair.count:,}", formatting.percent(pair.of_class), formatting.percent(pair.of_errors), f"{pair.growth:.1f}"],
            "back": f"{reverse:,}",
            "back_tip": say("{label} called {called}: {faces}", label=called, called=true, faces=formatting.faces(reverse)),
        })
    return result


def pairs(evaluation: Evaluation, key: str, *, selected: Sequence[Cell], on_pick: Callable[[list[Cell]], None]) -> None:
    """Draw the list; a pair chosen opens its cell, its last column the cell of the other direction."""

    def picked() -> None:
        value = st.session_state[f"pairs_{key}"].get("pick")
        if value is not None:
            on_pick([(int(t), int(p)) for t, p in value["cells"]])

    data = {
        "rows": rows(evaluation),
        "columns": [[say(title), say(tip), wide] for title, tip, wide in COLUMNS],
        "selected": [list(cell) for cell in selected],
        "label": say("Confused pairs, most frequent first"),
        "none": say("No face was called anything else than its label."),
    }
    with st.container(key=key):
        _component(key=f"pairs_{key}", data=data, on_pick_change=picked)
