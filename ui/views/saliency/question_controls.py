"""The controls of a question: why this class, rather than which, by which method with which settings."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from fer_core.attribution.registry import NO_CONVOLUTION, WORDS
from fer_core.attribution.request import DEFAULT_SAMPLES, KNOBS, Question, parse, why
from fer_core.emotions import EMOTIONS
from ui.elements import messages
from ui.services.explained_face import Subject
from ui.state import bound_widgets, navigation
from ui.text import formatting
from ui.text.language import say

OTHER = "other"


def question(subject: Subject, layers: dict[str, tuple[int, int]] | None) -> Question:
    """Draw the choices and return what is asked. `layers` are those a class activation map can take, once they are known."""
    asked, complaints = parse(st.query_params.to_dict(), subject.called, subject.label)
    messages.left_aside(complaints)
    with st.container(horizontal=True, vertical_alignment="bottom", key="question-row"):
        _why(subject, asked)
        if WORDS[asked.method].needs_convolution:
            asked = _layer(asked, layers)
        knobs = [name for name in WORDS[asked.method].knobs if name in KNOBS]
        if knobs:
            with st.popover(say("Settings"), icon=":material/tune:"):
                _settings(asked, knobs)
    with st.container(key="method-row", gap="xsmall"):
        _method(subject, asked)
    return asked


def options(subject: Subject) -> dict[str, tuple[dict[str, Any], tuple[int, int | None]]]:
    """Name the usual questions about a face: what each writes into the URL, and its classes."""
    called, label = subject.called, subject.label
    found: dict[str, tuple[dict[str, Any], tuple[int, int | None]]] = {
        why(called, None): ({"p": "called", "q": None}, (called, None))}
    if subject.wrong:
        found[why(label, None)] = ({"p": "label", "q": None}, (label, None))
        found = {why(called, label): ({"p": None, "q": None}, (called, label)), **found}
    return found


def _why(subject: Subject, asked: Question) -> None:
    usual = options(subject)
    classes = (asked.target, asked.versus)
    now = next((name for name, (_, pair) in usual.items() if pair == classes), OTHER)
    if st.session_state.get("other_question"):
        now = OTHER

    def chosen(value: str | None) -> None:
        st.session_state["other_question"] = value == OTHER
        if value in usual:
            navigation.write(**usual[value][0])

    labels = bound_widgets.labels([*usual, OTHER], lambda name: "Another class ..." if name == OTHER else name)
    st.segmented_control(say("Question"), list(labels), default=now, label_visibility="collapsed", wrap=True,
                         format_func=labels.__getitem__, **bound_widgets.mirror("choose_question", now, chosen))
    if now == OTHER:
        _other(asked)


def _other(asked: Question) -> None:
    names = [name.capitalize() for name in EMOTIONS]
    p, q = names[asked.target], names[asked.versus] if asked.versus is not None else "nothing else"
    others = ["nothing else", *(name for name in names if name != p)]
    st.selectbox(say("Why"), names, names.index(p), format_func=bound_widgets.labels(names).__getitem__, width=150,
                 **bound_widgets.mirror("other_p", p, lambda name: _chosen(name, q)))
    st.selectbox(say("rather than"), others, others.index(q), format_func=bound_widgets.labels(others).__getitem__, width=150,
                 **bound_widgets.mirror("other_q", q, lambda name: _chosen(p, name)))


def _chosen(p: str, q: str) -> None:
    navigation.write(p=p.lower(), q=q.lower() if q.lower() in EMOTIONS and q != p else None)


def _method(subject: Subject, asked: Question) -> None:
    flat = subject.run.config.arch == "dnn"

    def name(method: str) -> str:
        label = say(WORDS[method].name)
        return f":gray[~~{label}~~]" if flat and WORDS[method].needs_convolution else label

    def chosen(value: str | None) -> None:
        if value is not None:
            navigation.write(method=value, **dict.fromkeys(KNOBS))

    st.segmented_control(say("Method"), list(WORDS), default=asked.method, format_func=bound_widgets.labels(list(WORDS), name).__getitem__,
                         label_visibility="collapsed", **bound_widgets.mirror("choose_method", asked.method, chosen))
    if flat:
        st.caption(say("Grad-CAM and LayerCAM are struck out: {reason}.", reason=NO_CONVOLUTION))


def _layer(asked: Question, layers: dict[str, tuple[int, int]] | None) -> Question:
    from dataclasses import replace

    if not layers:
        return replace(asked, layer=None)
    if asked.layer is not None and asked.layer not in layers:
        st.info(say("The layer '{layer}' has no such map; the usual one was taken.", layer=formatting.literal(asked.layer[:40])),
                icon=":material/info:")
        asked = replace(asked, layer=None)
    usual = "usual layer"
    names = [usual, *layers]

    def chosen(value: str) -> None:
        navigation.write(layer=None if value == usual else value)

    def name(layer: str) -> str:
        return layer if layer == usual else f"{layer} ({layers[layer][0]} × {layers[layer][1]})"

    now = asked.layer or usual
    st.selectbox(say("Layer"), names, names.index(now), format_func=bound_widgets.labels(names, name).__getitem__, width=210,
                 label_visibility="collapsed", **bound_widgets.mirror("choose_layer", now, chosen))
    return asked


def _settings(asked: Question, knobs: list[str]) -> None:
    told = dict(asked.knobs)
    for name in knobs:
        label, low, high, default, help = KNOBS[name]
        usual = DEFAULT_SAMPLES.get(asked.method) if name == "samples" else default
        value = told.get(name, usual)
        now = float(value) if name == "noise" and value is not None else int(value) if value is not None else None
        st.number_input(say(label), low, high, now, help=say(help), placeholder=say("the face's own mean"),
                        **bound_widgets.mirror(f"knob_{name}", now, partial(_knob, name, usual)))


def _knob(name: str, usual: Any, value: float | None) -> None:
    navigation.write(**{name: None if value == usual else value})


def reading(asked: Question) -> None:
    """Say how the map is read, and what it does not prove."""
    read = say(asked.words.reading)
    if asked.versus is not None:
        read = formatting.prose(
            [read, say("Here: for {p} (+) against {q} (-).", p=formatting.emotion(asked.target), q=formatting.emotion(asked.versus))]
        )
    st.markdown(say("**How to read it.** {reading}  \n**What it does not prove.** {caveat}", reading=formatting.literal(read),
                    caveat=formatting.literal(say(asked.words.caveat))))
