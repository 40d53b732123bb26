"""What a network loses without some of its units: they are switched off, and only the layers above run again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fer_core.data.splits import Split
from fer_core.errors import ModelError
from fer_core.metrics.evaluation import Evaluation, evaluate
from fer_core.metrics.mcnemar import McNemar, mcnemar
from fer_core.models import compute_lock, submodels

Floats = NDArray[np.float32]
CHUNK = 64
SAMPLE = 700
"""Faces on which units are switched off."""


@dataclass(frozen=True, eq=False)
class Effect:
    """What switching units off did to the sample: scores before and after, the probabilities (n, 7) without them, and McNemar's test."""

    units: tuple[int, ...]
    before: Evaluation
    after: Evaluation
    probabilities: Floats
    paired: McNemar
    """Of the network as it is (a) and without the units (b)."""
    moved: int
    """Faces that are called something else without the units."""

    @property
    def accuracy(self) -> float:
        """The change of accuracy, negative when the units are missed."""
        return self.after.accuracy - self.before.accuracy

    @property
    def recalls(self) -> Floats:
        """The change of every class's recall (7,); NaN for a class without faces."""
        pairs = zip(self.before.per_class, self.after.per_class, strict=True)
        return np.array([after.recall - before.recall for before, after in pairs], np.float32)

    @property
    def matrix(self) -> NDArray[np.int64]:
        """The change of the confusion matrix (7, 7)."""
        change: NDArray[np.int64] = self.after.matrix - self.before.matrix
        return change


def on_face(model: keras.Model, layer: str, image: NDArray[Any], sets: Iterable[Iterable[int]]) -> Floats:
    """Give the probabilities of a face (48, 48) as it is, and with each set of a layer's units switched off: float32 (1 + sets, 7)."""
    place, silence = submodels.silence(model, submodels.origin(model, layer))
    chosen = [list(map(int, off)) for off in sets]
    wrong = [unit for off in chosen for unit in off if not 0 <= unit < len(silence)]
    if wrong:
        raise ModelError(f"The layer {layer} has no such units.", received=wrong, expected=f"0 to {len(silence) - 1}")
    with compute_lock.COMPUTE_LOCK.acquire():
        inputs = tf.constant(np.asarray(image, np.float32)[None, :, :, None])
        answers = np.repeat(tf.cast(submodels.part(model, place)(inputs, training=False), tf.float32).numpy(), 1 + len(chosen), axis=0)
        for row, off in enumerate(chosen, start=1):
            answers[row][..., off] = silence[off]
        last = model.get_layer(place).output is model.outputs[0]
        logits = answers if last else submodels.part(model, model.layers[-1].name, place)(tf.constant(answers), training=False)
        probabilities: Floats = tf.nn.softmax(tf.cast(logits, tf.float32)).numpy()
    return probabilities


class Sample:
    """A fixed sample of faces, stopped above a layer: units can be switched off there, and only what is above runs again.

    A unit is off as if its weights and its bias were zero. The CNN's first convolution holds 103 MB of answers for 700 faces, others half.
    """

    def __init__(self, model: keras.Model, layer: str, split: Split, *, faces: int = SAMPLE, seed: int = 0,
                 progress: Callable[[float], object] = lambda share: None) -> None:
        """Draw up to `faces` labelled faces by `seed`, and store what the network says of them there; `progress` is told the share done."""
        known = np.flatnonzero(split.labels >= 0)
        self.faces = np.sort(np.random.default_rng(seed).permutation(known)[:faces])
        self.labels, self.layer = split.labels[self.faces], layer
        self.place, self.silence = submodels.silence(model, submodels.origin(model, layer))
        lower = _compiled(model, None, self.place)
        self.answers = self._run(lower, split.images[self.faces][..., None], lambda share: progress(share / 2))
        self.upper = None if model.get_layer(self.place).output is model.outputs[0] else _compiled(model, self.place, model.layers[-1].name)
        self.before, self.probabilities = self._evaluated(self._upwards(self.answers, lambda share: progress(0.5 + share / 2)))

    def without(self, units: Iterable[int], progress: Callable[[float], object] = lambda share: None) -> Effect:
        """Switch units of the layer off together."""
        off = tuple(int(unit) for unit in units)
        if not off or not all(0 <= unit < len(self.silence) for unit in off):
            raise ModelError(f"The layer {self.layer} has no such units.", received=off, expected=f"0 to {len(self.silence) - 1}")
        after, probabilities = self._evaluated(self._upwards(self.answers, progress, off))
        moved = int(np.sum(probabilities.argmax(1) != self.probabilities.argmax(1)))
        return Effect(off, self.before, after, probabilities, mcnemar(self.labels, self.probabilities, probabilities), moved)

    def _upwards(self, answers: Floats, progress: Callable[[float], object], off: tuple[int, ...] = ()) -> Floats:
        if self.upper is not None:
            return self._run(self.upper, answers, progress, off)
        changed = answers.copy()
        changed[..., list(off)] = self.silence[list(off)]
        return changed

    def _run(self, forward: Any, inputs: NDArray[Any], progress: Callable[[float], object], off: tuple[int, ...] = ()) -> Floats:
        results = []
        for start in range(0, len(inputs), CHUNK):
            part = np.asarray(inputs[start : start + CHUNK], np.float32)
            if off:
                part = part.copy()
                part[..., list(off)] = self.silence[list(off)]
            padded = np.pad(part, ((0, CHUNK - len(part)), *((0, 0),) * (part.ndim - 1)))
            with compute_lock.COMPUTE_LOCK.acquire():
                results.append(forward(tf.constant(padded)).numpy()[: len(part)])
            progress(min(1.0, (start + CHUNK) / len(inputs)))
        return np.concatenate(results)

    def _evaluated(self, logits: Floats) -> tuple[Evaluation, Floats]:
        powers = np.exp(logits - logits.max(1, keepdims=True))
        probabilities: Floats = powers / powers.sum(1, keepdims=True)
        return evaluate(self.labels, probabilities), probabilities


def _compiled(model: keras.Model, start: str | None, end: str) -> Any:
    """Compile a part of the network for chunks of faces, once."""
    known: dict[tuple[str | None, str], Any] = model.__dict__.setdefault("_compiled_cuts", {})
    if (start, end) not in known:
        part = submodels.part(model, end, start)
        shape = (CHUNK, *part.input_shape[1:])
        run = tf.function(lambda x: tf.cast(part(x, training=False), tf.float32), jit_compile=False, autograph=False)
        known[start, end] = run.get_concrete_function(tf.TensorSpec(shape))
    return known[start, end]
