"""Confusion matrix: from a number to the faces behind it, to what they have in common, and to whose error each is."""

from __future__ import annotations

import html
from dataclasses import replace

import streamlit as st

from fer_core.annotations.face_filter import SHOWS, parse
from fer_core.errors import FerError, RunError
from fer_core.messages import Sentence
from fer_core.plots.figures import SHADINGS
from fer_core.runs.store import Run
from ui.controls import looks_picker, prediction_offer
from ui.controls.run_picker import any_run, choose_split, problem_with_run, problem_with_split
from ui.elements import messages
from ui.services import cache, label_reviews, second_run
from ui.services.matrix_view import View
from ui.services.predictions import answers
from ui.shell import page
from ui.state import bound_widgets
from ui.text import formatting
from ui.text.language import say
from ui.views.matrix import (
    cell_panel,
    class_panel,
    confidence_panel,
    face_panel,
    face_wall,
    matrix_panel,
    reviews_panel,
    two_runs_panel,
)

PANELS = {"cell": "What they have in common", "confidence": "Confidence", "classes": "Numbers per class", "runs": "Two runs",
          "marks": "Marks"}
DRAW = {"cell": cell_panel.panel, "confidence": confidence_panel.panel, "classes": class_panel.panel, "runs": two_runs_panel.panel,
        "marks": reviews_panel.panel}

ABOUT = """Each row is what the **label** says, each column what the **network** called the face. The diagonal is right; everything beside
it is an error, and the stronger its colour the larger is its share of the faces of that label; the colour can mean other things, too.

Click a cell, or the name of a row or column: its faces appear beside or below. A label is what someone wrote down, not a person's feeling;
some labels are wrong, and this page helps to find them."""


def controls() -> tuple[Run | None, str]:
    """Draw the row of choices; return run and split."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        run = any_run()
        if run is None:
            return None, ""
        split = choose_split(run)
        looks_picker.choose(run, split)
        bound_widgets.choose("Colour of a cell", "colour", list(SHADINGS), words=lambda name: SHADINGS[name].capitalize(), default="row")
        two_runs_panel.choose(run, split)
    return run, split


def viewed(run: Run, split: str) -> View | None:
    """Read what the URL asks for; `None`, and an offer to make it, where the run has not predicted the split."""
    try:
        found = answers(run, split, looks_picker.kind(run, split))
    except RunError as error:
        messages.problem(error)
        found = None
    if found is None:
        prediction_offer.offer(
            run,
            split,
            "Its confusion matrix, and the faces behind every number, will stand here. Predicting takes from seconds "
            "to a few minutes, once.",
        )
        return None
    choice, complaints = parse(st.query_params.to_dict())
    messages.left_aside(complaints)
    looks_picker.problem(run, split)
    second = None
    with messages.errors():
        second = second_run.second(found, second_run.others(run, split))
    if choice.part and second is None:
        st.info(say("The link asks for a part of two runs, but compares with none: it is left aside."), icon=":material/info:")
        choice = replace(choice, part=None)
    return View(choice, run, found, second, label_reviews.of(found))


def panel(view: View) -> None:
    """Draw the panel that was chosen under the matrix."""
    name = bound_widgets.choose("More", "panel", list(PANELS), words=PANELS.__getitem__, kind="segmented", default="cell", hidden=True)
    with messages.errors():
        DRAW[name](view, messages.theme())


def main() -> None:
    """Draw the page."""
    page.setup("pages/confusion_matrix.py")
    page.header("Confusion matrix", "", ABOUT)
    head = st.empty()
    run, split = controls()
    if run is None:
        for damaged in cache.runs():
            messages.problem(RunError(Sentence("{run} is damaged.", run=damaged.id), received=damaged.damage))
        messages.empty("No run to look at", "A run is one training of a network. The demo network takes a minute or two.",
                   "python -m fer_core train --data demo --preset quick")
        return
    problem_with_run(run)
    problem_with_split(run, split)
    if run.alone:
        st.info(formatting.literal(say(run.alone)), icon=":material/info:")
    try:
        view = viewed(run, split)
    except FerError as error:
        messages.problem(error)
        return
    if view is None:
        return
    head.html(f"<p class='fer-sentence'>{html.escape(matrix_panel.sentence(view))}</p>")
    looks_picker.line(run, split)
    with st.container(key="sides"):
        left, right = st.columns(2, gap="medium")
    with left, st.container(key="side-matrix"):
        if view.b is not None:
            bound_widgets.choose("Matrix", "show", list(SHOWS), words=SHOWS.__getitem__, kind="segmented", default="a", hidden=True)
        matrix_panel.draw(view, messages.theme())
        confidence_panel.threshold(view)
    with left, st.container(key="side-pairs"):
        matrix_panel.ranked(view)
    with right, st.container(key="side-wall"):
        reviews_panel.problem()
        face_wall.wall(view)
    with right, st.container(key="side-face"):
        face_panel.panel(view, messages.theme())
    st.divider()
    panel(view)


main()
