"""What an attribution method is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np
from numpy.typing import NDArray

from fer_core import models
from fer_core.errors import FerError
from fer_core.models import gradients

Floats = NDArray[np.float32]


class Stopped(FerError):
    """The request was cancelled by whoever made it."""


@dataclass(frozen=True)
class Settings:
    """The knobs with their defaults; each method reads those that `Method.knobs` names."""

    samples: int | None = None
    """Noisy faces of SmoothGrad (50 unless told), masks of RISE (400 unless told)."""
    steps: int = 50
    """Points on the way from the baseline to the face, for integrated gradients."""
    layer: str | None = None
    """Layer of Grad-CAM and LayerCAM; `default_layer` unless told."""
    seed: int = 0
    """Of SmoothGrad's noise and RISE's masks, which are the same for every face."""
    noise: float = 0.15
    """Standard deviation of SmoothGrad's noise as a share of the face's own range of grey."""
    patch: int = 8
    """Side of the patch that occlusion slides, in pixels."""
    stride: int = 4
    """Pixels between two places of the patch."""
    baseline: float | None = None
    """Grey level that stands for nothing; untold, each face's own mean (gradient x input: 0)."""
    should_stop: Callable[[], bool] | None = None
    """Asked between chunks of work; `Stopped` is raised when it says yes."""
    progress: Callable[[float], object] | None = None
    """Told the share that is done, 0 to 1."""

    def __post_init__(self) -> None:
        limits = (("samples", 1, 10_000), ("steps", 1, 1000), ("seed", 0, 2**32 - 1), ("noise", 0, 2), ("patch", 1, 48), ("stride", 1, 48))
        for name, low, high in limits:
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise FerError(f"{name} is out of range.", received=value, expected=f"{low} to {high}")


@dataclass(frozen=True, eq=False)
class Explanation:
    """Maps, and what must be told with them."""

    maps: Floats
    scores: Floats
    """What was explained, per face: a logit, or the difference of two (n,)."""
    gap: Floats | None = None
    """Integrated gradients: sum of the map minus (score of the face - score of the baseline), (n,); 0 is complete."""
    grid: tuple[int, int] | None = None
    """Rows and columns of the map before it was enlarged; `None` for a map made in pixels."""
    layer: str | None = None


class Beat:
    """Tell how far the work is, and end it when nobody wants it any more."""

    def __init__(self, settings: Settings, start: float = 0.0, span: float = 1.0) -> None:
        self.settings, self.start, self.span = settings, start, span

    def __call__(self, share: float) -> None:
        if self.settings.should_stop is not None and self.settings.should_stop():
            raise Stopped("The explanation was cancelled.")
        if self.settings.progress is not None:
            self.settings.progress(self.start + self.span * share)

    def part(self, index: int, parts: int) -> Beat:
        """Give the beat of one part among equal parts."""
        return Beat(self.settings, self.start + self.span * index / parts, self.span / parts)


@dataclass(frozen=True, eq=False)
class Question:
    """What a method is asked: the scores of images (n, h, w) are their logits times the weights (n, c), added up."""

    model: keras.Model
    images: Floats
    weights: Floats
    settings: Settings
    beat: Beat = field(repr=False)

    def differentiate(self, kind: str, layer: str = "") -> list[Floats]:
        """Run a kernel on the faces as they are: scores (n,) and maps."""
        return gradients.compile_gradient(self.model, kind, layer)(self.images, self.weights, self.beat)

    def along(self, index: int, points: Floats) -> list[Floats]:
        """Give scores (m,) and gradients (m, h, w) at points made of one face."""
        weights = np.repeat(self.weights[index : index + 1], len(points), axis=0)
        return gradients.compile_gradient(self.model, "pixels")(points, weights, self.beat.part(index, len(self.images)))

    def score(self, index: int, points: Floats) -> Floats:
        """Give the scores (m,) of points made of one face."""
        return self._score(points, np.repeat(self.weights[index : index + 1], len(points), axis=0), self.beat.part(index, len(self.images)))

    def scores(self) -> Floats:
        """Give the scores (n,) of the faces as they are."""
        return self._score(self.images, self.weights, self.beat)

    def _score(self, points: Floats, weights: Floats, beat: Beat) -> Floats:
        logits = gradients.map_in_chunks(lambda part: models.predict_logits(self.model, part, batch=gradients.CHUNK), points, beat)
        # an infinite logit of a class that nobody asked about does no harm
        result: Floats = np.sum(np.multiply(logits, weights, where=weights != 0, out=np.zeros_like(logits)), axis=1)
        return result

    def nothing(self) -> Floats:
        """Give each face's baseline: (n, 1, 1)."""
        if self.settings.baseline is not None:
            return np.full((len(self.images), 1, 1), self.settings.baseline, np.float32)
        means: Floats = self.images.mean(axis=(1, 2), keepdims=True)
        return means


def _enlarged(maps: Floats, size: tuple[int, ...]) -> Floats:
    """Enlarge (n, h, w) bilinearly, the centres of the corner cells staying where they are."""
    import cv2

    return np.stack([cv2.resize(part, size[::-1], interpolation=cv2.INTER_LINEAR) for part in maps]).astype(np.float32)
