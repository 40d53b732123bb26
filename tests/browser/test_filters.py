"""The filter explorer in a real browser: a filter is picked, its frames arrive, it is stopped, and the link brings it back."""

import re

import pytest
from conftest import settled
from playwright.sync_api import expect

SLOW = 120_000


@pytest.fixture
def filters(visit, demo_run):
    """Open the explorer by a link."""
    return lambda query="", **look: visit(f"filter_explorer?run={demo_run}&more=save{query}", **look)


def living(page):
    return page.locator(".fer-living")


def frames(page):
    return int(living(page).get_attribute("data-frames") or 0)


def canvas(page):
    """The pixels of the living picture, as the browser shows them."""
    return page.locator(".fer-living canvas").first.evaluate("one => one.toDataURL()")


def test_a_filter_is_picked_painted_stopped_and_brought_back_by_its_link(filters):
    page = filters("&layer=conv1&knobs=steps:400")
    page.locator(".st-key-network-row button[data-name=conv2]").first.click()
    expect(page).to_have_url(re.compile("layer=conv2"))
    wall = page.locator(".st-key-wall [role=option]")
    expect(wall).to_have_count(32, timeout=SLOW)
    wall.nth(5).click()
    expect(page).to_have_url(re.compile("unit=5"))
    expect(page.locator(".fer-living .title")).to_have_text("Filter 5 of conv2")
    expect(living(page)).to_have_attribute("data-state", "playing", timeout=SLOW)
    expect(living(page)).to_have_attribute("data-step", re.compile(r"\d+"), timeout=SLOW)
    first, before = frames(page), canvas(page)
    expect(living(page)).not_to_have_attribute("data-frames", str(first), timeout=SLOW)  # more of them arrive
    pause = page.locator(".fer-living").get_by_role("button", name="Pause")
    pause.evaluate("one => { one.click(); one.click(); }")  # changed one's mind before the page could answer: it goes on
    settled(page)
    page.wait_for_timeout(1000)
    pause.click()
    expect(living(page)).to_have_attribute("data-state", "paused")
    settled(page)
    stopped = frames(page)
    assert canvas(page) != before or stopped > first
    expect(page.locator(".fer-living output")).to_have_text(re.compile(r"step \d+ of 400"))
    page.locator(".fer-living").get_by_role("button", name="Play").click()
    expect(living(page)).to_have_attribute("data-state", "done", timeout=SLOW)
    expect(page.locator(".fer-living output")).to_have_text("step 400 of 400")
    ended = canvas(page)
    wall.nth(6).click()  # the wall is complete by now
    expect(page.locator(".fer-living .title")).to_have_text("Filter 6 of conv2")
    page.go_back()
    expect(page.locator(".fer-living .title")).to_have_text("Filter 5 of conv2")
    page.reload()
    expect(page.locator(".fer-living .title")).to_have_text("Filter 5 of conv2", timeout=SLOW)
    expect(living(page)).to_have_attribute("data-state", "done", timeout=SLOW)
    assert canvas(page) == ended  # the same link, the same picture


def test_the_slider_walks_through_the_steps(filters):
    page = filters("&layer=conv1&knobs=steps:64&unit=3")
    expect(living(page)).to_have_attribute("data-state", "done", timeout=SLOW)
    last = canvas(page)
    slider = page.locator(".fer-living input[type=range]")
    slider.focus()
    slider.press("Home")
    expect(page.locator(".fer-living output")).to_have_text("step 0 of 64")
    assert canvas(page) != last
    slider.press("End")
    expect(page.locator(".fer-living output")).to_have_text("step 64 of 64")
    assert canvas(page) == last


def test_another_seed_is_another_picture_and_back_returns(filters):
    page = filters("&layer=conv1&knobs=steps:4&unit=3")
    expect(living(page)).to_have_attribute("data-state", "done", timeout=SLOW)
    first, film = canvas(page), living(page).get_attribute("data-film")
    page.locator(".fer-living").get_by_role("button", name="Another seed").click()
    expect(page).to_have_url(re.compile("seed=1"))
    expect(living(page)).not_to_have_attribute("data-film", film, timeout=SLOW)
    expect(living(page)).to_have_attribute("data-step", "4", timeout=SLOW)
    assert canvas(page) != first
    page.go_back()
    expect(page).not_to_have_url(re.compile("seed="))
    expect(living(page)).to_have_attribute("data-film", film, timeout=SLOW)
    expect(living(page)).to_have_attribute("data-step", "4", timeout=SLOW)
    assert canvas(page) == first


def test_the_dossier_the_switch_off_test_and_a_narrow_dark_page(filters):
    page = filters("&layer=conv4&unit=12&knobs=steps:4", width=390, height=844, theme="dark")
    expect(page.get_by_text("faces that excite it most").first).to_be_visible(timeout=SLOW)
    expect(page.locator(".st-key-strongest [role=option]")).to_have_count(9, timeout=SLOW)
    page.get_by_role("button", name="Switch it off").click()
    expect(page.get_by_text("points", exact=False).first).to_be_visible(timeout=SLOW)
    expect(page).to_have_url(re.compile("off=1"))
    page.locator(".st-key-strongest [role=option]").first.click()
    expect(page).to_have_url(re.compile(r"image=\d+"))
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_demonstration_goes_on_by_itself_and_ends(filters):
    page = filters("&demo=1")
    title = page.locator(".fer-living .title")
    expect(title).to_have_text(re.compile("of conv1"), timeout=SLOW)
    expect(living(page)).to_have_attribute("data-step", re.compile(r"\d+"), timeout=SLOW)
    first = title.inner_text()
    expect(title).not_to_have_text(first, timeout=SLOW)
    page.get_by_role("button", name="End the demonstration").click()
    expect(page).not_to_have_url(re.compile("demo=1"))
    settled(page)
