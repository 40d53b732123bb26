"""The places that faces lie in: a file, a folder or a zip (never unpacked), holding a CSV or pictures in folders of emotions."""

from __future__ import annotations

import lzma
import os
import re
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np

from fer_core.data.csv_reader import (
    EMOTION_NAMES,
    SPLIT_NAMES,
    Faces,
    Problems,
    Progress,
    columns,
    read_table,
)
from fer_core.data.splits import Bytes, Split
from fer_core.emotions import SIDE, SPLITS
from fer_core.errors import DataError
from fer_core.messages import Sentence

PICTURES = (".png", ".jpg", ".jpeg")
LARGEST_PICTURE = 64 << 20
MOST_FILES = 200_000
MOST_PIXELS = 50_000_000
MOST_UNPACKED, MOST_TIMES = 1 << 30, 100
"""A zip that unpacks to more bytes than the first and to more times its own size than the second is a zip bomb."""
BROKEN = (OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError, UnicodeDecodeError)
"""What a damaged, encrypted or unknown zip, or a failing disk, raises."""
READ_FROM = "Read from {files}."
WHOLE_TABLES = ("fer2013.csv", "icml_face_data.csv")
PREFIXES = {"training": 0, "publictest": 1, "privatetest": 2}


class Folder:
    """Name, list and open the files below a folder, or one file alone."""

    def __init__(self, path: Path) -> None:
        self.path, self.root = path, path if path.is_dir() else path.parent
        self.stamps: dict[str, tuple[int, int]] = {}
        start = len(os.path.join(self.root, ""))
        for file in _walk(path) if path.is_dir() else (os.fspath(path),):
            stat = os.stat(file)
            if len(self.stamps) >= MOST_FILES:
                raise DataError(f"{path} holds more than {MOST_FILES:,} files.", expected="the folder of FER2013, and nothing above it")
            self.stamps[file[start:].replace(os.sep, "/")] = stat.st_size, stat.st_mtime_ns

    @property
    def names(self) -> list[str]:
        """Return the names of the files, with / between their parts."""
        return list(self.stamps)

    def size(self, name: str) -> int:
        """Return the size of a file in bytes."""
        return self.stamps[name][0]

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a file for reading."""
        return open(self.root / name, "rb", buffering=0 if name.endswith(PICTURES) else 1 << 20)

    def bytes(self, name: str) -> bytes:
        """Read a whole file."""
        with open(self.root / name, "rb", buffering=0) as file:
            return file.read()


class Archive:
    """Name, list and open the members of a zip without unpacking it; a zip bomb is refused before anything is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.zip = zipfile.ZipFile(path)
        except BROKEN as error:
            raise DataError(Sentence("{name} is not a whole zip file.", name=path.name),
                            received=f"{path.stat().st_size:,} bytes ({error})", todo="copy or download it again") from error
        self.members = {entry.filename: entry for entry in self.zip.infolist() if not entry.is_dir()}
        unpacked = sum(entry.file_size for entry in self.members.values())
        if unpacked > max(MOST_UNPACKED, path.stat().st_size * MOST_TIMES):
            raise DataError(f"{path.name} would unpack to {unpacked / 2**30:,.1f} GiB.", received=f"a zip of {path.stat().st_size:,} bytes",
                            expected=f"at most {MOST_TIMES} times its size; this looks like a zip bomb")
        self.lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        """Return the names of the members."""
        return list(self.members)

    def size(self, name: str) -> int:
        """Return the unpacked size that the zip promises, in bytes; never more than that is read."""
        return self.members[name].file_size

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a member for reading."""
        return self.zip.open(name)

    def bytes(self, name: str) -> bytes:
        """Read a whole member."""
        with self.zip.open(name) as file:
            return file.read()


def _walk(folder: Path) -> Iterable[str]:
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(where, name) for name in sorted(names) if not name.startswith("."))


def read_faces(source: Folder | Archive, problems: Problems, progress: Progress | None = None) -> tuple[dict[str, Split], list[str]]:
    """Read whatever form `source` holds into splits, with notes; bad rows and pictures go to `problems`."""
    names = [name for name in source.names if not any(part.startswith((".", "__MACOSX")) for part in name.split("/"))]
    tables = _tables(source, names)
    if tables:
        notes = [] if source.path.is_file() and isinstance(source, Folder) else [READ_FROM.format(files=", ".join(tables))]
        return _read_tables(source, tables, problems, progress), notes
    pictures = [name for name in names if name.lower().endswith(PICTURES)]
    if not pictures:
        raise DataError(Sentence("{name} holds no faces.", name=source.path.name),
                        received=Sentence("{n:,} files, none of them a CSV of faces or a picture", n=len(names)),
                        expected="fer2013.csv, train.csv and test.csv, or pictures in train/<emotion>/")
    return _read_pictures(source, pictures, problems, progress).by_split(), []


def _tables(source: Folder | Archive, names: list[str]) -> dict[str, str]:
    """Choose the CSV files to read and the split of each (which a column Usage overrules)."""
    if isinstance(source, Folder) and source.path.is_file():
        return {source.path.name: SPLITS[SPLIT_NAMES.get(source.path.stem.lower(), 0)]}
    tables = [name for name in names if name.lower().endswith(".csv")]
    for wanted in WHOLE_TABLES:
        whole = [name for name in tables if PurePosixPath(name).name.lower() == wanted]
        if whole:
            return {min(whole, key=lambda name: (name.count("/"), name)): "train"}
    faces = [name for name in tables if _has_pixels(source, name)]
    by_split: dict[str, str] = {}
    for name in faces:
        number = SPLIT_NAMES.get(PurePosixPath(name).stem.lower(), 0)
        if SPLITS[number] in by_split.values():
            raise DataError(Sentence("{name} holds more than one table of faces.", name=source.path.name), received=", ".join(faces[:5]),
                            todo="name the one to read")
        by_split[name] = SPLITS[number]
    return by_split


def beside(path: Path) -> Path | None:
    """Return the course's test.csv when it lies beside its train.csv `path`."""
    other = path.with_name("test.csv")
    return other if path.name == "train.csv" and other.is_file() and _has_pixels(Folder(other), other.name) else None


def _has_pixels(source: Folder | Archive, name: str) -> bool:
    try:
        with source.open(name) as file:
            return columns(file.readline(4096)) is not None
    except BROKEN:
        return False


def _read_tables(source: Folder | Archive, tables: dict[str, str], problems: Problems, progress: Progress | None) -> dict[str, Split]:
    splits: dict[str, Split] = {}
    for name, split in tables.items():
        try:
            with source.open(name) as stream:
                splits |= read_table(stream, name, source.size(name), split, problems, progress).by_split()
        except BROKEN as error:
            raise DataError(f"{name} in {source.path.name} cannot be read to its end.", received=str(error),
                            todo="copy or download it again") from error
    return splits


def _read_pictures(source: Folder | Archive, names: list[str], problems: Problems, progress: Progress | None) -> Faces:
    placed: list[tuple[str, int, int]] = []
    for name in names:
        place = _place(name, source.path.stem)
        if isinstance(place, str):
            problems.add(name, "", place)
        else:
            placed.append((name, *place))
    placed.sort(key=_order)
    images = np.zeros((len(placed), SIDE, SIDE), np.uint8)
    reasons: dict[int, str] = {}

    def decode(first: int) -> int:
        for index in range(first, min(first + 256, len(placed))):
            face = _picture(source, placed[index][0])
            if isinstance(face, str):
                reasons[index] = face
            else:
                images[index] = face
        return first

    with ThreadPoolExecutor(2) as pool:
        for done in pool.map(decode, range(0, len(placed), 256)):
            if progress:
                progress(done / len(placed))
    for index in sorted(reasons):
        problems.add(placed[index][0], "", reasons[index])
    good = np.array([index not in reasons for index in range(len(placed))], bool)
    ids = np.array([name for name, _, _ in placed], np.str_)
    labels, splits = (np.array([place[column] for place in placed], np.int64) for column in (1, 2))
    return Faces(images, labels, splits, ids) if not reasons else Faces(images[good], labels[good], splits[good], ids[good])


def _order(placed: tuple[str, int, int]) -> tuple[int, int, str]:
    """Sort by the number that ends a file's name, as the official rows are, then by label and name."""
    number = re.search(r"(\d{1,18})\.\w+$", placed[0])
    return int(number[1]) if number else -1, placed[1], placed[0]


def _place(name: str, root: str) -> tuple[int, int] | str:
    """Return (label, split) of a picture by its folders below `root` and its prefix, or the reason why it has none."""
    parts = name.lower().split("/")
    label = EMOTION_NAMES.get(parts[-2]) if len(parts) > 1 else None
    if label is None:
        return f"unknown emotion {name.split('/')[-2][:20]!r}" if len(parts) > 1 else "not in a folder named by an emotion"
    official = PREFIXES.get(parts[-1].split("_")[0])
    if official is not None:
        return label, official
    return label, SPLIT_NAMES.get(parts[-3] if len(parts) > 2 else root.lower(), 0)


def _picture(source: Folder | Archive, name: str) -> Bytes | str:
    """Decode one picture to uint8 (48, 48), or return the reason why it cannot be."""
    import cv2

    if source.size(name) > LARGEST_PICTURE:
        return f"{source.size(name):,} bytes, more than {LARGEST_PICTURE:,}"
    try:
        content = source.bytes(name)
    except BROKEN as error:
        return f"cannot be read ({error})"
    size = _dimensions(content)
    if size is None:
        return "neither PNG nor JPEG, or cut off" if content else "an empty file"
    if size[0] * size[1] > MOST_PIXELS or 0 in size:
        return f"{size[0]:,} x {size[1]:,} pixels, more than {MOST_PIXELS:,}"
    try:
        face = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        return "does not decode"
    if face is None:
        return "does not decode"
    return np.asarray(face if face.shape == (SIDE, SIDE) else cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def _dimensions(content: bytes) -> tuple[int, int] | None:
    """Return (width, height) from a PNG's or JPEG's header without decoding it; None when it is neither or its end is missing."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content.rfind(b"IEND") > 24:
        width, height = struct.unpack(">II", content[16:24])
        return width, height
    if not content.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        kind, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return (width, height) if content.find(b"\xff\xd9", at) > 0 else None  # decoders fill a missing end with grey
        at += 1 if kind == 0xFF else 2 + length
    return None
