"""How each training face was learned, gathered from the logits that the steps compute anyway.

*Source:* the area under the margin, Pleiss et al. 2020; mean and spread of the label's probability over the epochs, Swayamdipta et
al. 2020 (dataset cartography). *Differs:* the logits are those of the training step, on augmented faces and with dropout.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_core import atomic_io

FILE = "dynamics.npz"
STATE = "dynamics/"
"""What the names of these sums begin with among a run's saved state."""


@dataclass(frozen=True)
class DynamicsSummary:
    """Of each face of the train split, NaN where no step saw it by itself."""

    count: NDArray[np.int64]
    """(n,): how often it was seen, unmixed."""
    mean: NDArray[np.float32]
    """(n,): mean probability of its label, 0 to 1."""
    spread: NDArray[np.float32]
    """(n,): standard deviation of that probability over the times it was seen."""
    margin: NDArray[np.float32]
    """(n,): area under the margin: mean of the label's logit minus the largest other one."""


def read(path: Path) -> DynamicsSummary | None:
    """Read a summary that was written with `write`; `None` where there is none, or it cannot be read."""
    try:
        return DynamicsSummary(**atomic_io.read_arrays(path))
    except Exception:  # absent, or a damaged zip, which raises a dozen kinds of errors
        return None


def write(path: Path, summary: DynamicsSummary) -> None:
    """Write a summary as an npz of plain arrays."""
    atomic_io.write_arrays(path, **vars(summary))


def merge(parts: list[DynamicsSummary]) -> DynamicsSummary:
    """Return the summary of several trainings on the same faces, as if their steps had been one training's."""
    count = np.sum([part.count for part in parts], axis=0)
    seen = np.where(count > 0, count, np.nan)

    def total(values: list[NDArray[np.floating]]) -> NDArray[np.float64]:
        weighted = [np.where(part.count > 0, value, 0) * part.count for part, value in zip(parts, values, strict=True)]
        summed: NDArray[np.float64] = np.stack(weighted).sum(0, dtype=np.float64)
        return summed

    mean = total([part.mean for part in parts]) / seen
    squares = total([part.spread.astype(np.float64) ** 2 + part.mean.astype(np.float64) ** 2 for part in parts]) / seen
    spread = np.sqrt(np.maximum(squares - mean**2, 0))
    margin = total([part.margin for part in parts]) / seen
    return DynamicsSummary(count, mean.astype(np.float32), spread.astype(np.float32), margin.astype(np.float32))


class Dynamics:
    """Sums per face of the train split; exact over a resume, because they are saved with the state of the run."""

    def __init__(self, faces: int) -> None:
        self.count = np.zeros(faces, np.int64)
        self.probability = np.zeros(faces)
        self.square = np.zeros(faces)
        self.margin = np.zeros(faces)

    def add(self, rows: NDArray[np.int64], labels: NDArray[np.int64], logits: NDArray[np.float32]) -> None:
        """Count a step's faces: `rows` (b,) of the train split, `labels` (b,), `logits` (b, classes)."""
        exact = logits.astype(np.float64)
        places = np.arange(len(labels))
        powers = np.exp(exact - exact.max(1, keepdims=True))
        probability = powers[places, labels] / powers.sum(1)
        own = exact[places, labels].copy()
        exact[places, labels] = -np.inf
        margin = own - exact.max(1)
        np.add.at(self.count, rows, 1)  # a face may stand in a batch twice
        np.add.at(self.probability, rows, probability)
        np.add.at(self.square, rows, probability**2)
        np.add.at(self.margin, rows, margin)

    def summary(self) -> DynamicsSummary:
        """Return what the sums say so far."""
        seen = np.where(self.count > 0, self.count, np.nan)
        mean = self.probability / seen
        variance = np.maximum(self.square / seen - mean**2, 0)
        return DynamicsSummary(
            self.count.copy(),
            mean.astype(np.float32),
            np.sqrt(variance).astype(np.float32),
            (self.margin / seen).astype(np.float32),
        )

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the sums, named for a run's saved state."""
        return {STATE + name: array for name, array in vars(self).items()}

    def restore(self, arrays: dict[str, NDArray[np.generic]]) -> None:
        """Put back what `arrays` gave; a state saved before there were such sums leaves them at zero."""
        for name in vars(self):
            if STATE + name in arrays:
                setattr(self, name, np.array(arrays[STATE + name]))
