"""Parts of a page that the clock draws again and again, and short waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import streamlit as st


def again(part: Callable[..., None], seconds: float | None, *args: Any) -> None:
    """Draw a part of the page now, and alone every so many seconds; with `None` only when something in it is used.

    It stands in a container of its own. When the clock strikes before the page has reached the browser, Streamlit sends the page without
    the part and the part behind it; in between all that stands beside it would move up by one place, and the next part that the clock
    draws would be written into a wrong one.
    """
    with st.container():
        st.fragment(part, run_every=seconds)(*args)


def wait(event: threading.Event, seconds: float) -> bool:
    """Wait so long for an event, and tell whether it came. A click ends the wait and the run: were it kept, the next one would join it."""
    until = time.monotonic() + seconds
    while not event.wait(max(0.0, min(0.05, until - time.monotonic()))):
        st.session_state.get("_page")  # where the session's state is read, Streamlit gives way to a newer run
        if time.monotonic() >= until:
            return False
    return True
