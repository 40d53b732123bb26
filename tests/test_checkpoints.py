"""The runs that ship: whole, and made with the data that they name."""

import numpy as np
import pytest

from fer_core.data.dataset import read
from fer_core.emotions import EMOTIONS
from fer_core.metrics.evaluation import evaluate
from fer_core.metrics.scores import wilson
from fer_core.release.model_card import card, percent
from fer_core.runs.store import RunStore

OF_FER2013 = ("cnn-fer2013", "cnn-fer2013-report", "dnn-fer2013")
CONFUSED = (("sad", "neutral"), ("sad", "angry"), ("sad", "happy"), ("disgust", "angry"), ("disgust", "surprise"))


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


@pytest.mark.parametrize(("name", "parameters", "least"), [("cnn-fer2013", 8_019_463, 0.70), ("dnn-fer2013", 13_643_783, 0.45)])
def test_the_networks_of_fer2013_are_the_reports_and_as_good_as_promised(root, name, parameters, least):
    run = RunStore(root / "checkpoints").open(name)
    found = run.predictions("validation")
    assert run.facts["model"]["parameters"] == parameters
    assert len(found.labels) == 3589 and (found.flipped.argmax(1) == found.labels).mean() >= least


@pytest.mark.parametrize("name", OF_FER2013)
def test_their_weights_give_their_predictions_on_real_faces(root, real_data, name):
    from fer_core import models

    run = RunStore(root / "checkpoints").open(name)
    faces = read(str(real_data))["validation"].images[:64]
    assert np.allclose(models.predict(models.load(run), faces), run.predictions("validation").probabilities[:64], atol=2e-3)


def test_no_shipped_run_names_a_place_of_the_machine_it_was_made_on(root):
    for run in RunStore(root / "checkpoints").all():
        if run.id in ("demo", *OF_FER2013):
            assert "/" not in run.config.data


def test_the_cards_are_those_of_their_runs(root):
    cards = list((root / "checkpoints").glob("*/README.md"))
    assert {"demo", *OF_FER2013} <= {path.parent.name for path in cards}
    for path in cards:
        assert path.read_text("utf8") == card(RunStore(root / "checkpoints").open(path.parent.name)), path


def scores(found):
    """Write what README tells of a run: right, averaged with the mirror image, without copies of training faces."""
    looks = [evaluate(found.labels, look, leaked=found.leaked) for look in (found.probabilities, found.flipped)]
    told = [looks[0], looks[1], looks[1].without_copies]
    return " | ".join(percent(one.accuracy, one.interval) for one in told)


def confused(found, true, called):
    """Write the share of the faces of a label that are called something else, with its interval."""
    of = found.labels == EMOTIONS.index(true)
    wrong = found.probabilities[of].argmax(1) == EMOTIONS.index(called)
    return percent(wrong.mean(), wilson(int(wrong.sum()), len(wrong)))


def test_readme_tells_what_the_networks_say(root):
    readme = (root / "README.md").read_text("utf8")
    found = [RunStore(root / "checkpoints").open(name).predictions("validation") for name in OF_FER2013]
    for name, predictions in zip(OF_FER2013, found, strict=True):
        [line] = [line for line in readme.splitlines() if line.startswith(f"| `{name}`, ")]
        assert line.endswith(f" | {scores(predictions)} |")
    for true, called in CONFUSED:
        shares = " | ".join(confused(one, true, called) for one in found)
        assert f"| {true.capitalize()}, called {called.capitalize()} | {shares} |" in readme
