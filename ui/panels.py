"""The panels under a map: regions, comparisons, the test, painting, many faces, what a second run changes, files."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import streamlit as st

from fer_core.attribution.request import parse
from fer_core.faces import regions
from fer_core.plots.figures import Theme
from ui import arrival, carriers_view, changed_view, compare_maps, many_view, page, paint_view, regions_view, save_view, trust_view
from ui.breadcrumb import OF_MANY, PANELS
from ui.explain_view import Explained
from ui.selection import choose, strange
from ui.subject import Subject, Walk

FIXED: dict[str, Collection[Any]] = {"opacity": range(101), "keep": range(1, 101), "why": PANELS, "beside": compare_maps.KINDS,
                                     "hide": regions.NAMES, "fill": regions_view.FILLS}
"""What these parameters can be, whatever the face."""


def draw(subject: Subject, explained: Explained | None, way: Walk | None, theme: Theme) -> None:
    """Draw the choice of panels and the panel chosen; without a walk there are no panels of many faces."""
    st.divider()
    page.left_aside(strange(**FIXED))
    names = [name for name in PANELS if name not in OF_MANY or way is not None]
    with st.container(key="panels"):
        name = choose("More", "why", names, words=PANELS.__getitem__, kind="segmented", default="regions", hidden=True)
    if "why" in st.query_params:
        arrival.show("panels")
    question = explained.asked if explained else parse(st.query_params.to_dict(), subject.called, subject.label)[0]
    with page.errors():
        if name == "regions":
            regions_view.panel(subject, question, explained, theme)
        elif name == "filters":
            carriers_view.panel(subject, question)
        elif name == "compare":
            compare_maps.panel(subject, question, theme)
        elif name == "test":
            trust_view.panel(explained, theme)
        elif name == "paint":
            paint_view.panel(subject)
        elif name == "many" and way is not None:
            many_view.panel(subject, question, way, theme)
        elif name == "changed" and way is not None:
            changed_view.panel(subject, question, way, theme)
        elif name == "save":
            save_view.panel(explained, theme)
