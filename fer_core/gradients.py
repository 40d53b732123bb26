"""The one seam to automatic differentiation: no other file opens a gradient tape."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def of_loss(model: Any, images: tf.Tensor, labels: tf.Tensor, smoothing: float) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
    """Differentiate the mean cross-entropy of a training batch by the trainable variables.

    `images` (b, 48, 48, 1), `labels` int (b,), `smoothing` the share of each label that is spread over all classes (Szegedy et al. 2016).
    Returns the loss in nats, the logits float32 (b, 7), and a gradient per trainable variable.
    """
    with tf.GradientTape() as tape:
        logits = tf.cast(model(images, training=True), tf.float32)
        classes = logits.shape[-1]
        targets = tf.one_hot(labels, classes) * (1.0 - smoothing) + smoothing / classes
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, logits))
    gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    return loss, logits, gradients
