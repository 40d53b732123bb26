"""What a training step makes small, as functions of logits: cross-entropy, soft labels, weights of faces."""

from __future__ import annotations

import tensorflow as tf


def training_loss(
    logits: tf.Tensor,
    targets: tf.Tensor,
    teacher: tf.Tensor | None = None,
    weights: tf.Tensor | None = None,
    *,
    teacher_weight: float = 0.0,
    temperature: float = 1.0,
) -> tf.Tensor:
    """Return the mean loss of a batch in nats: (1 - w) cross-entropy + w T^2 KL(teacher || network), times each face's weight.

    `logits` and `targets` (a distribution a row) are float32 (b, classes). `teacher` float32 (b, classes) holds probabilities that
    are softened at the temperature T already; the network's logits are divided by T here. T^2 keeps the size of the gradients alike
    for every T. `weights` float32 (b,); the mean is over all b faces, whatever their weights, as in Keras.

    *Source:* Hinton, Vinyals and Dean 2015 (distillation).
    """
    losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
    if teacher is not None:
        distances = kl_divergence(teacher, logits / temperature)
        losses = (1 - teacher_weight) * losses + teacher_weight * temperature**2 * distances
    if weights is not None:
        losses = losses * weights
    return tf.reduce_mean(losses)


def kl_divergence(probabilities: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Return KL(probabilities || softmax(logits)) of each row in nats, float32 (b,); a probability of 0 adds nothing."""
    own_entropy = tf.math.xlogy(probabilities, probabilities)
    cross = probabilities * tf.nn.log_softmax(logits)
    return tf.reduce_sum(own_entropy - cross, axis=1)
