"""The runs that ship: whole, and made with the data that they name."""

import numpy as np
import pytest

from fer_core.card import card
from fer_core.data import read
from fer_core.runs import RunStore


@pytest.fixture(scope="module")
def demo(root):
    return RunStore(root / "checkpoints").open("demo")


def test_the_demo_run_was_trained_on_the_demo_faces(demo):
    assert demo.facts["data"]["fingerprint"] == read("demo").fingerprint


def test_the_demo_run_is_well_above_chance_and_below_perfect(demo):
    predictions = demo.predictions("validation")
    accuracy = (predictions.probabilities.argmax(1) == predictions.labels).mean()
    assert 0.5 < accuracy < 0.95
    assert accuracy == pytest.approx(demo.best[1])
    assert (predictions.labels == read("demo")["validation"].labels).all()


def test_its_weights_give_its_predictions(demo):
    from fer_core import models

    faces = read("demo")["validation"].images[:64]
    assert np.allclose(models.predict(models.load(demo), faces), demo.predictions("validation").probabilities[:64], atol=1e-4)


def test_no_shipped_run_names_a_place_of_the_machine_it_was_made_on(root):
    for run in RunStore(root / "checkpoints").all():
        if run.id in ("demo", "cnn-fer2013", "cnn-fer2013-report", "dnn-fer2013"):
            assert "/" not in run.config.data


def test_the_cards_are_those_of_their_runs(root):
    cards = list((root / "checkpoints").glob("*/README.md"))
    assert {"demo", "dnn-fer2013"} <= {path.parent.name for path in cards}
    for path in cards:
        assert path.read_text("utf8") == card(RunStore(root / "checkpoints").open(path.parent.name)), path
