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

CLASSES = len(EMOTIONS)
BINS = 15
"""Equally wide bins of confidence behind the calibration error. Source: Guo et al. 2017, On Calibration of Modern Neural Networks."""

Z95 = 1.959963984540054
"""The normal distribution's 97.5% point."""

Interval = tuple[float, float]


def wilson(successes: int, n: int) -> Interval:
    """Bound a share with 95% confidence; (0, 1) when nothing was counted. Source: Wilson 1927."""
    if not 0 <= successes <= n:
        raise FerError("A share cannot be bounded.", received=f"{successes} of {n}", expected="successes between 0 and n")
    if n == 0:
        return 0.0, 1.0
    share, z2 = successes / n, Z95 * Z95
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return (0.0 if successes == 0 else max(0.0, centre - half)), (1.0 if successes == n else min(1.0, centre + half))


def accuracy_interval(accuracy: float, n: int) -> Interval:
    """Bound an accuracy (0 to 1) that was measured on n faces."""
    if not 0 <= accuracy <= 1:
        raise FerError("An accuracy cannot be bounded.", received=accuracy, expected="a number from 0 to 1")
    return wilson(round(accuracy * n), n)


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
    """All scores of one split; shares are 0 to 1, `nll` is in nats, `brier` 0 to 2. From a matrix alone, what needs probabilities is NaN."""

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
    copies: int = 0  # faces that `without_copies` leaves out
    ranks: np.ndarray | None = None  # int64 (7,): faces whose label has the highest, second ... probability
    _faces: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64), repr=False)  # sorted by cell, then by index
    _loss: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32), repr=False)  # in the order of `_faces`

    @property
    def errors(self) -> int:
        """Count the faces that were called something else than their label."""
        return self.n - int(np.trace(self.matrix))

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
            pairs.append(Pair(true, predicted, count, count / support, wilson(count, support), count / self.errors, float(count / expected)))
        return sorted(pairs, key=lambda pair: -pair.count)[:k]

    def to_json(self) -> dict[str, Any]:
        """Return everything but the faces as plain numbers, lists and dictionaries; NaN becomes `None`."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__ if not name.startswith("_")}
        if self.ranks is not None:
            values |= {"top2": self.top2, "top2_interval": self.top_k_interval(2), "top3": self.top3, "top3_interval": self.top_k_interval(3)}
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


def evaluate(labels: np.ndarray, probabilities: np.ndarray, *, leaked: np.ndarray | None = None) -> Evaluation:
    """Score probabilities (n, 7) against labels int (n,); a label of -1 (none) is left out and counted.

    leaked: bool (n,), the faces whose very pixels stand in the training split; `without_copies` then leaves them out.
    Raises FerError for shapes that differ, NaN, values outside 0..1, rows that do not sum to 1, labels out of range.
    """
    labels, probabilities = check(labels, probabilities)
    known = labels >= 0
    if not known.any():
        raise FerError("No face of this split has a label, so nothing can be scored.", received=f"{len(labels)} faces without a label")
    whole = _score(labels, probabilities, known)
    if leaked is None:
        return whole
    leaked = np.asarray(leaked)
    if leaked.shape != labels.shape or leaked.dtype != np.bool_:
        raise FerError("The mask of copies does not fit the labels.", received=f"{leaked.dtype} {leaked.shape}", expected=f"bool {labels.shape}")
    fresh = known & ~leaked
    copies = int((known & leaked).sum())
    return replace(whole, copies=copies, without_copies=_score(labels, probabilities, fresh) if fresh.any() else None)


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


def check(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return labels as int64 (n,) and probabilities as floats (n, 7), or raise FerError that says what does not fit."""
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    if labels.ndim != 1 or probabilities.shape != (len(labels), CLASSES):
        raise FerError("Labels and probabilities do not fit together.", received=f"labels {labels.shape}, probabilities {probabilities.shape}",
                       expected=f"(n,) and (n, {CLASSES})")
    if not (np.issubdtype(labels.dtype, np.integer) or labels.size == 0) or np.any((labels < -1) | (labels >= CLASSES)):
        received = f"{labels.dtype}" + (f" from {labels.min()} to {labels.max()}" if labels.dtype.kind in "iuf" and labels.size else "")
        raise FerError("A label is out of range.", received=received, expected=f"whole numbers from 0 to {CLASSES - 1}, or -1 for no label")
    if not np.issubdtype(probabilities.dtype, np.floating):
        raise FerError("The probabilities are no floating-point numbers.", received=probabilities.dtype, expected="float32 or float64")
    bad = np.flatnonzero(~np.all((probabilities >= 0) & (probabilities <= 1 + 1e-3), axis=1))  # NaN fails every comparison
    if len(bad):
        raise FerError(f"{len(bad)} rows hold what is no probability.", received=f"row {bad[0]}: {probabilities[bad[0]].tolist()}",
                       expected="numbers from 0 to 1", todo="look whether the training's loss became NaN")
    bad = np.flatnonzero(np.abs(probabilities.sum(1, dtype=np.float64) - 1) > 1e-3)
    if len(bad):
        raise FerError(f"{len(bad)} rows of probabilities do not sum to 1.", received=f"row {bad[0]} sums to {float(probabilities[bad[0]].sum()):.4g}",
                       todo="pass probabilities, not logits")
    return labels.astype(np.int64), probabilities


def loss(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Give each face's negative log-likelihood in nats, clipped at the precision of the numbers; NaN without a label."""
    own = _own(labels, probabilities)
    return np.where(labels < 0, np.nan, -np.log(np.clip(own, np.finfo(own.dtype).eps, 1)))


def margin(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Give p(label) minus the highest other probability, -1 to 1: below zero is an error; NaN without a label."""
    others = probabilities.copy()
    others[np.arange(len(labels)), np.maximum(labels, 0)] = -np.inf
    return np.where(labels < 0, np.nan, _own(labels, probabilities) - others.max(1))


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Give each face's entropy in nats: 0 is sure, log 7 = 1.95 knows nothing."""
    entropies: np.ndarray = -np.sum(probabilities * np.log(np.where(probabilities > 0, probabilities, 1)), axis=1)
    return entropies


@dataclass(frozen=True, eq=False)
class McNemar:
    """Two classifiers on the same labelled faces; the index arrays are ascending. `p` is two-sided."""

    n: int
    both_right: np.ndarray
    fixes: np.ndarray  # b right, a wrong
    breaks: np.ndarray  # a right, b wrong
    both_wrong: np.ndarray
    p: float
    exact: bool  # by the binomial distribution, else by chi square with continuity correction

    @property
    def difference(self) -> float:
        """Accuracy of b minus accuracy of a."""
        return (len(self.fixes) - len(self.breaks)) / self.n

    @property
    def sentence(self) -> str:
        """The outcome in words."""
        fixes, breaks = len(self.fixes), len(self.breaks)
        chance = "under 0.0001" if self.p < 1e-4 else f"{self.p:.2g}"
        verdict = "more than chance explains" if self.p < 0.05 else "no more than chance may explain"
        return f"B fixes {fixes:,} errors of A and breaks {breaks:,} that A had right: {verdict} (McNemar, p {chance}, {self.n:,} faces)."


def mcnemar(labels: np.ndarray, a: np.ndarray, b: np.ndarray) -> McNemar:
    """Test whether a and b, probabilities (n, 7) or predicted classes (n,), err equally often; exact up to 1,000 disagreements.

    Source: McNemar 1947; Edwards 1948 for the correction.
    """
    labels = np.asarray(labels)
    first, second = (np.asarray(x).argmax(1) if np.ndim(x) == 2 else np.asarray(x) for x in (a, b))
    if not labels.shape == first.shape == second.shape:
        raise FerError("Two runs can be compared on the same faces only.", received=f"{labels.shape}, {first.shape} and {second.shape}")
    known = labels >= 0
    if not known.any():
        raise FerError("No face has a label, so two runs cannot be compared.")
    right_a, right_b = first == labels, second == labels
    both_right, fixes, breaks, both_wrong = (
        np.flatnonzero(known & mask) for mask in (right_a & right_b, ~right_a & right_b, right_a & ~right_b, ~right_a & ~right_b))
    exact = len(fixes) + len(breaks) <= 1000
    return McNemar(int(known.sum()), both_right, fixes, breaks, both_wrong, _mcnemar_p(len(fixes), len(breaks), exact), exact)


def _mcnemar_p(gained: int, lost: int, exact: bool) -> float:
    total = gained + lost
    if exact:
        tail = sum(math.comb(total, i) for i in range(min(gained, lost) + 1))
        return min(1.0, float(2 * tail / 2**total))
    statistic = max(0, abs(gained - lost) - 1) ** 2 / total
    return math.erfc(math.sqrt(statistic / 2))


def _score(labels: np.ndarray, probabilities: np.ndarray, keep: np.ndarray) -> Evaluation:
    faces = np.flatnonzero(keep)
    y, p = labels[faces], probabilities[faces]
    predicted = p.argmax(1)
    cells = (y * CLASSES + predicted).astype(np.uint8)  # small integers are sorted by radix
    order = np.argsort(cells, kind="stable")
    matrix = np.bincount(cells, minlength=CLASSES**2).reshape(CLASSES, CLASSES)
    own, losses, bins = _own(y, p), loss(y, p), _bins(p.max(1), predicted == y)
    before = (p > own[:, None]).sum(1) + ((p == own[:, None]) & (np.arange(CLASSES) < y[:, None])).sum(1)
    return replace(
        from_matrix(matrix),
        unlabelled=int((labels < 0).sum()),
        nll=float(losses.mean(dtype=np.float64)),
        brier=float(np.mean(np.square(p).sum(1, dtype=np.float64) - 2.0 * own + 1.0)),
        ece=sum(b.n * abs(b.confidence - b.accuracy) for b in bins if b.n) / len(y),
        bins=bins,
        ranks=np.bincount(before, minlength=CLASSES),
        _faces=faces[order],
        _loss=losses[order],
    )


def _class_score(matrix: np.ndarray, index: int) -> ClassScore:
    right, support, predicted = int(matrix[index, index]), int(matrix[index].sum()), int(matrix[:, index].sum())
    return ClassScore(EMOTIONS[index], right / predicted if predicted else math.nan, wilson(right, predicted), right / support if support else math.nan,
                      wilson(right, support), 2 * right / (support + predicted) if support + predicted else math.nan, support, predicted)


def _bins(confidence: np.ndarray, right: np.ndarray) -> tuple[Bin, ...]:
    places = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    n = np.bincount(places, minlength=BINS)
    sums, hits = (np.bincount(places, weights=values, minlength=BINS) for values in (confidence, right))
    return tuple(Bin(i / BINS, (i + 1) / BINS, int(n[i]), float(sums[i] / n[i]) if n[i] else math.nan,
                     float(hits[i] / n[i]) if n[i] else math.nan, wilson(int(hits[i]), int(n[i]))) for i in range(BINS))


def _own(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    own: np.ndarray = probabilities[np.arange(len(labels)), np.maximum(labels, 0)]
    return own


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
