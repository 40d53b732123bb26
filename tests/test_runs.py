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

from fer_core import atomic_io
from fer_core.config import RunConfig
from fer_core.errors import ConfigError, RunError
from fer_core.runs.launch import launch, sole_writer
from fer_core.runs.processes import Process
from fer_core.runs.store import COLUMNS, Predictions, RunStore, Status, best_epoch
from fer_core.training.recorder import Recorder


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
        ("history.csv", "loss\n0.5\n"),
        ("history.csv", "epoch,loss\n1,low\n"),
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
        atomic_io.write_arrays(run.path / "x.npz", bad=np.array([object()]))


def test_files_are_whole_or_untouched(tmp_path):
    path = tmp_path / "file"
    atomic_io.write_bytes(path, b"old")

    def fail(file):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError):
        atomic_io.write(path, fail)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_still_leaves_the_reason(store, monkeypatch):
    run = store.create(RunConfig(), "a")

    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(atomic_io, "write_json", full)
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
    run.write_predictions(Predictions("test", "abc", *plain, near=np.array([False, True])))
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
    code = ("from fer_core.runs.processes import give_way; give_way(10); import os; "
            "print(os.nice(0)); print(open('/proc/self/autogroup').read())")
    for told, expected in (("", 10), ("4", 4), ("0", 0)):
        environment = {**os.environ, "FER_LENS_NICE": told}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, start_new_session=True, env=environment)
        if "autogroup" in done.stderr:
            pytest.skip("this system does not group processes by session")
        niceness, group = done.stdout.split("\n", 1)
        assert int(niceness) >= expected
        assert f"nice {expected}" in group


def with_later_knob(store, name="later"):
    """A run as a later version would leave it: one more knob, one more column."""
    run = store.create(RunConfig(epochs=3), name)
    config = json.loads((run.path / "config.json").read_text())
    (run.path / "config.json").write_text(json.dumps({**config, "sharpness": 0.3}))
    recorder = Recorder(run)
    for number in (1, 2):
        recorder.add_epoch(row(number, 0.4, 1.0), np.eye(7, dtype=np.int64), (np.arange(16), np.zeros((16, 7), np.float32)))
    head, *rows = (run.path / "history.csv").read_text().splitlines()
    (run.path / "history.csv").write_text("\n".join([f"{head},margin", *(f"{line},0.125" for line in rows)]) + "\n")
    return store.open(name)


def test_a_run_of_a_later_version_opens_and_says_what_is_unknown(store):
    run = with_later_knob(store)
    assert run.damage is None and run.config.epochs == 3
    assert run.unknown_knobs == {"sharpness": 0.3}
    assert run.history["margin"].tolist() == [0.125, 0.125]
    assert [note for note in run.notes if "sharpness" in note] and [note for note in run.notes if "margin" in note]
    assert store.create(RunConfig(), "now").notes == ()


def test_a_run_of_a_later_version_is_not_trained_here_and_its_knob_is_kept(store):
    run = with_later_knob(store)
    with pytest.raises(RunError, match="sharpness"):
        launch(run)
    assert json.loads((run.path / "config.json").read_text())["sharpness"] == 0.3
    assert run.status.process is None


def test_a_later_column_is_kept_when_epochs_are_added(store):
    run = with_later_knob(store)
    Recorder(run).add_epoch(row(3, 0.5, 0.9), np.eye(7, dtype=np.int64), (np.arange(16), np.zeros((16, 7), np.float32)))
    history = store.open("later").history
    assert history["epoch"].tolist() == [1, 2, 3]
    assert np.array_equal(history["margin"], [0.125, 0.125, np.nan], equal_nan=True)


def test_columns_that_an_earlier_version_did_not_write_are_missing_and_told(store):
    run = store.create(RunConfig(), "early")
    (run.path / "history.csv").write_text("epoch,loss,val_accuracy,val_loss\n1,0.5,0.25,1.5\n2,0.4,0.5,1.25\n")
    opened = store.open("early")
    assert opened.history["val_accuracy"].tolist() == [0.25, 0.5] and opened.best == (2, 0.5)
    assert np.isnan(opened.history["seconds"]).all() and np.isnan(opened.history["recall_sad"]).all()
    assert len(opened.notes) == 1 and "seconds" in opened.notes[0] and "plain" not in opened.notes[0]


def test_a_run_without_validation_values_has_no_best_epoch(store):
    run = store.create(RunConfig(), "early")
    (run.path / "history.csv").write_text("epoch,loss\n1,0.5\n")
    assert store.open(run.id).best is None


@pytest.mark.parametrize("changes, words", [
    ({"crop": 20}, "crop"), ({"crop": 40, "arch": "dnn"}, "crop"), ({"mixup": 0.6, "cutmix": 0.6}, "cutmix"),
    ({"folds": 1}, "folds"), ({"folds": 3, "fold": 4}, "fold"), ({"fold": 1}, "fold"),
])
def test_knobs_that_do_not_agree_are_told_by_name(changes, words):
    with pytest.raises(ConfigError, match=f"The setting '{words}' cannot be used"):
        RunConfig.from_preset("quick", **changes)
