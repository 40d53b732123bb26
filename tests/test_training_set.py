"""What a run learns from: weights of faces, a teacher's answers, folds; kept in the run folder and checked at a resume."""

import numpy as np
import pytest

from fer_core.config import RunConfig
from fer_core.data import near_copies
from fer_core.data.folds import assign
from fer_core.data.splits import Dataset, Split, face_hashes
from fer_core.errors import DataError, RunError
from fer_core.runs.store import Predictions
from fer_core.training import training_set


@pytest.fixture
def dataset():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (30, 48, 48)).astype(np.uint8)
    images[4] = 9  # blank
    images[11] = images[3]  # a copy with another label
    images[20] = images[6]  # a copy with the same label
    labels = np.arange(30) % 7
    labels[20] = labels[6]
    train = Split(images, labels, np.arange(30))
    return Dataset({"train": train, "validation": train.take(np.arange(5))}, "made", "made")


def test_blank_faces_and_contradicting_copies_are_listed_and_left_out(dataset, tmp_path):
    path = tmp_path / "weights.csv"
    training_set.write_weights(path, training_set.suspects(dataset))
    weights, reasons = training_set.read_weights(path, dataset["train"])
    assert np.flatnonzero(weights == 0).tolist() == [3, 4, 11]
    assert reasons[[3, 4, 11]].tolist() == ["copies with different labels", "blank", "copies with different labels"]
    given = training_set.gather(RunConfig(face_weights=str(path)), dataset)
    chosen = training_set.training_set(dataset["train"], RunConfig(), given)
    assert chosen.rows.tolist() == [row for row in range(30) if row not in (3, 4, 11)]
    assert given.facts()["left_out"] == {"copies with different labels": 2, "blank": 1}


def test_other_weights_go_into_the_loss(dataset, tmp_path):
    path = tmp_path / "weights.csv"
    training_set.write_weights(path, [(face_hashes(dataset["train"].images[:1])[0], 0.25, "reviewed")])
    given = training_set.gather(RunConfig(face_weights=str(path)), dataset)
    chosen = training_set.training_set(dataset["train"], RunConfig(), given)
    assert len(chosen) == 30 and chosen.weights.tolist() == [0.25] + [1.0] * 29
    assert given.facts()["weighed"] == {"reviewed": 1}


@pytest.mark.parametrize("text, words", [
    ("hash,weight,reason\nabc,much,x\n", "Line 2"),
    ("hash,weight,reason\nabc,-1,x\n", "Line 2"),
    ("hash,weight,reason\nabc,nan,x\n", "Line 2"),
    ("face,weight\nabc,1\n", "Line 2"),
    ("hash,weight,reason\nabc,0,x\n", "names no face"),
])
def test_a_wrong_list_is_told(dataset, tmp_path, text, words):
    path = tmp_path / "weights.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        training_set.read_weights(path, dataset["train"])


def test_a_list_that_is_not_there_is_told(dataset, tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        training_set.read_weights(tmp_path / "none.csv", dataset["train"])


def teacher_run(store, dataset, fingerprint=None, split="train"):
    random = np.random.default_rng(1)
    run = store.create(RunConfig(), "teacher")
    faces = dataset[split]
    said = random.dirichlet(np.ones(7), len(faces)).astype(np.float32)
    leaked = np.zeros(len(faces), bool)
    run.write_predictions(Predictions(split, fingerprint or dataset.fingerprint, faces.labels, said, None, None, leaked))
    return run, said


def test_a_teachers_answers_are_softened_at_the_temperature(dataset, run_store):
    run, said = teacher_run(run_store, dataset)
    config = RunConfig(teacher=str(run.path), temperature=2.0)
    chosen = training_set.training_set(dataset["train"], config, training_set.gather(config, dataset))
    roots = np.sqrt(said)  # softmax(log p / 2)
    assert np.allclose(chosen.teacher, roots / roots.sum(1, keepdims=True), atol=1e-6)


def test_a_teacher_of_other_faces_or_without_answers_is_refused(dataset, run_store, tmp_path):
    run, _ = teacher_run(run_store, dataset, fingerprint="0" * 64)
    with pytest.raises(DataError, match="another data set"):
        training_set.read_teacher(run.path, dataset)
    with pytest.raises(DataError, match="has not predicted the train split"):
        training_set.read_teacher(tmp_path / "nobody", dataset)


def test_a_fold_is_left_out_whole(dataset):
    config = RunConfig(folds=3, fold=2, seed=4)
    given = training_set.gather(config, dataset)
    chosen = training_set.training_set(dataset["train"], config, given)
    expected = assign(dataset["train"], 3, 4, near_copies.groups(dataset))
    assert np.array_equal(given.folds, expected)
    assert chosen.rows.tolist() == np.flatnonzero(expected != 2).tolist()
    assert given.facts()["fold_sizes"] == np.bincount(expected)[1:].tolist()


def test_a_run_keeps_its_inputs_and_a_resume_needs_no_other_file(dataset, run_store, tmp_path):
    path = tmp_path / "weights.csv"
    training_set.write_weights(path, training_set.suspects(dataset))
    run = run_store.create(RunConfig(face_weights=str(path), folds=3, fold=1), "a")
    first = training_set.inputs(run, dataset)
    from fer_core import atomic_io

    atomic_io.write_json(run.path / "facts.json", {"inputs": first.facts()})
    path.unlink()
    again = training_set.inputs(run, dataset)
    assert again.digest == first.digest
    assert np.array_equal(again.weights, first.weights) and np.array_equal(again.folds, first.folds)
    kept = atomic_io.read_arrays(run.path / training_set.INPUTS)
    atomic_io.write_arrays(run.path / training_set.INPUTS, **(kept | {"weights": np.ones(30, np.float32)}))
    with pytest.raises(RunError, match="not what the run began with"):
        training_set.inputs(run, dataset)
    (run.path / training_set.INPUTS).unlink()
    with pytest.raises(RunError, match="cannot be read"):
        training_set.inputs(run, dataset)


def test_a_run_without_inputs_keeps_nothing(dataset, run_store):
    run = run_store.create(RunConfig(), "a")
    assert training_set.inputs(run, dataset) == training_set.Inputs()
    assert not (run.path / training_set.INPUTS).exists()
    assert training_set.Inputs().digest == ""
