"""The network cut at a layer: nothing beyond it is computed, and of the layer itself only the units that are asked for.

A convolution of 512 filters, asked for one filter per picture, costs a 512th: the picture meets that filter's kernel alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fer_core.errors import ModelError
from fer_core.models import compute_lock

PER_UNIT = (keras.layers.LeakyReLU, keras.layers.ReLU, keras.layers.BatchNormalization, keras.layers.MaxPooling2D,
            keras.layers.AveragePooling2D, keras.layers.Dropout)
"""Layers that treat every unit by itself; so does this project's dropout, which is known by its rate."""


def find(model: keras.Model, name: str) -> Any:
    """Find a layer by name; an unknown one raises `ModelError`."""
    known = [layer.name for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    if name not in known:
        raise ModelError("The network has no such layer.", received=name, expected=" or ".join(known))
    return model.get_layer(name)


def watched(model: keras.Model) -> list[str]:
    """List the layers whose units are worth looking at: every convolution and dense layer, named where its activation is done."""
    return [activated(model, layer.name) for layer in model.layers if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)]


def hidden(model: keras.Model) -> list[str]:
    """List what is watched below the classes: the convolutions, or the dense layers of a network that has none."""
    below = [name for name in watched(model) if name != model.layers[-1].name]
    return [name for name in below if len(find(model, name).output.shape) == 4] or below


def activated(model: keras.Model, name: str) -> str:
    """Name the layer that holds a layer's units after their activation: conv1 becomes conv1_relu, dense1 stays."""
    follower = _only_follower(model, find(model, name))
    return follower.name if isinstance(follower, keras.layers.LeakyReLU | keras.layers.ReLU) else name


def origin(model: keras.Model, name: str) -> str:
    """Name the convolution or dense layer that makes a layer's units: conv1_relu becomes conv1; without one, the layer itself."""
    chain = _chain(find(model, name))
    return str(chain[0].name) if chain else name


def units(model: keras.Model, name: str) -> int:
    """Count the units of a layer: filters, or neurons of a dense layer."""
    return int(find(model, name).output.shape[-1])


def check_units(model: keras.Model, layer: str, wanted: Sequence[int]) -> None:
    """Raise `ModelError` where the network has no such layer, or the layer not all of these units."""
    count = units(model, layer)
    largest = max(wanted, default=-1)
    if largest >= count:
        raise ModelError(f"The layer {layer} has no such unit.", received=largest, expected=f"0 to {count - 1}")


def followers(model: keras.Model, name: str) -> list[Any]:
    """List the layers after a layer that still treat every unit by itself."""
    found, layer = [], find(model, name)
    while (layer := _only_follower(model, layer)) is not None and _per_unit(layer):
        found.append(layer)
    return found


def activations(model: keras.Model, name: str) -> Callable[[tf.Tensor], tf.Tensor]:
    """Give the function from pictures (n, 48, 48, 1) to all that a layer says, float32 (n, ..., units)."""
    body = part(model, name)
    return lambda pictures: tf.cast(body(pictures, training=False), tf.float32)


def part(model: keras.Model, name: str, start: str | None = None) -> keras.Model:
    """Cut out the network from its input, or from the output of the layer `start`, to the output of a layer; it lives with the network."""
    known: dict[tuple[str | None, str], keras.Model] = model.__dict__.setdefault("_cut_parts", {})
    if (start, name) not in known:
        inputs = model.inputs[0] if start is None else find(model, start).output
        known[start, name] = keras.Model(inputs, find(model, name).output)
    return known[start, name]


class Reader:
    """Reads units of some layers in one pass, as a part of a larger graph.

    `layers` may repeat; the layers below them are computed once for all. Where every picture is asked for one unit, only that is computed.
    """

    def __init__(self, model: keras.Model, layers: Sequence[tuple[str, bool]]) -> None:
        """Take (layer, whether all of it is needed) pairs."""
        self.model = model
        self.chains = [[] if whole else _chain(find(model, name)) for name, whole in layers]
        tensors = [chain[0].input if chain else find(model, name).output for chain, (name, _) in zip(self.chains, layers, strict=True)]
        unique = {id(tensor): tensor for tensor in tensors}
        self.places = [list(unique).index(id(tensor)) for tensor in tensors]
        untouched = all(tensor is model.inputs[0] for tensor in unique.values())
        self.body = None if untouched else keras.Model(model.inputs[0], list(unique.values()))

    def __call__(self, pictures: tf.Tensor, units: tf.Tensor) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Read pictures (n, 48, 48, 1): for each layer its unit of units (layers, n) as (n,) or (n, rows, columns), or all of the layer.

        Given beside: what the last layer is computed from (n, ...).
        """
        tensors = [pictures] if self.body is None else _listed(self.body(pictures, training=False))
        below = [tensors[place] for place in self.places]
        read = [_climb(chain, tensor, units[i]) if chain else tf.cast(tensor, tf.float32)
                for i, (chain, tensor) in enumerate(zip(self.chains, below, strict=True))]
        return read, below[-1]


def _listed(value: Any) -> list[tf.Tensor]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _per_unit(layer: Any) -> bool:
    return isinstance(layer, PER_UNIT) or hasattr(layer, "rate")


def _only_follower(model: keras.Model, layer: Any) -> Any:
    after = [other for other in model.layers if not isinstance(other, keras.layers.InputLayer) and other.input is layer.output]
    return after[0] if len(after) == 1 else None


def _chain(layer: Any) -> list[Any]:
    """List the convolution or dense layer that makes a layer's units, and what follows up to the layer; empty where there is none."""
    chain = [layer]
    while _per_unit(chain[0]):
        history = chain[0].input._keras_history
        chain.insert(0, history.operation)
    first = chain[0]
    plain = isinstance(first, keras.layers.Dense) or (
        isinstance(first, keras.layers.Conv2D) and first.padding == "same" and first.strides == (1, 1) and first.groups == 1
        and first.dilation_rate == (1, 1) and all(size % 2 for size in first.kernel_size))
    return chain if plain else []


def _climb(chain: list[Any], below: tf.Tensor, units: tf.Tensor) -> tf.Tensor:
    """Compute one unit per picture through a chain of layers: (n,) or (n, rows, columns)."""
    first, *rest = chain
    values = _alone(first, tf.cast(below, tf.float32), units)
    values = _activate(getattr(first, "activation", None), values)
    for layer in rest:
        if isinstance(layer, keras.layers.BatchNormalization):
            values = _normalised(layer, values, units)
        elif isinstance(layer, keras.layers.LeakyReLU):
            values = tf.where(values > 0, values, values * float(layer.negative_slope))
        elif isinstance(layer, keras.layers.ReLU):
            values = woken_relu(values)
        elif isinstance(layer, keras.layers.MaxPooling2D | keras.layers.AveragePooling2D):
            values = tf.cast(layer(values[..., None]), tf.float32)[..., 0]
    return values


def _alone(layer: Any, below: tf.Tensor, units: tf.Tensor) -> tf.Tensor:
    """Apply, to each picture, the kernel and bias of its own unit alone."""
    bias = tf.zeros([units.shape[0]]) if layer.bias is None else tf.gather(tf.convert_to_tensor(layer.bias), units)
    kernel = tf.gather(tf.convert_to_tensor(layer.kernel), units, axis=-1)
    if isinstance(layer, keras.layers.Dense):
        return tf.einsum("nc,cn->n", below, kernel) + bias
    return _convolved(below, kernel) + bias[:, None, None]


def _convolved(below: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Convolve each picture (n, h, w, c) with its own kernel (rows, columns, c, n), padded by zeros to the same size: (n, h, w).

    Every tap of a kernel meets the whole picture in one multiplication; the results are shifted and added up, and backwards likewise.
    """
    rows, columns, channels, count = (int(length) for length in kernel.shape)
    height, width = int(below.shape[1]), int(below.shape[2])
    taps = tf.reshape(tf.transpose(kernel, [3, 0, 1, 2]), [count, rows * columns, channels])
    places = [(i, j) for i in range(rows) for j in range(columns)]

    @tf.custom_gradient
    def convolved(pictures: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        flat = tf.reshape(pictures, [count, height * width, channels])
        products = tf.reshape(tf.matmul(taps, flat, transpose_b=True), [count, rows * columns, height, width])
        padded = tf.pad(products, [[0, 0], [0, 0], [rows // 2] * 2, [columns // 2] * 2])
        values = tf.add_n([padded[:, tap, i : i + height, j : j + width] for tap, (i, j) in enumerate(places)])

        def backwards(gradient: tf.Tensor) -> tf.Tensor:
            around = tf.pad(gradient, [[0, 0], [rows // 2] * 2, [columns // 2] * 2])
            shifted = [around[:, rows - 1 - i : rows - 1 - i + height, columns - 1 - j : columns - 1 - j + width] for i, j in places]
            spread = tf.reshape(tf.stack(shifted, axis=1), [count, rows * columns, height * width])
            return tf.reshape(tf.matmul(spread, taps, transpose_a=True), [count, height, width, channels])

        return values, backwards

    return convolved(below)


def _activate(activation: Any, values: tf.Tensor) -> tf.Tensor:
    if activation is keras.activations.relu:
        return woken_relu(values)
    return values if activation in (None, keras.activations.linear) else activation(values)


def woken_relu(values: tf.Tensor) -> tf.Tensor:
    """Give ReLU's values, and gradients even where it is silent, so that ascent can wake a unit. Source: lucid's redirected ReLU."""
    return tf.where(values > 0, values, values - tf.stop_gradient(values))


def _normalised(layer: Any, values: tf.Tensor, units: tf.Tensor) -> tf.Tensor:
    scale, offset = affine(layer)
    shape = [-1] + [1] * (len(values.shape) - 1)
    return values * tf.reshape(tf.gather(scale, units), shape) + tf.reshape(tf.gather(offset, units), shape)


def affine(layer: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """Give the scale and the offset (units,) that batch norm applies outside training."""
    mean, variance = tf.convert_to_tensor(layer.moving_mean), tf.convert_to_tensor(layer.moving_variance)
    scale = tf.math.rsqrt(variance + layer.epsilon)
    scale = scale * tf.convert_to_tensor(layer.gamma) if layer.scale else scale
    offset = -mean * scale
    return scale, offset + tf.convert_to_tensor(layer.beta) if layer.center else offset


def silence(model: keras.Model, name: str) -> tuple[str, NDArray[np.float32]]:
    """Tell what zeros of a layer's units become in the last layer that treats every unit by itself: its name, and values (units,)."""
    values, last = tf.zeros([1, 2, 2, units(model, name)]), name
    for layer in followers(model, name):
        if len(layer.output.shape) != 4:
            values = values[:, :1, :1]
        if isinstance(layer, keras.layers.MaxPooling2D | keras.layers.AveragePooling2D):
            last = layer.name  # a pool of equal values is that value
            continue
        if isinstance(layer, keras.layers.BatchNormalization):
            scale, offset = affine(layer)
            values = values * scale + offset
        else:
            values = tf.cast(layer(values, training=False), tf.float32)
        last = layer.name
    return last, np.asarray(values[0, 0, 0].numpy(), np.float32)


def own_maps(model: keras.Model, name: str, units: Sequence[int], pictures: NDArray[Any]) -> NDArray[np.float32]:
    """Give of each picture (n, 48, 48) the activation of its own unit: float32 (n, rows, columns), or (n,) in a dense layer."""
    reader, results = Reader(model, [(name, False)]), []
    for start in range(0, len(pictures), 64):
        images = tf.constant(np.asarray(pictures[start : start + 64], np.float32)[..., None])
        with compute_lock.COMPUTE_LOCK.acquire():
            [read], _ = reader(images, tf.constant([list(units[start : start + 64])], tf.int32))
            values = read.numpy()
        if not reader.chains[0]:
            values = np.stack([values[row, ..., unit] for row, unit in enumerate(units[start : start + 64])])
        results.append(values)
    return np.concatenate(results)
