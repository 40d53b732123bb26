"""The panels under a map: regions, comparisons, the test, painting, many faces, what a second run changes, files."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import streamlit as st

from fer_core.attribution.request import parse
from fer_core.faces import regions
from fer_core.plots.figures import Theme
from ui.elements import messages
from ui.services.explained_face import Subject, Walk
from ui.shell.breadcrumb import OF_MANY, PANELS
from ui.state.bound_widgets import choose
from ui.state.url_params import strange
from ui.streamlit_ext import scroll_to
from ui.views.saliency import (
    aggregate_panel,
    changed_panel,
    compare_panel,
    faithfulness_panel,
    filters_panel,
    paint_panel,
    regions_panel,
    save_panel,
)
from ui.views.saliency.explanation import Explained

FIXED: dict[str, Collection[Any]] = {"opacity": range(101), "keep": range(1, 101), "why": PANELS, "beside": compare_panel.KINDS,
                                     "hide": regions.NAMES, "fill": regions_panel.FILLS}
"""What these parameters can be, whatever the face."""


def draw(subject: Subject, explained: Explained | None, way: Walk | None, theme: Theme) -> None:
    """Draw the choice of panels and the panel chosen; without a walk there are no panels of many faces."""
    st.divider()
    messages.left_aside(strange(**FIXED))
    names = [name for name in PANELS if name not in OF_MANY or way is not None]
    with st.container(key="panels"):
        name = choose("More", "why", names, words=PANELS.__getitem__, kind="segmented", default="regions", hidden=True)
    if "why" in st.query_params:
        scroll_to.show("panels")
    question = explained.asked if explained else parse(st.query_params.to_dict(), subject.called, subject.label)[0]
    with messages.errors():
        if name == "regions":
            regions_panel.panel(subject, question, explained, theme)
        elif name == "filters":
            filters_panel.panel(subject, question)
        elif name == "compare":
            compare_panel.panel(subject, question, theme)
        elif name == "test":
            faithfulness_panel.panel(explained, theme)
        elif name == "paint":
            paint_panel.panel(subject)
        elif name == "many" and way is not None:
            aggregate_panel.panel(subject, question, way, theme)
        elif name == "changed" and way is not None:
            changed_panel.panel(subject, question, way, theme)
        elif name == "save":
            save_panel.panel(explained, theme)
