"""Bounded caches by name: what is kept is found again by a path or run id and the stamp of its files, never by an object."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from fer_core.emotions import EMOTIONS, SIDE
from fer_core.runs.store import Run, RunStore
from ui.text.language import say

if TYPE_CHECKING:  # read when first needed: the first paint does not wait for it
    from fer_core import data
    from fer_core.data.near_copies import NearCopies

Stamp = tuple[tuple[str, int, int], ...]


class Waiting(str):
    """What stands beside the spinner of a cache: told to the decorator once, said in the language of whoever waits."""

    def __str__(self) -> str:
        return say(self[:])


def stamp(path: str | Path) -> Stamp:
    """Name a file or folder by times and sizes, two levels deep; an absent one has an empty stamp."""
    root = Path(path)
    if not root.exists():
        return ()
    found = [root]
    if root.is_dir():
        found += sorted(root.glob("*"))[:200] + sorted(root.glob("*/*/"))[:200]
    marks = []
    for item in found:
        try:
            facts = item.stat()
        except OSError:  # it went away meanwhile: the next look sees another stamp
            continue
        marks.append((item.name, facts.st_mtime_ns, facts.st_size))
    return tuple(marks)


def data_root() -> Path:
    """Folder where data sets are looked for."""
    from fer_core.runs import dataset_lookup as sources

    return sources.folder()


def store() -> RunStore:
    """Run folders of this project."""
    return RunStore(os.environ.get("FER_LENS_RUNS", "checkpoints"))


def runs(*, archived: bool = False) -> list[Run]:
    """List the runs as they are on disk now; cheap, and never kept."""
    return store().all(archived=archived)


def sources() -> list[str]:
    """List the data sets that can be opened: the demo faces, then what lies in data/."""
    from fer_core import data

    return ["demo", *(name for name in data.find([data_root()]) if name != "demo")]


def default_source(found: list[str]) -> str:
    """Choose what is shown first: what a person put into data/, else the demo faces."""
    return found[1] if len(found) > 1 else found[0]


def dataset(source: str) -> data.Dataset:
    """Read a data set once; a changed file is read again. Errors: `DataError` in words."""
    return _dataset(*_named(source))


def copies(source: str) -> data.Copies:
    """Find the copies of a data set once."""
    return _copies(*_named(source))


def near_copies(source: str) -> NearCopies:
    """Find the near copies of a data set once; what is found outlives the app."""
    return _near_copies(*_named(source))


def mean_faces(source: str, split: str) -> np.ndarray:
    """Average the faces of each class: uint8 (7, 48, 48); a class without faces is mid grey."""
    return _mean_faces(*_named(source), split)


def _named(source: str) -> tuple[str, Stamp]:
    """Name a data set once, however its path is written, with the stamp of its files."""
    if source.split(":")[0] == "demo":
        return source, ()
    path = Path(source).expanduser().resolve()
    return str(path), stamp(path)


@st.cache_resource(max_entries=3, show_spinner=Waiting("Reading the faces ..."))
def _dataset(source: str, mark: Stamp) -> data.Dataset:
    from fer_core import data

    return data.read(source)


@st.cache_resource(max_entries=3, show_spinner=Waiting("Looking for copies ..."))
def _copies(source: str, mark: Stamp) -> data.Copies:
    from fer_core import data

    return data.copies(_dataset(source, mark))


@st.cache_resource(max_entries=3, show_spinner=Waiting("Looking for near copies: up to a minute the first time ..."))
def _near_copies(source: str, mark: Stamp) -> NearCopies:
    from fer_core.data import near_copies

    return near_copies.find(_dataset(source, mark))


@st.cache_data(max_entries=20, show_spinner=Waiting("Averaging faces ..."))
def _mean_faces(source: str, mark: Stamp, split: str) -> np.ndarray:
    faces = _dataset(source, mark)[split]
    means = np.full((len(EMOTIONS), SIDE, SIDE), 128, np.uint8)
    for number in range(len(EMOTIONS)):
        chosen = faces.images[faces.labels == number]
        if len(chosen):
            means[number] = np.rint(chosen.mean(axis=0, dtype=np.float64))
    return means


