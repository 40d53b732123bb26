"""Components of our own, each a style and a script beside its Python file; what arrives late never replaces what is newer."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import streamlit as st

BEGIN = "export default function ("
IN_ORDER = """
export default function (args) { // while a page opens, Streamlit imports this script, and what was said first can arrive last
  const place = args.parentElement;
  if (args.data.said_at < place.ferSaidAt) return undefined;
  place.ferSaidAt = args.data.said_at;
  return ferDraw(args);
}
"""


class Draw(Protocol):
    """Draws a component of its data, anything that JSON can hold; the listeners are Streamlit's, such as `on_pick_change`."""

    def __call__(self, *, key: str, data: Mapping[str, Any], **listeners: Any) -> Any:
        """Draw it under a key."""


def component(file: str, name: str, *, root: str = "", isolate_styles: bool = True) -> Draw:
    """Make the component of `name`.css and `name`.js beside a Python file.

    Its script finds an element of the class fer-`root`, by default fer-`name`.
    """
    style, script = (Path(file).with_name(f"{name}.{kind}").read_text(encoding="utf8") for kind in ("css", "js"))
    made = st.components.v2.component(f"fer_{name}", html=f"<div class='fer-{root or name}'></div>", css=style,
                                      js=script.replace(BEGIN, "function ferDraw(") + IN_ORDER, isolate_styles=isolate_styles)

    def draw(*, key: str, data: Mapping[str, Any], **listeners: Any) -> Any:
        return made(key=key, data={**data, "said_at": _said_at(key, data)}, **listeners)

    return draw


def _said_at(key: str, data: Mapping[str, Any]) -> float:
    """Tell when this was first said under this key: what is said again is not drawn again."""
    digest = hashlib.blake2b(json.dumps(data).encode(), digest_size=16).digest()
    said: dict[str, tuple[bytes, float]] = st.session_state.setdefault("_said", {})
    if key not in said or said[key][0] != digest:
        said[key] = (digest, time.time())
    return said[key][1]
