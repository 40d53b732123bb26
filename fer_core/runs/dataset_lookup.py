"""Where the faces of a run are: where it says, or under any name in the folder of data sets."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from fer_core import data
from fer_core.data.dataset import Dataset
from fer_core.errors import DataError
from fer_core.runs.store import Run


def folder() -> Path:
    """Folder where data sets are looked for: `data`, or what FER_LENS_DATA says."""
    return Path(os.environ.get("FER_LENS_DATA", "data"))


def places(run: Run, *asked: str) -> list[str]:
    """List where the faces of a run may be: where it says, where one `asked` to look, in the folder under its name or any other."""
    name = Path(str(run.facts.get("data", {}).get("name") or run.config.data)).name
    there = sorted(data.find([folder()]), key=lambda source: Path(source).name != name)
    return list(dict.fromkeys([run.config.data, *asked, *there]))


def find(run: Run, *asked: str, read: Callable[[str], Dataset] = data.read) -> tuple[str, Dataset] | None:
    """Find the data set that a run was trained on, or else another edition of it; `None` where neither is at hand."""
    wanted, edition = run.facts.get("data", {}).get("fingerprint"), None
    for source in places(run, *asked):
        try:
            dataset = read(source)
        except DataError:
            continue
        if dataset.fingerprint == wanted:
            return source, dataset
        if edition is None and run.knows(dataset):
            edition = source, dataset
    return edition
