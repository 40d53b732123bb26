"""What the chosen faces have in common: mean faces and their differences, the distribution of p, copies of training faces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from fer_core.data.splits import pixels
from fer_core.emotions import SIDE
from fer_core.plots import figures as charts
from fer_core.plots.figures import Theme
from fer_core.plots.theme import DIVERGING, rgb
from ui.elements import downloads
from ui.elements.gallery import atlas, gallery, png
from ui.services.matrix_view import View
from ui.shell import page
from ui.text import formatting
from ui.text.language import say

MOST = 5000
"""Faces that a mean is made of: of more than that, as many are taken evenly, which moves no pixel by more than a grey value or two."""


def mean(images: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Average faces uint8 (n, 48, 48) at ascending indices to float64 (48, 48); no face gives mid grey."""
    if not len(rows):
        return np.full((SIDE, SIDE), 127.5)
    taken = rows if len(rows) <= MOST else rows[np.linspace(0, len(rows) - 1, MOST).astype(np.int64)]
    return np.asarray(pixels(images, taken).mean(0, dtype=np.float64))


def signed_picture(difference: np.ndarray, limit: float, theme: Theme) -> np.ndarray:
    """Colour a difference of grey values (48, 48): orange lighter, purple darker, the page's ground at zero; uint8 (48, 48, 3)."""
    stops = np.array([rgb(colour) for colour in DIVERGING[theme]], float)
    place = (np.clip(difference / limit, -1, 1) + 1) / 2 * (len(stops) - 1)
    places = np.arange(len(stops))
    return np.stack([np.interp(place, places, stops[:, channel]) for channel in range(3)], -1).round().astype(np.uint8)


def panel(view: View, theme: Theme) -> None:
    """Draw the panel."""
    rows, answers = view.rows, view.shown
    if not len(rows):
        st.caption(say("Nothing to average: no face is chosen."))
        return
    st.markdown(_copies(view))
    page.link("pages/saliency_viewer.py", "Their portrait: where the network looked, and which filters answered too much", why="many")
    if view.faces.dataset is not None:
        _means(view, theme)
    figure = charts.cell_probabilities(answers.confidence[rows], answers.own[rows], theme=theme)
    st.markdown(say("**How sure the network is of these faces**: p of what it called them, and p of their label."))
    downloads.show(figure, "cell-p", height=280, label="Distribution of the probabilities of the chosen faces")


def _copies(view: View) -> str:
    exact, near = view.shown.leaked, view.shown.near
    copies = exact if near is None else exact | near
    count, faces = int(copies[view.rows].sum()), formatting.faces(len(view.rows))
    if not count:
        return say("None of these {faces} is an exact copy of a training face." if near is None else
                   "None of these {faces} is a copy of a training face, exact or near.", faces=faces)
    told = {"faces": faces, "share": formatting.percent(count / len(view.rows)), "whole": formatting.percent(float(copies.mean()))}
    if near is None:
        return say("**{exact:,}** of these {faces} ({share}) stand in the training split, pixel for pixel; of all faces of the split it "
                   "is {whole}.", exact=count, **told)
    same = int(exact[view.rows].sum())
    return say("**{exact:,}** of these {faces} stand in the training split, pixel for pixel, and **{near:,}** as altered copies "
               "(together {share}); of all faces of the split it is {whole}.", exact=same, near=count - same, **told)


def _means(view: View, theme: Theme) -> None:
    dataset, answers = view.faces.dataset, view.shown
    assert dataset is not None
    images = dataset[answers.split].images
    true, predicted = _single(view.choice.cells)
    parts = [(say("These faces"), view.rows)]
    if true is not None:
        parts.append((say("All labelled {label}", label=formatting.emotion(true)), np.flatnonzero(answers.labels == true)))
    if predicted is not None:
        parts.append((say("All called {called}", called=formatting.emotion(predicted)), np.flatnonzero(answers.predicted == predicted)))
    if true is None and predicted is None:
        parts.append((say("All faces of the split"), np.arange(len(answers))))
    means = [mean(images, rows) for _, rows in parts]
    changes = [means[0] - other for other in means[1:]]
    limit = max(1.0, *(float(np.abs(change).max()) for change in changes))
    pictures = [np.repeat(face.round().astype(np.uint8)[..., None], 3, 2) for face in means]
    pictures += [signed_picture(change, limit, theme) for change in changes]
    captions = [f"{name}\n{_averaged(len(rows))}" for name, rows in parts]
    captions += [say("These minus\n{others}", others=f"{name[0].lower()}{name[1:]}") for name, _ in parts[1:]]
    st.markdown(say("**Mean faces**, pixel by pixel, and what sets these faces apart: orange where they are lighter, purple where darker "
                    "(strongest colour: {limit:.0f} of 255 grey values).", limit=limit))
    gallery(np.stack(pictures), "means", size=3 * SIDE, cell=3 * SIDE, captions=captions, label=say("Mean faces and their differences"))
    st.download_button(say("Mean faces (PNG)"), lambda: png(atlas(np.stack(pictures))), "fer-lens-mean-faces.png", "image/png",
                       on_click="ignore", type="tertiary", icon=":material/download:")


def _averaged(count: int) -> str:
    return say("{most:,} of {faces}", most=MOST, faces=formatting.faces(count)) if count > MOST else formatting.faces(count)


def _single(cells: Sequence[tuple[int | None, int | None]]) -> tuple[int | None, int | None]:
    """Return the true and the predicted class that all cells share; `None` where they differ or leave it open."""
    sides = [{cell[side] for cell in cells} for side in (0, 1)]
    true, predicted = (next(iter(side)) if len(side) == 1 else None for side in sides)
    return true, predicted
