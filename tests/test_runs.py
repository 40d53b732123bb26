"""Run folders: states that do not lie, damage that hides nothing, files that are whole or not there."""

import errno
import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from fer_core import files
from fer_core.config import RunConfig
from fer_core.errors import ConfigError, RunError
from fer_core.launch import launch, sole_writer
from fer_core.processes import Process
from fer_core.recorder import Recorder
from fer_core.runs import COLUMNS, Predictions, RunStore, Status, best_epoch


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


def row(epoch, accuracy=0.5, loss=1.0):
    return {**dict.fromkeys(COLUMNS, 0.25), "epoch": epoch, "val_accuracy": accuracy, "val_loss": loss}


def test_a_new_run_is_queued_and_keeps_its_config(store):
    config = RunConfig.from_preset("strong", data="x.csv", seed=7)
    run = store.create(config, "mine")
    assert store.open("mine").config == config
    assert run.status.state == "queued"
    assert [r.id for r in store.all()] == ["mine"]


def test_names_are_unique_or_numbered(store):
    store.create(RunConfig(), "a")
    with pytest.raises(RunError, match="is there already"):
        store.create(RunConfig(), "a")
    first, second = store.create(RunConfig()), store.create(RunConfig())
    assert first.id != second.id


@pytest.mark.parametrize("name", ["../up", "", "a/b", ".hidden", "x" * 81, "new\nline"])
def test_a_name_cannot_leave_the_folder(store, name):
    with pytest.raises(RunError):
        store.create(RunConfig(), name)
    with pytest.raises(RunError):
        store.open(name)


def test_the_state_of_a_dead_process_is_lost(store):
    run = store.create(RunConfig(), "a")
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    run.write_status(Status(state="running", process=vars(Process.this(child.pid)), heartbeat=time.time()))
    assert run.status.state == "running"
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert run.status.state == "lost"  # a zombie is no trainer
    child.wait()
    assert run.status.state == "lost"
    assert "gone" in run.status.reason


def test_a_reused_process_number_does_not_fool_it(store):
    run = store.create(RunConfig(), "a")
    run.write_status(Status(state="running", process=vars(replace(Process.this(), began=1.0)), heartbeat=time.time()))
    assert run.status.state == "lost"


def test_another_machine_is_judged_by_its_heartbeat(store):
    run = store.create(RunConfig(), "a")
    there = vars(replace(Process.this(), host="elsewhere"))
    run.write_status(Status(state="running", process=there, heartbeat=time.time()))
    assert run.status.state == "running"
    run.write_status(Status(state="running", process=there, heartbeat=time.time() - 3600))
    assert run.status.state == "lost"


def test_a_stop_request_shows_and_needs_a_trainer(store):
    run = store.create(RunConfig(), "a")
    run.write_status(Status(state="running", process=vars(Process.this()), heartbeat=time.time()))
    run.request_stop()
    assert run.status.state == "stopping"
    run.write_status(Status(state="finished"))
    with pytest.raises(RunError, match="not training"):
        run.request_stop()


@pytest.mark.parametrize(
    "name, content",
    [
        ("config.json", "{"),
        ("config.json", '{"epochs": "many"}'),
        ("config.json", "[]"),
        ("status.json", ""),
        ("status.json", '{"state": "tired"}'),
        ("status.json", '{"state": "running", "process": {"pid": 1}}'),
        ("history.csv", "epoch,loss\n1,0.5\n"),
        ("history.csv", "\x00\xff"),
        ("confusion.npz", "PK not a zip"),
        ("meta.json", '"x"'),
        ("facts.json", "nonsense"),
        ("weights.safetensors", "cut off"),
    ],
)
def test_a_damaged_run_says_so_and_hides_no_other(store, name, content):
    good, bad = store.create(RunConfig(), "good"), store.create(RunConfig(), "bad")
    (bad.path / name).write_text(content, encoding="latin1")
    runs = {run.id: run for run in store.all()}
    assert set(runs) == {"good", "bad"}
    assert runs["good"].damage is None
    assert runs["bad"].damage and "Traceback" not in runs["bad"].damage
    assert good.config == RunConfig()


def test_an_npz_that_holds_code_is_refused(store):
    run = store.create(RunConfig(), "a")
    np.savez(run.path / "confusion.npz", matrices=np.array([{"a": 1}], dtype=object))
    with pytest.raises(RunError):
        run.check()
    with pytest.raises(TypeError):
        files.write_arrays(run.path / "x.npz", bad=np.array([object()]))


def test_files_are_whole_or_untouched(tmp_path):
    path = tmp_path / "file"
    files.write_bytes(path, b"old")

    def fail(file):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError):
        files.write(path, fail)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_still_leaves_the_reason(store, monkeypatch):
    run = store.create(RunConfig(), "a")

    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(files, "write_json", full)
    run.write_status(Status(state="failed", reason="The disk is full."))
    assert json.loads((run.path / "status.json").read_text())["reason"] == "The disk is full."


def test_epochs_are_added_and_taken_back(store):
    run = store.create(RunConfig(), "a")
    recorder = Recorder(run)
    recorder.keep_epochs(0)
    for epoch in (1, 2, 3):
        recorder.add_epoch(
            row(epoch, accuracy=[0, 0.1, 0.3, 0.2][epoch]), np.full((7, 7), epoch), (np.arange(16), np.full((16, 7), epoch, np.float32))
        )
    assert run.best == (2, 0.3)
    recorder.keep_epochs(1)
    assert run.history["epoch"].tolist() == [1]
    assert run.confusion.shape == (1, 7, 7)
    assert run.probes[1].shape == (1, 16, 7)
    assert run.history["val_accuracy"][0] == 0.1  # floats survive to the last bit


def test_the_first_of_equal_epochs_is_best():
    history = {"val_accuracy": np.array([0.1, 0.4, 0.4]), "val_loss": np.array([2.0, 1.0, 0.5])}
    assert best_epoch(history, RunConfig()) == (2, 0.4)
    assert best_epoch(history, RunConfig(monitor="loss")) == (3, 0.5)


def test_predictions_from_before_near_copies_were_looked_for_open_without_them(run_store):
    run = run_store.create(RunConfig())
    plain = (np.array([1, 2]), np.full((2, 7), 1 / 7, np.float32), None, None, np.array([True, False]))
    run.write_predictions(Predictions("validation", "abc", *plain))
    run.write_predictions(Predictions("test", "abc", *plain, np.array([False, True])))
    before, now = run.predictions("validation"), run.predictions("test")
    assert before is not None and before.near is None and before.leaked.tolist() == [True, False]
    assert now is not None and now.near is not None and now.near.tolist() == [False, True]


def test_predictions_of_two_splits_lie_side_by_side(store):
    run = store.create(RunConfig(), "a")
    one = Predictions("validation", "abc", np.array([1, 2]), np.full((2, 7), 1 / 7, np.float32), None, None, np.array([True, False]))
    run.write_predictions(one)
    run.write_predictions(replace(one, split="test", features=np.ones((2, 3), np.float16)))
    assert run.predictions("validation").features is None
    assert run.predictions("test").features.shape == (2, 3)
    assert run.predictions("validation").fingerprint == "abc"
    assert run.predictions("train") is None


def test_two_trainers_never_write_one_run(store):
    run = store.create(RunConfig(), "a")
    with sole_writer(run), pytest.raises(RunError, match="another process"), sole_writer(run):
        pass
    with sole_writer(run), pytest.raises(RunError, match="another process"):
        launch(run)


def test_a_finished_run_is_not_started_again(store):
    run = store.create(RunConfig(), "a")
    run.write_status(Status(state="finished"))
    with pytest.raises(RunError, match="has finished"):
        launch(run)


def test_archive_and_rename(store):
    run = store.create(RunConfig(note="why"), "a")
    run.update_meta(title="Better name", archived=True)
    assert store.all() == []
    assert [(r.title, r.meta.note) for r in store.all(archived=True)] == [("Better name", "why")]


@pytest.mark.parametrize(
    "knob, value", [("epochs", 0), ("learning_rate", -1), ("arch", "vit"), ("learning_rate", float("nan")), ("nonsense", 1)]
)
def test_an_impossible_knob_is_told_by_name(knob, value):
    with pytest.raises(ConfigError, match=knob):
        RunConfig.from_preset("quick", **{knob: value})


def test_weights_that_are_cut_off_are_damage(store):
    from safetensors.numpy import save

    run = store.create(RunConfig(), "a")
    content = save({"a": np.zeros(9, np.float32), "b": np.ones(3, np.float32)})
    (run.path / "weights.safetensors").write_bytes(content)
    run.check()
    (run.path / "weights.safetensors").write_bytes(content[:-1])
    with pytest.raises(RunError, match="cut off"):
        run.check()


def test_each_run_gets_the_first_free_colour(store):
    for name in "abc":
        store.create(RunConfig(), name)
    (store.root / "b" / "meta.json").unlink()  # without it the run counts as having the first colour
    assert [store.open(name).meta.colour for name in "ac"] == [0, 2]
    assert store.create(RunConfig(), "d").meta.colour == 1


def test_a_resumed_trainer_begins_where_the_history_ends(store):
    run = store.create(RunConfig(), "a")
    recorder = Recorder(run)
    recorder.keep_epochs(0)
    for epoch in (1, 2):
        recorder.add_epoch(row(epoch), np.zeros((7, 7)), (np.arange(16), np.zeros((16, 7), np.float32)))
    assert Recorder(run).status.epoch == 2


def test_a_trainer_gives_way_to_the_pages():
    """A process of a session of its own lowers itself, and its session where Linux groups by session."""
    code = "from fer_core.processes import give_way; give_way(10); import os; print(os.nice(0)); print(open('/proc/self/autogroup').read())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, start_new_session=True)
    if "autogroup" in done.stderr:
        pytest.skip("this system does not group processes by session")
    niceness, group = done.stdout.split("\n", 1)
    assert int(niceness) >= 10
    assert "nice 10" in group
