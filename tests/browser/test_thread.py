"""The thread through the pages as a person walks it, from the matrix to a filter that is switched off; every link opens the same view anew.

With FER_LENS_WALK=FOLDER the walk is recorded there, a picture of each step, also on the shipped CNN where the real FER2013 is at hand.
"""

import os
import re
import shutil
from pathlib import Path

import pytest
from conftest import remove, settled
from playwright.sync_api import expect

SLOW = 400_000
SAD, NEUTRAL = 4, 6
REAL = "cnn-fer2013"


@pytest.fixture(params=["demo", REAL])
def walked(request, server, root):
    """A copy of a shipped run in the server's store, with its faces at hand."""
    name = request.param
    if name == REAL:
        if "FER_LENS_WALK" not in os.environ or not (root / "checkpoints" / REAL).exists():
            pytest.skip("the walk on real faces takes minutes: it is recorded on request")
        (server.data / "fer2013-dev.zip").symlink_to(request.getfixturevalue("real_data"))
    shutil.copytree(root / "checkpoints" / name, server.runs / name, ignore=shutil.ignore_patterns(".cache"))
    yield name
    remove(server.runs / name)
    (server.data / "fer2013-dev.zip").unlink(missing_ok=True)


class Walk:
    """What each step showed, and its link."""

    def __init__(self, page, folder):
        self.page, self.folder, self.steps = page, folder, []

    def step(self, name):
        settled(self.page)
        self.steps.append((name, self.page.url.split("/", 3)[3], shown(self.page)))
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            height = self.page.get_by_test_id("stMain").evaluate("one => one.scrollHeight")
            self.page.set_viewport_size({"width": 1280, "height": min(max(height, 900), 3000)})
            settled(self.page)
            self.page.wait_for_timeout(500)
            self.page.screenshot(path=self.folder / f"{len(self.steps)}-{name}.png")
            self.page.set_viewport_size({"width": 1280, "height": 900})


def shown(page):
    """What a view says: title, sentence, thread, and the words of the part that the step opened."""
    parts = ("h1", ".fer-sentence", ".st-key-thread", ".fer-cell", ".st-key-side-face p", "[class*=st-key-carrier-] p",
             ".fer-living .title", ".fer-number")
    return [page.locator(part).all_inner_texts() for part in parts]


def mapped(page):
    expect(page.locator(".fer-squares")).to_have_attribute("data-shown", re.compile(r"^-?[\d.]"), timeout=SLOW)


def arrived(page, name):
    """Wait for what a step is about."""
    if name in ("face", "cell"):
        expect(page.locator(".st-key-gallery [role=option]").first).to_be_visible(timeout=SLOW)
    if name in ("contrast", "filters"):
        mapped(page)
    if name == "filters":
        expect(page.locator("[class*=st-key-carrier-] [role=option]").nth(24)).to_be_attached(timeout=SLOW)
        expect(page.locator("[class*=st-key-carrier-] p", has_text="Cancel")).to_have_count(0, timeout=SLOW)  # of the bar that stood there
    if name in ("filter", "switched-off"):
        expect(page.locator(".fer-living")).to_have_attribute("data-state", "done", timeout=SLOW)
        expect(page.locator(".st-key-strongest [role=option]")).to_have_count(9, timeout=SLOW)
    if name == "switched-off":
        expect(page.locator(".fer-number").first).to_contain_text("points", timeout=SLOW)
    settled(page)


def test_from_a_cell_to_the_filter_that_carried_its_error_and_each_link_opens_the_same_view(walked, visit):
    folder = os.environ.get("FER_LENS_WALK")
    page = visit(f"confusion_matrix?run={walked}")
    page.set_default_timeout(SLOW)
    walk = Walk(page, Path(folder) / walked if folder else None)

    def arrive(name):
        arrived(page, name)
        walk.step(name)

    page.locator(".st-key-matrix .cell").nth(7 * SAD + NEUTRAL).click()
    expect(page.locator(".fer-cell")).to_contain_text("Sad faces were called Neutral")
    arrive("cell")
    page.locator(".st-key-gallery [role=option]").first.click()
    expect(page.locator(".st-key-side-face")).to_contain_text("labelled Sad, called Neutral")
    arrive("face")
    page.get_by_role("link", name="Why? Open in the saliency viewer").click()
    expect(page.locator("h1")).to_have_text("Saliency")
    expect(page.locator(".fer-squares")).to_contain_text("Why Neutral rather than Sad", timeout=SLOW)
    arrive("contrast")
    page.get_by_test_id("stMain").get_by_role("radio", name="Its filters", exact=True).click()
    arrive("filters")
    carried = page.locator("[class*=st-key-carrier-0] p").first.inner_text()
    assert re.search(r"Neutral [\d.]+%\s→\s[\d.]+%, Sad [\d.]+%\s→\s[\d.]+%", carried)
    page.get_by_role("link", name="Look into it").first.click()
    expect(page.locator("h1")).to_have_text("Filters")
    arrive("filter")
    page.get_by_role("button", name="Switch it off").click()
    arrive("switched-off")
    thread = page.locator(".st-key-thread a")
    labels = thread.all_inner_texts()
    assert labels[:2] == [walked, "Sad → Neutral"] and labels[3:5] == ["Why Neutral rather than Sad", "Its filters"]
    assert re.fullmatch(r"Face \d+", labels[2]) and re.fullmatch(r"conv\d, \d+", labels[5]) and labels[6:] == ["Switched off"]
    thread.nth(2).click()
    expect(page.locator("h1")).to_have_text("Saliency")
    mapped(page)
    page.go_back()
    arrived(page, "switched-off")
    thread.nth(4).click()
    arrived(page, "filters")
    assert page.locator(".st-key-thread a").all_inner_texts() == labels[:5]
    for name, link, seen in walk.steps:
        again = visit(link)
        arrived(again, name)
        assert shown(again) == seen, name


@pytest.fixture
def demo(server, root):
    shutil.copytree(root / "checkpoints/demo", server.runs / "demo", ignore=shutil.ignore_patterns(".cache"))
    yield "demo"
    remove(server.runs / "demo")


def test_the_portrait_of_a_cell_opens_in_view_and_back_leads_to_the_matrix(visit, demo):
    page = visit(f"confusion_matrix?run={demo}&true=sad&pred=neutral")
    page.set_default_timeout(SLOW)
    page.get_by_role("link", name="Their portrait").click()
    expect(page.get_by_text("mean map").first).to_be_attached(timeout=SLOW)
    expect(page.get_by_role("radio", name="Portrait", exact=True)).to_be_in_viewport()
    assert page.locator(".st-key-thread a").all_inner_texts() == ["demo", "Sad → Neutral", "Portrait"] and "image=" not in page.url
    page.go_back()
    expect(page.locator("h1")).to_have_text("Confusion matrix")
    settled(page)
    assert "why=" not in page.url


def test_a_jump_by_a_button_is_one_step_of_back(visit, demo):
    page = visit(f"?run={demo}")
    steps = page.evaluate("history.length")
    page.get_by_role("button", name="Take the tour").click()
    for number, title in enumerate(("Dataset", "Training", "Confusion matrix"), start=1):
        expect(page.locator("h1")).to_have_text(title)
        settled(page)
        assert page.evaluate("history.length") == steps + number
        page.locator(".st-key-tour-next button").click()
    for title, number in (("Confusion matrix", 3), ("Training", 2), ("Dataset", 1)):
        expect(page.locator("h1")).not_to_have_text(title)
        settled(page)
        page.go_back()
        expect(page.locator("h1")).to_have_text(title)
        assert f"tour={number}" in page.url


def test_the_tour_goes_on_with_the_cell_and_the_face_that_were_chosen(visit, demo):
    page = visit(f"confusion_matrix?run={demo}&tour=3&true=angry&pred=neutral")
    page.locator(".st-key-gallery [role=option]").nth(2).click()
    expect(page.locator(".st-key-side-face")).to_contain_text("labelled Angry, called Neutral")
    settled(page)
    chosen = re.search(r"image=(\d+)", page.url)[1]
    page.locator(".st-key-tour-next button").click()
    expect(page.locator("h1")).to_have_text("Saliency")
    assert all(part in page.url for part in ("tour=4", "true=angry", "pred=neutral", f"image={chosen}"))
