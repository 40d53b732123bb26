"""Dossiers against brute force: strongest faces, receptive fields, switching off, twins, carriers; tables and walls that go on."""

import os
import shutil
from contextlib import contextmanager
from dataclasses import replace

import keras
import numpy as np
import pytest
import scipy.stats
from run_folders import copied

from fer_core import models
from fer_core.data.demo.generator import make
from fer_core.data.splits import Dataset, Split
from fer_core.errors import FerError, ModelError
from fer_core.feature_vis import unit_images, unit_painter
from fer_core.feature_vis.ascent import OBJECTIVES, PRESETS, Settings, ascend
from fer_core.messages import Sentence
from fer_core.models import submodels
from fer_core.runs import background
from fer_core.runs.store import Run, RunStore
from fer_core.units import ablation, activation_table, unit_statistics
from fer_core.units.ablation import Sample

QUICK = Settings(steps=6, start="grey", rate=0.2)


@pytest.fixture(scope="module")
def run(root, tmp_path_factory):
    """A copy of the demo run, to be written to."""
    folder = copied(root / "checkpoints/demo", tmp_path_factory.mktemp("runs") / "demo")
    return Run(folder)


@pytest.fixture(scope="module")
def model(run):
    return models.load(run, precision="float32")


@pytest.fixture(scope="module")
def split():
    drawn = make(150, seed=2)
    labels = drawn.labels.copy()
    labels[5] = -1
    return Split(drawn.images, labels, np.arange(150))


@pytest.fixture(scope="module")
def dataset(split):
    return Dataset({"validation": split}, "some", "some")


@pytest.fixture(scope="module")
def table(run, model, dataset):
    assert activation_table.table(run, dataset, "validation") is None
    shares = list(activation_table.make(run, model, dataset, "validation"))
    assert shares[-1] == 1.0 and sorted(shares) == shares
    return activation_table.table(run, dataset, "validation")


def answers(model, layer, images):
    """What a layer says of faces, from the whole network: (n, ..., units)."""
    return keras.Model(model.inputs, model.get_layer(layer).output).predict(images[..., None].astype(np.float32), verbose=0)


def test_the_layers_that_are_watched(model):
    assert submodels.watched(model) == ["conv1_relu", "conv2_relu", "conv3_relu", "conv4_relu", "dense1", "dense2", "logits"]
    assert submodels.watched(models.build("dnn")) == ["dense1", "dense2", "logits"]
    assert submodels.origin(model, "conv2_relu") == "conv2" and submodels.activated(model, "conv2") == "conv2_relu"


@pytest.mark.parametrize("layer", ["conv1_relu", "conv4_relu", "dense2", "logits"])
def test_the_table_against_brute_force(table, model, split, layer):
    full = answers(model, layer, split.images)
    places = tuple(range(1, full.ndim - 1))
    assert np.allclose(table.maximum(layer), full.max(places) if places else full, rtol=1e-4, atol=1e-4)
    assert np.allclose(table.mean(layer), full.mean(places) if places else full, rtol=1e-4, atol=1e-4)
    best = np.argsort(-np.asarray(table.maximum(layer))[:, 3], kind="stable")[:9]
    assert np.array_equal(unit_statistics.strongest_faces(table, layer, 3), best)


def test_a_table_that_was_stopped_goes_on(run, model, dataset, table, tmp_path):
    other = Run(shutil.copytree(run.path, tmp_path / "demo", ignore=shutil.ignore_patterns(".cache")))
    making = activation_table.make(other, model, dataset, "validation")
    assert 0 < next(making) < 1
    making.close()
    assert activation_table.table(other, dataset, "validation") is None
    assert len(list(activation_table.make(other, model, dataset, "validation"))) == 2  # of three batches
    again = activation_table.table(other, dataset, "validation")
    assert np.array_equal(again.maximum("conv3_relu"), table.maximum("conv3_relu"))


def test_a_table_is_known_by_what_it_depends_on(run, dataset, split, tmp_path):
    here = activation_table.place(run, dataset, "validation")
    fewer = Dataset({"validation": split.take(np.arange(100))}, "some", "some")
    assert activation_table.place(run, fewer, "validation") != here
    other = Run(shutil.copytree(run.path, tmp_path / "demo", ignore=shutil.ignore_patterns(".cache")))
    (other.path / "weights.safetensors").write_bytes(b"other weights")
    assert activation_table.place(other, dataset, "validation").name != here.name
    with pytest.raises(FerError):
        activation_table.place(run, dataset, "nowhere")


@pytest.mark.parametrize("layer", ["conv1_relu", "conv2_relu", "conv3", "conv4_relu", "dense1"])
def test_receptive_fields_are_where_gradients_are(layer):
    """Positive weights everywhere, so that no path is closed."""
    import tensorflow as tf

    from fer_core.models import gradients

    model = models.build("small")
    rng = np.random.default_rng(0)
    for part in model.layers:
        if isinstance(part, keras.layers.Conv2D | keras.layers.Dense):
            part.kernel.assign(rng.uniform(0.01, 0.02, part.kernel.shape))
    [facts] = [facts for facts in models.layers(model) if facts.name == layer]
    forward = submodels.activations(model, layer)
    rows = facts.shape[0] if len(facts.shape) == 3 else 1
    places = sorted({0, rows // 3, rows // 2, rows - 1})
    support = np.zeros((len(places), 48, 48), bool)

    def own(points):
        read = forward(points)
        return read[:, 0] if len(read.shape) == 2 else tf.stack([read[n, i, rows - 1 - i, 0] for n, i in enumerate(places)])

    for _ in range(40):  # a max pool passes the gradient to one pixel only: many pictures show them all
        pictures = tf.constant(rng.uniform(0, 255, (len(places), 48, 48, 1)), tf.float32)
        support |= gradients.of_values(own, pictures)[1].numpy()[..., 0] != 0
    for i, reached in zip(places, support, strict=True):
        top, left, bottom, right = unit_statistics.patch(facts, i, rows - 1 - i)
        seen = np.argwhere(reached)
        assert seen.min(0).tolist() >= [top, left] and (seen.max(0) < [bottom, right]).all()
        slack = 0 if layer.startswith("conv1") else 3  # the corners of a patch have few paths
        assert (seen.min(0) <= np.array([top, left]) + slack).all() and (seen.max(0) >= np.array([bottom, right]) - 1 - slack).all()


def test_dossier(table, model, split):
    known = unit_statistics.dossier(model, table, split, "conv3_relu", 5)
    full = answers(model, "conv3_relu", split.images)[..., 5]
    for peak in known.strongest:
        assert np.isclose(peak.value, full[peak.face].max(), rtol=1e-4)
        assert np.isclose(full[peak.face, peak.row, peak.column], peak.value, rtol=1e-4)
        top, left, bottom, right = peak.box
        assert 0 <= top < bottom <= 48 and bottom - top <= known.receptive_field and 0 <= left < right <= 48
    assert [peak.value for peak in known.strongest] == sorted((peak.value for peak in known.strongest), reverse=True)
    labels = split.labels[np.argsort(-full.max((1, 2)))[:100]]
    assert np.array_equal(known.classes, np.bincount(labels[labels >= 0], minlength=7))
    assert known.grid == (12, 12) and known.stride == 4 and np.isclose(known.mean, full.mean(), rtol=1e-3)
    assert np.isclose(known.weight_norm, np.linalg.norm(model.get_layer("conv3").kernel.numpy()[..., 5]), rtol=1e-5)
    with pytest.raises(ModelError):
        unit_statistics.dossier(model, table, split, "conv3_relu", 64)


def test_twins_are_correlations(table):
    mean = np.asarray(table.mean("conv4_relu"), np.float64)
    with np.errstate(invalid="ignore"):
        correlations = np.corrcoef(mean.T)
    found = unit_statistics.twins(table, "conv4_relu", 2, k=3)
    for unit, value in found:
        assert np.isclose(value, correlations[2, unit], atol=1e-4)
    assert found[0][1] >= np.nanmax(np.delete(correlations[2], 2)) - 1e-4


class Known:
    """A table made by hand: six faces, three units."""

    split = "validation"

    def maximum(self, layer):
        return np.array([[1, 4, -1], [1, 0, -1], [1, 0, -1], [1, 0, -1], [1, 0, -1], [1, 0, -1]], np.float32)

    mean = maximum


def test_statistics_of_known_units():
    found = unit_statistics.statistics(Known(), "any", np.array([2, 3, 3, 4, 4, -1]))
    assert np.allclose(found.sparsity, [0, 5 / 6, 1]) and np.allclose(found.selectivity, [0, 1, 0])
    assert found.preferred[1] == 2 and found.silent.tolist() == [True, False, True]
    assert np.allclose(found.mean, [1, 4 / 6, -1]) and found.maximum.tolist() == [1, 4, -1]


def test_a_face_that_does_not_excite_a_unit_is_none_of_its_strongest():
    known = Known()
    known.layers = ("any", "logits")
    assert (
        unit_statistics.strongest_faces(known, "any", 1).tolist() == [0] and unit_statistics.strongest_faces(known, "any", 2).tolist() == []
    )
    assert unit_statistics.strongest_faces(known, "logits", 2, 2).tolist() == [0, 1]  # of a logit the highest counts, wherever it lies


class Leaky(Known):
    """Two units below zero on the mean of every class: their faces' peaks tell what excites them, the first also by class 5."""

    def maximum(self, layer):
        return np.array([[0.1, 0], [0.1, 0], [2, 0.5], [3, -0.5], [0.4, 1], [0, 0.2]], np.float32)

    def mean(self, layer):
        return self.maximum(layer) - 4


def test_a_leaky_unit_is_described_by_what_excites_it_and_not_by_what_silences_it_least():
    found = unit_statistics.statistics(Leaky(), "any", np.array([0, 0, 5, 5, 6, 6]))
    assert found.preferred.tolist() == [5, 6] and (found.mean < 0).all()
    assert np.allclose(found.selectivity, [(2.5 - 0.15) / (2.5 + 0.15), (0.6 - 0.125) / (0.6 + 0.125)])


@pytest.mark.parametrize("layer, off", [("conv1_relu", [3]), ("conv2", [0, 7]), ("conv4_relu", [5]), ("dense1", [1, 2, 3]), ("dense2", [9]),
                                        ("logits", [3])])
def test_switching_off_is_zeroing_the_weights(run, split, layer, off):
    model = models.load(run, precision="float32")
    sample = Sample(model, layer, split, faces=80)
    effect = sample.without(off)
    part = model.get_layer(submodels.origin(model, layer))
    kernel, bias = part.kernel.numpy(), part.bias.numpy()
    kernel[..., off], bias[off] = 0, 0
    part.kernel.assign(kernel)
    part.bias.assign(bias)
    expected = models.predict(model, split.images[sample.faces])
    assert np.allclose(effect.probabilities, expected, atol=1e-4)
    assert np.isclose(effect.accuracy, effect.after.accuracy - effect.before.accuracy)
    assert effect.matrix.sum() == 0 and effect.recalls.shape == (7,)
    assert effect.moved == (effect.probabilities.argmax(1) != sample.probabilities.argmax(1)).sum() >= np.abs(effect.matrix).sum() // 2
    assert 5 not in sample.faces and len(sample.faces) == 80  # face 5 has no label
    with pytest.raises(ModelError):
        sample.without([10_000])


@pytest.mark.parametrize("layer", ["conv1_relu", "conv4_relu", "dense1", "logits"])
def test_a_face_without_units_is_what_the_sample_says_of_it(model, split, layer):
    sample = Sample(model, layer, split, faces=30)
    face = int(sample.faces[4])
    half = range(0, submodels.units(model, layer), 2)
    found = ablation.on_face(model, layer, split.images[face], [[], [1], half])
    assert np.allclose(found[0], models.predict(model, split.images[face][None])[0], atol=1e-4)
    assert np.allclose(found[1], found[0], atol=1e-6)  # nothing was switched off
    assert np.allclose(found[2], sample.without([1]).probabilities[4], atol=1e-4)
    assert np.allclose(found[3], sample.without(half).probabilities[4], atol=1e-4)
    assert not np.allclose(found[3], found[0], atol=1e-4)
    with pytest.raises(ModelError, match="no such units"):
        ablation.on_face(model, layer, split.images[face], [[10_000]])


def test_a_sample_is_the_same_every_time(model, split):
    told = []
    one, two = Sample(model, "dense1", split, faces=50, progress=told.append), Sample(model, "dense2", split, faces=50)
    assert np.array_equal(one.faces, two.faces) and told[-1] == 1.0 and sorted(told) == told
    assert one.before.accuracy == two.before.accuracy


def test_over_active_units_are_those_of_scipy_and_of_a_hand_made_table(table, split):
    hand = np.array([[1, 5, 0], [3, 5, 0], [1, 5, 9], [1, 5, 1], [3, 5, 2]], np.float32)
    found = unit_statistics.over_active(hand[:2], hand[2:], 3)
    assert [one.unit for one in found] == [0]  # unit 1 never differs, unit 2 answers less
    pooled = np.sqrt((2 + 2 * 4 / 3) / 3)
    assert found[0].effect == pytest.approx((2 - 5 / 3) / pooled) and (found[0].mean, found[0].others) == (2, pytest.approx(5 / 3))
    sad, happy = (np.flatnonzero(split.labels == number) for number in (4, 3))
    known = table.mean("conv4_relu")
    for one in unit_statistics.over_active(known[sad], known[happy], 3):
        answers = np.asarray(known[:, one.unit], np.float64)
        t = scipy.stats.ttest_ind(answers[sad], answers[happy]).statistic
        assert one.effect == pytest.approx(t * np.sqrt(1 / len(sad) + 1 / len(happy)), rel=1e-6)
    with pytest.raises(FerError, match="cannot be compared"):
        unit_statistics.over_active(known[sad[:1]], known[happy], 3)


@pytest.mark.parametrize("layer", ["conv2_relu", "dense1"])
def test_the_answers_to_a_few_faces_are_those_of_the_table(model, table, split, layer):
    rows, told = np.r_[3, 5:80, 100], []
    found = activation_table.means(model, layer, split.images[rows], told.append)
    assert np.allclose(found, table.mean(layer)[rows], atol=1e-5) and np.ptp(found) > 0
    assert told[-1] == 1.0 and sorted(told) == told


@pytest.mark.parametrize("layer", ["conv2_relu", "dense1", "dense2"])
def test_carriers_of_a_decision(model, split, layer):
    carriers = unit_statistics.through_face(model, layer, split.images[0], 3, versus=4, k=5)
    assert [c.contribution for c in carriers] == sorted((c.contribution for c in carriers), reverse=True)
    assert all(np.isclose(c.map.sum(), c.contribution, rtol=1e-3, atol=1e-4) for c in carriers)
    assert 0 < sum(c.share for c in carriers) <= 1 + 1e-5
    there, back = (unit_statistics.through_face(model, layer, split.images[0], *pair, k=64) for pair in ((3, 4), (4, 3)))
    assert not {c.unit for c in there} & {c.unit for c in back}
    with pytest.raises(FerError):
        unit_statistics.through_face(model, layer, split.images[0], 7)


def test_what_the_last_layer_adds_is_exact(model, split):
    """Below the logits all is linear: activation x gradient is weight x activation."""
    seen = answers(model, "dense2_norm", split.images[:1])[0]
    kernel = model.get_layer("logits").kernel.numpy()
    [first] = unit_statistics.through_face(model, "dense2_norm", split.images[0], 3, k=1)
    products = seen * kernel[:, 3]
    assert first.unit == products.argmax() and np.isclose(first.contribution, products.max(), rtol=1e-3)


def test_a_dead_filter_is_named_dead(run, dataset, split):
    model = models.load(run, precision="float32")
    part = model.get_layer("conv2")
    kernel, bias = part.kernel.numpy(), part.bias.numpy()
    kernel[..., 4], bias[4] = 0, -1
    part.kernel.assign(kernel)
    part.bias.assign(bias)
    shutil.rmtree(run.path / ".cache", ignore_errors=True)
    list(activation_table.make(run, model, dataset, "validation"))
    table = activation_table.table(run, dataset, "validation")
    painted = unit_painter.paint(model, "conv2_relu", [3, 4, 5], QUICK, table=table, split=split)
    assert painted.remarks.keys() == {4}
    assert painted.remarks[4].startswith("Dead: its strongest answer to 150 validation faces is −0.")
    assert "from grey" in painted.remarks[4] and "from its strongest face" in painted.remarks[4] and "no gradient" in painted.remarks[4]
    assert unit_statistics.dossier(model, table, split, "conv2_relu", 4).silent
    assert not unit_painter.examine(model, "conv2_relu", 3, QUICK, table=table, split=split).dead
    shutil.rmtree(run.path / ".cache")


def test_a_silent_unit_that_a_picture_wakes_is_told_apart_from_a_dead_one(run, model, dataset, split):
    model = models.load(run, precision="float32")
    part = model.get_layer("dense1")
    bias = part.bias.numpy()
    full = answers(model, "dense1", split.images)
    bias[2] -= full[:, 2].max() + 0.1
    part.bias.assign(bias)
    list(activation_table.make(run, model, dataset, "validation"))
    table = activation_table.table(run, dataset, "validation")
    painted = unit_painter.paint(model, "dense1", [2], replace(QUICK, steps=60), table=table, split=split)
    assert painted.scores[0] > 0 and painted.remarks[2].startswith("Silent: none of 150 validation faces")
    shutil.rmtree(run.path / ".cache")


def test_a_wall_is_painted_cancelled_and_gone_on_with(run, model, monkeypatch):
    monkeypatch.setattr(unit_painter, "BATCH", 8)
    wall = unit_images.ask(run, "conv2_relu", 32, QUICK, seed=3)
    painting = unit_painter.fill(wall, model)
    assert next(painting) == 0.25
    painting.close()
    assert np.isnan(wall.scores).sum() == 24 and (wall.pictures[8:] == 128).all()
    same = unit_images.ask(run, "conv2_relu", 32, QUICK, seed=3)
    assert same.folder == wall.folder and [round(share, 2) for share in unit_painter.fill(same, model)] == [0.5, 0.75, 1.0]
    expected = list(ascend(model, OBJECTIVES["filter"]("conv2_relu", 20), preset=QUICK, seed=3, every=99))[-1]
    assert np.allclose(same.pictures[20], expected.images[0], atol=1.0) and np.isclose(same.scores[20], expected.scores[0], rtol=1e-2)
    assert same.layer == "conv2_relu" and same.settings == QUICK and same.run.id == run.id
    assert unit_images.ask(run, "conv2_relu", 32, QUICK, seed=4).folder != wall.folder


def test_painting_goes_on_where_somebody_looks(run, model, monkeypatch):
    monkeypatch.setattr(unit_painter, "BATCH", 8)
    wall, order = unit_images.ask(run, "conv2_relu", 32, QUICK, seed=6), []
    assert wall.looked_at == 0
    wall.look(30)
    for _ in unit_painter.fill(wall, model):
        painted = set(np.flatnonzero(np.isfinite(wall.scores)).tolist())
        order.append(sorted(painted - set().union(*order)))
        if len(order) == 2:
            unit_images.ask(run, "conv2_relu", 32, QUICK, seed=6).look(20)
    assert order == [[0, 1, 26, 27, 28, 29, 30, 31], list(range(2, 10)), list(range(16, 24)), [*range(10, 16), 24, 25]]


def test_a_remark_keeps_its_numbers_on_disk(run):
    evidence = Sentence(unit_painter.MOVED, start="grey", score=-0.25)
    told = {1: Sentence("Dead: {evidence}.", evidence=evidence), 2: unit_painter.EVEN}
    wall = unit_images.ask(run, "conv1_relu", 16, QUICK, seed=77)
    wall.hang([1, 2], np.zeros((2, 48, 48)), np.zeros(2), told)
    wall.hang([3], np.zeros((1, 48, 48)), np.zeros(1), {3: unit_painter.EVEN})
    assert wall.remarks == told | {3: unit_painter.EVEN} and wall.remarks[1] == "Dead: ascent from grey ends at −0.25."
    assert wall.remarks[1].values["evidence"].values == evidence.values


def test_walls_are_bounded_and_the_longest_unseen_go(run, monkeypatch):
    shutil.rmtree(run.path / ".cache/walls", ignore_errors=True)
    monkeypatch.setattr(unit_images, "LIMIT", 3 * 32 * 2400)
    made = [unit_images.ask(run, "conv2_relu", 32, QUICK, seed=seed) for seed in range(3)]
    for age, wall in enumerate(made):
        os.utime(wall.folder / "wall.json", (1000 + age, 1000 + age))
    unit_images.ask(run, "conv2_relu", 32, QUICK, seed=0)  # seen again
    unit_images.ask(run, "conv2_relu", 32, QUICK, seed=9)
    assert [wall.folder.exists() for wall in made] == [True, False, True]


def test_work_tells_and_can_be_cancelled(tmp_path):
    assert background.progress(tmp_path) is None
    with background.telling(tmp_path) as tell:
        tell(0.5)
        assert background.progress(tmp_path).state == "running" and background.progress(tmp_path).share == 0.5
    assert background.progress(tmp_path).state == "finished"
    with pytest.raises(background.Cancelled), background.telling(tmp_path) as tell:
        background.cancel(tmp_path)
        assert background.ending(tmp_path)
        tell(0.2)
    assert background.progress(tmp_path).state == "cancelled" and not (tmp_path / "cancel").exists()
    assert background.progress(tmp_path).reason == background.CANCELLED
    with pytest.raises(ZeroDivisionError), background.telling(tmp_path):
        _ = 1 / 0
    assert background.progress(tmp_path).state == "failed"


def test_who_waits_for_a_turn_is_heard_and_may_give_up(tmp_path):
    place, waits = tmp_path / "easel", []

    def wait():
        waits.append(1)
        if len(waits) == 2:
            raise background.Cancelled("enough")

    with background.turn(place, wait) as wanted:
        assert not wanted() and not waits
        with pytest.raises(background.Cancelled), background.turn(place, wait):
            raise AssertionError("two work at once")
        assert wanted()
    with background.turn(place, wait):
        assert len(waits) == 2


def test_painters_take_turns_and_a_wall_that_nobody_looks_at_gives_way(run, monkeypatch):
    from fer_core.cli import filters

    monkeypatch.setattr(unit_images, "PATIENCE", 60.0)
    left, looked = (unit_images.ask(run, "conv2_relu", 32, QUICK, seed=seed) for seed in (31, 32))
    wants = [False]

    @contextmanager
    def turn(place, wait):
        assert place == left.easel == looked.easel
        yield lambda: wants[0]

    monkeypatch.setattr(background, "turn", turn)
    os.utime(left.folder / "wall.json", (1000, 1000))
    wants[0] = True
    with pytest.raises(background.Cancelled):
        filters.paint(left.folder)
    assert (
        left.progress.state == "cancelled" and left.progress.reason == background.LEFT and np.isnan(left.scores).any() and not left.ending
    )
    filters.paint(looked.folder)
    assert looked.progress.state == "finished" and not np.isnan(looked.scores).any()


def test_painting_stops_within_a_batch(run, model):
    wall, told = unit_images.ask(run, "conv2_relu", 32, replace(QUICK, steps=64), seed=5), []

    def beat(share):
        told.append(share)
        if len(told) == 3:
            raise background.Cancelled("enough")

    with pytest.raises(background.Cancelled):
        next(unit_painter.fill(wall, model, beat=beat))
    assert 0 <= told[0] < told[1] < told[2] < 0.25 and np.isnan(wall.scores).all()


def test_the_command_line_paints(run, tmp_path, monkeypatch):
    from PIL import Image

    from fer_core.cli import filters

    for name, asked in (("a.png", {"layer": "conv1", "units": "0-2,5"}), ("b.npy", {"classes": "happy,sad", "versus": "sad,happy"}),
                        ("c.gif", {"classes": "fear"})):
        filters.ascend("demo", tmp_path / name, steps=4, runs=run.path.parent, **asked)
    assert Image.open(tmp_path / "a.png").size == (306, 306)
    assert np.load(tmp_path / "b.npy").shape == (2, 48, 48) and Image.open(tmp_path / "c.gif").n_frames == 2
    monkeypatch.setattr(filters, "_faces", lambda run: (None, None))
    filters.wall("demo", "conv1", "report", runs=run.path.parent)
    wall = unit_images.ask(RunStore(run.path.parent).open("demo"), "conv1_relu", 16, PRESETS["report"])
    assert not np.isnan(wall.scores).any() and wall.progress.state == "finished"
    assert not any("Dead" in text for text in wall.remarks.values())
