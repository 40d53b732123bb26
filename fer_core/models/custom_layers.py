"""Layers that Keras lacks: batch norm by TensorFlow's fused kernel, leaky ReLU that can be fused, a faster convolution, dropout by step."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("fer_lens")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras' batch norm, with the same variables and results, in one kernel for images (b, h, w, c).

    In bfloat16 the images stay bfloat16, and mean and variance are float32. Other shapes go Keras' own way.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise by the batch's statistics in training, else by the moving ones."""
        if len(inputs.shape) != 4 or self.axis not in (-1, 3) or mask is not None or not (self.scale and self.center) or self.renorm:
            return super().call(inputs, training=training, mask=mask)
        gamma, beta, mean, variance = map(_value, (self.gamma, self.beta, self.moving_mean, self.moving_variance))
        if not (training and self.trainable):
            return _by_moving_statistics(self.epsilon, inputs, gamma, beta, mean, variance)
        empty = tf.zeros([0], tf.float32)
        result = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=gamma, offset=beta, mean=empty, variance=empty, epsilon=self.epsilon, is_training=True)
        self._move(result.batch_mean, result.batch_variance, tf.size(inputs) // inputs.shape[-1])
        return result.y

    def _move(self, mean: tf.Tensor, variance: tf.Tensor, count: tf.Tensor) -> None:
        """Update the moving statistics; the kernel's variance is over count - 1, Keras' over count."""
        number = tf.cast(count, tf.float32)
        biased = variance * tf.maximum(number - 1, 1) / number
        for moving, new in ((self.moving_mean, mean), (self.moving_variance, biased)):
            moving.assign(_value(moving) * self.momentum + new * (1.0 - self.momentum))


def _by_moving_statistics(epsilon: float, *parts: tf.Tensor) -> tf.Tensor:
    """Normalise (inputs, gamma, beta, mean, variance).

    Each gradient is an operation of its own, so that a graph keeps only those asked for: the fused kernel adds all of them up.
    """

    @tf.custom_gradient
    def normalised(inputs: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor) -> tuple[tf.Tensor, Any]:
        result = tf.raw_ops.FusedBatchNormV3(
            x=inputs, scale=gamma, offset=beta, mean=mean, variance=variance, epsilon=epsilon, is_training=False)

        def gradients(upper: tf.Tensor) -> tuple[tf.Tensor | None, ...]:
            inverse, exact = tf.math.rsqrt(variance + epsilon), tf.cast(upper, tf.float32)
            by_gamma = tf.reduce_sum(exact * (tf.cast(inputs, tf.float32) - mean), axis=(0, 1, 2)) * inverse
            return upper * tf.cast(gamma * inverse, upper.dtype), by_gamma, tf.reduce_sum(exact, axis=(0, 1, 2)), None, None

        return result.y, gradients

    return normalised(*parts)


def _value(variable: Any) -> tf.Tensor:
    return tf.convert_to_tensor(variable)


SMALL_MAP = 64
"""Positions of a picture up to which a convolution in bfloat16 gets its kernel's gradient by matrix products."""


@keras.saving.register_keras_serializable("fer_lens")
class ProductConv2D(keras.layers.Conv2D):
    """Keras' convolution; on a processor, in bfloat16 and for small pictures, it learns faster.

    The gradient by the kernel is then a matrix product for each place of the kernel, equal to rounding: oneDNN's own kernel takes
    more than twice as long on the 6 x 6 pictures of the CNN's last convolution. What is larger goes Keras' own way.
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Convolve (b, h, w, in) with a kernel (k, k, in, out)."""
        small = math.prod(inputs.shape[1:3]) <= SMALL_MAP
        stock = self.padding == "same" and self.strides == self.dilation_rate == (1, 1) and self.groups == 1
        odd = all(size % 2 for size in self.kernel_size)
        if inputs.dtype != tf.bfloat16 or not (small and stock and odd) or tf.config.list_logical_devices("GPU"):
            return super().convolution_op(inputs, kernel)
        return _convolution_by_products(inputs, tf.convert_to_tensor(kernel))


@tf.custom_gradient
def _convolution_by_products(inputs: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Any]:
    result = tf.nn.conv2d(inputs, kernel, 1, "SAME")

    def gradients(upper: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        by_inputs = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(inputs), filter=kernel, out_backprop=upper, strides=[1, 1, 1, 1], padding="SAME")
        return by_inputs, _by_kernel(inputs, upper, kernel.shape)

    return result, gradients


def _by_kernel(inputs: tf.Tensor, upper: tf.Tensor, shape: tf.TensorShape) -> tf.Tensor:
    """Differentiate a convolution by its kernel: inputs (b, h, w, in) and upper (b, h, w, out) give (k, k, in, out).

    What one place of the kernel gets is the product of the pictures, shifted to that place, with the gradient from above.
    """
    rows, columns, channels, filters = shape
    height, width = inputs.shape[1:3]
    below, right = rows // 2, columns // 2
    padded = tf.pad(inputs, [[0, 0], [below, below], [right, right], [0, 0]])
    flat = tf.reshape(upper, [-1, filters])
    places = []
    for down in range(rows):
        for along in range(columns):
            shifted = padded[:, down : down + height, along : along + width]
            places.append(tf.matmul(tf.reshape(shifted, [-1, channels]), flat, transpose_a=True))
    return tf.reshape(tf.stack(places), shape)


@keras.saving.register_keras_serializable("fer_lens")
class FusibleLeakyReLU(keras.layers.LeakyReLU):
    """Keras' leaky ReLU, bit for bit, whose gradient reads the output, which has the sign of the input.

    Nothing but this layer then reads the input, so that TensorFlow can compute it within the convolution before it.
    """

    def call(self, inputs: Any) -> Any:
        """Multiply what is below zero by the slope."""
        return _leaky_relu(inputs, float(self.negative_slope))


def _leaky_relu(inputs: tf.Tensor, slope: float) -> tf.Tensor:
    @tf.custom_gradient
    def activated(values: tf.Tensor) -> tuple[tf.Tensor, Any]:
        result = tf.nn.leaky_relu(values, slope)

        def gradient(upper: tf.Tensor) -> tf.Tensor:
            return tf.raw_ops.LeakyReluGrad(gradients=upper, features=result, alpha=slope)

        return result, gradient

    return activated(inputs)


@keras.saving.register_keras_serializable("fer_lens")
class StepDropout(keras.layers.Layer):
    """Dropout whose pattern is a function of (seed, layer number, step): there is no random state to save or to lose.

    `step` is an int64 variable that all layers of a network share and the trainer counts up.
    """

    def __init__(self, rate: float, number: int = 0, seed: int = 0, *, step: tf.Variable | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate, self.number, self.seed = float(rate), int(number), int(seed)
        self.step = new_step() if step is None else step
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Set a share `rate` of the values to zero in training, and scale the others to keep the mean."""
        if not training or self.rate == 0:
            return inputs
        context = tf.distribute.get_replica_context()
        replica = tf.cast(context.replica_id_in_sync_group if context else 0, tf.int64)
        seed = tf.stack([tf.constant(self.seed * 1024 + self.number, tf.int64), tf.convert_to_tensor(self.step) * 1024 + replica])
        return tf.where(self._kept(inputs, seed), inputs * (1 / (1 - self.rate)), tf.zeros([], inputs.dtype))

    def _kept(self, inputs: Any, seed: tf.Tensor) -> tf.Tensor:
        """Draw what stays, from 16 random bits each: less than half the time of a random float, and alike on every device."""
        size = math.prod(inputs.shape[1:])
        words = tf.random.stateless_uniform([tf.shape(inputs)[0], (size + 1) // 2], seed, None, None, tf.uint32, alg="philox")
        bits = tf.reshape(tf.bitcast(words, tf.uint16), [-1, (size + 1) // 2 * 2])[:, :size]
        return tf.reshape(bits >= round(self.rate * 65536), tf.shape(inputs))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Give the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Give what makes the layer anew; the step is no part of it."""
        return {**super().get_config(), "rate": self.rate, "number": self.number, "seed": self.seed}


def new_step() -> tf.Variable:
    """Make a step counter, at 0; under a distribution strategy the first replica's count is taken."""
    return tf.Variable(0, dtype=tf.int64, trainable=False, name="step", aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)
