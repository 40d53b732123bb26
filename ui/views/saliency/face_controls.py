"""Which face: its number, the ways to others, and which faces are walked through; Escape leads back to the matrix."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import streamlit as st

from fer_core.annotations.face_filter import SORTS, parse
from fer_core.emotions import EMOTIONS
from ui.services.explained_face import Walk
from ui.services.predictions import Answers
from ui.shell import page
from ui.state import bound_widgets, navigation, url_params
from ui.streamlit_ext.escape_key import escape
from ui.text import formatting
from ui.text.language import say

MATRIX = "pages/confusion_matrix.py"


def back() -> None:
    """Draw the way back to the matrix; Escape is the same."""

    def leave() -> None:
        navigation.leave(MATRIX, navigation.carried())

    page.link(MATRIX, "Back to the matrix (Esc)", icon=":material/arrow_back:")
    escape(leave)


def number(way: Walk) -> None:
    """Draw the number of the face."""
    count = len(way.dataset[way.split])
    st.number_input(say("Face, 0 to {last:,}", last=count - 1), 0, count - 1, way.image, width=150,
                    **bound_widgets.mirror("face_number", way.image, lambda face: navigation.write(image=face)))


def steps(way: Walk) -> None:
    """Draw the ways to other faces, and where among the chosen ones this is."""
    with st.container(horizontal=True, vertical_alignment="center", key="steps"):
        for name, icon, by in (("Previous", ":material/chevron_left:", -1), ("Next", ":material/chevron_right:", 1)):
            face = way.step(by)
            st.button(say(name), icon=icon, key=f"step{by}", disabled=face is None, on_click=_step, args=(way, by))
        others = way.wrong[way.wrong != way.image]
        st.button(say("Random wrong one"), icon=":material/casino:", key="random", disabled=not len(others), on_click=at_random,
                  args=(others,), help=None if len(others) else say("No other wrong face is known among the chosen ones."))
        back()
        place = say("Face {at:,} of {n:,}", at=way.place + 1, n=len(way.order)) if way.place is not None else \
            say("Not among the chosen faces")
        st.caption(formatting.literal(f"{place} · {say(way.said)}"), width="stretch")


def _step(way: Walk, by: int) -> None:
    """Go on from the face that was asked for last: a quick hand clicks again before the page has followed."""
    face = replace(way, image=navigation.newest("image", way.image, cast=int)).step(by)
    if face is not None:
        navigation.write(image=face)


def at_random(others: np.ndarray) -> None:
    """Go to one of the wrong faces."""
    navigation.write(image=int(np.random.default_rng().choice(others)))


def choose_faces(found: Answers | None) -> None:
    """Draw which faces are walked through: by label, by call, and their order."""
    names = ["any", *EMOTIONS]
    with st.popover(say("Choose faces"), icon=":material/filter_list:"):
        for label, param in (("Labelled", "true"), ("Called", "pred")):
            number = url_params.emotion(param)
            now = "any" if number is None else EMOTIONS[number]
            st.selectbox(say(label), names, names.index(now), format_func=bound_widgets.labels(names, str.capitalize).__getitem__,
                         disabled=found is None and param == "pred", **bound_widgets.mirror(f"pick_{param}", now, partial(picked, param)))
        if parse(st.query_params.to_dict())[0].anything:  # all of them go by their number
            bound_widgets.choose(
                "Order", "sort", [name for name in SORTS if name != "typical"], words=SORTS.__getitem__, default="confident"
            )
        page.link(MATRIX, "Choose in the confusion matrix")


def picked(param: str, value: str) -> None:
    """Take a label or a call; the face shown is then the first of the chosen ones."""
    navigation.write(**{param: None if value == "any" else value}, image=None, cells=None, class_=None)
