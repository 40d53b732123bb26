"""Read any form of FER2013 into splits, at once when it was read before: the cache is memory-mapped and notices a changed source."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import IO, Any

import filelock
import numpy as np
from numpy.typing import ArrayLike

from fer_core import atomic_io
from fer_core.data.csv_reader import Problems, Progress, columns
from fer_core.data.readers import READ_FROM, Archive, Folder, beside, read_faces
from fer_core.data.splits import Copies, Dataset, Split, copies, counts, draw_validation, pixels
from fer_core.emotions import EMOTIONS, SIDE, SPLITS
from fer_core.errors import DataError
from fer_core.messages import Sentence

__all__ = ["Copies", "Dataset", "Split", "copies", "counts", "find", "pixels", "read", "write_csv", "write_submission"]

FORM = "fer-lens-data-2"
"""Changes whenever the same source would be read differently, so that old caches are not used."""
DEMO_SPLITS = (2800, 350, 350)
DEMO_VERSION = 1
"""Raise it whenever a pixel or a label of the drawn faces changes: kept ones are then drawn again. `tests/test_demo.py` asks for it."""
ARRAYS = ("images", "labels", "ids")
USAGE = ("Training", "PublicTest", "PrivateTest")
BESIDE = "The faces of test.csv beside train.csv are the test split."
BAD = ("1 face could not be read and was left out.", "{n:,} faces could not be read and were left out.")
DRAWN = "A validation split of {n:,} faces was drawn from the training faces (seed {seed})."
UNLABELLED = "{n:,} faces of the {split} split have no label."
DEMO = "Drawn faces, not photographs (seed {seed})."
UNWRITTEN = "The cache could not be written ({reason})."
NOTES = (READ_FROM, BESIDE, *BAD, DRAWN, UNLABELLED, DEMO, UNWRITTEN)
"""What a data set may note of its reading."""


def read(path: str | Path, *, skip_bad: Path | None = None, seed: int = 0, cache: Path | None = None,
         progress: Progress | None = None) -> Dataset:
    """Read the data set at `path` ('demo', 'demo:SEED', a CSV, folder, zip or cache) into splits.

    Bad rows stop the reading with a DataError, or are left out and listed in the file `skip_bad`. `seed` draws the validation split
    where the form has none. `progress` is told the share that is done, 0 to 1.
    """
    asked = str(path)
    try:
        if asked == "demo" or asked.startswith("demo:"):
            return _demo(asked, cache or atomic_io.cache_folder())
        place = Path(os.path.expanduser(path))
        if not place.exists():
            raise DataError(Sentence("There is no data set at {path}.", path=asked),
                            expected="'demo', or the path of a CSV, folder or zip of FER2013")
        if place.is_dir() and (place / "meta.json").is_file():
            return _load(place)
        return _read_path(place.resolve(), cache or atomic_io.cache_folder(), skip_bad, seed, progress)
    except (OSError, MemoryError) as error:
        raise DataError(Sentence("{name} cannot be read.", name=asked), received=str(error) or "not enough memory") from error


def _read_path(place: Path, cache: Path, skip_bad: Path | None, seed: int, progress: Progress | None) -> Dataset:
    listing = Folder(place)
    other = None if place.is_dir() else beside(place)
    stamps = {**listing.stamps, **(Folder(other).stamps if other else {})}
    if skip_bad is not None and _is_source(skip_bad.resolve(), place, other):
        raise DataError("The list of bad rows would take the place of the faces themselves.", received=skip_bad,
                        todo="name another file with --skip-bad")
    key = hashlib.sha256(json.dumps([FORM, str(place), sorted(stamps.items()), seed, skip_bad is not None]).encode()).hexdigest()[:16]
    family = hashlib.sha256(f"{place}|{seed}|{skip_bad is not None}".encode()).hexdigest()[:12]
    shelf = cache / f"{family}-{key}"
    known = _known(shelf)
    if known is not None:
        if skip_bad is not None:
            _list_bad(skip_bad, json.loads((shelf / "meta.json").read_text("utf-8"))["bad"])
        return known
    problems = Problems(keep_all=skip_bad is not None)
    dataset = _fresh(place, listing, other, problems, progress)
    if skip_bad is None:
        problems.stop(place.name)
    else:
        _list_bad(skip_bad, problems.rows)
    dataset = _completed(dataset, problems.number, seed)
    return _stored(dataset, shelf, problems.rows)


def _fresh(place: Path, listing: Folder, other: Path | None, problems: Problems, progress: Progress | None) -> Dataset:
    if place.is_file() and place.stat().st_size == 0:
        raise DataError(Sentence("{name} is empty.", name=place.name), expected="a CSV or a zip of FER2013")
    splits, notes = read_faces(Archive(place) if _packed(place) else listing, problems, progress)
    if other is not None:
        more, _ = read_faces(Folder(other), problems)
        splits |= more
        notes = [BESIDE]
    return Dataset(splits, place.name, str(place), tuple(notes))


def _packed(place: Path) -> bool:
    """Tell whether a path is a zip: by its first bytes or, so that a broken one is told as such, by its name."""
    if place.is_dir():
        return False
    with open(place, "rb") as file:
        return file.read(4) == b"PK\x03\x04" or place.suffix.lower() == ".zip"


def _completed(dataset: Dataset, bad: int, seed: int) -> Dataset:
    """Draw a validation split when there is none, and tell what was left out."""
    notes = list(dataset.notes)
    if not any(len(split) for split in dataset.values()):
        raise DataError(Sentence("{name} holds no face that can be read.", name=dataset.name))
    if bad:
        notes.append(BAD[bad > 1].format(n=bad))
    if "validation" not in dataset and "train" in dataset:
        dataset["train"], drawn = draw_validation(dataset["train"], seed)
        if len(drawn):
            dataset["validation"] = drawn
            notes.append(DRAWN.format(n=len(drawn), seed=seed))
    for name, split in dataset.items():
        unlabelled = int((split.labels < 0).sum())
        if unlabelled:
            notes.append(UNLABELLED.format(n=unlabelled, split=name))
    return Dataset(dataset, dataset.name, dataset.source, tuple(notes))


def _demo(asked: str, cache: Path) -> Dataset:
    word = asked.partition(":")[2] or "0"
    if not (word.isascii() and word.isdigit() and len(word) < 10):
        raise DataError("The demo set's seed is no number.", received=asked, expected="demo or demo:SEED, such as demo:7")
    shelf = cache / f"demo{int(word)}-v{DEMO_VERSION}"
    if (known := _known(shelf)) is not None:
        return known
    with alone(cache / f"demo{int(word)}.lock"):
        return _known(shelf) or _stored(_drawn(asked, int(word)), shelf, [])


def _drawn(asked: str, seed: int) -> Dataset:
    from fer_core.data.demo import generator

    made = generator.make(sum(DEMO_SPLITS), seed)
    splits, first = {}, 0
    for name, number in zip(SPLITS, DEMO_SPLITS, strict=True):
        rows = slice(first, first + number)
        splits[name] = Split(made.images[rows], made.labels[rows].astype(np.int64), np.arange(first, first + number))
        first += number
    return Dataset(splits, "demo", asked, (DEMO.format(seed=seed),))


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Let one process or thread at a time do what takes long, so that the others find it done; where no lock can be, all do it."""
    with ExitStack() as held:
        with suppress(OSError, NotImplementedError):
            lock.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(filelock.FileLock(lock, thread_local=False))
        yield


def _known(shelf: Path) -> Dataset | None:
    """Return the cached data set, or None when it is missing or damaged (it is then made anew)."""
    if not shelf.is_dir():
        return None
    try:
        return _load(shelf)
    except DataError:
        shutil.rmtree(shelf, ignore_errors=True)
        return None


def _load(shelf: Path) -> Dataset:
    """Open a cache folder; the images stay on disk until they are looked at."""
    try:
        meta: dict[str, Any] = json.loads((shelf / "meta.json").read_text("utf-8"))
        if meta["form"] != FORM:
            raise ValueError(f"form {meta['form']}")
        splits = {name: _mapped(shelf, name, length) for name, length in meta["splits"].items()}
        return Dataset(splits, meta["name"], meta["source"], tuple(meta["notes"]), meta["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise DataError(f"{shelf.name} is no whole cache of a data set.", received=str(error), todo="read its source again") from error


def _mapped(shelf: Path, name: str, length: int) -> Split:
    images = np.load(shelf / f"{name}.images.npy", mmap_mode="r", allow_pickle=False)
    labels, ids = (np.load(shelf / f"{name}.{part}.npy", allow_pickle=False) for part in ARRAYS[1:])
    if images.shape != (length, SIDE, SIDE) or images.dtype != np.uint8 or labels.shape != (length,) or ids.shape != (length,):
        raise ValueError(f"the {name} split is not {length} faces")
    return Split(images, labels, ids)


def _stored(dataset: Dataset, shelf: Path, bad: list[str]) -> Dataset:
    """Write the cache whole or not at all, and return the data set out of it; a cache that cannot be written is done without."""
    meta = {"form": FORM, "name": dataset.name, "source": dataset.source, "fingerprint": dataset.fingerprint, "notes": list(dataset.notes),
            "splits": {name: len(split) for name, split in dataset.items()}, "bad": bad}
    scratch: str | None = None
    try:
        shelf.parent.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.mkdtemp(prefix=".part-", dir=shelf.parent)
        for name, split in dataset.items():
            for part in ARRAYS:
                np.save(Path(scratch) / f"{name}.{part}.npy", getattr(split, part), allow_pickle=False)
        atomic_io.write_json(Path(scratch) / "meta.json", meta)
        if not shelf.exists():
            os.rename(scratch, shelf)
    except OSError as error:
        if (known := _known(shelf)) is not None:  # another process was faster
            return known
        notes = (*dataset.notes, UNWRITTEN.format(reason=error.strerror))
        return Dataset(dataset, dataset.name, dataset.source, notes, dataset.fingerprint)
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
    _tidy(shelf)
    return _known(shelf) or dataset


def _tidy(shelf: Path) -> None:
    """Remove what older states of the same source left in the cache, and what was never finished an hour ago."""
    hour_ago = time.time() - 3600
    unfinished = [part for part in shelf.parent.glob(".part-*") if part.stat().st_mtime < hour_ago]
    for old in (*shelf.parent.glob(f"{shelf.name.split('-')[0]}-*"), *unfinished):
        if old != shelf:
            shutil.rmtree(old, ignore_errors=True)


def _is_source(path: Path, place: Path, other: Path | None) -> bool:
    """Tell whether a file holds faces of the data set at `place`."""
    return path in (place, other) or (path.is_file() and path.suffix.lower() != ".txt" and path.is_relative_to(place))


def _list_bad(path: Path, rows: list[str]) -> None:
    try:
        atomic_io.write_bytes(path, "".join(f"{row}\n" for row in rows).encode())
    except OSError as error:
        raise DataError(f"The list of bad rows cannot be written to {path}.", received=error.strerror) from None


def write_csv(dataset: Mapping[str, Split], path: Path | str) -> None:
    """Write a data set as Kaggle's fer2013.csv, with -1 for unlabelled faces; the file appears whole or not at all."""
    words = np.zeros((256, 4), np.uint8)
    for value in range(256):
        word = f"{value} ".encode()
        words[value, : len(word)] = np.frombuffer(word, np.uint8)

    def fill(file: IO[bytes]) -> None:
        file.write(b"emotion,pixels,Usage\r\n")
        for name, split in dataset.items():
            usage = USAGE[SPLITS.index(name)].encode()
            for face, label in zip(split.images, split.labels, strict=True):
                text = words[face.ravel()].ravel()
                file.write(b"%d,%b,%b\r\n" % (label, text[text > 0].tobytes()[:-1], usage))

    _write(Path(path), fill)


def write_submission(path: Path | str, ids: ArrayLike, probabilities: ArrayLike) -> None:
    """Write a Kaggle submission `id,label`: for every id the class of the highest of its probabilities (n, 7)."""
    keys, chances = np.asarray(ids), np.asarray(probabilities, np.float64)
    if chances.shape != (len(keys), len(EMOTIONS)) or not np.isfinite(chances).all():
        raise DataError("The predictions do not fit the faces.", received=f"{chances.shape} for {len(keys)} ids",
                        expected=f"finite probabilities ({len(keys)}, {len(EMOTIONS)})")
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(["id", "label"])
    writer.writerows(zip(keys.tolist(), chances.argmax(axis=1).tolist(), strict=True))
    _write(Path(path), lambda file: file.write(text.getvalue().encode()))


def _write(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    try:
        atomic_io.write(path, fill)
    except OSError as error:
        raise DataError(f"{path} cannot be written.", received=error.strerror) from error


def find(roots: Iterable[str | Path]) -> list[str]:
    """List the data sets that lie in `roots` (or are them), in the order of their names, without reading them."""
    found: list[Path] = []
    for root in map(Path, roots):
        if root.is_dir() and not _holds_splits(root):
            found += sorted(entry for entry in root.iterdir() if not entry.name.startswith(".") and _is_set(entry))
        elif _is_set(root):
            found.append(root)
    return [str(path) for path in found]


def _holds_splits(folder: Path) -> bool:
    return any((folder / name).is_dir() for name in ("train", "test", "training", "validation", *EMOTIONS))


def _is_set(path: Path) -> bool:
    try:
        if path.is_dir():
            return _holds_splits(path) or (path / "meta.json").is_file() or any(map(_is_set, path.glob("*.csv")))
        if path.suffix.lower() == ".zip":
            return zipfile.is_zipfile(path)
        if path.suffix.lower() == ".csv" and not (path.name == "test.csv" and path.with_name("train.csv").is_file()):
            with open(path, "rb") as file:
                return columns(file.readline(4096)) is not None
    except OSError:
        return False
    return False
