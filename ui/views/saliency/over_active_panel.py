"""The filters that answer too much to chosen faces, compared with right ones of the same label."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from fer_core.data.splits import spread
from fer_core.emotions import EMOTIONS, SIDE
from fer_core.errors import FerError
from fer_core.feature_vis.objectives import OBJECTIVES
from fer_core.feature_vis.request import Goal
from fer_core.feature_vis.settings import PRESETS
from fer_core.messages import Sentence
from fer_core.models.weights_header import Block
from fer_core.runs.store import Run
from ui.elements.gallery import gallery
from ui.services import jobs, models, network_spec
from ui.services.filter_view import Place
from ui.services.predictions import Answers, answers
from ui.services.stills import stills
from ui.state import navigation
from ui.text import formatting
from ui.text.language import say

if TYPE_CHECKING:
    from fer_core.data.dataset import Dataset
    from fer_core.units.unit_statistics import Excess

FEW = 5
MOST = 200
"""Faces of either group that are compared: of more than that, as many are taken evenly."""
EXPLORER = "pages/filter_explorer.py"


@dataclass(frozen=True, eq=False)
class Groups:
    """What is compared: the filters of a block, on some of the chosen faces and some of the right ones; and how many there are of each."""

    place: Place
    rows: np.ndarray
    others: np.ndarray
    counts: tuple[int, int]
    called: str

    @property
    def block(self) -> Block:
        """The block."""
        return self.place.block


def groups(run: Run, source: tuple[Dataset, str], rows: np.ndarray) -> Groups | str:
    """Find faces `rows` of a split and the other ones of their labels that are called so; or say why nothing can be compared."""
    dataset, split = source
    try:
        found = answers(run, split)
    except FerError:
        found = None  # the matrix page tells it
    if found is None or len(found) != len(dataset[split]):
        return Sentence("Which filters answer too much here is told once the run has predicted the {split} split.",
                        split=formatting.SPLIT_WORDS[split])
    others, called = right_ones(found, rows)
    if min(len(rows), len(others)) < 2:
        return Sentence("No filters are compared: it takes two chosen faces, and two others labelled {called} that are called so.",
                        called=called)
    blocks = [block for block in network_spec.blocks(run) if block.name != "logits"]
    block = ([block for block in blocks if block.grid] or blocks)[-1]
    place = Place(run, [block], Goal("filter", block), split, dataset)
    return Groups(place, spread(rows, MOST), spread(others, MOST), (len(rows), len(others)), called)


def begin(found: Groups) -> None:
    """Have the comparison worked on before it is drawn."""
    name, work = comparing(found)
    if not jobs.is_cancelled(name):
        jobs.ask(name, work)


def panel(run: Run, found: Groups | str, *, paint: bool) -> None:
    """Draw the filters that answer more to the chosen faces than to the right ones; what excites them is painted once it may (`paint`)."""
    if isinstance(found, str):
        st.caption(say(found))
        return
    excess: list[Excess] | None = jobs.answer(*comparing(found), "Comparing filters")
    if excess is None:
        return
    block, (here, there) = found.block, map(formatting.part, (len(found.rows), len(found.others)), found.counts)
    st.markdown(say("**{units} of {layer} that answer too much here**, compared with {others} other faces labelled {called} that are "
                    "called so ({rows} here). The effect is the difference of both means in standard deviations (Cohen's d).",
                    units=block.nouns.capitalize(), layer=block.name, others=there, called=found.called, rows=here))
    if not excess:
        st.caption(say("None answers more."))
        return
    objective = OBJECTIVES["filter"](block.layer, [one.unit for one in excess])
    made = stills(models.name(run), objective, PRESETS["standard"], 0, "Painting what excites them", height=60) if paint else None
    pictures = np.full((len(excess), SIDE, SIDE), 128, np.uint8) if made is None else made[1]
    captions = [say("{kind} {unit}\nd {effect:+.2f}\n{mean:.2g}, others {others:.2g}", kind=block.noun, unit=one.unit, effect=one.effect,
                    mean=one.mean, others=one.others) for one in excess]
    gallery(pictures, f"over-active-{run.id}", size=2 * SIDE, cell=3 * SIDE, captions=captions, label=say("Filters that answer too much"),
            on_pick=partial(_ask_for, block, excess))


def right_ones(found: Answers, rows: np.ndarray) -> tuple[np.ndarray, str]:
    """Find the other faces of the same labels that are called so, and say their labels."""
    labels = np.unique(found.labels[rows])
    labels = labels[labels >= 0]
    others = np.setdiff1d(np.flatnonzero(~found.wrong & np.isin(found.labels, labels)), rows)
    return others, formatting.listed([formatting.emotion(i) for i in labels]) if len(labels) < len(EMOTIONS) else "alike"


def _ask_for(block: Block, excess: list[Excess], position: int) -> None:
    navigation.leave(EXPLORER, navigation.carried(layer=block.name, unit=excess[position].unit))


def comparing(found: Groups) -> tuple[tuple[object, ...], jobs.Work]:
    """Name the job that compares two groups, and give its work."""
    place, layer, rows, others = found.place, found.block.layer, found.rows, found.others
    dataset = place.dataset
    assert dataset is not None

    def work(job: jobs.Job) -> list[Excess]:
        model = models.network(place.network)
        from fer_core.units import activation_table, unit_statistics

        known = activation_table.table(place.run, dataset, place.split)
        if known is not None:
            return unit_statistics.over_active(known.mean(layer)[rows], known.mean(layer)[others], FEW)
        both = activation_table.means(model, layer, dataset[place.split].images[np.concatenate([rows, others])], job.part(0.0, 1.0))
        return unit_statistics.over_active(both[: len(rows)], both[len(rows) :], FEW)

    return place.key("excess", layer, rows.tobytes(), others.tobytes()), work
