"""Widgets that are bound to a parameter of the URL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from ui.state.navigation import _now, write
from ui.state.url_params import T
from ui.text.language import say, spoken


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
