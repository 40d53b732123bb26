"""A browser that hears late of what the app says: what it still says of the page before is never taken for a choice."""

import re

import pytest
from playwright.sync_api import expect

LATE = 400
"""Milliseconds: the parts of the page that the clock draws ask once or twice before the browser has heard of a click."""


@pytest.fixture
def late(visit, demo_run):
    """Open a page whose browser hears late."""
    return lambda page, query="": visit(f"{page}?run={demo_run}{query}", lag=LATE)


def entries(page):
    return page.evaluate("history.length")


def test_a_filter_stays_chosen_while_the_film_of_the_former_one_runs(late):
    page = late("filter_explorer", "&layer=conv2&unit=0&knobs=steps:2000")
    wall = page.locator(".st-key-wall [role=option]")
    expect(wall).to_have_count(32, timeout=120_000)
    before, number = entries(page), page.get_by_role("spinbutton", name=re.compile("^Filter, 0 to"))
    wall.nth(5).click()
    expect(page.locator(".fer-living .title")).to_have_text("Filter 5 of conv2")
    page.wait_for_timeout(3 * LATE)
    expect(page.locator(".fer-living .title")).to_have_text("Filter 5 of conv2")
    expect(number).to_have_value("5")
    assert entries(page) == before + 1
    number.fill("7")
    number.press("Enter")
    expect(page.locator(".fer-living .title")).to_have_text("Filter 7 of conv2")
    page.wait_for_timeout(3 * LATE)
    expect(page.locator(".fer-living .title")).to_have_text("Filter 7 of conv2")
    assert entries(page) == before + 2
    page.go_back()
    expect(page.locator(".fer-living .title")).to_have_text("Filter 5 of conv2")
    page.wait_for_timeout(3 * LATE)
    expect(number).to_have_value("5")
    expect(page).to_have_url(re.compile("unit=5"))


def test_a_widget_that_keeps_its_value_over_back_is_not_read_as_its_lowest(late):
    page = late("filter_explorer", "&layer=conv1&unit=3&knobs=steps:2000&more=save")
    title, number = page.locator(".fer-living .title"), page.get_by_role("spinbutton", name=re.compile("^Filter, 0 to"))
    page.locator(".fer-living").get_by_role("button", name="Another seed").click()
    expect(page).to_have_url(re.compile("seed=1"))
    page.wait_for_timeout(LATE)
    page.go_back()  # Streamlit forgets what the browser's widgets said
    expect(page).not_to_have_url(re.compile("seed="))
    page.wait_for_timeout(5 * LATE)
    expect(title).to_have_text("Filter 3 of conv1")
    expect(number).to_have_value("3")
    expect(page).to_have_url(re.compile("unit=3"))


def test_next_previous_and_back_while_maps_are_computed(late):
    page = late("saliency_viewer", "&true=sad&pred=neutral&method=smoothgrad&samples=211")
    sentence, before = page.locator(".fer-sentence"), entries(page)
    first = sentence.inner_text()
    page.get_by_role("button", name="Next", exact=True).click()
    expect(sentence).not_to_have_text(first)
    second = sentence.inner_text()
    page.get_by_role("button", name="Previous", exact=True).click()
    expect(sentence).to_have_text(first)
    assert entries(page) == before + 2
    page.go_back()
    expect(sentence).to_have_text(second)
    page.wait_for_timeout(3 * LATE)
    expect(sentence).to_have_text(second)
    page.go_forward()
    expect(sentence).to_have_text(first)
    assert entries(page) == before + 2


def test_three_quick_clicks_go_three_faces_on(late):
    page = late("saliency_viewer", "&true=sad&pred=neutral&method=smoothgrad&samples=212")
    place = page.locator(".st-key-steps")
    expect(place).to_contain_text("Face 1 of")
    button = page.get_by_role("button", name="Next", exact=True)
    for _ in range(3):
        button.click()
        page.wait_for_timeout(LATE // 4)
    expect(place).to_contain_text("Face 4 of")
    page.wait_for_timeout(3 * LATE)
    expect(place).to_contain_text("Face 4 of")


def test_a_link_to_where_one_was_before_leads_there(late):
    page = late("saliency_viewer", "&true=sad&pred=neutral&image=310")
    usual, other = (page.get_by_role("radio", name=name, exact=True) for name in ("Why Neutral rather than Sad", "Why Sad"))
    other.click()
    expect(page).to_have_url(re.compile("p=label"))
    page.wait_for_timeout(LATE + 1500)  # a person has read the answer meanwhile
    expect(other).to_be_checked()
    page.get_by_role("link", name="Face 310").click()  # the very query that a late browser would ask with
    expect(usual).to_be_checked()
    page.wait_for_timeout(3 * LATE)
    expect(usual).to_be_checked()
    expect(page).not_to_have_url(re.compile("p=label"))
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_role("link", name="Face 119")).to_be_visible()
    expect(page).not_to_have_url(re.compile("p=label"))
