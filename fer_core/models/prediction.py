"""A network's answers to faces: probabilities, logits, and the features before the last layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fer_core.emotions import SIDE
from fer_core.models.compute_lock import COMPUTE_LOCK

SIZES = (1, 8, 64, 256)
"""Batch sizes that prediction pads to, so that kernels are prepared for a few shapes only."""


Pixels = NDArray[np.uint8] | NDArray[np.float32]


def predict(model: keras.Model, images: Pixels, *, flip: bool = False, batch: int = 256,
            progress: Callable[[float], object] | None = None) -> NDArray[np.float32]:
    """Give probabilities float32 (n, 7) of faces (n, 48, 48); with `flip`, the mean of a face's and its mirror image's.

    `progress` is told the share that is done, 0 to 1.
    """
    tell = progress or (lambda share: None)
    if not flip:
        return _softmax(_run(model, images, "logits", batch, tell))
    straight = _softmax(_run(model, images, "logits", batch, lambda share: tell(share / 2)))
    mirrored = _softmax(_run(model, images[:, :, ::-1], "logits", batch, lambda share: tell(0.5 + share / 2)))
    return (straight + mirrored) / np.float32(2)


def predict_logits(model: keras.Model, images: Pixels, *, batch: int = 256) -> NDArray[np.float32]:
    """Give logits float32 (n, 7) of faces (n, 48, 48)."""
    return _run(model, images, "logits", batch)


def features(model: keras.Model, images: Pixels, *, batch: int = 256) -> NDArray[np.float32]:
    """Give what the last layer sees: float32 (n, d), d being 256 for the CNN."""
    return _run(model, images, "features", batch)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    result: NDArray[np.float32] = powers / powers.sum(1, keepdims=True)
    return result


def _run(model: keras.Model, images: Pixels, output: str, batch: int, tell: Callable[[float], object] | None = None) -> NDArray[np.float32]:
    forward, results = _forward(model, output), []
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        size = next((size for size in SIZES if len(part) <= size <= batch), batch)
        padded = np.zeros((size, SIDE, SIDE, 1), np.float32)
        padded[: len(part), ..., 0] = part
        with COMPUTE_LOCK.acquire():
            outputs = forward(tf.constant(padded)).numpy()
        results.append(outputs[: len(part)])
        if tell is not None:
            tell(min(1.0, (start + batch) / len(images)))
    return np.concatenate(results) if results else np.zeros((0, forward.structured_outputs.shape[-1]), np.float32)


def _forward(model: keras.Model, output: str) -> Any:
    """Compile the way to `logits` or `features` once per model."""
    known = model.__dict__.setdefault("_compiled_outputs", {})
    if output not in known:
        tensor = model.output if output == "logits" else model.get_layer("logits").input
        part = keras.Model(model.inputs, tensor)
        run = tf.function(lambda x: tf.cast(part(x, training=False), tf.float32), jit_compile=False)
        known[output] = run.get_concrete_function(tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32))
    return known[output]
