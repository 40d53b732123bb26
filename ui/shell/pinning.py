"""Pin this view: what a page shows now, with a title and a note, for the appendix of the report."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from fer_core.annotations.bookmarks import FILE, LONGEST, Pin, Pins, query
from fer_core.errors import FerError
from fer_core.plots.theme import Theme
from ui.services import cache
from ui.shell import breadcrumb, page_figures
from ui.state import navigation
from ui.text.language import say


def pins() -> Pins:
    """Pins of this project: one file beside the data sets."""
    return Pins(cache.data_root() / FILE)


def view(page: str) -> tuple[str, str]:
    """Name what a page shows now: its part of the address, and its query, with what the page chose where the URL leaves that open."""
    params = {**navigation.implied("image" in st.query_params), **st.query_params.to_dict()}
    return ("" if page == "app.py" else Path(page).stem), query(params)


def suggested(name: str, params: dict[str, str]) -> str:
    """Call a view by its page and the steps that led there, in the reader's language."""
    steps = [say(step.label) for step in breadcrumb.steps(params, breadcrumb.known(params))]
    shown = [say(params["class"].capitalize())] if params.get("class") and not steps else []
    led = say(", ").join([*steps, *shown])
    return (say("{page}: {steps}", page=name, steps=led) if led else say(name))[: LONGEST["title"]]


@st.fragment
def tools(page: str, name: str, about: str, theme: Theme) -> None:
    """Draw what stands beside the title of a page: its explanation, and its pin. The page is not drawn again by either."""
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        with st.popover(say("What am I looking at?"), type="tertiary", icon=":material/help:", key="about"):
            st.html(page_figures.figure(page, theme))
            st.markdown(say(about))
        popover(page, name)


def popover(page: str, name: str) -> None:
    """Draw the way to pin what a page shows, or to change its pin."""
    if st.session_state.pop("pin_changed", False) and page == "pages/report.py":
        st.rerun()
    if told := st.session_state.pop("pin_told", ""):
        st.toast(say(told), icon=":material/push_pin:")
    where, asked = view(page)
    known, problem = None, None
    try:
        known = pins().of(where, asked)
    except FerError as error:
        problem = error
    opened = st.popover(say("Pinned" if known else "Pin"), type="tertiary", icon=":material/push_pin:", key="pin", on_change="rerun")
    if not opened.open:
        return
    with opened:
        problem = st.session_state.pop("pin_problem", problem)
        if problem is not None:
            st.error(_complaint(problem))
        st.markdown(say("This view stands in the report's appendix." if known else "Pin this view: it goes into the report's appendix."))
        now = known or Pin(suggested(name, Pin("", "", where, asked).params), "", where, asked)
        form(now, say("Save the pin" if known else "Pin this view"), lambda title, note: _save(page, known, title, note), key="pin")
        if known:
            st.button(say("Take the pin off"), type="tertiary", icon=":material/delete:", key="pin-off", on_click=remove,
                      args=(known.number,))


def _complaint(problem: FerError) -> str:
    """Write a problem in one paragraph."""
    parts = [say(problem.what)]
    parts += [say("Received: {text}.", text=str(problem.received))] if problem.received is not None else []
    parts += [say("Expected: {text}.", text=problem.expected)] if problem.expected else []
    parts += [say("What to do: {text}.", text=problem.todo)] if problem.todo else []
    return " ".join(parts)


def form(pin: Pin, label: str, save: Callable[[str, str], None], *, key: str) -> None:
    """Draw title and note of a pin, and the button that saves them."""
    key = f"{key}-{hashlib.sha1(pin.path.encode(), usedforsecurity=False).hexdigest()[:10]}"

    def saved() -> None:
        try:
            st.session_state["pin_changed"] = True
            save(st.session_state[f"{key}-title"], st.session_state[f"{key}-note"])
        except FerError as error:
            st.session_state["pin_problem"] = error

    with st.form(f"{key}-form", border=False):
        st.text_input(say("Title"), pin.title, key=f"{key}-title", max_chars=LONGEST["title"])
        st.text_area(say("Note"), pin.note, key=f"{key}-note", max_chars=LONGEST["note"], height=90,
                     placeholder=say("What is to be seen here?"))
        st.form_submit_button(label, on_click=saved, type="primary")


def _save(page: str, known: Pin | None, title: str, note: str) -> None:
    where, asked = view(page)
    if known is not None:
        pins().change(known.number, title=title, note=note)
    else:
        pins().add(Pin(title, note, where, asked))
    st.session_state["pin_told"] = "Saved." if known else "Pinned: it stands in the report's appendix."


def remove(number: int) -> None:
    """Take a pin off; what goes wrong is told when the page is drawn."""
    try:
        st.session_state["pin_changed"] = True
        pins().remove(number)
    except FerError as error:
        st.session_state["pin_problem"] = error
