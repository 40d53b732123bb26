"""The dossier of a unit: the faces that excite it most with the patch outlined, what it says of the chosen face, classes, twins."""

from __future__ import annotations

import html
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from fer_core.emotions import EMOTIONS, SIDE
from fer_core.plots import saliency_images
from fer_core.plots.figures import Theme
from fer_core.plots.theme import EMOTION_COLOURS
from ui.elements import messages
from ui.elements.gallery import gallery
from ui.services import jobs, models
from ui.services.filter_view import Place, table
from ui.shell import page
from ui.state import bound_widgets, navigation
from ui.text import formatting
from ui.text.language import say
from ui.views.filters import ablation_panel

if TYPE_CHECKING:
    from fer_core.units.unit_statistics import Dossier, Peak

LINE = (255, 140, 0)
FACTOR = 2
THREE = 330
"""Pixels that hold three faces in a row."""
OUTLINED = "Of {faces}. Outlined is the patch that it looks at where its answer is highest. A click shows its answers to that face."
NUMBERS = ("It {view}; {what}. Class selectivity **{selectivity:.2f}**, sparsity **{sparsity:.2f}**, mean answer **{mean:.3g}**, highest "
           "**{highest:.3g}**, weight norm **{norm:.3g}**.")


def draw(place: Place, theme: Theme) -> None:
    """Draw all that is known of the unit, and the switch-off test."""
    if place.problem is not None:
        messages.problem(place.problem)
        return
    with st.container():
        found = dossier(place)
        if found is not None:
            _described(place, found)
    left, right = st.columns(2, gap="medium")
    with left:
        on_face(place, theme)
    with right:
        ablation_panel.panel(place, theme)


def _described(place: Place, found: Dossier) -> None:
    numbers(found)
    left, right = st.columns(2, gap="medium")
    with left:
        strongest(place, found)
    with right:
        classes(found, place.faces.labels if place.faces is not None else np.empty(0, int))
        twins(place, found)


def dossier(place: Place) -> Dossier | None:
    """Give the dossier of the unit; `None` while it is written."""
    if place.faces is None:
        return None
    known = table(place)
    if known is None:
        return None
    network, faces, layer, unit = place.network, place.faces, place.block.layer, place.goal.unit

    def work(job: jobs.Job) -> Any:
        model = models.network(network)
        from fer_core.units import unit_statistics

        return unit_statistics.dossier(model, known, faces, layer, unit)

    found: Dossier | None = jobs.answer(place.key("dossier", layer, unit), work, say("Writing the dossier"), height=120)
    return found


def strongest(place: Place, found: Dossier) -> None:
    """Draw the nine faces that excite the unit most, the patch that it saw at its peak outlined; a click chooses a face."""
    assert place.faces is not None
    faces, peaks = place.faces, found.strongest
    if not peaks:
        st.markdown(say("**No {split} face excites it**: its answer is above zero for none of {faces}.", split=place.split,
                        faces=formatting.faces(len(faces))))
        return
    pictures = np.stack([outlined(faces.images[peak.face], peak) for peak in peaks])
    labels = [int(faces.labels[peak.face]) for peak in peaks]
    here = [i for i, peak in enumerate(peaks) if peak.face == place.image]
    outlines = found.grid and found.receptive_field < SIDE
    st.markdown(
        say("**The {n} {split} faces that excite it most**", n=len(peaks), split=place.split),
        help=say(OUTLINED if outlines else "Of {faces}. A click shows its answers to that face.", faces=formatting.faces(len(faces))),
    )
    captions = [f"{formatting.emotion(label)}\n#{peak.face} · {peak.value:.3g}" for label, peak in zip(labels, peaks, strict=True)]
    colours = [EMOTION_COLOURS[EMOTIONS[n]] if n >= 0 else "" for n in labels]
    with st.container(width=THREE):
        gallery(pictures, "strongest", size=SIDE * FACTOR, cell=SIDE * FACTOR, captions=captions, colours=colours,
                selected=here[0] if here else None, label=say("The faces that excite it most"),
                on_pick=lambda i: navigation.write(image=peaks[i].face))


def outlined(face: np.ndarray, peak: Peak) -> np.ndarray:
    """Enlarge a face and outline the patch of a peak: uint8 (96, 96, 3); a patch that is the whole face is left out."""
    picture = saliency_images.enlarged(saliency_images.grey(face), FACTOR).copy()
    top, left, bottom, right = (FACTOR * edge for edge in peak.box)
    if (bottom - top, right - left) != picture.shape[:2]:
        picture[top:bottom, [left, right - 1]] = picture[[top, bottom - 1], left:right] = LINE
        picture[top:bottom, [min(left + 1, right - 1), max(right - 2, left)]] = LINE
        picture[[min(top + 1, bottom - 1), max(bottom - 2, top)], left:right] = LINE
    return picture


def on_face(place: Place, theme: Theme) -> None:
    """Draw the chosen face, and the unit's answers over it."""
    face = place.face
    if face is None or place.faces is None:
        return
    network, layer, unit, image = place.network, place.block.layer, place.goal.unit, place.image

    def work(job: jobs.Job) -> Any:
        model = models.network(network)
        from fer_core.units import unit_statistics

        return unit_statistics.activation_maps(model, layer, unit, face[None])[0]

    answer = jobs.answer(place.key("map", layer, unit, image), work, say("Asking the network"), height=120)
    st.markdown(say("**What it says of {split} face {image}**, labelled {label}", split=place.split, image=image,
                    label=formatting.emotion(int(place.faces.labels[image]))),
                help=say("Orange: an answer above zero; purple: below. The face comes with you from the other pages; choose another here."))
    if answer is not None:
        _answer_pictures(face, np.asarray(answer), theme)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _number(place)
        page.link("pages/saliency_viewer.py", "Why is it called so?", image=image, split=place.split)


def _answer_pictures(face: np.ndarray, answer: np.ndarray, theme: Theme) -> None:
    if answer.ndim == 0:
        st.markdown(say("Its answer to the face: **{answer:.3g}**.", answer=float(answer)))
        gallery(face[None], "answer", size=SIDE * FACTOR, label=say("The chosen face"))
        return
    grid = answer.shape[0]
    whole = np.kron(answer, np.ones((SIDE // grid, SIDE // grid), np.float32))
    top = float(np.abs(answer).max())
    pictures = np.stack(
        [saliency_images.grey(face), saliency_images.signed(whole, top, theme), saliency_images.overlay(face, whole, top, 0.75, theme)]
    )
    gallery(pictures, "answer", size=SIDE * FACTOR, cell=SIDE * FACTOR, label=say("The chosen face, the answers, both"),
            captions=[say("the face"), say("answers, {grid} × {grid}", grid=grid), say("strongest {top:.3g}", top=top)])


def _number(place: Place) -> None:
    assert place.faces is not None
    count = len(place.faces)
    st.number_input(say("Face, 0 to {top:,}", top=count - 1), 0, count - 1, place.image, width=150,
                    **bound_widgets.mirror("filter_face", place.image, lambda face: navigation.write(image=face)))


def classes(found: Dossier, labels: np.ndarray) -> None:
    """Draw how many of its hundred strongest faces have each label, as bars, and how many they were if it did not care for labels."""
    total = int(found.classes.sum())
    if not total:
        return
    known = labels[labels >= 0]
    even = total * np.bincount(known, minlength=len(EMOTIONS)) / max(1, len(known))
    rows = "".join(
        f"<div class='fer-bar'><span>{formatting.emotion(label)}</span><i><b style='width:{100 * count / total:.1f}%;"
        f"background:{EMOTION_COLOURS[EMOTIONS[label]]}'></b><u style='left:{100 * even[label] / total:.1f}%'></u></i>"
        f"<span>{count}</span></div>"
        for label, count in enumerate(found.classes.tolist()))
    st.markdown(say("**Labels of its {n} strongest faces**", n=total),
                help=say("The mark shows how many there would be if the unit did not care for labels: a class with many faces has more."))
    st.html(f"{STYLE}<div class='fer-bars' role='img' aria-label='{html.escape(_spoken(found))}'>{rows}</div>")


def _spoken(found: Dossier) -> str:
    return say(", ").join(f"{say(name)} {count}" for name, count in zip(EMOTIONS, found.classes.tolist(), strict=True))


STYLE = """<style>.fer-bars{display:grid;gap:4px;max-width:420px;font-size:0.9rem}
.fer-bar{display:grid;grid-template-columns:5rem 1fr 3.4rem;gap:8px;align-items:center;font-variant-numeric:tabular-nums}
.fer-bar i{display:block;height:14px;background:rgba(128,136,150,.14);border-radius:3px;position:relative}
.fer-bar b{display:block;height:100%;border-radius:3px;min-width:1px}
.fer-bar u{position:absolute;top:-2px;bottom:-2px;width:2px;margin-left:-1px;background:currentColor;opacity:.7}
.fer-bar span:last-child{text-align:right}</style>"""


def numbers(found: Dossier) -> None:
    """Write the unit's numbers in a line or two."""
    side = min(found.receptive_field, SIDE)
    view = say("sees the whole face")
    if found.grid and found.stride == 1:
        view = say("sees {side} × {side} pixels, at every pixel", side=side)
    elif found.grid:
        view = say("sees {side} × {side} pixels, every {stride} pixels", side=side, stride=found.stride)
    preferred = formatting.emotion(found.preferred)
    what = say("never above zero on these faces") if found.silent else say("excited most by {emotion}", emotion=preferred)
    st.markdown(say(NUMBERS, view=view, what=what, selectivity=found.selectivity, sparsity=found.sparsity, mean=found.mean,
                    highest=found.maximum, norm=found.weight_norm))


def twins(place: Place, found: Dossier) -> None:
    """Draw the units whose answers go with its own; a click goes to one."""
    alike = [(unit, alike) for unit, alike in found.twins if alike > 0]
    if not alike:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="twins"):
        st.markdown(say("**Its twins**"), width="content",
                    help=say("Units of the layer whose mean answers over the faces correlate most with its own."))
        for unit, share in alike:
            st.button(f"{_short(place, unit)} · {share:.2f}", key=f"twin-{unit}",
                      on_click=partial(navigation.write, unit=unit))


def _short(place: Place, unit: int) -> str:
    """Name a unit without its layer."""
    if place.block.name == "logits":
        return formatting.emotion(unit)
    return say("Filter {unit}" if place.block.grid else "Neuron {unit}", unit=unit)
