"""The learning rate and early stopping against rules worked out by hand."""

import math

import numpy as np
import pytest

from fer_core.config import RunConfig
from fer_core.training.schedule import is_over, learning_rate, stalls


def history(*accuracies):
    return {
        "epoch": np.arange(1.0, len(accuracies) + 1),
        "val_accuracy": np.array(accuracies, float),
        "val_loss": -np.array(accuracies, float),
    }


def test_cosine_rises_to_the_peak_and_ends_at_zero():
    config = RunConfig(epochs=10, learning_rate=0.1, warmup_epochs=2, schedule="cosine")
    rates = [learning_rate(config, step, 50, history()) for step in range(501)]
    assert np.argmax(rates) == 100 and rates[100] == pytest.approx(0.1)
    assert all(np.diff(rates[:101]) > 0) and all(np.diff(rates[100:]) < 0)
    assert rates[300] == pytest.approx(0.05)
    assert rates[500] == pytest.approx(0, abs=1e-12)


def test_constant_stays():
    config = RunConfig(schedule="constant", warmup_epochs=0, learning_rate=0.01)
    assert {learning_rate(config, step, 7, history()) for step in range(30)} == {0.01}


def test_plateau_halves_after_the_patience():
    config = RunConfig(schedule="plateau", plateau_patience=2, warmup_epochs=0, learning_rate=1.0)
    for values, count in [((0.1, 0.2), 0), ((0.2, 0.1), 0), ((0.2, 0.1, 0.1), 1), ((0.2, 0.1, 0.1, 0.3, 0.3), 1), ((0.2,) * 5, 2)]:
        assert stalls(history(*values), config) == count
        assert learning_rate(config, 99, 1, history(*values)) == 0.5**count


def test_early_stopping_counts_from_the_best():
    config = RunConfig(patience=3)
    assert not is_over(history(), config)
    assert not is_over(history(0.5, 0.4, 0.4), config)
    assert is_over(history(0.5, 0.4, 0.4, 0.5), config)
    assert not is_over(history(0.5, 0.4, 0.4, 0.5), RunConfig(patience=0))
    assert is_over(history(0.5, 0.4, 0.4, 0.6), config.model_copy(update={"monitor": "loss", "patience": 0})) is False


def test_the_rate_is_finite_everywhere():
    for schedule in ("cosine", "constant", "plateau"):
        config = RunConfig(schedule=schedule, epochs=1, warmup_epochs=3)
        assert all(math.isfinite(learning_rate(config, step, 5, history())) for step in range(40))
