"""The thread: what the steps are called, and that each leads to itself and to nothing after it."""

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.emotions import EMOTIONS
from ui.shell.breadcrumb import FILTERS, MATRIX, SALIENCY, Known, known, steps

DEMO = Known("The demo", 20, {"conv1": 32, "conv4": 256}, ("neutral", "sad"))
WHOLE = {"run": "demo", "split": "validation", "true": "sad", "pred": "neutral", "image": "12", "p": "neutral", "q": "sad",
         "why": "filters", "block": "conv4", "layer": "conv4", "unit": "9", "off": "1", "sort": "loss"}


def labels(params, facts=DEMO):
    return [step.label for step in steps(params, facts)]


def test_the_whole_thread():
    found = steps(WHOLE, DEMO)
    assert [step.label for step in found] == ["The demo", "Sad → Neutral", "Face 12", "Why Neutral rather than Sad", "Its filters",
                                              "conv4, 9", "Switched off"]
    assert [step.page for step in found] == [MATRIX, MATRIX, SALIENCY, SALIENCY, SALIENCY, FILTERS, FILTERS]
    assert found[1].query == {"run": "demo", "split": "validation", "true": "sad", "pred": "neutral"}
    assert found[-1].query == {name: value for name, value in WHOLE.items() if name != "sort"}


def test_what_is_not_chosen_is_no_step():
    assert labels({"true": "sad"}) == [] == steps(WHOLE, None)
    assert labels({"run": "a", "pred": "3", "image": "x", "p": "grin", "layer": "conv1"}) == ["The demo", "any → Happy"]
    assert labels({"run": "a", "cells": "sad-happy,fear-any"}) == ["The demo", "2 cells"]


def test_what_does_not_exist_is_no_step():
    assert all(labels({"run": "a", "image": number}) == ["The demo"] for number in ("20", "9" * 40, "-1", "1.5", ""))
    assert labels({"run": "a", "image": "19"}) == ["The demo", "Face 19"]
    assert labels({"run": "a", "layer": "conv4", "unit": "256"}) == labels({"run": "a", "layer": "conv9", "unit": "0"}) == ["The demo"]


def test_what_a_face_is_asked_by_itself_is_a_step_once_something_follows():
    face = {"run": "a", "image": "12"}
    assert labels(face) == ["The demo", "Face 12"]
    found = steps({**face, "why": "filters"}, DEMO)
    assert [step.label for step in found][2:] == ["Why Neutral rather than Sad", "Its filters"]
    assert found[2].query == {**face, "p": "neutral", "q": "sad"}
    assert labels({**face, "why": "save"}, Known("The demo", 20, usual=("happy",)))[2:] == ["Why Happy", "Save"]


def test_the_portrait_of_a_cell_needs_no_face():
    cell = {"run": "a", "true": "sad", "pred": "neutral"}
    assert labels({**cell, "why": "many"}) == ["The demo", "Sad → Neutral", "Portrait"]
    assert labels({**cell, "why": "filters"}) == labels({**cell, "why": "nonsense"}) == ["The demo", "Sad → Neutral"]


values = st.text(max_size=5) | st.sampled_from([*EMOTIONS, "0", "6", "7", "12", "conv4", "many", "filters", "1"])


@given(st.dictionaries(st.sampled_from([*WHOLE, "cells"]), values))
def test_each_step_leads_to_itself_and_to_nothing_after_it(params):
    facts = Known("The demo", 20, DEMO.units)
    found = steps(params, facts)
    for number, step in enumerate(found, start=1):
        assert steps(step.query, facts) == found[:number]
        assert step.query.items() <= params.items()


@pytest.fixture
def runs(root, tmp_path, monkeypatch):
    shutil.copytree(root / "checkpoints/demo", tmp_path / "demo", ignore=shutil.ignore_patterns(".cache"))
    monkeypatch.setenv("FER_LENS_RUNS", str(tmp_path))
    return tmp_path


def test_what_is_known_of_a_run_comes_from_its_folder(runs):
    from fer_core.runs.store import RunStore

    found = RunStore(runs).open("demo").predictions("validation")
    called, label = EMOTIONS[int(found.probabilities[7].argmax())], EMOTIONS[int(found.labels[7])]
    told = known({"run": "demo", "image": "7"})
    assert told.faces == len(found.labels) and told.units["conv1"] > 0 and told.usual == tuple(dict.fromkeys((called, label)))
    assert known({"run": "demo"}).faces is None  # nobody asks for a face
    assert known({"run": "demo", "image": "99999", "split": "nosuch"}) == Known(told.title, told.faces, told.units)


def test_a_run_that_is_not_there_or_damaged_has_no_thread(runs):
    assert known({"run": "nosuch"}) is known({"run": "../demo"}) is known({}) is None
    (runs / "demo/weights.safetensors").write_bytes(b"x")
    (runs / "demo/predictions.npz").write_bytes(b"x")
    told = known({"run": "demo", "image": "7"})
    assert told.faces is None and not told.units and labels({"run": "demo", "image": "7"}, told) == [told.title, "Face 7"]
    (runs / "demo/meta.json").write_text("{")
    assert known({"run": "demo"}) is None
