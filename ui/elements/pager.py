"""A long wall shown a part at a time: where the part begins stands in the URL, and two buttons go on."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ui.state import navigation, url_params
from ui.text.language import say


def begin(param: str, count: int, size: int) -> int:
    """Read where the part of `size` begins that the URL asks for, out of `count`."""
    first: int = url_params.param(param, 0, cast=int, low=0, high=max(count - 1, 0))
    return first // size * size


def draw(param: str, first: int, count: int, size: int) -> None:
    """Draw the ways to the part before and after, and which this is; nothing where one part holds all."""
    if count <= size:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="pager"):
        st.button(say("Earlier"), icon=":material/chevron_left:", disabled=first == 0, on_click=partial(_turn, param, count, size, -size))
        st.button(say("Later"), icon=":material/chevron_right:", icon_position="right", disabled=first + size >= count,
                  on_click=partial(_turn, param, count, size, size))
        st.caption(say("{first:,} to {last:,} of {count:,}", first=first + 1, last=min(first + size, count), count=count), width="content")


def _turn(param: str, count: int, size: int, by: int) -> None:
    start = navigation.newest(param, 0, cast=int) + by  # from where the URL is, so that two fast clicks are two parts
    navigation.write(**{param: min(max(start, 0), (count - 1) // size * size) or None})
