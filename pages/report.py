"""Report: the five questions answered from a run's own figures, as one file to keep, with the pinned views as its appendix."""

from __future__ import annotations

import html

import streamlit as st

from fer_core.emotions import SPLITS
from fer_core.errors import ConfigError, FerError
from fer_core.report import NAMES
from fer_core.runs.store import Run
from ui.controls import prediction_offer
from ui.controls.run_picker import choose_run, problem_with_split
from ui.elements import messages
from ui.services import cache, jobs
from ui.services.predictions import offered_splits, predicted_splits
from ui.shell import page
from ui.state import bound_widgets, navigation, url_params
from ui.text import formatting
from ui.text.language import say, spoken
from ui.views.report import report_panel
from ui.views.report.report_panel import Asked

ABOUT = """A report answers five questions about a network: how it is built and trained and how often it is right; how it compares with
another one; which expressions it confuses; where it looks; what excites its filters. **Every figure in it is computed** from the run, and
what is missing is said, with the command that gets it.

It is one HTML file that opens anywhere, without this app and without the internet. Views that you pin on other pages become its
appendix."""

FACES = {"shown": "Shown", "none": "Left out"}


def controls() -> Asked | None:
    """Draw the row of choices; `None` where there is no run."""
    known = {run.id: run for run in cache.runs() if not run.damage}
    if not known:
        messages.empty("No run to report on", "A run is one training of a network.", "python -m fer_core train --data demo --preset quick")
        return None
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        run = choose_run(list(known.values()))
        versus = beside(run, known)
        offered = offered_splits(run) or list(SPLITS)
        split = bound_widgets.choose("Faces of", "split", offered, words=lambda name: say(name).capitalize(), kind="segmented",
                                 default="validation")
        language = bound_widgets.choose("Language", "written", list(NAMES), words=NAMES.__getitem__, kind="segmented", default=spoken())
        faces = bound_widgets.choose("Faces", "faces", list(FACES), words=FACES.__getitem__, kind="segmented")
    for asked, taken in ((url_params.param("run"), run), (url_params.param("with"), versus)):
        if asked not in (None, "none", taken.id if taken else ""):
            with messages.errors():  # of a run that is not there, or damaged
                cache.store().open(asked)
    problem_with_split(run, split)
    if url_params.param("with") == run.id:
        messages.problem(ConfigError("A run cannot stand beside itself.", received=run.id, expected="another run"))
    messages.left_aside(url_params.strange(written=NAMES, faces=FACES))
    return Asked(run, versus, split, language, faces == "shown")


def beside(run: Run, known: dict[str, Run]) -> Run | None:
    """Draw the choice of the second run."""
    others = ["none", *(id for id in known if id != run.id)]
    return known.get(bound_widgets.choose("Beside", "with", others, words=lambda id: known[id].title if id in known else "no other run"))


def offer_predictions(asked: Asked) -> None:
    """Offer to predict the split where a run has not done so."""
    for run in filter(None, (asked.run, asked.versus)):
        if asked.split not in predicted_splits(run) and run.has_network:
            prediction_offer.offer(
                run, asked.split, "Accuracy, matrix and comparison come from them. It takes from seconds to a few minutes, once."
            )
            return


def draw(asked: Asked) -> None:
    """Draw the report once it was asked for, else what it will answer. Raises `FerError`."""
    left, right = st.columns([1, 1.9], gap="large")
    with left:
        with st.container(key="answers", gap="small"):
            contents(asked)
        report_panel.pinned()
    with right:
        if not asked.begun:
            messages.empty("Not written yet", "The report will stand here. Writing it takes one to five minutes: maps, filters and classes "
                       "are computed anew, the same each time. You may leave this page meanwhile.")
            return
        found = jobs.answer(asked.name, asked.work, say("Writing the report"), height=80, lasting=True)
        if found is not None:
            report_panel.preview(asked, found)


def contents(asked: Asked) -> None:
    """Draw what the report will answer, and the ways to have it written."""
    st.subheader(say("What it answers"), anchor=False)
    report_panel.contents(asked)
    offer_predictions(asked)
    if not asked.begun:
        st.button(say("Write the report"), type="primary", icon=":material/description:", width="stretch", key="write",
                  on_click=navigation.write, kwargs={"made": 1})
    st.caption(say("On the command line:"))
    st.code(asked.command, language="bash")


def sentence(asked: Asked) -> str:
    """Say what the report is about, in numbers."""
    told, scores = asked.known.run, asked.known.evaluation
    named = {"title": told.title, "split": formatting.SPLIT_WORDS[asked.split]}
    if scores is None:
        if asked.versus is None:
            return say("{title} on the {split} split.", **named)
        return say("{title} on the {split} split, beside {other}.", **named, other=asked.versus.title)
    named |= {"share": formatting.percent(scores.accuracy), "faces": formatting.faces(scores.n)}
    if asked.versus is None:
        return say("{title} on the {split} split: {share} of {faces} right.", **named)
    return say("{title} on the {split} split: {share} of {faces} right, beside {other}.", **named, other=asked.versus.title)


def main() -> None:
    """Draw the page."""
    page.setup("pages/report.py")
    page.header("Report", "", ABOUT)
    head = st.empty()
    jobs.begin()
    asked = controls()
    if asked is None:
        with messages.errors():
            report_panel.pinned()
        return
    try:
        head.html(f"<p class='fer-sentence'>{html.escape(sentence(asked))}</p>")
        draw(asked)
    except FerError as error:
        messages.problem(error)
    jobs.finish()


main()
