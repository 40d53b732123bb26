"""The trainer's batches: which faces in which order, augmented by another thread while the network computes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from fer_core.augment import Sampler, augment
from fer_core.config import RunConfig
from fer_core.splits import Split

AHEAD = 3
"""Batches that are made before they are asked for."""

Batch = tuple[np.ndarray, np.ndarray]
"""Images uint8 (b, 48, 48) and labels int64 (b,)."""


class Feed:
    """Batches as a pure function of (settings, epoch, step); an epoch's last incomplete batch is left out."""

    def __init__(self, faces: Split, config: RunConfig) -> None:
        self.faces, self.config = faces, config
        self.size = min(config.batch_size, len(faces.labels))
        self.steps = len(faces.labels) // self.size
        self._sampler = Sampler(faces.labels, config)

    def batches(self, epoch: int, first: int) -> Iterator[Batch]:
        """Yield the epoch's batches from step `first` on."""
        order = self._sampler.order(epoch)
        with ThreadPoolExecutor(1) as pool:
            ahead: deque[Future[Batch]] = deque()
            following = iter(range(first, self.steps))
            while True:
                while len(ahead) < AHEAD and (step := next(following, None)) is not None:
                    ahead.append(pool.submit(self._make, order, np.arange(step * self.size, (step + 1) * self.size), epoch))
                if not ahead:
                    return
                yield ahead.popleft().result()

    def calm(self, count: int = 12, size: int = 256) -> Iterator[np.ndarray]:
        """Yield the same few batches every time, augmented as in training: what batch-norm statistics are measured anew on."""
        order = self._sampler.order(0)
        size = min(size, len(order))
        for first in range(0, min(count, len(order) // size) * size, size):
            yield self._make(order, np.arange(first, first + size), 0)[0]

    def _make(self, order: np.ndarray, positions: np.ndarray, epoch: int) -> Batch:
        chosen = order[positions]
        return augment(self.faces.images[chosen], positions, epoch, self.config), self.faces.labels[chosen]
