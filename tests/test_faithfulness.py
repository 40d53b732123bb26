"""The tests of a map on networks of which it is known where they look."""

import keras
import numpy as np
import pytest

from fer_core import models
from fer_core.attribution import faithfulness
from fer_core.attribution.explanation import explain
from fer_core.attribution.faithfulness import Curves, verdict
from fer_core.attribution.region_occlusion import blurred
from fer_core.attribution.task import Stopped
from fer_core.errors import FerError
from fer_core.runs.store import RunStore


@pytest.fixture(scope="module")
def network(root):
    """The demo network."""
    return models.load(RunStore(root / "checkpoints").open("demo"))


@pytest.fixture(scope="module")
def watcher(faces):
    """A network that looks at one place only, and that place's true map for the first face."""
    inputs = keras.Input((48, 48, 1))
    model = keras.Model(inputs, keras.layers.Dense(7, name="logits")(keras.layers.Flatten()(inputs)))
    kernel = np.zeros((48, 48, 7), np.float32)
    face = faces.images[0]
    kernel[16:26, 8:22, 3] = np.sign(face - face.mean())[16:26, 8:22] * 0.003
    model.get_layer("logits").set_weights([kernel.reshape(-1, 7), np.zeros(7, np.float32)])
    return model, kernel[..., 3] * (face - face.mean())


def test_the_true_map_passes_and_its_opposite_fails(watcher, faces):
    model, true = watcher
    found = faithfulness.curves(model, faces.images[0], true, 3)
    assert found.beaten == 1 and found.value > found.random_values.max()
    judged = verdict(found)
    assert judged.passed and "beats 100% of 40" in judged.reason and "95%" in judged.rule
    wrong = verdict(faithfulness.curves(model, faces.images[0], -true, 3))
    assert not wrong.passed and wrong.reason.startswith("This map fails: it leads")


def test_curves_begin_with_the_face_and_end_with_nothing(watcher, faces):
    model, true = watcher
    face = faces.images[0]
    grounds = [face.astype(np.float32), np.full((48, 48), face.mean(), np.float32), blurred(face.astype(np.float32))]
    whole, blank, blur = models.predict(model, np.stack(grounds))[:, 3]
    found = faithfulness.curves(model, face, true, 3, steps=8, randoms=4)
    assert found.deletion.shape == found.insertion.shape == (9,) and found.random_deletion.shape == (4, 9)
    np.testing.assert_allclose([found.deletion[0], found.insertion[-1]], whole, rtol=1e-4)
    np.testing.assert_allclose([found.deletion[-1], found.insertion[0]], [blank, blur], rtol=1e-4)
    assert (np.diff(found.deletion) <= 1e-6).all() and (np.diff(found.insertion) >= -1e-6).all()
    np.testing.assert_allclose(found.random_deletion[:, 0], whole, rtol=1e-4)


def test_curves_of_a_contrast_and_their_seed(network, faces):
    face = faces.images[0]
    own = explain(network, face[None], "gradient", 3, versus=6)[0]
    first, again, other = (faithfulness.curves(network, face, own, 3, versus=6, steps=4, randoms=3, seed=seed) for seed in (1, 1, 2))
    chance = models.predict(network, face[None])[0]
    np.testing.assert_allclose(first.deletion[0], chance[3] / (chance[3] + chance[6]), rtol=1e-3)
    assert np.array_equal(first.random_deletion, again.random_deletion) and not np.allclose(first.random_deletion, other.random_deletion)


def test_a_sensitivity_is_ranked_by_size(watcher, faces):
    model, true = watcher
    by_size, again = (faithfulness.curves(model, faces.images[0], sign * true, 3, by_size=True) for sign in (1, -1))
    assert np.array_equal(by_size.deletion, again.deletion) and by_size.beaten == 1


def test_a_map_of_another_size_is_refused(network, faces):
    with pytest.raises(FerError, match="does not fit"):
        faithfulness.curves(network, faces.images[0], np.zeros((6, 6)), 3)


def test_guided_backpropagation_fails_the_randomisation_and_the_gradient_does_not(network, faces):
    images = faces.images[:4]
    before = [weight.numpy() for weight in network.weights]
    guided = faithfulness.randomisation(network, images, "guided_backprop", 3)
    shares = []
    plain = faithfulness.randomisation(network, images, "gradient", 3, progress=shares.append)
    assert shares == sorted(shares) and shares[0] <= 1 / (1 + len(plain.layers)) + 1e-9 and shares[-1] == pytest.approx(1)
    assert all(np.array_equal(old, weight.numpy()) for old, weight in zip(before, network.weights, strict=True))
    assert plain.layers == ("logits", "dense2", "dense1", "conv4", "conv3", "conv2", "conv1") and plain.head == 3
    assert plain.correlation.shape == (7, 4)
    assert (guided.left > faithfulness.ALIKE[1]).all() and (plain.left < 0.5).all()
    again = faithfulness.randomisation(network, images, "gradient", 3)
    np.testing.assert_allclose(again.correlation, plain.correlation, atol=1e-3)


def test_rank_correlation_against_scipy():
    from scipy.stats import spearmanr

    random = np.random.default_rng(0)
    one, other = random.integers(-5, 6, (2, 3, 48, 48)).astype(np.float32)
    found = faithfulness._correlation(faithfulness._ranks(one), faithfulness._ranks(other + one))
    oracle = [spearmanr(np.abs(a).ravel(), np.abs(a + b).ravel()).statistic for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(found, oracle, atol=1e-4)
    assert np.isnan(faithfulness._correlation(faithfulness._ranks(one), faithfulness._ranks(one * 0))).all()


def test_the_verdict_names_its_reasons():
    def made(value, randoms):
        line = np.linspace(0, 1, 5, dtype=np.float32)
        return Curves(line * 0, line * value, np.zeros((20, 5), np.float32), np.array(randoms, np.float32)[:, None] * line)

    good, bad = made(1, [0.5] * 20), made(0.2, [0.5] * 20)
    assert verdict(good, 0.1).passed
    assert "head is random" in verdict(good, 0.9).reason and not verdict(good, 0.9).passed
    both = verdict(bad, 0.9)
    assert both.reason.count("; and ") == 1 and "beats 0% of 20" in both.reason
    assert "blank" in verdict(made(0, [0] * 20)).reason
    assert verdict(made(1, [0.5] * 19 + [2])).passed
    between = verdict(made(1, [0.5] * 17 + [2] * 3))
    assert between.outcome == "undecided" and between.reason == "This map is undecided: it beats 85% of 20 random maps."
    assert verdict(made(1, [0.5] * 15 + [2] * 5)).failed
    assert [verdict(good, left).outcome for left in (0.49, 0.5, 0.64, 0.65)] == ["passes", "undecided", "undecided", "fails"]
    assert verdict(bad, 0.6).failed and verdict(good, float("nan")).passed


def test_both_tests_can_be_cancelled(network, faces):
    def stop(share):
        raise Stopped("enough")

    with pytest.raises(Stopped):
        faithfulness.curves(network, faces.images[0], np.ones((48, 48)), 3, beat=stop)
    with pytest.raises(Stopped):
        faithfulness.randomisation(network, faces.images[:1], "gradient", 3, should_stop=lambda: True)
