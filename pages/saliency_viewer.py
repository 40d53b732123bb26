"""Saliency viewer: why a face was called so, as maps that are tested, and as experiments on the face itself."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.emotions import EMOTIONS, SPLITS
from fer_core.runs import Run
from ui import cache, explain_view, jobs, networks, page, panels, selection
from ui.answers import Answers, answers, predicted_splits
from ui.choice import SORTS
from ui.subject import Subject, Walk, predicted, subject, walk

ABOUT = """A map shows which pixels of a face speak **for** (orange) or **against** (purple) a class, or for one class rather than another.
The page's own ground is zero. Every map is scaled by its own 99th percentile, and the value of the strongest colour stands under it.

A map is a claim about the network, not about the person: so each is **tested**, and one that fails is greyed, with the reason. Below are
experiments that need no map: hiding a region, painting on the face."""


def chosen_run() -> Run | None:
    """Draw the choice of the run; the URL's, or the newest that has weights."""
    known = {run.id: run for run in cache.runs(archived=True) if not run.damage and (run.path / "weights.safetensors").exists()}
    known |= {run.id: run for run in cache.runs() if not run.damage and (run.path / "weights.safetensors").exists()}
    if not known:
        return None
    default = next((id for id, run in known.items() if predicted_splits(run)), next(iter(known)))
    return known[selection.choose("Run", "run", list(known), words=lambda id: known[id].title, default=default)]


def problem_with_run(run: Run) -> None:
    """Tell why the run that the URL names is not the one shown."""
    asked = selection.param("run")
    if asked is not None and asked != run.id:
        with page.errors():
            networks.check(cache.store().open(asked))


def number(way: Walk) -> None:
    """Draw the number of the face."""
    count = len(way.dataset[way.split])

    def typed() -> None:
        selection.write(image=st.session_state["face_number"])

    st.session_state["face_number"] = way.image
    st.number_input(f"Face, 0 to {count - 1:,}", 0, count - 1, key="face_number", on_change=typed, width=150)


def steps(way: Walk) -> None:
    """Draw the ways to other faces, and where among the chosen ones this is."""
    with st.container(horizontal=True, vertical_alignment="center", key="steps"):
        for name, icon, by in (("Previous", ":material/chevron_left:", -1), ("Next", ":material/chevron_right:", 1)):
            face = way.step(by)
            st.button(name, icon=icon, key=f"step{by}", disabled=face is None, on_click=selection.write, kwargs={"image": face})
        others = way.wrong[way.wrong != way.image]
        st.button("Random wrong one", icon=":material/casino:", key="random", disabled=not len(others), on_click=at_random,
                  args=(others,), help=None if len(others) else "No other wrong face is known among the chosen ones.")
        place = f"Face {way.place + 1:,} of " if way.place is not None else "Not among the "
        st.caption(page.literal(f"{place}{way.said}"), width="stretch")


def at_random(others: np.ndarray) -> None:
    """Go to one of the wrong faces."""
    selection.write(image=int(np.random.default_rng().choice(others)))


def choose_faces(found: Answers | None) -> None:
    """Draw which faces are walked through: by label, by call, and their order."""
    names = ["any", *EMOTIONS]
    with st.popover("Choose faces", icon=":material/filter_list:"):
        for label, param in (("Labelled", "true"), ("Called", "pred")):
            number = selection.emotion(param)
            key = f"pick_{param}"
            st.session_state[key] = "any" if number is None else EMOTIONS[number]
            st.selectbox(label, names, key=key, format_func=str.capitalize, on_change=picked, args=(param,),
                         disabled=found is None and param == "pred")
        selection.choose("Order", "sort", [name for name in SORTS if name != "typical"], words=SORTS.__getitem__, default="confident")
        page.link("pages/confusion_matrix.py", "Choose in the confusion matrix")


def picked(param: str) -> None:
    """Take a label or a call; the face shown is then the first of the chosen ones."""
    value = st.session_state[f"pick_{param}"]
    selection.write(**{param: None if value == "any" else value}, image=None, cells=None, class_=None)


def controls() -> tuple[Subject | None, Walk | None]:
    """Draw the row of choices; return the face."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        run = chosen_run()
        if run is None:
            return None, None
        split = selection.choose("Split", "split", SPLITS, words=str.capitalize, kind="segmented", default="validation")
        found, way = None, None
        with page.errors():
            found = answers(run, split)
            way = walk(run, split, found)
            choose_faces(found)
            number(way)
    problem_with_run(run)
    if way is None:
        return None, None
    steps(way)
    for complaint in way.complaints:
        st.info(complaint, icon=":material/info:")
    return subject(run, found, way), way


def main() -> None:
    """Draw the page."""
    page.setup("pages/saliency_viewer.py")
    page.header("Saliency", "", ABOUT)
    head = st.empty()
    jobs.begin()
    face, way = controls()
    if way is not None and face is None:
        page.empty("No face here", "None is labelled and called so. Choose others, or take off what narrows the choice at the left.")
    if way is None:
        if not cache.runs():
            page.empty("No run to look into", "A run is one training of a network.", "python -m fer_core train --data demo --preset quick")
        return
    if face is None:
        return
    if face.probabilities is None:
        known = predicted(face)
        if known is None:
            jobs.finish()
            return
        face = Subject(**{**vars(face), "probabilities": known})
    head.html(f"<p class='fer-sentence'>{face.sentence}</p>")
    explained = explain_view.draw(face, page.theme())
    panels.draw(face, explained, way, page.theme())
    jobs.finish()


main()
