"""The attribution methods against linear networks, whose maps are known, and against the rules that every map must keep."""

import keras
import numpy as np
import pytest

from fer_core import models
from fer_core.attribution.cam_methods import default_layer, grids
from fer_core.attribution.explanation import (
    METHODS,
    explain,
    explain_with_notes,
    why_not,
)
from fer_core.attribution.task import Stopped
from fer_core.errors import FerError, ModelError
from fer_core.plots import saliency_images
from fer_core.runs.store import RunStore

FAST = {"samples": 20, "steps": 10, "patch": 16, "stride": 8}
NO_CONVOLUTION = [name for name, method in METHODS.items() if not method.needs_convolution]


@pytest.fixture(scope="module")
def network(root):
    """The demo network."""
    return models.load(RunStore(root / "checkpoints").open("demo"))


@pytest.fixture(scope="module")
def linear():
    """Logits that are weights times pixels, plus a bias; and the weights (7, 48, 48)."""
    inputs = keras.Input((48, 48, 1))
    model = keras.Model(inputs, keras.layers.Dense(7, name="logits")(keras.layers.Flatten()(inputs)))
    random = np.random.default_rng(0)
    kernel, bias = random.normal(0, 0.01, (2304, 7)).astype(np.float32), random.normal(0, 1, 7).astype(np.float32)
    model.get_layer("logits").set_weights([kernel, bias])
    return model, kernel.T.reshape(7, 48, 48)


@pytest.fixture(scope="module")
def images(faces):
    return faces.images[:3]


def test_the_registry_has_what_was_promised():
    assert list(METHODS) == ["gradient", "gradient_input", "smoothgrad", "integrated_gradients", "grad_cam", "layer_cam",
                             "guided_backprop", "occlusion", "rise"]
    for method in METHODS.values():
        assert method.label and method.reading.endswith(".") and method.caveat.endswith(".")
        assert method.reading.count(". ") == method.caveat.count(". ") == 0


@pytest.mark.parametrize("method", ["gradient", "smoothgrad", "guided_backprop"])
def test_a_linear_networks_gradient_is_its_weights(linear, images, method):
    model, weights = linear
    np.testing.assert_allclose(explain(model, images, method, 2), np.broadcast_to(weights[2], images.shape), rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(explain(model, images, method, 2, versus=5)[0], weights[2] - weights[5], rtol=1e-4, atol=1e-7)


def test_a_linear_networks_integrated_gradients(linear, images):
    model, weights = linear
    means = images.mean(axis=(1, 2), keepdims=True)
    found = explain_with_notes(model, images, "integrated_gradients", 4, steps=7)
    np.testing.assert_allclose(found.maps, weights[4] * (images - means), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.gap, 0, atol=2e-3)
    black = explain(model, images, "integrated_gradients", 4, baseline=0)
    np.testing.assert_allclose(black, weights[4] * images, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(explain(model, images, "gradient_input", 4), weights[4] * images, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("baseline", [None, 100.0])
def test_a_linear_networks_occlusion_is_the_sum_over_each_patch(linear, images, baseline):
    model, weights = linear
    nothing = images.mean(axis=(1, 2), keepdims=True) if baseline is None else baseline
    parts = (weights[1] * (images - nothing)).reshape(3, 6, 8, 6, 8).sum(axis=(2, 4))
    found = explain(model, images, "occlusion", 1, patch=8, stride=8, baseline=baseline)
    np.testing.assert_allclose(found, parts.repeat(8, axis=1).repeat(8, axis=2), atol=2e-3)


def test_overlapping_patches_are_averaged_by_their_number(linear, images):
    model, weights = linear
    contribution = (weights[1] * (images[0] - images[0].mean())).astype(np.float64)
    sums, cover = np.zeros((48, 48)), np.zeros((48, 48))
    for top in (0, 12, 24, 31):
        for left in (0, 12, 24, 31):
            place = slice(top, top + 17), slice(left, left + 17)
            sums[place] += contribution[place].sum()
            cover[place] += 1
    np.testing.assert_allclose(explain(model, images[:1], "occlusion", 1, patch=17, stride=12)[0], sums / cover, atol=2e-3)


def test_rise_finds_the_only_place_that_matters():
    inputs = keras.Input((48, 48, 1))
    model = keras.Model(inputs, keras.layers.Dense(7, name="logits")(keras.layers.Flatten()(inputs)))
    kernel = np.zeros((48, 48, 7), np.float32)
    kernel[6:14, 30:38, 0], kernel[34:42, 10:18, 0] = 1.0, -1.0
    model.get_layer("logits").set_weights([kernel.reshape(-1, 7), np.zeros(7, np.float32)])
    image = np.full((1, 48, 48), 50, np.uint8)
    image[0, 6:14, 30:38] = image[0, 34:42, 10:18] = 200
    found = explain(model, image, "rise", 0)[0]
    top, bottom = (np.unravel_index(place, (48, 48)) for place in (found.argmax(), found.argmin()))
    assert 4 <= top[0] <= 15 and 28 <= top[1] <= 39
    assert 32 <= bottom[0] <= 43 and 8 <= bottom[1] <= 19


def test_integrated_gradients_add_up_but_for_the_gap_told(network, images):
    gaps = []
    for steps in (4, 200):
        found = explain_with_notes(network, images, "integrated_gradients", 3, versus=4, steps=steps)
        grey = np.broadcast_to(images.mean(axis=(1, 2), keepdims=True), images.shape).astype(np.float32)
        logits = models.predict_logits(network, images) - models.predict_logits(network, grey)
        np.testing.assert_allclose(found.maps.sum(axis=(1, 2)) - found.gap, logits[:, 3] - logits[:, 4], rtol=1e-3, atol=1e-3)
        gaps.append(np.abs(found.gap).mean())
    assert gaps[1] < 0.5 * gaps[0] and gaps[1] < 0.1


@pytest.mark.parametrize("method", METHODS)
def test_a_contrast_is_antisymmetric_and_nothing_against_itself(network, images, method):
    one, other = explain(network, images, method, 3, versus=6, **FAST), explain(network, images, method, 6, versus=3, **FAST)
    np.testing.assert_allclose(one, -other, rtol=1e-3, atol=1e-4 * np.abs(one).max())
    assert np.abs(one).max() > 0
    assert not explain(network, images, method, 3, versus=3, **FAST).any()


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_is_as_many_single_faces_and_weights_stay(network, images, method):
    before = [weight.numpy() for weight in network.weights]
    targets = np.array([3, 6, 0])
    together = explain_with_notes(network, images, method, targets, **FAST)
    assert together.maps.dtype == np.float32 and together.maps.shape == (3, 48, 48)
    np.testing.assert_allclose(together.scores, models.predict_logits(network, images)[[0, 1, 2], targets], rtol=1e-4, atol=1e-4)
    for i, target in enumerate(targets):
        alone = explain(network, images[i : i + 1], method, int(target), **FAST)[0]
        np.testing.assert_allclose(together.maps[i], alone, rtol=1e-3, atol=2e-4 * np.abs(alone).max())
    assert all(np.array_equal(old, weight.numpy()) for old, weight in zip(before, network.weights, strict=True))


@pytest.mark.parametrize("method", ["smoothgrad", "rise"])
def test_chance_repeats_under_its_seed(network, images, method):
    first, again, other = (explain(network, images[:1], method, 3, samples=10, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.allclose(first, other)


def two_filters(pooled):
    """Two filters, 2 x and 5 - x; logit 0 is 3 times the mean of the first minus the mean of the second."""
    inputs = keras.Input((48, 48, 1))
    body = keras.layers.Conv2D(2, 1, name="filters")(inputs)
    if pooled:
        body = keras.layers.AveragePooling2D(pooled, name="pool")(body)
    model = keras.Model(inputs, keras.layers.Dense(7, name="logits")(keras.layers.GlobalAveragePooling2D()(body)))
    model.get_layer("filters").set_weights([np.array([[[[2, -1]]]], np.float32), np.array([0, 5], np.float32)])
    dense = np.zeros((2, 7), np.float32)
    dense[:, 0] = 3, -1
    model.get_layer("logits").set_weights([dense, np.zeros(7, np.float32)])
    return model


@pytest.mark.parametrize("method", ["grad_cam", "layer_cam"])
def test_cams_of_two_filters_by_hand(images, method):
    x, model = images.astype(np.float64), two_filters(0)
    found = explain_with_notes(model, images, method, 0)
    np.testing.assert_allclose(found.maps, (3 * 2 * x - (5 - x)) / 2304, rtol=1e-4)
    assert found.grid == (48, 48) and found.layer == "filters"
    coarse = explain_with_notes(two_filters(12), images, method, 0, layer="pool")
    cells = x.reshape(3, 4, 12, 4, 12).mean(axis=(2, 4))
    assert coarse.grid == (4, 4)
    np.testing.assert_allclose(coarse.maps[:, :6, :6], np.broadcast_to(((7 * cells - 5) / 16)[:, :1, :1], (3, 6, 6)), rtol=1e-4)


def test_layers_for_grad_cam(network, images):
    known = grids(network)
    assert known["conv1"] == (48, 48) and known["conv4"] == (6, 6) and "pixels" not in known and "dense1" not in known
    assert default_layer(network) == "conv4_norm"
    for layer in ("conv1_relu", "conv2", "conv3_norm"):
        assert explain_with_notes(network, images, "layer_cam", 3, layer=layer).grid == known[layer]
    with pytest.raises(ModelError, match="no such convolutional layer"):
        explain(network, images, "grad_cam", 3, layer="dense1")


def test_a_network_without_convolution(faces):
    inputs = keras.Input((48, 48, 1))
    hidden = keras.layers.Dense(8, activation="relu")(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, keras.layers.Dense(7, name="logits")(hidden))
    assert [name for name in METHODS if why_not(model, name) is None] == NO_CONVOLUTION
    with pytest.raises(ModelError, match="no convolutional layer"):
        explain(model, faces.images[:1], "grad_cam", 0)
    for method in NO_CONVOLUTION:
        assert explain(model, faces.images[:1], method, 0, **FAST).shape == (1, 48, 48)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("grey", [0, 128])
def test_a_constant_image_has_a_clear_answer(network, method, grey):
    assert np.isfinite(explain(network, np.full((1, 48, 48), grey, np.uint8), method, 0, **FAST)).all()


def test_a_sure_network_still_explains(linear, images):
    model = keras.models.clone_model(linear[0])
    kernel, bias = linear[0].get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([kernel * 1000, bias])
    assert models.predict(model, images).max(axis=1).tolist() == [1, 1, 1]
    assert (np.abs(explain(model, images, "gradient", 0)).max(axis=(1, 2)) > 0).all()


@pytest.mark.parametrize("method", NO_CONVOLUTION)
def test_logits_beyond_all_numbers_are_told(linear, images, method):
    model = keras.models.clone_model(linear[0])
    model.get_layer("logits").set_weights([np.full((2304, 7), 3e38, np.float32), np.zeros(7, np.float32)])
    with pytest.raises(ModelError, match="not a finite number"):
        explain(model, images, method, 0, **FAST)


@pytest.mark.parametrize(("change", "message"), [
    ({"images": np.full((1, 48, 48), np.nan, np.float32)}, "NaN or infinity in image 0"),
    ({"images": np.zeros((48, 48), np.uint8)}, "no images that the network can take"),
    ({"images": np.zeros((1, 32, 32), np.uint8)}, "no images that the network can take"),
    ({"images": np.array([["a"]])}, "no images that the network can take"),
    ({"method": "magic"}, "no such method"),
    ({"target": 7}, "no such class"), ({"target": -1}, "no such class"), ({"target": 1.5}, "do not fit"),
    ({"target": [1, 2]}, "do not fit"), ({"versus": 9}, "no such class"),
    ({"samples": 0}, "samples is out of range"), ({"steps": 0}, "steps is out of range"), ({"seed": -1}, "seed is out of range"),
    ({"colour": 1}, "no such setting"), ({"method": "occlusion", "patch": 4, "stride": 8}, "leave gaps"),
])
def test_a_wrong_question_is_told(network, change, message):
    told = {"images": np.zeros((1, 48, 48), np.uint8), "method": "gradient", "target": 0} | change
    with pytest.raises(FerError, match=message):
        explain(network, told.pop("images"), told.pop("method"), told.pop("target"), **told)


def test_no_faces_give_no_maps(network):
    assert explain(network, np.zeros((0, 48, 48), np.uint8), "gradient", 0).shape == (0, 48, 48)


@pytest.mark.parametrize("method", ["gradient", "smoothgrad", "occlusion", "rise"])
def test_a_long_request_tells_its_progress_and_can_be_cancelled(network, images, method):
    shares = []
    explain(network, images, method, 3, progress=shares.append, **FAST)
    assert shares[-1] == pytest.approx(1) and min(shares) > 0
    with pytest.raises(Stopped):
        explain(network, images, method, 3, should_stop=lambda: True, **FAST)


def test_captions_of_a_saved_picture_are_whole_however_long():
    plain, long = (saliency_images.strip([np.zeros((48, 48, 3), np.uint8)] * 4, [caption] * 4, "light", title=title)
                   for caption, title in (("short", "short"), ("many words " * 12, "a sentence with many words in it " * 8)))
    assert long.shape[1] == plain.shape[1] and long.shape[0] > plain.shape[0] + 70
    ground = long[0, 0]
    assert (long[-4:] == ground).all() and (long[:, -4:] == ground).all()  # nothing runs over an edge
