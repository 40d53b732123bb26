"""On which machines a run was trained: the history that facts.json keeps, and what log and card say of a change."""

import json

import pytest

from fer_core import machine
from fer_core.config import RunConfig
from fer_core.machine import going_on, trained_on, with_history
from fer_core.release.model_card import card
from fer_core.runs.store import RunStore

A = {"system": "Linux", "processor": "Old Xeon", "instructions": "avx2", "signature": "6-85-7", "cores": 2, "threads": 2,
     "replicas": 1, "gpus": [], "versions": {"tensorflow": "2.21.0", "keras": "3.15.1"}}
B = {**A, "processor": "New EPYC", "signature": "25-1-1", "cores": 8, "threads": 8}


def begins(facts):
    return [(entry["processor"], entry["first_epoch"], entry["first_step"]) for entry in facts["history"]]


def test_a_run_on_one_machine_has_one_entry_however_often_it_goes_on():
    first = with_history(A, {}, 1, 0)
    later = with_history(A, first, 3, 17)
    assert begins(first) == begins(later) == [("Old Xeon", 1, 0)]
    assert {name: later[name] for name in A} == A
    assert "system" not in later["history"][0]
    assert going_on(first, 1, 0) == going_on(later, 3, 17) == ""


def test_another_machine_is_noted_and_told_and_the_way_back_too():
    there = with_history(B, with_history(A, {}, 1, 0), 3, 17)
    back = with_history(A, there, 4, 0)
    assert begins(back) == [("Old Xeon", 1, 0), ("New EPYC", 3, 17), ("Old Xeon", 4, 0)]
    assert going_on(there, 3, 17) == (
        "goes on on another kind of processor: Old Xeon before, New EPYC now; with another number of cores: 2 before, 8 now; "
        "with another number of threads: 2 before, 8 now; from here on bits may differ from an unbroken run on either")
    assert "New EPYC before, Old Xeon now" in going_on(back, 4, 0)


def test_a_machine_whose_work_was_lost_leaves_no_entry():
    there = with_history(B, with_history(A, {}, 1, 0), 3, 17)
    assert begins(with_history(A, there, 3, 17)) == [("Old Xeon", 1, 0)]
    third = with_history({**B, "processor": "Third"}, there, 3, 17)
    assert begins(third) == [("Old Xeon", 1, 0), ("Third", 3, 17)]
    assert "Old Xeon before, Third now" in going_on(third, 3, 17)


def test_facts_from_before_there_was_a_history_are_the_first_machine():
    old = {name: A[name] for name in ("system", "processor", "cores", "replicas", "versions")}
    assert begins(with_history(A, old, 5, 0)) == [("Old Xeon", 1, 0)], "what the old facts do not tell is not compared"
    assert begins(with_history(B, old, 5, 0)) == [("Old Xeon", 1, 0), ("New EPYC", 5, 0)]


@pytest.mark.parametrize(("change", "told"), [
    ({"threads": 1}, "with another number of threads: 2 before, 1 now"),
    ({"cores": 4}, "with another number of cores: 2 before, 4 now"),
    ({"versions": {"tensorflow": "2.22.0", "keras": "3.15.1"}}, "with another version of tensorflow: 2.21.0 before, 2.22.0 now"),
    ({"gpus": ["H100"]}, "on other GPUs: none before, H100 now"),
    ({"instructions": "avx2 amx_bf16"}, "on another kind of processor: Old Xeon (avx2) before, Old Xeon (avx2 amx_bf16) now"),
    ({"system": "Windows"}, None),
])
def test_what_decides_the_bits_is_told_by_name(change, told):
    assert machine.differences(A, {**A, **change}) == ([told] if told else [])


def test_a_card_names_every_machine():
    there = with_history(B, with_history(A, {}, 1, 0), 3, 17)
    assert trained_on(A, "bfloat16") == "Old Xeon (2 cores, bfloat16)"
    assert trained_on({}, "float32") == "an unknown processor (? cores, float32)"
    assert trained_on(there, "bfloat16").startswith(
        "Old Xeon (2 cores, bfloat16), from epoch 3, step 18 on another kind of processor: Old Xeon before, New EPYC now; ")


def test_this_processor_has_a_name():
    assert machine.processor_name() and machine.usable_cores() >= 1
    assert set(machine.processor()["instructions"].split()) <= set(machine.INSTRUCTIONS)


def test_a_resumed_trainer_keeps_the_machines_before_it_and_names_both(tmp_path, capsys):
    from fer_core.data.dataset import read
    from fer_core.training.recorder import Recorder
    from fer_core.training.trainer import Trainer

    run = RunStore(tmp_path).create(RunConfig(epochs=2, limit=64, batch_size=32, precision="float32"), "moved")
    dataset = read("demo")
    recorder = Recorder(run)
    Trainer(run, recorder, dataset).epoch()
    assert len(run.facts["machine"]["history"]) == 1
    forged = run.facts
    forged["machine"]["processor"] = forged["machine"]["history"][0]["processor"] = "Old Xeon"
    (run.path / "facts.json").write_text(json.dumps(forged))
    capsys.readouterr()
    trainer = Trainer(run, recorder, dataset)
    here = machine.processor_name()
    assert f"goes on on another kind of processor: Old Xeon before, {here} now; from here on bits may differ" in capsys.readouterr().out
    assert begins(run.facts["machine"]) == [("Old Xeon", 1, 0), (here, 2, 0)]
    assert run.facts["machine"]["processor"] == here
    trainer.epoch()
    trainer.predict()
    Trainer(run, recorder, dataset)
    assert begins(run.facts["machine"]) == [("Old Xeon", 1, 0), (here, 2, 0)]
    assert f"Old Xeon before, {here} now" in card(run)
