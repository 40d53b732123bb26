"""The views looked at last, on this machine: what the overview offers under Continue."""

from __future__ import annotations

import json
import os
from pathlib import Path

import streamlit as st

from fer_core import atomic_io

KEPT = 6

View = tuple[str, dict[str, str]]
"""A page's file and its query parameters."""


def _path() -> Path:
    return Path(os.environ.get("FER_LENS_CACHE", "data/.cache")) / "recent.json"


def recall() -> list[View]:
    """Return the last views, newest first, one for each page."""
    try:
        read = json.loads(_path().read_text(encoding="utf8"))
        return [(str(page), {str(name): str(value) for name, value in params.items()}) for page, params in read][:KEPT]
    except (OSError, ValueError, TypeError, AttributeError):
        return []  # never written, or written by hand: nothing to continue


def remember(page: str, params: dict[str, str]) -> None:
    """Put a view first; a folder that cannot be written is no reason to disturb anyone."""
    if st.session_state.get("_remembered") == (page, params):
        return
    st.session_state["_remembered"] = (page, params)
    views = [(page, params), *(view for view in recall() if view[0] != page)]
    try:
        _path().parent.mkdir(parents=True, exist_ok=True)
        atomic_io.write_json(_path(), views[:KEPT])
    except OSError:
        return
