"""Parts of a page that the clock draws again and again, and short waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import streamlit as st


def again(part: Callable[..., None], seconds: float | None, *args: Any) -> None:
    """Draw a part of the page now, and alone every so many seconds; with `None` only when something in it is used."""
    st.fragment(part, run_every=seconds)(*args)


def wait(event: threading.Event, seconds: float) -> bool:
    """Wait so long for an event, and tell whether it came. A click ends the wait and the run: were it kept, the next one would join it."""
    until = time.monotonic() + seconds
    while not event.wait(max(0.0, min(0.05, until - time.monotonic()))):
        st.session_state.get("_page")  # where the session's state is read, Streamlit gives way to a newer run
        if time.monotonic() >= until:
            return False
    return True
