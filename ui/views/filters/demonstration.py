"""Demonstration: large pictures and few controls; it walks through the layers by itself, and may be left running for hours."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from fer_core.emotions import EMOTIONS, SIDE
from fer_core.feature_vis.request import SWITCHES, Goal
from fer_core.models.weights_header import Block
from ui.controls import ascent_player
from ui.elements import network
from ui.services.ascents import SHELF, every
from ui.services.filter_view import Place
from ui.state import navigation, url_params
from ui.streamlit_ext import rerun
from ui.streamlit_ext.escape_key import escape
from ui.text.language import say

PER_LAYER = 3
"""Units of a layer in one round."""
PAUSE = 3.5
"""Seconds that a finished picture stays."""
TICK = 0.5
LAST = SWITCHES["demo"][-1]
"""Highest step that a link may name."""
SIDE_SHOWN = 15 * SIDE
"""Pixels of the picture's side, where the screen is high enough."""
STYLE = """<style>
.st-key-controls, [data-testid=stHorizontalBlock]:has(h1), .st-key-thread { display: none; }
[data-testid=stSidebar], [data-testid=stHeader], [data-testid=stExpandSidebarButton] { display: none; }
[data-testid=stMainBlockContainer] { padding-top: 0.4rem !important; padding-bottom: 0.5rem !important; }
.st-key-demonstration-network-row { max-width: 1000px; margin: -0.6rem auto -0.9rem; }
</style>"""


def stop(blocks: list[Block], number: int) -> tuple[str, Block, int, int]:
    """Give the goal at a step of the endless walk: kind, block, unit or class, other class. Every round shows other units."""
    plan: list[tuple[str, Block, int, int]] = []
    length = sum(min(PER_LAYER, block.units) for block in blocks if block.name != "logits") + len(EMOTIONS) + 2
    circle, place = divmod(number, length)
    drawn = np.random.default_rng(circle)
    for block in blocks:
        if block.name != "logits":
            plan += [("filter", block, int(unit), 0) for unit in drawn.permutation(block.units)[:PER_LAYER]]
    plan += [("class", blocks[-1], label, 0) for label in range(len(EMOTIONS))]
    for _ in range(2):
        p, q = drawn.permutation(len(EMOTIONS))[:2]
        plan.append(("difference", blocks[-1], int(p), int(q)))
    return plan[place]


def goal_at(place: Place, number: int) -> Goal:
    """Give what is painted at a step of the walk."""
    kind, block, one, other = stop(place.blocks, number)
    plain = replace(place.goal, kind=kind, block=block, knobs=(), silence=False, face=False, many=1, place="filter")
    return replace(plain, unit=one) if kind == "filter" else replace(plain, p=one, q=other)


def draw(place: Place, holder: str) -> None:
    """Draw the demonstration; the page around it stays as it is."""
    st.html(STYLE)
    with st.container(horizontal=True, key="demonstration-bar"):
        st.button(say("End the demonstration"), icon=":material/close:", key="demo-end", on_click=_end, args=(place,))
        st.button(say("Next"), icon=":material/skip_next:", key="demo-next", on_click=_next)
    escape(partial(_end, place))
    rerun.again(_walk, TICK, place, holder)


def _state() -> dict[str, Any]:
    """Give the step, the URL's when that is another one than before, and when its picture has stood long enough."""
    asked = url_params.param("demo", 1, cast=int, low=1, high=LAST)
    state: dict[str, Any] = st.session_state.setdefault("_demonstration", {"asked": None})
    if state["asked"] != asked:
        state.update(asked=asked, number=asked - 1, ended=None)
    return state


def _on() -> None:
    state = _state()
    state["number"], state["ended"] = state["number"] + 1, None


def _next() -> None:
    _on()
    navigation.write(demo=_state()["number"] + 1)


def _end(place: Place) -> None:
    """Leave for what was shown last."""
    goal = goal_at(place, _state()["number"])
    if goal.kind == "filter":
        navigation.write(demo=None, layer=goal.block.name, unit=goal.unit, goal=None)
    else:
        navigation.write(demo=None, goal=goal.kind, p=EMOTIONS[goal.p], q=EMOTIONS[goal.q] if goal.kind == "difference" else None)
    st.session_state.pop("_demonstration")


def _walk(place: Place, holder: str) -> None:
    state = _state()
    goal = goal_at(place, state["number"])
    film = ascent_player.film(holder, place.network, goal)
    if not film.running:
        state["ended"] = state["ended"] or time.monotonic() + _length(film.total)
        if time.monotonic() > state["ended"]:
            SHELF.forget(holder, ascent_player.name(place.network, goal, None))
            _on()
            goal = goal_at(place, state["number"])
            film = ascent_player.film(holder, place.network, goal)
    film.watch()
    network.network(place.blocks, goal.block.name, None, key="demonstration-network")
    look = ascent_player.Look(SIDE_SHOWN, False, say(goal.title), say("{what}. {score}", what=_what(goal), score=goal.unit_of_score))
    with st.container(key="stage", horizontal_alignment="center"):
        ascent_player.present(film, ascent_player.tag_of(ascent_player.name(place.network, goal, None)), look, key="demonstration")


def _what(goal: Goal) -> str:
    if goal.kind == "class":
        return say("One of the seven classes")
    if goal.kind == "difference":
        return say("The contrast of two classes")
    block = goal.block
    told = say("{view}, one of {units} of {layer}", view=block.view, units=block.plural, layer=block.name)
    return told[0].upper() + told[1:]


def _length(total: int) -> float:
    """Guess the seconds that a film of so many steps takes on the screen after it is made, and its pause."""
    return total / every(total) / 16 + PAUSE
