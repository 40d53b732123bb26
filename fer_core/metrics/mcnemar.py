"""Two classifiers on the same faces: what one fixes and breaks of the other, and whether chance explains it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fer_core.errors import FerError
from fer_core.messages import Sentence


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
        return Sentence("B fixes {fixes:,} errors of A and breaks {breaks:,} that A had right: {verdict} (McNemar, p {p}, {n:,} faces).",
                        fixes=fixes, breaks=breaks, verdict=verdict, p=chance, n=self.n)


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
