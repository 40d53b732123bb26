"""The report's drawings: curves and ranges as SVG, the matrix as a table, pictures as PNG within the page. Pure: same input, same text."""

from __future__ import annotations

import base64
import html
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core.emotions import EMOTIONS
from fer_core.plots.confusion import cell_grounds
from fer_core.plots.saliency_images import enlarged
from fer_core.plots.theme import EMOTION_COLOURS, GRID, QUIET, TEXT, ink
from fer_core.report.formatting import Words

WIDE, HIGH = 344, 212
"""Size of a drawing in pixels: it is legible on a phone without being made smaller, and two stand side by side on paper."""
INK, PALE, LINE = TEXT["light"], QUIET["light"], GRID["light"]


def escape(text: str) -> str:
    """Write a text as HTML that is XML too; control characters, which neither may hold, are left out."""
    return html.escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]", "", text)).replace(" × ", "\u00a0×\u00a0")


def png(picture: NDArray[Any], factor: int = 4) -> str:
    """Encode uint8 (h, w) or (h, w, 3), enlarged with crisp pixels, as the address of an image."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(enlarged(np.asarray(picture, np.uint8), factor)).save(buffer, "PNG", compress_level=9)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def image(picture: NDArray[Any], alt: str, factor: int = 4) -> str:
    """Draw a picture; a printer gets two pixels for each of a screen's."""
    height, width = (side * factor // 2 for side in picture.shape[:2])
    return f'<img src="{png(picture, factor)}" width="{width}" height="{height}" alt="{escape(alt)}"/>'


def captioned(picture: NDArray[Any], *captions: str) -> str:
    """Draw a picture with lines under it; the first names it."""
    lines = "".join(f"<span>{escape(caption)}</span>" for caption in captions)
    return f'<div class="tile">{image(picture, captions[0])}{lines}</div>'


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Choose round numbers that span a range."""
    raw = max(high - low, 1e-9) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * size for size in (1, 2, 2.5, 5, 10) if power * size >= raw * 0.999)
    return [round(step * number, 10) for number in range(math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9) + 1)]


@dataclass(frozen=True)
class Axis:
    """Where values 0, 1, 2 ... stand on the paper: from `start` (value `low`) to `end` (value `high`)."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Place a value."""
        return self.start + (value - self.low) / max(self.high - self.low, 1e-9) * (self.end - self.start)


def curves(history: Mapping[str, NDArray[Any]], metric: str, words: Words, *, best: int | None, stopped: int | None,
           colour: str) -> str:
    """Draw training (dashed) and validation (solid) by epoch; the best epoch is a dot with its value, early stopping a dashed line."""
    epochs, share = history["epoch"], metric == "accuracy"
    lines = {"training": history[metric], "validation": history[f"val_{metric}"]}
    known = np.concatenate([line[np.isfinite(line)] for line in lines.values()])
    if not len(known):
        return ""
    marks = ticks(0.0 if share else float(known.min()), float(known.max()))
    x, y = Axis(1, max(2, float(epochs[-1])), 46, WIDE - 12), Axis(marks[0], marks[-1], HIGH - 36, 34)
    parts = [_line(46, y(mark), WIDE - 12, y(mark), LINE) + _text(40, y(mark) + 4, f"{mark:.0%}" if share else f"{mark:g}", "end")
             for mark in marks]
    parts += [_text(x(mark), HIGH - 20, f"{mark:.0f}") for mark in ticks(1, float(epochs[-1])) if 1 <= mark <= epochs[-1] and mark % 1 == 0]
    parts += [_text((46 + WIDE) / 2, HIGH - 4, words("q1.epoch")), _legend(words, colour)]
    if stopped:
        parts.append(_line(x(stopped), 34, x(stopped), HIGH - 36, colour, "4 3"))
    for name, values in lines.items():
        points = " ".join(f"{x(epoch):.1f},{y(value):.1f}" for epoch, value in zip(epochs, values, strict=True) if math.isfinite(value))
        dash = ' stroke-dasharray="5 4" stroke-width="1.4"' if name == "training" else ' stroke-width="2.2"'
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}"{dash}/>')
    if best:
        value = float(lines["validation"][best - 1])
        above = y(value) - 12
        side, shift = ("end", 4) if x(best) > WIDE * 0.6 else ("start", -4)
        said = f"{best}: {value:.1%}" if share else f"{best}: {value:.3f}"
        parts.append(f'<circle cx="{x(best):.1f}" cy="{y(value):.1f}" r="4.5" fill="{colour}" stroke="#fff"/>'
                     + _text(x(best) + shift, above, said, side, True))
    return _svg(WIDE, HIGH, parts, words(f"q1.{metric}"))


def _legend(words: Words, colour: str) -> str:
    parts, left = [], 46.0
    for name, dash in (("training", "5 4"), ("validation", "")):
        parts.append(_line(left, 15, left + 24, 15, colour, dash, 2) + _text(left + 30, 19, words(f"q1.{name}"), "start"))
        left += 110
    return "".join(parts)


@dataclass(frozen=True)
class Series:
    """One mark per row with its interval, in a run's colour; the name stands in the legend."""

    name: str
    values: Sequence[float]
    intervals: Sequence[tuple[float, float]]
    colour: str


def ranges(rows: Sequence[str], series: Sequence[Series], written: Callable[[float], str], *, label: str, one: float | None = None,
           high: float | None = None, colours: Sequence[str] = ()) -> str:
    """Draw values with their intervals, one row each; `one` is a line to compare with, `colours` edge the rows."""
    tops = [top for part in series for _, top in part.intervals if math.isfinite(top)]
    marks = ticks(0, high if high is not None else max([1.0, *tops]))
    left, head, step = 92, 26 if len(series) > 1 else 6, 15 * len(series) + 12
    height = head + step * len(rows) + 24
    x = Axis(marks[0], marks[-1], left, WIDE - 16)
    parts = [_line(x(mark), head, x(mark), height - 22, LINE) + _text(x(mark), height - 6, written(mark)) for mark in marks]
    parts += [_line(x(one), head, x(one), height - 22, PALE, "3 3")] if one is not None else []
    for number, part in enumerate(series if len(series) > 1 else ()):
        parts.append(f'<circle cx="{left + number * 124 - 6}" cy="12" r="4.5" fill="{part.colour}"/>'
                     + _text(left + number * 124 + 4, 16, _cut(part.name), "start"))
    for row, name in enumerate(rows):
        middle = head + step * (row + 0.5)
        parts.append(_text(left - 10, middle + 4, name, "end"))
        if colours:
            parts.append(f'<rect x="{left - 6}" y="{middle - step / 2 + 3:.1f}" width="3" height="{step - 6}" fill="{colours[row]}"/>')
        for number, part in enumerate(series):
            at, colour = middle + 15 * (number - (len(series) - 1) / 2), part.colour
            low, top = part.intervals[row]
            if math.isfinite(part.values[row]):
                if math.isfinite(low) and math.isfinite(top):
                    parts.append(_line(x(max(low, marks[0])), at, x(min(top, marks[-1])), at, colour, "", 2))
                parts.append(f'<circle cx="{x(part.values[row]):.1f}" cy="{at:.1f}" r="4.5" fill="{colour}"/>')
    return _svg(WIDE, height, parts, label)


def _cut(name: str, most: int = 16) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def matrix(counts: NDArray[np.int64], words: Words, *, small: bool = False) -> str:
    """Write a confusion matrix as a table: what is right calm, the errors the darker the larger their share of the row."""
    grounds, rows = cell_grounds(counts, "row", "light"), []
    for true in range(len(EMOTIONS)):
        support, cells = int(counts[true].sum()), []
        for called in range(len(EMOTIONS)):
            ground, share = grounds[true * len(EMOTIONS) + called], f"{counts[true, called] / support:.0%}" if support else ""
            cells.append(f'<td style="background:{ground};color:{ink(ground)}">{counts[true, called]:,}<small>{share}</small></td>')
        rows.append(f"<tr>{_edge(true, words, 'row')}{''.join(cells)}</tr>")
    head = "".join(_edge(called, words, "col") for called in range(len(EMOTIONS)))
    corner = f'<td class="corner">{escape(words("q3.true"))} ↓<br/>{escape(words("q3.called"))} →</td>'
    return f'<table class="matrix{" small" if small else ""}"><tr>{corner}{head}</tr>{"".join(rows)}</table>'


def _edge(label: int, words: Words, scope: str) -> str:
    side = "left" if scope == "row" else "top"
    colour = EMOTION_COLOURS[EMOTIONS[label]]
    return f'<th scope="{scope}" style="border-{side}:3px solid {colour}">{escape(words.emotion(label))}</th>'


def _svg(width: float, height: float, parts: Sequence[str], label: str) -> str:
    return (f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{escape(label)}">'
            f"{''.join(parts)}</svg>")


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, dash: str = "", width: float = 1) -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


def _text(x: float, y: float, text: str, anchor: str = "middle", strong: bool = False) -> str:
    bold = ' font-weight="600"' if strong else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK if strong else PALE}"{bold}>{escape(text)}</text>'
