"""The appendix of the report: the views that a person pinned, in words and pictures, for a reader who has not the app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fer_core.annotations.bookmarks import Pin
from fer_core.annotations.face_filter import parse
from fer_core.attribution.registry import WORDS
from fer_core.emotions import SPLITS, class_of
from fer_core.report.figures import captioned, curves, escape, matrix
from fer_core.report.formatting import LANGUAGES, Words
from fer_core.report.pinned import Pinned
from fer_core.report.sheet import Sheet, paragraph

NOTHING = Pinned()


def appendix(sheet: Sheet, pins: Sequence[Pin], shown: Mapping[str, Pinned], address: str) -> str:
    """List the pinned views in their order, each a link into the app at `address`, with what it shows (`shown`, by the pin's path)."""
    words = sheet.words
    if pins:
        items = "".join(f'<li><div><a href="{escape(f"{address}/{pin.path}")}" target="_blank" rel="noopener">{escape(pin.title)}</a>'
                        f'<p class="view">{escape(told(words, pin))}</p>{_note(pin.note)}</div>'
                        f"{_pictures(sheet, shown.get(pin.path, NOTHING))}{_figure(sheet, pin)}</li>" for pin in pins)
        body = paragraph(words("appendix.said", address=address)) + f'<ol class="pins">{items}</ol>'
    else:
        body = paragraph(words("appendix.none"))
    return f'<section id="appendix"><h2>{escape(words("appendix"))}</h2>{body}</section>'


def _pictures(sheet: Sheet, shown: Pinned) -> str:
    """Set the pictures of a view, without faces where the report shows none, and the sentences about it."""
    cells = "".join(captioned(picture.pixels, _filled(sheet.words, picture.caption, picture.values))
                    for picture in shown.pictures if sheet.found.faces or not picture.face)
    said = "".join(paragraph(_filled(sheet.words, key, values)) for key, values in shown.facts)
    return (f'<div class="faces"><div>{cells}</div></div>' if cells else "") + said


def _filled(words: Words, key: str, values: Mapping[str, Any]) -> str:
    """Fill in a sentence: numbers of classes become their names, shares percents."""
    filled = {name: words.emotion(value) if name in ("label", "called", "p", "q") else
              words.percent(value) if isinstance(value, float) else value for name, value in values.items()}
    return words(key, **filled)


def _figure(sheet: Sheet, pin: Pin) -> str:
    """Draw the matrix or the curves of a run of the report, where the view is of them."""
    runs = {run.id: run for run in (sheet.found.run, sheet.found.other) if run is not None}
    run, split = runs.get(pin.params.get("run", "")), pin.params.get("split", "validation")
    if run is None:
        return ""
    if pin.page == "confusion_matrix" and split in run.plain:
        kinds = {"single": run.plain, "mirror": run.flipped, "views": run.views}
        asked = kinds[parse(pin.params)[0].looks]
        return matrix(asked.get(split, run.plain[split]).matrix, sheet.words, small=True)
    if pin.page == "training_monitor" and run.epochs:
        return curves(run.history, "accuracy", sheet.words, best=run.best[0] if run.best else None,
                      stopped=run.epochs if run.stopped_early else None, colour=run.colour)
    return ""


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
    label = class_of(text)
    return "" if label is None else words.emotion(label)
