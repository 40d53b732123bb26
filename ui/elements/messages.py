"""What a page tells beside its subject: errors, ignored parts of a link, empty places."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

import streamlit as st

from fer_core.errors import FerError
from ui.text import formatting
from ui.text.language import say


def theme() -> Literal["light", "dark"]:
    """Return `light` or `dark`, as the browser shows the page."""
    return "dark" if st.context.theme.type == "dark" else "light"


def left_aside(complaints: Iterable[str]) -> None:
    """Tell what of the URL made no sense and was left aside."""
    for complaint in complaints:
        st.info(formatting.literal(say(complaint)), icon=":material/info:")


@contextmanager
def errors() -> Iterator[None]:
    """Show what a person can put right as a calm box; the rest of the page goes on."""
    try:
        yield
    except FerError as error:
        problem(error)


def problem(error: FerError) -> None:
    """Draw an error: what happened, what was received and expected, what to do."""
    rows = [("Received", error.received), ("Expected", error.expected), ("What to do", error.todo)]
    known = [(name, value if isinstance(value, str) else str(value)) for name, value in rows if value not in (None, "")]
    told = "".join(f"<div><b>{say(name)}</b> {html.escape(say(value))}</div>" for name, value in known)
    st.html(f"<div class='fer-problem' role='alert'><p>{html.escape(say(error.what))}</p>{told}</div>")


def empty(title: str, teaching: str, command: str = "") -> None:
    """Draw an empty place that teaches: what would be here, and the command that brings it."""
    st.html(f"<div class='fer-empty'><p class='fer-empty-title'>{html.escape(say(title))}</p><p>{html.escape(say(teaching))}</p></div>")
    if command:
        st.code(command, language="bash")
