"""Many faces explained: the mean of their maps and where on the face it lies; and what hiding each region does to every probability."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from fer_core import regions
from fer_core.emotions import EMOTIONS, SIDE
from fer_core.regions import Ledger
from fer_core.runs import Run
from ui import jobs, networks
from ui.language import say
from ui.question import Question, parse

if TYPE_CHECKING:
    from fer_core.data import Dataset

USUAL = "gradient"
"""Method of many faces where none is chosen: their mean smooths as noisy copies do for one face, and is there in a second or two."""
CHUNK = 16
SIZES = (50, 200, 1000)
"""How many faces can be taken, beside all of them."""


def usual(question: Question, params: Mapping[str, str]) -> Question:
    """Ask by the method of many faces, unless the URL chose one."""
    return question if "method" in params else question.by(USUAL)


def note(params: Mapping[str, str]) -> None:
    """Say why the method is another one than that of the map above, where nobody chose it."""
    if "method" not in params:
        st.caption(say("Gradient: its mean over many faces is as smooth as noisy copies make the map of one, and takes seconds. A method "
                       "that you choose above holds here, too."))


@dataclass(frozen=True)
class Asked:
    """What is asked of each face: the words of the URL (`called` and `label` go with the face), the method and its settings."""

    question: Question
    classes: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, question: Question, params: Mapping[str, str]) -> Asked:
        """Read the roles of the classes from the URL."""
        return cls(question, tuple((name, params[name]) for name in ("p", "q") if name in params))

    def of_faces(self, called: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Give target and versus of each face (n,); no versus unless every face has one."""
        asked = [parse(dict(self.classes), int(now), int(label))[0] for now, label in zip(called, labels, strict=True)]
        versus = [one.versus for one in asked]
        targets = np.array([one.target for one in asked], np.int64)
        return targets, None if None in versus else np.array(versus, np.int64)


@dataclass(frozen=True)
class Given:
    """The same, with target and versus of each face told."""

    question: Question
    targets: tuple[int, ...]
    versus: tuple[int, ...]

    def of_faces(self, called: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Give target and versus of each face (n,)."""
        return np.array(self.targets, np.int64), np.array(self.versus, np.int64)


@dataclass(frozen=True, eq=False)
class Found:
    """Means over faces."""

    count: int
    face: np.ndarray  # uint8 (48, 48)
    map: np.ndarray  # float32 (48, 48): maps whose |map| adds up to 1 each, averaged
    ledger: Ledger
    contrast: bool
    faces: np.ndarray  # uint8 (at most 16, 48, 48): the first ones
    maps: np.ndarray  # float32, their maps


@dataclass(eq=False)
class _Sums:
    faces: np.ndarray = field(default_factory=lambda: np.zeros((SIDE, SIDE)))
    maps: np.ndarray = field(default_factory=lambda: np.zeros((SIDE, SIDE)))
    sized: int = 0
    shares: list[np.ndarray] = field(default_factory=list)
    areas: list[np.ndarray] = field(default_factory=list)
    first: tuple[np.ndarray, np.ndarray] | None = None

    def add(self, images: np.ndarray, maps: np.ndarray, where: list[regions.Regions]) -> None:
        """Take in some faces."""
        sizes = np.abs(maps).sum(axis=(1, 2), dtype=np.float64)
        seen = sizes > 0
        self.first = self.first or (images, maps)
        self.faces += images.sum(0, dtype=np.float64)
        self.maps += (maps[seen] / sizes[seen, None, None]).sum(0)
        self.sized += int(seen.sum())
        book = regions.ledger(maps, where)
        self.shares.append(book.shares)
        self.areas.append(book.areas)


def job(run: Run, source: tuple[Dataset, str], rows: np.ndarray, asked: Asked | Given) -> tuple[tuple[object, ...], jobs.Work]:
    """Name the job that explains faces `rows` of a split, and give its work."""
    wanted, dataset, faces = networks.name(run), source[0], source[0][source[1]]

    def work(job: jobs.Job) -> Found:
        model, core = networks.network(wanted), networks.framework()
        from fer_core import gradients, saliency

        images, labels = np.asarray(faces.images[rows]), np.asarray(faces.labels[rows])
        parts = [range(start, min(start + 256, len(rows))) for start in range(0, len(rows), 256)]
        called = []
        for number, span in enumerate(parts):
            called.append(core.predict(model, images[span.start : span.stop]).argmax(axis=1))
            job.part(0, 0.05)((number + 1) / len(parts))
        targets, versus = asked.of_faces(np.concatenate(called), labels)
        sums = _Sums()
        for start in range(0, len(rows), CHUNK):
            part = slice(start, start + CHUNK)
            beat = job.part(0.05 + 0.95 * start / len(rows), 0.05 + 0.95 * min(start + CHUNK, len(rows)) / len(rows))
            maps = saliency.explain(model, images[part], asked.question.method, targets[part], should_stop=job.stopped,
                                    versus=None if versus is None else versus[part], **asked.question.settings)
            beat(0.6)
            with gradients.TURNS.mine():  # looking for eyes keeps all cores busy, too
                where = regions.located(images[part], drawn=dataset.name == "demo")
            sums.add(images[part], maps, where)
            beat(1.0)
        return _means(sums, len(rows), contrast=versus is not None)

    return ("many", *wanted, *_which(source, rows), asked), work


def hiding(run: Run, source: tuple[Dataset, str], rows: np.ndarray) -> tuple[tuple[object, ...], jobs.Work]:
    """Name the job that hides each region of faces `rows` of a split, and give its work: the mean change of every probability, (6, 7)."""
    wanted, dataset, faces = networks.name(run), source[0], source[0][source[1]]

    def work(job: jobs.Job) -> np.ndarray:
        model = networks.network(wanted)
        from fer_core import gradients

        images, told, total = np.asarray(faces.images[rows]), job.part(0.0, 1.0), np.zeros((len(regions.NAMES), len(EMOTIONS)))
        with gradients.TURNS.patiently():  # the portrait itself goes first
            for start in range(0, len(rows), CHUNK):
                part = images[start : start + CHUNK]
                with gradients.TURNS.mine():
                    where = regions.located(part, drawn=dataset.name == "demo")
                total += regions.hide(model, part, where).change.sum(0)
                told((start + len(part)) / len(rows))
        return total / len(rows)

    return ("hiding", *wanted, *_which(source, rows)), work


def _which(source: tuple[Dataset, str], rows: np.ndarray) -> tuple[object, ...]:
    dataset, split = source
    return dataset.name, split, len(dataset[split]), hashlib.sha1(rows.astype("<i8").tobytes(), usedforsecurity=False).hexdigest()


def _means(sums: _Sums, count: int, *, contrast: bool) -> Found:
    ledger = Ledger(regions.NAMES, np.concatenate(sums.shares), np.concatenate(sums.areas))
    return Found(count, (sums.faces / count).round().astype(np.uint8), (sums.maps / max(sums.sized, 1)).astype(np.float32), ledger,
                 contrast, *(sums.first or ()))
