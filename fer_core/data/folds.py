"""Folds of the train split: every class alike in each, and the copies of a face never on both sides."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from fer_core.data.splits import Split
from fer_core.errors import DataError

STREAM = 2
"""Keeps these draws apart from others of the same seed."""


def assign(faces: Split, folds: int, seed: int, groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the fold of each face, int64 (n,) from 1 to `folds`; faces of one group stand in one fold.

    `groups` (n,) numbers what belongs together. Groups of several faces are placed one by one, the largest
    first, where their classes are most wanted; single faces then fill up each class, so that a class's folds differ by one face where
    groups allow it.

    *Source:* the task of scikit-learn's `StratifiedGroupKFold`, which the tests hold it against.
    """
    _, group_of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    _, classes = np.unique(faces.labels, return_inverse=True)
    kinds = int(classes.max(initial=-1)) + 1
    random = np.random.default_rng([seed, folds, STREAM])
    result = np.zeros(len(faces), np.int64)
    counts = np.zeros((folds, kinds))
    wanted = np.bincount(classes, minlength=kinds) / folds
    large = np.flatnonzero(sizes > 1)
    large = random.permutation(large)
    large = large[np.argsort(-sizes[large], kind="stable")]
    members = _members(group_of, large)
    for rows in members:
        own = np.bincount(classes[rows], minlength=kinds)
        overfull = (np.maximum(counts + own - wanted, 0) / np.maximum(wanted, 1)).sum(1)
        filled = ((counts + own) / np.maximum(wanted, 1))[:, own > 0].sum(1)
        chosen = int(np.lexsort((filled, overfull))[0])
        counts[chosen] += own
        result[rows] = chosen + 1
    for kind in range(kinds):
        rows = random.permutation(np.flatnonzero((result == 0) & (classes == kind)))
        result[rows] = _fill(counts[:, kind], len(rows)) + 1
    return result


def person_groups(faces: Split, pattern: str) -> NDArray[np.int64]:
    """Number the persons that a regular expression finds in the ids of the faces, int64 (n,); a face without a match stands alone."""
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise DataError("This is no regular expression.", received=pattern, expected=str(error), todo="such as '^(subject\\d+)_'") from None
    names: list[str | None] = []
    for name in map(str, faces.ids.tolist()):
        match = expression.search(name)
        names.append(None if match is None else (match.group(1) if expression.groups else match.group(0)))
    if not any(name is not None for name in names):
        examples = ", ".join(map(str, faces.ids[:3].tolist()))
        raise DataError("No face's name fits this pattern.", received=pattern, expected=f"names such as {examples}")
    numbers: dict[str, int] = {}
    alone = len(names)
    groups = [alone + place if name is None else numbers.setdefault(name, len(numbers)) for place, name in enumerate(names)]
    return np.array(groups, np.int64)


def merge_groups(*groupings: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join groupings of the same faces, each int64 (n,): faces that any of them puts together, through others too, get one number."""
    parent = list(range(len(groupings[0])))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for groups in groupings:
        first: dict[int, int] = {}
        for place, group in enumerate(groups.tolist()):
            parent[root(place)] = root(first.setdefault(group, place))
    return np.array([root(place) for place in range(len(parent))], np.int64)


def _members(group_of: NDArray[np.int64], chosen: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    order = np.argsort(group_of, kind="stable")
    starts = np.searchsorted(group_of[order], chosen, "left")
    ends = np.searchsorted(group_of[order], chosen, "right")
    return [order[start:end] for start, end in zip(starts, ends, strict=True)]


def _fill(counts: NDArray[np.float64], number: int) -> NDArray[np.int64]:
    """Return the folds, from 0, of `number` single faces of a class that the folds hold `counts` of: the emptiest gets the next."""
    level = counts.astype(np.int64)
    chosen = np.empty(number, np.int64)
    for place in range(number):
        emptiest = int(level.argmin())
        chosen[place] = emptiest
        level[emptiest] += 1
    return chosen
