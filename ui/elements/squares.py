"""Four equal squares: the face, its map, the map upon the face, and what remains of the strongest part."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from fer_core.plots import saliency_images
from fer_core.plots.theme import DIVERGING, GROUND, Theme, rgb
from ui.streamlit_ext.component import component
from ui.text.language import say

PARTS = ("face", "map", "overlay", "remains")

_component = component(__file__, "squares")


@dataclass(frozen=True)
class Look:
    """How the squares are shown: opacity and share kept in percent, smooth or crisp."""

    opacity: int = 70
    keep: int = 20
    smooth: bool = False


@dataclass(frozen=True, eq=False)
class Shown:
    """A face with its map; `top` is the value of the strongest colour."""

    face: np.ndarray  # uint8 (48, 48)
    map: np.ndarray | None  # float32 (48, 48)
    top: float = 0.0
    by_size: bool = False
    failed: bool = False

    def picture(self, part: str, look: Look, theme: Theme) -> np.ndarray:
        """Draw one of the squares: uint8 (48, 48, 3)."""
        if part == "face" or self.map is None:
            return saliency_images.grey(self.face)
        if part == "map":
            made = saliency_images.signed(self.map, self.top, theme)
        elif part == "overlay":
            made = saliency_images.overlay(self.face, self.map, self.top, look.opacity / 100, theme)
        else:
            made = saliency_images.remains(self.face, self.map, look.keep / 100, theme, by_size=self.by_size)
        return saliency_images.greyed(made, theme) if self.failed else made


def squares(shown: Shown, look: Look, captions: Mapping[str, tuple[str, str]], theme: Theme, *, waits: bool,
            scale: tuple[str, str] = ("", ""), on_set: Callable[[dict[str, Any]], None]) -> None:
    """Draw the four squares in a row; `on_set` is told opacity, keep and smooth when a person changed one."""

    def changed() -> None:
        if (told := st.session_state["squares"].get("set")) is not None:
            on_set(dict(told))

    with st.container(key="maps"):
        _component(key="squares", data=_data(shown, look, captions, theme) | {"waits": waits, "scale": list(scale)}, on_set_change=changed)


def _data(shown: Shown, look: Look, captions: Mapping[str, tuple[str, str]], theme: Theme) -> dict[str, Any]:
    ends = [DIVERGING[theme][0], DIVERGING[theme][-1]]
    grey = ["#8a8f98", "#8a8f98"] if shown.failed else ends
    told = {"opacity": say("Opacity"), "keep": say("Strongest"), "smooth": say("Smooth"), "pixel": say("pixel"),
            "smoothly": say("Enlarge with smooth instead of crisp pixels")}
    data: dict[str, Any] = {
        "face": _text(shown.face), "map": None, "tag": "waits",
        "captions": {part: [say(text) for text in captions[part]] for part in PARTS}, "words": told, "set": vars(look),
        "ends": [list(rgb(colour)) for colour in grey], "ground": list(rgb(GROUND[theme])), "pale": shown.failed,
        "stops": [grey[0], GROUND[theme], grey[0]] if shown.failed else list(DIVERGING[theme]),
    }
    if shown.map is None:
        return data
    power = (saliency_images.strength(shown.map, shown.top) * 127).round().astype(np.int8)
    return data | {
        "map": _text(shown.picture("map", look, theme)), "strength": _text(power), "tag": f"{shown.map.sum():.6g}",
        "rank": _text(saliency_images.ranks(shown.map, by_size=shown.by_size).astype("<u2")), "values": _text(shown.map.astype("<f4")),
    }


def _text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
