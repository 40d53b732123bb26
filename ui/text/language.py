"""The language that the pages speak: English stands in the code, and `chinese.json` holds what takes its place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fer_core.messages import Sentence, fill

if TYPE_CHECKING:
    import plotly.graph_objects as go

LANGUAGES = {"en": "English", "zh-TW": "繁體中文"}
"""What each language calls itself."""
CHINESE: dict[str, str] = json.loads((Path(__file__).parent / "chinese.json").read_text("utf8"))
"""Every text of the pages in Traditional Chinese, as students in Taiwan read it."""
SHOWN = ("text", "name", "hovertemplate", "ticktext", "texttemplate", "hovertext")
"""Where a figure holds words."""


def spoken() -> str:
    """Return the language that the reader of this page chose; it stands in the URL."""
    if get_script_run_ctx(suppress_warning=True) is None:  # work beside the pages
        return "en"
    asked = st.query_params.get("lang", "en")
    return asked if asked in LANGUAGES else "en"


def say(text: str, /, **values: Any) -> str:
    """Return a text in the reader's language, `{name}` filled in from `values`; a text without a translation stays English.

    Words among the values are translated too. Say it where it is drawn: what is kept in a cache is read in either language.
    """
    if isinstance(text, Sentence):
        return say(text.template, **text.values)
    template = text if spoken() == "en" else CHINESE.get(text, text)
    if not values:
        return template
    said = {name: say(value) if isinstance(value, str) else value for name, value in values.items()}
    return fill(template if spoken() == "en" else _closed(template, said), **said)


def _closed(template: str, said: Mapping[str, Any]) -> str:
    """Take the spaces out of a Chinese template that set Latin words apart, where the word filled in is Chinese."""
    for name, value in said.items():
        if isinstance(value, str) and value and not value[0].isascii():
            template = re.sub(rf"(?<=[\u4e00-\u9fff]) (?=\{{{name}\}})", "", template)
        if isinstance(value, str) and value and not value[-1].isascii():
            template = re.sub(rf"(?<=\{{{name}\}}) (?=[\u4e00-\u9fff])", "", template)
    return template


def figure(drawn: go.Figure) -> dict[str, Any]:
    """Return the specification of a figure, its words in the reader's language."""
    from plotly.io.json import to_json_plotly

    spec = drawn.to_dict()
    found: dict[str, Any] = json.loads(to_json_plotly(spec if spoken() == "en" else _said(spec), engine="json"))
    return found


def _said(part: Any, name: str = "") -> Any:
    if isinstance(part, dict):
        return {key: _said(value, key) for key, value in part.items()}
    if isinstance(part, list | tuple):
        return [_said(value, name) for value in part]
    return say(part) if isinstance(part, str) and name in SHOWN else part
