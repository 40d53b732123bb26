"""The monitor in a real browser: a training started, watched, stopped, resumed, and found again after a restart of the server."""

import re
import shutil
import time

import pytest
from playwright.sync_api import expect

from fer_core.runs.store import RunStore

MINUTES = 240_000
PLOT = ".st-key-curves .js-plotly-plot"
POINTS = "plot => document.querySelector(plot)?._fullData?.[1]?._length ?? 0"


def settled(page):
    """Wait until the script has run and nothing is out of date."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=90_000)
    expect(page.locator("[data-stale=true]")).to_have_count(0, timeout=30_000)


def set_number(page, label, value):
    """Type into a number box and leave it."""
    box = page.get_by_label(label, exact=True)
    box.fill(str(value))
    box.press("Tab")
    settled(page)


def start(page, *, epochs, faces):
    """Start a training on the demo faces from the dialog."""
    page.get_by_role("button", name="New run").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_text("Every other knob").click()
    set_number(page, "Epochs", epochs)
    set_number(page, "Limit", faces)
    set_number(page, "Batch size", 16)
    dialog.get_by_role("button", name="Start training").click()
    expect(page).to_have_url(re.compile("run=small-demo"), timeout=30_000)
    expect(dialog).to_be_hidden()
    return re.search(r"run=([\w-]+)", page.url).group(1)


def state(page, word):
    """Expect a state beside the chosen run."""
    expect(page.locator(".st-key-run-state")).to_contain_text(word, timeout=MINUTES)


def points(page):
    """Return the epochs that the validation curve of the chart has."""
    return page.evaluate(POINTS, PLOT)


def more_points(page, than):
    """Wait until that curve has more epochs."""
    page.wait_for_function(f"([plot, than]) => ({POINTS})(plot) > than", arg=[PLOT, than], timeout=MINUTES)


@pytest.fixture
def store(server):
    store = RunStore(server.runs)
    there = {run.id for run in store.all()}
    yield store
    for run in store.all():
        if run.id in there:
            continue
        end = time.monotonic() + 60
        while not run.damage and run.status.alive and time.monotonic() < end:
            run.request_stop()
            time.sleep(0.2)
        shutil.rmtree(run.path, ignore_errors=True)  # other tests expect an app without a run


def test_a_training_started_watched_stopped_resumed_and_reopened(server, visit, store):
    page = visit("training_monitor")
    run = start(page, epochs=300, faces=160)
    page.evaluate("window.neverReloaded = true")
    state(page, "Training")
    more_points(page, 0)
    page.evaluate("plot => { document.querySelector(plot).sameNode = true }", PLOT)
    before = points(page)
    more_points(page, before + 1)  # two further epochs arrive
    assert page.evaluate("plot => window.neverReloaded && document.querySelector(plot).sameNode", PLOT)

    page.get_by_role("button", name="Stop", exact=True).click()
    state(page, "Stopped")
    stopped = store.open(run)
    assert stopped.status.state == "stopped"
    kept = len(stopped.history["epoch"])
    assert kept > before

    page.get_by_role("button", name="Resume").click()
    state(page, "Training")
    more_points(page, kept)

    process = store.open(run).status.process
    server.restart()
    again = visit(f"training_monitor?run={run}")
    state(again, "Training")
    assert store.open(run).status.process == process
    again.get_by_role("button", name="Stop", exact=True).click()
    state(again, "Stopped")


def test_zoom_and_hidden_lines_stay_while_data_arrives(visit, hand_made):
    extend = hand_made("living", epochs=6)
    page = visit("training_monitor?run=living")
    page.wait_for_selector(f"{PLOT} .legendtoggle")
    box = page.locator(f"{PLOT} .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.7 * box["height"], steps=8)
    page.mouse.up()
    page.wait_for_function("plot => document.querySelector(plot)._fullLayout.xaxis.range[0] > 1.5", arg=PLOT)
    ranges = "plot => ['xaxis', 'yaxis'].map(name => document.querySelector(plot)._fullLayout[name].range)"
    zoom = page.evaluate(ranges, PLOT)
    page.locator(f"{PLOT} .legendtoggle").first.click()
    page.wait_for_function("plot => document.querySelector(plot)._fullData[0].visible === 'legendonly'", arg=PLOT)
    extend(7)
    more_points(page, 6)
    assert page.evaluate(ranges, PLOT) == zoom
    assert page.evaluate("plot => document.querySelector(plot)._fullData[0].visible", PLOT) == "legendonly"


def test_runs_are_compared_and_the_link_reopens_it(visit, hand_made):
    hand_made("one", seed=1)
    hand_made("two", seed=2)
    page = visit("training_monitor?run=one")
    page.locator(".st-key-tick-two button").click()
    expect(page).to_have_url(re.compile("compare=two"))
    expect(page.locator(".runs-table").first).to_contain_text("two")
    again = visit(page.url.split("/", 3)[3])
    expect(again.locator(".runs-table").first).to_contain_text("two")
    expect(again.locator(".runs-table").last).to_contain_text("seed")


def test_the_film_turns_by_the_arrow_keys(visit, hand_made):
    hand_made("film", epochs=4)
    page = visit("training_monitor?run=film&view=epochs&epoch=2")
    expect(page.get_by_text(re.compile("^Epoch 2:"))).to_be_visible()
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text(re.compile("^Epoch 3:"))).to_be_visible()
    expect(page).to_have_url(re.compile("epoch=3"))


def test_the_page_opens_a_run_by_keyboard_at_phone_width(visit, hand_made):
    hand_made("first")
    hand_made("second")
    page = visit("training_monitor?run=second", width=390, height=800, theme="dark")
    page.locator(".st-key-open-first button").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("run=first"))
    expect(page.locator("h3", has_text="first")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.fixture
def hand_made(server):
    """Write run folders as the trainer does; the call returns a function that adds epochs up to a number."""
    import numpy as np

    from fer_core import atomic_io
    from fer_core.config import RunConfig
    from fer_core.runs.store import COLUMNS, Status
    from fer_core.training.recorder import Recorder

    made = []

    def make(id, *, epochs=3, **knobs):
        run = RunStore(server.runs).create(RunConfig.from_preset("quick", **knobs), id)
        made.append(run.path)
        data = {"name": "Made by hand", "fingerprint": "abc", "counts": {}, "notes": []}
        atomic_io.write_json(run.path / "facts.json", {"data": data, "validated_on": 100})
        recorder = Recorder(run)
        recorder.keep_epochs(0)

        def extend(last):
            for epoch in range(len(run.history["epoch"]) + 1, last + 1):
                row = {**dict.fromkeys(COLUMNS, 0.2 + 0.01 * epoch), "epoch": epoch}
                matrix = np.zeros((7, 7), np.int64)
                matrix[3, 3], matrix[3, 4] = 20 + epoch, 80 - epoch
                recorder.add_epoch(row, matrix, (np.arange(16), np.full((16, 7), 1 / 7, np.float32)))

        extend(epochs)
        run.write_status(Status(state="finished", epoch=epochs, epochs=12, heartbeat=time.time()))
        return extend

    yield make
    for path in made:
        shutil.rmtree(path, ignore_errors=True)
