"""What makes our components: what was said first and arrives last is left aside; what is said again bears its first moment."""

from ui.streamlit_ext import component

CALLS = """async (script) => {
  const made = await import("data:text/javascript," + encodeURIComponent(script));
  const one = document.createElement("div"), other = document.createElement("div");
  const call = (place, at, word) => made.default({ parentElement: place, data: { said_at: at, word } });
  call(one, 2, "done"); call(one, 1, "running"); call(one, 2, "done again"); call(one, 3, "newer"); call(other, 1, "another place");
  return window.ferDrawn;
}"""


def test_older_data_never_take_the_place_of_newer(chromium):
    page = chromium.new_page()
    script = "window.ferDrawn = []; function ferDraw({ data }) { window.ferDrawn.push(data.word); }" + component.IN_ORDER
    assert page.evaluate(CALLS, script) == ["done", "done again", "newer", "another place"]
    page.close()


def test_what_is_said_again_is_as_old_as_before(monkeypatch):
    monkeypatch.setattr(component.st, "session_state", {})
    first = component._said_at("one", {"word": "a"})
    assert component._said_at("one", {"word": "a"}) == first
    newer = component._said_at("one", {"word": "b"})
    assert newer > first
    assert component._said_at("one", {"word": "a"}) > newer  # said anew, not again
    assert component._said_at("other", {"word": "a"}) > first


def test_every_script_of_ours_can_be_made_a_component(root):
    scripts = sorted((root / "ui").rglob("*.js"))
    assert len(scripts) >= 10
    assert all(script.read_text("utf8").count(component.BEGIN) == 1 for script in scripts)
