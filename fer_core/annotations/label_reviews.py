"""What a person says of single faces: label wrong, ambiguous, no face, or the network wrong. One small SQLite file.

A mark belongs to a face of a data set (by its fingerprint) and a split. Every change is a transaction of its own, flushed to disk:
a crash loses none that was told, and two tabs, or two processes, write one after the other.
"""

from __future__ import annotations

import csv
import io
import math
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_core import atomic_io
from fer_core.emotions import EMOTIONS, SPLITS
from fer_core.errors import DataError, FerError
from fer_core.messages import Sentence

VERDICTS: dict[str, str] = {
    "label": "label wrong",
    "ambiguous": "ambiguous",
    "not_a_face": "not a face",
    "network": "network wrong",
}
"""What can be said of a face, and how it is told."""
DISPUTED = ("label", "ambiguous", "not_a_face")
"""Verdicts that take a face out of the accuracy without disputed labels."""
COLUMNS = ("data", "split", "face", "verdict", "better", "at")
TABLE = """CREATE TABLE IF NOT EXISTS marks (data TEXT, split TEXT, face INTEGER, verdict TEXT, better INTEGER, at REAL,
PRIMARY KEY (data, split, face)) WITHOUT ROWID"""


@dataclass(frozen=True)
class Mark:
    """A verdict on one face; `better` is the class 0 to 6 that the label should be, where the verdict is `label` and it was told."""

    face: int  # index in the split
    verdict: str
    better: int | None = None
    at: float = 0.0  # seconds since 1970

    def __post_init__(self) -> None:
        """Refuse what no mark can be."""
        if self.verdict not in VERDICTS:
            raise FerError("There is no such verdict.", received=self.verdict, expected=", ".join(VERDICTS))
        if self.better is not None and (self.verdict != "label" or not 0 <= self.better < len(EMOTIONS)):
            raise FerError("A better label goes with a wrong one only.", received=self.better, expected=", ".join(EMOTIONS))
        if self.face < 0:
            raise FerError("A face is counted from 0.", received=self.face)

    @property
    def words(self) -> str:
        """The verdict as a person reads it."""
        verdict = VERDICTS[self.verdict]
        if self.better is None:
            return verdict
        return Sentence("{verdict}: {better}", verdict=verdict, better=EMOTIONS[self.better].capitalize())


class Marks:
    """The marks in one file; it is made with the first mark."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def of(self, data: str, split: str) -> dict[int, Mark]:
        """Return the marks of a split of the data set with this fingerprint, by the index of the face."""
        if not self.path.exists():
            return {}
        with self._open() as file:
            rows = file.execute("SELECT face, verdict, better, at FROM marks WHERE data = ? AND split = ? ORDER BY face", (data, split))
            return {row[0]: Mark(*row) for row in rows}

    def put(self, data: str, split: str, marks: Iterable[Mark]) -> None:
        """Say something of faces; what was said of them before is replaced."""
        rows = [(data, split, mark.face, mark.verdict, mark.better, mark.at or time.time()) for mark in marks]
        with self._open() as file, file:
            file.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?, ?)", rows)

    def change(self, data: str, split: str, changes: Iterable[tuple[int, Mark | None]]) -> None:
        """Put or take off marks of faces, in this order and as one step."""
        with self._open() as file, file:
            for face, mark in changes:
                if mark is None:
                    file.execute("DELETE FROM marks WHERE data = ? AND split = ? AND face = ?", (data, split, face))
                else:
                    row = (data, split, mark.face, mark.verdict, mark.better, mark.at or time.time())
                    file.execute("INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?, ?, ?)", row)

    def stamp(self) -> tuple[int, int]:
        """Name the state of the file, so that what was made of it can be kept."""
        try:
            facts = self.path.stat()
        except OSError:
            return 0, 0
        return facts.st_mtime_ns, facts.st_size

    def _open(self) -> AbstractContextManager[sqlite3.Connection]:
        return atomic_io.database(self.path, TABLE, "marks", "move the file away; marks that were exported can be imported again")


def disputed(marks: dict[int, Mark], n: int) -> np.ndarray:
    """Tell which of n faces have a label that a person disputes: bool (n,)."""
    mask = np.zeros(n, bool)
    mask[[face for face, mark in marks.items() if mark.verdict in DISPUTED and face < n]] = True
    return mask


def to_csv(marks: dict[int, Mark], data: str, split: str, describe: Callable[[int], dict[str, object]] | None = None) -> str:
    """Write marks as CSV, a row per face; `describe` adds columns that reading leaves aside, such as the row in the source."""
    text = io.StringIO()
    extra = list(describe(next(iter(marks)))) if describe and marks else []
    writer = csv.DictWriter(text, [*COLUMNS, *extra])
    writer.writeheader()
    for face, mark in sorted(marks.items()):
        better = EMOTIONS[mark.better] if mark.better is not None else ""
        row = {"data": data, "split": split, "face": face, "verdict": mark.verdict, "better": better, "at": f"{mark.at:.3f}"}
        writer.writerow({**row, **(describe(face) if describe and extra else {})})
    return text.getvalue()


def from_csv(content: bytes, data: str, sizes: dict[str, int]) -> dict[str, list[Mark]]:
    """Read marks that `to_csv` wrote, by split; `sizes` are the faces per split. All rows or none: the first bad one raises DataError."""
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError("This is no CSV of marks.", received=error, expected=f"UTF-8 with the columns {', '.join(COLUMNS[:5])}") from None
    if not rows:
        raise DataError("This file holds no marks.", expected=f"the columns {', '.join(COLUMNS[:5])} and a row per face")
    missing = [name for name in COLUMNS[:4] if name not in rows[0]]
    if missing:
        raise DataError("This is no CSV of marks.", received=f"no column {', '.join(missing)}", expected=", ".join(COLUMNS[:5]))
    found: dict[str, list[Mark]] = {}
    for number, row in enumerate(rows, 2):
        split, mark = _row(row, number, data, sizes)
        found.setdefault(split, []).append(mark)
    return found


def _row(row: dict[str, str], number: int, data: str, sizes: dict[str, int]) -> tuple[str, Mark]:
    def wrong(name: str, expected: str) -> DataError:
        return DataError(Sentence("Line {number} of the marks does not fit.", number=number),
                         received=f"{name} {str(row.get(name))[:60]!r}", expected=expected)

    if row["data"] != data:
        raise wrong("data", f"the fingerprint of these faces, {data[:12]}...")
    if row["split"] not in SPLITS:
        raise wrong("split", " or ".join(SPLITS))
    size = sizes.get(row["split"])
    if not (row["face"] or "").isdecimal() or (size is not None and int(row["face"]) >= size):
        raise wrong("face", f"a number from 0 to {size - 1:,}" if size else "a whole number")
    if row["verdict"] not in VERDICTS:
        raise wrong("verdict", " or ".join(VERDICTS))
    better = (row.get("better") or "").strip().lower()
    if better and (better not in EMOTIONS or row["verdict"] != "label"):
        raise wrong("better", "an emotion where the verdict is 'label', else nothing")
    try:
        at = float(row.get("at") or 0)
    except ValueError:
        at = math.nan
    if not math.isfinite(at):
        raise wrong("at", "seconds since 1970")
    return row["split"], Mark(int(row["face"]), row["verdict"], EMOTIONS.index(better) if better else None, at)
