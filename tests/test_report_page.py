"""The report page without a browser: what its URL means, what is missing, the report written and taken along; pins from any page."""

import re
import time

import pytest
from run_folders import copied
from streamlit.testing.v1 import AppTest

from fer_core.annotations.bookmarks import FILE, Pin, Pins
from fer_core.report import pictures
from fer_core.runs.store import RunStore
from ui.shell import breadcrumb, pinning

PAGE = "pages/report.py"


@pytest.fixture(scope="module")
def runs(root, tmp_path_factory):
    """A store with the demo run and one that has only begun."""
    folder = tmp_path_factory.mktemp("report-page") / "runs"
    for name in ("demo", "begun"):
        copied(root / "checkpoints/demo", folder / name)
    (folder / "begun/weights.safetensors").unlink()
    return folder


@pytest.fixture
def pins(tmp_path):
    return Pins(tmp_path / FILE)


@pytest.fixture
def page(root, runs, tmp_path, monkeypatch):
    """Open a page by a link."""
    monkeypatch.setenv("FER_LENS_RUNS", str(runs))
    monkeypatch.setenv("FER_LENS_DATA", str(tmp_path))
    for name, value in {"SAMPLES": 2, "PER_EMOTION": 1, "RANDOM": 1, "UNITS": 2, "PRESET": "report"}.items():
        monkeypatch.setattr(pictures, name, value)

    def opener(file=PAGE, **params):
        app = AppTest.from_file(str(root / "app.py"), default_timeout=120)
        if file != "app.py":
            app.switch_page(file)
        for name, value in params.items():
            app.query_params[name.rstrip("_")] = value
        app.run()
        assert not app.exception
        return app

    return opener


def told(app):
    """All that the page says."""
    return " ".join([*(one.value for one in (*app.markdown, *app.info, *app.caption, *app.code, *app.subheader)),
                     *(str(one.proto.body) for one in app.get("html"))]).replace("\\", "")


def report(app, seconds=240):
    """Draw the page until the report stands on it; return its HTML."""
    end = time.monotonic() + seconds
    while not (frames := app.get("iframe")):
        assert time.monotonic() < end and not app.exception, told(app)
        time.sleep(0.3)
        app.run()
    return frames[0].proto.srcdoc


def press(app, key):
    app.button(key=key).click()
    app.run()
    assert not app.exception
    return app


def test_the_page_says_what_the_report_will_answer_and_what_it_lacks(page, runs):
    text, best = told(page(run="demo")), RunStore(runs).open("demo").best
    assert f"{best[1]:.1%} of 350 faces right" in text and "Not written yet" in text and text.count("check_circle") == 4
    assert "No second network stands beside this one." in text and "--arch dnn" in text
    text = told(page(run="begun", with_="demo"))
    assert "beside demo" in text and "The run has no weights yet" in text and "report begun --versus demo" in text


def test_the_report_is_written_in_the_language_asked_for_and_without_faces(page, pins):
    pins.add(Pin("Look here", "why <i>", "saliency_viewer", "run=demo&image=3"))
    app = page(run="demo")
    shown = report(press(app, "write"))
    assert app.query_params["made"] == "1" and shown.startswith("<!DOCTYPE html>") and '<base href="about:srcdoc"/>' in shown
    assert "Look here" in shown and "why &lt;i&gt;" in shown and "face 3" in shown
    again = report(page(run="demo", made="1", written="zh-TW", faces="none"))
    assert "臉部表情辨識報告" in again and again.count("data:image") < shown.count("data:image")
    assert "--lang zh-TW --no-faces" in told(page(run="demo", written="zh-TW", faces="none"))


@pytest.mark.parametrize("params", [{"run": "nobody"}, {"run": "../etc"},
                                    {"run": "demo", "with": "demo"}, {"run": "demo", "with": "nobody"}, {"run": "demo", "written": "la"},
                                    {"run": "demo", "split": "morning"}, {"run": "demo", "faces": "9"}])
def test_a_link_that_makes_no_sense_opens_the_page_all_the_same(page, params):
    app = page(**params)
    assert "What it answers" in told(app)
    assert ("role='alert'" in told(app)) == (params["run"] != "demo" or "with" in params)
    wrong = [f"{name}={value}" for name, value in params.items() if name in ("written", "split", "faces")]
    assert all(f"'{given}' was left aside" in told(app) for given in wrong)


def test_without_a_run_the_page_says_how_to_get_one(page, tmp_path, monkeypatch, pins):
    pins.add(Pin("kept", "", "dataset", ""))
    monkeypatch.setenv("FER_LENS_RUNS", str(tmp_path / "none"))
    text = told(page())
    assert "No run to report on" in text and "Pinned views (1)" in text


@pytest.mark.parametrize("file, params, title", [
    ("app.py", {}, "Overview"),
    ("pages/dataset.py", {"data": "demo", "class": "fear"}, "Dataset: Fear"),
    ("pages/confusion_matrix.py", {"run": "demo", "true": "sad", "pred": "neutral"}, "Confusion matrix: demo, Sad → Neutral"),
    ("pages/try_photo.py", {"run": "demo"}, "Try a photo: demo"),
])
def test_a_view_is_pinned_from_its_page_and_taken_off_again(page, pins, file, params, title):
    app = page(file, **params)
    app.session_state["pin"] = True  # the person opens it
    app.run()
    place = next(one.key.removesuffix("-title") for one in app.text_input if one.label == "Title")
    assert app.text_input(key=f"{place}-title").value == title
    app.text_area(key=f"{place}-note").set_value("a note")
    next(button for button in app.button if button.label == "Pin this view").click()
    app.run()
    (kept,) = pins.all()
    assert (kept.title, kept.note, kept.params) == (title, "a note", params)
    assert kept.page == ("" if file == "app.py" else file.split("/")[1].removesuffix(".py"))
    app.session_state["pin"] = True
    press(app.run(), "pin-off")
    assert pins.all() == []


def test_a_view_whose_run_the_url_leaves_open_is_pinned_with_it(page, pins):
    app = page("pages/confusion_matrix.py")
    app.session_state["pin"] = True
    app.run()
    next(button for button in app.button if button.label == "Pin this view").click()
    app.run()
    assert set(pins.all()[0].params) == {"run"}


def test_pins_are_moved_changed_and_removed_on_the_report_page(page, pins):
    for name in ("first", "second"):
        pins.add(Pin(name, "", "dataset", f"class={name}"))
    app = press(page(run="demo"), "down-1")
    assert [pin.title for pin in pins.all()] == ["second", "first"]
    place = next(one.key.removesuffix("-title") for one in app.text_input if one.value == "second")
    app.text_input(key=f"{place}-title").set_value("changed")
    next(button for button in app.button if button.label == "Save the pin").click()
    app.run()
    assert [pin.title for pin in pins.all()] == ["changed", "first"]
    press(app, "remove-1")
    assert [pin.title for pin in pins.all()] == ["changed"] and "Pinned views (1)" in told(app)


def test_what_goes_wrong_with_a_pin_is_told(page, pins):
    pins.add(Pin("first", "", "dataset", ""))
    app = page(run="demo")
    place = next(one.key.removesuffix("-title") for one in app.text_input if one.value == "first")
    app.text_input(key=f"{place}-title").set_value(" ")
    next(button for button in app.button if button.label == "Save the pin").click()
    app.run()
    assert "A pin needs a title." in told(app)
    pins.path.write_bytes(b"SQLite format 3\0 no, it is not" * 100)
    assert "cannot be read or written" in told(page(run="demo"))


def test_a_suggested_title_is_short_enough(monkeypatch):
    params = {"run": "demo", "true": "sad", "pred": "fear"}
    monkeypatch.setattr(breadcrumb, "known", lambda asked: breadcrumb.Known("r" * 300))
    assert len(pinning.suggested("Saliency", params)) == 200 and re.match("Saliency: r+", pinning.suggested("Saliency", params))
