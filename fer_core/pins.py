"""Views of the app that a person pinned, with a note: the appendix of a report. One small SQLite file, as for marks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from fer_core.errors import DataError, FerError
from fer_core.marks import WAIT

LONGEST = 2000
"""Characters of a title or a note."""


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
    """The pins in one file, in the order in which they were pinned; it is made with the first."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def all(self) -> list[Pin]:
        """List the pins."""
        if not self.path.exists():
            return []
        with self._open() as file:
            return [Pin(*row) for row in file.execute("SELECT title, note, page, query, number FROM pins ORDER BY number")]

    def add(self, pin: Pin) -> None:
        """Pin a view; pinning the same view again changes its title and note and leaves it in its place."""
        title, note = _checked(pin.title or pin.page, pin.note)
        with self._open() as file, file:
            known = file.execute("SELECT number FROM pins WHERE page = ? AND query = ?", (pin.page, pin.query)).fetchone()
            if known:
                file.execute("UPDATE pins SET title = ?, note = ? WHERE number = ?", (title, note, known[0]))
            else:
                file.execute("INSERT INTO pins (title, note, page, query) VALUES (?, ?, ?, ?)", (title, note, pin.page, pin.query))

    def change(self, number: int, *, title: str, note: str) -> None:
        """Change title and note of a pin."""
        title, note = _checked(title, note)
        with self._open() as file, file:
            file.execute("UPDATE pins SET title = ?, note = ? WHERE number = ?", (title, note, number))

    def remove(self, number: int) -> None:
        """Take a pin off; one that is not there stays so."""
        with self._open() as file, file:
            file.execute("DELETE FROM pins WHERE number = ?", (number,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=WAIT)) as file:
                file.execute("PRAGMA synchronous = FULL")
                file.execute("CREATE TABLE IF NOT EXISTS pins (number INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT, note TEXT, page TEXT, "
                             "query TEXT, UNIQUE (page, query))")
                yield file
        except (sqlite3.Error, OSError) as error:
            raise DataError(f"The pins in {self.path} cannot be read or written.", received=error,
                            expected="a file that FER Lens wrote, in a folder that can be written", todo="move the file away") from None


def _checked(title: str, note: str) -> tuple[str, str]:
    title, note = title.strip(), note.strip()
    if not title:
        raise FerError("A pin needs a title.")
    longer = max(len(title), len(note))
    if longer > LONGEST:
        raise FerError("This is too long for a pin.", received=f"{longer:,} characters", expected=f"at most {LONGEST:,}")
    return title, note
