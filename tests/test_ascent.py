"""Gradient ascent: exact algebra, known optima, independence, and a network that is really cut."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from fer_core import models
from fer_core.errors import FerError
from fer_core.feature_vis import ascent
from fer_core.feature_vis.ascent import OBJECTIVES, PRESETS, Settings, ascend, score
from fer_core.feature_vis.parameterizations import PARAMETRISATIONS, bounded, mean_face, unbounded
from fer_core.models import gradients, submodels
from fer_core.runs.store import RunStore

filter_, neuron, layer, class_, difference = (OBJECTIVES[name] for name in ("filter", "neuron", "layer", "class", "difference"))
TARGETS = {
    "filter": filter_("conv2_relu", [1, 2]), "neuron": neuron("conv3_norm", [4]), "layer": layer("conv1_pool"), "class": class_("sad"),
    "difference": difference("happy", "sad"), "sum": 0.5 * filter_("conv1", 3) + class_(2), "negative": -filter_("conv4_relu", [0, 1]),
}


@pytest.fixture(scope="module")
def model(root):
    """The thin CNN, trained on the demo faces."""
    return models.load(RunStore(root / "checkpoints").open("demo"), precision="float32")


def last(*args, **kwargs):
    return list(ascend(*args, every=1000, **kwargs))[-1]


def edge_network():
    """One convolution with an edge kernel, of which the optimum is known."""
    inputs = keras.Input((48, 48, 1))
    convolution = keras.layers.Conv2D(1, 5, padding="same", use_bias=False, name="edge")
    outputs = keras.layers.Dense(7, name="logits")(keras.layers.Flatten()(convolution(inputs)))
    kernel = np.repeat(np.array([-1.0, -0.5, 0.0, 0.5, 1.0], np.float32)[None], 5, 0)
    convolution.set_weights([kernel[:, :, None, None]])
    return keras.Model(inputs, outputs), kernel


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", TARGETS)
def test_every_score_rises_under_every_preset(model, preset, name):
    frames = list(ascend(model, TARGETS[name], steps=32, preset=preset, every=32))
    assert [frame.step for frame in frames] == [0, 32]
    assert (frames[-1].scores > frames[0].scores).all()
    assert frames[-1].images.dtype == np.float32 and frames[-1].images.min() >= 0 and frames[-1].images.max() <= 255


def test_frames_show_what_they_say(model):
    frame = last(model, TARGETS["sum"], steps=3)
    assert np.allclose(frame.scores, score(model, TARGETS["sum"], frame.images), rtol=1e-4, atol=1e-5)


def test_the_algebra_is_exact(model, faces):
    a, b, pictures = filter_("conv2_relu", [1, 5]), difference("happy", "sad"), faces.images[:2]
    one, two = score(model, a, pictures), score(model, b, pictures)
    assert np.allclose(score(model, a + b, pictures), one + two, rtol=1e-6, atol=1e-6)
    assert np.array_equal(score(model, 2 * a, pictures), 2 * one)
    assert np.array_equal(score(model, -a, pictures), -one)
    assert np.allclose(score(model, a - a * 0.5, pictures), one / 2, rtol=1e-6)
    logits = models.predict_logits(model, pictures)
    assert np.allclose(two, logits[:, 3] - logits[:, 4], atol=1e-4)


CUTS = ("conv1", "conv1_relu", "conv2_norm", "conv3_pool", "conv4_drop", "dense1", "dense2_norm", "logits")


@pytest.mark.parametrize("arch, name", [*(("small", name) for name in CUTS), ("dnn", "dense2")])
def test_cut_network_is_the_full_network_at_the_layer(arch, name, model, faces):
    network = model if arch == "small" else models.build("dnn")
    pictures = faces.images[:4].astype(np.float32)[..., None]
    full = keras.Model(network.inputs[0], network.get_layer(name).output)(pictures, training=False).numpy()
    units = np.array([0, 3, 5, 3])
    [read], _ = submodels.Reader(network, [(name, False)])(pictures, units[None])
    expected = np.stack([full[i, ..., unit] for i, unit in enumerate(units)])
    assert np.allclose(read, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
    assert np.array_equal(submodels.activations(network, name)(pictures), full)


def test_nothing_beyond_the_layer_is_computed(model):
    reader = submodels.Reader(model, [("conv2_relu", False), ("conv1_relu", False)])
    assert [part.name for part in reader.body.layers][-1] == "conv1_drop"
    assert submodels.Reader(models.build("dnn"), [("dense1", False)]).body.layers[-1].name == "flatten"


def test_gradients_of_a_unit_alone_are_those_of_the_whole_layer(model, faces):
    import tensorflow as tf

    pictures = tf.constant(faces.images[:3, ..., None].astype(np.float32))
    reader, whole = submodels.Reader(model, [("conv2_relu", False)]), submodels.part(model, "conv2_relu")
    _, alone = gradients.of_values(lambda x: tf.reduce_mean(reader(x, tf.constant([[4, 0, 7]]))[0][0], axis=(1, 2)), pictures)
    _, full = gradients.of_values(
        lambda x: tf.reduce_mean(tf.gather(whole(x, training=False), [4, 0, 7], axis=3, batch_dims=0), axis=(1, 2))[:, :3]
        @ tf.eye(3) * tf.eye(3) @ tf.ones([3, 1]), pictures)
    assert np.allclose(alone, full, rtol=1e-3, atol=1e-4 * np.abs(full).max())


def test_an_edge_kernel_ends_at_its_own_picture():
    model, kernel = edge_network()
    frame = last(model, neuron("edge", [0]), steps=60, preset=Settings(start="grey", rate=0.2))
    seen = frame.images[0, 22:27, 22:27] - 127.5
    assert np.corrcoef(np.sign(kernel).ravel(), seen.ravel())[0, 1] > 0.95
    outside = frame.images[0].copy()
    outside[22:27, 22:27] = 127.5
    assert np.allclose(outside, 127.5)  # pixels outside its receptive field stay as they were
    silenced = last(model, -neuron("edge", [0]), steps=60, preset=Settings(start="grey", rate=0.2))
    assert np.allclose(silenced.images, 255 - frame.images, atol=1e-2)


@pytest.mark.parametrize("preset", ["standard", "strong"])
def test_neighbours_do_not_influence_each_other(model, preset):
    together = last(model, filter_("conv2_relu", [3, 1, 7, 9]), steps=6, preset=preset, seed=5)
    otherwise = last(model, filter_("conv2_relu", [3, 8, 0, 2]), steps=6, preset=preset, seed=5)
    alone = last(model, filter_("conv2_relu", 3), steps=6, preset=preset, seed=5)
    assert np.array_equal(together.images[0], otherwise.images[0])
    assert np.allclose(together.images[0], alone.images[0], atol=0.5)


def test_same_seed_same_picture_however_often_it_is_shown(model):
    target = class_("happy")
    once, often = last(model, target, steps=7, seed=4), list(ascend(model, target, steps=7, seed=4, every=2))
    assert [frame.step for frame in often] == [0, 2, 4, 6, 7]
    assert np.array_equal(once.images, often[-1].images)
    assert np.array_equal(once.images, last(model, target, steps=7, seed=4).images)
    assert not np.array_equal(once.images, last(model, target, steps=7, seed=5).images)


def test_it_can_be_stopped_at_any_time(model):
    frames = ascend(model, class_(0), every=1)
    assert [next(frames).step for _ in range(3)] == [0, 1, 2]
    frames.close()


def test_more_pictures_than_a_batch_go_in_parts(model):
    many = last(model, filter_("dense1", range(70)), steps=2)
    assert many.images.shape == (70, 48, 48) and many.scores.shape == (70,)
    assert np.allclose(many.images[68], last(model, filter_("dense1", 68), steps=2).images[0], atol=0.5)


def test_pictures_of_one_unit_differ_and_unlike_makes_them_differ_more(model):
    settings = Settings(steps=30, parametrisation="fourier", start="grey", rate=0.1)
    apart = {}
    for strength in (0.0, 3.0):
        frame = last(model, filter_("conv3_relu", [2, 2, 2]), preset=replace(settings, unlike=strength))
        rows = submodels.activations(model, "conv2_drop")(frame.images[..., None]).numpy().reshape(3, -1, 32)
        grams = np.stack([(row.T @ row).ravel() / np.linalg.norm(row.T @ row) for row in rows])
        apart[strength] = (grams @ grams.T)[np.triu_indices(3, 1)].mean()
        assert np.abs(frame.images[0] - frame.images[1]).max() > 1
    assert apart[3.0] < apart[0.0]


@pytest.mark.parametrize("name", PARAMETRISATIONS)
@pytest.mark.parametrize("decay", [0.0, 1.0])
def test_a_parametrisation_can_express_any_picture(name, decay, faces):
    import tensorflow as tf

    pictures = np.concatenate([faces.images[:3].astype(np.float32), np.random.default_rng(0).uniform(0, 255, (1, 48, 48))])
    kind = PARAMETRISATIONS[name]
    parameters = tf.constant(kind.parameters(unbounded(pictures), decay), tf.float32)
    made = bounded(kind.field(parameters, tf.constant(decay))).numpy()
    assert np.abs(made - pictures).max() / 255 < 1e-2


@pytest.mark.parametrize("name", PARAMETRISATIONS)
def test_a_parametrisations_gradient_is_its_maps_adjoint(name):
    import tensorflow as tf

    rng, decay, kind = np.random.default_rng(1), tf.constant(1.0), PARAMETRISATIONS[name]
    parameters, direction = (tf.constant(rng.standard_normal((2, 48, 48)), tf.float32) for _ in range(2))
    left = tf.reduce_sum(kind.field(parameters, decay) * direction)
    right = tf.reduce_sum(parameters * kind.gradient(direction, decay))
    assert np.isclose(left, right, rtol=1e-3)


def test_blurring_waves_is_blurring_pixels():
    import tensorflow as tf

    field = np.random.default_rng(2).standard_normal((1, 48, 48)).astype(np.float32)
    blurred = {}
    for name, kind in PARAMETRISATIONS.items():
        parameters = tf.constant(kind.parameters(field, 1.0))
        blurred[name] = kind.field(kind.blur(parameters, tf.constant(1.2)), tf.constant(1.0)).numpy()
    assert np.allclose(blurred["pixels"], blurred["fourier"], atol=1e-4)
    assert blurred["pixels"].std() < field.std() / 2


def test_a_warp_moves_by_whole_pixels_exactly():
    import tensorflow as tf

    from fer_core.feature_vis import transforms

    pictures = tf.constant(np.random.default_rng(3).uniform(0, 255, (2, 48, 48)), tf.float32)
    still = transforms.warp(pictures, tf.constant([1.0, 0, 0, 0, 1, 0, 0, 0]), 4)
    moved = transforms.warp(pictures, tf.constant([1.0, 0, 2, 0, 1, -3, 0, 0]), 4)
    assert np.allclose(still, pictures, atol=1e-4)
    assert np.allclose(moved[:, 3:, :-2], pictures[:, :-3, 2:], atol=1e-4)
    drawn = [transforms.drawn(tf.constant(1), tf.constant(step), *map(tf.constant, (2.0, 0.05, 5.0))).numpy() for step in (0, 0, 1)]
    assert np.array_equal(drawn[0], drawn[1]) and not np.array_equal(drawn[0], drawn[2])


def test_it_starts_where_it_is_told(model, faces):
    start = next(ascend(model, class_([0, 1]), face=faces.images[3]))
    assert np.abs(start.images - faces.images[3]).max() <= 1
    assert np.allclose(next(ascend(model, class_(0), preset=Settings(start="grey"))).images, 127.5)
    assert next(ascend(model, class_(0), preset="report")).images.std() > 1
    assert np.allclose(mean_face(faces.images), faces.images.mean(0), atol=1e-3)


def test_l2_keeps_near_the_start(model, faces):
    settings = Settings(steps=20, rate=0.1)
    free = last(model, class_(0), preset=settings, face=faces.images[0]).images
    held = last(model, class_(0), preset=replace(settings, l2=20.0), face=faces.images[0]).images
    assert np.abs(held - faces.images[0]).mean() < np.abs(free - faces.images[0]).mean()


def test_total_variation_and_blur_smooth(model):
    settings = Settings(steps=30, rate=0.1)
    rough, smooth, blurred = (np.abs(np.diff(last(model, filter_("conv1_relu", 0), preset=replace(settings, **knobs)).images)).mean()
                              for knobs in ({}, {"total_variation": 1.0}, {"blur_every": 3, "blur": 1.0}))
    assert smooth < rough and blurred < rough


def test_a_silent_relu_can_be_woken():
    inputs = keras.Input((48, 48, 1))
    dense = keras.layers.Dense(2, activation="relu", name="dense")
    model = keras.Model(inputs, keras.layers.Dense(7, name="logits")(dense(keras.layers.Flatten()(inputs))))
    weights = np.random.default_rng(0).standard_normal((2304, 2)).astype(np.float32)
    dense.set_weights([weights - weights.mean(0), np.array([-500, -500], np.float32)])
    frames = list(ascend(model, filter_("dense", [0, 1]), preset=Settings(steps=40, start="grey", rate=0.2), every=40))
    assert (frames[0].scores == 0).all() and (frames[-1].scores > 0).all() and (frames[-1].forces > 0).all()


def test_compiled_loops_are_few_and_shared(model):
    known = model.__dict__["_compiled_ascents"]
    last(model, filter_("conv1_relu", 1), steps=2, seed=1)
    before = len(known)
    last(model, filter_("conv1_relu", 2), steps=3, seed=2)
    last(model, 3 * filter_("conv1_relu", 4), steps=2, preset=replace(PRESETS["standard"], jitter=1, rate=0.2))
    assert len(known) == before <= ascent.COMPILED


@pytest.mark.parametrize("wrong", [
    lambda model: ascend(model, filter_("nowhere", 0)), lambda model: ascend(model, filter_("conv1", 16)),
    lambda model: ascend(model, class_(0), preset="wild"), lambda model: ascend(model, class_(0), seed=-1),
    lambda model: ascend(model, class_(0), face=np.zeros((3, 48, 48))), lambda model: class_("glad"),
    lambda model: filter_("conv1", [0, 1]) + filter_("conv1", [0, 1, 2]), lambda model: Settings(rate=0), lambda model: Settings(start="x"),
    lambda model: filter_("conv1", []),
])
def test_what_cannot_be_is_told_in_words(model, wrong):
    with pytest.raises(FerError):
        wrong(model)
