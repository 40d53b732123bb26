"""Gradient ascent: a picture is changed, step by step, into what excites a part of the network most. A generator of frames.

objective x parametrisation x transforms x regularisers x optimiser, in one compiled loop. The objective's gradient is brought to length 1
per picture before the regularisers join it, so that their weights mean the same in every layer (lucid adds the terms as they are).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from fer_core.emotions import SIDE
from fer_core.errors import FerError
from fer_core.feature_vis import transforms
from fer_core.feature_vis.objectives import LOGITS, OBJECTIVES, Objective, Term
from fer_core.feature_vis.parameterizations import (
    PARAMETRISATIONS,
    bounded,
    grey,
    mean_face,
    noise,
    slope,
    unbounded,
)
from fer_core.feature_vis.settings import LIMITS, PRESETS, Settings
from fer_core.models import compute_lock, gradients, submodels

__all__ = ["LOGITS", "OBJECTIVES", "PARAMETRISATIONS", "PRESETS", "Frame", "Objective", "Settings", "Term", "ascend", "mean_face", "score"]

SIZES = (1, 2, 4, 8, 16, 32, 64)
"""Batch sizes that are compiled; other numbers of pictures are filled up, or go in parts."""
COMPILED = 24
"""Compiled loops that a network keeps."""
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Frame:
    """Pictures on their way: after `step` steps, float32 (n, 48, 48) of 0 to 255; their scores (n,), as `score` gives them."""

    step: int
    images: Floats
    scores: Floats
    forces: Floats
    """Length of the objective's gradient at the last step (n,), per pixel; 0 is a picture that nothing moves."""


def ascend(model: keras.Model, objective: Objective, *, steps: int | None = None, seed: int = 0, preset: str | Settings = "standard",
           face: ArrayLike | None = None, every: int = 4) -> Iterator[Frame]:
    """Climb an objective: a frame of the start, then one every `every` steps, and of the last. Stop at any time by asking for no more.

    `face` (48, 48) or (n, 48, 48) of 0 to 255 is where to start. The same seed gives the same pictures, however many stand beside them and
    however often a frame is asked for. Raises `FerError` at once for an unknown layer, unit or preset, and for faces of other shapes.
    """
    settings = _settings(preset, steps)
    if not 0 <= seed < 2**31 or every < 1:
        raise FerError("The seed or the steps of a frame are out of range.", received=f"{seed}, {every}", expected="0 or more, 1 or more")
    check(model, objective)
    starts = _starts(objective, settings, seed, face)
    parts = [_Part(model, objective.of(rows), settings, seed, starts[rows]) for rows in _rows(objective.pictures)]
    return _frames(parts, settings.steps, every)


def score(model: keras.Model, objective: Objective, images: ArrayLike) -> Floats:
    """Score pictures (n, 48, 48) of 0 to 255 as they are, float32 (n,)."""
    check(model, objective)
    pictures = _pictures(images, objective.pictures)
    settings, results = Settings(), []
    for rows in _rows(len(pictures)):
        part = objective.of(rows if objective.pictures > 1 else [0] * len(rows))
        results.append(_Part(model, part, settings, 0, unbounded(pictures[rows])).score(pictures[rows]))
    return np.concatenate(results)


def check(model: keras.Model, objective: Objective) -> None:
    """Raise `FerError` where an objective names a layer or a unit that the network does not have."""
    for term in objective.terms:
        submodels.check_units(model, term.layer, () if term.kind == "layer" else term.units)


def _settings(preset: str | Settings, steps: int | None) -> Settings:
    if isinstance(preset, str) and preset not in PRESETS:
        raise FerError("There is no such preset.", received=preset, expected=" or ".join(PRESETS))
    settings = PRESETS[preset] if isinstance(preset, str) else preset
    return settings if steps is None else replace(settings, steps=steps)


def _rows(count: int) -> list[list[int]]:
    return [list(range(start, min(start + SIZES[-1], count))) for start in range(0, count, SIZES[-1])]


def _pictures(images: ArrayLike, count: int) -> Floats:
    pictures = np.asarray(images, np.float32)
    pictures = pictures[None] if pictures.ndim == 2 else pictures
    if pictures.shape[1:] != (SIDE, SIDE) or (count > 1 and len(pictures) not in (1, count)):
        raise FerError("These pictures do not fit the objective.", received=pictures.shape, expected=f"({count}, {SIDE}, {SIDE})")
    return pictures


def _starts(objective: Objective, settings: Settings, seed: int, face: ArrayLike | None) -> Floats:
    """Give the fields to start from; pictures of the same units start from different noise, all others from the same."""
    count = objective.pictures
    if face is not None:
        faces = _pictures(face, max(count, 2))
        fields = unbounded(np.broadcast_to(faces, (count, SIDE, SIDE)))
    else:
        fields = grey(count)
    asked: list[tuple[Term, ...]] = [objective.of([row]).terms for row in range(count)]
    numbers = [asked[:row].count(terms) for row, terms in enumerate(asked)]
    decay = settings.decay if settings.parametrisation == "fourier" else 0.0
    if face is None and settings.start == "noise":
        return noise(numbers, seed, settings.strength, decay)
    apart = np.array([number > 0 for number in numbers])[:, None, None]
    return fields + noise(numbers, seed, 0.1, decay) * apart if apart.any() else fields


def _frames(parts: list[_Part], steps: int, every: int) -> Iterator[Frame]:
    for step in [*range(0, steps, every), steps]:
        shown = [part.climb(step) for part in parts]
        images, scores, forces = (np.concatenate(column) for column in zip(*shown, strict=True))
        yield Frame(step, images, scores, forces)


class _Part:
    """Up to 64 pictures that climb together: their state, and the compiled loop that they share with others of their shape."""

    def __init__(self, model: keras.Model, objective: Objective, settings: Settings, seed: int, fields: Floats) -> None:
        self.count, self.step = len(fields), 0
        size = next(size for size in SIZES if size >= self.count)
        rows = [*range(self.count), *[0] * (size - self.count)]
        filled = objective.of(rows)
        self.loop = _compiled(model, tuple((term.kind, term.layer) for term in objective.terms), settings, size)
        start = PARAMETRISATIONS[settings.parametrisation].parameters(fields[rows], settings.decay)
        self.state = tuple(tf.constant(array, tf.float32) for array in (start, 0 * start, 0 * start, np.zeros(size)))
        self.asked = {
            "units": tf.constant([term.units for term in filled.terms], tf.int32),
            "weights": tf.constant([term.weight for term in objective.terms], tf.float32),
            "alike": tf.constant(_alike(filled, self.count), tf.float32),
            "start": tf.constant(255 / (1 + np.exp(-fields[rows])), tf.float32),
            "seed": tf.constant(seed, tf.int32),
            **{name: tf.constant(float(getattr(settings, name)), tf.float32) for name in LIMITS},
        }

    def climb(self, step: int) -> tuple[Floats, Floats, Floats]:
        """Go on until `step`, and show pictures, scores and forces."""
        with compute_lock.COMPUTE_LOCK.acquire():
            if step > self.step:
                self.state = self.loop.climb(*self.state, tf.constant(self.step), tf.constant(step), self.asked)
                self.step = step
            images, scores = self.loop.show(self.state[0], self.asked)
        return images.numpy()[: self.count], scores.numpy()[: self.count], self.state[3].numpy()[: self.count]

    def score(self, images: Floats) -> Floats:
        """Score pictures as they are."""
        size = int(self.state[0].shape[0])
        filled = np.concatenate([images, np.zeros((size - len(images), SIDE, SIDE), np.float32)])
        with compute_lock.COMPUTE_LOCK.acquire():
            scores: Floats = self.loop.score(tf.constant(filled), self.asked).numpy()[: len(images)]
        return scores


def _alike(objective: Objective, count: int) -> NDArray[np.bool_]:
    """Tell which of the first `count` pictures show the same units: (n, n), without the diagonal."""
    rows = np.array([np.broadcast_to(term.units, max(objective.pictures, 1)) for term in objective.terms]).T
    same: NDArray[np.bool_] = (rows[:, None] == rows[None]).all(-1) & ~np.eye(len(rows), dtype=bool)
    same[count:], same[:, count:] = False, False
    return same


def _compiled(model: keras.Model, terms: tuple[tuple[str, str], ...], settings: Settings, size: int) -> _Loop:
    """Compile the loop for a shape of objective and settings once; it lives with the network, and reads its weights as they are."""
    known: dict[Any, _Loop] = model.__dict__.setdefault("_compiled_ascents", {})
    key = (terms, size, settings.parametrisation, settings.optimiser, settings.moves, settings.pad,
           settings.total_variation > 0, settings.l2 > 0, settings.blur_every > 0, settings.unlike > 0,
           settings.settle > 0)
    with compute_lock.COMPUTE_LOCK.acquire():
        loop = known.pop(key, None) or _Loop(model, terms, settings, size)
        known[key] = loop  # the last used stands last
        while len(known) > COMPILED:
            del known[next(iter(known))]
    return loop


Asked = dict[str, tf.Tensor]
State = tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]


class _Loop:
    """The compiled loop: `climb` (state, from, to, asked) to the state, `show` (parameters, asked) and `score` (pictures, asked)."""

    def __init__(self, model: keras.Model, terms: Sequence[tuple[str, str]], settings: Settings, size: int) -> None:
        tf.config.optimizer.set_experimental_options({"remapping": False})  # its LeakyReLU fusion fails and warns
        self.settings, self.kinds = settings, [kind for kind, _ in terms]
        self.parametrisation = PARAMETRISATIONS[settings.parametrisation]
        self.reader = submodels.Reader(model, [(layer, kind == "layer") for kind, layer in terms])
        compile_ = partial(tf.function, jit_compile=False, autograph=False)
        self.climb: Any = compile_(self._climb)
        self.show: Any = compile_(self._show)
        self.score: Any = compile_(lambda pictures, asked: self._values(pictures, asked)[0])

    def _climb(self, *told: Any) -> State:
        *state, first, last, asked = told
        condition: Callable[..., Any] = lambda step, *state: step < last  # noqa: E731
        body = lambda step, *state: (step + 1, *self._step(state, step, asked))  # noqa: E731
        result = tf.while_loop(condition, body, (first, *state), parallel_iterations=1)
        return tuple(result[1:])

    def _show(self, parameters: tf.Tensor, asked: Asked) -> tuple[tf.Tensor, tf.Tensor]:
        pictures = bounded(self.parametrisation.field(parameters, asked["decay"]))
        return pictures, self._values(pictures, asked)[0]

    def _step(self, state: Sequence[tf.Tensor], step: tf.Tensor, asked: Asked) -> State:
        parameters, mean, square, _ = state
        field = self.parametrisation.field(parameters, asked["decay"])
        pictures = bounded(field)
        uphill, force = self._uphill(pictures, step, asked)
        gradient = self.parametrisation.gradient(uphill * slope(field), asked["decay"])
        number = tf.cast(step + 1, tf.float32)
        rate = asked["rate"] * self._calm(step, asked)
        if self.settings.optimiser == "adam":
            mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
            change = mean / (1 - 0.9**number) / (tf.sqrt(square / (1 - 0.999**number)) + 1e-8)
        else:
            change = _unit(gradient)[0]
        parameters = parameters + rate * change
        if self.settings.blur_every:
            due = tf.equal(tf.math.floormod(step + 1, tf.cast(asked["blur_every"], tf.int32)), 0)
            parameters = tf.cond(due, lambda: self.parametrisation.blur(parameters, asked["blur"]), lambda: parameters)
        return parameters, mean, square, force

    def _calm(self, step: tf.Tensor, asked: Asked) -> tf.Tensor:
        """Give what is left of movement and rate: all of it, less and less in the last share `settle` of the steps."""
        left = (asked["steps"] - tf.cast(step, tf.float32)) / tf.maximum(asked["settle"] * asked["steps"], 1.0)
        return tf.clip_by_value(left, 0.0, 1.0) if self.settings.settle else tf.constant(1.0)

    def _uphill(self, pictures: tf.Tensor, step: tf.Tensor, asked: Asked) -> tuple[tf.Tensor, tf.Tensor]:
        """Give the direction to go, by the pixels, and the length of the objective's own gradient."""
        calm = self._calm(step, asked)
        matrix = transforms.drawn(asked["seed"], step, *(asked[name] * calm for name in ("jitter", "scale", "rotate")))

        def seen(points: tf.Tensor) -> tf.Tensor:
            return transforms.warp(points, matrix, self.settings.pad) if self.settings.moves else points

        _, gradient = gradients.of_values(lambda points: self._values(seen(points), asked)[0], pictures)
        direction, force = _unit(gradient)
        if self.settings.unlike:
            likeness = gradients.of_values(lambda points: -_likeness(self._values(seen(points), asked)[1], asked["alike"]), pictures)[1]
            direction += asked["unlike"] * _unit(likeness)[0]
        if self.settings.total_variation:
            direction -= asked["total_variation"] * gradients.of_values(_variation, pictures)[1]
        if self.settings.l2:
            direction -= asked["l2"] * (pictures - asked["start"]) / 32.0
        return direction, force

    def _values(self, pictures: tf.Tensor, asked: Asked) -> tuple[tf.Tensor, tf.Tensor]:
        """Give the scores (n,), and what the last term's layer is computed from."""
        read, below = self.reader(pictures[..., None], asked["units"])
        values = [_value(kind, tensor) * asked["weights"][i] for i, (kind, tensor) in enumerate(zip(self.kinds, read, strict=True))]
        return tf.add_n(values), below


def _value(kind: str, read: tf.Tensor) -> tf.Tensor:
    if kind == "layer":
        return tf.reduce_mean(read**2, axis=list(range(1, len(read.shape))))
    if len(read.shape) == 1:
        return read
    return read[:, read.shape[1] // 2, read.shape[2] // 2] if kind == "neuron" else tf.reduce_mean(read, axis=(1, 2))


def _unit(gradient: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Bring each picture's gradient to a mean square of 1; a zero stays. Given beside: its root mean square."""
    length = tf.sqrt(tf.reduce_mean(gradient**2, axis=(1, 2)))
    return tf.math.divide_no_nan(gradient, length[:, None, None]), length


def _variation(pictures: tf.Tensor) -> tf.Tensor:
    """Add up the differences between neighbours, smooth at 0: a gradient of at most 4 per pixel."""
    down, across = pictures[:, 1:] - pictures[:, :-1], pictures[:, :, 1:] - pictures[:, :, :-1]
    return tf.add_n([tf.reduce_sum(tf.sqrt(difference**2 + 16.0), axis=(1, 2)) for difference in (down, across)])


def _likeness(below: tf.Tensor, alike: tf.Tensor) -> tf.Tensor:
    """Give, per picture, how like it is to those it should differ from: cosines of what its features do together (Gram matrices)."""
    below = tf.cast(below, tf.float32)
    if len(below.shape) == 4 and below.shape[-1] > 1:
        flat = tf.reshape(below, [below.shape[0], -1, below.shape[-1]])
        features = tf.matmul(flat, flat, transpose_a=True)
    else:
        features = below - tf.reduce_mean(below, axis=list(range(1, len(below.shape))), keepdims=True)
    rows = tf.math.l2_normalize(tf.reshape(features, [below.shape[0], -1]), axis=1)
    return tf.reduce_sum(tf.matmul(rows, rows, transpose_b=True) * alike, axis=1)
