"""Which faces an epoch shows, in which order, and how each is changed: pure functions of (seed, epoch, position).

Nothing here keeps a state, so that any worker can make any batch, and a resumed run sees the very faces of the unbroken one.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.config import RunConfig
from fer_core.emotions import SIDE

CENTRE = (SIDE - 1) / 2
DRAWS = ("flip", "right", "down", "zoom", "rotation", "contrast", "brightness", "erase", "area", "aspect", "row", "column", "grey",
         "crop_row", "crop_column")
FIRST_LOOK = 2**40
"""In the place of an epoch: draws that hold for a whole run."""
ERASED_AREA = (0.02, 0.2)
"""Smallest and largest share of a face that an erased rectangle covers."""
ERASED_ASPECT = 0.3
"""Smallest ratio of an erased rectangle's sides; the largest is its inverse."""


class Sampler:
    """The order in which the epochs show the faces; rare classes are drawn again as `oversample` says."""

    def __init__(self, labels: NDArray[np.integer], config: RunConfig) -> None:
        self.seed, self.total = config.seed, len(labels)
        self.members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        natural = np.array([len(members) for members in self.members]) / max(1, self.total)
        alike = 1 / max(1, len(self.members))
        self.quotas = _apportion(natural + config.oversample * (alike - natural), self.total)

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Give the epoch's face indices int64 (n,), n being the number of faces.

        A class whose quota is above its size shows every face before any face again; below it, a fresh choice each epoch.
        """
        random = np.random.default_rng([self.seed, epoch])
        chosen = [_draw(members, quota, random) for members, quota in zip(self.members, self.quotas, strict=True)]
        return random.permutation(np.concatenate([np.zeros(0, np.int64), *chosen]))


def _apportion(shares: NDArray[np.float64], total: int) -> NDArray[np.int64]:
    """Split `total` into whole numbers close to `shares`, by the largest remainders."""
    exact = shares * total
    quotas = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(-(exact - quotas), kind="stable")
    quotas[order[: total - int(quotas.sum())]] += 1
    return quotas


def _draw(members: NDArray[np.int64], quota: int, random: np.random.Generator) -> NDArray[np.int64]:
    whole, rest = divmod(int(quota), len(members))
    return np.concatenate([np.tile(members, whole), random.permutation(members)[:rest]])


def augment(
    images: NDArray[np.uint8],
    indices: NDArray[np.integer],
    epoch: int,
    config: RunConfig,
    *,
    rows: NDArray[np.integer] | None = None,
    side: int = SIDE,
) -> NDArray[np.uint8]:
    """Change faces at random within the limits that the config sets: one affine warp, contrast, an erased rectangle, a crop.

    `images` (b, 48, 48); `indices` (b,) name the places of the faces in the epoch: the same (seed, epoch, index) gives the same change
    whatever else is in the batch. `rows` (b,) name the faces themselves (`indices` if omitted), on which the alternating flip hangs.
    Returns random squares of `side` pixels of the changed faces: uint8 (b, side, side). With every limit at 0 the faces come back as
    they are.
    """
    drawn = dict(zip(DRAWS, uniforms(config.seed, epoch, indices, len(DRAWS)), strict=True))
    mirrored = drawn["flip"] < config.flip
    if config.alternate_flip:
        mirrored = alternating(config.seed, epoch, indices if rows is None else rows)
    result = np.empty((len(images), SIDE, SIDE), np.uint8)
    matrices = _matrices(drawn, mirrored, config)
    for image, matrix, out in zip(images, matrices, result, strict=True):
        cv2.warpAffine(image, matrix, (SIDE, SIDE), out, cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_REFLECT)
    if config.contrast:
        for out, table in zip(result, _tables(drawn, config.contrast), strict=True):
            cv2.LUT(out, table, out)
    if config.erase:
        _erase(result, drawn, config.erase)
    return result if side == SIDE else _crops(result, drawn, side)


def alternating(seed: int, epoch: int, rows: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Tell which faces an epoch mirrors, bool (b,): each in every second epoch, the first time by chance.

    *Source:* Jordan 2024, "94% on CIFAR-10 in 3.29 seconds": every two epochs then show both sides of a face, where chance alone
    shows one side twice to half of the faces.
    """
    (chance,) = uniforms(seed, FIRST_LOOK, rows, 1)
    first: NDArray[np.bool_] = chance < 0.5
    return first ^ bool(epoch % 2)


def examples(image: NDArray[np.uint8], config: RunConfig, count: int) -> NDArray[np.uint8]:
    """Show one face (48, 48) as the first `count` epochs would: uint8 (count, 48, 48)."""
    place = np.zeros(1, np.int64)
    return np.concatenate([augment(image[None], place, epoch, config) for epoch in range(count)])


def uniforms(seed: int, epoch: int, indices: NDArray[np.integer], count: int) -> NDArray[np.float64]:
    """Draw (count, b) numbers in [0, 1), a function of (seed, epoch, index) alone.

    Source: SplitMix64 as a counter-based generator (Steele, Lea, Flood 2014).
    """
    stream = _mix(_mix(np.array([seed], np.uint64)) + np.uint64(epoch))
    places = _mix(stream + np.asarray(indices).astype(np.uint64))
    numbers = _mix(places[None] + np.arange(1, count + 1, dtype=np.uint64)[:, None] * np.uint64(0x9E3779B97F4A7C15))
    return (numbers >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def _matrices(drawn: dict[str, NDArray[np.float64]], flipped: NDArray[np.bool_], config: RunConfig) -> NDArray[np.float64]:
    """Map each output pixel to the input pixel it shows, (b, 2, 3): the face is mirrored, turned, resized, then shifted."""
    mirrored = np.where(flipped, -1.0, 1.0)
    right, down = (config.shift * (2 * drawn[name] - 1) for name in ("right", "down"))
    size = 1 + config.zoom * (2 * drawn["zoom"] - 1)
    angle = np.deg2rad(config.rotation) * (2 * drawn["rotation"] - 1)
    cosine, sine = np.cos(angle) / size, np.sin(angle) / size
    turn = np.stack([np.stack([mirrored * cosine, -mirrored * sine], -1), np.stack([sine, cosine], -1)], -2)
    moved = np.stack([CENTRE + right, CENTRE + down], -1)
    return np.concatenate([turn, CENTRE - turn @ moved[:, :, None]], -1)


def _tables(drawn: dict[str, NDArray[np.float64]], limit: float) -> NDArray[np.uint8]:
    """Make a table (b, 256) of new grey values per face: contrast about middle grey, and brightness, both within `limit`."""
    contrast, brightness = (limit * (2 * drawn[name] - 1)[:, None] for name in ("contrast", "brightness"))
    grey = np.arange(256)[None] - 127.5
    return np.clip(np.rint(127.5 + grey * (1 + contrast) + 127.5 * brightness), 0, 255).astype(np.uint8)


def _erase(images: NDArray[np.uint8], drawn: dict[str, NDArray[np.float64]], chance: float) -> None:
    """Paint a rectangle of one random grey over some faces, in place.

    Source: random erasing, Zhong et al. 2020. Differs: at most a fifth of the face, so that the expression stays readable.
    """
    area = (ERASED_AREA[0] + drawn["area"] * (ERASED_AREA[1] - ERASED_AREA[0])) * SIDE**2
    aspect = ERASED_ASPECT ** (2 * drawn["aspect"] - 1)
    height, width = (np.clip(np.rint(np.sqrt(area * ratio)), 1, SIDE).astype(int) for ratio in (aspect, 1 / aspect))
    top, left = (np.floor(drawn[name] * (SIDE + 1 - side)).astype(int) for name, side in (("row", height), ("column", width)))
    for i in np.flatnonzero(drawn["erase"] < chance):
        images[i, top[i] : top[i] + height[i], left[i] : left[i] + width[i]] = int(drawn["grey"][i] * 256)


def _crops(images: NDArray[np.uint8], drawn: dict[str, NDArray[np.float64]], side: int) -> NDArray[np.uint8]:
    places = SIDE + 1 - side
    tops = np.floor(drawn["crop_row"] * places).astype(int)
    lefts = np.floor(drawn["crop_column"] * places).astype(int)
    result = np.empty((len(images), side, side), np.uint8)
    for out, image, top, left in zip(result, images, tops, lefts, strict=True):
        out[:] = image[top : top + side, left : left + side]
    return result
