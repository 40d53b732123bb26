"""The panels under a map: regions, comparisons, the test, painting, many faces, files."""

from __future__ import annotations

import streamlit as st

from fer_core.charts import Theme
from ui import page, selection
from ui.explain_view import Explained
from ui.subject import Subject, Walk

PANELS = {"regions": "Regions", "compare": "Compare", "test": "Test of the map", "paint": "Paint on it", "many": "Many faces",
          "save": "Save"}


def draw(subject: Subject, explained: Explained | None, way: Walk | None, theme: Theme) -> None:
    """Draw the choice of panels and the panel chosen."""
    st.divider()
    names = [name for name in PANELS if name != "many" or way is not None]
    name = selection.choose("More", "why", names, words=PANELS.__getitem__, kind="segmented", default="regions", hidden=True)
    with page.errors():
        st.caption(name)
