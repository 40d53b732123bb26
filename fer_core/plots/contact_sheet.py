"""An exhibit: pictures of a network hung in titled groups on one sheet, shelf under shelf, for a README or a slide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_core.emotions import SIDE
from fer_core.plots.theme import GROUND, QUIET, TEXT, Theme

COLUMNS = 9
FACTOR = 3
PICTURE = SIDE * FACTOR
GAP, MARGIN = 8, 24
HEAD, FOOT, EDGE = 44, 34, 5
"""Pixels over a shelf for its titles, under its pictures for captions, and of a caption's coloured edge."""
LETTERS = 24, 20
"""Pixels of a title's and a caption's letters: still to be read at two thirds of the size."""


@dataclass(frozen=True, eq=False)
class Group:
    """Pictures (n, 48, 48) of 0 to 255 under a title, with what is told quietly beside it; captions and their colours, or none."""

    title: str
    pictures: NDArray[np.floating] | NDArray[np.uint8]
    beside: str = ""
    captions: Sequence[str] = ()
    colours: Sequence[str] = ()


def sheet(shelves: Sequence[Sequence[Group]], theme: Theme = "light") -> NDArray[np.uint8]:
    """Hang shelves of groups under each other: uint8 (h, w, 3). A group alone goes on in further rows; several stand in one row."""
    from PIL import Image, ImageDraw, ImageFont

    tops = [MARGIN]
    for shelf in shelves:
        tops.append(tops[-1] + _height(shelf))
    width = 2 * MARGIN + COLUMNS * (PICTURE + GAP) - GAP
    canvas = Image.new("RGB", (width, tops[-1]), GROUND[theme])
    pen, title, small = ImageDraw.Draw(canvas), *(ImageFont.load_default(size) for size in LETTERS)
    for shelf, top in zip(shelves, tops, strict=False):
        column = 0
        for group in shelf:
            left = MARGIN + column * (PICTURE + GAP)
            pen.text((left, top), group.title, TEXT[theme], title)
            pen.text((left + pen.textlength(f"{group.title}   ", title), top + LETTERS[0]), group.beside, QUIET[theme], small, anchor="ls")
            for i, picture in enumerate(group.pictures):
                x, y = place(column + i, top, _foot(shelf))
                grey = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
                canvas.paste(Image.fromarray(np.kron(grey, np.ones((FACTOR, FACTOR), np.uint8))), (x, y))
                if group.captions:
                    pen.rectangle((x, y + PICTURE, x + PICTURE - 1, y + PICTURE + EDGE - 1), group.colours[i] if group.colours else None)
                    pen.text((x, y + PICTURE + EDGE + 4), group.captions[i], TEXT[theme], small)
            column += len(group.pictures)
    return np.asarray(canvas)


def place(number: int, top: int, foot: int = 0) -> tuple[int, int]:
    """Give the left and upper edge of a shelf's picture, counted from its first; `foot` is the room under each row."""
    row, across = divmod(number, COLUMNS)
    return MARGIN + across * (PICTURE + GAP), top + HEAD + row * (PICTURE + foot + GAP)


def _foot(shelf: Sequence[Group]) -> int:
    return FOOT if any(group.captions for group in shelf) else 0


def _height(shelf: Sequence[Group]) -> int:
    rows = -(-sum(len(group.pictures) for group in shelf) // COLUMNS)
    return HEAD + rows * (PICTURE + _foot(shelf) + GAP) + MARGIN - GAP
