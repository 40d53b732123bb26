"""The attribution methods, each a function of a `Question`; `saliency` is their front, with checks, words and names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import keras
import numpy as np
from numpy.typing import NDArray

from fer_core import models
from fer_core.errors import FerError, ModelError
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


def grids(model: keras.Model) -> dict[str, tuple[int, int]]:
    """List the layers that Grad-CAM and LayerCAM can take, from the first convolution on, with the rows and columns of their maps."""
    found: dict[str, tuple[int, int]] = {}
    for layer in model.layers:
        if (found or isinstance(layer, keras.layers.Conv2D)) and len(layer.output.shape) == 4:
            found[layer.name] = (int(layer.output.shape[1]), int(layer.output.shape[2]))
    return found


def default_layer(model: keras.Model) -> str:
    """Name the layer that Grad-CAM takes untold: the last that is as fine as the last convolution."""
    known = grids(model)
    last = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    return [name for name, grid in known.items() if grid == known[last]][-1]


def gradient(question: Question) -> Explanation:
    """Differentiate the score by each pixel. Source: Simonyan, Vedaldi, Zisserman 2014. *Differs:* the sign is kept."""
    scores, maps = question.differentiate("pixels")
    return Explanation(maps, scores)


def gradient_input(question: Question) -> Explanation:
    """Multiply the gradient by the grey levels above the baseline. Source: Shrikumar et al. 2016."""
    scores, maps = question.differentiate("pixels")
    return Explanation(maps * (question.images - np.float32(question.settings.baseline or 0)), scores)


def smoothgrad(question: Question) -> Explanation:
    """Average the gradients of noisy copies. Source: Smilkov et al. 2017. *Differs:* all faces get the same noise, and the sign is kept."""
    images = question.images
    samples = question.settings.samples or 50
    noise = np.random.default_rng(question.settings.seed).standard_normal((samples, *images.shape[1:]), np.float32)
    spread = question.settings.noise * np.ptp(images, axis=(1, 2))
    maps = [question.along(i, image + spread[i] * noise)[1].mean(0) for i, image in enumerate(images)]
    return Explanation(np.stack(maps), question.scores())


def integrated_gradients(question: Question) -> Explanation:
    """Average the gradient on the way from the baseline, times that way. Source: Sundararajan, Taly, Yan 2017.

    *Differs:* the way is walked by its midpoints, and the gap that they leave is told.
    """
    images, steps = question.images, question.settings.steps
    places = np.concatenate([[0.0], (np.arange(steps) + 0.5) / steps, [1.0]]).astype(np.float32)[:, None, None]
    maps, ends = np.empty_like(images), np.empty((len(images), 2), np.float32)
    for i, (image, start) in enumerate(zip(images, question.nothing(), strict=True)):
        scores, slopes = question.along(i, start + places * (image - start))
        maps[i], ends[i] = slopes[1:-1].mean(0) * (image - start), (scores[0], scores[-1])
    gap = maps.sum(axis=(1, 2), dtype=np.float64) - (ends[:, 1] - ends[:, 0])
    return Explanation(maps, ends[:, 1], gap=gap.astype(np.float32))


def guided_backpropagation(question: Question) -> Explanation:
    """Let only positive gradients pass the ReLUs.

    Source: Springenberg et al. 2015. *Differs:* a contrast is the difference of two maps.
    """
    scores, maps = replace(question, weights=np.maximum(question.weights, 0)).differentiate("guided")
    if (question.weights < 0).any():
        others = replace(question, weights=np.maximum(-question.weights, 0)).differentiate("guided")
        scores, maps = scores - others[0], maps - others[1]
    return Explanation(maps, scores)


def grad_cam(question: Question) -> Explanation:
    """Add up a layer's channels, each weighted by its mean gradient. Source: Selvaraju et al. 2017. *Differs:* the sign is kept."""
    return _of_layer(question, "grad_cam")


def layer_cam(question: Question) -> Explanation:
    """Add up a layer's activations, each weighted by its own gradient. Source: Jiang et al. 2021.

    *Differs:* the sign is kept, which makes it HiResCAM (Draelos, Carin 2020).
    """
    return _of_layer(question, "layer_cam")


def _of_layer(question: Question, kind: str) -> Explanation:
    known = grids(question.model)
    layer = question.settings.layer or default_layer(question.model)
    if layer not in known:
        raise ModelError("The network has no such convolutional layer.", received=layer, expected=" or ".join(known))
    scores, small = question.differentiate(kind, layer)
    return Explanation(_enlarged(small, question.images.shape[1:]), scores, grid=known[layer], layer=layer)


def _enlarged(maps: Floats, size: tuple[int, ...]) -> Floats:
    """Enlarge (n, h, w) bilinearly, the centres of the corner cells staying where they are."""
    import cv2

    return np.stack([cv2.resize(part, size[::-1], interpolation=cv2.INTER_LINEAR) for part in maps]).astype(np.float32)


def occlusion(question: Question) -> Explanation:
    """Slide a patch of the baseline over the face: a pixel's value is the mean fall of the score under the patches upon it.

    Source: Zeiler, Fergus 2014.
    """
    images, places = question.images, list(_places(question))
    maps, scores = np.empty_like(images), np.empty(len(images), np.float32)
    cover = np.zeros(images.shape[1:], np.float32)
    for place in places:
        cover[place] += 1
    for i, (image, nothing) in enumerate(zip(images, question.nothing(), strict=True)):
        hidden = np.repeat(image[None], len(places) + 1, axis=0)
        for copy, place in zip(hidden[1:], places, strict=True):
            copy[place] = nothing
        found = question.score(i, hidden)
        total = np.zeros(image.shape, np.float64)
        for place, fall in zip(places, found[0] - found[1:], strict=True):
            total[place] += fall
        maps[i], scores[i] = total / cover, found[0]
    return Explanation(maps, scores)


def _places(question: Question) -> Iterator[tuple[slice, slice]]:
    height, width = question.images.shape[1:]
    patch, stride = question.settings.patch, question.settings.stride
    if stride > patch:
        raise FerError("The patches would leave gaps.", received=f"a stride of {stride}", expected=f"1 to the patch's {patch} pixels")
    for top in (*range(0, height - patch, stride), height - patch):
        for left in (*range(0, width - patch, stride), width - patch):
            yield slice(top, top + patch), slice(left, left + patch)


def rise(question: Question) -> Explanation:
    """Compare the mean score where a pixel is shown with that where it is hidden, by random soft masks. Source: Petsiuk et al. 2018.

    *Differs:* the paper takes the first mean only, which does not know what speaks against the class.
    """
    images = question.images
    masks = _soft_masks(question.settings, images.shape[1:])
    maps, scores = np.empty_like(images), np.empty(len(images), np.float32)
    shown, hidden = (np.maximum(part.sum(0), 1e-6) for part in (masks, 1 - masks))
    for i, (image, nothing) in enumerate(zip(images, question.nothing(), strict=True)):
        found = question.score(i, np.concatenate([image[None], masks * image + (1 - masks) * nothing]))
        centred = found[1:] - found[1:].mean(dtype=np.float64)
        maps[i], scores[i] = np.tensordot(centred, masks / shown - (1 - masks) / hidden, 1), found[0]
    return Explanation(maps, scores)


def _soft_masks(settings: Settings, size: tuple[int, ...], cells: int = 7) -> Floats:
    """Draw masks float32 (samples, h, w) of 0 to 1: coarse random cells, enlarged and shifted by less than a cell."""
    random, samples = np.random.default_rng(settings.seed), settings.samples or 400
    height, width = (-(-side // cells) for side in size)
    coarse = (random.random((samples, cells + 1, cells + 1)) < 0.5).astype(np.float32)
    large = _enlarged(coarse, (height * (cells + 1), width * (cells + 1)))
    shifts = zip(random.integers(0, height, samples), random.integers(0, width, samples), strict=True)
    return np.stack([mask[y : y + size[0], x : x + size[1]] for mask, (y, x) in zip(large, shifts, strict=True)])
