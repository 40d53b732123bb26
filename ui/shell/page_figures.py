"""One figure a page that explains it: drawn, with the embedded faces, in the reader's language and theme."""

from __future__ import annotations

import base64
import functools
import html
import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from fer_core.data.demo.canvas import ACTION_UNITS, FEATURES, Face
from fer_core.data.demo.generator import EMOTION_UNITS, draw, face_at, masks
from fer_core.emotions import EMOTIONS
from fer_core.plots import saliency_images
from fer_core.plots.theme import DIVERGING, FONT, RUN_COLOURS, SEQUENTIAL, TEXT, Theme
from ui.elements.gallery import address
from ui.text.language import say, spoken

WIDE = 360
MARK = "#D55E00"
"""What a figure points at."""
PERSON = 25
"""The embedded face whose person is drawn with any emotion."""
CAPTIONS = {
    "app.py": "From faces to reasons: every step is a page, and takes along what you chose.",
    "pages/dataset.py": "A face, as a network gets it: a number for each pixel, and the label beside it.",
    "pages/training_monitor.py": "Where the validation curve is best, the weights are kept; what comes after is learned by heart.",
    "pages/confusion_matrix.py": "A row is a label, a column an answer; a cell holds the faces that have both.",
    "pages/saliency_viewer.py": "A map colours each pixel by what it says for a class; hiding what it shows puts it to the test.",
    "pages/filter_explorer.py": "From noise, each step changes the picture a little so that the filter answers more.",
    "pages/try_photo.py": "A face is found, cut out upright, and asked about like any other.",
    "pages/report.py": "Five answers and what you pinned become one file.",
}
"""What each figure says, by the page's file."""


def figure(page: str, theme: Theme) -> str:
    """Draw the figure of a page, a key of `CAPTIONS`, as HTML: a picture with its caption."""
    return _figure(page, theme, spoken())


@functools.cache
def _figure(page: str, theme: Theme, language: str) -> str:
    del language  # the words are said in it
    caption, (high, parts) = html.escape(say(CAPTIONS[page]), quote=True), FIGURES[page](theme)
    svg = (f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDE} {high}' width='{WIDE}' height='{high}' color='{TEXT[theme]}' "
           f"font-family='{FONT}'>{''.join(parts)}</svg>")
    source = base64.b64encode(svg.encode()).decode("ascii")
    return (f"<figure class='fer-primer'><img alt='' src='data:image/svg+xml;base64,{source}' width='{WIDE}' height='{high}'>"
            f"<figcaption>{caption}</figcaption></figure>")


def person(emotion: str, strength: float = 0.9) -> Face:
    """Give one person an emotion."""
    return replace(face_at(0, PERSON)[0], units=tuple(strength * (unit in EMOTION_UNITS[emotion]) for unit in ACTION_UNITS))


@functools.cache
def face(emotion: str, strength: float = 0.9) -> np.ndarray:
    """Draw that person: uint8 (48, 48)."""
    return draw(person(emotion, strength))


def mouth(emotion: str) -> tuple[slice, slice]:
    """Find the rows and columns of that person's mouth, with a seam of two pixels."""
    from cv2 import boundingRect

    x, y, wide, high = boundingRect(masks(person(emotion))[FEATURES.index("mouth")].astype(np.uint8))
    return slice(y - 2, y + high + 2), slice(x - 2, x + wide + 2)


@functools.cache
def climb() -> tuple[list[np.ndarray], list[float]]:
    """Climb, from noise, the answer of a filter made by hand (a slanted line), a true gradient ascent.

    Gives four frames uint8 (48, 48), and the mean answer to each as a share of the last.
    """
    from cv2 import GaussianBlur, filter2D

    y, x = np.mgrid[-5:6, -5:6] / 5.0
    line = (np.exp(-(x**2 + y**2) / 0.4) * np.cos(5 * (x + 0.6 * y))).astype(np.float32)
    line -= line.mean()
    picture = np.random.default_rng(0).normal(0, 0.35, (48, 48)).astype(np.float32)
    seen, heard = [], []
    for step in range(37):
        answer = filter2D(picture, -1, line)
        if step % 12 == 0:
            seen.append(np.clip(127.5 + 127.5 * picture / max(1.0, np.abs(picture).max()), 0, 255).astype(np.uint8))
            heard.append(float(np.maximum(answer, 0).mean()))
        picture = GaussianBlur(picture, (0, 0), 0.4) + 0.02 * filter2D((answer > 0).astype(np.float32), -1, line[::-1, ::-1])
    return seen, [one / heard[-1] for one in heard]


def _text(place: tuple[float, float], words: str, *, size: int = 12, anchor: str = "middle", strong: bool = False,
          quiet: bool = False) -> str:
    return (f"<text x='{place[0]:g}' y='{place[1]:g}' font-size='{size}' text-anchor='{anchor}' fill='currentColor' "
            f"font-weight='{600 if strong else 400}' opacity='{0.75 if quiet else 1}'>{html.escape(words)}</text>")


def _image(x: float, y: float, side: float, pixels: np.ndarray) -> str:
    return f"<image x='{x:g}' y='{y:g}' width='{side:g}' height='{side:g}' href='{address(pixels)}' style='image-rendering:pixelated'/>"


def _box(x: float, y: float, size: tuple[float, float], *, fill: str = "none", stroke: str = "currentColor", width: float = 1) -> str:
    return (f"<rect x='{x:g}' y='{y:g}' width='{size[0]:g}' height='{size[1]:g}' rx='2' fill='{fill}' stroke='{stroke}' "
            f"stroke-width='{width:g}'/>")


def _line(points: np.ndarray, *, colour: str = "currentColor", width: float = 1.5, dash: str = "") -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='{width:g}' stroke-dasharray='{dash or 'none'}'/>"


def _arrow(x: float, y: float, long: float = 14) -> str:
    return f"<path d='M{x:g} {y:g} h{long:g} m-5 -4 l5 4 l-5 4' fill='none' stroke='currentColor' stroke-width='1.5' opacity='.7'/>"


def evidence() -> np.ndarray:
    """Tell what each pixel of this person's Sad says for Sad rather than Neutral, to a detector made by hand: float (48, 48).

    The detector weighs pixels by how both faces differ; a pixel says its weight times what sets it apart from the mean face.
    """
    from cv2 import GaussianBlur

    sad, mean = face("sad").astype(np.float32), np.mean([face(emotion) for emotion in EMOTIONS], axis=0, dtype=np.float32)
    return np.asarray(GaussianBlur((sad - face("neutral")) * (sad - mean), (0, 0), 1.2))


def _map(theme: Theme) -> np.ndarray:
    return saliency_images.signed(evidence(), saliency_images.limit(evidence()), theme)


def _overview(theme: Theme) -> tuple[int, list[str]]:
    side, step, top = 54, 74, 8
    at = [5 + step * number for number in range(5)]
    names = ("Faces", "Network", "Errors", "Maps", "Filters")
    parts = [_text((x + side / 2, top + side + 18), say(name)) for x, name in zip(at, names, strict=True)]
    parts += [_arrow(x + side + 3, top + side / 2) for x in at[:-1]]
    faces = [face(name) for name in ("happy", "surprise", "angry", "sad")]
    parts += [_image(at[0] + 28 * (n % 2), top + 28 * (n // 2), 26, pixels) for n, pixels in enumerate(faces)]
    columns = ((8, 3), (24, 5), (40, 4))
    dots = [[(at[1] + 3 + x, top + 27 + 10 * (row - (count - 1) / 2)) for row in range(count)] for x, count in columns]
    parts += [_line(np.array(ends), width=0.5) for layers in itertools.pairwise(dots) for ends in itertools.product(*layers)]
    parts += [f"<circle cx='{x:g}' cy='{y:g}' r='3.2' fill='{RUN_COLOURS[0]}'/>" for layer in dots for x, y in layer]
    parts += _grid(at[2], top, side / 3, theme, (0, 1))
    parts += [_image(at[3], top, side, _map(theme)), _box(at[3], top, (side, side), width=0.5), _image(at[4], top, side, climb()[0][-1])]
    return 84, parts


def _grid(x: float, y: float, side: float, theme: Theme, chosen: tuple[int, int]) -> list[str]:
    """Draw a matrix of three classes, one cell chosen."""
    counts = ((0.85, 0.6, 0.15), (0.45, 0.8, 0.2), (0.12, 0.2, 0.95))
    scale = SEQUENTIAL[theme]
    parts = [_box(x + side * j + 1, y + side * i + 1, (side - 2, side - 2), stroke="none",
                  fill="#8893A355" if i == j else scale[round(3.4 * counts[i][j])]) for i in range(3) for j in range(3)]
    return [*parts, _box(x + side * chosen[1] + 1, y + side * chosen[0] + 1, (side - 2, side - 2), stroke=MARK, width=2)]


def _dataset(_: Theme) -> tuple[int, list[str]]:
    side, cells, size = 144, 6, 24
    pixels, (rows, columns) = face("happy"), mouth("happy")
    row, column = rows.start + 2, columns.start + 1
    zoomed = pixels[row : row + cells, column : column + cells]
    x, y, zoom = 8 + 3 * column, 8 + 3 * row, 3 * cells
    parts = [_image(8, 8, side, pixels), _image(208, 8, side, zoomed), _box(x, y, (zoom, zoom), stroke=MARK, width=2)]
    parts += [_line(np.array([(x + zoom, y + down), (208, 8 + 8 * down)]), colour=MARK, width=1) for down in (0, zoom)]
    for i, j in np.ndindex(cells, cells):
        fill = "#000" if zoomed[i, j] > 110 else "#fff"
        parts.append(f"<text x='{208 + size * (j + 0.5):g}' y='{8 + size * (i + 0.5) + 3.5:g}' font-size='10' text-anchor='middle' "
                     f"fill='{fill}'>{zoomed[i, j]}</text>")
    parts += [_text((80, 170), say("Label: {emotion}", emotion=say("Happy")), strong=True),
              _text((80, 187), say("48 × 48 pixels"), quiet=True), _text((280, 170), say("0 is black, 255 is white"), quiet=True)]
    return 194, parts


def _training(_: Theme) -> tuple[int, list[str]]:
    x = np.linspace(0, 1, 60)
    best, end = 0.5, 0.8
    up = 126 - 100 * (1 - np.exp(-3.2 * x))
    held = 126 - 78 * (1 - np.exp(-5 * x)) + 55 * np.clip(x - best, 0, None) ** 1.5
    across, upright, here = 34 + 250 * x, 34 + 250 * end, 34 + 250 * best
    highest, kept, last = float(np.interp(best, x, held)), x <= end, upright + 8
    parts = [_line(np.array([(34, 14), (34, 142), (300, 142)]), width=1),
             _line(np.stack([across, up], 1)[kept], colour=RUN_COLOURS[0], dash="5 3", width=2),
             _line(np.stack([across, held], 1)[kept], colour=RUN_COLOURS[0], width=2),
             _line(np.array([(upright, 19), (upright, 142)]), dash="3 3", width=1),
             f"<circle cx='{here:g}' cy='{highest:.1f}' r='5' fill='{MARK}'/>"]
    parts += [_text((last, float(np.interp(end, x, held)) + 4), say("validation"), anchor="start"),
              _text((last, float(np.interp(end, x, up)) + 4), say("training"), anchor="start"),
              _text((here, highest + 22), say("best epoch"), strong=True), _text((upright, 13), say("early stopping"), size=11, quiet=True),
              _text((34, 158), say("Accuracy over the epochs"), anchor="start", quiet=True)]
    return 166, parts


def _matrix(theme: Theme) -> tuple[int, list[str]]:
    side, left, top = 46, 62, 34
    names = ("sad", "neutral", "happy")
    said = [say(name.capitalize()) for name in names]
    parts = _grid(left, top, side, theme, (0, 1))
    parts += [_text((left + side * (n + 0.5), top - 5), word, size=11) for n, word in enumerate(said)]
    parts += [_text((left - 6, top + side * (n + 0.5) + 4), word, size=11, anchor="end") for n, word in enumerate(said)]
    parts += [_text((left + 1.5 * side, 12), say("called"), size=11, quiet=True),
              _text((left - 6, top - 5), say("label"), size=11, anchor="end", quiet=True)]
    parts += [_text((left + side * (n + 0.5), top + side * (n + 0.5) + 5), "✓", size=14) for n in range(3)]
    at = left + 3 * side + 26
    parts += [_line(np.array([(left + 2 * side, top + side / 2), (at - 2, top + side / 2)]), colour=MARK, width=1)]
    parts += [_image(at + 42 * n, top, 40, face("sad", strength)) for n, strength in enumerate((0.28, 0.4, 0.5))]
    parts += [_box(at - 2, top - 2, (128, 44), stroke=MARK),
              *(_text((at + 62, top + y), say(words)) for y, words in ((60, "labelled Sad,"), (76, "called Neutral")))]
    return 178, parts


def _saliency(theme: Theme) -> tuple[int, list[str]]:
    side, top, right = 96, 8, 252
    hidden = face("sad").copy()
    hidden[mouth("sad")] = int(np.median(hidden))
    parts = [_image(4, top, side, face("sad")), _arrow(104, top + side / 2, 18), _image(128, top, side, _map(theme)),
             _box(128, top, (side, side), width=0.5), _arrow(228, top + side / 2, 18), _image(right, top, side, hidden)]
    parts += [_text((x + side / 2, top + side + 18), say(words)) for x, words in ((4, "Sad"), (128, "its map"), (right, "mouth hidden"))]
    for x, colour, words in ((128, DIVERGING[theme][-1], "for"), (176, DIVERGING[theme][0], "against")):
        parts += [_box(x, 132, (10, 10), fill=colour, stroke="none"), _text((x + 14, 141), say(words), size=11, anchor="start")]
    left = evidence()
    left[mouth("sad")] = 0
    for x, share in ((4, 1.0), (right, left.sum() / evidence().sum())):
        parts += [_box(x, 132, (side * share, 10), fill=MARK, stroke="none"), _box(x, 132, (side, 10), width=0.5)]
    parts += [_text((4, 157), say("evidence for Sad"), size=11, anchor="start", quiet=True),
              _text((right + side, 157), say("less without it"), size=11, anchor="end", quiet=True)]
    return 162, parts


def _filters(_: Theme) -> tuple[int, list[str]]:
    side, step = 72, 93
    frames, answers = climb()
    parts = [_image(3 + step * n, 8, side, frame) for n, frame in enumerate(frames)]
    parts += [_arrow(3 + step * n + side + 4, 8 + side / 2, 13) for n in range(len(frames) - 1)]
    parts += [_box(3 + step * n, 88, (side, 8), width=0.5) for n in range(len(frames))]
    parts += [_box(3 + step * n, 88, (side * share, 8), fill=MARK, stroke="none") for n, share in enumerate(answers)]
    parts += [_text((3, 114), say("noise"), anchor="start", quiet=True), _text((180, 114), say("how much the filter answers"), quiet=True),
              _text((354, 114), say("its picture"), anchor="end", quiet=True)]
    return 120, parts


def _photo(_: Theme) -> tuple[int, list[str]]:
    parts = [_box(2, 10, (132, 100), fill="#8893A344", stroke="currentColor"),
             f"<g transform='rotate(-14 68 60)'>{_image(36, 28, 64, face('happy'))}{_box(36, 28, (64, 64), stroke=MARK, width=2)}</g>",
             _arrow(139, 60, 18), _image(163, 16, 88, face("happy")), _arrow(256, 60, 18)]
    parts += [_box(282, 20 + 12 * number, (60 * share, 8), stroke="none", fill=MARK if share > 0.5 else "#8893A3")
              for number, share in enumerate((0.05, 0.03, 0.08, 0.95, 0.06, 0.12, 0.2))]
    parts += [_text((68, 128), say("your photo")), _text((207, 128), say("48 × 48 pixels")), _text((312, 128), say("seven classes"))]
    return 134, parts


def _report(theme: Theme) -> tuple[int, list[str]]:
    words = ("1 How it was trained", "2 Beside another network", "3 What it confuses", "4 Where it looks", "5 What excites its filters",
             "+ Your pins")
    parts = [_text((4, 20 + 21 * number), say(line), anchor="start") for number, line in enumerate(words)]
    parts += [_arrow(196, 70, 24), _box(236, 6, (100, 132))]
    parts += [_box(246, 16, (56, 6), fill="currentColor", stroke="none")]
    parts += [_box(246, y, (80, 2), fill="#8893A3", stroke="none") for y in (30, 36, 42, 108, 114, 120, 126)]
    parts += [*_grid(246, 52, 16, theme, (0, 1)), _image(300, 52, 26, face("sad")), _image(300, 78, 22, climb()[0][-1])]
    return 144, parts


FIGURES: dict[str, Callable[[Theme], tuple[int, list[str]]]] = {
    "app.py": _overview, "pages/dataset.py": _dataset, "pages/training_monitor.py": _training, "pages/confusion_matrix.py": _matrix,
    "pages/saliency_viewer.py": _saliency, "pages/filter_explorer.py": _filters, "pages/try_photo.py": _photo, "pages/report.py": _report,
}
"""Height of each figure, and what is drawn."""
