"""The guided tour: five steps that open by themselves on the demo run, can be left, and survive as links."""

import shutil

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.emotions import EMOTIONS
from fer_core.runs.store import RunStore
from ui.shell import tour


@pytest.fixture
def app(root, tmp_path, monkeypatch):
    """The app over a copy of the demo run."""
    shutil.copytree(root / "checkpoints/demo", tmp_path / "demo", ignore=shutil.ignore_patterns(".cache"))
    monkeypatch.setenv("FER_LENS_RUNS", str(tmp_path))
    return AppTest.from_file(str(root / "app.py"), default_timeout=120)


def button(app, key):
    return next((one for one in app.button if one.key == key), None)


def test_it_begins_at_the_overview_and_its_cell_is_the_most_frequent_confusion(app, tmp_path):
    assert button(app.run(), "tour-start") is not None
    found = RunStore(tmp_path).open("demo").predictions("validation")
    called = found.probabilities.argmax(1)
    told = tour.query(3, "demo")
    assert told["tour"] == "3" and told["run"] == told["data"] == "demo"
    counts = {(a, b): int(((found.labels == a) & (called == b)).sum()) for a in range(7) for b in range(7) if a != b}
    true, pred = (EMOTIONS.index(told[name]) for name in ("true", "pred"))
    assert counts[true, pred] == max(counts.values()) > 0
    assert "true" not in tour.query(1, "demo")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_each_step_is_a_link_with_ways_on_back_and_out(app, number):
    app.switch_page(tour.STEPS[number - 1].page)
    for name, value in tour.query(number, "demo").items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert any(one.value.startswith(f"**{number} of 5 · {tour.STEPS[number - 1].title}**") for one in app.markdown)
    assert button(app, "tour-back").disabled == (number == 1)
    button(app, "tour-leave").click()
    app.run()
    assert "tour" not in app.query_params and button(app, "tour-next") is None


def test_whoever_strays_goes_on_where_it_was_left(app):
    app.switch_page(tour.STEPS[2].page)
    for name, value in tour.query(3, "demo").items():
        app.query_params[name] = value
    app.run()
    app.query_params.clear()  # the menu leads to the overview, without the tour
    app.switch_page("app.py").run()
    assert button(app, "tour-start").label == "Go on with the tour: step 3 of 5"
    app.switch_page(tour.STEPS[2].page)
    for name, value in tour.query(3, "demo").items():
        app.query_params[name] = value
    button(app.run(), "tour-leave").click()
    app.run()
    app.switch_page("app.py").run()
    assert button(app, "tour-start").label == "Take the tour: five steps"


def test_without_a_run_there_is_no_tour(root, tmp_path, monkeypatch):
    monkeypatch.setenv("FER_LENS_RUNS", str(tmp_path))
    app = AppTest.from_file(str(root / "app.py"), default_timeout=120).run()
    assert button(app, "tour-start") is None and not app.exception


@pytest.mark.parametrize("text", ["0", "6", "x", ""])
def test_nonsense_is_no_step(app, text):
    app.query_params["tour"] = text
    app.run()
    assert not app.exception and button(app, "tour-leave") is None
