"""Predictions made by a process of their own: its progress, its end, its failures."""

import json
import os
import time
from dataclasses import asdict

import numpy as np
import pytest
from run_folders import copied

from fer_core.config import RunConfig
from fer_core.errors import ConfigError, DataError
from fer_core.runs import prediction_job
from fer_core.runs.prediction_job import Progress, progress, start, telling
from fer_core.runs.processes import Process


@pytest.fixture
def run(run_store):
    return run_store.create(RunConfig.from_preset("quick"), "one")


def test_nobody_asked(run):
    assert progress(run, "test") is None


def test_progress_is_told_and_the_note_goes_with_success(run, monkeypatch):
    monkeypatch.setattr(prediction_job, "EVERY", -1.0)
    with telling(run, "train") as tell:
        assert progress(run, "train").state == "running"
        tell(0.25)
        tell(2.0)
        assert progress(run, "train").share == 1.0
        tell(0.5)
        assert progress(run, "train").share == 0.5
        assert progress(run, "test") is None
    assert progress(run, "train") is None


def test_a_failure_is_told_with_its_reason(run):
    with pytest.raises(DataError), telling(run, "train"):
        raise DataError("There is no data set.")
    told = progress(run, "train")
    assert (told.state, told.reason) == ("failed", "There is no data set.")


def test_a_process_that_is_gone_is_lost(run):
    gone = {**vars(Process.this()), "began": 1.0}
    (run.path / "predict-test.json").write_text(json.dumps(asdict(Progress("running", 0.4, "", gone, time.time(), time.time()))))
    assert progress(run, "test").state == "lost"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"state": 1, "nonsense": 2}'])
def test_a_note_written_by_hand_is_as_none(run, text):
    (run.path / "predict-test.json").write_text(text)
    assert progress(run, "test") is None


def test_time_left_is_guessed_from_the_share():
    assert Progress(share=0.25, began=0, heartbeat=10).seconds_left == 30
    assert Progress(share=0.01, began=0, heartbeat=10).seconds_left is None


def test_a_split_that_is_none_is_refused(run):
    with pytest.raises(ConfigError):
        start(run, "all")


def test_the_command_line_predicts_and_a_second_call_joins_the_first(run_store, root):

    copied(root / "checkpoints/demo", run_store.root / "demo")
    run = run_store.open("demo")
    before = run.predictions("validation")
    (run.path / "predictions.npz").unlink()
    first = start(run, "validation")
    assert start(run, "validation").process["pid"] == first.process["pid"]
    until = time.monotonic() + 300
    while (told := progress(run, "validation")) is not None and time.monotonic() < until:
        assert told.state == "running", (told.reason, (run.path / "predict.log").read_text()[-1500:])
        time.sleep(0.2)
    after = run_store.open("demo").predictions("validation")
    assert np.allclose(after.probabilities, before.probabilities, atol=1e-3)
    assert after.fingerprint == before.fingerprint
    os.waitpid(first.process["pid"], 0)
