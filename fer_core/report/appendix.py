"""The appendix of the report: the views that a person pinned, each told in words, for a reader who has not the app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fer_core.emotions import EMOTIONS, SPLITS
from fer_core.methods import WORDS
from fer_core.pins import Pin
from fer_core.report.figures import escape
from fer_core.report.sheet import paragraph
from fer_core.report.words import LANGUAGES, Words


def appendix(words: Words, pins: Sequence[Pin], address: str) -> str:
    """List the pinned views in their order; each is a link into the app at `address`."""
    if pins:
        items = "".join(f'<li><a href="{escape(f"{address}/{pin.path}")}" target="_blank" rel="noopener">{escape(pin.title)}</a>'
                        f'<p class="view">{escape(told(words, pin))}</p>{_note(pin.note)}</li>' for pin in pins)
        body = paragraph(words("appendix.said", address=address)) + f'<ol class="pins">{items}</ol>'
    else:
        body = paragraph(words("appendix.none"))
    return f'<section id="appendix"><h2>{escape(words("appendix"))}</h2>{body}</section>'


def _note(note: str) -> str:
    return f'<p class="note">{escape(note)}</p>' if note else ""


def told(words: Words, pin: Pin) -> str:
    """Say what a view shows: its page, and what was selected there."""
    params, page = pin.params, f"page.{pin.page or 'overview'}"
    parts = [words(page) if page in LANGUAGES[words.language] else pin.page, params.get("run", "")]
    if params.get("split") in SPLITS:
        parts.append(words(f"split.{params['split']}"))
    parts += [_cell(words, params), words("pin.face", number=params["image"]) if params.get("image", "").isdecimal() else ""]
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


def _question(words: Words, params: Mapping[str, str]) -> str:
    p, q = (_emotion(words, params.get(name, "")) for name in ("p", "q"))
    return words("pin.rather", p=p, q=q) if p and q else words("pin.why", p=p) if p else ""


def _emotion(words: Words, text: str) -> str:
    """Name a class that is written by its name or its number; nothing for anything else."""
    if text.lower() in EMOTIONS:
        return words.emotion(EMOTIONS.index(text.lower()))
    return words.emotion(int(text)) if text.isascii() and text.isdecimal() and int(text) < len(EMOTIONS) else ""
