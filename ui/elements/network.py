"""The picture of the network: a row of blocks whose height is the grid and whose thickness the number of filters; a click chooses one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from fer_core.models.weights_header import Block
from fer_core.plots.theme import EMOTION_COLOURS
from ui.streamlit_ext.component import component
from ui.text.language import say

_component = component(__file__, "network")


def network(blocks: list[Block], chosen: str, on_pick: Callable[[str], None] | None, *, key: str = "network") -> None:
    """Draw the blocks; `on_pick` is told the name of the one clicked."""

    def picked() -> None:
        if (name := st.session_state[key].get("pick")) is not None and on_pick is not None:
            on_pick(str(name))

    data = {
        "blocks": [
            {"name": block.name, "shape": block.shape, "view": say(block.view), "told": _told(block),
             "weights": say("{n:,} weights", n=block.parameters), "units": block.units, "tall": _tall(block), "thick": _thick(block)}
            for block in blocks
        ],
        "label": say("Layers of the network"),
        "chosen": chosen,
        "clickable": on_pick is not None,
        "colours": list(EMOTION_COLOURS.values()),
    }
    with st.container(key=f"{key}-row"):
        _component(key=key, data=data, on_pick_change=picked)


def _told(block: Block) -> str:
    """Say what a block is, for who points at it."""
    if block.norm:
        return say("{kind}, {n:,} parameters, and {norm:,} of its batch norm", kind=block.kind, n=block.parameters, norm=block.norm)
    return say("{kind}, {n:,} parameters", kind=block.kind, n=block.parameters)


def _tall(block: Block) -> float:
    """Height in pixels: the grid of a convolution, the number of neurons of a dense layer."""
    return 16 + 1.15 * block.grid if block.grid else 16 + 4.5 * np.log2(block.units)


def _thick(block: Block) -> float:
    """Thickness in pixels."""
    return 4 + 1.6 * np.sqrt(block.units) if block.grid else 12
