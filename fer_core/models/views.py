"""Several looks at one face: a fixed list of mirror images, shifts and sizes, and a network's mean answer to them.

A network that saw every face a little moved while it learned answers a little differently to each; the mean of its answers is often
nearer to the label than one of them. The price is one pass of the network per look.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core.emotions import SIDE
from fer_core.errors import ConfigError

CENTRE = (SIDE - 1) / 2
"""Middle of a face, pixels from the middle of its first pixel."""


@dataclass(frozen=True)
class View:
    """One look at a face: mirrored or not, then resized about its middle, then shifted."""

    mirror: bool = False
    right: float = 0.0
    """Pixels that the face moves to the right; to the left where negative."""
    down: float = 0.0
    """Pixels that the face moves down; up where negative."""
    scale: float = 1.0
    """Size of the face, as a multiple of its own: above 1 it is seen from nearer."""


SIZES = (1.0, 1.08, 0.92, 1.12, 0.9)
"""Sizes at which a face is looked at, as multiples of its own.

Chosen on FER2013's validation faces with the shipped CNN, beside shifts of 1 to 4 pixels: `checkpoints/README.md` has the table.
"""
VIEWS: tuple[View, ...] = tuple(View(mirror=mirror, scale=scale) for scale in SIZES for mirror in (False, True))
"""The looks, in the order in which they are taken: the first is the face itself, the first two are the face and its mirror image."""


def look(images: NDArray[Any], view: View) -> NDArray[Any]:
    """Show faces (n, 48, 48) as one look sees them, in their own type; what comes in from outside is the reflected border.

    A look that neither resizes nor shifts gives the very pixels; a shift by whole pixels blends none of them.
    """
    images = np.asarray(images)
    straight = images[:, :, ::-1] if view.mirror else images
    if (view.right, view.down, view.scale) == (0.0, 0.0, 1.0):
        return straight
    import cv2  # the pages need the list of looks alone, and are painted before OpenCV is loaded

    matrix = _matrix(view)
    result = np.empty(images.shape, images.dtype)
    for image, out in zip(straight, result, strict=True):
        pixels = np.ascontiguousarray(image)
        out[:] = cv2.warpAffine(
            pixels,
            matrix,
            (SIDE, SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT,
        )
    return result


def _matrix(view: View) -> NDArray[np.float64]:
    """Map each pixel of the look to the pixel of the face that it shows, (2, 3)."""
    step = 1 / view.scale
    first_column = CENTRE - step * (CENTRE + view.right)
    first_row = CENTRE - step * (CENTRE + view.down)
    return np.array([[step, 0.0, first_column], [0.0, step, first_row]])


def check_count(count: int) -> None:
    """Raise `ConfigError` for a number of looks that the list does not have."""
    if not 1 <= count <= len(VIEWS):
        raise ConfigError("There are not so many looks.", received=count, expected=f"1 to {len(VIEWS)}")


def predict_views(
    model: Any,
    images: NDArray[Any],
    count: int,
    *,
    batch: int = 256,
    progress: Callable[[float], object] | None = None,
) -> NDArray[np.float32]:
    """Give the mean probabilities float32 (n, 7) of the first `count` looks at faces (n, 48, 48).

    With `count` 2 this is `models.predict(..., flip=True)` to the last bit. `progress` is told the share done, 0 to 1. Raises `ConfigError`
    for a count out of 1 to the length of `VIEWS`.
    """
    return predict_means(model, images, (count,), batch=batch, progress=progress)[count]


def predict_means(
    model: Any,
    images: NDArray[Any],
    counts: Sequence[int],
    *,
    views: Sequence[View] | None = None,
    batch: int = 256,
    progress: Callable[[float], object] | None = None,
) -> dict[int, NDArray[np.float32]]:
    """Give the mean probabilities of the first 1, 2, ... looks, for each of `counts`, with one pass of the network per look.

    Returns {count: float32 (n, 7)}. `views` is another list of looks; untold, `VIEWS`. Raises `ConfigError` as `predict_views`.
    """
    from fer_core import models  # the list of looks is read without the framework

    for count in counts:
        if views is None:
            check_count(count)
    told = VIEWS if views is None else tuple(views)
    tell = progress or (lambda share: None)
    passes = max(counts)
    means: dict[int, NDArray[np.float32]] = {}
    total: NDArray[np.float32] | None = None
    for done, view in enumerate(told[:passes]):
        answers = models.predict(
            model,
            look(images, view),
            batch=batch,
            progress=lambda share, done=done: tell((done + share) / passes),  # type: ignore[misc]
        )
        total = answers if total is None else total + answers
        if done + 1 in counts:
            means[done + 1] = total / np.float32(done + 1)
    return means
