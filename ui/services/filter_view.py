"""Where the explorer stands: the run, its blocks, the goal, and the faces of the split, if they are at hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_core.errors import DataError, FerError
from fer_core.feature_vis.request import Goal
from fer_core.messages import Sentence
from fer_core.models.weights_header import Block
from fer_core.runs.store import Run
from ui.services import cache, jobs, models, predictions
from ui.text.language import say

if TYPE_CHECKING:
    from fer_core.data.dataset import Dataset, Split
    from fer_core.units.activation_table import Table
    from fer_core.units.unit_statistics import Statistics


@dataclass(frozen=True, eq=False)
class Place:
    """What the parts of the page share."""

    run: Run
    blocks: list[Block]
    goal: Goal
    split: str
    dataset: Dataset | None = None
    problem: FerError | None = None
    """Why there are no faces."""
    image: int = 0

    @property
    def block(self) -> Block:
        """The block that is looked at."""
        return self.goal.block

    @cached_property
    def network(self) -> models.Name:
        """The name of the network."""
        return models.name(self.run)

    @property
    def faces(self) -> Split | None:
        """The faces of the split."""
        return None if self.dataset is None else self.dataset[self.split]

    @property
    def face(self) -> np.ndarray | None:
        """The chosen face, uint8 (48, 48)."""
        return None if self.faces is None or not len(self.faces) else np.asarray(self.faces.images[self.image])

    def key(self, *more: Any) -> tuple[Any, ...]:
        """Name an answer about this network and these faces."""
        return (*more, self.network, self.split, self.dataset.fingerprint if self.dataset is not None else "")


def faces_of(run: Run, split: str) -> tuple[Dataset | None, FerError | None]:
    """Find the faces of a run: those that it was trained on, or another edition of them, where `answers.places` looks."""
    known = predictions.located(run)
    if known is not None and split in (dataset := cache.dataset(known)) and len(dataset[split]):
        return dataset, None
    problem: FerError | None = None
    for source in predictions.places(run):
        try:
            found = cache.dataset(source)
        except DataError as error:
            problem = problem or predictions.hindrance(run, source, error)
            continue
        if split not in found or not len(found[split]):
            problem = problem or DataError(Sentence("The data set has no {split} faces.", split=split), received=", ".join(found))
        else:
            problem = DataError("The faces at hand are not those that the run was trained on.", received=found.name,
                                todo="bring the data set that the run was trained on")
    return None, problem or DataError("The faces of this run are not at hand.")


def table(place: Place) -> Table | None:
    """Give the table of every unit's answers to the split, made in the background when it is missing; `None` while it is made."""
    if place.dataset is None:
        return None
    run, dataset, split, network = place.run, place.dataset, place.split, place.network

    def work(job: jobs.Job) -> Any:
        model = models.network(network)
        from fer_core.models import compute_lock
        from fer_core.runs import background
        from fer_core.units import activation_table

        known = activation_table.table(run, dataset, split)
        if known is not None:
            return known
        folder = activation_table.place(run, dataset, split)
        folder.mkdir(parents=True, exist_ok=True)
        told = job.part(0.0, 1.0)
        with background.telling(folder) as tell, compute_lock.COMPUTE_LOCK.low_priority():
            for share in activation_table.make(run, model, dataset, split):
                tell(share)
                told(share)
        return activation_table.table(run, dataset, split)

    name, label = place.key("table"), say("Every unit looks at the {split} faces, once", split=split)
    found: Table | None = jobs.answer(name, work, label)
    if found is not None and not found.there:
        jobs.DESK.forget(name)
        found = jobs.answer(name, work, label)
    return found


def statistics(place: Place, block: Block) -> Statistics | None:
    """Describe every unit of a block by its answers to the split; `None` while that is not known."""
    if place.faces is None:
        return None
    known = table(place)
    if known is None:
        return None
    labels = place.faces.labels

    def work(job: jobs.Job) -> Any:
        from fer_core.units import unit_statistics

        return unit_statistics.statistics(known, block.layer, labels)

    found: Statistics | None = jobs.answer(place.key("statistics", block.layer), work, say("Describing the units"))
    return found
