"""Escape as a way back: pressed anywhere on a page, outside of fields and open menus, it leads to the page that the person came from."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

_component = st.components.v2.component(
    "fer_escape",
    html="<span class='fer-escape' hidden></span>",
    js="""
export default function ({ parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".fer-escape");
  root.send = setTriggerValue;
  if (root.listens) return;
  root.listens = true;
  const pressed = (event) => {
    if (!root.isConnected) return document.removeEventListener("keydown", pressed);
    const busy = event.target.closest?.("input, textarea, select, [role=combobox], [role=dialog], [role=listbox] input")
      || document.querySelector("[role=dialog], [data-testid=stPopoverBody], [data-baseweb=popover]");
    if (event.key === "Escape" && !event.defaultPrevented && !busy) root.send("leave", true);
  };
  document.addEventListener("keydown", pressed);
}
""",
    isolate_styles=False,
)


def escape(leave: Callable[[], None]) -> None:
    """Call `leave` before the page is drawn again when Escape was pressed; draws nothing.

    A callback cannot switch pages: let it put a word into the session, and switch at the top of the script.
    """

    def pressed() -> None:
        if st.session_state["escape"].get("leave"):
            leave()

    _component(key="escape", data={}, on_leave_change=pressed)
