"""A wall of faces from one picture: hundreds of faces at once, with captions, the keyboard and a selection told from outside."""

from __future__ import annotations

import base64
import hashlib
import html
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from fer_core.emotions import EMOTIONS
from ui.streamlit_ext.component import component
from ui.text.language import say

if TYPE_CHECKING:
    pass

COLUMNS = 20


@dataclass(frozen=True)
class Keys:
    """What the keyboard does on a wall beside moving: Enter opens a face by its position, Escape leaves, single keys act on face ids.

    `act` gets (key, id) pairs in their order, each exactly once, however fast they come.
    """

    open: Callable[[int], None]
    leave: Callable[[], None]
    keys: str = ""
    ids: Sequence[int] = ()
    act: Callable[[list[tuple[str, int]]], None] | None = None


_component = component(__file__, "gallery", root="wall")


def png(image: np.ndarray) -> bytes:
    """Encode a picture uint8 (h, w) or (h, w, 3) as PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def address(image: np.ndarray) -> str:
    """Write a picture uint8 (h, w) or (h, w, 3) as the address of an image."""
    return "data:image/png;base64," + base64.b64encode(png(np.ascontiguousarray(image))).decode("ascii")


def atlas(images: np.ndarray, columns: int = COLUMNS) -> np.ndarray:
    """Lay faces uint8 (n, h, w[, 3]) out as one picture, `columns` in a row, the last row filled with black."""
    count, height, width = images.shape[:3]
    columns = min(columns, max(count, 1))
    rows = -(-max(count, 1) // columns)
    sheet = np.zeros((rows * columns, *images.shape[1:]), np.uint8)
    sheet[:count] = images
    grid = sheet.reshape(rows, columns, *images.shape[1:]).swapaxes(1, 2)
    return grid.reshape(rows * height, columns * width, *images.shape[3:])


@st.cache_data(max_entries=40, show_spinner=False)
def _encoded(images: np.ndarray) -> tuple[str, str]:
    """Return the atlas as base64 and a tag that names its content."""
    raw = png(atlas(images))
    return base64.b64encode(raw).decode("ascii"), hashlib.sha256(raw).hexdigest()[:16]


def gallery(
    images: np.ndarray,
    key: str,
    *,
    captions: Sequence[str] | None = None,
    colours: Sequence[str] | None = None,
    selected: int | None = None,
    size: int = 48,
    on_pick: Callable[[int], None] | None = None,
    height: int | None = None,
    label: str = "Faces",
    tips: Sequence[str] | None = None,
    cell: int = 64,
    keys: Keys | None = None,
    order: str = "",
) -> None:
    """Show faces uint8 (n, 48, w[, 3 or 4]) on a wall, `size` pixels tall each (a multiple of 48 keeps them crisp).

    `on_pick` is called with the position of the face chosen by click or Enter, before the page is drawn again. `selected` is a
    position too. `colours` are thin edges that go with the captions, which are `cell` pixels wide; `tips` are told on hover; a wall
    taller than `height` scrolls, and begins at its top again when its `order` is another one.
    """
    if not len(images):
        st.caption(say("No faces here."))
        return
    sheet, tag = _encoded(np.ascontiguousarray(images, np.uint8))

    def picked() -> None:
        position = st.session_state[f"gallery_{key}"].get("pick")
        if position is not None and on_pick is not None:
            on_pick(int(position))

    data = {
        "atlas": sheet,
        "tag": tag,
        "count": len(images),
        "columns": min(COLUMNS, len(images)),
        "captions": list(captions or []),
        "colours": list(colours or []),
        "tips": list(tips or []),
        "selected": selected,
        "size": size,
        "wide": round(size * images.shape[2] / images.shape[1]),
        "height": height,
        "clickable": on_pick is not None,
        "label": say(label),
        "face": say("Face {number}"),
        "cell": cell,
        "order": order,
        "opens": keys is not None,
        "keys": list(keys.keys) if keys else [],
        "ids": [int(i) for i in keys.ids] if keys else [],
        "heard": st.session_state.get(f"heard_{key}"),
    }
    with st.container(key=key):
        _component(key=f"gallery_{key}", data=data, on_pick_change=picked, **(_listeners(key, keys) if keys else {}))


def _listeners(key: str, keys: Keys) -> dict[str, Any]:
    """Return the callbacks of the keyboard; a key that was heard before is not acted on again."""

    def value(name: str) -> Any:
        return st.session_state[f"gallery_{key}"].get(name)

    def opened() -> None:
        if (position := value("open")) is not None:
            keys.open(int(position))

    def left() -> None:
        if value("leave"):
            keys.leave()

    def pressed() -> None:
        if not (told := value("key")) or keys.act is None:
            return
        session, last = st.session_state.get(f"heard_{key}") or ("", 0)
        last = last if session == told["session"] else 0
        fresh = [one for one in told["keys"] if one["number"] > last]
        if fresh:
            keys.act([(str(one["key"]), int(one["id"])) for one in fresh])
            st.session_state[f"heard_{key}"] = (told["session"], int(fresh[-1]["number"]))

    return {"on_open_change": opened, "on_leave_change": left, "on_key_change": pressed}


def picture(image: np.ndarray, size: int, key: str, *, smooth: bool = False, label: str = "Face") -> None:
    """Show one face uint8 (48, 48) at `size` pixels, a multiple of 48, crisp unless `smooth`."""
    source = address(image)
    style = f"width:{size}px;max-width:100%;aspect-ratio:1;border-radius:4px;image-rendering:{'auto' if smooth else 'pixelated'}"
    with st.container(key=key):
        st.html(f'<img src="{source}" alt="{html.escape(say(label), quote=True)}" style="{style}">')


def colours(labels: np.ndarray) -> list[str]:
    """Give each label its colour; a face without one gets none."""
    from fer_core.plots.figures import EMOTION_COLOURS

    return [EMOTION_COLOURS[EMOTIONS[label]] if label >= 0 else "" for label in labels]
