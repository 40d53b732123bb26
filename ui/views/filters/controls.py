"""The choices of the filter explorer: what to paint, presets, and every knob with a sentence on what it does."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import streamlit as st

from fer_core.emotions import EMOTIONS
from fer_core.feature_vis.request import (
    KINDS,
    KNOBS,
    MANY,
    PLACES,
    PRESET_WORDS,
    TOPS,
    WHOLE,
    Goal,
    write_knobs,
)
from fer_core.feature_vis.settings import CHOICES, LIMITS, PRESETS
from ui.state import bound_widgets, navigation
from ui.text import formatting
from ui.text.language import say

FIRST = {"class": "A logit", "neuron": "A neuron"}
NUMBERS = {"class": "Class, 0 to {top:,}", "filter": "Filter, 0 to {top:,}", "neuron": "Neuron, 0 to {top:,}"}


def what(goal: Goal) -> None:
    """Draw what is painted: the kind, and its unit or classes."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="what"):
        kinds = KINDS | {"filter": FIRST.get(goal.block.noun, KINDS["filter"])}
        bound_widgets.choose("Paint what excites", "goal", list(KINDS), words=kinds.__getitem__, default="filter")
        if goal.kind in ("class", "difference"):
            _class(say("Class"), "p", goal.p, list(range(len(EMOTIONS))))
            if goal.kind == "difference":
                _class(say("rather than"), "q", goal.q, [i for i in range(len(EMOTIONS)) if i != goal.p])
        elif goal.kind == "filter":
            _unit(goal)
        bound_widgets.choose("Preset", "preset", list(PRESETS), words=_capitalised, kind="segmented", default="standard")
        _switch(say("Four optima"), "many", str(MANY), goal.many > 1,
                say("Four pictures of the same thing that keep apart: one picture can hide that several quite different ones excite it."))


def _capitalised(word: str) -> str:
    return say(word).capitalize()


def _class(label: str, param: str, now: int, options: list[int]) -> None:
    st.selectbox(label, options, options.index(now), format_func=formatting.emotion, width=150,
                 **bound_widgets.mirror(f"class_{param}", now, lambda label: navigation.write(**{param: EMOTIONS[label]})))


def _unit(goal: Goal) -> None:
    top = goal.block.units - 1
    st.number_input(say(NUMBERS[goal.block.noun], top=top), 0, top, goal.unit, width=150,
                    **bound_widgets.mirror("unit_number", goal.unit, lambda unit: navigation.write(unit=unit)))


def _switch(label: str, param: str, value: str, now: bool, told: str) -> None:
    st.toggle(label, now, help=told,
              **bound_widgets.mirror(f"switch_{param}", now, lambda on: navigation.write(**{param: value if on else None})))


def knobs(goal: Goal, *, face: bool) -> None:
    """Draw every knob in an expander, once it is open; what differs from the preset goes into the URL, and is told below."""
    every = st.expander(say("Every knob"), icon=":material/tune:", key="knobs", on_change="rerun")
    if every.open:
        with every:
            _every_knob(goal, face)
    if goal.knobs:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(say("Changed: {knobs}.", knobs=say(", ").join(_said(name, value) for name, value in goal.knobs)), width="content")
            st.button(say("Back to the preset"), icon=":material/undo:", type="tertiary", on_click=navigation.write, kwargs={"knobs": None})


def _said(name: str, value: float | str) -> str:
    label = say(KNOBS[name][0]).lower()
    return f"{label} {say(value)}" if isinstance(value, str) else f"{label} {value:g}"


def _every_knob(goal: Goal, face: bool) -> None:
    st.caption(say("**{preset}**: {told}", preset=_capitalised(goal.preset), told=PRESET_WORDS[goal.preset]))
    with st.container(horizontal=True):
        if goal.kind == "filter" and goal.block.grid:
            bound_widgets.choose("Excite it", "place", list(PLACES), words=PLACES.__getitem__)
        _switch(say("Silence it instead"), "silence", "1", goal.silence, say("The other way: the picture that it answers to least."))
        if face:
            _switch(say("Start from the chosen face"), "from", "face", goal.face, say("Instead of noise: what is made of a real face."))
    values = asdict(goal.settings)
    columns = st.columns(3)
    for i, (name, (label, told)) in enumerate(KNOBS.items()):
        with columns[i % len(columns)]:
            _knob(goal, name, say(label), say(told), values)


def _knob(goal: Goal, name: str, label: str, told: str, values: dict[str, Any]) -> None:
    def turned(value: float | str) -> None:
        navigation.write(knobs=write_knobs(dict(goal.knobs) | {name: value}, goal.preset))

    if name in CHOICES:
        now = values[name]
        st.selectbox(label, CHOICES[name], CHOICES[name].index(now), format_func=_capitalised,
                     **bound_widgets.mirror(f"knob_{name}", now, turned))
    else:
        low, high = LIMITS[name][0], TOPS.get(name, LIMITS[name][1])
        cast = int if name in WHOLE else float
        step = 1 if name in WHOLE else 0.01 if high <= 1 else 0.1
        now = cast(values[name])
        st.slider(label, cast(low), cast(high), now, cast(step), **bound_widgets.mirror(f"knob_{name}", now, turned))
    st.caption(told)
