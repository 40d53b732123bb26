"""The eyes in a face of 48 x 48 pixels, found by OpenCV's cascade."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Eyes = tuple[tuple[float, float], tuple[float, float]]

LOOKERS = 2
"""Faces in which eyes are looked for at the same time."""


_LOOKING = threading.Lock()


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
