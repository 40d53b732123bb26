"""Which run is shown: the choice of it, and the usual one where nobody chose."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from fer_core.runs import Run
from ui import cache, selection
from ui.answers import predicted_splits


def choose_run(runs: Sequence[Run], label: str = "Run", *, faces: bool = True) -> Run:
    """Draw the choice of a run and return it: the URL's, or the usual one, its `faces` being wanted or not."""
    known = {run.id: run for run in runs}
    default = usual(runs, faces=faces).id
    return known[selection.choose(label, "run", list(known), words=lambda id: known[id].title, default=default)]


def usual(runs: Sequence[Run], *, faces: bool = True) -> Run:
    """Choose the run that is shown where nobody chose one: the first that has predicted, and that fits the faces that are looked at.

    Drawn faces want a network of drawn ones, photographs, and what needs no `faces`, one of photographs. The names of data sets alone
    tell which is which: to read them takes seconds.
    """
    source = st.query_params.get("data") or cache.default_source(cache.sources())
    drawn = faces and source.split(":")[0] == "demo"

    def fits(run: Run) -> tuple[bool, bool]:
        return bool(predicted_splits(run)), (run.config.data.split(":")[0] == "demo") == drawn

    return max(runs, key=fits)
