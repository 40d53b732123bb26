"""What a network says when a region of the face is hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fer_core.attribution.region_shares import masks_of
from fer_core.errors import FerError
from fer_core.faces.regions import NAMES, Floats, Masks, Where


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
    masks, group = masks_of(regions, len(faces)), gradients.CHUNK // (len(NAMES) + 1)
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
