"""Whole files or none: every file that lasts is written under a temporary name, flushed to disk and renamed.

What many people change a little at a time lies in SQLite files instead.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np

from fer_core.errors import DataError
from fer_core.runtime import ROOT

WAIT = 20.0
"""Seconds that a writer of a database waits for another one."""


def cache_folder() -> Path:
    """Return the folder of what can be made anew: that of `FER_LENS_CACHE`, else `data/.cache` of the repository."""
    told = os.environ.get("FER_LENS_CACHE")
    return Path(told) if told else ROOT / "data" / ".cache"


def write(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    """Let `fill` write into a new file that then takes the place of `path`; on any failure `path` stays as it was."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut; systems that cannot open a folder (Windows) do without."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content`."""
    write(path, lambda file: file.write(content))


def write_json(path: Path, value: Any) -> None:
    """Replace `path` by `value` as indented JSON, which has no NaN."""
    write_bytes(path, (json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode())


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Replace `path` by a compressed npz of `arrays`; object arrays are refused, so that reading it runs no code."""
    for name, array in arrays.items():
        if np.asarray(array).dtype.hasobject:
            raise TypeError(f"{name} holds Python objects; only plain arrays are stored")
    buffer = BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    write_bytes(path, buffer.getvalue())


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read every array of an npz; nothing in it can run code."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


@contextmanager
def database(path: Path, tables: str, what: str, todo: str) -> Iterator[sqlite3.Connection]:
    """Open a SQLite file, made with its `tables` (SQL) where it is missing; raise `DataError` that names `what` it holds.

    What is written is flushed to disk with each transaction (`with file:`); a writer waits for another one.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=WAIT)) as file:
            file.execute("PRAGMA synchronous = FULL")
            file.execute(tables)
            yield file
    except (sqlite3.Error, OSError) as error:
        raise DataError(f"The {what} in {path} cannot be read or written.", received=error,
                        expected="a file that FER Lens wrote, in a folder that can be written", todo=todo) from None
