"""Overview and dataset page as a person uses them: click, keyboard, links, back and forward, a wrong path, both themes, a narrow screen."""

import re

import pytest
from playwright.sync_api import expect


def settled(page):
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=90_000)
    expect(page.locator("[data-stale=true]")).to_have_count(0, timeout=30_000)


def wall(page):
    return page.locator(".st-key-gallery [role=option]")


def test_the_overview_shows_data_and_what_is_missing(visit):
    page = visit()
    expect(page.locator(".st-key-card-data")).to_contain_text("90")
    expect(page.locator(".st-key-card-data")).to_contain_text("faces.csv")
    expect(page.locator(".st-key-card-cnn")).to_contain_text("No run yet")
    expect(page.locator(".st-key-next button")).to_be_visible()


def test_a_face_of_the_overview_opens_on_the_dataset_page(visit):
    page = visit()
    page.locator(".st-key-strip [role=option]").nth(2).click()
    expect(page).to_have_url(re.compile(r"/dataset\?.*class=disgust"))
    settled(page)
    expect(page.locator(".st-key-face img")).to_have_attribute("alt", re.compile("Disgust"))


def test_a_click_on_a_mean_face_fills_the_wall_and_back_undoes_it(visit):
    page = visit("dataset")
    expect(wall(page)).to_have_count(70)
    page.locator(".st-key-means [role=option]").nth(2).click()
    expect(page).to_have_url(re.compile("class=fear"))
    expect(wall(page)).to_have_count(10)
    page.go_back()
    expect(wall(page)).to_have_count(70)


def test_a_click_on_a_bar_chooses_the_class(visit):
    page = visit("dataset")
    bars = page.locator(".st-key-classes .bars .point path")
    expect(bars).to_have_count(7)
    box = bars.nth(3).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page).to_have_url(re.compile("class=happy"))
    expect(wall(page)).to_have_count(10)


def test_keyboard_walks_the_wall_and_keeps_the_focus(visit):
    page = visit("dataset?class=sad")
    expect(wall(page)).to_have_count(10)
    wall(page).nth(0).focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile("image=42"))
    settled(page)
    expect(wall(page).nth(2)).to_be_focused()
    expect(wall(page).nth(2)).to_have_attribute("aria-selected", "true")


def test_a_link_opens_the_same_view(visit):
    page = visit("dataset?split=validation&class=0&image=3&view=copies")
    expect(page.locator(".st-key-leaks [role=option]")).to_have_count(3)
    expect(page.locator(".st-key-conflicts [role=option]")).to_have_count(1)
    expect(page.locator(".st-key-conflicts [role=option]").first).to_contain_text("Angry | Disgust")
    expect(page.locator(".st-key-blank [role=option]")).to_have_count(1)


@pytest.mark.parametrize(
    "query", ["class=99&image=x&split=nowhere&view=1&from=-5", "image=100000&from=999999", "class=%3Cb%3E&true=8&pred=-1"]
)
def test_wrong_values_fall_back_quietly(visit, query):
    page = visit(f"dataset?{query}")
    expect(wall(page).first).to_be_visible()


def test_a_path_that_is_not_there_is_told_calmly(visit):
    page = visit("dataset?data=/nowhere/at/all.csv")
    expect(page.locator(".fer-problem")).to_contain_text("no data set")
    expect(page.locator(".st-key-controls")).to_be_visible()


def test_a_path_typed_in_is_opened(visit, server):
    page = visit("dataset?data=/nowhere/at/all.csv")
    page.get_by_role("button", name=re.compile("Open a file")).click()
    field = page.get_by_label(re.compile("Path of a CSV"))
    field.fill(str(server.data / "faces.csv"))
    field.press("Enter")
    expect(wall(page)).to_have_count(70)


def test_the_menu_keeps_the_selection(visit):
    page = visit("dataset?class=sad&split=validation")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Overview").click()
    expect(page).to_have_url(re.compile("class=sad"))
    expect(page).to_have_url(re.compile("split=validation"))


def test_a_chip_takes_the_class_off(visit):
    page = visit("dataset?class=sad")
    page.locator(".st-key-chip_class button").click()
    expect(page).not_to_have_url(re.compile("class="))
    expect(wall(page)).to_have_count(70)


def test_the_trainer_view_shows_epochs(visit):
    page = visit("dataset?view=trainer&preset=strong&image=0")
    expect(page.locator(".st-key-examples [role=option]")).to_have_count(24)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["", "dataset?class=happy&image=30", "dataset?view=copies", "dataset?view=trainer"])
def test_nothing_is_wider_than_a_phone(visit, path, theme):
    page = visit(path, width=390, theme=theme)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
