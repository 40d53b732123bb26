"""The filters that carry a decision: what excites each, where it answers on this face, and what is left of the decision without it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from fer_core.attribution.request import Question
from fer_core.emotions import SIDE
from fer_core.feature_vis.objectives import OBJECTIVES
from fer_core.feature_vis.request import Goal
from fer_core.feature_vis.settings import PRESETS
from fer_core.models.weights_header import Block
from fer_core.plots import saliency_images
from ui.elements import messages
from ui.elements.gallery import gallery
from ui.services import jobs, models, network_spec
from ui.services.explained_face import Subject
from ui.services.filter_view import Place, faces_of, table
from ui.services.stills import stills
from ui.shell import page
from ui.state import bound_widgets, navigation
from ui.text import formatting
from ui.text.language import say

if TYPE_CHECKING:
    from fer_core.units.unit_statistics import Carrier

FEW = 5
STRONGEST = 3
EXPLORER = "pages/filter_explorer.py"


def panel(subject: Subject, question: Question) -> None:
    """Draw the five filters of a layer that spoke most for the answer, each with its proof."""
    blocks = [block for block in network_spec.blocks(subject.run) if block.name != "logits"]
    usual = [block for block in blocks if block.grid] or blocks
    names = {block.name: block for block in blocks}
    name = bound_widgets.choose("Layer", "block", list(names), kind="segmented", default=usual[-1].name)
    block = names[name]
    made = carriers(subject, question, block)
    if made is None:
        return
    found, probabilities = made
    if not found:
        st.caption(say("No unit of {layer} speaks for it: look at another layer.", layer=block.name))
        return
    share = sum(one.share for one in found)
    st.markdown(say("**{question}: the {n} {units} of {layer} that speak most for it** carry {share} of all that does (activation × "
                    "gradient). Without all of them: {change}.", question=question.said, n=len(found),
                    units=block.noun if len(found) == 1 else block.nouns, layer=block.name, share=formatting.percent(share),
                    change=shift(question, probabilities[0], probabilities[-1])))
    pictures = stills(subject.network, OBJECTIVES["filter"](block.layer, [one.unit for one in found]), PRESETS["standard"], 0,
                      "Painting what excites them", height=60)
    faces = strongest(subject, block, [one.unit for one in found])
    for number, one in enumerate(found):
        with st.container(horizontal=True, vertical_alignment="center", key=f"carrier-{number}"):
            row(subject, block, one, None if pictures is None else pictures[1][number], [] if faces is None else faces[number])
            with st.container(width=300):
                st.markdown(say("**{unit}** · {share}  \nWithout it: {change}.", unit=block.title(one.unit),
                                share=formatting.percent(one.share), change=shift(question, probabilities[0], probabilities[number + 1])))
                page.link(EXPLORER, "Look into it", layer=block.name, unit=one.unit, image=subject.index if subject.index >= 0 else None)


def carriers(subject: Subject, question: Question, block: Block) -> tuple[list[Carrier], np.ndarray] | None:
    """Find the units, and the probabilities float32 (n, 7): as it is, without each, without all; `None` while that is computed."""
    network, image = subject.network, subject.image

    def work(job: jobs.Job) -> Any:
        model = models.network(network)
        from fer_core.units import ablation
        from fer_core.units import unit_statistics as units

        found = units.through_face(model, block.layer, image, question.target, question.versus, FEW)
        off = [one.unit for one in found]
        return found, ablation.on_face(model, block.layer, image, [*([unit] for unit in off), off])

    found: tuple[list[Carrier], np.ndarray] | None = jobs.answer(
        ("carriers", *subject.key, block.name, question.target, question.versus), work, "Asking which filters spoke for it")
    return found


def shift(question: Question, before: np.ndarray, after: np.ndarray) -> str:
    """Say what became of the probabilities asked about: `Fear 90.5% → 71.0%, Surprise 8.7% → 27.9%`."""
    return formatting.change([question.target] + ([question.versus] if question.versus is not None else []), before, after)


def row(subject: Subject, block: Block, one: Carrier, picture: np.ndarray | None, faces: list[tuple[np.ndarray, int]]) -> None:
    """Draw a unit in pictures: what excites it, where it spoke on this face, the faces that excite it most; a face opens in its place."""
    grey = np.full((SIDE, SIDE), 128, np.uint8) if picture is None else picture
    shown, captions = [saliency_images.grey(grey)], [say("what excites it")]
    if block.grid:
        spoken = np.kron(one.map, np.ones((SIDE // block.grid,) * 2, np.float32))
        shown.append(saliency_images.overlay(subject.image, spoken, saliency_images.limit(spoken), 0.7, messages.theme()))
        captions.append(say("on this face"))
    numbers = [number for _, number in faces]
    shown += [saliency_images.grey(face) for face, _ in faces]
    captions += [f"#{number}" for number in numbers]
    first = len(shown) - len(faces)
    with st.container(width=(2 * SIDE + 8) * len(shown) + 16):
        gallery(np.stack(shown), f"carrier-{block.name}-{one.unit}", size=2 * SIDE, cell=2 * SIDE, captions=captions,
                label=say("{unit} in pictures", unit=block.title(one.unit)), on_pick=partial(_open, numbers, first))


def _open(numbers: list[int], first: int, position: int) -> None:
    if position >= first:
        navigation.write(image=numbers[position - first])


def strongest(subject: Subject, block: Block, units: list[int]) -> list[list[tuple[np.ndarray, int]]] | None:
    """Find for each unit the faces of the split that excite it most, with their numbers; `None` while the table is made."""
    if subject.index < 0:
        return [[] for _ in units]
    dataset, _ = faces_of(subject.run, subject.split)
    if dataset is None:
        return [[] for _ in units]
    known = table(Place(subject.run, [block], Goal("filter", block), subject.split, dataset, None, subject.index))
    if known is None:
        return None
    maximum, images = known.maximum(block.layer), dataset[subject.split].images
    best = [np.argsort(-np.asarray(maximum[:, unit]), kind="stable")[:STRONGEST] for unit in units]
    return [[(np.asarray(images[face]), int(face)) for face in chosen] for chosen in best]
