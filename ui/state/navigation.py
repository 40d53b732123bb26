"""The selection of the whole app: it lives in the URL, so that any view is a link. Old or wrong values become the default."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fer_core.emotions import EMOTIONS, SPLITS, class_of
from fer_core.messages import NUMBER, OPTION, Sentence
from ui.text.language import say, spoken

T = TypeVar("T")

NAMES = ("data", "run", "split", "class", "true", "pred", "image", "p", "q", "method", "why", "block", "layer", "unit", "lang",
         "cells", "with", "show", "looks", "part", "min", "bin", "side", "verdict", "sort", "start", "panel", "colour")
"""Query parameters that every page carries on; any other one is left behind when the page changes.

The second row is the matrix page's own: Back after a change of page comes with the parameters of the page that was left.
"""
OF_FACE = ("boxes",)
"""Query parameters that belong to one face: they are left behind when another one is chosen."""

LATE = 1.0
"""Seconds after a click in which a browser may still ask with the query before it; later, a link does."""


class Written(NamedTuple):
    """The newest query that is known, the older ones that a browser which has not heard of it asks with, and when it was written."""

    newest: dict[str, str]
    older: Sequence[dict[str, str]] = ()
    at: float = 0.0


def parse(text: str | None, cast: Callable[[str], T], default: Any = None, *, low: Any = None, high: Any = None) -> T | Any:
    """Turn a parameter's text into a value, or into the default where it is missing, garbled or out of `low`..`high`."""
    if text is None:
        return default
    try:
        value = cast(text)
    except (ValueError, TypeError, KeyError):
        return default
    if (low is not None and not value >= low) or (high is not None and not value <= high):  # NaN is in no range
        return default
    return value


def param(
    name: str,
    default: Any = None,
    *,
    cast: Callable[[str], Any] = str,
    low: Any = None,
    high: Any = None,
    options: Sequence[Any] | None = None,
) -> Any:
    """Read one query parameter; `options` are the only values allowed where they are given."""
    value = parse(st.query_params.get(name), cast, default, low=low, high=high)
    return value if options is None or value in options else default


def strange(**allowed: Collection[Any]) -> list[str]:
    """Tell of each parameter of the URL that is none of what it can be: one of some words, or a number of a `range`."""
    told: list[str] = []
    for name, options in allowed.items():
        text = st.query_params.get(name)
        if text is not None and text not in map(str, options):
            given = f"{name}={text[:40]}"
            told.append(Sentence(NUMBER, given=given, low=options[0], high=options[-1]) if isinstance(options, range) else
                        Sentence(OPTION, given=given, options=", ".join(options)))
    return told


def unnamed(name: str) -> list[str]:
    """Tell of a parameter of the URL that should name a class and does not."""
    text = st.query_params.get(name)
    if text is None or class_of(text) is not None:
        return []
    return [Sentence(OPTION, given=f"{name}={text[:40]}", options=", ".join(EMOTIONS))]


def emotion(name: str = "class", default: int | None = None) -> int | None:
    """Read a class, written by its name or by its number 0 to 6."""
    found = class_of(st.query_params.get(name))
    return default if found is None else found


def split(default: str = "train", options: Sequence[str] = SPLITS) -> str:
    """Read the split; a split that the data set lacks gives the default, or the first that it has."""
    found = param("split", default, options=options)
    return str(found if found in options else options[0])


def write(**values: Any) -> None:
    """Write the selection into the URL; `None` takes a parameter away. Each call that changes something is one step of Back.

    Call it from a callback: what the person chose is then in the URL before any part of the page is drawn.
    """
    asked, now = st.query_params.to_dict(), _now()
    if str(values.get("image")) != now.get("image") and "image" in values:
        values = {**dict.fromkeys(name for name in OF_FACE if name in now), **values}
    new = {**now, **{name.rstrip("_"): str(value) for name, value in values.items() if value is not None}}
    for name, value in values.items():
        if value is None:
            new.pop(name.rstrip("_"), None)
    if new == now == asked:  # where the browser asked with an older query, the same is written again: one click can arrive twice
        return
    chosen = implied(values.get("image") is not None)
    new = {**{name: value for name, value in chosen.items() if name not in values}, **new}
    older = [*_written().older, now] if asked != now else [now]
    st.session_state["_written"] = Written(new, older, time.monotonic())
    st.query_params.from_dict(new)


def implied(face: bool) -> dict[str, str]:
    """Return what the page chose by itself and the URL leaves open: the run, since tomorrow another may be the usual one.

    With a `face`, the split and the data set too: the number alone says not which face.
    """
    found: dict[str, str] = st.session_state.get("_implied", {})
    return {name: value for name, value in found.items() if name == "run" or face}


def _written() -> Written:
    found: Written = st.session_state.get("_written") or Written({})
    return found


def _behind() -> bool:
    """Tell whether the browser asked, as it seems, before it heard of what was written last."""
    return st.query_params.to_dict() in _written().older


def _now() -> dict[str, str]:
    """Return the query; where the browser asked before it heard of what was written last, that."""
    return _written().newest if _behind() else st.query_params.to_dict()


def newest(name: str, default: Any = None, *, cast: Callable[[str], Any] = str) -> Any:
    """Read, from a callback, a parameter as it was written last, be it that the browser has not heard of it yet."""
    return parse(_now().get(name), cast, default)


def arrive(page: str) -> None:
    """Take the query that a page is drawn for; every page does so first.

    A browser that has not heard of what was written last asks with an older query: the newest holds. Back and Forward say so themselves;
    a link is what asks for another query later. One to the same page leaves the address as it was, so that it is written here.
    """
    asked, written = st.query_params.to_dict(), _written()
    context = get_script_run_ctx(suppress_warning=True)
    back = context is not None and context.is_history_navigation
    here, st.session_state["_page"] = st.session_state.get("_page") == page, page
    if not here:
        st.session_state["_implied"] = {}
    st.session_state["_arrivals"] = st.session_state.get("_arrivals", 0) + (not here and not back)
    if here and not back and asked in written.older and time.monotonic() - written.at < LATE:
        st.query_params.from_dict(written.newest)
    elif back or asked != written.newest:
        st.session_state["_written"] = Written(asked)
        if here and not back:
            st.query_params.from_dict(asked)


def anew() -> None:
    """Draw the whole page anew from a part that the clock draws; a browser that has not heard of the newest selection will ask again."""
    if not _behind():
        st.rerun(scope="app")


def leave(page: str, query: Mapping[str, str]) -> None:
    """Ask, from a callback, that another page is opened with this query; `carried` gives the selection."""
    st.session_state["_leave"] = (page, dict(query))


def follow() -> None:
    """Go where `leave` asked for; every page does so before anything is drawn."""
    if (asked := st.session_state.pop("_leave", None)) is not None:
        page, query = asked
        st.switch_page(page, query_params=query)


def redraw() -> None:
    """Ask, from a callback inside a fragment, that the whole page is drawn anew and not the fragment alone."""
    st.session_state["_redraw"] = True


def to_redraw() -> bool:
    """Tell a fragment, once, whether that was asked for: it then calls `st.rerun(scope="app")`."""
    return bool(st.session_state.pop("_redraw", False))


def carried(**changes: Any) -> dict[str, str]:
    """Return the selection for a link to another page, with changes; `None` takes a parameter away."""
    kept = {name: st.query_params[name] for name in NAMES if name in st.query_params}
    changed = {name.rstrip("_"): value for name, value in changes.items()}
    merged = {**kept, **changed}
    return {name: str(value) for name, value in merged.items() if value is not None}


def language() -> dict[str, str]:
    """Return what a link that leaves the selection behind carries all the same: the reader's language."""
    return {name: value for name, value in carried().items() if name == "lang"}


def labels(options: Sequence[T], words: Callable[[T], str] = str) -> dict[T, str]:
    """Give every option a label of its own: Streamlit finds a choice again by its label, so that two runs of one title were one."""
    said = [say(words(option)) for option in options]
    return {option: text if said.count(text) == 1 else f"{text} ({option})" for option, text in zip(options, said, strict=True)}


def mirror(name: str, now: T, chosen: Callable[[T], None], offered: Sequence[str] = ()) -> dict[str, Any]:
    """Return the key and the callback of a widget whose default is `now`, a part of the selection; `chosen` gets what the person chose.

    Where something else changed the selection, the widget gets another key: what a browser that has not heard of it still says of the
    former one would else be taken for a choice, and undo the change. For the same reason the session's state is never written to: a
    browser told so would say what it shows of the moment before. Another language, or other labels `offered`, change the key too, since a
    browser names what was chosen by its label.
    """
    turns: dict[str, tuple[int, tuple[Any, ...]]] = st.session_state.setdefault("_mirrors", {})
    shown = (now, spoken(), *offered)
    turn, known = turns.get(name, (0, shown))
    turn += known != shown
    turns[name] = (turn, shown)
    key = f"{name}-{turn}" if turn else name

    def changed() -> None:
        if turns[name][0] == turn:
            turns[name] = (turn, (st.session_state[key], *shown[1:]))
            chosen(st.session_state[key])

    return {"key": key, "on_change": changed}


def choose(
    label: str,
    name: str,
    options: Sequence[Any],
    *,
    words: Callable[[Any], str] = str,
    kind: str = "select",
    default: Any = None,
    hidden: bool = False,
) -> Any:
    """Draw a widget that mirrors one query parameter and return what is chosen. `kind` is select, segmented, pills or radio.

    A `hidden` label is read out but not shown.
    """
    if not options:
        return None
    texts = {str(option): option for option in options}
    now = texts.get(str(st.query_params.get(name)), default if default in options else options[0])
    if name in ("run", "split", "data"):
        st.session_state["_implied"][name] = str(now)
    widget = {"select": st.selectbox, "segmented": st.segmented_control, "pills": st.pills, "radio": st.radio}[kind]

    def chosen(value: Any) -> None:
        if value in options and (value != now or name in _now()):  # a second click on the chosen one changes nothing
            write(**{name: value})

    default_ = {"index": options.index(now)} if kind in ("select", "radio") else {"default": now}
    named = labels(options, words)
    widget(say(label), options, format_func=named.__getitem__, label_visibility="collapsed" if hidden else "visible",  # type: ignore[operator]
           **default_, **mirror(f"choose_{name}", now, chosen, tuple(named.values())))
    return now
