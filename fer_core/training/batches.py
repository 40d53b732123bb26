"""The trainer's batches: which faces in which order, augmented by another thread while the network computes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fer_core.config import RunConfig
from fer_core.data.augmentation import Sampler, augment
from fer_core.emotions import EMOTIONS, SIDE
from fer_core.training import mixing
from fer_core.training.training_set import TrainingSet

AHEAD = 3
"""Batches that are made before they are asked for."""


@dataclass(frozen=True)
class Batch:
    """What a step learns from."""

    images: NDArray[np.uint8]
    """(b, side, side)"""
    labels: NDArray[np.int64]
    """(b,); of a mixed face, the label of the part that is its own."""
    targets: NDArray[np.float32]
    """(b, classes): the labels as distributions, smoothed and mixed."""
    rows: NDArray[np.int64]
    """(b,): places of the faces in the train split."""
    teacher: NDArray[np.float32] | None = None
    """(b, classes): what the teacher says, softened and mixed."""
    weights: NDArray[np.float32] | None = None
    """(b,): what each face counts in the loss."""
    mixed: bool = False

    def mix(self, mix: mixing.Mix) -> Batch:
        """Return the batch, its faces mixed with one another."""
        return replace(
            self,
            images=mix.images(self.images),
            targets=mix.distributions(self.targets),
            teacher=None if self.teacher is None else mix.distributions(self.teacher),
            weights=None if self.weights is None else mix.weights(self.weights),
            mixed=True,
        )


class Feed:
    """Batches as a pure function of (settings, epoch, step); an epoch's last incomplete batch is left out."""

    def __init__(self, faces: TrainingSet, config: RunConfig) -> None:
        self.faces, self.config = faces, config
        self.size = min(config.batch_size, len(faces))
        self.steps = len(faces) // self.size
        self._sampler = Sampler(faces.labels, config)

    def side(self, epoch: int) -> int:
        """Return the side of the faces that an epoch shows, in pixels: the crops', then the whole faces'."""
        on_crops = self.config.crop and epoch < round(self.config.crop_share * self.config.epochs)
        return self.config.crop if on_crops else SIDE

    def batches(self, epoch: int, first: int) -> Iterator[Batch]:
        """Yield the epoch's batches from step `first` on."""
        order = self._sampler.order(epoch)
        with ThreadPoolExecutor(1) as pool:
            ahead: deque[Future[Batch]] = deque()
            following = iter(range(first, self.steps))
            while True:
                while len(ahead) < AHEAD and (step := next(following, None)) is not None:
                    ahead.append(pool.submit(self._step, order, epoch, step))
                if not ahead:
                    return
                yield ahead.popleft().result()

    def calm(self, count: int = 12, size: int = 256) -> Iterator[NDArray[np.uint8]]:
        """Yield the same few batches of whole faces every time, augmented as in training: batch-norm statistics are measured on them."""
        order = self._sampler.order(0)
        size = min(size, len(order))
        for first in range(0, min(count, len(order) // size) * size, size):
            yield self._make(order, np.arange(first, first + size), 0, SIDE).images

    def _step(self, order: NDArray[np.int64], epoch: int, step: int) -> Batch:
        places = np.arange(step * self.size, (step + 1) * self.size)
        side = self.side(epoch)
        batch = self._make(order, places, epoch, side)
        mix = mixing.draw(self.config, epoch, step, self.size, side)
        return batch if mix is None else batch.mix(mix)

    def _make(self, order: NDArray[np.int64], places: NDArray[np.int64], epoch: int, side: int) -> Batch:
        chosen = order[places]
        faces = self.faces
        rows = faces.rows[chosen]
        images = augment(faces.images[chosen], places, epoch, self.config, rows=rows, side=side)
        labels = faces.labels[chosen]
        return Batch(
            images,
            labels,
            smoothed(labels, self.config.label_smoothing),
            rows,
            None if faces.teacher is None else faces.teacher[chosen],
            None if faces.weights is None else faces.weights[chosen],
        )


def smoothed(labels: NDArray[np.int64], smoothing: float) -> NDArray[np.float32]:
    """Return labels (b,) as distributions float32 (b, classes), a share `smoothing` of each spread over all classes.

    *Source:* Szegedy et al. 2016.
    """
    classes = len(EMOTIONS)
    certain = np.eye(classes, dtype=np.float32)[labels]
    return certain * np.float32(1 - smoothing) + np.float32(smoothing / classes)
