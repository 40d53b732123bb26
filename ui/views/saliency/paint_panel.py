"""Paint on the face, and see the seven probabilities move: an experiment that needs no map."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace

import numpy as np
import streamlit as st

from fer_core.attribution import region_occlusion
from fer_core.emotions import SIDE
from ui.elements import bars
from ui.services.explained_face import Subject, predicted
from ui.streamlit_ext.component import component
from ui.text import formatting
from ui.text.language import say

_component = component(__file__, "paint")


def pixels(text: object) -> np.ndarray | None:
    """Read what the page tells of a painted face: uint8 (48, 48); `None` for anything else."""
    try:
        raw = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        return None
    return np.frombuffer(raw, np.uint8).reshape(SIDE, SIDE).copy() if len(raw) == SIDE * SIDE else None


def panel(subject: Subject) -> None:
    """Draw the panel."""
    key = str(subject.key[-1])
    painted = _painted(key)
    now = subject.image if painted is None else painted

    def told() -> None:
        found = st.session_state["paint"].get("paint")
        if found is not None and found.get("key") == key and (made := pixels(found.get("pixels"))) is not None:
            st.session_state["painted"] = (key, made)

    whole = np.ones((1, SIDE, SIDE), bool)
    data = {"key": key, "face": _text(subject.image), "painted": _text(now), "mean": int(subject.image.mean()),
            "blurred": _text(region_occlusion.cover(subject.image, whole)[0].round().astype(np.uint8)),
            "label": say("The face to paint on; arrows move the brush, space sets it down"), "words": _words()}
    left, right = st.columns([1, 1.2], gap="large")
    with left, st.container(key="paint-face"):
        _component(key="paint", data=data, on_paint_change=told)
    with right:
        st.markdown(say("**What the network says of the painted face**"))
        _answer(subject, now)


def _answer(subject: Subject, now: np.ndarray) -> None:
    before = subject.probabilities
    assert before is not None
    changed = int((now != subject.image).sum())
    after = predicted(replace(subject, image=now, probabilities=None)) if changed else before
    if after is None:
        return
    bars.seven(after, subject.label, before=before if changed else None)
    if not changed:
        st.caption(say("Paint over a part of the face: the bars answer when the hand lets go. Blur and Grey take away what is there; "
                       "Lighter and Darker change it."))
        return
    was, is_now = int(before.argmax()), int(after.argmax())
    call = say("still {called}", called=formatting.emotion(is_now)) if was == is_now else \
        say("now {called}, no longer {before}", called=formatting.emotion(is_now), before=formatting.emotion(was))
    st.caption(say("{changed:,} of {n:,} pixels painted: called {call}. The ticks show the face as it was, the small numbers the "
                   "change in points. The painting is kept in this tab only, not in the link.", changed=changed, n=SIDE * SIDE, call=call))


def _words() -> dict[str, str]:
    """Give what the component writes: the tools by name, and the rest."""
    return {"blur": say("Blur"), "grey": say("Grey"), "lighter": say("Lighter"), "darker": say("Darker"), "face": say("Restore"),
            "brush": say("Brush"), "size": say("Size"), "width": say("Size of the brush in pixels"), "undo": say("Undo"),
            "clear": say("Clear")}


def _painted(key: str) -> np.ndarray | None:
    of, made = st.session_state.get("painted", ("", None))
    return made if of == key else None


def _text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array, np.uint8).tobytes()).decode("ascii")
