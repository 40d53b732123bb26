"""How much of a map lies on each region of the face."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from fer_core.emotions import SIDE
from fer_core.errors import FerError
from fer_core.faces.regions import NAMES, Floats, Masks, Regions, Where
from fer_core.metrics.scores import student


@dataclass(frozen=True, eq=False)
class Ledger:
    """Where maps lie: per face n and region r, in the order of `names`; a map of zeros has shares of NaN."""

    names: tuple[str, ...]
    shares: Floats
    """Share of the sum of |map| that lies in the region, (n, r)."""
    areas: Floats
    """Share of the face's pixels, (n, r)."""

    @property
    def preference(self) -> Floats:
        """Divide shares by areas (n, r): 1 is no preference; NaN for a region without a pixel."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.areas > 0, self.shares / self.areas, np.nan).astype(np.float32)

    def mean(self, values: Literal["preference", "shares"] = "preference") -> tuple[Floats, Floats]:
        """Average over the faces whose map is not blank: means (r,) and their 95 % intervals (r, 2), by Student's t."""
        table = np.asarray(getattr(self, values), np.float64)
        count = np.isfinite(table).sum(0)
        with np.errstate(divide="ignore", invalid="ignore"):
            means = np.nansum(table, axis=0) / count
            spread = np.sqrt(np.nansum((table - means) ** 2, axis=0) / (count - 1) / count) * student(count - 1)
        means, spread = np.where(count > 0, means, np.nan), np.where(count > 1, spread, np.nan)
        return means.astype(np.float32), np.stack([means - spread, means + spread], axis=1).astype(np.float32)

    @property
    def features(self) -> Ledger:
        """Enter eyes, brows, nose and mouth as one region: all but the rest, which stands last."""
        return Ledger(("features",), self.shares[:, :-1].sum(1, keepdims=True), self.areas[:, :-1].sum(1, keepdims=True))

    @property
    def blank(self) -> int:
        """Count the maps that are zero everywhere."""
        return int(np.isnan(self.shares).all(axis=1).sum())


def shift(first: Ledger, second: Ledger) -> tuple[Floats, Floats]:
    """Compare two networks on the same faces: mean of second's shares - first's (r,), and 95 % intervals (r, 2).

    The differences are paired face by face; a face with a blank map in either is left out.
    """
    if first.shares.shape != second.shares.shape:
        raise FerError("Ledgers can be compared on the same faces only.", received=f"{len(first.shares)} and {len(second.shares)} faces")
    return replace(first, shares=second.shares - first.shares).mean("shares")


def edges(images: ArrayLike) -> Floats:
    """Give how steeply the grey of each image (n, 48, 48) rises at each pixel: a map that asks no network, to hold others against."""
    down, right = np.gradient(np.asarray(images, np.float32), axis=(1, 2))
    steepness: Floats = np.hypot(down, right)
    return steepness


def ledger(maps: ArrayLike, regions: Where) -> Ledger:
    """Enter maps (n, 48, 48) by region. `regions`: one for all, one per face, or masks bool (6, 48, 48) or (n, 6, 48, 48)."""
    sizes = np.abs(np.asarray(maps, np.float64))
    masks = masks_of(regions, len(sizes))
    total = sizes.sum(axis=(1, 2))
    inside = np.einsum("nhw,nrhw->nr", sizes, masks, optimize=True) if len(sizes) else np.zeros((0, masks.shape[1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(total[:, None] > 0, inside / total[:, None], np.nan)
    return Ledger(NAMES, shares.astype(np.float32), masks.mean(axis=(2, 3), dtype=np.float32))


def masks_of(regions: Where, count: int) -> Masks:
    """Give masks bool (n, 6, 48, 48)."""
    if isinstance(regions, Regions):
        masks = regions.masks
    elif isinstance(regions, np.ndarray):
        masks = regions
    else:
        masks = np.stack([part.masks for part in regions]) if regions else np.zeros((0, len(NAMES), SIDE, SIDE), bool)
    if masks.shape[-3:] != (len(NAMES), SIDE, SIDE) or masks.ndim > 4 or (masks.ndim == 4 and len(masks) != count):
        raise FerError("The regions do not fit the images.", received=f"masks {masks.shape} for {count} images",
                       expected=f"({len(NAMES)}, {SIDE}, {SIDE}), once or per image")
    return np.broadcast_to(masks, (count, *masks.shape[-3:]))
