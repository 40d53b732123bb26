"""Which run is shown: the choice of it, and the usual one where nobody chose."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from fer_core.emotions import SPLITS
from fer_core.runs.store import Run
from ui.elements import messages
from ui.services import cache
from ui.services.predictions import offered_splits, predicted_splits
from ui.state import bound_widgets, url_params
from ui.text import formatting
from ui.text.language import say


def choose_run(runs: Sequence[Run], label: str = "Run", *, faces: bool = True) -> Run:
    """Draw the choice of a run and return it: the URL's, or the usual one, its `faces` being wanted or not."""
    known = {run.id: run for run in runs}
    default = usual(runs, faces=faces).id
    return known[bound_widgets.choose(label, "run", list(known), words=lambda id: known[id].title, default=default)]


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


def any_run() -> Run | None:
    """Draw the choice among all runs, with a network or without, and return the URL's, or the usual one; `None` where there is none."""
    known = {run.id: run for archived in (False, True) for run in cache.runs(archived=archived) if not run.damage}
    if not known:
        return None
    asked = url_params.param("run")
    shown = [id for id, run in known.items() if not run.meta.archived or id == asked] or list(known)
    return choose_run([known[id] for id in shown], "Run (A)")


def problem_with_run(run: Run) -> None:
    """Tell why the run that the URL names is not the one shown."""
    asked = url_params.param("run")
    if asked is not None and asked != run.id:
        with messages.errors():
            cache.store().open(asked)


def choose_split(run: Run) -> str:
    """Draw the choice of the split and return it: of a run that cannot be asked, among those that it has predicted."""
    offered = offered_splits(run) or list(SPLITS)
    return str(bound_widgets.choose("Split", "split", offered, words=str.capitalize, kind="segmented", default="validation"))


def problem_with_split(run: Run, split: str) -> None:
    """Tell why the split that the URL names is not the one shown."""
    asked = url_params.param("split", options=SPLITS)
    if asked is None or asked == split:
        return
    told = say(
        "{run} keeps no predictions of the {asked} split, and has no network that could be asked.",
        run=formatting.literal(run.title),
        asked=formatting.SPLIT_WORDS[asked],
    )
    st.info(told, icon=":material/info:")
