"""Training dynamics against a slow recomputation, face by face."""

import numpy as np
import pytest

from fer_core.runs.training_dynamics import Dynamics, merge, read, write


def steps(random, faces=20, count=40):
    """Steps of five faces each, some twice in a step; face 19 is never seen."""
    labels = random.integers(0, 7, faces)
    for _ in range(count):
        rows = random.integers(0, faces - 1, 5)
        yield rows, labels[rows], random.normal(0, 4, (5, 7)).astype(np.float32)


def slowly(seen):
    values, margins = {}, {}
    for rows, labels, logits in seen:
        for row, label, scores in zip(rows, labels, logits.astype(float), strict=True):
            probability = np.exp(scores[label]) / np.exp(scores).sum()
            largest_other = max(score for place, score in enumerate(scores) if place != label)
            values.setdefault(int(row), []).append(probability)
            margins.setdefault(int(row), []).append(scores[label] - largest_other)
    return values, margins


def test_it_is_what_a_slow_recomputation_finds():
    seen = list(steps(np.random.default_rng(0)))
    dynamics = Dynamics(20)
    for step in seen:
        dynamics.add(*step)
    values, margins = slowly(seen)
    found = dynamics.summary()
    for row in values:
        assert found.count[row] == len(values[row])
        assert found.mean[row] == pytest.approx(np.mean(values[row]), rel=1e-5)
        assert found.spread[row] == pytest.approx(np.std(values[row]), abs=1e-5)
        assert found.margin[row] == pytest.approx(np.mean(margins[row]), rel=1e-5, abs=1e-5)


def test_a_face_that_was_never_seen_is_missing_and_not_zero():
    dynamics = Dynamics(20)
    for step in steps(np.random.default_rng(1)):
        dynamics.add(*step)
    found = dynamics.summary()
    assert found.count[19] == 0
    assert np.isnan([found.mean[19], found.spread[19], found.margin[19]]).all()


def test_saved_in_between_it_ends_in_the_same_bits():
    seen = list(steps(np.random.default_rng(2)))
    whole, first, second = Dynamics(20), Dynamics(20), Dynamics(20)
    for step in seen:
        whole.add(*step)
    for step in seen[:17]:
        first.add(*step)
    second.restore(first.arrays())
    for step in seen[17:]:
        second.add(*step)
    assert all(np.array_equal(a, second.arrays()[name]) for name, a in whole.arrays().items())


def test_a_state_of_before_leaves_the_sums_at_zero():
    dynamics = Dynamics(3)
    dynamics.restore({"model/000": np.zeros(2)})
    assert dynamics.count.tolist() == [0, 0, 0]


def test_several_trainings_are_summed_up_as_one():
    seen = list(steps(np.random.default_rng(3)))
    whole, parts = Dynamics(20), [Dynamics(20), Dynamics(20), Dynamics(20)]
    for number, step in enumerate(seen):
        whole.add(*step)
        parts[number % 2].add(*step)  # the third one saw nothing
    one, other = whole.summary(), merge([part.summary() for part in parts])
    for name, values in vars(one).items():
        assert np.allclose(values, getattr(other, name), atol=1e-5, equal_nan=True), name


def test_a_summary_is_written_and_read_and_a_damaged_one_is_none(tmp_path):
    dynamics, path = Dynamics(20), tmp_path / "dynamics.npz"
    for step in steps(np.random.default_rng(4)):
        dynamics.add(*step)
    write(path, dynamics.summary())
    assert np.array_equal(read(path).margin, dynamics.summary().margin, equal_nan=True)
    path.write_bytes(path.read_bytes()[:50])
    assert read(path) is None and read(tmp_path / "none.npz") is None
