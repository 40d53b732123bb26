"""What a run learns from: which faces of the train split, what each counts, and what a teacher says of it.

All that comes from outside the data set is copied into the run folder when the run begins, so that a resume needs no other file.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core import atomic_io
from fer_core.config import RunConfig
from fer_core.data import near_copies
from fer_core.data.folds import assign, merge_groups, person_groups
from fer_core.data.splits import Dataset, Split, copies, face_hashes
from fer_core.errors import DataError, RunError
from fer_core.messages import Sentence
from fer_core.runs.store import Run

INPUTS = "inputs.npz"
WEIGHT_COLUMNS = ("hash", "weight", "reason")
LARGEST_WEIGHT = 100.0


@dataclass(frozen=True)
class TrainingSet:
    """The faces that are learned from, one row each, in the order of the train split."""

    images: NDArray[np.uint8]
    """(n, 48, 48)"""
    labels: NDArray[np.int64]
    """(n,)"""
    rows: NDArray[np.int64]
    """(n,): places in the train split."""
    weights: NDArray[np.float32] | None = None
    """(n,), above 0: what each counts in the loss; `None` where all count 1."""
    teacher: NDArray[np.float32] | None = None
    """(n, classes): soft labels at the config's temperature."""

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def of(cls, faces: Split) -> TrainingSet:
        """Take every face of a split."""
        return cls(faces.images, faces.labels, np.arange(len(faces)))


@dataclass(frozen=True)
class Inputs:
    """What a run brings to the train split, each array in its order; `None` where nothing was asked for."""

    weights: NDArray[np.float32] | None = None
    """(n,), 0 = left out."""
    teacher: NDArray[np.float32] | None = None
    """(n, classes) probabilities, as the teacher gave them."""
    folds: NDArray[np.int64] | None = None
    """(n,): the fold of each face, from 1."""
    reasons: NDArray[np.str_] | None = None
    """(n,): why a face has another weight than 1; empty where it has not."""

    @property
    def digest(self) -> str:
        """Return the hex SHA-256 of all of it; empty where there is nothing."""
        arrays = self._arrays()
        if not arrays:
            return ""
        digest = hashlib.sha256()
        for name, array in sorted(arrays.items()):
            digest.update(f"{name}:{array.dtype.str}:{array.shape};".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def facts(self) -> dict[str, Any]:
        """Return what a run's facts.json and its card tell of it."""
        facts: dict[str, Any] = {"digest": self.digest}
        if self.weights is not None and self.reasons is not None:
            left_out = Counter(self.reasons[self.weights == 0].tolist())
            weighed = Counter(self.reasons[(self.weights != 0) & (self.weights != 1)].tolist())
            facts |= {"left_out": dict(left_out), "weighed": dict(weighed)}
        if self.folds is not None:
            facts["fold_sizes"] = np.bincount(self.folds)[1:].tolist()
        return facts

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {name: array for name, array in vars(self).items() if array is not None}

    def save(self, path: Path) -> None:
        """Write an npz of plain arrays."""
        atomic_io.write_arrays(path, **self._arrays())


def inputs(run: Run, dataset: Dataset) -> Inputs:
    """Return a run's inputs: those it began with, or was given, where they are kept, else gathered as its config says, and kept.

    Raises `RunError` where the kept ones are gone or changed, and `DataError` where they cannot be gathered.
    """
    path = run.path / INPUTS
    known = run.facts.get("inputs", {}).get("digest")
    if known is None and not path.exists():
        gathered = gather(run.config, dataset)
        if gathered.digest:
            gathered.save(path)
        return gathered
    if known == "":
        return Inputs()
    try:
        kept = Inputs(**atomic_io.read_arrays(path))
    except Exception as error:  # a damaged zip raises a dozen kinds of errors
        raise RunError(
            Sentence("{file} cannot be read.", file=f"{run.id}/{INPUTS}"),
            received=type(error).__name__,
            expected="what the run began with",
            todo="restore the file, or duplicate the run",
        ) from None
    if known is not None and kept.digest != known:
        raise RunError(
            Sentence("{file} is not what the run began with.", file=f"{run.id}/{INPUTS}"),
            received=kept.digest[:12],
            expected=known[:12],
            todo="restore the file, or duplicate the run",
        )
    return kept


def gather(config: RunConfig, dataset: Dataset) -> Inputs:
    """Read what the config names: the list of weights, the teacher's answers, the folds."""
    train = dataset["train"]
    weights = reasons = None
    if config.face_weights:
        weights, reasons = read_weights(Path(config.face_weights), train)
    teacher = read_teacher(Path(config.teacher), dataset) if config.teacher else None
    folds = assign(train, config.folds, config.seed, groups(dataset, config.group_by)) if config.folds else None
    return Inputs(weights, teacher, folds, reasons)


def groups(dataset: Dataset, group_by: str) -> NDArray[np.int64]:
    """Number what must stay in one fold, int64 (n,): copies of a face, exact or near, and, with `group_by`, faces of a person.

    `group_by` is a regular expression on the ids of the faces (the names of their files); its first group, or all that it matches,
    names the person. A face that it does not match stands alone. Raises `DataError` where it matches none.
    """
    together = near_copies.groups(dataset)
    if not group_by:
        return together
    return merge_groups(together, person_groups(dataset["train"], group_by))


def training_set(faces: Split, config: RunConfig, given: Inputs) -> TrainingSet:
    """Choose what is learned from: labelled faces of the train split, with a weight above 0, outside of the fold that is left out."""
    usable = faces.labels >= 0
    if given.weights is not None:
        usable &= given.weights > 0
    if given.folds is not None and config.fold:
        usable &= given.folds != config.fold
    rows = np.flatnonzero(usable)
    if len(rows) == 0:
        raise DataError("The data set has no labelled train faces.", received=f"{len(faces):,} faces, none of them to be learned from")
    if config.limit and config.limit < len(rows):
        rows = np.sort(np.random.default_rng(0).permutation(rows)[: config.limit])
    whole = len(rows) == len(faces)
    return TrainingSet(
        faces.images if whole else faces.images[rows],
        faces.labels[rows],
        rows,
        None if given.weights is None else given.weights[rows],
        None if given.teacher is None else soften(given.teacher[rows], config.temperature),
    )


def soften(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return probabilities (n, classes) at a temperature: softmax(log p / T), float32."""
    logarithms = np.log(np.maximum(probabilities.astype(np.float64), 1e-12)) / temperature
    powers = np.exp(logarithms - logarithms.max(1, keepdims=True))
    softened: NDArray[np.float32] = (powers / powers.sum(1, keepdims=True)).astype(np.float32)
    return softened


def read_teacher(folder: Path, dataset: Dataset) -> NDArray[np.float32]:
    """Read what a run says of the train split, float32 (n, classes); of another data set it is refused."""
    teacher = Run(folder)
    found = teacher.predictions("train") if folder.is_dir() else None
    if found is None:
        raise DataError(
            "The teacher has not predicted the train split.",
            received=folder.name,
            expected="the folder of a run with predictions of the train split",
            todo="make one that did not learn from the faces it answers for: python -m fer_core crossfit",
        )
    if found.fingerprint != dataset.fingerprint:
        raise DataError(
            "The teacher's answers are for another data set.", received=found.fingerprint[:12], expected=dataset.fingerprint[:12]
        )
    answers = found.probabilities if found.views is None else found.views
    return answers.astype(np.float32)


def read_weights(path: Path, train: Split) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Read what faces count from a CSV of hash, weight and reason; give weights float32 (n,) and reasons (n,) of the train split.

    A hash is that of `face_hashes`; every face with these pixels gets the weight. Faces that the list does not name count 1.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            listed = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(Sentence("{name} cannot be read.", name=path.name), received=error) from None
    table: dict[str, tuple[float, str]] = {}
    for number, row in enumerate(listed, start=2):
        try:
            weight = float(row["weight"])
            table[row["hash"].strip().lower()] = (weight, (row.get("reason") or "listed").strip())
        except (KeyError, TypeError, ValueError, AttributeError):
            weight = -1.0
        if not 0 <= weight <= LARGEST_WEIGHT:
            raise DataError(
                Sentence("Line {number} of {name} is no weight of a face.", number=number, name=path.name),
                received={name: row.get(name) for name in WEIGHT_COLUMNS},
                expected=f"{', '.join(WEIGHT_COLUMNS)}; weights from 0 to {LARGEST_WEIGHT:g}",
            )
    hashes = face_hashes(train.images)
    found = [table.get(key, (1.0, "")) for key in hashes]
    if table and not any(key in table for key in hashes):
        raise DataError(
            Sentence("{name} names no face of this data set.", name=path.name),
            received=f"{len(table):,} hashes",
            todo="write the list from this data set: python -m fer_core data weights",
        )
    weights, reasons = zip(*found, strict=True) if found else ((), ())
    return np.array(weights, np.float32), np.array(reasons, np.str_)


def suspects(dataset: Dataset) -> list[tuple[str, float, str]]:
    """List faces of the train split that teach nothing true, as (hash, weight 0, reason): blank ones, and copies with different labels."""
    train = dataset["train"]
    hashes = face_hashes(train.images)
    found = copies({"train": train})
    reasons = {hashes[index]: "blank" for index in found.blank["train"]}
    for group in found.conflicts:
        reasons.setdefault(hashes[group[0][1]], "copies with different labels")
    return [(key, 0.0, reason) for key, reason in reasons.items()]


def write_weights(path: Path, rows: list[tuple[str, float, str]]) -> None:
    """Write a list that `read_weights` reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(WEIGHT_COLUMNS)
    writer.writerows(rows)
    atomic_io.write_bytes(path, text.getvalue().encode())

