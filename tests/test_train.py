"""The exact resume, tested by real kills of real trainers, with a control that must fail."""

import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from fer_core.atomic_io import read_arrays
from fer_core.config import RunConfig
from fer_core.data.dataset import read, write_csv
from fer_core.runs.store import COLUMNS, Predictions, RunStore
from fer_core.training import training_set

TIMES = {"seconds", "images_per_second"}  # what a clock measures differs from run to run
CONFIG = RunConfig(
    arch="small", epochs=3, limit=256, batch_size=32, learning_rate=3e-3, average=0.9, dropout_dense=0.5, erase=0.5, seed=3, threads=2,
    precision="float32",
)
EVERY_KNOB = {
    "crop": 40, "crop_share": 0.67, "alternate_flip": True, "mixup": 0.3, "cutmix": 0.3, "teacher_weight": 0.5, "temperature": 2.0,
    "folds": 3, "fold": 2,
}


def start(run):
    with open(run.path / "log.txt", "ab") as log:
        return subprocess.Popen([sys.executable, "-m", "fer_core", "work", str(run.path)], stdout=log, stderr=log)


def finish(run):
    assert start(run).wait(300) == 0, run.log_tail()
    assert run.status.state == "finished", run.log_tail()
    return run


def await_progress(run, process, more):
    """Wait until the trainer has shown `more` signs of progress, or has ended."""
    began = run.status.sequence
    while process.poll() is None and run.status.sequence < began + more:
        time.sleep(0.01)


def results(run):
    history = {name: run.history[name] for name in COLUMNS if name not in TIMES}
    return {
        **history,
        "confusion": run.confusion,
        "probes": run.probes[1],
        **load_file(run.path / "weights.safetensors"),
        "validation": run.predictions("validation").probabilities,
        **{f"dynamics/{name}": np.nan_to_num(values, nan=-99) for name, values in read_arrays(run.path / "dynamics.npz").items()},
    }


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name], equal_nan=True) for name in one)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def config(store):
    """Every knob on that a resume could forget, with a teacher and weights of faces."""
    path, demo = store.root / "faces.csv", read("demo")
    sizes = {"train": 640, "validation": 120}
    write_csv({name: demo[name].take(np.arange(size)) for name, size in sizes.items()}, path)
    dataset = read(path)
    faces, said = dataset["train"], np.random.default_rng(0)
    teacher = store.create(RunConfig(), "teacher")
    probabilities = said.dirichlet(np.ones(7), len(faces)).astype(np.float32)
    teacher.write_predictions(
        Predictions("train", dataset.fingerprint, faces.labels, probabilities, None, None, np.zeros(len(faces), bool))
    )
    weights = store.root / "weights.csv"
    hashes = training_set.face_hashes(faces.images[:400])
    training_set.write_weights(weights, [(key, 2.0 * (number % 2), "test") for number, key in enumerate(hashes)])
    return CONFIG.model_copy(update={**EVERY_KNOB, "data": str(path), "teacher": str(teacher.path), "face_weights": str(weights)})


@pytest.fixture(scope="module")
def unbroken(store, config):
    return finish(store.create(config, "unbroken"))


def test_a_run_leaves_everything(unbroken):
    assert unbroken.history["epoch"].tolist() == [1, 2, 3]
    assert unbroken.confusion.shape == (3, 7, 7)
    assert (unbroken.confusion.sum((1, 2)) == unbroken.facts["validated_on"]).all()
    accuracy = np.trace(unbroken.confusion, axis1=1, axis2=2) / unbroken.facts["validated_on"]
    assert np.allclose(accuracy, unbroken.history["val_accuracy"])
    predictions = unbroken.predictions("validation")
    best = int(unbroken.history["val_accuracy"].argmax())
    assert np.isclose((predictions.probabilities.argmax(1) == predictions.labels).mean(), accuracy[best])
    assert len(predictions.features) == len(predictions.labels)
    assert unbroken.probes[1].shape == (3, 16, 7)
    assert np.isfinite(unbroken.history["plain_val_accuracy"]).all()


def test_what_a_run_left_out_it_did_not_learn(unbroken):
    """Faces of its fold, with weight 0 or beyond the limit were never seen; the others each once an epoch, but in mixed batches."""
    from fer_core import models
    from fer_core.training.crossfit import read_held_out

    train = read(unbroken.config.data)["train"]
    inputs = read_arrays(unbroken.path / "inputs.npz")
    count = read_arrays(unbroken.path / "dynamics.npz")["count"]
    assert not count[(inputs["folds"] == 2) | (inputs["weights"] == 0)].any()
    assert 0 < count.sum() < 3 * 256 and count.max() <= 3
    held_out = read_held_out(unbroken)
    assert held_out.rows.tolist() == np.flatnonzero(inputs["folds"] == 2).tolist()
    expected = models.predict(models.load(unbroken, precision="float32"), train.images[held_out.rows])
    assert np.allclose(held_out.probabilities, expected, atol=1e-5)
    assert unbroken.facts["inputs"]["left_out"] == {"test": int((inputs["weights"] == 0).sum())}


def test_killed_at_random_instants_it_ends_like_the_unbroken_run(store, config, unbroken):
    run, chance = store.create(config, "killed"), random.Random(5)
    for _ in range(3):
        process = start(run)
        await_progress(run, process, chance.randint(2, 14))
        time.sleep(chance.random() * 0.5)
        process.send_signal(signal.SIGKILL)
        process.wait()
    finish(run)
    assert same(results(run), results(unbroken))


def test_stopped_within_an_epoch_it_goes_on_from_the_step(store, config, unbroken):
    run = store.create(config, "stopped")
    for steps in (1, 2):
        (run.path / "stop").touch()  # it is there already: the trainer takes one step
        assert start(run).wait(120) == 0
        assert run.status.state == "stopped"
        assert not run.stop_requested
        assert int(load_file(run.path / "resume" / "state.safetensors")["step"]) == steps
    twin = store.create(config, "forgetful")
    (twin.path / "resume").mkdir()
    for name in ("resume/state.safetensors", "history.csv", "confusion.npz", "probes.npz", "inputs.npz"):
        if (run.path / name).exists():
            (twin.path / name).write_bytes((run.path / name).read_bytes())
    forget_the_dropout(twin.path / "resume" / "state.safetensors")
    assert same(results(finish(run)), results(unbroken))
    assert not same(results(finish(twin)), results(unbroken)), "a forgotten random state must show: the test could not fail"


def forget_the_dropout(path):
    """Set the step, on which dropout's random numbers hang, to another value; everything else stays."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    arrays = load_file(path)
    save_file({**arrays, "step": np.asarray(arrays["step"] + 1000)}, path, metadata=metadata)


def test_a_loss_that_is_no_number_fails_with_its_reason(store):
    run = store.create(
        CONFIG.model_copy(
            update={"optimizer": "sgd", "learning_rate": 10.0, "warmup_epochs": 0.0, "schedule": "constant", "epochs": 40, "average": 0.0}
        ),
        "nan",
    )
    process = start(run)
    assert process.wait(300) == 1
    assert run.status.state == "failed"
    assert "loss became" in run.status.reason and "smaller learning rate" in run.status.reason


def test_other_data_than_the_run_began_with_is_refused(store, unbroken, tmp_path):
    import json

    run = store.create(CONFIG, "otherdata")
    facts = {**unbroken.facts, "data": {**unbroken.facts["data"], "fingerprint": "0" * 64}}
    (run.path / "facts.json").write_text(json.dumps(facts))
    assert start(run).wait(120) == 1
    assert "not the one" in run.status.reason
