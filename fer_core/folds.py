"""Folds of the train split: every class alike in each, and the copies of a face never on both sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_core.splits import Split, face_hashes

STREAM = 2
"""Keeps these draws apart from others of the same seed."""


def assign(faces: Split, folds: int, seed: int, groups: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Return the fold of each face, int64 (n,) from 1 to `folds`; faces of one group stand in one fold.

    `groups` (n,) numbers what belongs together; exact copies if omitted. Groups of several faces are placed one by one, the largest
    first, where their classes are most wanted; single faces then fill up each class, so that a class's folds differ by one face where
    groups allow it.

    *Source:* the task of scikit-learn's `StratifiedGroupKFold`, which the tests hold it against.
    """
    together = copy_groups(faces) if groups is None else groups
    _, group_of, sizes = np.unique(together, return_inverse=True, return_counts=True)
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


def copy_groups(faces: Split) -> NDArray[np.int64]:
    """Number the exact copies of each face, int64 (n,): faces with the same pixels have the same number."""
    _, groups = np.unique(np.array(face_hashes(faces.images), np.str_), return_inverse=True)
    return groups.astype(np.int64)


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
