"""What the answers of the report are set from: paragraphs, numbered figures and tables, and words for what is missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from fer_core.report.figures import escape, image
from fer_core.report.findings import Findings, Missing
from fer_core.report.formatting import Words

LINE = 60
"""Letters of code that fit on a line, also on paper."""
Rows = Iterable[Sequence[str]]


@dataclass
class Sheet:
    """The report as it is written: its findings and language, and how many figures and tables there are already."""

    found: Findings
    words: Words
    drawn: dict[str, int] = field(default_factory=lambda: {"figure": 0, "table": 0})

    def say(self, *keys: str, **values: object) -> str:
        """Set sentences as one paragraph."""
        return paragraph(*(self.words(key, **values) for key in keys))

    def figure(self, body: str, caption: str, kind: str = "") -> str:
        """Set a numbered figure with its caption under it."""
        return f'<figure class="{kind}"><div>{body}</div><figcaption>{self._number("figure")}{rich(caption)}</figcaption></figure>'

    def table(self, head: Sequence[str], rows: Rows, caption: str, kind: str = "") -> str:
        """Set a numbered table with its caption above it; the first column is words, the others numbers."""
        top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
        body = "".join(f'<tr><th scope="row">{rich(first)}</th>{"".join(f"<td>{rich(cell)}</td>" for cell in more)}</tr>'
                       for first, *more in rows)
        thead = f"<thead><tr>{top}</tr></thead>" if head else ""
        return (f'<figure class="table {kind}"><figcaption>{self._number("table")}{rich(caption)}</figcaption>'
                f"<div><table>{thead}<tbody>{body}</tbody></table></div></figure>")

    def missing(self, *places: str) -> str:
        """Tell what is missing at some places, and the command that gets it."""
        return "".join(self._missing(entry) for entry in self.found.missing if entry.place in places)

    def _missing(self, entry: Missing) -> str:
        said, command = lacking(self.found, self.words, entry)
        get = f"<p>{escape(self.words('missing.get'))}</p>{code(command)}" if command else ""
        return f'<div class="missing"><p>{rich(self.words("missing.said", what=said))}</p>{get}</div>'

    def _number(self, kind: str) -> str:
        self.drawn[kind] += 1
        told = self.words(kind, n=self.drawn[kind])
        return f"<b>{escape(told)}</b>{' ' if told.isascii() else ''}"  # the Chinese colon has its space within

    def tile(self, picture: np.ndarray, number: int, *captions: str) -> str:
        """Set a face of the split with lines under it."""
        lines = "".join(f"<span>{escape(caption)}</span>" for caption in captions if caption)
        return f'<div class="tile">{image(picture, self.words("alt.face", number=number))}{lines}</div>'


def lacking(found: Findings, words: Words, entry: Missing) -> tuple[str, str]:
    """Say what is missing, and the command that gets it, in a language."""
    values = {**entry.values, "split": words(f"split.{found.split}")}
    if "there" in values:
        values["there"] = words.listed([words(f"split.{name}") for name in values["there"]])
    spoken = f" --lang {words.language} --out" if words.language != "en" else " --out"
    return words(entry.key, **values), entry.command.replace(" --out", spoken)


def rich(text: str) -> str:
    """Write a sentence as HTML: what stands between two `**` is bold, all else as it is."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(text))


def paragraph(*sentences: str) -> str:
    """Set sentences as a paragraph; Chinese ones need no space between them."""
    text = ""
    for sentence in sentences:
        text += f" {sentence}" if text and text[-1] not in "。：；" else sentence
    return f"<p>{rich(text)}</p>"


def listing(items: Iterable[str]) -> str:
    """Set sentences as a list."""
    return f"<ul>{''.join(f'<li>{rich(item)}</li>' for item in items)}</ul>"


def code(text: str) -> str:
    """Set a command; lines break between its words, never within one, save that it is longer than a line."""
    words = [f"<span>{escape(word)}</span>" if len(word) <= LINE else escape(word) for word in text.split(" ")]
    return f"<pre><code>{' '.join(words)}</code></pre>"
