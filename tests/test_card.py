"""The model card says what scikit-learn says, and its command makes the same config."""

import re
import shlex

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from fer_core.config import PRESETS, RunConfig
from fer_core.errors import RunError
from fer_core.metrics.evaluation import evaluate, from_matrix
from fer_core.release.model_card import card, command, confusions, copies_in_words, percent
from fer_core.runs.store import RunStore


@pytest.fixture(scope="module")
def demo(root):
    return RunStore(root / "checkpoints").open("demo")


def test_the_card_tells_the_scores_of_the_stored_predictions(demo):
    found = demo.predictions("validation")
    said, labels, text = found.probabilities.argmax(1), found.labels, card(demo)
    assert f"| balanced accuracy | {balanced_accuracy_score(labels, said):.1%} |" in text
    assert f"| macro F1 | {f1_score(labels, said, average='macro'):.3f} |" in text
    assert f"**{np.mean(said == labels):.2%} (" in text
    assert f"**{np.mean(found.flipped.argmax(1) == labels):.2%} (" in text


def test_the_card_names_every_epoch_it_shows_with_its_own_figures(demo):
    rows = re.findall(r"^\| (\d+)(?: \(best\))? \| ([\d.]+) \|", card(demo), re.M)
    assert len(rows) >= 10 and int(rows[-1][0]) == len(demo.history["epoch"])
    assert all(float(loss) == pytest.approx(demo.history["loss"][int(epoch) - 1], abs=6e-4) for epoch, loss in rows)


def test_a_run_without_predictions_has_no_card(demo):
    with pytest.raises(RunError, match="has not predicted the morning split"):
        card(demo, "morning")


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("changes", [{}, {"epochs": 7, "dropout_conv": (0.1, 0.2, 0.3, 0.4), "tensorboard": True, "deterministic": False}])
def test_the_command_makes_the_same_config(preset, changes):
    config = RunConfig.from_preset(preset, data="my faces.csv", **changes)
    words = shlex.split(command(config, "again"))
    values, place = {}, 4
    while place < len(words):
        name, place = words[place].removeprefix("--"), place + 1
        taken = []
        while place < len(words) and not words[place].startswith("--"):
            taken.append(words[place])
            place += 1
        if taken:
            values[name.replace("-", "_")] = taken if len(taken) > 1 else taken[0]
        else:
            values[name.removeprefix("no-").replace("-", "_")] = not name.startswith("no-")
    assert values.pop("name") == "again"
    assert RunConfig.from_preset(values.pop("preset"), **values) == config


def test_confusions_in_words():
    matrix = np.diag([10] * 7)
    matrix[4, 6], matrix[4, 3], matrix[1] = 6, 4, 0
    told = confusions(from_matrix(matrix))
    assert len(told) == 6  # no disgust
    assert told[3].startswith("sad: 50.0%") and "taken for neutral 30.0%" in told[3] and "happy 20.0%" in told[3]
    assert told[0].endswith("never mistaken.")


def test_percent():
    assert percent(0.6206, (0.605, 0.637)) == "62.1% (60.5 to 63.7)"
    assert percent(float("nan")) == "never"


def test_exact_and_near_copies_are_told_apart_and_never_mixed():
    labels, chances = np.arange(7), np.eye(7, dtype=np.float32)
    leaked, near = np.arange(7) < 3, np.arange(7) > 5
    assert copies_in_words(evaluate(labels, chances, leaked=leaked, near=near)) == "3 exact and 1 near copy"
    assert copies_in_words(evaluate(labels, chances, leaked=leaked)) == "3 exact copies"
