"""Measures of single faces and shares: the interval of a share, and loss, margin and entropy of a face."""

from __future__ import annotations

import math

import numpy as np

from fer_core.emotions import EMOTIONS
from fer_core.errors import FerError

CLASSES = len(EMOTIONS)

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


def check(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return labels as int64 (n,) and probabilities as floats (n, 7), or raise FerError that says what does not fit."""
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    if labels.ndim != 1 or probabilities.shape != (len(labels), CLASSES):
        raise FerError("Labels and probabilities do not fit together.", expected=f"(n,) and (n, {CLASSES})",
                       received=f"labels {labels.shape}, probabilities {probabilities.shape}")
    if not (np.issubdtype(labels.dtype, np.integer) or labels.size == 0) or np.any((labels < -1) | (labels >= CLASSES)):
        received = f"{labels.dtype}" + (f" from {labels.min()} to {labels.max()}" if labels.dtype.kind in "iuf" and labels.size else "")
        raise FerError("A label is out of range.", received=received, expected=f"whole numbers from 0 to {CLASSES - 1}, or -1 for no label")
    if not np.issubdtype(probabilities.dtype, np.floating):
        raise FerError("The probabilities are no floating-point numbers.", received=probabilities.dtype, expected="float32 or float64")
    bad = np.flatnonzero(~np.all((probabilities >= 0) & (probabilities <= 1 + 1e-3), axis=1))  # NaN fails every comparison
    if len(bad):
        raise FerError(f"{len(bad)} rows hold what is no probability.", received=f"row {bad[0]}: {probabilities[bad[0]].tolist()}",
                       expected="numbers from 0 to 1", todo="look whether the training's loss became NaN")
    sums = probabilities.sum(1, dtype=np.float64)
    bad = np.flatnonzero(np.abs(sums - 1) > 1e-3)
    if len(bad):
        raise FerError(f"{len(bad)} rows of probabilities do not sum to 1.", received=f"row {bad[0]} sums to {sums[bad[0]]:.4g}",
                       todo="pass probabilities, not logits")
    return labels.astype(np.int64), probabilities


def loss(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Give each face's negative log-likelihood in nats, clipped at the precision of the numbers; NaN without a label."""
    values = own(labels, probabilities)
    return np.where(labels < 0, np.nan, -np.log(np.clip(values, np.finfo(values.dtype).eps, 1)))


def margin(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Give p(label) minus the highest other probability, -1 to 1: below zero is an error; NaN without a label."""
    others = probabilities.copy()
    others[np.arange(len(labels)), np.maximum(labels, 0)] = -np.inf
    return np.where(labels < 0, np.nan, own(labels, probabilities) - others.max(1))


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Give each face's entropy in nats: 0 is sure, log 7 = 1.95 knows nothing."""
    entropies: np.ndarray = -np.sum(probabilities * np.log(np.where(probabilities > 0, probabilities, 1)), axis=1)
    return entropies


def own(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Give each face's probability of its label; without a label, that of class 0."""
    values: np.ndarray = probabilities[np.arange(len(labels)), np.maximum(labels, 0)]
    return values


def student(degrees: np.ndarray | int) -> np.ndarray:
    """Give the 97.5 % point of Student's t for so many degrees of freedom, 1 or more: what a 95 % interval of a mean is made with.

    Exact for 1 and 2; above them by Fisher's expansion (Abramowitz and Stegun 26.7.5), off by less than 0.2 %.
    """
    n, z = np.maximum(np.asarray(degrees, np.float64), 1), Z95
    terms = ((z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
             (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160)
    found = z + sum(term / n ** (power + 1) for power, term in enumerate(terms))
    return np.asarray(np.where(n < 1.5, 12.706204736174694, np.where(n < 2.5, 4.302652729749464, found)))
