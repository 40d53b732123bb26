"""Saliency viewer: why a face was called so, as maps that are tested, and as experiments on the face itself."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from fer_core.emotions import SPLITS
from fer_core.errors import FerError
from ui.controls import looks_picker, network_picker, prediction_offer
from ui.elements import messages
from ui.services import cache, jobs
from ui.services.explained_face import Subject, Walk, predicted, subject, walk
from ui.services.predictions import answers, faces
from ui.shell import page
from ui.state import bound_widgets
from ui.text import formatting
from ui.text.language import say
from ui.views.saliency import explanation, face_controls, panels

ABOUT = """A map shows which pixels of a face speak **for** (orange) or **against** (purple) a class, or for one class rather than another.
The page's own ground is zero. Every map is scaled by its own 99th percentile, and the value of the strongest colour stands under it.

A map is a claim about the network, not about the person: so each is **tested**, and one that fails is greyed, with the reason. Below are
experiments that need no map: hiding a region, painting on the face."""


def controls() -> tuple[Subject | None, Walk | None]:
    """Draw the row of choices; return the face."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        run = network_picker.chosen_run()
        if run is None:
            return None, None
        split = bound_widgets.choose("Split", "split", SPLITS, words=str.capitalize, kind="segmented", default="validation")
        found, chosen, way, there, problem = None, None, None, None, None
        try:
            found = answers(run, split)
            there = None if found is None else faces(run, found)
            if there is not None and there.edition:  # the stored answers are of other pixels: the network is asked face by face
                found = None
            chosen = None if found is None else answers(run, split, looks_picker.kind(run, split))
            way = walk(run, split, chosen)
            face_controls.choose_faces(chosen)
            face_controls.number(way)
        except FerError as error:
            problem = error
    if problem is not None:
        messages.problem(problem)
        with st.container(horizontal=True):
            face_controls.back()
            page.link("pages/filter_explorer.py", "Its filters need no face")
    network_picker.problem_with_run(run)
    if there is not None and there.edition:
        st.info(say("{run} has predicted another edition of these faces. So it is asked face by face; which of them it gets wrong is "
                    "known once they are predicted.", run=formatting.literal(run.title)), icon=":material/info:")
        prediction_offer.anew(run, split, there.edition)
    if way is None:
        return None, None
    if chosen is not None and chosen.kind != "single":
        st.caption(say("The faces were chosen by the mean of {n} looks; everything below is about the single look, the face as it is.",
                       n=chosen.looks))
    face_controls.steps(way)
    messages.left_aside(way.complaints)
    return subject(run, found, way), way


def main() -> None:
    """Draw the page."""
    page.setup("pages/saliency_viewer.py")
    page.header("Saliency", "", ABOUT)
    head = st.empty()
    jobs.begin()
    face, way = controls()
    if way is not None and face is None:
        messages.empty("No face here", "None is labelled and called so. Choose others, or take off what narrows the choice at the left.")
    if way is None:
        if not cache.runs():
            messages.empty(
                "No run to look into", "A run is one training of a network.", "python -m fer_core train --data demo --preset quick"
            )
        return
    if face is None:
        return
    if face.probabilities is None:
        known = predicted(face)
        if known is None:
            jobs.finish()
            return
        face = replace(face, probabilities=known)
    head.html(f"<p class='fer-sentence'>{say(face.sentence)}</p>")
    explained = explanation.draw(face, messages.theme())
    panels.draw(face, explained, way, messages.theme())
    jobs.finish()


main()
