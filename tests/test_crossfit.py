"""Cross-fitting: every training face is answered once, by the network that left it out; stopped and resumed, it ends alike."""

import signal
import time

import numpy as np
import pytest

from fer_core.atomic_io import read_arrays
from fer_core.config import RunConfig
from fer_core.data.dataset import read, write_csv
from fer_core.errors import RunError
from fer_core.runs.store import RunStore
from fer_core.training import crossfit

KNOBS = {"arch": "small", "epochs": 1, "batch_size": 32, "seed": 3, "threads": 2, "precision": "float32", "folds": 2}


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """A handful of the demo faces, as a file of their own."""
    path, demo = tmp_path_factory.mktemp("data") / "faces.csv", read("demo")
    sizes = {"train": 150, "validation": 40}
    write_csv({name: demo[name].take(np.arange(size)) for name, size in sizes.items()}, path)
    return RunConfig(**KNOBS, data=str(path))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def whole(store, config):
    from test_train import finish

    return finish(store.create(config, "whole"))


def test_each_face_is_answered_by_the_network_that_left_it_out(whole):
    from fer_core import models

    train, said = read(whole.config.data)["train"], whole.predictions("train")
    folds = read_arrays(whole.path / "inputs.npz")["folds"]
    assert sorted(set(folds.tolist())) == [1, 2]
    for fold, member in enumerate(crossfit.members(whole), start=1):
        assert member.config.fold == fold
        assert not read_arrays(member.path / "dynamics.npz")["count"][folds == fold].any()
        rows = np.flatnonzero(folds == fold)
        network = models.load(member)
        assert np.allclose(said.probabilities[rows], models.predict(network, train.images[rows]), atol=1e-5)
        assert np.allclose(said.flipped[rows], models.predict(network, train.images[rows], flip=True), atol=1e-5)
    assert said.labels.tolist() == train.labels.tolist() and not said.leaked.any()
    assert said.features is None


def test_other_splits_are_answered_by_the_mean(whole):
    said = [member.predictions("validation").probabilities for member in crossfit.members(whole)]
    assert np.allclose(whole.predictions("validation").probabilities, np.mean(said, 0), atol=1e-6)


def test_it_is_a_run_of_predictions_that_is_not_damaged(whole, store):
    runs = {run.id: run for run in store.all()}
    assert set(runs) == {"whole", "whole-fold1", "whole-fold2"}
    assert all(run.damage is None for run in runs.values())
    assert runs["whole"].facts["origin"] == {"kind": "crossfit", "members": ["whole-fold1", "whole-fold2"]}
    assert runs["whole"].status.state == "finished"


def test_stopped_within_a_fold_and_resumed_it_ends_like_the_unbroken_one(store, config, whole):
    from test_train import finish, start

    run = store.create(config, "broken")
    process = start(run)
    first = run.path.with_name("broken-fold1")
    while process.poll() is None and not (first / "resume").exists():
        if (first / "status.json").exists() and not (first / "stop").exists():
            process.send_signal(signal.SIGTERM)
        time.sleep(0.05)
    assert process.wait(120) == 0
    assert run.status.state == "stopped"
    assert RunStore(store.root).open("broken-fold1").status.state in ("stopped", "finished")
    finish(run)
    one, other = whole.predictions("train"), run.predictions("train")
    assert np.array_equal(one.probabilities, other.probabilities)
    assert np.array_equal(one.flipped, other.flipped)


def test_folds_that_do_not_answer_for_every_face_are_refused(whole, store):
    dataset = read(whole.config.data)
    with pytest.raises(RunError, match="do not answer for every training face"):
        crossfit.together(crossfit.members(whole)[:1], dataset)
