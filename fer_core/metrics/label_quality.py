"""How suspicious a face's label is, from probabilities that the network gave without having learned from that face.

Source: Northcutt, Jiang and Chuang 2021, Confident Learning; Kuan and Mueller 2022; the scores of cleanlab 2.9, recomputed here in
numpy, chunk by chunk. On faces that the network was trained on, the scores say how well it learned, not whether the label is right.
"""

from __future__ import annotations

import numpy as np

from fer_core.errors import FerError
from fer_core.metrics.scores import CLASSES, check, own

CHUNK = 100_000
ABSENT = 2.0
"""Threshold of a class that no face has: no probability reaches it."""
LEAST = 1e-6


def self_confidence(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Give each face's probability of its own label, 0 to 1; NaN without a label."""
    return np.where(labels < 0, np.nan, own(labels, probabilities))


def thresholds(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Give each class's mean probability among the faces that bear it, float64 (7,): how sure the network is of a class at best."""
    means = np.full(CLASSES, ABSENT)
    for label in range(CLASSES):
        chosen = labels == label
        if chosen.any():
            means[label] = max(float(probabilities[chosen, label].mean(dtype=np.float64)), LEAST)
    return means


def suspicion(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Give each label's suspicion, float32 (n,) from 0 to 1: above 0.5 another class fits better; NaN without a label.

    One minus cleanlab's normalized margin of the probabilities adjusted by class: a network that is rarely sure of fear is not read
    as doubting every fearful face. Raises FerError when no face has a label.
    """
    labels, probabilities = check(labels, probabilities)
    if not (labels >= 0).any():
        raise FerError("No face has a label, so no label can be suspected.", received=f"{len(labels)} faces without a label")
    limits = thresholds(labels, probabilities)
    result = np.full(len(labels), np.nan, np.float32)
    for start in range(0, len(labels), CHUNK):
        part = slice(start, start + CHUNK)
        result[part] = _chunk(labels[part], probabilities[part], limits)
    return result


def _chunk(labels: np.ndarray, probabilities: np.ndarray, limits: np.ndarray) -> np.ndarray:
    adjusted = probabilities.astype(np.float64) - limits + limits.max()
    adjusted /= adjusted.sum(1, keepdims=True)
    rows = np.arange(len(labels))
    mine = own(labels, adjusted).copy()
    adjusted[rows, np.maximum(labels, 0)] = -np.inf
    return np.where(labels < 0, np.nan, 1 - (mine - adjusted.max(1) + 1) / 2)


def from_margins(margin: np.ndarray) -> np.ndarray:
    """Turn areas under the margin (n,), in logits, into a suspicion from 0 to 1, float32 (n,): above 0.5 where, over the training,
    another class had the larger logit on average; NaN stays NaN.

    *Source:* Pleiss et al. 2020 for the area under the margin. *Differs:* the logistic curve only puts it on the scale of the others.
    """
    return (1 / (1 + np.exp(np.asarray(margin, np.float64)))).astype(np.float32)


def combined(from_answers: np.ndarray, margin: np.ndarray) -> np.ndarray:
    """Return the mean of a suspicion (n,) from answers to unseen faces and of that from the margins (n,) of training on them.

    Where either is missing the other one stands alone. What this finds is measured by `python -m benchmarks.label_noise`.
    """
    both = np.stack([from_answers, from_margins(margin)])
    known = np.isfinite(both)
    mean = np.where(known, both, 0).sum(0) / np.maximum(known.sum(0), 1)
    return np.where(known.any(0), mean, np.nan).astype(np.float32)


def agreement(predicted: np.ndarray) -> np.ndarray:
    """Count for each face how many runs called it each class: predicted (runs, n) to int64 (n, 7)."""
    predicted = np.atleast_2d(predicted)
    counts = np.zeros((predicted.shape[1], CLASSES), np.int64)
    for row in predicted:
        counts[np.arange(len(row)), row] += 1
    return counts
