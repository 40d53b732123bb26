"""Batches whose faces are mixed with one another, as a pure function of (seed, epoch, step)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_core.config import RunConfig

MIXED_SHARE = 0.9
"""Share of the epochs that may mix: the last ones learn from whole faces with labels of their own."""
MIXUP_ALPHA = 0.2
"""Both parameters of the Beta distribution that blended shares are drawn from: mostly near 0 or 1."""
CUTMIX_ALPHA = 1.0
"""The same for the areas of rectangles: uniform."""
STREAM = 1
"""Keeps these draws apart from those of the order of the faces, which come of the same seed and epoch."""


@dataclass(frozen=True)
class Mix:
    """How a batch is mixed: with `partners` (b,), each face keeping the share `own` of itself and of its label."""

    partners: NDArray[np.int64]
    own: float
    box: tuple[int, int, int, int] | None
    """Top, left, bottom, right of the rectangle that comes from the partner; `None` where the faces are blended."""

    def images(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Mix faces (b, side, side) of 0 to 255."""
        others = images[self.partners]
        if self.box is None:
            blended = self.own * images.astype(np.float32) + (1 - self.own) * others
            return np.rint(blended).astype(np.uint8)
        top, left, bottom, right = self.box
        result = images.copy()
        result[:, top:bottom, left:right] = others[:, top:bottom, left:right]
        return result

    def distributions(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mix distributions over the classes (b, classes): labels, or what a teacher says."""
        own = np.float32(self.own)
        return own * rows + (1 - own) * rows[self.partners]

    def weights(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mix what the faces count (b,)."""
        own = np.float32(self.own)
        return own * weights + (1 - own) * weights[self.partners]


def draw(config: RunConfig, epoch: int, step: int, count: int, side: int) -> Mix | None:
    """Draw how a step's batch of `count` faces is mixed; `None` where it is not.

    *Source:* mixup, Zhang et al. 2018; CutMix, Yun et al. 2019. *Differs:* one share and one rectangle for all faces of a batch, as
    in the authors' code; neither in the last tenth of the epochs.
    """
    if epoch >= MIXED_SHARE * config.epochs or count < 2 or not (config.mixup or config.cutmix):
        return None
    random = np.random.default_rng([config.seed, epoch, step, STREAM])
    chance = random.random()
    if chance >= config.mixup + config.cutmix:
        return None
    partners = random.permutation(count)
    if chance < config.mixup:
        return Mix(partners, float(random.beta(MIXUP_ALPHA, MIXUP_ALPHA)), None)
    return _cutmix(random, partners, side)


def _cutmix(random: np.random.Generator, partners: NDArray[np.int64], side: int) -> Mix:
    """Draw a rectangle around a random point; what lies outside of the face is cut off, and the share follows the rest."""
    cut = np.sqrt(1 - random.beta(CUTMIX_ALPHA, CUTMIX_ALPHA))
    half = side * cut / 2
    row, column = random.uniform(0, side, 2)
    top, bottom = (int(np.clip(np.rint(row + move), 0, side)) for move in (-half, half))
    left, right = (int(np.clip(np.rint(column + move), 0, side)) for move in (-half, half))
    own = 1 - (bottom - top) * (right - left) / side**2
    return Mix(partners, own, (top, left, bottom, right))
