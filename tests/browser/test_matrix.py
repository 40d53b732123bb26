"""The matrix in a real browser: click, headings, several cells, keyboard, links, faces, marks, two runs, confidence, predictions made."""

import re
import shutil
import time

import numpy as np
import pytest
from conftest import settled, write_faces
from playwright.sync_api import expect

from fer_core.runs.store import Predictions, RunStore, Status

TRAIN, VALIDATION = 70, 240
SAD, NEUTRAL, FEAR = 4, 6, 2


@pytest.fixture(scope="module")
def some_faces(server):
    """A data set of 310 drawn faces outside the data folder, and its fingerprint."""
    from fer_core.data.dataset import read
    from fer_core.data.demo.generator import make

    made = make(TRAIN + VALIDATION, seed=5)
    labels = np.arange(TRAIN + VALIDATION) % 7
    path = server.folder / "matrix.csv"
    write_faces(path, (made.images, labels), ["Training"] * TRAIN + ["PublicTest"] * VALIDATION)
    return path, read(path)


def probabilities(labels, wrong, seed):
    """Probabilities of (n,) labels: `wrong` faces are called the class that `wrong` maps them to, each with a confidence of its own."""
    generator = np.random.default_rng(seed)
    called = np.array([wrong.get(i, label) for i, label in enumerate(labels)])
    sure = generator.uniform(0.4, 0.99, len(labels))
    result = np.repeat(((1 - sure) / 6)[:, None], 7, 1)
    result[np.arange(len(labels)), called] = sure
    return result.astype(np.float32)


@pytest.fixture(scope="module")
def matrix_runs(server, some_faces):
    """Run `one` calls every second sad face neutral and two fearful ones sad; `two` errs on a part of these and on others."""
    from fer_core.config import RunConfig

    path, dataset = some_faces
    labels = dataset["validation"].labels
    sad, fear = np.flatnonzero(labels == SAD), np.flatnonzero(labels == FEAR)
    errors = {"one": {**dict.fromkeys(sad[::2].tolist(), NEUTRAL), **dict.fromkeys(fear[:2].tolist(), SAD)},
              "two": {**dict.fromkeys(sad[::4].tolist(), NEUTRAL), **dict.fromkeys(fear[:5].tolist(), SAD)}}
    made = []
    for number, (name, wrong) in enumerate(errors.items()):
        run = RunStore(server.runs).create(RunConfig.from_preset("quick", data=str(path)), name)
        made.append(run.path)
        leaked = np.arange(VALIDATION) < 3
        features = np.random.default_rng(number).normal(size=(VALIDATION, 8)).astype(np.float16)
        run.write_predictions(Predictions("validation", dataset.fingerprint, labels, probabilities(labels, wrong, number), None, features,
                                          leaked))
        known = dataset["train"].labels
        run.write_predictions(Predictions("train", dataset.fingerprint, known, probabilities(known, {}, 9), None,
                                          np.random.default_rng(7).normal(size=(TRAIN, 8)).astype(np.float16), np.zeros(TRAIN, bool)))
        run.write_status(Status(state="finished", epoch=1, epochs=1, heartbeat=time.time()))
    yield errors
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def no_marks(server):
    yield
    (server.data / "marks.sqlite").unlink(missing_ok=True)


@pytest.fixture
def matrix(visit, matrix_runs):
    return lambda query="", **how: visit(f"confusion_matrix?run=one{'&' if query else ''}{query}", **how)


def cell(page, true, called):
    return page.locator(".st-key-matrix .cell").nth(7 * true + called)


def tiles(page):
    return page.locator(".st-key-gallery [role=option]")


def chosen(page):
    return page.locator(".st-key-matrix [aria-selected=true]")


def told(page):
    return page.locator(".fer-cell")


def test_a_click_opens_the_faces_of_the_cell_and_a_second_one_closes_it(matrix, matrix_runs):
    page = matrix()
    expect(cell(page, SAD, NEUTRAL)).to_contain_text("17")
    expect(tiles(page)).to_have_count(len(matrix_runs["one"]))  # nothing chosen: all errors
    cell(page, SAD, NEUTRAL).click()
    expect(page).to_have_url(re.compile("true=sad&pred=neutral"))
    expect(told(page)).to_have_text("17 of 34 Sad faces were called Neutral: 50.0%.")
    expect(tiles(page)).to_have_count(17)
    expect(tiles(page).first).to_contain_text("Sad → Neutral")
    expect(chosen(page)).to_have_count(1)
    cell(page, SAD, NEUTRAL).click()
    expect(page).not_to_have_url(re.compile("true="))
    expect(chosen(page)).to_have_count(0)


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_the_whole_cell_is_the_target_at_every_width(matrix, width):
    page = matrix(width=width)
    place = cell(page, SAD, NEUTRAL).bounding_box()
    around = [cell(page, SAD, NEUTRAL - 1).bounding_box(), cell(page, SAD - 1, NEUTRAL).bounding_box()]
    pitch = place["x"] - around[0]["x"], place["y"] - around[1]["y"]
    assert place["width"] >= 0.9 * pitch[0] and place["height"] >= 0.9 * pitch[1]
    cell(page, SAD, NEUTRAL).scroll_into_view_if_needed()
    place = cell(page, SAD, NEUTRAL).bounding_box()
    page.mouse.click(place["x"] + 2, place["y"] + place["height"] - 2)  # its corner
    expect(told(page)).to_contain_text("17 of 34 Sad")
    main = page.get_by_test_id("stMain")
    assert main.evaluate("e => e.scrollWidth <= e.clientWidth + 1")


def test_headings_open_rows_and_columns_and_several_cells_add_up(matrix):
    page = matrix()
    page.locator(".st-key-matrix .head.row").nth(SAD).click()
    expect(told(page)).to_have_text("34 faces labelled Sad; 50.0% were called so.")
    page.locator(".st-key-matrix .head.column").nth(NEUTRAL).click()
    expect(told(page)).to_contain_text("called Neutral")
    expect(page).to_have_url(re.compile("pred=neutral"))
    cell(page, SAD, NEUTRAL).click()
    cell(page, FEAR, SAD).click(modifiers=["Control"])
    expect(page).to_have_url(re.compile("cells=sad-neutral%2Cfear-sad"))
    expect(tiles(page)).to_have_count(19)
    expect(chosen(page)).to_have_count(2)
    page.get_by_role("button", name="Several").click()
    cell(page, SAD, NEUTRAL).click()
    expect(tiles(page)).to_have_count(2)
    expect(page).to_have_url(re.compile("true=fear&pred=sad"))


def test_the_keyboard_walks_the_matrix(matrix):
    page = matrix()
    cell(page, 0, 0).focus()
    for key in ["ArrowDown"] * SAD + ["ArrowRight"] * NEUTRAL + ["Enter"]:
        page.keyboard.press(key)
    expect(told(page)).to_contain_text("17 of 34 Sad")
    settled(page)
    expect(cell(page, SAD, NEUTRAL)).to_be_focused()
    page.keyboard.press("Escape")
    expect(chosen(page)).to_have_count(0)


def test_the_ranked_pairs_open_both_directions(matrix):
    page = matrix()
    first = page.locator(".st-key-pairs tbody tr").first
    expect(first).to_contain_text("Sad → Neutral")
    expect(first).to_contain_text("89.5%")  # 17 of 19 errors
    first.get_by_role("button").first.focus()
    page.keyboard.press("Enter")
    expect(told(page)).to_contain_text("17 of 34 Sad")
    expect(first).to_have_attribute("aria-selected", "true")
    first.get_by_role("button").last.click()
    expect(told(page)).to_have_text("No face labelled Neutral was called Sad.")


def test_a_link_opens_the_cell_and_back_and_forward_walk(matrix):
    page = matrix("split=validation&true=sad&pred=neutral&colour=log")
    expect(told(page)).to_contain_text("17 of 34 Sad")
    expect(chosen(page)).to_have_count(1)
    cell(page, FEAR, SAD).click()
    expect(told(page)).to_contain_text("2 of")
    page.go_back()
    expect(told(page)).to_contain_text("17 of 34 Sad")
    page.go_forward()
    expect(told(page)).to_contain_text("Fear")


def test_faces_are_walked_with_arrows_opened_closed_and_sorted(matrix):
    page = matrix("true=sad&pred=neutral&sort=index")
    first = tiles(page).first.inner_text()
    tiles(page).first.focus()
    page.keyboard.press("ArrowRight")
    expect(tiles(page).nth(1)).to_be_focused()
    tiles(page).nth(1).click()
    expect(page).to_have_url(re.compile(r"image=\d+"))
    expect(page.locator(".st-key-side-face")).to_contain_text("labelled Sad, called Neutral")
    expect(page.locator(".st-key-nearest [role=option]")).to_have_count(10)
    settled(page)
    tiles(page).nth(1).focus()
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("image="))
    settled(page)
    page.get_by_role("combobox", name="Order").click()
    page.get_by_role("option", name=re.compile("Most confident")).click()
    expect(page).to_have_url(re.compile("sort=confident"))
    expect(tiles(page).first).not_to_have_text(first)
    shown = [int(re.search(r"(\d+)%", text).group(1)) for text in tiles(page).all_inner_texts()]
    assert shown == sorted(shown, reverse=True)


def test_a_hundred_faces_at_a_time(matrix):
    page = matrix("cells=any-any")
    expect(told(page)).to_contain_text("All 240 faces")
    expect(tiles(page)).to_have_count(100)
    page.get_by_role("button", name="Later").click()
    expect(page.get_by_text("101 to 200 of 240")).to_be_visible()
    page.get_by_role("button", name="Later").click()
    expect(tiles(page)).to_have_count(40)
    expect(page).to_have_url(re.compile("start=200"))


def test_marks_by_one_key_survive_a_restart_and_another_tab_sees_them(matrix, server):
    page = matrix("true=sad&pred=neutral")
    tiles(page).first.focus()
    page.keyboard.press("7")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("a")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("m")
    expect(tiles(page).nth(0)).to_contain_text("label wrong: Neutral")
    expect(tiles(page).nth(1)).to_contain_text("ambiguous")
    expect(tiles(page).nth(2)).to_contain_text("network wrong")
    expect(page.locator(".fer-sentence")).to_contain_text("without 2 disputed labels")
    expect(page.locator(".fer-sentence")).to_contain_text("92.1% right")  # the first accuracy stays beside it
    server.restart()
    other = matrix("true=sad&pred=neutral&panel=marks")
    expect(tiles(other).nth(0)).to_contain_text("label wrong: Neutral")
    expect(other.get_by_role("button", name="Ambiguous: 1")).to_be_visible()
    tiles(other).first.focus()
    other.keyboard.press("0")
    expect(tiles(other).nth(0)).not_to_contain_text("label wrong")
    expect(other.locator(".fer-sentence")).to_contain_text("without 1 disputed label")


def test_marks_are_exported_and_imported(matrix, server, tmp_path):
    page = matrix("true=sad&pred=neutral&panel=marks")
    tiles(page).first.focus()
    page.keyboard.press("n")
    expect(tiles(page).nth(0)).to_contain_text("not a face")
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Marks (CSV)").click()
    download.value.save_as(tmp_path / "marks.csv")
    page.keyboard.press("Escape")
    (server.data / "marks.sqlite").unlink()
    again = matrix("true=sad&pred=neutral&panel=marks")
    expect(tiles(again).first).to_be_visible()
    again.get_by_text("Bring marks from a CSV").click()
    again.locator("input[type=file]").set_input_files(tmp_path / "marks.csv")
    expect(again.get_by_text("marks.csv")).to_be_visible()
    again.get_by_role("button", name="Import").click()
    expect(tiles(again).nth(0)).to_contain_text("not a face")


def test_two_runs_fix_and_break(matrix):
    page = matrix("with=two&panel=runs")
    expect(page.locator(".st-key-part-fixes button")).to_contain_text("8")
    expect(page.locator(".st-key-part-breaks button")).to_contain_text("3")
    expect(page.get_by_text("McNemar")).to_be_visible()
    page.locator(".st-key-part-breaks button").click()
    expect(tiles(page)).to_have_count(3)
    expect(page.locator(".st-key-chip_part")).to_contain_text("B breaks")
    page.get_by_role("radio", name="B − A").click()
    expect(page).to_have_url(re.compile("show=difference"))
    expect(cell(page, SAD, NEUTRAL)).to_contain_text("\N{MINUS SIGN}23.5")


def test_a_bar_of_the_histogram_opens_its_faces(matrix):
    page = matrix("panel=confidence")
    bars = page.locator(".st-key-confidence .bars .point path")
    expect(bars.first).to_be_attached()
    place = page.locator(".st-key-confidence .nsewdrag")
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.975, box["y"] + box["height"] - 4)  # the bar from 95 to 100%
    expect(page).to_have_url(re.compile("bin=0.95-1.00"))
    expect(told(page)).to_contain_text("p from 0.95 to 1.00")


def test_the_colour_is_remembered_and_errors_hide_the_diagonal(matrix):
    page = matrix("colour=errors")
    expect(cell(page, SAD, SAD)).to_have_text("")
    page.reload()
    expect(cell(page, SAD, SAD)).to_have_text("")
    expect(cell(page, SAD, NEUTRAL)).to_contain_text("17")


@pytest.mark.parametrize("query", ["true=99&pred=x&cells=a-b,sad&image=99999&sort=?&bin=9-1&min=two", "with=nobody&part=none&start=-4"])
def test_nonsense_in_the_link_is_told_and_left_aside(matrix, query):
    page = matrix(query)
    expect(cell(page, SAD, NEUTRAL)).to_contain_text("17")
    expect(page.locator("[data-testid=stAlert], .fer-problem").first).to_be_visible()


def test_an_unknown_run_is_told(visit, matrix_runs):
    page = visit("confusion_matrix?run=nobody")
    expect(page.locator(".fer-problem")).to_contain_text("no run 'nobody'")
    expect(page.locator(".st-key-matrix .cell")).to_have_count(49)
