"""Views of the app that a person pinned, with a note: the appendix of a report. One small SQLite file, as for marks.

Every change is one transaction: two sessions write one after the other, and none takes away what another one pinned.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from fer_core import atomic_io
from fer_core.errors import FerError

LONGEST = {"title": 200, "note": 2000}
"""Characters that each may have."""
TABLE = """CREATE TABLE IF NOT EXISTS pins (number INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT, note TEXT, page TEXT, query TEXT,
place INTEGER, UNIQUE (page, query))"""
ADD = """INSERT INTO pins (title, note, page, query, place) VALUES (?, ?, ?, ?, (SELECT COALESCE(MAX(place), 0) + 1 FROM pins))
ON CONFLICT (page, query) DO UPDATE SET title = excluded.title, note = CASE excluded.note WHEN '' THEN note ELSE excluded.note END"""
FILE = "pins.sqlite"
"""Its name in the folder of the data sets."""


@dataclass(frozen=True)
class Pin:
    """A view: what it is called, what was noted, its page (empty for the overview) and its query string."""

    title: str
    note: str
    page: str
    query: str
    number: int = 0  # as stored; 0 before that

    @property
    def path(self) -> str:
        """The part of its address behind the address of the app."""
        return self.page + (f"?{self.query}" if self.query else "")

    @property
    def params(self) -> dict[str, str]:
        """Its query parameters."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


def query(params: Mapping[str, str]) -> str:
    """Write query parameters as a query string, always in the same order."""
    return urlencode(sorted(params.items()))


class Pins:
    """The pins in one file, in the order that a person gave them; it is made with the first."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def all(self) -> list[Pin]:
        """List the pins."""
        if not self.path.exists():
            return []
        with self._open() as file:
            return [Pin(*row) for row in file.execute("SELECT title, note, page, query, number FROM pins ORDER BY place, number")]

    def of(self, page: str, query: str) -> Pin | None:
        """Give the pin of a view, `None` where it is not pinned."""
        return next((pin for pin in self.all() if (pin.page, pin.query) == (page, query)), None)

    def add(self, pin: Pin) -> None:
        """Pin a view as the last one; pinning the same view again changes its title, and its note where one is given, in its place."""
        title, note = _checked(pin.title or pin.page, pin.note)
        with self._open() as file, file:
            file.execute(ADD, (title, note, pin.page, pin.query))

    def change(self, number: int, *, title: str, note: str) -> None:
        """Change title and note of a pin."""
        title, note = _checked(title, note)
        with self._open() as file, file:
            if not file.execute("UPDATE pins SET title = ?, note = ? WHERE number = ?", (title, note, number)).rowcount:
                raise FerError("This pin was taken off meanwhile, so it cannot be changed.", todo="pin the view again")

    def move(self, number: int, by: int) -> None:
        """Move a pin up (-1) or down (1) past its neighbour; at either end it stays."""
        with self._open() as file, file:
            file.execute("BEGIN IMMEDIATE")
            order = [row[0] for row in file.execute("SELECT number FROM pins ORDER BY place, number")]
            if number not in order:
                return
            old = order.index(number)
            order.insert(min(max(old + by, 0), len(order) - 1), order.pop(old))
            file.executemany("UPDATE pins SET place = ? WHERE number = ?", list(enumerate(order, start=1)))

    def remove(self, number: int) -> None:
        """Take a pin off; one that is not there stays so."""
        with self._open() as file, file:
            file.execute("DELETE FROM pins WHERE number = ?", (number,))

    def _open(self) -> AbstractContextManager[sqlite3.Connection]:
        return atomic_io.database(self.path, TABLE, "pins", "move the file away")


def _checked(title: str, note: str) -> tuple[str, str]:
    title, note = re.sub(r"\s+", " ", title).strip(), note.strip()
    if not title:
        raise FerError("A pin needs a title.", todo="write one, such as what the view shows")
    for name, text in (("title", title), ("note", note)):
        if len(text) > LONGEST[name]:
            raise FerError(f"This {name} is too long for a pin.", received=f"{len(text):,} characters",
                           expected=f"at most {LONGEST[name]:,}", todo=f"write a shorter {name}")
    return title, note
