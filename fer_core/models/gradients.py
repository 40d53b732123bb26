"""The one seam to automatic differentiation: no other file opens a gradient tape.

A *kernel* is a compiled function of faces (b, h, w, 1) and class weights (b, c): the score of a face is the sum of its logits times
its weights, so that a class is a row of the unit matrix, and a contrast is the difference of two.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fer_core.errors import ModelError
from fer_core.models.compute_lock import COMPUTE_LOCK

CHUNK = 64
"""Faces that a kernel takes at once; more are no faster on a processor, and a chunk is the time that another person waits."""

Floats = NDArray[np.float32]
Function = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, ...]]


def of_loss(
    model: Any, images: tf.Tensor, loss: Callable[[tf.Tensor], tf.Tensor]
) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
    """Differentiate the loss of a training batch by the trainable variables.

    `images` (b, side, side, 1); `loss` makes a number of the logits float32 (b, classes).
    Returns the loss, the logits, and a gradient per trainable variable.
    """
    with tf.GradientTape() as tape:
        logits = tf.cast(model(images, training=True), tf.float32)
        value = loss(logits)
    gradients = tape.gradient(value, [variable.value for variable in model.trainable_variables])
    return value, logits, gradients


def of_values(function: Callable[[tf.Tensor], tf.Tensor], points: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Differentiate values (b,), each a function of its own point, by the points (b, ...): give values and gradients."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(points)
        values = function(points)
    return values, tape.gradient(values, points, unconnected_gradients=tf.UnconnectedGradients.ZERO)








def map_in_chunks(function: Callable[[Floats], Floats], points: Floats, beat: Callable[[float], object] = lambda share: None) -> Floats:
    """Apply a function to points (m, ...) chunk by chunk, each in its own turn; `beat` is told the share done."""
    results = []
    for start in range(0, len(points), CHUNK):
        with COMPUTE_LOCK.acquire():
            results.append(function(points[start : start + CHUNK]))
        beat(min(1.0, (start + CHUNK) / len(points)))
    return np.concatenate(results)


class CompiledGradient:
    """Feed a compiled function in chunks of few sizes, so that kernels are prepared for few shapes only."""

    def __init__(self, function: Any) -> None:
        self.function = function

    def __call__(self, images: Floats, weights: Floats, beat: Callable[[float], object] = lambda share: None) -> list[Floats]:
        """Give what the function returns, as arrays, for images (n, h, w) and weights (n, c); `beat` is told the share done."""
        count, results = len(images), []
        chunks = max(1, -(-count // CHUNK))
        size = -(-count // chunks)
        size = size if size <= 2 else -(-size // 4) * 4
        for start in range(0, count, size):
            part, rows = images[start : start + size, ..., None], weights[start : start + size]
            missing = size - len(part)
            if missing:
                part, rows = np.pad(part, ((0, missing), *(((0, 0),) * 3))), np.pad(rows, ((0, missing), (0, 0)))
            with COMPUTE_LOCK.acquire():
                arrays = self.function(tf.constant(part, tf.float32), tf.constant(rows, tf.float32))
                results.append([array.numpy()[: size - missing] for array in arrays])
            beat(min(1.0, (start + size) / count))
        return [np.concatenate(column) for column in zip(*results, strict=True)]


def compile_gradient(model: keras.Model, kind: str, layer: str = "") -> CompiledGradient:
    """Compile a kind of `KINDS` for a network, once; what is compiled lives and dies with the network.

    It reads the network's weights where they are, so it stays right when they change.
    """
    known: dict[tuple[str, str], CompiledGradient] = model.__dict__.setdefault("_compiled_gradients", {})
    with COMPUTE_LOCK.acquire():
        if (kind, layer) not in known:
            tf.config.optimizer.set_experimental_options({"remapping": False})  # its LeakyReLU fusion fails and warns
            function = tf.function(KINDS[kind](model, layer), jit_compile=False, autograph=False)
            shapes = (tf.TensorSpec((None, *model.input_shape[1:])), tf.TensorSpec((None, model.output_shape[-1])))
            known[kind, layer] = CompiledGradient(function.get_concrete_function(*shapes))
    return known[kind, layer]


def _by_pixels(model: keras.Model, layer: str) -> Function:
    """Give scores (b,) and their gradients by the pixels (b, h, w)."""
    return lambda images, weights: _scores_and_gradients(lambda points: model(points, training=False), images, weights)


def _guided(model: keras.Model, layer: str) -> Function:
    """Give scores (b,) and gradients (b, h, w) that pass a ReLU only where input and gradient are positive."""
    chained = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    if any(after.input is not before.output for before, after in pairwise(chained)):
        raise ModelError("Guided backpropagation needs a network whose layers follow one another.", received=f"{model.name} branches")
    return lambda images, weights: _scores_and_gradients(lambda points: _guided_call(model, points), images, weights)


def _scores_and_gradients(forward: Callable[[tf.Tensor], tf.Tensor], images: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, ...]:
    scores, gradients = of_values(lambda points: _score(forward(points), weights), images)
    return scores, gradients[..., 0]


def _score(logits: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.where(weights == 0, 0.0, tf.cast(logits, tf.float32) * weights), axis=1)


def _grad_cam(model: keras.Model, layer: str) -> Function:
    """Give scores (b,) and the activations of a layer, weighted by their channel's mean gradient and added up: (b, rows, columns)."""
    return _by_layer(model, layer, lambda gradients: tf.reduce_mean(gradients, axis=(1, 2), keepdims=True))


def _layer_cam(model: keras.Model, layer: str) -> Function:
    """Give scores (b,) and the activations of a layer times their gradients, added up over the channels: (b, rows, columns)."""
    return _by_layer(model, layer, lambda gradients: gradients)


def _by_layer(model: keras.Model, layer: str, weigh: Callable[[tf.Tensor], tf.Tensor]) -> Function:
    """Cut the network at a layer: only the upper part is differentiated."""
    middle = model.get_layer(layer).output
    lower, upper = keras.Model(model.inputs, middle), keras.Model(middle, model.outputs[0])

    def function(images: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, ...]:
        activations = lower(images, training=False)
        scores, gradients = of_values(lambda points: _score(upper(points, training=False), weights), activations)
        return scores, tf.reduce_sum(tf.cast(weigh(gradients) * activations, tf.float32), axis=-1)

    return function


@tf.custom_gradient
def _guided_relu(inputs: tf.Tensor, slope: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, None]]]:
    def backwards(gradient: tf.Tensor) -> tuple[tf.Tensor, None]:
        return tf.where((inputs > 0) & (gradient > 0), gradient, tf.zeros_like(gradient)), None

    return tf.where(inputs > 0, inputs, inputs * tf.cast(slope, inputs.dtype)), backwards


def _guided_call(model: keras.Model, points: tf.Tensor) -> tf.Tensor:
    """Call the layers one after the other, with guided ReLUs in the place of ReLUs and leaky ReLUs."""
    for layer in model.layers:
        activation = getattr(layer, "activation", None)
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if isinstance(layer, keras.layers.LeakyReLU | keras.layers.ReLU):
            points = _guided_relu(points, tf.constant(float(getattr(layer, "negative_slope", 0.0))))
        elif activation is keras.activations.relu:
            points = _guided_relu(_without_activation(layer, points), tf.constant(0.0))
        else:
            points = layer(points, training=False)
    return points


def _without_activation(layer: Any, points: tf.Tensor) -> tf.Tensor:
    if isinstance(layer, keras.layers.Activation):
        return points
    points = tf.cast(points, layer.compute_dtype)
    convolution = getattr(layer, "convolution_op", keras.ops.matmul)
    result = convolution(points, keras.ops.cast(layer.kernel, layer.compute_dtype))
    return result if layer.bias is None else result + keras.ops.cast(layer.bias, layer.compute_dtype)


KINDS: dict[str, Callable[[keras.Model, str], Function]] = {
    "pixels": _by_pixels, "guided": _guided, "grad_cam": _grad_cam, "layer_cam": _layer_cam,
}
"""What can be compiled. A kind that is made for a layer gets its name; the others get an empty one."""
