"""Runs of predictions alone: the mean of several, and answers gathered from folds, on every page and by every command."""

import json
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from run_folders import copied
from streamlit.testing.v1 import AppTest

from fer_core import atomic_io
from fer_core.cli import main
from fer_core.config import RunConfig
from fer_core.data.dataset import read
from fer_core.errors import ConfigError, ModelError, RunError
from fer_core.metrics.looks import results
from fer_core.release.model_card import card
from fer_core.runs import ensemble
from fer_core.runs.store import Predictions, RunStore, Status

PAGES = ("app.py", *(f"pages/{name}.py" for name in ("dataset", "training_monitor", "confusion_matrix", "saliency_viewer",
                                                     "filter_explorer", "try_photo", "report")))


@pytest.fixture(scope="module")
def store(root, tmp_path_factory):
    """Two runs of the demo network, their mean, and answers to the training faces that no weights stand behind."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("demo", "other"):
        copied(root / "checkpoints/demo", folder / name)
    made = RunStore(folder)
    other = made.open("other")
    other.update_meta(title="other")
    found = other.predictions("validation")
    other.write_predictions(replace(found, probabilities=np.roll(found.probabilities, 1, axis=0)))
    ensemble.make(made, ["demo", "other"], "mean", splits=("validation",))
    folds(made, other.facts["data"])
    return made


def folds(store, data):
    """Answers to the demo's training faces, each by a network that had not learned from it, as a run without weights."""
    train = read("demo")["train"]
    random = np.random.default_rng(0)
    probabilities = (0.3 * random.dirichlet(np.ones(7), len(train.labels)) + 0.7 * np.eye(7)[train.labels]).astype(np.float32)
    run = store.create(RunConfig.from_preset("quick", data="demo", folds=5), "folds")
    atomic_io.write_json(run.path / "facts.json", {"data": data, "origin": {"kind": "crossfit", "members": ["fold-1", "fold-2"]}})
    none_copied = np.zeros(len(train.labels), bool)
    run.write_predictions(Predictions("train", data["fingerprint"], train.labels, probabilities, None, None, none_copied))
    run.write_status(Status(state="finished", heartbeat=time.time()))
    return run


@pytest.fixture
def page(root, store, monkeypatch):
    monkeypatch.setenv("FER_LENS_RUNS", str(store.root))

    def opener(file, **params):
        app = AppTest.from_file(str(root / "app.py"), default_timeout=120)
        for name, value in params.items():
            app.query_params[name.rstrip("_")] = value
        if file != "app.py":
            app.switch_page(file)
        app.run()
        assert not app.exception, app.exception
        return app

    return opener


def told(app):
    """Every word that a page shows."""
    texts = [one.value for kind in ("markdown", "caption", "info", "warning", "title", "subheader") for one in app.get(kind)]
    labels = [one.label for one in app.get("button")] + [one.proto.label for one in app.get("page_link")]
    return " ".join([*texts, *labels, *(one.proto.body for one in app.get("html"))]).replace("\\", "")


# the mean of several runs

def test_the_mean_is_the_mean_and_has_no_features(store):
    mean = store.open("mean")
    parts = [store.open(name).predictions("validation") for name in ("demo", "other")]
    found = mean.predictions("validation")
    assert np.allclose(found.probabilities, (parts[0].probabilities + parts[1].probabilities) / 2, atol=1e-6)
    assert np.allclose(found.flipped, (parts[0].flipped + parts[1].flipped) / 2, atol=1e-6)
    assert found.features is None and found.views is None and found.fingerprint == parts[0].fingerprint
    assert np.array_equal(found.labels, parts[0].labels)


def test_views_are_averaged_where_all_have_as_many_looks(store):
    found = store.open("demo").predictions("validation")
    three, other = replace(found, views=found.flipped, looks=3), replace(found, views=found.probabilities, looks=3)
    runs = [store.open("demo"), store.open("other")]
    both = ensemble.mean([three, other], runs)
    assert both.looks == 3 and np.allclose(both.views, (found.flipped + found.probabilities) / 2, atol=1e-6)
    assert ensemble.mean([three, replace(other, looks=10)], runs).views is None
    assert ensemble.mean([three, found], runs).views is None


def test_what_does_not_fit_together_is_refused_in_words_and_leaves_nothing(store):
    before = sorted(path.name for path in store.root.iterdir())
    with pytest.raises(ConfigError, match="two runs or more"):
        ensemble.make(store, ["demo"], "one")
    with pytest.raises(RunError, match="not all predicted the same split"):
        ensemble.make(store, ["demo", "folds"], "apart", splits=("validation",))
    with pytest.raises(ConfigError, match="no such split"):
        ensemble.make(store, ["demo", "other"], "all", splits=("all",))
    found = store.open("demo").predictions("validation")
    runs = [store.open("demo"), store.open("other")]
    with pytest.raises(RunError, match="other faces"):
        ensemble.mean([found, replace(found, fingerprint="e" * 64)], runs)
    assert sorted(path.name for path in store.root.iterdir()) == before


def test_it_opens_and_is_not_damaged_and_says_what_it_is(store):
    mean, folds = store.open("mean"), store.open("folds")
    assert {run.id: run.damage for run in store.all()} == dict.fromkeys(("demo", "other", "mean", "folds"))
    assert not mean.has_network and mean.config.arch == "none" and mean.status.state == "finished"
    assert mean.origin == {"kind": "ensemble", "members": ["demo", "other"], "splits": ["validation"]}
    assert mean.alone == "Predictions alone: the mean of demo, other." and "had not learned from it" in folds.alone
    assert store.open("demo").origin == {} and store.open("demo").alone == ""
    with pytest.raises(ModelError, match="no network that could be asked"):
        mean.check_network()
    with pytest.raises(RunError, match="predictions alone"):
        mean.check_trainable()


def test_folds_that_are_still_trained_are_no_predictions_alone(run_store):
    run = run_store.create(RunConfig.from_preset("quick", folds=5), "folds")
    atomic_io.write_json(run.path / "facts.json", {"origin": {"kind": "crossfit", "members": ["folds-fold1"]}})
    assert run.alone == ""
    run.check_trainable()  # a stopped one is gone on with


def test_its_card_tells_whose_answers_they_are(store):
    text = card(store.open("mean"))
    assert "mean of demo, other" in text and "## The matrix" in text and "## The recipe" not in text
    assert "had not learned from it" in card(store.open("folds"), "train")


# commands

@pytest.fixture
def say(monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["fer_core", *map(str, words)])
        code = 0
        try:
            main.main()
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return code, said.out, " ".join(said.err.split())

    return run


def test_the_command_makes_the_run_and_prints_every_number(say, store, tmp_path):
    for name in ("demo", "other"):
        copied(store.root / name, tmp_path / name)
    code, out, _ = say("ensemble", "demo", "other", "--name", "both", "--split", "validation", "--runs", tmp_path, "--json")
    made = json.loads(out)
    assert code == 0 and made["splits"] == ["validation"]
    single, mirror = (made["looks"]["validation"][kind] for kind in ("single", "mirror"))
    assert single["n"] == 350 and single["interval"][0] < single["accuracy"] < single["interval"][1] and single["adds"] is None
    assert mirror["adds"]["points"] == pytest.approx(100 * (mirror["accuracy"] - single["accuracy"]))
    assert mirror["adds"]["fixed"] - mirror["adds"]["broken"] == round(350 * (mirror["accuracy"] - single["accuracy"]))


@pytest.mark.parametrize("words", [("evaluate", "mean"), ("export", "mean", "--out", "x.keras"), ("ship", "mean", "away"),
                                   ("submission", "mean", "--out", "x.csv"), ("wall", "mean", "--layer", "conv1"), ("explain", "mean")])
def test_a_command_that_needs_the_network_says_so(say, store, words):
    code, _, err = say(*words, "--runs", store.root)
    assert code == 2 and "mean has no network that could be asked" in err and "choose one of demo, other" in err


def test_it_is_not_trained(say, store):
    for command in ("train", "crossfit"):
        code, _, err = say(command, "--arch", "none", "--runs", store.root)
        assert code == 2 and "predictions alone, and cannot be trained" in err
    code, _, err = say("resume", "mean", "--runs", store.root)
    assert code == 2 and "there is no network to train" in err


# pages

@pytest.mark.parametrize(("run", "lang"), [("mean", "zh-TW"), ("folds", "en")])
@pytest.mark.parametrize("file", PAGES)
def test_every_page_opens_with_such_a_run(page, file, run, lang):
    app = page(file, run=run, lang=lang)
    assert "Traceback" not in told(app)


def test_the_matrix_works_on_what_there_is(page, store):
    app = page("pages/confusion_matrix.py", run="mean")
    scores = results(store.open("mean").predictions("validation"))
    assert f"{scores['single'].scores.accuracy:.1%}" in told(app) and "the mean of demo, other" in told(app)
    assert next(one for one in app.get("button_group") if one.label == "Split").options == ["Validation"]
    app = page("pages/confusion_matrix.py", run="mean", looks="mirror", true="happy", pred="neutral", image="3")
    assert f"{scores['mirror'].scores.accuracy:.1%}" in told(app) and "The mean of 2 looks" in told(app)
    assert "this run keeps no features" in told(app)
    app = page("pages/confusion_matrix.py", run="mean", split="train")
    assert "keeps no predictions of the training split" in told(app)


def test_answers_from_folds_open_on_the_training_faces(page):
    app = page("pages/confusion_matrix.py", run="folds", panel="confidence")
    assert next(one for one in app.get("button_group") if one.label == "Split").options == ["Train"]
    assert "answered by a network that had not learned from it" in told(app)
    assert "no measure of how good it is" not in told(app)
    assert all(button.label != "Make the predictions" for button in app.button)


def test_two_runs_are_compared_by_as_many_looks(page):
    app = page("pages/confusion_matrix.py", run="mean", with_="demo", panel="runs", looks="mirror")
    assert "**A** is mean" in told(app)
    app = page("pages/confusion_matrix.py", run="mean", looks="views")
    assert "was not asked so" in told(app)


def test_the_monitor_shows_whose_answers_they_are_and_nothing_to_resume(page):
    app = page("pages/training_monitor.py", run="mean")
    assert "Predictions alone: the mean of demo, other" in told(app) and "it was not trained" in told(app)
    assert not {"resume", "stop", "duplicate"} & {button.key for button in app.button}
    assert "had not learned from it" in told(page("pages/training_monitor.py", run="folds"))


@pytest.mark.parametrize("file", ["pages/saliency_viewer.py", "pages/filter_explorer.py", "pages/try_photo.py"])
def test_pages_that_need_a_network_offer_the_runs_that_have_one(page, file):
    app = page(file, run="mean")
    options = next(one for one in app.selectbox if one.label == "Run").options
    assert sorted(options) == ["demo", "other"] and "mean has no network that could be asked" in told(app)


def test_the_overview_names_it(page):
    assert "the mean of demo, other" in told(page("app.py"))


def test_the_report_states_what_it_cannot_show(store):
    from fer_core.report import gather, html

    found = gather(store.open("mean"), dataset=read("demo"))
    for language, words in (("en", "no network that could be looked into"), ("zh-TW", "沒有可以觀察內部的網路")):
        text = html(found, language)
        assert words in text and "350" in text
    beside = gather(store.open("demo"), versus=store.open("mean"), faces=False)
    assert "predictions alone" in html(beside) and beside.test is not None
