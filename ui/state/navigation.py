"""The selection of the whole app: it lives in the URL, so that any view is a link. Old or wrong values become the default."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui.state.url_params import parse

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






