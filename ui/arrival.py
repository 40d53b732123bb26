"""A link that opens a page at one of its parts leads the eye there: the part is scrolled into view, once."""

from __future__ import annotations

import streamlit as st

_component = st.components.v2.component(
    "fer_arrival",
    html="<span class='fer-arrival' hidden></span>",
    js="""
export default function ({ data }) {
  if (window.ferArrival === data.number) return;
  window.ferArrival = data.number;
  requestAnimationFrame(() => document.querySelector(`.st-key-${data.part}`)?.scrollIntoView({ block: "start" }));
}
""",
    isolate_styles=False,
)


def show(part: str) -> None:
    """Scroll the container with the key `part` into view where a link opened the page; Back and later clicks leave it where it is."""
    _component(key="arrival", data={"number": st.session_state.get("_arrivals", 0), "part": part})
