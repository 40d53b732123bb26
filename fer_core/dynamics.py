"""How each training face was learned, gathered from the logits that the steps compute anyway.

*Source:* the area under the margin, Pleiss et al. 2020; mean and spread of the label's probability over the epochs, Swayamdipta et
al. 2020 (dataset cartography). *Differs:* the logits are those of the training step, on augmented faces and with dropout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
