"""The appendix of the report: the views that a person pinned, each told in words, for a reader who has not the app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fer_core.emotions import EMOTIONS, SPLITS
from fer_core.methods import WORDS
from fer_core.pins import Pin
from fer_core.report.figures import escape
from fer_core.report.findings import Tile
from fer_core.report.sheet import Sheet, paragraph
from fer_core.report.words import LANGUAGES, Words
from fer_core.runs import Run
from fer_core.splits import Dataset, pixels


def pinned(pins: Sequence[Pin], runs: Sequence[Run], dataset: Dataset | None) -> dict[str, Tile]:
    """Give the faces of pinned views of some runs, by the path of the pin; views of other runs, and of faces not at hand, have none."""
    known = {(run.id, split): run.predictions(split) for run in runs for split in SPLITS} if dataset is not None else {}
    tiles: dict[str, Tile] = {}
    for pin in pins:
        split, image = pin.params.get("split", "validation"), pin.params.get("image", "")
        found = known.get((pin.params.get("run", ""), split))
        if dataset is None or found is None or found.fingerprint != dataset.fingerprint or not image.isdecimal():
            continue
        if split in dataset and int(image) < len(dataset[split]):
            row, p = int(image), found.probabilities[int(image)]
            face = pixels(dataset[split].images, np.array([row]))[0]
            tiles[pin.path] = Tile(row, face, int(found.labels[row]), int(p.argmax()), float(p.max()))
    return tiles


def appendix(sheet: Sheet, pins: Sequence[Pin], tiles: Mapping[str, Tile], address: str) -> str:
    """List the pinned views in their order, each a link into the app at `address`, with its face where the report shows any."""
    words = sheet.words
    if pins:
        items = "".join(f"<li>{_face(sheet, tiles.get(pin.path))}"
                        f'<div><a href="{escape(f"{address}/{pin.path}")}" target="_blank" rel="noopener">{escape(pin.title)}</a>'
                        f'<p class="view">{escape(told(words, pin))}</p>{_note(pin.note)}</div></li>' for pin in pins)
        body = paragraph(words("appendix.said", address=address)) + f'<ol class="pins">{items}</ol>'
    else:
        body = paragraph(words("appendix.none"))
    return f'<section id="appendix"><h2>{escape(words("appendix"))}</h2>{body}</section>'


def _face(sheet: Sheet, tile: Tile | None) -> str:
    if tile is None or not sheet.found.faces:
        return ""
    words = sheet.words
    called = words("q4.caption", label=words.emotion(tile.label), called=words.emotion(tile.called), p=words.percent(tile.p, digits=0))
    return sheet.tile(tile.image, tile.index, called)


def _note(note: str) -> str:
    return f'<p class="note">{escape(note)}</p>' if note else ""


def told(words: Words, pin: Pin) -> str:
    """Say what a view shows: its page, and what was selected there."""
    params, page = pin.params, f"page.{pin.page or 'overview'}"
    parts = [words(page) if page in LANGUAGES[words.language] else pin.page, params.get("run", "")]
    if params.get("split") in SPLITS:
        parts.append(words(f"split.{params['split']}"))
    parts += [_cell(words, params) or _class(words, params)]
    parts += [words("pin.face", number=params["image"]) if params.get("image", "").isdecimal() else ""]
    parts += [_question(words, params), WORDS[params["method"]].label if params.get("method") in WORDS else ""]
    if params.get("layer"):
        unit = params.get("unit", "")
        parts.append(words("pin.filter", layer=params["layer"], unit=unit) if unit.isdecimal() else params["layer"])
    return words("list.apart").join(filter(None, parts))


def _cell(words: Words, params: Mapping[str, str]) -> str:
    true, called = (_emotion(words, params.get(name, "")) for name in ("true", "pred"))
    if true and called:
        return words("q2.called", label=true, called=called)
    return words("pin.label", label=true) if true else words("pin.called", called=called) if called else ""


def _class(words: Words, params: Mapping[str, str]) -> str:
    label = _emotion(words, params.get("class", ""))
    return words("pin.label", label=label) if label else ""


def _question(words: Words, params: Mapping[str, str]) -> str:
    p, q = (_emotion(words, params.get(name, "")) for name in ("p", "q"))
    return words("pin.rather", p=p, q=q) if p and q else words("pin.why", p=p) if p else ""


def _emotion(words: Words, text: str) -> str:
    """Name a class that is written by its name or its number; nothing for anything else."""
    if text.lower() in EMOTIONS:
        return words.emotion(EMOTIONS.index(text.lower()))
    return words.emotion(int(text)) if text.isascii() and text.isdecimal() and int(text) < len(EMOTIONS) else ""
