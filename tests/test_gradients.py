"""Differentiation against known answers and finite differences; kernels in chunks; turns; what is compiled dies with its network."""

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from fer_core import models
from fer_core.errors import ModelError
from fer_core.models import gradients
from fer_core.runs.store import RunStore


@pytest.fixture(scope="module")
def network(root):
    """The demo network."""
    return models.load(RunStore(root / "checkpoints").open("demo"))


def one_hot(target, count):
    return np.eye(7, dtype=np.float32)[np.full(count, target)]


def test_values_and_gradients_of_a_parabola():
    values, slopes = gradients.of_values(lambda x: tf.reduce_sum(x**2, axis=1), tf.constant([[1.0, 2.0], [3.0, -1.0]]))
    assert values.numpy().tolist() == [5, 10]
    assert slopes.numpy().tolist() == [[2, 4], [6, -2]]


def test_what_a_value_does_not_depend_on_has_no_slope():
    _, slopes = gradients.of_values(lambda x: tf.zeros(2), tf.ones((2, 3)))
    assert not slopes.numpy().any()


def test_pixels_against_finite_differences(network, faces):
    images = faces.images[:4].astype(np.float32)
    scores, maps = gradients.compile_gradient(network, "pixels")(images, one_hot(3, 4))
    np.testing.assert_allclose(scores, models.predict_logits(network, images)[:, 3], rtol=1e-4, atol=1e-4)
    random = np.random.default_rng(0)
    for _ in range(5):
        way = random.standard_normal(images.shape).astype(np.float32)
        step = np.float32(0.002)  # short, because the network bends at every ReLU
        ends = [models.predict_logits(network, images + sign * step * way)[:, 3] for sign in (1, -1)]
        measured, told = (ends[0] - ends[1]) / (2 * step), (maps * way).sum(axis=(1, 2))
        np.testing.assert_allclose(told, measured, atol=0.03 * np.linalg.norm(maps.reshape(4, -1), axis=1).max())


@pytest.mark.parametrize("count", [1, 2, 3, 64, 65, 131])
def test_chunks_and_padding_change_nothing(network, faces, count):
    images = np.resize(faces.images, (count, 48, 48)).astype(np.float32)
    kernel, shares = gradients.compile_gradient(network, "pixels"), []
    scores, maps = kernel(images, one_hot(3, count), shares.append)
    assert scores.shape == (count,) and maps.shape == (count, 48, 48) and maps.dtype == np.float32
    alone = kernel(images[-1:], one_hot(3, 1))
    np.testing.assert_allclose(scores[-1:], alone[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(maps[-1:], alone[1], rtol=1e-3, atol=1e-6)
    assert shares == sorted(shares) and shares[-1] == 1


def test_a_kernel_is_compiled_once_and_sees_changed_weights(faces):
    model = models.build("small", seed=3)
    kernel = gradients.compile_gradient(model, "pixels")
    assert gradients.compile_gradient(model, "pixels") is kernel
    images = faces.images[:1].astype(np.float32)
    before = kernel(images, one_hot(0, 1))[1]
    logits = model.get_layer("logits")
    logits.kernel.assign(-logits.kernel)
    np.testing.assert_allclose(kernel(images, one_hot(0, 1))[1], -before, rtol=1e-3, atol=1e-7)


def test_what_is_compiled_dies_with_its_network(faces):
    model = models.build("small")
    for kind, layer in (("pixels", ""), ("guided", ""), ("grad_cam", "conv4_norm")):
        gradients.compile_gradient(model, kind, layer)(faces.images[:1].astype(np.float32), one_hot(0, 1))
    models.predict(model, faces.images[:1])
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def test_guided_relu_passes_only_what_is_positive_twice():
    inputs = keras.Input((1, 2, 1))
    hidden = keras.layers.Dense(2, activation="relu", name="hidden")(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2, name="logits")(hidden))
    model.get_layer("hidden").set_weights([np.array([[1, 2], [3, -9]], np.float32), np.zeros(2, np.float32)])
    model.get_layer("logits").set_weights([np.array([[1, -1], [1, 1]], np.float32), np.zeros(2, np.float32)])
    kernel, image = gradients.compile_gradient(model, "guided"), np.array([[[1, 1]]], np.float32)
    # hidden is (4, -7): the second unit sleeps; the gradient of logit 0 by the first is 1, that of logit 1 is -1
    score, first = kernel(image, np.array([[1, 0]], np.float32))
    assert score.tolist() == [4] and first.tolist() == [[[1, 3]]]
    assert not kernel(image, np.array([[0, 1]], np.float32))[1].any()


def test_guided_needs_a_chain_of_layers():
    inputs = keras.Input((48, 48, 1))
    flat = keras.layers.Flatten()(inputs)
    branches = [keras.layers.Dense(7)(flat) for _ in range(2)]
    with pytest.raises(ModelError, match="follow one another"):
        gradients.compile_gradient(keras.Model(inputs, keras.layers.Add()(branches)), "guided")
