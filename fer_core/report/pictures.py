"""What the report asks a network: where it looks in some faces and in many, and what excites its filters and classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from fer_core.attribution import region_shares
from fer_core.attribution.region_shares import Ledger
from fer_core.attribution.registry import WORDS
from fer_core.data.splits import pixels, spread
from fer_core.emotions import EMOTIONS, SIDE
from fer_core.faces import regions
from fer_core.feature_vis.settings import PRESETS

if TYPE_CHECKING:  # the framework is imported when a network is asked
    from fer_core.models.summary import LayerFacts

METHOD = "smoothgrad"
SAMPLES = 24
"""Noisy copies behind a map."""
PER_EMOTION = 20
"""Faces of each label in the ledger."""
RANDOM = 6
"""Faces drawn at random whose maps are shown."""
UNITS = 16
"""Units of a layer whose pictures are shown."""
PRESET = "standard"
Floats = NDArray[np.float32]
Tell = Callable[[float], object]


@dataclass(frozen=True, eq=False)
class Look:
    """A face, what the network called it and how sure it was, its map, and what the test of the map said."""

    index: int
    image: NDArray[np.uint8]
    label: int
    called: int
    p: float
    map: Floats
    outcome: Literal["passes", "undecided", "fails"]


@dataclass(frozen=True, eq=False)
class Looks:
    """Where a network looks: some faces, the ledger of many, the mean |map| of each label (7, 48, 48), maps summing to 1."""

    chosen: tuple[Look, ...]
    drawn: tuple[Look, ...]
    ledger: Ledger
    labels: NDArray[np.int64]
    means: Floats
    eyes_found: int

    @property
    def features(self) -> tuple[float, float, float, tuple[float, float]]:
        """Give for eyes, brows, nose and mouth together: share of the maps, share of the picture, their ratio and its 95% interval."""
        book = self.ledger.features
        (ratio, interval), (share, _) = book.mean(), book.mean("shares")
        return float(share[0]), float(book.areas.mean()), float(ratio[0]), (float(interval[0, 0]), float(interval[0, 1]))

    def shares(self, label: int) -> Floats:
        """Give the mean share of each region in the maps of one label (6,)."""
        part = self.labels == label
        return Ledger(self.ledger.names, self.ledger.shares[part], self.ledger.areas[part]).mean("shares")[0]


def looks(model: Any, images: NDArray[np.uint8], labels: NDArray[np.int64], *, drawn: bool, seed: int, shown: bool, tell: Tell) -> Looks:
    """Explain what a network called up to 20 faces of each label and, where they are `shown`, some chosen and some drawn faces."""
    from fer_core import models
    from fer_core.attribution import explanation

    rows = np.concatenate([spread(np.flatnonzero(labels == label), PER_EMOTION) for label in range(len(EMOTIONS))])
    faces = pixels(images, rows)
    called = models.predict(model, faces).argmax(1)
    beat = (lambda share: tell(0.4 * share)) if shown else (lambda share: tell(0.8 * share))
    maps = explanation.explain(model, faces, METHOD, called, samples=SAMPLES, seed=seed, progress=beat)
    where = regions.located(faces, drawn=drawn)
    sizes = np.abs(maps)
    total = sizes.sum(axis=(1, 2), keepdims=True)
    scaled = np.divide(sizes, total, out=np.zeros_like(sizes), where=total > 0)
    of = labels[rows]
    means = np.stack([scaled[of == label].mean(0) if np.any(of == label) else np.zeros((SIDE, SIDE)) for label in range(len(EMOTIONS))])
    chosen, random = _shown(model, images, labels, seed, tell) if shown else ((), ())
    tell(1.0)
    return Looks(chosen, random, region_shares.ledger(maps, where), of, means.astype(np.float32), sum(one.eyes_found for one in where))


def _shown(model: Any, images: NDArray[np.uint8], labels: NDArray[np.int64], seed: int,
           tell: Tell) -> tuple[tuple[Look, ...], tuple[Look, ...]]:
    """Explain the face of each label that is recognised most surely, and some drawn from the seed; test every map."""
    from fer_core import models
    from fer_core.attribution import explanation, faithfulness

    probabilities = models.predict(model, images, progress=lambda share: tell(0.4 + 0.2 * share))
    called = probabilities.argmax(1)
    right = (called == labels)[:, None] & (np.arange(len(EMOTIONS)) == labels[:, None])
    surest = np.where(right, probabilities, -1).argmax(0)
    chosen = [int(row) for label, row in enumerate(surest) if right[row, label]]
    drawn = np.sort(np.random.default_rng(seed).permutation(len(labels))[:RANDOM]).tolist()
    rows = np.array([*chosen, *drawn])
    faces, by_size = pixels(images, rows), WORDS[METHOD].sensitivity
    maps = explanation.explain(model, faces, METHOD, called[rows], samples=SAMPLES, seed=seed)
    found = []
    for number, (row, face, map_) in enumerate(zip(rows.tolist(), faces, maps, strict=True)):
        judged = faithfulness.verdict(faithfulness.curves(model, face, map_, int(called[row]), by_size=by_size, seed=seed))
        found.append(Look(row, face, int(labels[row]), int(called[row]), float(probabilities[row].max()), map_, judged.outcome))
        tell(0.65 + 0.35 * (number + 1) / len(rows))
    return tuple(found[: len(chosen)]), tuple(found[len(chosen) :])


@dataclass(frozen=True, eq=False)
class Wall:
    """Pictures of some of a layer's units, uint8 (n, 48, 48); `sees` is the side of the square of pixels that one unit sees."""

    layer: str
    total: int
    sees: int
    units: tuple[int, ...]
    pictures: NDArray[np.uint8]
    even: frozenset[int]
    dead: frozenset[int]

    @property
    def name(self) -> str:
        """The layer as the pages call it, by what it convolves or sums, whose activation is looked at."""
        return self.layer.removesuffix("_relu")

    @property
    def lively(self) -> NDArray[np.uint8]:
        """The pictures that show something."""
        return self.pictures[[unit not in self.even | self.dead for unit in self.units]]

    @property
    def lengths(self) -> NDArray[np.float64]:
        """The mean wavelength of every lively picture in pixels (n,): one over the mean frequency, waves counted by their power."""
        points = self.lively.astype(float)
        power = np.abs(np.fft.fft2(points - points.mean(axis=(1, 2), keepdims=True))) ** 2
        line = np.fft.fftfreq(SIDE)
        frequency = np.hypot(line[:, None], line)
        mean = (power * frequency).sum(axis=(1, 2)) / np.maximum(power.sum(axis=(1, 2)), 1e-9)
        lengths: NDArray[np.float64] = 1 / mean[mean > 0]
        return lengths

    @property
    def middle(self) -> NDArray[np.float64]:
        """By how many grey levels the central third (each way) of every lively picture is darker than the whole (n,)."""
        points, third = self.lively.astype(float), slice(SIDE // 3, 2 * SIDE // 3)
        dark: NDArray[np.float64] = points.mean(axis=(1, 2)) - points[:, third, third].mean(axis=(1, 2))
        return dark


@dataclass(frozen=True, eq=False)
class Filters:
    """What excites an early and a late layer and the classes (7, 48, 48), and how sure the network is of its own class pictures (7,)."""

    early: Wall
    late: Wall
    classes: NDArray[np.uint8]
    chances: Floats


def filters(model: Any, layers: Sequence[LayerFacts], *, seed: int, tell: Tell) -> Filters:
    """Paint the first and the last convolution (without one, the first and the last dense layer) and the classes by gradient ascent."""
    from fer_core import models
    from fer_core.feature_vis import ascent
    from fer_core.models import submodels

    hidden = submodels.hidden(model)
    early = _wall(model, layers, hidden[0], seed)
    tell(0.2)
    late = _wall(model, layers, hidden[-1], seed)
    tell(0.6)
    frames = ascent.ascend(model, ascent.OBJECTIVES["class"](range(len(EMOTIONS))), seed=seed, preset=PRESET, every=16)
    for frame in frames:
        tell(0.6 + 0.4 * frame.step / PRESETS[PRESET].steps)
    pictures = grey(frame.images)
    return Filters(early, late, pictures, models.predict(model, pictures)[np.arange(len(EMOTIONS)), np.arange(len(EMOTIONS))])


def _wall(model: Any, layers: Sequence[LayerFacts], layer: str, seed: int) -> Wall:
    from fer_core.feature_vis import unit_painter
    from fer_core.models import submodels

    total = submodels.units(model, layer)
    chosen = spread(np.arange(total), UNITS).tolist()
    painted = unit_painter.paint(model, layer, chosen, PRESETS[PRESET], seed=seed)
    even = frozenset(unit for unit, remark in painted.remarks.items() if remark == unit_painter.EVEN)
    sees = next(row.receptive_field for row in layers if row.name == layer)
    return Wall(layer, total, min(sees, SIDE), tuple(chosen), grey(painted.pictures), even, frozenset(painted.remarks) - even)


def grey(pictures: NDArray[Any]) -> NDArray[np.uint8]:
    """Round pictures to the grey levels of a file."""
    rounded: NDArray[np.uint8] = np.clip(np.rint(pictures), 0, 255).astype(np.uint8)
    return rounded
