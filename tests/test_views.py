"""Several looks at a face: what each does to the pixels, and what their mean answer is, on models whose answer is known."""

import json
import os
import sys

import numpy as np
import pytest

from fer_core import models
from fer_core.cli import main
from fer_core.data.dataset import read
from fer_core.errors import ConfigError
from fer_core.metrics.looks import results
from fer_core.models.views import VIEWS, View, look, predict_means, predict_views
from fer_core.runs import prediction_job
from fer_core.runs.store import Predictions, RunStore


@pytest.fixture(scope="module")
def demo(root):
    return models.load(RunStore(root / "checkpoints").open("demo"))


def dot(row, column):
    """A black face with one bright pixel."""
    image = np.zeros((1, 48, 48), np.uint8)
    image[0, row, column] = 200
    return image


# what a look does

def test_the_list_begins_with_the_face_and_its_mirror_image_and_has_ten_different_looks():
    assert VIEWS[:2] == (View(), View(mirror=True)) and len(VIEWS) == len(set(VIEWS)) == 10


def test_a_look_that_changes_nothing_gives_the_very_pixels(faces):
    assert np.array_equal(look(faces.images, View()), faces.images)
    assert np.array_equal(look(faces.images, View(mirror=True)), faces.images[:, :, ::-1])


def test_a_shift_moves_the_face_and_blends_nothing():
    assert np.array_equal(look(dot(20, 10), View(right=3, down=-2)), dot(18, 13))
    assert np.array_equal(look(dot(20, 10), View(mirror=True, right=3)), dot(20, 40))


def test_a_size_moves_pixels_away_from_the_middle():
    seen = look(dot(10, 23), View(scale=1.12))[0]
    row, column = np.unravel_index(seen.argmax(), seen.shape)
    assert row == round(23.5 - 1.12 * 13.5) and column in (22, 23)
    assert look(dot(10, 23), View(scale=0.9))[0].argmax() // 48 == round(23.5 - 0.9 * 13.5)


def test_what_comes_in_from_outside_is_the_reflected_border(faces):
    image = faces.images[:1]
    assert np.array_equal(look(image, View(right=2))[0, :, :2], image[0, :, 1::-1])


def test_a_look_keeps_the_type_and_changes_nothing_in_place(faces):
    images = faces.images[:3].copy()
    floats = look(images.astype(np.float32), View(scale=1.05))
    assert floats.dtype == np.float32 and look(images, View(scale=1.05)).dtype == np.uint8
    assert np.array_equal(images, faces.images[:3])


# what a network then says

def test_two_looks_are_the_flip_average_to_the_last_bit(demo, faces):
    images = faces.images[:40]
    assert np.array_equal(predict_views(demo, images, 2), models.predict(demo, images, flip=True))
    assert np.array_equal(predict_views(demo, images, 1), models.predict(demo, images))


def test_the_mean_is_of_probabilities_with_every_look_counting_alike(demo, faces):
    images = faces.images[:20]
    each = [models.predict(demo, look(images, view)) for view in VIEWS]
    means = predict_means(demo, images, (1, 3, 10))
    for count, found in means.items():
        assert np.allclose(found, np.mean(each[:count], axis=0), atol=1e-6)


def test_a_network_that_sees_positions_alone_answers_by_the_positions_of_the_looks(monkeypatch):
    """Its answer is in which column the bright pixel is: the mean counts the looks that show it there."""
    def columns(model, images, *, batch, progress):
        return np.eye(48, dtype=np.float32)[images.max(axis=1).argmax(axis=1)]

    monkeypatch.setattr(models, "predict", columns)
    told = predict_means(None, dot(20, 10), (4,), views=[View(), View(mirror=True), View(right=3), View(mirror=True, right=3)])[4][0]
    assert {int(column): float(told[column]) for column in np.flatnonzero(told)} == {10: 0.25, 37: 0.25, 13: 0.25, 40: 0.25}


def test_progress_is_told_from_nothing_to_all(demo, faces):
    shares = []
    predict_views(demo, faces.images[:20], 3, batch=8, progress=shares.append)
    assert shares == sorted(shares) and 0 < shares[0] < 0.2 and shares[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("count", [0, 11])
def test_more_looks_than_there_are_is_an_error(demo, faces, count):
    with pytest.raises(ConfigError, match="not so many looks"):
        predict_views(demo, faces.images[:1], count)


def test_what_views_add_is_counted_on_the_same_faces():
    labels = np.array([0, 1, 2, 3, -1])
    single = np.eye(7, dtype=np.float32)[[0, 1, 3, 4, 0]]
    several = np.eye(7, dtype=np.float32)[[0, 2, 2, 3, 0]]
    found = Predictions("validation", "f", labels, single, None, None, np.zeros(5, bool), several, 10)
    scores = results(found)
    assert list(scores) == ["single", "views"] and scores["views"].words == "10 looks"
    told = scores["views"].to_json()
    assert (told["looks"], told["n"], told["accuracy"]) == (10, 4, 0.75)
    assert (told["adds"]["fixed"], told["adds"]["broken"], told["adds"]["points"]) == (2, 1, 25.0)
    assert scores["views"].adds.startswith("+25.0 points: 2 fixed, 1 broken") and scores["single"].to_json()["adds"] is None


# shipped runs stay as they are

def snapshot(folder):
    """Every file of a folder with its bytes, and when the folder itself was last changed."""
    files = {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    return files, folder.stat().st_mtime_ns


@pytest.fixture
def shipped(root, tmp_path, monkeypatch):
    """The demo run as a fresh clone has it, in a folder that cannot be written, and a cache of its own."""
    import shutil

    monkeypatch.setenv("FER_LENS_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "runs" / "demo"
    shutil.copytree(root / "checkpoints/demo", folder, ignore=shutil.ignore_patterns(".cache", "predict*.json", "predict.l*"))
    os.chmod(folder, 0o555)
    yield RunStore(tmp_path / "runs")
    os.chmod(folder, 0o755)


def evaluated(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["fer_core", "evaluate", *map(str, words), "--json"])
    main.main()
    return json.loads(capsys.readouterr().out)


def test_evaluating_a_shipped_run_leaves_its_folder_as_it_was_and_adds_what_it_lacks(shipped, monkeypatch, capsys):
    run = shipped.open("demo")
    before, own = snapshot(run.path), run.predictions("validation")
    assert run.shipped and own.views is None
    told = evaluated(monkeypatch, capsys, "demo", "--views", 3, "--flip", "--runs", shipped.root)
    assert snapshot(run.path) == before
    after = shipped.open("demo").predictions("validation")
    assert after.looks == 3 and after.kinds == ("single", "mirror", "views")
    assert np.array_equal(after.probabilities, own.probabilities) and np.array_equal(after.features, own.features)
    assert np.array_equal(after.views, predict_views(models.load(run), read("demo")["validation"].images, 3))
    looks = told["looks"]
    assert told["accuracy"] == looks["mirror"]["accuracy"] and looks["views"]["looks"] == 3
    assert looks["views"]["adds"]["n"] == 350 and looks["single"]["interval"][0] < looks["single"]["accuracy"]
    evaluated(monkeypatch, capsys, "demo", "--runs", shipped.root)
    assert shipped.open("demo").predictions("validation").looks == 3, "views stay when it is asked again without them"


def test_notes_locks_and_walls_of_a_shipped_run_lie_in_the_cache(shipped):
    from fer_core.feature_vis import unit_images

    run = shipped.open("demo")
    before = snapshot(run.path)
    with prediction_job.telling(run, "test"):
        assert prediction_job.progress(run, "test").state == "running"
    wall = unit_images.ask(run, "conv1_relu", 16, "quick" if "quick" in unit_images.PRESETS else next(iter(unit_images.PRESETS)), 0)
    assert snapshot(run.path) == before
    assert wall.run.path == run.path.resolve() and run.path not in wall.folder.parents


def test_every_run_in_the_repository_is_marked_as_shipped(root):
    for name in ("demo", "cnn-fer2013", "cnn-fer2013-report", "dnn-fer2013"):
        assert RunStore(root / "checkpoints").open(name).shipped, name


def test_views_are_kept_by_another_asking_of_the_same_network_only(run_store, faces):
    from fer_core.config import RunConfig

    run = run_store.create(RunConfig(), "one")
    probabilities = np.random.default_rng(0).dirichlet(np.ones(7), 70).astype(np.float32)
    first = Predictions("validation", "f", faces.labels, probabilities, None, None, np.zeros(70, bool), probabilities[::-1], 10)
    run.write_predictions(first)
    again = Predictions("validation", "f", faces.labels, probabilities, probabilities, None, np.zeros(70, bool))
    run.write_predictions(again)
    assert run.predictions("validation").kinds == ("single", "mirror", "views")
    trained_on = Predictions("validation", "f", faces.labels, probabilities[::-1], None, None, np.zeros(70, bool))
    run.write_predictions(trained_on)
    assert run.predictions("validation").kinds == ("single",)
