"""A plotly figure on a node that stays: zoom and hidden lines survive new data, and every click is told.

plotly.js comes out of plotly's own package and is served by this app; nothing is fetched from elsewhere.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from fer_core.runtime import ROOT
from ui.streamlit_ext.component import component
from ui.text import language

if TYPE_CHECKING:
    import plotly.graph_objects as go

SCRIPT = ROOT / "static" / "plotly.min.js"

_component = component(__file__, "chart", isolate_styles=False)


def serve_plotly() -> None:
    """Put plotly.js of the installed package where the app serves files from."""
    source = Path(str(files("plotly") / "package_data" / "plotly.min.js"))
    if SCRIPT.exists() and SCRIPT.stat().st_size == source.stat().st_size:
        return
    SCRIPT.parent.mkdir(exist_ok=True)
    part = SCRIPT.with_suffix(".part")
    shutil.copyfile(source, part)
    part.replace(SCRIPT)


def chart(
    figure: go.Figure, key: str, *, height: int = 360, on_pick: Callable[[dict[str, Any]], None] | None = None, label: str = ""
) -> None:
    """Draw a figure, `height` pixels tall and as wide as its place.

    `on_pick` is called before the page is drawn again with the point clicked: x, y, z, curve (its number), name (of its line),
    custom (its `customdata`). `label` is read out to those who cannot see the chart.
    """
    serve_plotly()
    spec = language.figure(figure)

    def picked() -> None:
        point = st.session_state[f"chart_{key}"].get("pick")
        if point and on_pick is not None:
            on_pick(dict(point))

    data = {
        "traces": spec["data"],
        "layout": spec["layout"],
        "height": height,
        "label": language.say(label),
        "clickable": on_pick is not None,
        "name": key,
        "failed": language.say("This chart cannot be drawn: {error}"),
    }
    with st.container(key=key):
        _component(key=f"chart_{key}", data=data, on_pick_change=picked)
