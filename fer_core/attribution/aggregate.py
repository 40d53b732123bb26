"""Many faces explained: the mean of the faces and of their maps, and where on the face the maps lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core.attribution import region_shares
from fer_core.attribution.region_shares import Ledger
from fer_core.attribution.request import Question, parse
from fer_core.emotions import SIDE
from fer_core.faces import regions

USUAL = "gradient"
"""Method of many faces where none is chosen: their mean smooths as noisy copies do for one face, and is there in a second or two."""
CHUNK = 16


def usual(question: Question, params: Mapping[str, str]) -> Question:
    """Ask by the method of many faces, unless the URL chose one."""
    return question if "method" in params else question.by(USUAL)


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
        book = region_shares.ledger(maps, where)
        self.shares.append(book.shares)
        self.areas.append(book.areas)


def explain(model: Any, images: NDArray[np.uint8], labels: NDArray[Any], asked: Asked | Given, *, drawn: bool,
            tell: Callable[[float], object] = lambda share: None, should_stop: Callable[[], bool] = lambda: False) -> Found:
    """Explain faces uint8 (n, 48, 48), and average them and their maps; `drawn` ones have their regions at a fixed place.

    `tell` is told the share done. Raises `FerError` where the method does not allow the network, `Stopped` when `should_stop` says so.
    """
    from fer_core import models
    from fer_core.attribution import explanation
    from fer_core.models import compute_lock

    called = models.predict(model, images, progress=lambda share: tell(0.05 * share)).argmax(axis=1)
    targets, versus = asked.of_faces(called, labels)
    sums = _Sums()
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        maps = explanation.explain(model, images[part], asked.question.method, targets[part], should_stop=should_stop,
                                versus=None if versus is None else versus[part], **asked.question.settings)
        with compute_lock.COMPUTE_LOCK.acquire():  # looking for eyes keeps all cores busy, too
            where = regions.located(images[part], drawn=drawn)
        sums.add(images[part], maps, where)
        tell(0.05 + 0.95 * min(start + CHUNK, len(images)) / len(images))
    return _means(sums, len(images), contrast=versus is not None)


def _means(sums: _Sums, count: int, *, contrast: bool) -> Found:
    ledger = Ledger(regions.NAMES, np.concatenate(sums.shares), np.concatenate(sums.areas))
    return Found(count, (sums.faces / count).round().astype(np.uint8), (sums.maps / max(sums.sized, 1)).astype(np.float32), ledger,
                 contrast, *(sums.first or ()))
