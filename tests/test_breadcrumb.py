"""The thread: what the steps are called, and that each leads to itself and to nothing after it."""

from hypothesis import given
from hypothesis import strategies as st

from fer_core.emotions import EMOTIONS
from ui.breadcrumb import FILTERS, MATRIX, SALIENCY, steps

WHOLE = {"run": "demo", "split": "validation", "true": "sad", "pred": "neutral", "image": "12", "p": "neutral", "q": "sad",
         "layer": "conv4", "unit": "9", "sort": "loss"}


def test_the_whole_thread():
    found = steps(WHOLE, "The demo")
    assert [step.label for step in found] == ["The demo", "Sad → Neutral", "Face 12", "Why Neutral rather than Sad", "conv4, 9"]
    assert [step.page for step in found] == [MATRIX, MATRIX, SALIENCY, SALIENCY, FILTERS]
    assert found[1].query == {"run": "demo", "split": "validation", "true": "sad", "pred": "neutral"}
    assert found[-1].query == {name: value for name, value in WHOLE.items() if name != "sort"}


def test_what_is_not_chosen_is_no_step():
    assert steps({"true": "sad"}) == []
    assert [step.label for step in steps({"run": "a", "pred": "3", "image": "x", "p": "grin", "layer": "conv1"})] == ["a", "any → Happy"]
    assert [step.label for step in steps({"run": "a", "cells": "sad-happy,fear-any"})] == ["a", "2 cells"]


values = st.text(max_size=5) | st.sampled_from([*EMOTIONS, "0", "6", "7", "12", "conv4"])


@given(st.dictionaries(st.sampled_from([*WHOLE, "cells"]), values))
def test_each_step_leads_to_itself_and_to_nothing_after_it(params):
    found = steps(params)
    for number, step in enumerate(found, start=1):
        assert step.query.items() <= params.items()
        assert steps(step.query) == found[:number]
