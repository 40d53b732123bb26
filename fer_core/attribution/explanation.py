"""The attribution methods: which pixels of a face speak for a class, or for one class rather than another, and which against it.

Maps are float32 (n, 48, 48), signed, unscaled, and made from logits; pixels are grey levels, 0 to 255, so a gradient is in logits per
grey level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import TypedDict, Unpack

import keras
import numpy as np
from numpy.typing import ArrayLike

from fer_core.attribution import cam_methods, gradient_methods, perturbation_methods
from fer_core.attribution.cam_methods import grids
from fer_core.attribution.registry import NO_CONVOLUTION, WORDS, Words
from fer_core.attribution.task import Beat, Explanation, Floats, Question, Settings
from fer_core.errors import FerError, ModelError
from fer_core.messages import Sentence


class Knobs(TypedDict, total=False):
    """What can be told to `explain`, beyond face, method and class."""

    samples: int | None
    steps: int
    layer: str | None
    seed: int
    noise: float
    patch: int
    stride: int
    baseline: float | None
    should_stop: Callable[[], bool] | None
    progress: Callable[[float], object] | None


@dataclass(frozen=True)
class Method(Words):
    """An attribution method: its words, and the function that answers a `Question`."""

    answer: Callable[[Question], Explanation] = field(repr=False, kw_only=True)


def explain(model: keras.Model, images: ArrayLike, method: str, target: ArrayLike, *, versus: ArrayLike | None = None,
            **knobs: Unpack[Knobs]) -> Floats:
    """Map what speaks for class `target` (+) and against it (-) in images (n, 48, 48); with `versus`, for it rather than that class.

    `target` and `versus` are one class number, or one per image. Raises `FerError` for an unknown method, class or layer, a method that
    the network does not allow (`why_not`), pixels or logits that are not finite; `Stopped` when `should_stop` says so.
    """
    return explain_with_notes(model, images, method, target, versus=versus, **knobs).maps


def explain_with_notes(model: keras.Model, images: ArrayLike, method: str, target: ArrayLike, *, versus: ArrayLike | None = None,
                       **knobs: Unpack[Knobs]) -> Explanation:
    """Explain as `explain` does, and give the explained scores, the completeness gap, and the map's real grid as well."""
    unknown = knobs.keys() - {item.name for item in fields(Settings)}
    if unknown:
        raise FerError("There is no such setting.", received=", ".join(sorted(unknown)), expected=" or ".join(Knobs.__annotations__))
    settings = Settings(**knobs)
    reason = why_not(model, method)
    if reason is not None:
        raise ModelError(Sentence("{method} cannot explain this network.", method=METHODS[method].label), received=reason,
                         todo="choose another method")
    faces = _checked(model, images)
    weights = class_weights(target, len(faces), model.output_shape[-1])
    if versus is not None:
        weights = weights - class_weights(versus, len(faces), model.output_shape[-1])
    if not len(faces):
        return Explanation(faces, np.zeros(0, np.float32))
    with np.errstate(over="ignore", invalid="ignore"):  # told below
        found = METHODS[method].answer(Question(model, faces, weights, settings, Beat(settings)))
    if not (np.isfinite(found.scores).all() and np.isfinite(found.maps).all()):
        worst = int(np.argmin(np.isfinite(found.scores) & np.isfinite(found.maps).all(axis=(1, 2))))
        raise ModelError("The network's answer is not a finite number, so nothing can be explained.",
                         received=f"{found.scores[worst]} for image {worst}", todo="look at the training: its weights may have diverged")
    return found


def why_not(model: keras.Model, method: str) -> str | None:
    """Tell why a method cannot explain a network, or give `None` where it can."""
    if method not in METHODS:
        raise FerError("There is no such method.", received=method, expected=" or ".join(METHODS))
    if METHODS[method].needs_convolution and not grids(model):
        return NO_CONVOLUTION
    return None


def class_weights(target: ArrayLike, count: int, classes: int) -> Floats:
    """Turn one class number, or one per image, into weights of the logits: float32 (count, classes)."""
    numbers = np.asarray(target)
    if not np.issubdtype(numbers.dtype, np.integer) or numbers.shape not in ((), (count,)):
        raise FerError("The classes to explain do not fit the images.", received=f"{numbers.dtype} {numbers.shape}",
                       expected=f"one class number, or {count}")
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < classes:
        raise FerError("There is no such class.", received=f"{numbers.min()} to {numbers.max()}", expected=f"0 to {classes - 1}")
    rows: Floats = np.eye(classes, dtype=np.float32)[np.broadcast_to(numbers, (count,))]
    return rows


def _checked(model: keras.Model, images: ArrayLike) -> Floats:
    faces, side = np.asarray(images), tuple(model.input_shape[1:3])
    if faces.ndim != 3 or faces.shape[1:] != side or faces.dtype.kind not in "uif":
        raise FerError("These are no images that the network can take.", received=f"{faces.dtype} {faces.shape}",
                       expected=f"numbers (n, {side[0]}, {side[1]}), 0 to 255")
    if not np.isfinite(faces).all():
        bad = int(np.flatnonzero(~np.isfinite(faces).all(axis=(1, 2)))[0])
        raise FerError("An image holds a pixel that is not a finite number.", received=f"NaN or infinity in image {bad}",
                       expected="grey levels of 0 to 255")
    return faces.astype(np.float32)


_ANSWERS: dict[str, Callable[[Question], Explanation]] = {
    "gradient": gradient_methods.gradient,
    "gradient_input": gradient_methods.gradient_input,
    "smoothgrad": gradient_methods.smoothgrad,
    "integrated_gradients": gradient_methods.integrated_gradients,
    "grad_cam": cam_methods.grad_cam,
    "layer_cam": cam_methods.layer_cam,
    "guided_backprop": gradient_methods.guided_backpropagation,
    "occlusion": perturbation_methods.occlusion,
    "rise": perturbation_methods.rise,
}
METHODS: dict[str, Method] = {name: Method(**vars(words), answer=_ANSWERS[name]) for name, words in WORDS.items()}
