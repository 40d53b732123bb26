"""One face of the matrix at large: its probabilities, and three votes on whose error it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from fer_core import charts
from fer_core.charts import Theme
from fer_core.colours import EMOTION_COLOURS
from fer_core.emotions import EMOTIONS, SIDE
from fer_core.errors import FerError, RunError
from fer_core.neighbours import Neighbours, nearest
from fer_core.runs import Run
from fer_core.suspicion import agreement
from ui import ask_run, cache, marks_view, opened, page, selection, words
from ui.answers import FILE, Answers, answers, votes
from ui.chart import chart
from ui.gallery import gallery, picture
from ui.view import View

NEAREST = 10
ABOUT_SUSPICION = """From 0 to 1; above 0.5 another class fits better than the label. It is one minus cleanlab's *normalized margin*:
p(label) minus the highest other p, after each class's p is measured against its usual height (the mean p of the class among the faces
that bear it). It means something only for faces that the network did not learn from."""


def panel(view: View, theme: Theme) -> None:
    """Draw the chosen face with its probabilities, the votes and the marks."""
    face = checked(view)
    if face is None:
        page.empty("No face chosen", "Click a face above: it opens here with its seven probabilities, the training faces that it "
                   "resembles, and what other runs call it.")
        return
    answers_now = view.shown
    label, called = int(answers_now.labels[face]), int(answers_now.predicted[face])
    st.markdown(f"**{answers_now.split.capitalize()} face {face}**: labelled **{words.emotion(label)}**, called "
                f"**{words.emotion(called)}**" + (". A copy of a training face." if answers_now.leaked[face] else "."))
    with st.container(horizontal=True, key="face-row"):
        if view.faces.dataset is not None:
            image = np.asarray(view.faces.dataset[answers_now.split].images[face])
            picture(image, 4 * SIDE, "face", label=f"{words.emotion(label)}, {answers_now.split} face {face}")
        with st.container(key="bars"):
            bars = charts.probability_bars(answers_now.probabilities[face], label if label >= 0 else None, theme=theme)
            bars.update_xaxes(visible=False, range=[0, 1.5])  # each bar bears its number
            chart(bars, "probabilities", height=200, label="The seven probabilities of this face")
    _steps(view, face)
    marks_view.buttons(view, face)
    _suspicion(answers_now, face)
    _runs(view, face)
    with page.errors():
        _nearest(view, face)


def _steps(view: View, face: int) -> None:
    """Draw the ways on: the viewer, the next and the previous face of the choice, the wall."""
    order = view.shown.ordered(view.rows, view.choice.sort, 0, len(view.rows))
    at = np.flatnonzero(order == face)
    place = int(at[0]) if len(at) else None
    with st.container(horizontal=True, key="steps", vertical_alignment="center"):
        page.link(opened.VIEWER, "Why? Open in the saliency viewer", image=face)
        for word, icon, step in (("Previous", ":material/chevron_left:", -1), ("Next", ":material/chevron_right:", 1)):
            there = place is not None and 0 <= place + step < len(order)
            target = int(order[place + step]) if place is not None and there else None
            st.button(word, icon=icon, key=f"step{step}", disabled=not there, on_click=selection.write,
                      kwargs={"image": target, "start": ((place or 0) + step) // opened.WALL * opened.WALL or None})
        st.button("Close", icon=":material/close:", key="close-face", on_click=selection.write, kwargs={"image": None})


def _suspicion(found: Answers, face: int) -> None:
    if found.labels[face] < 0:
        return
    value = float(found.suspicion[face])
    worse = int((found.suspicion > found.suspicion[face]).sum())
    rank = f"{worse:,} of {found.evaluation.n:,} labels are more suspicious"
    learned = " The network learned from these faces: the number says little here." if found.split == "train" else ""
    st.markdown(f"**Label suspicion {value:.2f}** · {rank}.{learned}", help=ABOUT_SUSPICION)


def _runs(view: View, face: int) -> None:
    called = votes(view.shown)
    counts = agreement(np.stack([row[face : face + 1] for row in called.values()]))[0] if called else np.zeros(len(EMOTIONS), int)
    if len(called) < 2:
        st.markdown("**Agreement of runs** · only this run has predicted these faces; a second one makes this a vote.")
        return
    told = words.listed([f"{counts[i]} {EMOTIONS[i].capitalize()}" for i in np.argsort(-counts, kind="stable") if counts[i]])
    with_label = int(counts[view.shown.labels[face]]) if view.shown.labels[face] >= 0 else 0
    names = {title: words.emotion(int(row[face])) for title, row in called.items()}
    st.markdown(f"**Agreement of {len(called)} runs** · {told}; {with_label} with the label.",
                help="  \n".join(f"{title}: {name}" for title, name in names.items()))


@st.cache_data(max_entries=200, show_spinner=False)
def _found(path: str, split: str, face: int, mark: cache.Stamp) -> Neighbours | None:
    asked, trained = answers(Run(Path(path)), split), answers(Run(Path(path)), "train")
    if asked is None or trained is None or asked.features is None or trained.features is None:
        return None
    if trained.fingerprint != asked.fingerprint:
        raise RunError("The training faces that were predicted belong to another data set, so they are not compared.",
                       received=trained.fingerprint[:12], expected=asked.fingerprint[:12], todo="predict the train split again")
    itself = split == "train"
    found = nearest(np.asarray(asked.features[face]), trained.features, NEAREST + itself)
    keep = (found.faces != face) if itself else np.ones(len(found.faces), bool)
    return Neighbours(found.faces[keep][:NEAREST], found.similarity[keep][:NEAREST])


def _nearest(view: View, face: int) -> None:
    """Draw the ten nearest training faces with their labels; those that contradict the face's own jump to the eye."""
    run = view.run if view.shown is view.a else cache.store().open(view.shown.run)
    found = _found(str(run.path), view.shown.split, face, cache.stamp(run.path / FILE))
    if found is None:
        ask_run.offer(run, "train", "Then the ten training faces that the network sees as most like this one stand here, labelled.")
        return
    trained = answers(run, "train")
    assert trained is not None
    label, called = int(view.shown.labels[face]), int(view.shown.predicted[face])
    counts = found.vote(trained.labels)
    told = words.listed([f"{counts[i]} {EMOTIONS[i].capitalize()}" for i in np.argsort(-counts, kind="stable") if counts[i]])
    st.markdown(f"**The {len(found.faces)} nearest training faces** vote {told}: " + _verdict(counts, label, called),
                help="Nearest by the cosine of the features before the last layer: what looks alike to this network.")
    if view.faces.dataset is None or "train" not in view.faces.dataset:
        return
    image = np.asarray(view.faces.dataset[view.shown.split].images[face])
    images = np.asarray(view.faces.dataset["train"].images[found.faces])
    labels = trained.labels[found.faces]
    same = (images == image).all((1, 2))
    names = [("≠ " if 0 <= label != number else "") + words.emotion(int(number)) for number in labels]
    alike = ["same pixels" if copy else f"{s:.0%} alike" for copy, s in zip(same, found.similarity, strict=True)]
    captions = [f"{name}\n{how}" for name, how in zip(names, alike, strict=True)]
    gallery(images, "nearest", size=96, cell=96, captions=captions, label="Nearest training faces",
            colours=[EMOTION_COLOURS[EMOTIONS[number]] if number >= 0 else "" for number in labels],
            tips=[f"train face {i}, cosine {s:.3f}" for i, s in zip(found.faces, found.similarity, strict=True)])


def _verdict(counts: np.ndarray, label: int, called: int) -> str:
    if label < 0 or not counts.sum():
        return "there is no label to judge."
    if label == called:
        return f"{counts[label]} agree with label and network."
    return f"{counts[label]} for the label, {counts[called]} for the network's call."


def checked(view: View) -> int | None:
    """Return the face that the URL names; one that is not there is told and left aside."""
    asked = st.query_params.get("image")
    face = selection.param("image", cast=int, low=0, high=len(view.a) - 1)
    if asked is not None and face is None:
        with page.errors():
            raise FerError("There is no such face.", received=asked[:40], expected=f"a number from 0 to {len(view.a) - 1:,}")
    return None if face is None else int(face)
