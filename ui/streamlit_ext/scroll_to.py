"""A link that opens a page at one of its parts leads the eye there: the part is held in view while the page above it grows."""

from __future__ import annotations

import streamlit as st

_component = st.components.v2.component(
    "fer_arrival",
    html="<span class='fer-arrival' hidden></span>",
    js="""
export default function ({ data }) {
  if (window.ferArrival === data.number) return;
  window.ferArrival = data.number;
  let busy = true;  // until a person takes over, or the page above the part has had time to grow
  const end = () => { busy = false; };
  for (const kind of ["wheel", "touchstart", "pointerdown", "keydown"]) window.addEventListener(kind, end, { once: true, capture: true });
  setTimeout(end, 8000);
  const hold = () => {
    if (!busy || window.ferArrival !== data.number) return;
    document.querySelector(`.st-key-${data.part}`)?.scrollIntoView({ block: "start" });
    setTimeout(hold, 150);
  };
  requestAnimationFrame(hold);
}
""",
    isolate_styles=False,
)


def show(part: str) -> None:
    """Scroll the container with the key `part` into view where a link opened the page; Back and later clicks leave it where it is."""
    _component(key="arrival", data={"number": st.session_state.get("_arrivals", 0), "part": part})
