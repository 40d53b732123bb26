"""One click, one step of Back: where a script switches pages, Streamlit first writes the next page's query onto the page that is left."""

from __future__ import annotations

import streamlit as st

_component = st.components.v2.component(
    "fer_history",
    html="<span hidden></span>",
    js="""
export default function () {
  if (window.ferHistory) return;
  window.ferHistory = true;
  const push = history.pushState.bind(history);
  let written = "";  // the address that was written onto the page that is here since a person last did something
  for (const kind of ["pointerdown", "keydown", "popstate"]) window.addEventListener(kind, () => { written = ""; }, true);
  history.pushState = (state, title, url) => {
    const next = new URL(url, location.href), leaves = next.pathname !== location.pathname;
    if (leaves && written === location.href && next.search === location.search) return history.replaceState(state, title, url);
    push(state, title, url);
    written = leaves ? "" : location.href;
  };
}
""",
    isolate_styles=False,
)


def mend() -> None:
    """Put the mend into the browser, once for as long as the app is open there; draws nothing."""
    _component(key="history", data={})
