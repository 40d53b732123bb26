"""The saliency viewer and the photo page in a real browser: from the matrix and back, experiments, comparisons, cancelling, photos."""

import re

import numpy as np
import pytest
from conftest import settled
from playwright.sync_api import expect

SLOW = 120_000


@pytest.fixture
def viewer(visit, demo_run):
    """Open the viewer by a link, and wait for its map."""
    def opener(query="&true=sad&pred=neutral&method=gradient", **look):
        page = visit(f"saliency_viewer?run={demo_run}{query}", **look)
        mapped(page)
        return page

    return opener


def mapped(page, other_than="waits"):
    """Wait for a map; return its tag."""
    root = page.locator(".fer-squares")
    expect(root).to_have_attribute("data-shown", re.compile(r"^-?[\d.]"), timeout=SLOW)
    expect(root).not_to_have_attribute("data-shown", other_than, timeout=SLOW)
    settled(page)
    return root.get_attribute("data-shown")


def pixels(page, number):
    return page.locator(".fer-squares canvas").nth(number).evaluate("one => one.toDataURL()")


def segment(page, name):
    return page.get_by_test_id("stMain").get_by_role("radio", name=name, exact=True)


def test_from_the_matrix_to_the_reasons_and_back(visit, demo_run):
    page = visit(f"confusion_matrix?run={demo_run}&true=sad&pred=neutral&image=119")
    page.get_by_role("link", name="Why? Open in the saliency viewer").click()
    expect(page.locator("h1")).to_have_text("Saliency")
    tags = [mapped(page)]
    expect(page.locator(".fer-sentence")).to_contain_text("labelled Sad, called Neutral")
    for name in ("Why Neutral", "Why Sad"):
        segment(page, name).click()
        tags.append(mapped(page, tags[-1]))
    assert len(set(tags)) == 3
    segment(page, "Grad-CAM").click()
    mapped(page, tags[-1])
    page.locator(".fer-regions [data-region=mouth]").click()
    expect(page.locator(".st-key-without .fer-bars")).to_be_visible(timeout=SLOW)
    for part in ("image=119", "p=label", "method=grad_cam", "hide=mouth", "true=sad"):
        expect(page).to_have_url(re.compile(part))
    settled(page)
    again = visit(page.url.split("/", 3)[3])
    mapped(again)
    expect(again.locator(".st-key-without .fer-bars")).to_be_visible(timeout=SLOW)
    assert [pixels(again, i) for i in range(4)] == [pixels(page, i) for i in range(4)]
    page.locator("h1").click()
    page.keyboard.press("Escape")
    expect(page.locator("h1")).to_have_text("Confusion matrix")
    for part in ("true=sad", "image=119"):
        expect(page).to_have_url(re.compile(part))


def test_next_and_previous_and_back_of_the_browser(viewer):
    page = viewer()
    first = mapped(page)
    sentence = page.locator(".fer-sentence").inner_text()
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.locator(".fer-sentence")).not_to_have_text(sentence)
    mapped(page, first)
    page.get_by_role("button", name="Previous", exact=True).click()
    expect(page.locator(".fer-sentence")).to_have_text(sentence)
    page.go_back()
    expect(page.locator(".fer-sentence")).not_to_have_text(sentence)


def test_opacity_and_share_answer_at_once_and_stay_in_the_link(viewer):
    page = viewer()
    overlay, kept = pixels(page, 2), pixels(page, 3)
    page.get_by_role("slider", name="Opacity").fill("10")
    page.get_by_role("slider", name="Strongest").fill("55")
    expect(page).to_have_url(re.compile("opacity=10.*keep=55"))
    settled(page)
    assert pixels(page, 2) != overlay and pixels(page, 3) != kept


def test_a_map_of_the_comparison_is_clicked_and_its_method_taken(viewer):
    page = viewer("&image=119&method=gradient&why=compare")
    before = mapped(page)
    tiles = page.locator(".st-key-compare-methods [role=option]")
    expect(tiles).to_have_count(10, timeout=SLOW)
    expect(tiles.nth(9)).to_contain_text("strongest ±", timeout=SLOW)
    settled(page)
    tiles.nth(8).click()
    expect(page).to_have_url(re.compile("method=occlusion"))
    mapped(page, before)


def test_a_region_is_moved_and_put_back(viewer):
    page = viewer("&image=119&method=gradient")
    ledger = page.get_by_test_id("stMain").get_by_text("× area").first
    expect(ledger).to_be_visible(timeout=SLOW)
    page.get_by_label("Move the regions").check()
    box = page.locator(".fer-regions [data-region=mouth] ellipse").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 40, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"boxes=mouth\.0"))
    page.get_by_role("button", name="Back to where they were").click()
    expect(page).not_to_have_url(re.compile("boxes="))


def test_painting_moves_the_bars_and_can_be_undone(viewer):
    page = viewer("&image=119&method=gradient&why=paint")
    canvas = page.locator(".fer-paint canvas")
    expect(page.locator(".fer-verdict")).to_be_visible(timeout=SLOW)  # until then the page above the canvas grows
    canvas.scroll_into_view_if_needed()
    clean = canvas.evaluate("one => one.toDataURL()")
    box = canvas.bounding_box()
    for height in (0.72, 0.8):
        page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * height)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * height, steps=6)
        page.mouse.up()
    told = page.get_by_text(re.compile(r"pixels painted: called"))
    expect(told).to_be_visible(timeout=SLOW)
    settled(page)
    assert canvas.evaluate("one => one.toDataURL()") != clean
    canvas.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    for _ in range(3):
        page.get_by_role("button", name="Undo").click()
        settled(page)
    expect(page.get_by_text("the bars answer when the hand lets go")).to_be_visible()
    assert canvas.evaluate("one => one.toDataURL()") == clean


def test_long_work_is_cancelled_and_asked_for_again(visit, demo_run):
    page = visit(f"saliency_viewer?run={demo_run}&image=119&method=gradient&why=many&many=all")
    label = page.get_by_text(re.compile("Gradient of 350 faces"))
    expect(label).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Cancel").last.click()
    expect(page.get_by_text("Cancelled: gradient of 350 faces")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_text("What hiding a region does to every probability")).to_be_visible(timeout=SLOW)


def test_on_a_phone_the_map_stands_beside_the_face_and_nothing_is_wider_than_the_page(viewer):
    page = viewer("&image=119&method=gradient", width=390, theme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    face, map_ = (page.locator(".fer-squares canvas").nth(i).bounding_box() for i in range(2))
    assert face["y"] == map_["y"] and face["width"] >= 160
    assert map_["x"] > face["x"] + face["width"] and map_["x"] + map_["width"] <= 390


# photos

@pytest.fixture
def photo(visit, demo_run):
    return lambda query="", **look: visit(f"try_photo?run={demo_run}&method=gradient{query}", **look)


def give(page, content, name="me.png"):
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "image/png", "buffer": content})


def test_a_text_named_png_is_told_and_the_next_photo_is_read(photo):
    from ui.views.photo.photo_panel import example

    page = photo()
    give(page, b"I am a picture, believe me. " * 30)
    expect(page.locator(".fer-problem")).to_contain_text("text, whatever its name says")
    give(page, example("phone"), "phone.png")
    expect(page.get_by_text("The picture was turned upright, as its camera noted.")).to_be_visible(timeout=SLOW)
    mapped(page)
    expect(page.locator(".fer-photo g[role=button]")).to_have_count(1)


def test_of_three_faces_one_is_picked_and_each_has_its_own_crop(photo):
    page = photo("&from=example&example=three")
    boxes = page.locator(".fer-photo g[role=button]")
    expect(boxes).to_have_count(3)
    crop, seen = page.locator(".st-key-crop img"), []
    for i in range(3):
        boxes.nth(i).locator("rect").click()
        expect(boxes.nth(i)).to_have_attribute("aria-pressed", "true")
        expect(page.locator(".fer-sentence")).to_contain_text(f"photo face {i + 1}:", timeout=SLOW)
        settled(page)
        seen.append(crop.get_attribute("src"))
    assert len(set(seen)) == 3
    expect(page).to_have_url(re.compile("face=3"))


def test_a_picture_of_the_camera_is_explained(photo):
    page = photo("&from=camera")
    page.wait_for_function("document.querySelector('video')?.videoWidth > 0")
    page.get_by_role("button", name="Take Photo").click()
    expect(page.locator(".fer-photo g[role=button]")).to_have_count(1, timeout=SLOW)
    mapped(page)
    expect(page.locator(".fer-sentence")).to_contain_text("on photo face 1: called")


def test_without_a_face_a_square_is_drawn_by_hand(photo):
    page = photo("&from=example&example=wall")
    expect(page.get_by_text("The network was not asked")).to_be_visible()
    box = page.locator(".fer-photo svg").bounding_box()
    page.locator(".fer-photo .grip").hover()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile("hand="))
    left, top, side = (float(part) for part in re.search(r"hand=([\d.]+)%2C([\d.]+)%2C([\d.]+)", page.url).groups())
    assert (left, top) == (0, 0) and np.isclose(side, 210, atol=15)
    mapped(page)
