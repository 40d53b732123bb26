"""One look at each face, its mirror image beside it, or several looks: what each way scores, and what it adds to the single look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fer_core.messages import Sentence, signed
from fer_core.metrics.evaluation import Evaluation, evaluate
from fer_core.metrics.mcnemar import McNemar, mcnemar
from fer_core.metrics.scores import wilson
from fer_core.runs.store import Predictions

NAMES = {"single": "Single look", "mirror": "With its mirror image", "views": "Several looks"}
"""What the kinds of `runs.KINDS` are called."""


@dataclass(frozen=True, eq=False)
class Look:
    """A way to answer for one split: how many looks at each face are averaged, its scores, and its test against the single look."""

    kind: str
    """One of `runs.KINDS`."""
    looks: int
    """Looks at each face whose probabilities are averaged."""
    scores: Evaluation
    test: McNemar | None = None
    """Of the single look (a) and this (b), on the same faces; `None` for the single look itself."""

    @property
    def words(self) -> str:
        """What it is called."""
        return named(self.kind, self.looks)

    @property
    def points(self) -> float | None:
        """What it adds to the accuracy of the single look, in percentage points; `None` for the single look."""
        return None if self.test is None else 100 * self.test.difference

    @property
    def adds(self) -> str:
        """Say what it adds to the single look; empty for the single look."""
        if self.test is None:
            return ""
        chance = "under 0.0001" if self.test.p < 1e-4 else f"{self.test.p:.2g}"
        return Sentence(
            "{points} points: {fixed:,} fixed, {broken:,} broken (McNemar, p {p})",
            points=signed(100 * self.test.difference),
            fixed=len(self.test.fixes),
            broken=len(self.test.breaks),
            p=chance,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the scores as `Evaluation.to_json`, with `looks`, and `adds` beside the single look (`None` for itself)."""
        return {"looks": self.looks, **self.scores.to_json(), "adds": None if self.test is None else _adds(self.test)}


def named(kind: str, looks: int) -> str:
    """Name a kind of answers; of several looks, their number."""
    return Sentence("{n} looks", n=looks) if kind == "views" else Sentence(NAMES[kind])


def results(found: Predictions) -> dict[str, Look]:
    """Score every kind of answers that is stored for a split, the single look first; empty where no face has a label.

    Raises `FerError` for probabilities that are none.
    """
    if not np.any(found.labels >= 0):
        return {}
    result = {}
    for kind in found.kinds:
        probabilities = found.by(kind)
        assert probabilities is not None
        test = None if kind == "single" else mcnemar(found.labels, found.probabilities, probabilities)
        scores = evaluate(found.labels, probabilities, leaked=found.leaked, near=found.near)
        result[kind] = Look(kind, found.looks_of(kind), scores, test)
    return result


def _adds(test: McNemar) -> dict[str, Any]:
    fixed, broken = len(test.fixes), len(test.breaks)
    disagreements = fixed + broken
    return {
        "points": 100 * test.difference,
        "fixed": fixed,
        "broken": broken,
        "n": test.n,
        "p": test.p,
        "exact": test.exact,
        "fixed_of_changed_interval": list(wilson(fixed, disagreements)) if disagreements else None,
    }
