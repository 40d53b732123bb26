"""Set-up of a page, the menu that keeps the selection, and how errors, headings and empty places look."""

from __future__ import annotations

import html
from pathlib import Path

import streamlit as st

from fer_core.annotations.face_filter import PARTS, parse
from fer_core.annotations.label_reviews import VERDICTS
from fer_core.emotions import SPLITS
from ui.elements.messages import left_aside, theme
from ui.shell import breadcrumb, pinning, recent, tour
from ui.state import bound_widgets, navigation, url_params
from ui.streamlit_ext import browser_history, patches
from ui.text import formatting
from ui.text.language import LANGUAGES, say, spoken

ICON = Path(__file__).parent / "icon.png"
STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf8")
DARK_STYLE = """button[kind^=primary] :is(p, span) { color: #10151d; }
button[kind=tertiary]:is(:hover, :active, :focus-visible, [aria-expanded=true]):not(:disabled) { color: #8fb0f5 !important; }"""
"""Where Streamlit's own colours fall short of 4.5 : 1: on the pale primary colour, and its darker shade on the dark ground."""
CHINESE_STYLE = """[data-testid=stFileUploaderDropzone] button p, [data-testid=stFileUploaderDropzoneInstructions] span { font-size: 0; }
[data-testid=stFileUploaderDropzone] button p::after { font-size: 0.9rem; content: "選擇檔案"; }
[data-testid=stFileUploaderDropzoneInstructions] span::after { font-size: 0.875rem; content: "或把檔案拖到這裡，至多 10 MB"; }"""
"""Words that Streamlit's own widgets say in English only."""

PAGES: dict[str, tuple[str, str]] = {
    "app.py": ("Overview", ":material/home:"),
    "pages/dataset.py": ("Dataset", ":material/face:"),
    "pages/training_monitor.py": ("Training", ":material/show_chart:"),
    "pages/confusion_matrix.py": ("Confusion matrix", ":material/grid_on:"),
    "pages/saliency_viewer.py": ("Saliency", ":material/highlight:"),
    "pages/filter_explorer.py": ("Filters", ":material/layers:"),
    "pages/try_photo.py": ("Try a photo", ":material/photo_camera:"),
    "pages/report.py": ("Report", ":material/description:"),
}
"""File, title and icon of every page, in the order of the menu."""


def setup(page: str) -> None:
    """Begin a page: title, style, menu, the tour's step and the thread. `page` is a key of `PAGES`; call it before all else."""
    patches.mend()
    navigation.follow()
    navigation.arrive(page)
    title = say(PAGES[page][0])
    st.set_page_config(page_title=f"{title} · FER Lens", page_icon=str(ICON), layout="wide", initial_sidebar_state="auto")
    st.html(f"<style>{STYLE}{DARK_STYLE if theme() == 'dark' else ''}{CHINESE_STYLE if spoken() == 'zh-TW' else ''}</style>")
    known = breadcrumb.known(st.query_params.to_dict())
    with st.sidebar:
        st.html("<div class='fer-brand'>FER Lens</div>")
        with st.container(key="menu", gap="xxsmall"):
            for file, (name, mark) in PAGES.items():
                st.page_link(file, label=say(name), icon=mark, width="stretch", query_params=navigation.carried())
        _chips(known.faces if known else None)
        bound_widgets.choose("Language", "lang", list(LANGUAGES), words=LANGUAGES.__getitem__, kind="segmented", hidden=True)
        browser_history.mend()
    if page != "app.py":
        recent.remember(page, st.query_params.to_dict())
    tour.draw()
    breadcrumb.draw(known)
    left_aside([*url_params.strange(tour=range(1, len(tour.STEPS) + 1), lang=LANGUAGES, split=SPLITS), *url_params.unnamed("class")])


def link(page: str, label: str, *, icon: str | None = None, **changes: object) -> None:
    """Draw a link to another page that carries the selection, with changes."""
    st.page_link(page, label=say(label), icon=icon or PAGES[page][1], query_params=navigation.carried(**changes))


def go(page: str, **changes: object) -> None:
    """Switch to another page with the selection, with changes."""
    st.switch_page(page, query_params=navigation.carried(**changes))




def header(title: str, sentence: str, about: str = "") -> None:
    """Draw the title and the sentence that says in numbers what the page shows now; `about` explains the page on request.

    Beside the title, where `about` is told, stands the way to pin the view.
    """
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(say(title), anchor=False, width="content")
        if about:
            pinning.tools(st.session_state.get("_page", "app.py"), title, about, theme())
    if sentence:
        st.html(f"<p class='fer-sentence'>{html.escape(say(sentence))}</p>")










def _chips(faces: int | None) -> None:
    """Draw the selection as chips that can be taken off; `faces` is how many the split has, where that is known."""
    chips: list[tuple[str, str, tuple[str, ...]]] = []
    true, pred = url_params.emotion("true"), url_params.emotion("pred")
    if true is not None or pred is not None:
        names = [say("any" if number is None else formatting.emotion(number)) for number in (true, pred)]
        chips.append(("cell", f"{names[0]} → {names[1]}", ("true", "pred")))
    chosen, image = url_params.emotion("class"), breadcrumb.face(st.query_params, faces)
    if chosen is not None:
        chips.append(("class", formatting.emotion(chosen), ("class",)))
    if image is not None:
        chips.append(("image", say("Face {number}", number=image), ("image",)))
    chips += _matrix_chips()
    if not chips:
        return
    with st.container(key="chips", gap="small"):
        for name, label, params in chips:
            st.button(f"{label}  ✕", key=f"chip_{name}", on_click=navigation.write, kwargs=dict.fromkeys(params))


def _matrix_chips() -> list[tuple[str, str, tuple[str, ...]]]:
    """Return the chips of what else narrows the faces of a matrix."""
    choice, _ = parse(st.query_params.to_dict())
    chips: list[tuple[str, str, tuple[str, ...]]] = []
    if "cells" in st.query_params and choice.cells:
        chips.append(("cells", say("{n} cells", n=len(choice.cells)), ("cells", "start")))
    if choice.least:
        chips.append(("min", f"p ≥ {choice.least:.2f}", ("min", "start")))
    if choice.bin or choice.side:
        told = say("p {low:.2f} to {high:.2f}", low=choice.bin[0], high=choice.bin[1]) if choice.bin else ""
        chips.append(("bin", " ".join(filter(None, (told, say(choice.side or "")))), ("bin", "side", "start")))
    if choice.part:
        chips.append(("part", say(PARTS[choice.part]), ("part", "start")))
    if choice.verdict:
        chips.append(("verdict", say("Marked {verdict}", verdict=VERDICTS[choice.verdict]), ("verdict", "start")))
    return chips
