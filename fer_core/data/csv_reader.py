"""The CSV forms of FER2013: `emotion,pixels,Usage` and its relatives, read at the speed of the disk."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from fer_core.data.splits import Bytes, Split
from fer_core.emotions import EMOTIONS, SIDE, SPLITS
from fer_core.errors import DataError
from fer_core.messages import Sentence

PIXELS = SIDE * SIDE
BLOCK = 1 << 20
"""Bytes of text parsed at once: small enough for a processor's cache, large enough for numpy."""
LONGEST_ROW = 1 << 17
"""A row of 2,304 pixels takes at most some 9,300 bytes; a longer row than this is no row of faces."""

SPLIT_NAMES = {
    "training": 0, "train": 0, "publictest": 1, "validation": 1, "valid": 1, "val": 1, "privatetest": 2, "test": 2, "testing": 2,
}
EMOTION_NAMES = {name: number for number, name in enumerate(EMOTIONS)} | {
    "anger": 0, "disgusted": 1, "fearful": 2, "happiness": 3, "sadness": 4, "surprised": 5,
} | {str(number): number for number in range(len(EMOTIONS))}

Progress = Callable[[float], object]
"""Called now and then with the share that is done, 0 to 1."""


@dataclass
class Problems:
    """Collect what cannot be read: all of it where bad rows are to be skipped and listed, else the first ten and their number."""

    keep_all: bool = False
    rows: list[str] = field(default_factory=list)
    number: int = 0

    def add(self, file: str, row: str, reason: str) -> None:
        """Note one bad row: the file's name, the row (or nothing), and why."""
        self.number += 1
        if self.keep_all or self.number <= 10:
            self.rows.append(f"{file}, {row}: {reason}" if row else f"{file}: {reason}")

    def stop(self, name: str) -> None:
        """Raise a DataError with the first ten reasons and the number of the rest, if there are any."""
        if self.number:
            rest = self.number - 10
            told = "; ".join(self.rows[:10]) + (f"; and {rest:,} more" if rest > 0 else "")
            number = Sentence("{n:,} face" if self.number == 1 else "{n:,} faces", n=self.number)
            raise DataError(Sentence("{name}: {faces} cannot be read.", name=name, faces=number), received=told,
                            todo="correct the source, or let bad rows be skipped and listed (--skip-bad)")


@dataclass
class Faces:
    """Hold faces in their source's order: images uint8 (n, 48, 48), labels int64, split numbers int64, ids."""

    images: Bytes
    labels: NDArray[np.int64]
    splits: NDArray[np.int64]
    ids: NDArray[Any]

    def by_split(self) -> dict[str, Split]:
        """Return the faces of each split that has some; splits that stand together in the source are not copied."""
        found: dict[str, Split] = {}
        for number, name in enumerate(SPLITS):
            rows: Any = np.flatnonzero(self.splits == number)
            if len(rows):
                if rows[-1] - rows[0] + 1 == len(rows):
                    rows = slice(int(rows[0]), int(rows[-1]) + 1)
                found[name] = Split(self.images[rows], self.labels[rows], self.ids[rows])
        return found


@dataclass(frozen=True)
class Columns:
    """Tell where the columns of a CSV are; None = it has no such column."""

    number: int
    pixels: int
    label: int | None
    usage: int | None
    id: int | None


@dataclass
class _Block:
    """One parsed block: the good rows, and (line within the block, reason) of the bad ones."""

    lines: int
    images: Bytes
    labels: list[int]
    splits: list[int]
    ids: list[str | int]
    bad: list[tuple[int, str]]


def columns(header: bytes) -> Columns | None:
    """Find the columns in a CSV's first line, blanks, quotes and case aside; None when it has no pixels."""
    names = [name.strip(' \t\r\n"').lower() for name in header.decode("utf-8-sig", "replace").split(",")]
    place = {name: index for index, name in reversed(list(enumerate(names)))}
    pixels = place.get("pixels", place.get("feature"))
    if pixels is None:
        return None
    return Columns(len(names), pixels, place.get("emotion", place.get("label")), place.get("usage"), place.get("id"))


def read_table(stream: IO[bytes], name: str, size: int, split: str, problems: Problems, progress: Progress | None = None) -> Faces:
    """Read one CSV of `size` bytes; `split` is where its faces belong when it has no Usage column. Bad rows go to `problems`."""
    found = _header(stream, name, split)
    split = "test" if found.label is None else split
    blocks: list[_Block] = []
    images = np.empty((size // (2 * PIXELS - 1) + 1, PIXELS), np.uint8)  # no row is shorter; what stays unused takes no memory
    line, faces = 2, 0
    for block in _parsed(_texts(stream, name), found, SPLITS.index(split), lambda done: progress(done / size) if progress else None):
        for offset, reason in block.bad:
            problems.add(name, f"row {line + offset}", reason)
        images[faces : faces + len(block.images)] = block.images
        line, faces = line + block.lines, faces + len(block.images)
        block.images = block.images[:0]
        blocks.append(block)
    if not faces and not any(block.bad for block in blocks):
        raise DataError(Sentence("{name} has a header and no faces.", name=name), expected="one face per row")
    return _together(blocks, images[:faces].reshape(-1, SIDE, SIDE), found)


def _shown(header: bytes) -> str:
    """Show a first row if it is one of names; another file's content, to which a link may lead, is nobody's to see."""
    text = header[:80].decode("utf-8", "replace").strip()
    return text if re.fullmatch(r"[\w \"'-]+(,[\w \"'-]*)+", text) else "a first row that names no columns"


def _header(stream: IO[bytes], name: str, split: str) -> Columns:
    header = stream.readline(LONGEST_ROW)
    if not header.strip():
        raise DataError(Sentence("{name} is empty.", name=name), expected="a first row such as emotion,pixels,Usage")
    found = columns(header)
    if found is None:
        raise DataError(Sentence("{name} has no column of pixels.", name=name), received=_shown(header),
                        expected="a first row such as emotion,pixels,Usage or label,feature or id,feature")
    if found.label is None and (found.usage is not None or (split != "test" and found.id is None)):
        raise DataError(Sentence("{name} has no column of emotions.", name=name), received=header[:80].decode("utf-8", "replace").strip(),
                        expected="a column named emotion or label (only a test set may lack it)")
    return found


def _together(blocks: list[_Block], images: Bytes, found: Columns) -> Faces:
    labels = np.array([label for block in blocks for label in block.labels], np.int64)
    splits = np.array([split for block in blocks for split in block.splits], np.int64)
    if found.id is None:
        firsts = np.cumsum([0] + [block.lines for block in blocks])
        rows = [int(first) + int(row) for first, block in zip(firsts, blocks, strict=False) for row in block.ids]
        ids: NDArray[Any] = np.array(rows, np.int64)
    else:
        told = [key for block in blocks for key in block.ids]
        ids = np.array(told, np.int64) if all(isinstance(key, int) for key in told) else np.array([str(key) for key in told], np.str_)
    return Faces(images, labels, splits, ids)


def _parsed(texts: Iterator[bytes], found: Columns, split: int, progress: Callable[[int], object]) -> Iterator[_Block]:
    """Parse blocks on two threads (numpy frees the interpreter), in order, never more than four blocks ahead."""
    done = 0
    with ThreadPoolExecutor(2) as pool:
        waiting: deque[tuple[Future[_Block], int]] = deque()
        for text in texts:
            waiting.append((pool.submit(_parse, text, found, split), len(text)))
            if len(waiting) > 4:
                future, size = waiting.popleft()
                yield future.result()
                done += size
                progress(done)
        for future, _ in waiting:
            yield future.result()


def _texts(stream: IO[bytes], name: str) -> Iterator[bytes]:
    """Cut a stream into blocks of whole rows; a row without end is refused, so that memory stays bounded."""
    rest = b""
    while piece := stream.read(BLOCK):
        text = rest + piece
        cut = text.rfind(b"\n") + 1
        if cut == 0 and len(text) > LONGEST_ROW:
            raise DataError(f"{name} has a row of more than {LONGEST_ROW:,} bytes.", expected="one face per row, rows ended by line feeds")
        if cut:
            yield text[:cut]
        rest = text[cut:]
    if rest:
        yield rest


def _parse(text: bytes, found: Columns, split: int) -> _Block:
    lines = text.split(b"\n")
    if not lines[-1]:
        lines.pop()
    block = _Block(len(lines), np.empty((0, PIXELS), np.uint8), [], [], [], [])
    texts: list[bytes] = []
    places: list[int] = []
    for offset, line in enumerate(lines):
        fields = line.split(b",")
        if len(fields) != found.number:
            if line.strip():
                block.bad.append((offset, f"{len(fields)} columns instead of {found.number}"))
            continue
        row = _fields(fields, found, split)
        if isinstance(row, str):
            block.bad.append((offset, row))
            continue
        texts.append(fields[found.pixels].strip(b' \t\r"'))
        places.append(offset)
        block.labels.append(row[0])
        block.splits.append(row[1])
        block.ids.append(offset if found.id is None else row[2])
    images = _pixels(texts)
    if images is None:
        _one_by_one(block, texts, places)
    else:
        block.images = images
    return block


def _fields(fields: list[bytes], found: Columns, split: int) -> tuple[int, int, int | str] | str:
    """Return (label, split, id) of a row, or the reason why it has none."""
    label, key = -1, ""
    if found.label is not None:
        word = fields[found.label].strip(b' \t\r"').decode("utf-8", "replace")
        known = -1 if word == "-1" else EMOTION_NAMES.get(word.lower())
        if known is None:
            return f"unknown emotion {word[:20]!r}" if word else "no emotion"
        label = known
    if found.usage is not None:
        word = fields[found.usage].strip(b' \t\r"').decode("utf-8", "replace")
        number = SPLIT_NAMES.get(word.lower())
        if number is None:
            return f"unknown Usage {word[:20]!r}"
        split = number
    if label < 0 and found.label is not None and SPLITS[split] != "test":
        return "emotion -1 (no label) outside the test split"
    if found.id is not None:
        key = fields[found.id].strip(b' \t\r"').decode("utf-8", "replace")
    return label, split, int(key) if key.isascii() and key.isdigit() and len(key) < 18 else key


def _pixels(texts: list[bytes]) -> Bytes | None:
    """Parse rows of 2,304 numbers at once, uint8 (k, 2304); None when any of them is not exactly that."""
    if not texts:
        return np.empty((0, PIXELS), np.uint8)
    joined = np.frombuffer(b"   " + b" ".join(texts) + b" ", np.uint8)
    digits = joined - np.uint8(48)
    digit = digits < 10
    if not (digit | (joined == 32)).all():
        return None
    ends = np.flatnonzero(digit[3:-1] > digit[4:])
    starts = np.cumsum([0] + [len(text) + 1 for text in texts])
    if not np.array_equal(np.searchsorted(ends, starts), np.arange(len(starts)) * PIXELS):
        return None
    two, three = digit[2:-2] & digit[3:-1], digit[1:-3]
    if (two & three & digit[:-4]).any():
        return None
    digits *= digit
    values = np.multiply(digits[1:-3] * two, np.uint16(100), dtype=np.uint16)
    values += digits[2:-2] * np.uint8(10)
    values += digits[3:-1]
    numbers = values[ends]
    return numbers.astype(np.uint8).reshape(-1, PIXELS) if numbers.max() <= 255 else None


def _one_by_one(block: _Block, texts: list[bytes], places: list[int]) -> None:
    """Parse the rows of a block that has a bad one: the good stay, the bad get their reasons."""
    rows: list[Bytes] = []
    good: list[int] = []
    for index, text in enumerate(texts):
        values = _row(text)
        if isinstance(values, str):
            block.bad.append((places[index], values))
        else:
            rows.append(values)
            good.append(index)
    block.bad.sort()
    block.images = np.array(rows, np.uint8).reshape(-1, PIXELS)
    block.labels, block.splits = [block.labels[i] for i in good], [block.splits[i] for i in good]
    block.ids = [block.ids[i] for i in good]


def _row(text: bytes) -> Bytes | str:
    words = text.split()
    if len(words) != PIXELS:
        return f"{len(words):,} pixels instead of {PIXELS:,}"
    for word in words:
        if not word.isdigit():
            return f"a pixel {word[:20].decode('utf-8', 'replace')!r} that is not a whole number from 0 to 255"
        value = word.lstrip(b"0")
        if len(value) > 3 or int(value or b"0") > 255:
            return f"a pixel {word[:20].decode()} outside 0 to 255"
    return np.array([int(word.lstrip(b"0") or b"0") for word in words], np.uint8)
