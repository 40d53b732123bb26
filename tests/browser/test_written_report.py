"""The report in a real browser: a view pinned on another page, the report written, read, taken along and printed."""

import re
import shutil

import pytest
from conftest import settled
from playwright.sync_api import expect


@pytest.fixture
def bare(server, root):
    """A run without weights: its report is written at once."""
    shutil.copytree(root / "checkpoints/demo", server.runs / "bare", ignore=shutil.ignore_patterns(".cache", "weights.safetensors"))
    yield "bare"
    shutil.rmtree(server.runs / "bare")


def test_a_view_is_pinned_and_stands_in_the_report_that_is_taken_along(visit, bare, chromium, tmp_path):
    page = visit("dataset?class=sad")
    tool = page.get_by_test_id("stPopoverButton").filter(has_text="Pin")
    tool.click()
    page.get_by_label("Note").fill("<b>few</b>")
    page.get_by_role("button", name="Pin this view").click()
    expect(tool).to_contain_text("Pinned")
    page = visit(f"report?run={bare}")
    page.get_by_role("button", name="Write the report").click()
    report = page.frame_locator("iframe")
    expect(report.locator("h1")).to_have_text("Recognising facial expressions: demo", timeout=120_000)
    expect(report.locator(".pins .note")).to_have_text("<b>few</b>")
    report.get_by_role("link", name="Which expressions are confused").click()
    expect(report.locator("#q3 h2")).to_be_in_viewport()
    with page.expect_download() as taken:
        page.get_by_role("button", name=re.compile("^download Download|^Download")).click()
    assert re.fullmatch(r"report-bare-en\.html", taken.value.suggested_filename)
    path = tmp_path / "report.html"
    taken.value.save_as(path)
    page.locator(".st-key-remove-1 button").first.click()
    expect(page.get_by_text("No view is pinned", exact=True)).to_be_visible()
    settled(page)
    expect(report.locator("#appendix a")).to_have_count(0)
    alone = chromium.new_page(viewport={"width": 390, "height": 800})
    asked = []
    alone.on("request", lambda request: asked.append(request.url))
    alone.goto(path.as_uri())
    assert alone.evaluate("document.documentElement.scrollWidth") == 390
    assert all(url.startswith(("file:", "data:")) for url in asked)
    assert len(re.findall(rb"/Type\s*/Page\b", alone.pdf(prefer_css_page_size=True))) >= 3
    alone.close()


def test_a_report_is_written_on_while_other_pages_are_looked_at(visit, demo_run):
    page = visit(f"report?run={demo_run}")
    page.get_by_role("button", name="Write the report").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    menu = page.locator(".st-key-menu")
    menu.get_by_role("link", name="Dataset").click()
    expect(page.locator("h1")).to_have_text("Dataset")
    settled(page)
    menu.get_by_role("link", name="Report").click()
    expect(page.locator("h1")).to_have_text("Report")
    expect(page.get_by_text("Not written yet")).to_have_count(0)
    expect(page.frame_locator("iframe").locator("h1")).to_contain_text("Recognising facial expressions", timeout=240_000)
