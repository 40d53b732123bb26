"""A page whose parts the clock draws, left by a click: with our mends of Streamlit the next one stands whole, without them it does not."""

import pytest
from conftest import LATE, Server
from playwright.sync_api import expect

FIRST = """
import os
import sys
import time
import types
import streamlit as st

# What a thread does between the end of one run and the next; Streamlit closes the figures there.
sys.modules["matplotlib.pyplot"] = types.SimpleNamespace(close=lambda which: time.sleep(float(os.environ["PAUSE"])))
if os.environ["MENDED"] == "yes":
    from ui.streamlit_ext import patches
    patches.mend()

@st.fragment(run_every=0.1)
def inner():
    st.text("tock")

@st.fragment(run_every=0.1)
def outer():
    st.text("tick")
    inner()

st.title("First")
st.page_link("pages/second.py", label="Go on", query_params={"face": "7"})
with st.container():
    outer()
"""
SECOND = """
import time
import streamlit as st
st.title("Second")
st.text(f"Face {st.query_params.get('face')}")
time.sleep(2)
st.text("The end")
"""
CASES = pytest.mark.parametrize(("pause", "lag"), [(0.5, 0), (0, 1000)], ids=["as a part ends", "a part asks after it"])


@pytest.fixture
def go_on(chromium, root, tmp_path, monkeypatch):
    """Go from a page whose parts tick to another one; tell the text that stands there in the end, and the errors of the browser."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "app.py").write_text(FIRST)
    (tmp_path / "pages/second.py").write_text(SECOND)
    monkeypatch.setenv("PYTHONPATH", str(root))
    monkeypatch.setenv("STREAMLIT_RUNNER_FAST_RERUNS", "false")
    server, context = Server(tmp_path, tmp_path), chromium.new_context()

    def going(mended, pause, lag):
        monkeypatch.setenv("MENDED", mended)
        monkeypatch.setenv("PAUSE", str(pause))
        page, faults = context.new_page(), []
        page.on("pageerror", lambda error: faults.append(str(error)))
        if lag:
            page.add_init_script(LATE % lag)
        page.goto(server.start().url)
        expect(page.get_by_text("tock")).to_be_visible()
        page.wait_for_timeout(1000)  # the clock has struck
        page.get_by_role("link", name="Go on").click()
        page.wait_for_timeout(4000 + 2 * lag)
        return page.locator("body").inner_text(), faults

    yield going
    context.close()
    server.stop()


@CASES
def test_a_page_stands_whole_whatever_the_clock_asks_for(go_on, pause, lag):
    text, faults = go_on("yes", pause, lag)
    assert not faults
    assert all(part in text for part in ("Second", "Face 7", "The end")), text
    assert "tick" not in text


@CASES
def test_without_the_mends_it_does_not(go_on, pause, lag):
    for _ in range(3):  # it is a race: on a busy machine it may be won once
        text, faults = go_on("no", pause, lag)
        if faults or "tick" in text or "The end" not in text:
            return
    pytest.fail("Streamlit no longer needs this mend of ui/streamlit_ext/patches.py")
