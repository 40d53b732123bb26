"""By how many looks at each face a run answers: the choice of the answers that are shown, and what further looks add to the single one."""

from __future__ import annotations

import html

import streamlit as st

from fer_core.metrics.looks import NAMES
from fer_core.runs.store import KINDS, Run
from ui.controls import prediction_offer
from ui.services.predictions import looks
from ui.state import bound_widgets, url_params
from ui.text import formatting
from ui.text.language import say


def kind(run: Run, split: str) -> str:
    """Read the answers that are shown, one of `runs.KINDS`: the URL's where the run has them, else the single look."""
    asked = str(url_params.param("looks", "single", options=KINDS))
    return asked if asked in looks(run, split) else "single"


def choose(run: Run, split: str) -> None:
    """Draw the choice of the answers, where the run has several kinds."""
    found = looks(run, split)
    if len(found) < 2:
        return
    bound_widgets.choose(
        "Answers by",
        "looks",
        list(found),
        words=lambda name: found[name].words,
        kind="segmented",
        default="single",
    )


def problem(run: Run, split: str) -> None:
    """Tell why the answers that the URL names are not those shown, where the run has others."""
    asked = url_params.param("looks", options=KINDS)
    if asked is None or asked == kind(run, split):
        return
    told = say("{run} was not asked so: {asked}. The single look is shown.", run=formatting.literal(run.title), asked=NAMES[asked])
    st.info(told, icon=":material/info:")


def told(run: Run, split: str) -> list[str]:
    """Say what each kind of answers scores, with its 95% interval, and what it adds to the single look; empty where there is one alone."""
    found = looks(run, split)
    if len(found) < 2:
        return []
    parts = []
    for look in found.values():
        share = formatting.percent(look.scores.accuracy)
        low, high = look.scores.interval
        interval = say("{share} ({low:.1f} to {high:.1f})", share=share, low=100 * low, high=100 * high)
        adds = say("{share}, {adds}", share=interval, adds=look.adds) if look.adds else interval
        parts.append(say("{looks}: {score}", looks=look.words, score=adds))
    n = next(iter(found.values())).scores.n
    return [*parts, say("each of {faces}", faces=formatting.faces(n))]


def line(run: Run, split: str) -> None:
    """Draw the scores of all kinds beside each other, and the offer of those that are missing."""
    parts = told(run, split)
    with st.container(horizontal=True, vertical_alignment="center", key="looks"):
        if parts:
            st.html("<p class='fer-looks'>" + " &nbsp;|&nbsp; ".join(map(html.escape, parts)) + "</p>", width="content")
        if "views" not in looks(run, split):
            prediction_offer.views(run, split)


