"""Work on many faces: their portrait, and what hiding each region does to every probability."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from fer_core.attribution import aggregate, region_occlusion
from fer_core.emotions import EMOTIONS
from fer_core.faces import regions
from fer_core.runs.store import Run
from ui.services import jobs, models
from ui.text.language import say

if TYPE_CHECKING:
    from fer_core.data.dataset import Dataset

SIZES = (50, 200, 1000)
"""How many faces can be taken, beside all of them."""


def note(params: Mapping[str, str]) -> None:
    """Say why the method is another one than that of the map above, where nobody chose it."""
    if "method" not in params:
        st.caption(say("Gradient: its mean over many faces is as smooth as noisy copies make the map of one, and takes seconds. A method "
                       "that you choose above holds here, too."))


def job(run: Run, source: tuple[Dataset, str], rows: np.ndarray,
        asked: aggregate.Asked | aggregate.Given) -> tuple[tuple[object, ...], jobs.Work]:
    """Name the job that explains faces `rows` of a split, and give its work."""
    wanted, dataset, faces = models.name(run), source[0], source[0][source[1]]

    def work(job: jobs.Job) -> aggregate.Found:
        model = models.network(wanted)
        return aggregate.explain(model, np.asarray(faces.images[rows]), np.asarray(faces.labels[rows]), asked, drawn=dataset.name == "demo",
                                tell=job.part(0.0, 1.0), should_stop=job.stopped)

    return ("many", *wanted, *_which(source, rows), asked), work


def hiding(run: Run, source: tuple[Dataset, str], rows: np.ndarray) -> tuple[tuple[object, ...], jobs.Work]:
    """Name the job that hides each region of faces `rows` of a split, and give its work: the mean change of every probability, (6, 7)."""
    wanted, dataset, faces = models.name(run), source[0], source[0][source[1]]

    def work(job: jobs.Job) -> np.ndarray:
        model = models.network(wanted)
        from fer_core.models import compute_lock

        images, told, total = np.asarray(faces.images[rows]), job.part(0.0, 1.0), np.zeros((len(regions.NAMES), len(EMOTIONS)))
        with compute_lock.COMPUTE_LOCK.low_priority():  # the portrait itself goes first
            for start in range(0, len(rows), aggregate.CHUNK):
                part = images[start : start + aggregate.CHUNK]
                with compute_lock.COMPUTE_LOCK.acquire():
                    where = regions.located(part, drawn=dataset.name == "demo")
                total += region_occlusion.hide(model, part, where).change.sum(0)
                told((start + len(part)) / len(rows))
        return total / len(rows)

    return ("hiding", *wanted, *_which(source, rows)), work


def _which(source: tuple[Dataset, str], rows: np.ndarray) -> tuple[object, ...]:
    dataset, split = source
    return dataset.name, split, len(dataset[split]), hashlib.sha1(rows.astype("<i8").tobytes(), usedforsecurity=False).hexdigest()
