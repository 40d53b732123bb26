"""The filters that answer too much to chosen faces, compared with right ones of the same label."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from fer_core.emotions import EMOTIONS, SIDE
from fer_core.errors import FerError
from fer_core.objectives import OBJECTIVES
from fer_core.presets import PRESETS
from fer_core.runs import Run
from ui import blueprint, jobs, networks, selection, words
from ui.answers import Answers, answers
from ui.blueprint import Block
from ui.filter_panels import stills
from ui.gallery import gallery
from ui.goal import Goal
from ui.language import say
from ui.place import Place, table

if TYPE_CHECKING:
    from fer_core.data import Dataset
    from fer_core.units import Excess

FEW = 5
EXPLORER = "pages/filter_explorer.py"


def panel(run: Run, source: tuple[Dataset, str], rows: np.ndarray) -> None:
    """Draw the filters that answer more to faces `rows` of a split than to the other ones of their labels that are called so."""
    dataset, split = source
    try:
        found = answers(run, split)
    except FerError:
        found = None  # the matrix page tells it
    if found is None or len(found) != len(dataset[split]):
        st.caption(say("Which filters answer too much here is told once the run has predicted the {split} split.",
                       split=words.SPLIT_WORDS[split]))
        return
    others, called = right_ones(found, rows)
    if min(len(rows), len(others)) < 2:
        st.caption(say("No filters are compared: it takes two chosen faces, and two others labelled {called} that are called so.",
                       called=called))
        return
    blocks = [block for block in blueprint.blocks(run) if block.name != "logits"]
    block = ([block for block in blocks if block.grid] or blocks)[-1]
    excess = over_active(Place(run, [block], Goal("filter", block), split, dataset), rows, others)
    if excess is None:
        return
    st.markdown(say("**{units} of {layer} that answer too much here**, compared with the {n:,} other faces labelled {called} that are "
                    "called so. The effect is the difference of both means in standard deviations (Cohen's d).",
                    units=block.nouns.capitalize(), layer=block.name, n=len(others), called=called))
    if not excess:
        st.caption(say("None answers more."))
        return
    objective = OBJECTIVES["filter"](block.layer, [one.unit for one in excess])
    made = stills(networks.name(run), objective, PRESETS["standard"], 0, "Painting what excites them")
    pictures = np.full((len(excess), SIDE, SIDE), 128, np.uint8) if made is None else made[1]
    captions = [say("{kind} {unit}\nd {effect:+.2f}\n{mean:.2g} not {others:.2g}", kind=block.noun, unit=one.unit, effect=one.effect,
                    mean=one.mean, others=one.others) for one in excess]
    gallery(pictures, f"over-active-{run.id}", size=2 * SIDE, cell=3 * SIDE, captions=captions, label=say("Filters that answer too much"),
            on_pick=partial(_ask_for, block, excess))


def right_ones(found: Answers, rows: np.ndarray) -> tuple[np.ndarray, str]:
    """Find the other faces of the same labels that are called so, and say their labels."""
    labels = np.unique(found.labels[rows])
    labels = labels[labels >= 0]
    others = np.setdiff1d(np.flatnonzero(~found.wrong & np.isin(found.labels, labels)), rows)
    return others, words.listed([words.emotion(i) for i in labels]) if len(labels) < len(EMOTIONS) else "alike"


def _ask_for(block: Block, excess: list[Excess], position: int) -> None:
    selection.leave(EXPLORER, selection.carried(layer=block.name, unit=excess[position].unit))


def over_active(place: Place, rows: np.ndarray, others: np.ndarray) -> list[Excess] | None:
    """Find the filters; `None` while they are looked for."""
    known, layer = table(place), place.block.layer
    if known is None:
        return None

    def work(job: jobs.Job) -> Any:
        networks.framework()
        from fer_core import units

        return units.over_active(known, layer, rows, others, FEW)

    name = place.key("excess", layer, rows.tobytes(), others.tobytes())
    found: list[Excess] | None = jobs.answer(name, work, "Comparing filters")
    return found
