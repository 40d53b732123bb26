"""The command line, as a person types it: results on standard output, one sentence for an error, never a traceback."""

import json
import shutil
import sys

import numpy as np
import pytest

from fer_core.cli import main
from fer_core.config import PRESETS, RunConfig
from fer_core.data import splits
from fer_core.data.dataset import read
from fer_core.runs.store import RunStore


@pytest.fixture
def say(monkeypatch, capsys):
    """Run a command; return its exit code, output and errors."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["fer_core", *map(str, words)])
        code = 0
        try:
            main.main()
        except SystemExit as end:
            code = end.code or 0
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture
def csv(tmp_path):
    """Fourteen faces in Kaggle's form, two of each class, half of them PublicTest."""
    random, path = np.random.default_rng(0), tmp_path / "fer2013.csv"
    rows = [f"{i % 7},{' '.join(map(str, random.integers(0, 256, 2304)))},{'Training' if i < 7 else 'PublicTest'}" for i in range(14)]
    path.write_text("emotion,pixels,Usage\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize(
    "command",
    ["train", "resume", "stop", "runs", "evaluate", "submission", "export", "doctor", "data describe", "data convert", "data demo"],
)
def test_every_command_explains_itself(say, command):
    code, out, _ = say(*command.split(), "--help")
    assert code == 0 and "Usage" in out


def test_every_knob_is_an_option(say):
    _, out, _ = say("train", "--help")
    for name in RunConfig.model_fields:
        assert f"--{name.replace('_', '-')}" in out, name


@pytest.mark.parametrize(
    "words, told",
    [
        (["resume", "nobody"], "There is no run 'nobody'"),
        (["train", "--data", "nowhere.csv"], "There is no data set"),
        (["train", "--preset", "magic"], "There is no such preset"),
        (["train", "--learning-rate", "-1"], "learning_rate"),
        (["train", "--arch", "vit"], "vit"),
        (["evaluate"], "Missing argument"),
        (["nonsense"], "nonsense"),
    ],
)
def test_a_mistake_is_one_sentence(say, tmp_path, words, told):
    if words[0] in ("train", "resume"):
        words = [*words, "--runs", tmp_path]
    code, _, err = say(*words)
    assert code != 0
    assert told in " ".join(err.split()) and "Traceback" not in err
    assert not list(tmp_path.glob("*/config.json")), "a run that cannot begin leaves no folder"


def test_describe_counts(say, csv):
    code, out, _ = say("data", "describe", csv, "--json")
    told = json.loads(out)
    assert code == 0
    assert told["counts"]["train"] == dict.fromkeys(["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"], 1)
    assert told["also_in_train"] == {"validation": 0}


def test_convert_keeps_every_pixel(say, csv, tmp_path):
    code, _, _ = say("data", "convert", csv, "--out", tmp_path / "again.csv")
    assert code == 0
    first, second = (json.loads(say("data", "describe", path, "--json")[1]) for path in (csv, tmp_path / "again.csv"))
    assert first["fingerprint"] == second["fingerprint"]


def test_runs_lists_a_damaged_one_too(say, tmp_path):
    store = RunStore(tmp_path)
    store.create(RunConfig(), "good")
    (store.create(RunConfig(), "bad").path / "config.json").write_text("{")
    _, out, _ = say("runs", "--runs", tmp_path, "--json")
    assert {row["run"]: row["state"] for row in json.loads(out)} == {"good": "queued", "bad": "damaged"}
    code, out, _ = say("runs", "--runs", tmp_path / "empty")
    assert code == 0 and "No runs" in out


def test_doctor_tells_the_kept_precision_and_measures_again(say, tmp_path, monkeypatch):
    from fer_core.models import kept_precision, precision

    monkeypatch.setenv("FER_LENS_CACHE", str(tmp_path))
    monkeypatch.setattr(precision, "gpus", list)
    monkeypatch.setattr(precision, "convolution_seconds", {"float32": 0.031, "bfloat16": 0.012}.get)
    told = json.loads(say("doctor", "--runs", tmp_path, "--json")[1])
    assert (told["precision"], told["convolution_ms"]) == ("bfloat16", {"float32": 31.0, "bfloat16": 12.0})
    assert told["kept_in"] == str(kept_precision.place()) and told["measured"] == kept_precision.kept().measured
    monkeypatch.setattr(precision, "convolution_seconds", {"float32": 0.031, "bfloat16": 0.059}.get)
    assert json.loads(say("doctor", "--runs", tmp_path, "--json")[1]) == told
    assert json.loads(say("doctor", "--runs", tmp_path, "--measure", "--json")[1])["precision"] == "float32"
    assert kept_precision.kept().precision == "float32"


def test_summary_is_the_table_of_the_report(say):
    code, out, _ = say("train", "--arch", "cnn", "--summary", "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["parameters"], told["trainable"]) == (8_019_463, 8_014_471)
    assert sum(layer["parameters"] for layer in told["layers"]) == 8_019_463


def test_the_presets_are_sound():
    for name in PRESETS:
        assert RunConfig.from_preset(name).preset == name


def test_predictions_are_stored_for_the_runs_own_data_and_for_another_edition_of_it(say, csv, run_store, root, monkeypatch):
    monkeypatch.setenv("FER_LENS_CACHE", str(run_store.root.parent / "cache"))
    shutil.copytree(root / "checkpoints/demo", run_store.root / "demo", ignore=shutil.ignore_patterns(".cache"))
    run, faces = run_store.open("demo"), read(csv)
    before = run.predictions("validation")
    words = ("evaluate", "demo", "--data", csv, "--runs", run_store.root, "--json")
    code, out, told = say(*words)
    assert code == 0 and json.loads(out)["stored"] is False and "stored" in told
    assert np.array_equal(run_store.open("demo").predictions("validation").probabilities, before.probabilities)
    counts = {name: tuple(row.tolist()) for name, row in splits.counts(faces).items()}
    monkeypatch.setattr(splits, "FER2013", counts)
    (run.path / "facts.json").write_text(json.dumps({**run.facts, "data": {"name": "x.zip", "fingerprint": "e" * 64, "counts": counts}}))
    code, out, told = say(*words)
    after = run_store.open("demo").predictions("validation")
    assert code == 0 and json.loads(out)["stored"] is True and "stored" not in told
    assert (after.fingerprint, len(after.labels)) == (faces.fingerprint, 7)
