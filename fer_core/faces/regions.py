"""Where eyes, brows, nose and mouth are in a face of 48 x 48; the ledger of a map by region, and what hiding a region does.

The templates are told in the distance between the eyes, counted from the middle between them. The photograph's was read off the mean
of FER2013's training faces laid eye on eye, the drawing's off the true masks of the demo faces.

Eyes found on a photograph lead nose and mouth astray where they are believed wholly. Against mouths found by OpenCV's smile cascade
(score above 2) on 1,709 of the first 6,000 training faces, the middle of the mouth lies off by 2.5 pixels on the mean in the fixed
template, by 2.7 in the one laid upon the eyes, and by 2.05 where the eyes' offset from the average counts by four tenths.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fer_core.emotions import SIDE
from fer_core.errors import FerError
from fer_core.metrics.scores import student

Floats = NDArray[np.float32]
Masks = NDArray[np.bool_]

LOOKERS = 2
"""Faces in which eyes are looked for at the same time."""
_LOOKING = threading.Lock()
NAMES = ("left_eye", "right_eye", "brows", "nose", "mouth", "rest")
"""The regions; left is the viewer's left, `rest` all that no other region holds."""
FEATURES = NAMES[:-1]


@dataclass(frozen=True)
class Box:
    """An upright ellipse told by the box around it, in pixels: pixel 0 goes from 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float

    def mask(self, size: int = SIDE) -> Masks:
        """Tell the pixels whose centres it holds: bool (size, size)."""
        x, y = np.arange(size) + 0.5, np.arange(size)[:, None] + 0.5
        wide, high = max(self.right - self.left, 1e-6) / 2, max(self.bottom - self.top, 1e-6) / 2
        inside: Masks = ((x - self.left - wide) / wide) ** 2 + ((y - self.top - high) / high) ** 2 <= 1
        return inside

    def moved(self, x: float = 0.0, y: float = 0.0, grow: float = 0.0) -> Box:
        """Shift it, and let it grow to all sides, by so many pixels."""
        return Box(self.left + x - grow, self.top + y - grow, self.right + x + grow, self.bottom + y + grow)


Eyes = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Regions:
    """The regions of one face, as boxes that a person can move; a pixel belongs to the first region that holds it."""

    boxes: Mapping[str, tuple[Box, ...]]
    eyes_found: bool = False

    def __post_init__(self) -> None:
        if set(self.boxes) != set(FEATURES):
            raise FerError("These are not the regions of a face.", received=", ".join(self.boxes), expected=", ".join(FEATURES))

    @property
    def masks(self) -> Masks:
        """Give bool (6, 48, 48) in the order NAMES: every pixel belongs to one."""
        return with_rest(np.stack([np.any([box.mask() for box in self.boxes[name]], axis=0) for name in FEATURES]))

    def with_box(self, name: str, index: int, box: Box) -> Regions:
        """Put another box in the place of one."""
        boxes = list(self.boxes[name])
        boxes[index] = box
        return replace(self, boxes={**self.boxes, name: tuple(boxes)})

    def to_json(self) -> dict[str, list[list[float]]]:
        """Give plain lists of left, top, right, bottom."""
        return {name: [[box.left, box.top, box.right, box.bottom] for box in boxes] for name, boxes in self.boxes.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Sequence[Sequence[float]]]) -> Regions:
        """Read what `to_json` gave."""
        try:
            return cls({str(name): tuple(Box(*map(float, box)) for box in boxes) for name, boxes in values.items()})
        except (TypeError, ValueError, AttributeError) as error:
            raise FerError("These are not the regions of a face.", received=str(error), expected="left, top, right, bottom") from None


def with_rest(masks: ArrayLike) -> Masks:
    """Turn masks of the features, bool (..., 5, 48, 48), into masks of all regions (..., 6, 48, 48) that do not overlap."""
    features = np.asarray(masks, bool)
    taken = np.cumsum(features, axis=-3) - features > 0
    own = features & ~taken
    return np.concatenate([own, ~features.any(axis=-3, keepdims=True)], axis=-3)


def fixed(*, drawn: bool = False) -> Regions:
    """Give the regions of the average face of FER2013 or, `drawn`, of the demo set."""
    return around(EYES["drawn" if drawn else "photograph"], drawn=drawn)


def around(eyes: Eyes, *, drawn: bool = False) -> Regions:
    """Lay the template upon a face whose eyes have their centres at (x, y), the viewer's left one first.

    Nose and mouth of a photograph follow the eyes by `TRUST` only.
    """
    kind, boxes = "drawn" if drawn else "photograph", {}
    found, average = np.array(eyes), np.array(EYES[kind])
    for name, parts in TEMPLATES[kind].items():
        first, second = average + TRUST[kind] * (found - average) if name in ("nose", "mouth") else found
        along = second - first
        down, middle, length = np.array([-along[1], along[0]]), (first + second) / 2, float(np.hypot(*along))
        centres = [(middle + x * along + y * down, wide * length / 2, high * length / 2) for x, y, wide, high in parts]
        boxes[name] = tuple(Box(*map(float, (c[0] - w, c[1] - h, c[0] + w, c[1] + h))) for c, w, h in centres)
    return Regions(boxes)


def located(images: ArrayLike, *, drawn: bool = False) -> list[Regions]:
    """Give the regions of each image uint8 (n, 48, 48): laid upon the eyes where both are found, else the fixed ones.

    Eyes are found by OpenCV's Haar cascade, at three times the size; a pair too close, too far apart or too slanted counts as not found.
    """
    found = find_eyes(images)
    return [fixed(drawn=drawn) if eyes is None else replace(around(eyes, drawn=drawn), eyes_found=True) for eyes in found]


def find_eyes(images: ArrayLike) -> list[Eyes | None]:
    """Find the centres of both eyes in faces (n, 48, 48), the viewer's left one first; `None` where both are not seen."""
    with looking(), ThreadPoolExecutor(LOOKERS) as pool:
        parts = pool.map(_pairs, range(LOOKERS), np.array_split(np.asarray(images), LOOKERS))
        return [eyes for part in parts for eyes in part]


def _pairs(looker: int, images: NDArray[Any]) -> list[Eyes | None]:
    return [_pair(_cascade(looker), image) for image in images]


def _pair(cascade: Any, image: NDArray[Any]) -> Eyes | None:
    import cv2

    zoom = 3
    large = cv2.resize(image.astype(np.uint8), None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    found = cascade.detectMultiScale(large, 1.05, 3, minSize=(8 * zoom,) * 2, maxSize=(22 * zoom,) * 2)
    boxes = np.array(found).reshape(-1, 4) / zoom
    centres = boxes[:, :2] + boxes[:, 2:] / 2
    pair: list[tuple[float, float]] = []
    for low, high in ((4, 24), (24, 44)):
        fitting = np.flatnonzero((centres[:, 0] >= low) & (centres[:, 0] < high) & (centres[:, 1] > 8) & (centres[:, 1] < 30))
        if not len(fitting):
            return None
        best = fitting[np.argmax(boxes[fitting, 2])]
        pair.append((float(centres[best, 0]), float(centres[best, 1])))
    across, slant = pair[1][0] - pair[0][0], abs(pair[1][1] - pair[0][1])
    return (pair[0], pair[1]) if 11 <= across <= 24 and slant <= 6 else None


@contextmanager
def looking() -> Iterator[None]:
    """Let one at a time ask its cascades, which work with one thread each: several tell what they find in no fixed order."""
    import cv2

    with _LOOKING:
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            yield
        finally:
            cv2.setNumThreads(threads)


@functools.cache
def _cascade(looker: int) -> Any:
    import cv2

    return cv2.CascadeClassifier(str(Path(cv2.__file__).with_name("data") / "haarcascade_eye.xml"))


@dataclass(frozen=True, eq=False)
class Ledger:
    """Where maps lie: per face n and region r, in the order of `names`; a map of zeros has shares of NaN."""

    names: tuple[str, ...]
    shares: Floats
    """Share of the sum of |map| that lies in the region, (n, r)."""
    areas: Floats
    """Share of the face's pixels, (n, r)."""

    @property
    def preference(self) -> Floats:
        """Divide shares by areas (n, r): 1 is no preference; NaN for a region without a pixel."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.areas > 0, self.shares / self.areas, np.nan).astype(np.float32)

    def mean(self, values: Literal["preference", "shares"] = "preference") -> tuple[Floats, Floats]:
        """Average over the faces whose map is not blank: means (r,) and their 95 % intervals (r, 2), by Student's t."""
        table = np.asarray(getattr(self, values), np.float64)
        count = np.isfinite(table).sum(0)
        with np.errstate(divide="ignore", invalid="ignore"):
            means = np.nansum(table, axis=0) / count
            spread = np.sqrt(np.nansum((table - means) ** 2, axis=0) / (count - 1) / count) * student(count - 1)
        means, spread = np.where(count > 0, means, np.nan), np.where(count > 1, spread, np.nan)
        return means.astype(np.float32), np.stack([means - spread, means + spread], axis=1).astype(np.float32)

    @property
    def features(self) -> Ledger:
        """Enter eyes, brows, nose and mouth as one region: all but the rest, which stands last."""
        return Ledger(("features",), self.shares[:, :-1].sum(1, keepdims=True), self.areas[:, :-1].sum(1, keepdims=True))

    @property
    def blank(self) -> int:
        """Count the maps that are zero everywhere."""
        return int(np.isnan(self.shares).all(axis=1).sum())


def shift(first: Ledger, second: Ledger) -> tuple[Floats, Floats]:
    """Compare two networks on the same faces: mean of second's shares - first's (r,), and 95 % intervals (r, 2).

    The differences are paired face by face; a face with a blank map in either is left out.
    """
    if first.shares.shape != second.shares.shape:
        raise FerError("Ledgers can be compared on the same faces only.", received=f"{len(first.shares)} and {len(second.shares)} faces")
    return replace(first, shares=second.shares - first.shares).mean("shares")


def edges(images: ArrayLike) -> Floats:
    """Give how steeply the grey of each image (n, 48, 48) rises at each pixel: a map that asks no network, to hold others against."""
    down, right = np.gradient(np.asarray(images, np.float32), axis=(1, 2))
    steepness: Floats = np.hypot(down, right)
    return steepness


Where = Regions | Sequence[Regions] | Masks


def ledger(maps: ArrayLike, regions: Where) -> Ledger:
    """Enter maps (n, 48, 48) by region. `regions`: one for all, one per face, or masks bool (6, 48, 48) or (n, 6, 48, 48)."""
    sizes = np.abs(np.asarray(maps, np.float64))
    masks = _masks(regions, len(sizes))
    total = sizes.sum(axis=(1, 2))
    inside = np.einsum("nhw,nrhw->nr", sizes, masks, optimize=True) if len(sizes) else np.zeros((0, masks.shape[1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(total[:, None] > 0, inside / total[:, None], np.nan)
    return Ledger(NAMES, shares.astype(np.float32), masks.mean(axis=(2, 3), dtype=np.float32))


def _masks(regions: Where, count: int) -> Masks:
    """Give masks bool (n, 6, 48, 48)."""
    if isinstance(regions, Regions):
        masks = regions.masks
    elif isinstance(regions, np.ndarray):
        masks = regions
    else:
        masks = np.stack([part.masks for part in regions]) if regions else np.zeros((0, len(NAMES), SIDE, SIDE), bool)
    if masks.shape[-3:] != (len(NAMES), SIDE, SIDE) or masks.ndim > 4 or (masks.ndim == 4 and len(masks) != count):
        raise FerError("The regions do not fit the images.", received=f"masks {masks.shape} for {count} images",
                       expected=f"({len(NAMES)}, {SIDE}, {SIDE}), once or per image")
    return np.broadcast_to(masks, (count, *masks.shape[-3:]))


@dataclass(frozen=True, eq=False)
class Hidden:
    """The seven probabilities of each face before, (n, 7), and with each region hidden, (n, r, 7)."""

    names: tuple[str, ...]
    before: Floats
    after: Floats

    @property
    def change(self) -> Floats:
        """Give what hiding did to every probability: (n, r, 7)."""
        return np.asarray(self.after - self.before[:, None], np.float32)


def hide(model: Any, images: ArrayLike, regions: Where, *, fill: Literal["blur", "mean"] = "blur",
         beat: Callable[[float], object] = lambda share: None) -> Hidden:
    """Predict the faces with each region hidden in turn, under a strong blur or the face's mean grey (`fill`).

    The blur is the default because it brings no edges of its own: a patch of it where nothing is expressed (hair, forehead, cheek, chin)
    moves the probabilities less than a grey one. `beat` is told the share done.
    """
    from fer_core import models
    from fer_core.models import gradients

    faces, rows = np.asarray(images, np.float32), []
    masks, group = _masks(regions, len(faces)), gradients.CHUNK // (len(NAMES) + 1)
    for start in range(0, len(faces), group):
        pairs = zip(faces[start : start + group], masks[start : start + group], strict=True)
        points = np.concatenate([np.concatenate([face[None], cover(face, parts, fill)]) for face, parts in pairs])
        rows.append(gradients.map_in_chunks(lambda part: models.predict(model, part, batch=gradients.CHUNK), points))
        beat(min(1.0, (start + group) / len(faces)))
    found = np.concatenate(rows).reshape(len(faces), len(NAMES) + 1, -1) if rows else np.zeros((0, len(NAMES) + 1, 7), np.float32)
    return Hidden(NAMES, found[:, 0], found[:, 1:])


def cover(face: NDArray[Any], masks: Masks, fill: Literal["blur", "mean"] = "blur") -> Floats:
    """Give a face (48, 48) with each of the masks (r, 48, 48) covered in turn: float32 (r, 48, 48), 0 to 255."""
    if fill not in ("blur", "mean"):
        raise FerError("A region cannot be hidden that way.", received=fill, expected="blur or mean")
    grey = np.asarray(face, np.float32)
    blank = blurred(grey) if fill == "blur" else np.full_like(grey, grey.mean())
    return np.where(masks, blank, grey).astype(np.float32)


def blurred(face: Floats) -> Floats:
    """Blur a face (48, 48) so strongly that no feature is left."""
    import cv2

    return np.asarray(cv2.GaussianBlur(face, (0, 0), BLUR, borderType=cv2.BORDER_REPLICATE), np.float32)


BLUR = 6.0
"""Standard deviation of the blur that hides a region, in pixels: about half the distance between eyes and mouth."""
EYES: dict[str, Eyes] = {"photograph": ((15.2, 18.3), (32.4, 18.3)), "drawn": ((15.9, 20.9), (32.1, 20.9))}
"""Centres of the eyes of the average face, in pixels."""
TRUST = {"photograph": 0.4, "drawn": 1.0}
"""How far nose and mouth follow the eyes that were found from their place in the average face."""
TEMPLATES: dict[str, dict[str, tuple[tuple[float, float, float, float], ...]]] = {
    "photograph": {
        "left_eye": ((-0.5, 0.0, 0.74, 0.38),), "right_eye": ((0.5, 0.0, 0.74, 0.38),),
        "brows": ((-0.51, -0.29, 0.84, 0.30), (0.51, -0.29, 0.84, 0.30)),
        "nose": ((0.0, 0.42, 0.66, 0.82),), "mouth": ((0.0, 1.12, 1.04, 0.58),),
    },
    "drawn": {
        "left_eye": ((-0.49, 0.03, 0.68, 0.38),), "right_eye": ((0.51, 0.03, 0.68, 0.38),),
        "brows": ((-0.5, -0.32, 0.74, 0.32), (0.5, -0.32, 0.74, 0.32)),
        "nose": ((0.0, 0.46, 0.58, 0.82),), "mouth": ((0.0, 1.0, 0.84, 0.40),),
    },
}
"""Centre x, y, width and height of each part, in distances between the eyes."""
