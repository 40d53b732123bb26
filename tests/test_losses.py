"""The loss of a training step against TensorFlow's own cross-entropy and KL divergence, and against finite differences."""

import numpy as np
import pytest
import tensorflow as tf

from fer_core.training.losses import kl_divergence, training_loss

divergences = tf.keras.losses.KLDivergence(reduction="none")


@pytest.fixture
def batch():
    random = np.random.default_rng(0)
    logits = random.normal(0, 3, (9, 7)).astype(np.float32)
    targets = random.dirichlet(np.ones(7), 9).astype(np.float32)
    teacher = random.dirichlet(np.ones(7), 9).astype(np.float32)
    return logits, targets, teacher


def test_without_a_teacher_it_is_keras_own_cross_entropy(batch):
    logits, targets, _ = batch
    expected = tf.keras.losses.CategoricalCrossentropy(from_logits=True)(targets, logits)
    assert float(training_loss(logits, targets)) == pytest.approx(float(expected), rel=1e-6)


def test_the_distance_to_the_teacher_is_tensorflows_own_divergence(batch):
    logits, _, teacher = batch
    expected = divergences(teacher, tf.nn.softmax(logits))
    assert np.allclose(kl_divergence(teacher, logits), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("share", "temperature"), [(0.0, 2.0), (0.3, 1.0), (0.7, 3.0), (1.0, 2.0)])
def test_soft_labels_are_the_weighted_sum_of_both(batch, share, temperature):
    logits, targets, teacher = batch
    hard = tf.keras.losses.CategoricalCrossentropy(from_logits=True)(targets, logits)
    soft = tf.reduce_mean(divergences(teacher, tf.nn.softmax(logits / temperature)))
    expected = (1 - share) * float(hard) + share * temperature**2 * float(soft)
    found = training_loss(logits, targets, teacher, teacher_weight=share, temperature=temperature)
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_a_sure_teacher_is_a_label(batch):
    """Probabilities of 0 add nothing and are no NaN; a teacher without doubt is cross-entropy."""
    logits, _, _ = batch
    labels = np.eye(7, dtype=np.float32)[np.arange(9) % 7]
    found = training_loss(logits, labels, labels, teacher_weight=1.0, temperature=1.0)
    assert float(found) == pytest.approx(float(training_loss(logits, labels)), rel=1e-6)


def test_weights_count_as_in_keras(batch):
    logits, targets, teacher = batch
    weights = np.linspace(0, 2, 9).astype(np.float32)
    expected = tf.keras.losses.CategoricalCrossentropy(from_logits=True)(targets, logits, sample_weight=weights)
    assert float(training_loss(logits, targets, weights=weights)) == pytest.approx(float(expected), rel=1e-6)
    single = [float(training_loss(logits[i : i + 1], targets[i : i + 1], teacher[i : i + 1], teacher_weight=0.4, temperature=2.0))
              for i in range(9)]
    found = training_loss(logits, targets, teacher, weights, teacher_weight=0.4, temperature=2.0)
    assert float(found) == pytest.approx(float(np.mean(weights * single)), rel=1e-5)


def test_its_gradient_is_that_of_finite_differences(batch):
    logits, targets, teacher = (part.astype(np.float64) for part in batch)
    settings = {"teacher_weight": 0.6, "temperature": 2.5}
    points = tf.Variable(logits)
    with tf.GradientTape() as tape:
        loss = training_loss(points, targets, teacher, **settings)
    gradient = tape.gradient(loss, points).numpy()
    for row, column in ((0, 0), (4, 3), (8, 6)):
        moved = []
        for step in (1e-5, -1e-5):
            shifted = logits.copy()
            shifted[row, column] += step
            moved.append(float(training_loss(shifted, targets, teacher, **settings)))
        assert gradient[row, column] == pytest.approx((moved[0] - moved[1]) / 2e-5, rel=1e-4, abs=1e-9)
