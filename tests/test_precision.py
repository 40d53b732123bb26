"""What `auto` means: chosen once for a machine and kept, by a stopwatch that the tests hold."""

import json

import pytest

from fer_core import machine, models
from fer_core.models import kept_precision, precision
from fer_core.models.kept_precision import Choice

FAST = {"float32": 0.031, "bfloat16": 0.012}
SLOW = {"float32": 0.031, "bfloat16": 0.059}


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """A machine without GPUs on which nothing was chosen yet."""
    monkeypatch.setenv("FER_LENS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(precision, "gpus", list)
    monkeypatch.setattr(precision, "_UNKEPT", {})


def stopped(dtype):
    raise AssertionError("the stopwatch was asked although a choice is kept")


def test_bfloat16_must_win_by_a_third():
    assert kept_precision.of_times(FAST.get).precision == "bfloat16"
    assert kept_precision.of_times(SLOW.get).precision == "float32"
    assert kept_precision.of_times({"float32": 0.031, "bfloat16": 0.025}.get).precision == "float32"


def test_it_is_measured_once_and_kept():
    first, problem = models.auto(FAST.get)
    assert (first.precision, first.milliseconds, problem) == ("bfloat16", {"float32": 31.0, "bfloat16": 12.0}, "")
    assert models.auto(stopped)[0] == first == kept_precision.kept()
    assert models.choose_precision("auto") == "bfloat16" and models.choose_precision("float32") == "float32"


def test_measured_again_it_takes_the_place_of_the_first():
    models.auto(FAST.get)
    assert models.auto(SLOW.get, again=True)[0].precision == "float32"
    assert models.auto(stopped)[0].precision == "float32"
    assert len(json.loads(kept_precision.place().read_text())) == 1


def test_of_two_that_measure_at_once_the_first_holds():
    def beaten(dtype):
        kept_precision.keep(kept_precision.of_times(FAST.get), again=False)
        return SLOW[dtype]

    assert models.auto(beaten)[0].precision == "bfloat16"


def test_another_machine_chooses_for_itself_and_leaves_the_others(monkeypatch):
    models.auto(FAST.get)
    here = machine.processor()
    monkeypatch.setattr(machine, "processor", lambda: {**here, "instructions": "none"})
    assert kept_precision.kept() is None
    assert models.auto(SLOW.get)[0].precision == "float32"
    monkeypatch.setattr(machine, "processor", lambda: here)
    assert kept_precision.kept().precision == "bfloat16"


def test_gpus_choose_for_themselves(monkeypatch):
    models.auto(SLOW.get)
    monkeypatch.setattr(precision, "gpus", lambda: ["NVIDIA H100"])
    monkeypatch.setattr(precision, "_have_bfloat16", lambda: True)
    choice, _ = models.auto(stopped)
    assert (choice.precision, choice.gpus, choice.milliseconds) == ("bfloat16", ("NVIDIA H100",), {})
    assert kept_precision.kept([]).precision == "float32" and kept_precision.kept(["NVIDIA H100"]) == choice


def test_where_nothing_can_be_written_the_choice_holds_for_the_process_and_is_told_once(tmp_path, monkeypatch, capsys):
    (tmp_path / "cache").write_text("a file where the folder should be")
    monkeypatch.setattr(precision, "convolution_seconds", FAST.get)
    assert models.choose_precision("auto") == "bfloat16"
    monkeypatch.setattr(precision, "convolution_seconds", stopped)
    assert models.choose_precision("auto") == "bfloat16"
    told = capsys.readouterr().out
    assert told.count("cannot be kept") == 1 and "bfloat16" in told


@pytest.mark.parametrize("damage", ["{", "[]", "{}", "[1]", '[{"machine": 1}]'])
def test_a_damaged_file_counts_as_none_and_is_made_anew(damage):
    kept_precision.place().parent.mkdir(parents=True)
    kept_precision.place().write_text(damage)
    assert kept_precision.kept() is None
    assert models.auto(FAST.get)[0].precision == "bfloat16" == kept_precision.kept().precision


@pytest.mark.parametrize("wrong", [{"precision": "float8"}, {"measured": "yesterday"}, {"milliseconds": {}}, {"milliseconds": 5}])
def test_an_entry_that_nobody_wrote_counts_as_none(wrong):
    models.auto(FAST.get)
    entries = json.loads(kept_precision.place().read_text())
    kept_precision.place().write_text(json.dumps([{**entries[0], **wrong}]))
    assert kept_precision.kept() is None


def test_the_form_tells_the_kept_choice():
    from ui.views.training.run_form import auto_precision

    assert auto_precision(None) == "auto: not measured yet; the first training measures it"
    measured = Choice("bfloat16", "2026-11-26T10:00:00+08:00", {"float32": 31.0, "bfloat16": 12.0})
    assert auto_precision(measured) == ("auto: bfloat16 on this machine, measured on 2026-11-26: a convolution takes 12.0 ms in bfloat16, "
                                        "31.0 ms in float32")
    assert auto_precision(Choice("float32", measured.measured, gpus=("Tesla P4",))).endswith("chosen on 2026-11-26 for Tesla P4")
