"""The training monitor: what it says of runs, its form, its comparison, and the page itself over hand-made run folders."""

import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fer_core import atomic_io
from fer_core.config import PRESETS, RunConfig
from fer_core.errors import ConfigError
from fer_core.metrics.evaluation import wilson
from fer_core.runs.processes import Process
from fer_core.runs.store import COLUMNS, Status
from fer_core.runtime import ROOT
from fer_core.training.recorder import Recorder
from ui.services import run_index
from ui.views.training import run_card, run_compare, run_epochs, run_form

APP = ROOT / "app.py"
ACCURACIES = (0.2, 0.5, 0.4)


def make(store, id, *, state="finished", accuracies=ACCURACIES, fingerprint="abc", status=None, **knobs):
    """Write a run folder as the trainer does: 100 validation faces, `accuracies` of them right."""
    run = store.create(RunConfig.from_preset("quick", **knobs), id)
    recorder = Recorder(run)
    recorder.keep_epochs(0)
    atomic_io.write_json(run.path / "facts.json", {
        "data": {"name": "Made by hand", "fingerprint": fingerprint, "counts": {}, "notes": []}, "validated_on": 100,
        "model": {"arch": run.config.arch, "parameters": 1234, "trainable": 1200, "precision": "float32"}})
    for epoch, accuracy in enumerate(accuracies, 1):
        matrix = np.zeros((7, 7), np.int64)
        matrix[3, 3], matrix[3, 4] = round(100 * accuracy), 100 - round(100 * accuracy)
        row = {**dict.fromkeys(COLUMNS, 0.25), "epoch": epoch, "val_accuracy": accuracy, "val_loss": 2 - accuracy, "seconds": 10.0}
        recorder.add_epoch(row, matrix, (np.arange(16), np.full((16, 7), 1 / 7, np.float32)))
    run.write_status(status or Status(state=state, epoch=len(accuracies), epochs=12, heartbeat=time.time() - 90))
    return run


def reading(store, id):
    return run_index.read(store.open(id))


def test_a_reading_knows_best_epoch_accuracy_and_interval(run_store):
    make(run_store, "a")
    found = reading(run_store, "a")
    assert (found.best, found.accuracy, found.epochs, found.faces) == ((2, 0.5), 0.5, 3, 100)
    assert found.interval == wilson(50, 100)
    assert found.early is None


def test_the_accuracy_is_that_of_the_best_epoch_even_if_the_loss_chose_it(run_store):
    make(run_store, "a", monitor="loss", accuracies=(0.6, 0.7, 0.5))
    assert reading(run_store, "a").accuracy == 0.7


def test_early_stopping_is_seen(run_store):
    make(run_store, "a", patience=2, accuracies=(0.3, 0.5, 0.4, 0.45))
    make(run_store, "b", patience=3, accuracies=(0.3, 0.5, 0.4, 0.45))
    assert (reading(run_store, "a").early, reading(run_store, "b").early) == (4, None)


def test_the_shelf_reads_only_what_changed(run_store, monkeypatch):
    for name in ("a", "b"):
        make(run_store, name)
    shelf = run_index.Shelf(run_store.root)
    assert {r.id for r in shelf.readings()} == {"a", "b"}
    seen = []
    monkeypatch.setattr(run_index, "read", lambda run, stamp=(): seen.append(run.id) or run_index.Reading(run, stamp))
    shelf.readings()
    assert seen == []
    run_store.open("b").update_meta(title="New")
    shelf.readings()
    assert seen == ["b"]


def test_the_shelf_sees_new_states_and_lost_folders(run_store):
    import shutil

    run = make(run_store, "a")
    shelf = run_index.Shelf(run_store.root)
    assert shelf.readings()[0].state == "finished"
    run.write_status(Status(state="running", process=vars(Process.this()), heartbeat=time.time()))
    assert shelf.readings()[0].state == "running"
    (run.path / "stop").touch()
    assert shelf.readings()[0].state == "stopping"
    (run.path / "status.json").write_text("{")
    assert shelf.readings()[0].state == "damaged"
    shutil.rmtree(run.path)
    assert shelf.readings() == []


def test_a_damaged_run_comes_last_with_its_reason(run_store):
    make(run_store, "a")
    bad = make(run_store, "z")
    (bad.path / "history.csv").write_text("epoch,loss\n1,low\n")
    found = run_index.Shelf(run_store.root).readings()
    assert [(r.id, r.state) for r in found] == [("a", "finished"), ("z", "damaged")]
    assert "history.csv" in found[1].damage
    assert "history.csv" in run_card.card(found[1], "#123456")


@pytest.mark.parametrize("seconds, words", [(None, ""), (float("inf"), ""), (0, "0 s"), (59.4, "59 s"), (60, "1 min"), (200, "3 min 20 s"),
                                            (700, "11 min"), (7500, "2 h 5 min"), (7200, "2 h"), (90000, "1 d 1 h")])
def test_times_in_words(seconds, words):
    assert run_card.span(seconds) == words


def test_progress_counts_steps_of_the_whole_run():
    status = Status(state="running", epoch=2, epochs=4, step=50, steps=100, loss=1.234, images_per_second=130.4, seconds_left=65)
    done, words = run_card.progress(status)
    assert done == 0.625
    assert words == "epoch 3 of 4, step 50 of 100, loss 1.23, 130 images/s, 1 min 5 s left"


def test_silence_is_told():
    now = Status(state="running", heartbeat=time.time())
    assert run_card.pulse(now) == "heartbeat just now"
    assert run_card.pulse(replace(now, heartbeat=time.time() - 300)) == "no heartbeat for 5 min"
    assert run_card.pulse(replace(now, state="finished", heartbeat=time.time() - 3700)) == "ended 1 h ago"


def test_every_state_has_a_colour_an_icon_and_a_word():
    from fer_core.runs.store import STATES

    assert set(STATES) | {"damaged"} == set(run_card.STATE_LOOKS)
    assert len({word for _, _, word in run_card.STATE_LOOKS.values()}) == len(run_card.STATE_LOOKS)
    assert len({icon for _, icon, _ in run_card.STATE_LOOKS.values()}) == len(run_card.STATE_LOOKS)


def test_a_sparkline_needs_no_second_point():
    for values in ([], [0.5], [0.5, 0.5], [0.1, float("nan"), 0.4]):
        assert run_card.sparkline(values, "#123456").startswith("<img")


def test_only_settings_that_differ_are_told(run_store):
    make(run_store, "a", learning_rate=0.01, seed=1)
    make(run_store, "b", learning_rate=0.02, seed=1, note="other words")
    pair = [reading(run_store, "a"), reading(run_store, "b")]
    assert run_compare.differing(pair) == {"learning_rate": [0.01, 0.02]}
    assert run_compare.differing(pair[:1]) == {}


def test_repeated_seeds_are_one_group_on_the_same_faces_only(run_store):
    make(run_store, "a", seed=1, accuracies=(0.4, 0.5))
    make(run_store, "b", seed=2, accuracies=(0.4, 0.7, 0.6))
    make(run_store, "c", seed=3, fingerprint="other")
    make(run_store, "d", seed=1, epochs=5)
    groups = run_compare.seeds([reading(run_store, name) for name in "abcd"])
    assert [[r.id for r in group] for group in groups] == [["a", "b"], ["c"], ["d"]]
    assert "60.0% right on average, standard deviation 14.1 points" in run_compare.repeated(groups[0])
    assert run_compare.repeated(groups[1]) == ""
    assert not run_compare.same_faces([reading(run_store, name) for name in "ac"])


def test_the_table_of_results(run_store):
    make(run_store, "a")
    row = run_compare.results([reading(run_store, "a")])[0]
    low, high = wilson(50, 100)
    assert (row["Best epoch"], row["Accuracy %"], row["N"], row["Seconds"], row["Parameters"]) == (2, 50.0, 100, 30, 1234)
    assert (row["from %"], row["to %"]) == (round(100 * low, 1), round(100 * high, 1))


def test_no_text_of_a_run_is_html():
    table = run_compare.table([{"Run": "<script>x</script>", "N": "1,000"}])
    assert "<script>" not in table
    assert '<td class="number">1,000</td>' in table


def test_the_form_has_every_knob_once():
    knobs = [item.name for items in run_form.groups().values() for item in items]
    assert sorted([*knobs, *run_form.CHOICES, "note"]) == sorted(RunConfig.model_fields)
    assert all(run_form.knob(name).help for name in RunConfig.model_fields)


def test_knobs_carry_the_limits_of_the_config():
    assert (run_form.knob("epochs").kind, run_form.knob("epochs").low, run_form.knob("epochs").high) == ("whole", 1, 2000)
    assert run_form.knob("optimizer").options == ("sgd", "adam", "adamw")
    assert run_form.knob("deterministic").kind == "switch"
    assert run_form.knob("dropout_conv").kind == "numbers"


def test_a_duplicate_starts_from_its_own_settings_until_the_preset_changes():
    base = RunConfig.from_preset("quick", epochs=99)
    assert run_form.start_values("quick", base)["epochs"] == 99
    assert run_form.start_values("strong", base)["epochs"] == PRESETS["strong"]["epochs"]


def test_the_command_names_only_what_differs_from_the_preset():
    values = RunConfig.from_preset("quick").model_dump()
    assert run_form.command(values, values).endswith("train --data demo --arch small --preset quick`")
    told = {**values, "epochs": 3, "dropout_conv": ("0.1", "0.1", "0.1", "0.10")}
    assert run_form.command(told, values).endswith("--preset quick --epochs 3`")


def test_an_epoch_in_words():
    matrix = np.zeros((7, 7), np.int64)
    matrix[4, 4], matrix[4, 6], matrix[1, 0] = 60, 38, 2
    words = run_epochs.sentence(matrix, 5)
    for part in ("60.0%", "of 100 validation faces", "38 of 98 sad faces called neutral", "Never called: disgust"):
        assert part in words


def test_probe_faces_of_other_data_are_not_shown(run_store, monkeypatch):
    from fer_core.data.dataset import Split

    images = np.arange(20, dtype=np.uint8)[:, None, None] * np.ones((1, 48, 48), np.uint8)
    split = Split(images, np.array([-1, *range(7), *range(7), *range(5)]), np.arange(20))
    made = SimpleNamespace(fingerprint="abc", get={"validation": split}.get)
    monkeypatch.setattr(run_epochs.cache, "dataset", lambda source: made)
    make(run_store, "same")
    make(run_store, "other", fingerprint="xyz")
    probes = run_epochs.probe_faces(reading(run_store, "same"))
    assert probes.labels.tolist() == [*range(7), *range(7), 0, 1]  # the unlabelled face is no probe
    assert probes.images[0, 0, 0] == 1
    assert "fingerprint" in run_epochs.probe_faces(reading(run_store, "other")).why
    sure = np.eye(7, dtype=np.float32)[probes.labels]
    sure[0] = np.eye(7)[6]
    assert run_epochs.probes_right(sure, probes) == "15 of 16 probe faces called by their label"
    assert run_epochs.probe_wall(sure, probes).count('class="probe right"') == 15


@pytest.fixture
def app(run_store, monkeypatch):
    monkeypatch.setenv("FER_LENS_RUNS", str(run_store.root))
    page = AppTest.from_file(str(APP), default_timeout=60)
    return page.switch_page("pages/training_monitor.py")


def buttons(app):
    return {button.key for button in app.button}


def text(app):
    return " ".join(str(element.value) for kind in (app.markdown, app.caption, app.subheader) for element in kind)


def test_without_runs_the_page_teaches(app):
    app.run()
    assert not app.exception
    assert "python -m fer_core train" in app.code[0].value
    assert "new-run" in buttons(app)


@pytest.mark.parametrize("view", ["classes", "epochs", "compare", "settings", "log"])
def test_every_view_opens_from_a_link(app, run_store, view):
    make(run_store, "a", data="nowhere.csv")
    make(run_store, "b", data="nowhere.csv", seed=5)
    (make(run_store, "broken").path / "config.json").write_text("{")
    app.query_params.update(run="a", compare="b,broken,unknown", view=view, epoch="2")
    app.run()
    assert not app.exception
    assert app.subheader[0].value == "a"
    assert {"open-a", "open-b", "open-broken", "duplicate"} <= buttons(app)


@pytest.mark.parametrize("query", [
    {"run": "../../etc"}, {"run": "nope"}, {"run": "a", "epoch": "999"}, {"run": "a", "epoch": "x", "view": "epochs"},
    {"run": "a", "view": "<b>"}, {"run": "a", "compare": ",,a,"}, {"metric": "seeds"},
])
def test_a_wrong_link_still_opens(app, run_store, query):
    make(run_store, "a", data="nowhere.csv")
    app.query_params.update(**query)
    app.run()
    assert not app.exception
    assert app.subheader[0].value == "a"


@pytest.mark.parametrize("state, offered", [("stopped", "resume"), ("failed", "resume"), ("finished", None), ("running", "stop")])
def test_what_makes_sense_is_offered(app, run_store, state, offered):
    process = vars(Process.this()) if state == "running" else None
    make(run_store, "a", status=Status(state=state, epochs=12, epoch=3, heartbeat=time.time(), process=process, reason="Because."))
    app.run()
    assert buttons(app) & {"stop", "resume"} == ({offered} if offered else set())
    assert run_card.STATE_LOOKS[state][2] in text(app)


def test_stop_asks_the_trainer(app, run_store):
    run = make(run_store, "a", status=Status(state="running", epochs=12, heartbeat=time.time(), process=vars(Process.this())))
    app.run()
    app.button(key="stop").click().run()
    assert run.stop_requested
    assert "Stopping" in text(app)


def test_a_lost_run_can_be_resumed_and_a_refusal_is_shown(app, run_store):
    from fer_core.runs.launch import sole_writer

    run = make(run_store, "a", state="stopped")
    with sole_writer(run):
        app.run()
        app.button(key="resume").click().run()
    assert not app.exception
    assert run.status.state == "stopped"
    assert app.session_state["run_problem"].what.startswith("a is being trained")


def form_alone():
    """Draw the form as the dialog does."""
    import streamlit as st

    from fer_core.errors import FerError
    from ui.views.training import run_form

    try:
        if config := run_form.form(["data/faces.csv"], st.session_state.get("base")):
            st.session_state["made"] = config
    except FerError as error:
        st.session_state["refused"] = str(error)


@pytest.fixture
def form():
    return AppTest.from_function(form_alone, default_timeout=60).run()


def test_three_choices_and_a_button_make_a_run(form):
    form.button(key="new-start").click().run()
    assert form.session_state["made"] == RunConfig.from_preset("quick")


def test_a_new_run_is_made_of_the_form(form):
    form.selectbox(key="0-new-data").select("data/faces.csv")
    form.selectbox(key="0-new-preset").select("strong").run()
    form.number_input(key="0-new-strong-epochs").set_value(7)
    form.button(key="new-start").click().run()
    assert not form.exception
    assert form.session_state["made"] == RunConfig.from_preset("strong", epochs=7, data="data/faces.csv")


def test_a_duplicate_keeps_what_was_not_changed():
    form = AppTest.from_function(form_alone, default_timeout=60)
    base = RunConfig.from_preset("quick", arch="dnn", learning_rate=0.0123, dropout_conv=(0.1, 0.2, 0.3, 0.4), seed=9)
    form.session_state["base"] = base
    form.run()
    form.button(key="new-start").click().run()
    assert form.session_state["made"] == base


def test_an_impossible_knob_is_told_by_name(form):
    form.text_input(key="0-new-quick-dropout_conv").set_value("0.1 many")
    form.button(key="new-start").click().run()
    assert not form.exception
    assert "dropout_conv" in form.session_state["refused"]
    with pytest.raises(ConfigError, match="dropout_conv"):
        RunConfig.from_preset("quick", dropout_conv=("0.1", "many"))


@pytest.mark.parametrize("key, knobs", [("new-run", 23), ("duplicate", 23)])
def test_the_dialog_opens(app, run_store, key, knobs):
    make(run_store, "a", data="nowhere.csv")
    app.run()
    app.button(key=key).click().run()
    assert not app.exception
    assert "new-start" in buttons(app)
    assert len(app.number_input) >= knobs
    assert app.selectbox(key="1-new-data").value == ("nowhere.csv" if key == "duplicate" else "demo")


def test_rename_note_archive_and_restore(app, run_store):
    make(run_store, "a")
    make(run_store, "b")
    app.query_params.update(run="a")
    app.run()
    app.text_input[0].set_value("My run")
    app.text_area[0].set_value("why")
    next(button for button in app.button if button.label == "Save").click().run()
    assert (run_store.open("a").title, run_store.open("a").meta.note) == ("My run", "why")
    app.button(key="archive").click().run()
    assert [run.id for run in run_store.all()] == ["b"]
    app.toggle(key="archived").set_value(True).run()
    assert "open-a" in buttons(app)
    app.button(key="archive").click().run()
    assert {run.id for run in run_store.all()} == {"a", "b"}


def test_the_page_needs_no_tensorflow(root):
    import subprocess
    import sys

    code = ("import sys; import ui.views.training.run_detail, ui.views.training.run_form, ui.views.training.run_card; "
            "sys.exit(any(name.split('.')[0] in ('tensorflow', 'keras') for name in sys.modules))")
    assert subprocess.run([sys.executable, "-c", code], cwd=root, timeout=120).returncode == 0


