"""Every rule fires on the training that it names, begins at the right epoch, and stays silent on a healthy one."""

from __future__ import annotations

import numpy as np

from fer_core.metrics.diagnosis import Finding, diagnose

History = dict[str, np.ndarray]


def train(val_accuracy: list[float], **columns: list[float]) -> History:
    n = len(val_accuracy)
    history: History = {
        "epoch": np.arange(1.0, n + 1),
        "loss": np.linspace(1.8, 0.9, n),
        "val_loss": np.linspace(1.8, 1.1, n),
        "accuracy": np.array(val_accuracy) + 0.02,
        "val_accuracy": np.array(val_accuracy),
        "learning_rate": np.full(n, 1e-3),
    }
    return history | {name: np.array(values, dtype=float) for name, values in columns.items()}


def titles(history: History, confusion: np.ndarray | None = None) -> list[str]:
    return [finding.title for finding in diagnose(history, confusion)]


def find(history: History, word: str, confusion: np.ndarray | None = None) -> Finding:
    found = [finding for finding in diagnose(history, confusion) if word in finding.title]
    assert len(found) == 1
    return found[0]


def matrices(epochs: int = 8) -> np.ndarray:
    return np.stack([np.diag([90, 10, 90, 170, 120, 80, 110]) + 3] * epochs)


HEALTHY = [0.30, 0.38, 0.45, 0.50, 0.54, 0.57, 0.60, 0.62]
FLAT = [0.30, 0.40, 0.50, 0.501, 0.5, 0.499, 0.501, 0.5]


def test_nothing_to_say_before_the_first_epoch() -> None:
    assert diagnose(train([])) == []


def test_a_healthy_training_is_only_still_learning() -> None:
    assert titles(train(HEALTHY), matrices()) == ["Still learning"]


def test_one_epoch_raises_no_alarm() -> None:
    assert titles(train([0.3]), matrices(1)) == []


def test_overfitting_begins_where_validation_loss_was_lowest() -> None:
    history = train(FLAT, val_loss=[1.6, 1.3, 1.2, 1.25, 1.3, 1.4, 1.5, 1.6], accuracy=[0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9])
    finding = find(history, "Overfitting")
    assert (
        finding.epoch == 3
        and finding.title == "Overfitting since epoch 3"
        and "1.200" in finding.sentence
        and "40 points" in finding.sentence
    )


def test_no_overfitting_without_a_gap_or_while_training_loss_rises() -> None:
    lowest_early = [1.6, 1.3, 1.2, 1.25, 1.3, 1.4, 1.5, 1.6]
    assert not any("Overfitting" in title for title in titles(train(FLAT, val_loss=lowest_early)))
    rising = [1.8, 1.5, 1.0, 1.05, 1.0, 1.05, 1.0, 1.05]
    assert not any("Overfitting" in title for title in titles(train(FLAT, val_loss=lowest_early, loss=rising, accuracy=[0.9] * 8)))


def test_plateau_begins_at_the_last_true_gain() -> None:
    assert find(train(FLAT), "No gain").epoch == 3
    assert not any("No gain" in title for title in titles(train(FLAT[:7])))


def test_after_the_end_of_the_learning_rate_no_lower_one_is_advised() -> None:
    n = len(FLAT)
    assert "A lower learning rate" in find(train(FLAT, learning_rate=[0.05] * n), "No gain").sentence
    assert "come to its end" in find(train(FLAT, learning_rate=np.linspace(0.05, 0, n).tolist()), "No gain").sentence


def test_a_class_never_predicted_is_named_with_its_faces() -> None:
    confusion = matrices()
    confusion[-1, :, 0] += confusion[-1, :, 1]
    confusion[-1, :, 1] = 0
    finding = find(train(HEALTHY), "Never predicted", confusion)
    assert finding.title == "Never predicted: disgust" and finding.epoch == 8 and "31 bear" in finding.sentence
    assert find(train(HEALTHY), "Never predicted", confusion[-1]).title == finding.title
    confusion[-1, 1] = 0
    assert not any("Never" in title for title in titles(train(HEALTHY), confusion))


def test_not_a_number_names_its_epoch_and_hides_no_other_rule() -> None:
    for value in (np.nan, np.inf):
        assert find(train(HEALTHY[:4], loss=[1.8, 1.5, value, value]), "no number").epoch == 3
    assert find(train(HEALTHY[:3], val_loss=[np.nan] * 3), "no number").epoch == 1
    assert diagnose(train([np.nan] * 6, loss=[np.nan] * 6, val_loss=[np.nan] * 6), matrices(6))[0].epoch == 1


def test_a_rising_loss_blames_the_learning_rate() -> None:
    jump = find(train(HEALTHY[:4], loss=[1.8, 1.2, 1.9, 1.1]), "learning rate")
    assert jump.epoch == 3 and "0.001" in jump.sentence
    assert find(train(HEALTHY[:5], loss=[1.5, 1.4, 1.42, 1.44, 1.46]), "learning rate").epoch == 3
    assert not any("learning rate" in title for title in titles(train(HEALTHY[:5], loss=[1.5, 1.4, 1.42, 1.44, 1.40])))


def test_no_better_than_the_most_frequent_class() -> None:
    assert "happy" in find(train([0.25] * 5), "next to nothing", matrices(5)).sentence
    assert not any("next to nothing" in title for title in titles(train([0.25] * 4), matrices(4)))


def test_every_finding_states_its_rule_in_whole_sentences() -> None:
    confusion = matrices()
    confusion[-1, :, 1] = 0
    history = train(
        FLAT, val_loss=[1.6, 1.3, 1.2, 1.25, 1.3, 1.4, 1.5, 1.6], accuracy=[0.9] * 8, loss=[1.8, 1.2, 1.9, 0.9, 0.8, 0.7, 0.6, np.nan]
    )
    found = diagnose(history, confusion)
    assert len(found) >= 3
    assert all(finding.rule.endswith(".") and finding.sentence.endswith(".") and not finding.title.endswith(".") for finding in found)
