"""What the filter explorer saves: the ascent as GIF or MP4, its last picture, the wall, and the commands that make them."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import streamlit as st

from ui.elements.gallery import png
from ui.services.ascents import Film
from ui.services.filter_view import Place
from ui.text.language import say
from ui.views.filters import wall as filter_wall

FACTOR = 6
"""Pixels of a saved film beside each other for one of the painted picture."""
FACTOR_OF_MANY = 4
PACE = 12.5
"""Frames a second of a saved film."""
STAY = 2.0
"""Seconds that its last picture stays."""


def save(place: Place, film: Film | None) -> None:
    """Offer the film, its last picture, the wall, and the commands that make them."""
    goal, wall = place.goal, filter_wall.of(place)
    layer = place.block.name
    name, film_name = f"{place.run.id}-wall-{layer}-{goal.preset}", f"{place.run.id}-{goal.file}"
    with st.container(horizontal=True):
        if film is not None and film.done and film.last is not None:
            _button(say("The ascent (GIF)"), partial(gif, film), f"{film_name}.gif", "movie")
            _button(say("The ascent (MP4)"), partial(mp4, film), f"{film_name}.mp4", "movie")
            _button(say("The picture (PNG)"), lambda: png(rows(film)[-1]), f"{film_name}.png", "image")
            _button(say("The picture (NPY)"), partial(npy, film.last), f"{film_name}.npy", "download")
        missing = int(np.isnan(wall.scores).sum())
        _button(say("The wall of {layer} (PNG)", layer=layer), partial(filter_wall.sheet, wall), f"{name}.png", "grid_on")
        _button(say("The wall of {layer} (NPY)", layer=layer), lambda: npy(np.asarray(wall.pictures)), f"{name}.npy", "download")
    if film is not None and film.done:
        st.caption(say("An MP4 takes some seconds to be written; then the download begins."))
    if missing:
        st.caption(say("The wall lacks {n:,} pictures so far: they are grey in its files.", n=missing))
    if film is None or not film.done:
        st.caption(say("The ascent can be saved at its end."))
    ascent = f"python -m fer_core ascend {place.run.id} {goal.options} --out picture.gif\n" if goal.options else ""
    st.code(f"{ascent}python -m fer_core wall {place.run.id} --layer {layer} --preset {goal.preset}", language="bash")


def _button(label: str, made: Callable[[], bytes], name: str, icon: str) -> None:
    st.download_button(label, made, name, icon=f":material/{icon}:", on_click="ignore")


def rows(film: Film, factor: int | None = None) -> list[np.ndarray]:
    """Enlarge the frames of a film, the pictures of one beside each other: uint8 (48 factor, 48 factor n)."""
    factor = factor or (FACTOR if len(film.frames[0]) == 1 else FACTOR_OF_MANY)
    return [np.kron(np.hstack(list(frame)), np.ones((factor, factor), np.uint8)) for frame in film.frames]


def gif(film: Film, factor: int | None = None) -> bytes:
    """Write a film as an animated GIF."""
    from PIL import Image

    sheets = [Image.fromarray(row) for row in rows(film, factor)]
    buffer = io.BytesIO()
    durations = [round(1000 / PACE)] * (len(sheets) - 1) + [round(1000 * STAY)]
    sheets[0].save(buffer, "GIF", save_all=True, append_images=sheets[1:], duration=durations, loop=0)
    return buffer.getvalue()


def mp4(film: Film, factor: int | None = None) -> bytes:
    """Write a film as MP4 with VP9, the one codec of OpenCV's that browsers play."""
    import cv2

    sheets = rows(film, factor)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"vp09"), PACE, sheets[0].shape[::-1], False)
        for sheet in [*sheets, *[sheets[-1]] * round(STAY * PACE)]:
            writer.write(sheet)
        writer.release()
        return path.read_bytes()


def npy(array: np.ndarray) -> bytes:
    """Write an array as NPY."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
