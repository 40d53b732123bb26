"""What a click on the matrix opened: the sentence, the order, and the wall of faces, a hundred at a time, worked with the keyboard."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from fer_core.annotations.face_filter import SORTS
from fer_core.annotations.label_reviews import Mark
from fer_core.data.splits import pixels
from fer_core.emotions import EMOTIONS
from fer_core.plots.theme import EMOTION_COLOURS
from ui.controls import prediction_offer
from ui.elements import messages, pager
from ui.elements.gallery import Keys, atlas, gallery, png
from ui.services.cell_names import plain
from ui.services.matrix_view import View
from ui.state import bound_widgets, navigation, url_params
from ui.text import formatting
from ui.text.language import say
from ui.views.matrix import reviews_panel

WALL = 100
HEIGHT, LOW = 440, 296  # pixels of the wall; low while a face is open under it, so that both are seen at once
KEYS = "**On a face**: arrows move, **Enter** or a double click opens it in the saliency viewer, **Escape** closes it."
VIEWER = "pages/saliency_viewer.py"


def wall(view: View) -> None:
    """Draw the sentence, the order and a wall of the chosen faces."""
    rows = view.rows
    first = pager.begin("start", len(rows), WALL)
    shown = view.shown.ordered(rows, view.choice.sort, first, WALL)
    st.html(f"<p class='fer-cell'>{view.sentence}</p>")
    with st.container(horizontal=True, vertical_alignment="bottom", key="order"):
        sorts = [name for name in SORTS if name != "typical" or view.shown.features is not None]
        bound_widgets.choose("Order", "sort", sorts, words=SORTS.__getitem__, default="confident", hidden=True)
    if not len(rows):
        messages.empty("No face here", "Choose another cell, a row or column by its name, or take off what narrows the choice at the left.")
        return
    if view.faces.dataset is None and view.faces.reason is not None:
        _without_faces(view)
        return
    draw(view, shown, "gallery", height=HEIGHT if url_params.param("image") is None else LOW)
    pager.draw("start", first, len(rows), WALL)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(say("true → called, p(called) · p(true), index"), width="stretch")
        st.download_button("PNG", lambda: png(atlas(pictures(view, shown), 10)), "fer-lens-faces.png", "image/png", on_click="ignore",
                           type="tertiary", icon=":material/download:", help=say("These faces as one picture, ten in a row"))
        with st.popover(say("Keys"), type="tertiary", icon=":material/keyboard:"):
            st.markdown(f"{say(KEYS)}\n\n{say(reviews_panel.KEYS_TOLD)}")


def draw(view: View, shown: np.ndarray, key: str, *, height: int | None = None) -> None:
    """Draw faces of the split as tiles, with the keyboard."""
    answers = view.shown
    at = np.flatnonzero(shown == url_params.param("image", cast=int, low=0))
    gallery(
        pictures(view, shown),
        key,
        captions=[caption(view, int(i)) for i in shown],
        colours=[edge(int(answers.labels[i]), int(answers.predicted[i])) for i in shown],
        tips=[tip(view, int(i)) for i in shown],
        selected=int(at[0]) if len(at) else None,
        size=96,
        cell=102,
        height=height,
        label=say("The chosen faces"),
        on_pick=lambda i: navigation.write(image=int(shown[i])),
        keys=Keys(open=lambda i: open_face(int(shown[i])), leave=lambda: navigation.write(image=None), keys=reviews_panel.KEYS,
                  ids=[int(i) for i in shown], act=partial(reviews_panel.by_keys, view)),
    )


def pictures(view: View, rows: np.ndarray) -> np.ndarray:
    """Return the pixels uint8 (n, 48, 48) of faces."""
    assert view.faces.dataset is not None
    return pixels(view.faces.dataset[view.shown.split].images, rows)


def caption(view: View, face: int) -> str:
    """Write what stands under a tile: true → called, both probabilities, index, mark."""
    answers = view.shown
    label, called = int(answers.labels[face]), int(answers.predicted[face])
    names = formatting.emotion(called) if label == called else f"{formatting.emotion(label)} → {formatting.emotion(called)}"
    mark = view.marks.get(face)
    probabilities = f"{answers.confidence[face]:.0%}" + (f" · {answers.own[face]:.0%}" if label not in (called, -1) else "")
    lines = [names, f"{probabilities} · #{face}"]
    if view.beside is not None:
        letter, other = view.beside
        lines.append(f"{letter}: {formatting.emotion(int(other.predicted[face]))} {other.confidence[face]:.0%}")
    return "\n".join([*lines, f"✎ {say(mark.words)}" if mark else " "])


def tip(view: View, face: int) -> str:
    """Write what is told of a tile on hover and read out."""
    answers, mark = view.shown, view.marks.get(face)
    told = say("{split} face {face}, labelled {label}, called {called} with p {p:.3f}, p of its label {own:.3f}", split=answers.split,
               face=face, label=formatting.emotion(int(answers.labels[face])), called=formatting.emotion(int(answers.predicted[face])),
               p=answers.confidence[face], own=answers.own[face])
    if copy := answers.copy_of(face):
        told += say(", an exact copy of a training face" if copy == "exact" else ", a near copy of a training face")
    return told + (say(", marked: {mark}", mark=mark.words) if mark else "")


def edge(label: int, called: int) -> str:
    """Return the thin edge of a tile: left the colour of its label, right that of what it was called."""
    left, right = (EMOTION_COLOURS[EMOTIONS[number]] if number >= 0 else "transparent" for number in (label, called))
    return f"linear-gradient(90deg, {left} 50%, {right} 50%)"


def open_face(face: int) -> None:
    """Choose a face, and have the saliency viewer opened with the whole selection."""
    navigation.write(image=face)
    navigation.leave(VIEWER, navigation.carried(image=face))


def table(view: View, rows: Sequence[int] | np.ndarray) -> str:
    """Write faces as CSV: where each is found, its label, the call, the probabilities, the suspicion, the mark."""
    answers, dataset = view.shown, view.faces.dataset
    ids = dataset[answers.split].ids if dataset is not None else None
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["split", "face", "id", "true", "called", "p_called", "p_true", "copy_of_training", "near_copy_of_training",
                     "suspicion", *(f"p_{name}" for name in EMOTIONS), "mark"])
    for i in rows:
        mark: Mark | None = view.marks.get(int(i))
        near = "" if answers.near is None else bool(answers.near[i])
        writer.writerow([answers.split, int(i), ids[i] if ids is not None else "", plain(int(answers.labels[i])),
                         plain(int(answers.predicted[i])), f"{answers.confidence[i]:.5f}", f"{answers.own[i]:.5f}",
                         bool(answers.leaked[i]), near, f"{answers.suspicion[i]:.5f}", *(f"{p:.5f}" for p in answers.probabilities[i]),
                         mark.words if mark else ""])
    return text.getvalue()


def _without_faces(view: View) -> None:
    """Say why no face is shown, and list the numbers all the same."""
    assert view.faces.reason is not None
    messages.problem(view.faces.reason)
    if view.faces.edition:
        prediction_offer.anew(view.run, view.a.split, view.faces.edition)
    st.markdown(say("All numbers of this page hold without the faces.") if view.faces.edition else
                say("The faces then stand here; their place can be named on the Dataset page, too. All numbers of this page hold without "
                    "them."))
    shown = view.shown.ordered(view.rows, view.choice.sort, 0, WALL)
    answers = view.shown
    names = [say(name) for name in ("face", "true", "called", "p called", "p true")]
    st.dataframe([dict(zip(names, (int(i), formatting.emotion(int(answers.labels[i])), formatting.emotion(int(answers.predicted[i])),
                                   round(float(answers.confidence[i]), 3), round(float(answers.own[i]), 3)), strict=True)) for i in shown],
                 hide_index=True, height=360)
