"""Where eyes, brows, nose and mouth are in a face of 48 x 48; the ledger of a map by region, and what hiding a region does.

The templates are told in the distance between the eyes, counted from the middle between them. The photograph's was read off the mean
of FER2013's training faces laid eye on eye, the drawing's off the true masks of the demo faces.

Eyes found on a photograph lead nose and mouth astray where they are believed wholly. Against mouths found by OpenCV's smile cascade
(score above 2) on 1,709 of the first 6,000 training faces, the middle of the mouth lies off by 2.5 pixels on the mean in the fixed
template, by 2.7 in the one laid upon the eyes, and by 2.05 where the eyes' offset from the average counts by four tenths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fer_core.emotions import SIDE
from fer_core.errors import FerError
from fer_core.faces.eye_detector import Eyes, find_eyes

Floats = NDArray[np.float32]
Masks = NDArray[np.bool_]

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


















Where = Regions | Sequence[Regions] | Masks














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
