"""Labels and probabilities in, numbers out: scores with 95% intervals, the confusion matrix with its faces, paired tests.

Plain numpy: importing scikit-learn takes longer than the first paint of a page may; the tests hold every score against it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fer_core.emotions import EMOTIONS
from fer_core.errors import FerError
from fer_core.metrics.mcnemar import McNemar, mcnemar
from fer_core.metrics.scores import (
    CLASSES,
    Interval,
    accuracy_interval,
    check,
    entropy,
    loss,
    margin,
    own,
    wilson,
)

__all__ = ["BINS", "CLASSES", "Bin", "ClassScore", "Evaluation", "Interval", "McNemar", "Pair", "accuracy_interval", "check", "entropy",
           "evaluate", "from_matrix", "loss", "margin", "mcnemar", "wilson"]

BINS = 15
"""Equally wide bins of confidence behind the calibration error. Source: Guo et al. 2017, On Calibration of Modern Neural Networks."""


@dataclass(frozen=True)
class ClassScore:
    """One class; a share of nothing (never predicted, no example) is NaN with the interval (0, 1)."""

    name: str
    precision: float
    precision_interval: Interval
    recall: float
    recall_interval: Interval
    f1: float
    support: int  # faces of this class
    predicted: int  # faces called so


@dataclass(frozen=True)
class Bin:
    """Faces whose highest probability lies in (low, high]; means are NaN in an empty bin."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float
    interval: Interval


@dataclass(frozen=True)
class Pair:
    """A cell off the diagonal. `growth` is count divided by what chance expects:

    the errors of the true class spread over the other classes as often as those are named in error.
    """

    true: int
    predicted: int
    count: int
    of_class: float  # share of the true class
    interval: Interval  # of that share
    of_errors: float  # share of all errors
    growth: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All scores of one split: shares 0 to 1, `nll` in nats, `brier` 0 to 2; from a matrix alone, what needs probabilities is NaN."""

    n: int
    unlabelled: int  # faces left out because they have no label
    accuracy: float
    interval: Interval
    balanced_accuracy: float  # mean recall of the classes that have faces
    macro_f1: float  # mean over the classes that have faces or were predicted
    matrix: np.ndarray  # int64 (7, 7), rows true
    per_class: tuple[ClassScore, ...]
    nll: float = math.nan
    ece: float = math.nan
    brier: float = math.nan
    bins: tuple[Bin, ...] = ()
    without_copies: Evaluation | None = None
    copies: int = 0  # faces that `without_copies` leaves out, exact and near copies
    near: int | None = None  # how many of those are near copies; None: none were looked for
    ranks: np.ndarray | None = None  # int64 (7,): faces whose label has the highest, second ... probability
    _faces: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64), repr=False)  # sorted by cell, then by index
    _loss: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32), repr=False)  # in the order of `_faces`

    @property
    def errors(self) -> int:
        """Count the faces that were called something else than their label."""
        return self.n - int(np.trace(self.matrix))

    @property
    def exact(self) -> int:
        """Count the exact copies among the faces that `without_copies` leaves out."""
        return self.copies - (self.near or 0)

    @property
    def top2(self) -> float:
        """Share of faces whose label is among the two highest probabilities."""
        return self.top_k(2)

    @property
    def top3(self) -> float:
        """Share of faces whose label is among the three highest probabilities."""
        return self.top_k(3)

    def top_k(self, k: int) -> float:
        """Share of faces whose label is among the k highest probabilities."""
        return math.nan if self.ranks is None else int(self.ranks[:k].sum()) / self.n

    def top_k_interval(self, k: int) -> Interval:
        """Bound `top_k` with 95% confidence."""
        return (math.nan, math.nan) if self.ranks is None else wilson(int(self.ranks[:k].sum()), self.n)

    def cell(self, true: int | None, predicted: int | None) -> np.ndarray:
        """Return the ascending indices of the faces in a cell, a row (predicted `None`), a column (true `None`) or all."""
        self._needs_faces()
        where = [self._span(t, p) for t in _wanted(true) for p in _wanted(predicted)]
        if len(where) == 1:
            return self._faces[where[0]].copy()
        return np.sort(np.concatenate([self._faces[span] for span in where]))

    def hardest(self, k: int = 100) -> np.ndarray:
        """Return the indices of the k faces with the highest loss, worst first."""
        self._needs_faces()
        k = min(k, self.n)
        worst = np.argpartition(-self._loss, k - 1)[:k] if k > 0 else np.empty(0, np.int64)
        return self._faces[worst[np.lexsort((self._faces[worst], -self._loss[worst]))]]

    def most_confused(self, k: int | None = None) -> list[Pair]:
        """List the cells off the diagonal by count, largest first; empty cells are left out."""
        wrong = self.matrix * (1 - np.eye(CLASSES, dtype=np.int64))
        named = wrong.sum(0)
        pairs = []
        for true, predicted in np.argwhere(wrong).tolist():
            count, support = int(wrong[true, predicted]), int(self.matrix[true].sum())
            expected = wrong[true].sum() * named[predicted] / (named.sum() - named[true])
            interval, growth = wilson(count, support), float(count / expected)
            pairs.append(Pair(true, predicted, count, count / support, interval, count / self.errors, growth))
        return sorted(pairs, key=lambda pair: -pair.count)[:k]

    def to_json(self) -> dict[str, Any]:
        """Return everything but the faces as plain numbers, lists and dictionaries; NaN becomes `None`."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__ if not name.startswith("_")}
        values["exact"] = self.exact
        if self.ranks is not None:
            for k in (2, 3):
                values |= {f"top{k}": self.top_k(k), f"top{k}_interval": self.top_k_interval(k)}
        result = _plain(values)
        assert isinstance(result, dict)
        return result

    def _needs_faces(self) -> None:
        if len(self._faces) != self.n:
            raise FerError("This evaluation was made from a matrix: it knows no single faces.", todo="evaluate labels and probabilities")

    def _span(self, true: int, predicted: int) -> slice:
        ends = np.cumsum(self.matrix.ravel())
        cell = true * CLASSES + predicted
        return slice(int(ends[cell] - self.matrix[true, predicted]), int(ends[cell]))


def evaluate(labels: np.ndarray, probabilities: np.ndarray, *, leaked: np.ndarray | None = None,
             near: np.ndarray | None = None) -> Evaluation:
    """Score probabilities (n, 7) against labels int (n,); a label of -1 (none) is left out and counted.

    leaked: bool (n,), the faces whose very pixels stand in the training split; `without_copies` then leaves them out.
    near: bool (n,), the faces of which an altered copy stands there; left out as well, and counted apart. Needs `leaked`.
    Raises FerError for shapes that differ, NaN, values outside 0..1, rows that do not sum to 1, labels out of range.
    """
    labels, probabilities = check(labels, probabilities)
    known = labels >= 0
    if not known.any():
        raise FerError("No face of this split has a label, so nothing can be scored.", received=f"{len(labels)} faces without a label")
    whole = _score(labels, probabilities, known)
    if leaked is None:
        return whole
    exact = _mask(leaked, labels)
    altered = np.zeros_like(exact) if near is None else _mask(near, labels) & ~exact
    fresh = known & ~exact & ~altered
    return replace(
        whole,
        copies=int((known & ~fresh).sum()),
        near=None if near is None else int((known & altered).sum()),
        without_copies=_score(labels, probabilities, fresh) if fresh.any() else None,
    )


def _mask(copies: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Check a mask of copies against the labels (n,)."""
    copies = np.asarray(copies)
    if copies.shape != labels.shape or copies.dtype != np.bool_:
        raise FerError("The mask of copies does not fit the labels.", received=f"{copies.dtype} {copies.shape}",
                       expected=f"bool {labels.shape}")
    return copies


def from_matrix(matrix: np.ndarray) -> Evaluation:
    """Score a confusion matrix (7, 7) of counts, rows true; what needs probabilities stays NaN."""
    matrix = np.asarray(matrix)
    if matrix.shape != (CLASSES, CLASSES) or not np.all(np.isfinite(matrix)) or np.any(matrix < 0) or np.any(matrix != np.floor(matrix)):
        raise FerError("This is no confusion matrix.", received=f"{matrix.dtype} {matrix.shape}", expected=f"counts ({CLASSES}, {CLASSES})")
    matrix = matrix.astype(np.int64)
    n, right = int(matrix.sum()), int(np.trace(matrix))
    if n == 0:
        raise FerError("This confusion matrix is empty.", expected="at least one face")
    scores = tuple(_class_score(matrix, index) for index in range(CLASSES))
    recalls = [score.recall for score in scores if score.support]
    f1 = [score.f1 for score in scores if score.support + score.predicted]
    return Evaluation(n, 0, right / n, wilson(right, n), float(np.mean(recalls)), float(np.mean(f1)), matrix, scores)


def _score(labels: np.ndarray, probabilities: np.ndarray, keep: np.ndarray) -> Evaluation:
    faces = np.flatnonzero(keep)
    y, p = labels[faces], probabilities[faces]
    predicted = p.argmax(1)
    cells = (y * CLASSES + predicted).astype(np.uint8)  # small integers are sorted by radix
    order = np.argsort(cells, kind="stable")
    matrix = np.bincount(cells, minlength=CLASSES**2).reshape(CLASSES, CLASSES)
    truth, losses, bins = own(y, p), loss(y, p), _bins(p.max(1), predicted == y)
    before = (p > truth[:, None]).sum(1) + ((p == truth[:, None]) & (np.arange(CLASSES) < y[:, None])).sum(1)
    return replace(
        from_matrix(matrix),
        unlabelled=int((labels < 0).sum()),
        nll=float(losses.mean(dtype=np.float64)),
        brier=float(np.mean(np.square(p).sum(1, dtype=np.float64) - 2.0 * truth + 1.0)),
        ece=sum(b.n * abs(b.confidence - b.accuracy) for b in bins if b.n) / len(y),
        bins=bins,
        ranks=np.bincount(before, minlength=CLASSES),
        _faces=faces[order],
        _loss=losses[order],
    )


def _class_score(matrix: np.ndarray, index: int) -> ClassScore:
    right, support, predicted = int(matrix[index, index]), int(matrix[index].sum()), int(matrix[:, index].sum())
    return ClassScore(EMOTIONS[index], _share(right, predicted), wilson(right, predicted), _share(right, support), wilson(right, support),
                      _share(2 * right, support + predicted), support, predicted)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _bins(confidence: np.ndarray, right: np.ndarray) -> tuple[Bin, ...]:
    places = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    n = np.bincount(places, minlength=BINS)
    sums, hits = (np.bincount(places, weights=values, minlength=BINS) for values in (confidence, right))
    return tuple(Bin(i / BINS, (i + 1) / BINS, int(n[i]), float(sums[i] / n[i]) if n[i] else math.nan,
                     float(hits[i] / n[i]) if n[i] else math.nan, wilson(int(hits[i]), int(n[i]))) for i in range(BINS))


def _wanted(index: int | None) -> range:
    if index is None:
        return range(CLASSES)
    if not 0 <= index < CLASSES:
        raise FerError("There is no such class.", received=index, expected=f"0 to {CLASSES - 1}")
    return range(index, index + 1)


def _plain(value: Any) -> Any:
    if isinstance(value, Evaluation):
        return value.to_json()
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value
