"""The switch of the language: it changes the words of a page, and nothing that was chosen there."""

from urllib.parse import parse_qs, urlsplit

import pytest
from conftest import settled
from playwright.sync_api import expect

PAGES = ("", "dataset", "training_monitor", "confusion_matrix", "saliency_viewer", "filter_explorer", "try_photo", "report")


def asked(page):
    return {name: value for name, value in parse_qs(urlsplit(page.url).query).items() if name != "lang"}


def speak(page, language):
    page.get_by_test_id("stSidebar").get_by_role("radio", name=language, exact=True).click()
    expect(page.get_by_test_id("stSidebar").get_by_role("link", name={"English": "Overview", "繁體中文": "總覽"}[language])).to_be_visible()
    settled(page)


@pytest.mark.parametrize("name", PAGES)
def test_what_was_chosen_stays_chosen_in_either_language(visit, demo_run, name):
    page = visit(f"{name}?run={demo_run}&true=sad&pred=neutral&knobs=steps:4")
    before = asked(page)
    speak(page, "繁體中文")
    speak(page, "English")
    page.wait_for_timeout(1500)  # a part that the clock draws would write what it took for a choice
    settled(page)
    assert asked(page) == before
    expect(page.locator(".fer-problem")).to_have_count(0)
    expect(page.get_by_text("was left aside")).to_have_count(0)
