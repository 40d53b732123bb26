"""One face of the matrix at large: its probabilities, and three votes on whose error it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import streamlit as st

from fer_core.emotions import EMOTIONS, SIDE
from fer_core.errors import FerError, RunError
from fer_core.messages import Sentence
from fer_core.metrics.label_quality import agreement
from fer_core.metrics.neighbours import Neighbours, nearest
from fer_core.plots import figures
from fer_core.plots.figures import Theme
from fer_core.plots.theme import EMOTION_COLOURS
from fer_core.runs.store import Run
from ui.controls import prediction_offer
from ui.elements import messages
from ui.elements.chart import chart
from ui.elements.gallery import gallery, picture
from ui.services import cache
from ui.services.matrix_view import View
from ui.services.predictions import Answers, answers, mark, votes
from ui.shell import page
from ui.state import navigation, url_params
from ui.text import formatting
from ui.text.language import say
from ui.views.matrix import face_wall, reviews_panel

NEAREST = 10
ABOUT_SUSPICION = """From 0 to 1; above 0.5 another class fits better than the label. It is one minus cleanlab's *normalized margin*:
p(label) minus the highest other p, after each class's p is measured against its usual height (the mean p of the class among the faces
that bear it). It means something only for faces that the network did not learn from."""


def panel(view: View, theme: Theme) -> None:
    """Draw the chosen face with its probabilities, the votes and the marks."""
    face = checked(view)
    if face is None and view.faces.dataset is None:
        return
    if face is None:
        messages.empty("No face chosen", "Click a face above: it opens here with its seven probabilities, the training faces that it "
                   "resembles, and what other runs call it.")
        return
    answers_now = view.shown
    label, called = int(answers_now.labels[face]), int(answers_now.predicted[face])
    told = say("**{split} face {face}**: labelled **{label}**, called **{called}**.", split=answers_now.split.capitalize(), face=face,
               label=formatting.emotion(label), called=formatting.emotion(called))
    if copy := answers_now.copy_of(face):
        told += say(" An exact copy of a training face." if copy == "exact" else " A near copy of a training face.")
    st.markdown(told)
    with st.container(horizontal=True, key="face-row"):
        if view.faces.dataset is not None:
            image = np.asarray(view.faces.dataset[answers_now.split].images[face])
            picture(image, 4 * SIDE, "face",
                    label=say("{label}, {split} face {face}", label=formatting.emotion(label), split=answers_now.split, face=face))
        with st.container(key="bars"):
            bars = figures.probability_bars(answers_now.probabilities[face], label if label >= 0 else None, theme=theme)
            bars.update_xaxes(visible=False, range=[0, 1.5])  # each bar bears its number
            chart(bars, "probabilities", height=200, label="The seven probabilities of this face")
    _steps(view, face)
    reviews_panel.buttons(view, face)
    _suspicion(answers_now, face)
    _runs(view, face)
    with messages.errors():
        _nearest(view, face)


def _steps(view: View, face: int) -> None:
    """Draw the ways on: the viewer, the next and the previous face of the choice, the wall."""
    order = view.shown.ordered(view.rows, view.choice.sort, 0, len(view.rows))
    at = np.flatnonzero(order == face)
    place = int(at[0]) if len(at) else None
    with st.container(horizontal=True, key="steps", vertical_alignment="center"):
        page.link(face_wall.VIEWER, "Why? Open in the saliency viewer", image=face)
        for word, icon, step in (("Previous", ":material/chevron_left:", -1), ("Next", ":material/chevron_right:", 1)):
            there = place is not None and 0 <= place + step < len(order)
            target = int(order[place + step]) if place is not None and there else None
            st.button(say(word), icon=icon, key=f"step{step}", disabled=not there, on_click=navigation.write,
                      kwargs={"image": target, "start": ((place or 0) + step) // face_wall.WALL * face_wall.WALL or None})
        st.button(say("Close"), icon=":material/close:", key="close-face", on_click=navigation.write, kwargs={"image": None})
        if place is None and view.choice.anything:
            st.caption(say("Not among the chosen faces"))


def _suspicion(found: Answers, face: int) -> None:
    if found.labels[face] < 0:
        return
    value = float(found.suspicion[face])
    worse = int((found.suspicion > found.suspicion[face]).sum())
    learned = ""
    if found.margin is not None:
        learned = say(" From answers of networks that had not seen it, and from how it was learned." if found.unseen
                      else " From how it was learned alone: the network has seen this face.")
    elif not found.unseen:
        learned = say(" The network learned from these faces: the number says little here.")
    st.markdown(say("**Label suspicion {value:.2f}** · {worse:,} of {n:,} labels are more suspicious.", value=value, worse=worse,
                    n=found.evaluation.n) + learned, help=say(ABOUT_SUSPICION))


def _runs(view: View, face: int) -> None:
    called = votes(view.shown)
    counts = agreement(np.stack([row[face : face + 1] for row in called.values()]))[0] if called else np.zeros(len(EMOTIONS), int)
    if len(called) < 2:
        st.markdown(say("**Agreement of runs** · only this run has predicted these faces; a second one makes this a vote."))
        return
    with_label = int(counts[view.shown.labels[face]]) if view.shown.labels[face] >= 0 else 0
    names = {title: formatting.emotion(int(row[face])) for title, row in called.items()}
    st.markdown(say("**Agreement of {runs} runs** · {votes}; {n} with the label.", runs=len(called), votes=_counted(counts), n=with_label),
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
    found = _found(str(run.path), view.shown.split, face, mark(run))
    if found is None and run.alone:
        st.markdown(say("**The nearest training faces** · this run keeps no features, so no face is near another."))
        return
    if found is None:
        prediction_offer.offer(
            run, "train", "Then the ten training faces that the network sees as most like this one stand here, labelled."
        )
        return
    trained = answers(run, "train")
    assert trained is not None
    label, called = int(view.shown.labels[face]), int(view.shown.predicted[face])
    counts = found.vote(trained.labels)
    st.markdown(say("**The {n} nearest training faces** vote {votes}: {verdict}", n=len(found.faces), votes=_counted(counts),
                    verdict=_verdict(counts, label, called)),
                help=say("Nearest by the cosine of the features before the last layer: what looks alike to this network."))
    if view.faces.dataset is None or "train" not in view.faces.dataset:
        return
    image = np.asarray(view.faces.dataset[view.shown.split].images[face])
    images = np.asarray(view.faces.dataset["train"].images[found.faces])
    labels = trained.labels[found.faces]
    same = (images == image).all((1, 2))
    names = [("≠ " if 0 <= label != number else "") + formatting.emotion(int(number)) for number in labels]
    alike = [say("same pixels") if copy else say("{share:.0%} alike", share=s) for copy, s in zip(same, found.similarity, strict=True)]
    captions = [f"{name}\n{how}" for name, how in zip(names, alike, strict=True)]
    gallery(images, "nearest", size=96, cell=96, captions=captions, label=say("Nearest training faces"),
            colours=[EMOTION_COLOURS[EMOTIONS[number]] if number >= 0 else "" for number in labels],
            tips=[say("train face {face}, cosine {cosine:.3f}", face=int(i), cosine=s)
                  for i, s in zip(found.faces, found.similarity, strict=True)])


def _counted(counts: np.ndarray) -> str:
    """Say how many voted for each class, the most first."""
    order = np.argsort(-counts, kind="stable")
    return formatting.listed([say("{n} {emotion}", n=int(counts[i]), emotion=formatting.emotion(int(i))) for i in order if counts[i]])


def _verdict(counts: np.ndarray, label: int, called: int) -> str:
    if label < 0 or not counts.sum():
        return say("there is no label to judge.")
    if label == called:
        return say("{n} agree with label and network.", n=int(counts[label]))
    return say("{n} for the label, {called} for the network's call.", n=int(counts[label]), called=int(counts[called]))


def checked(view: View) -> int | None:
    """Return the face that the URL names; one that is not there is told and left aside."""
    asked = st.query_params.get("image")
    face = url_params.param("image", cast=int, low=0, high=len(view.a) - 1)
    if asked is not None and face is None:
        with messages.errors():
            raise FerError("There is no such face.", received=asked[:40],
                           expected=Sentence("a number from 0 to {last:,}", last=len(view.a) - 1))
    return None if face is None else int(face)
