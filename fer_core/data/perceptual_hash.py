"""A perceptual hash of faces: numbers that hardly change when a face is cropped, shifted or lit.

A copy that was mirrored, cropped or brightened has other pixels, and often no pixel in common.
Its hash is close by, so that of all pairs of faces only few are left to be compared in earnest.

Source: the linear discriminants of R. A. Fisher 1936, taught by alterations made at random.
Differs: pHash (C. Zauner 2010) keeps the signs of fixed DCT coefficients; ours are real numbers
along directions that the data choose, since signs of the DCT of two faces are mostly the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.emotions import SIDE

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]

LENGTH = 64
"""Numbers of a hash."""
GRID = 16
"""Side of the small picture that a hash is made of."""
BANDS = (1.5, 5.0)
"""Standard deviations in pixels of the two Gaussians whose difference a hash sees."""
PLAIN = 0.6
"""Least cosine of the hashes of a candidate pair. On FER2013, chance exceeds it once in 20,000."""
ZOOMED = 0.64
"""The same where one of the two is zoomed."""
ZOOM_CROP = 4
"""Pixels taken off each side of a zoomed face."""
ZOOM = SIDE / (SIDE - 2 * ZOOM_CROP)
"""How much larger that makes the face."""
FEW = 32
"""Up to so many faces teach no hash: each pair of them is a candidate."""
MOST = 60
"""Candidates are bounded by so many times the number of faces; the closest hashes come first."""
TAUGHT_BY = 3000
"""Faces that teach the hash, at most."""
ALTERATIONS = 5
"""Alterations of each of those."""
CROP = 5
"""Pixels that such an alteration takes off each side, at most."""
SHIFT = 3
"""Pixels that it moves the face instead, at most."""
NOISE = 2.0
"""Grey values that are told from noise: fainter structure counts less."""
RIDGE = 0.05
"""Share of the mean variance that is added to each one, so that few faces do not teach too much."""
TEMPER = -0.25
"""Power of its discriminability that a direction is weighted by, so that none outweighs all."""
CHUNK = 1024
"""Faces whose hashes are compared with all others at a time: 128 MiB for 32,298 faces."""


def local_contrast(image: Images, fine: float, coarse: float) -> Floats:
    """Normalize the contrast of a face (48, 48) around each pixel: float32 (48, 48), mean near 0.

    Kept is what is coarser than `fine` and finer than `coarse` pixels (standard deviations).
    Brightness falls out, and so do a gamma and a gain, as far as they are alike all around.
    """
    grey = image.astype(np.float32)
    smooth = cv2.GaussianBlur(grey, (0, 0), fine)
    difference = smooth - cv2.GaussianBlur(grey, (0, 0), coarse)
    power = cv2.GaussianBlur(difference * difference, (0, 0), coarse)
    return np.asarray(difference / np.sqrt(power + NOISE**2), np.float32)


def altered(image: Images, random: np.random.Generator) -> Images:
    """Crop a face (48, 48) by up to 5 pixels on each side, or shift it by up to 3."""
    if random.random() < 0.3:
        right, down = random.integers(-SHIFT, SHIFT + 1, 2)
        move = np.array([[1, 0, right], [0, 1, down]], np.float32)
        moved = cv2.warpAffine(image, move, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(moved, np.uint8)
    if random.random() < 0.4:
        left = top = right = bottom = int(random.integers(1, CROP + 1))
    else:
        left, top, right, bottom = (int(side) for side in random.integers(0, CROP, 4))
    part = np.ascontiguousarray(image[top : SIDE - bottom, left : SIDE - right])
    return np.asarray(cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)


def shrunk(images: Images, *, zoomed: bool = False) -> Floats:
    """Shrink the local contrast of faces (n, 48, 48): float32 (n, 16, 16), zoomed before or not."""
    part = slice(ZOOM_CROP, SIDE - ZOOM_CROP) if zoomed else slice(None)

    def shrink(faces: Images) -> Floats:
        small = np.empty((len(faces), GRID, GRID), np.float32)
        for number, face in enumerate(faces):
            seen = np.ascontiguousarray(face[part, part])
            if zoomed:
                seen = np.asarray(cv2.resize(seen, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR))
            contrast = local_contrast(seen, *BANDS)
            small[number] = cv2.resize(contrast, (GRID, GRID), interpolation=cv2.INTER_AREA)
        return small

    parts = [images[start : start + CHUNK] for start in range(0, len(images), CHUNK)]
    with ThreadPoolExecutor() as pool:
        return np.concatenate(list(pool.map(shrink, parts)))


@dataclass(frozen=True, eq=False)
class Hash:
    """What the hashes of a data set are measured along: a mean (256,) and directions (256, d)."""

    mean: Floats
    directions: Floats

    def of(self, small: Floats) -> Floats:
        """Hash shrunk faces (n, 16, 16): float32 (n, d), each of length 1."""
        values = (small.reshape(len(small), -1) - self.mean) @ self.directions
        lengths = np.linalg.norm(values, axis=1, keepdims=True)
        return np.asarray(values / np.maximum(lengths, 1e-9), np.float32)


def learn(images: Images) -> Hash:
    """Learn from faces (n, 48, 48) which directions tell faces apart and survive an alteration.

    The same faces always give the same hash.
    """
    random = np.random.default_rng(SIDE)
    rows = random.permutation(len(images))[:TAUGHT_BY]
    taught = images[np.sort(rows)]
    looks = [shrunk(taught)]
    for _ in range(ALTERATIONS):
        looks.append(shrunk(np.stack([altered(face, random) for face in taught])))
    variants = np.stack(looks).astype(np.float64).reshape(len(looks), len(taught), -1)
    middles = variants.mean(0)
    mean = middles.mean(0)
    within = _scatter((variants - middles).reshape(-1, GRID * GRID))
    between = _scatter(middles - mean)
    within += np.eye(len(within)) * RIDGE * np.trace(within) / len(within)
    white = np.linalg.inv(np.linalg.cholesky(within))
    ratios, vectors = np.linalg.eigh(white @ between @ white.T)
    best = np.argsort(-ratios)[:LENGTH]
    weights = np.maximum(ratios[best], 1e-9) ** TEMPER
    directions = (white.T @ vectors[:, best]) * weights
    return Hash(mean.astype(np.float32), directions.astype(np.float32))


def candidates(images: Images, progress: Callable[[float], object]) -> NDArray[np.int64]:
    """Give the pairs of faces (n, 48, 48) that may be copies: int64 (m, 4), the closest first.

    Columns: a face and another one, whether the first is to be mirrored, and whether to be zoomed.
    A pair may come plain and mirrored. `progress` is told the share that is done, 0 to 1.
    """
    count = len(images)
    if count <= FEW:
        return _all_pairs(count)
    measure = learn(images)
    progress(0.2)
    small = shrunk(images)
    progress(0.4)
    large = shrunk(images, zoomed=True)
    progress(0.6)
    plain = measure.of(small)
    found: list[NDArray[np.float64]] = []
    for mirrored, zoomed in ((0, 0), (1, 0), (0, 1), (1, 1)):
        seen = large if zoomed else small
        ones = measure.of(seen[:, :, ::-1] if mirrored else seen)
        found += _close(ones, plain, (mirrored, zoomed), ZOOMED if zoomed else PLAIN)
        progress(0.6 + 0.1 * len(found) / max(1, -(-count // CHUNK)))
    pairs = np.concatenate(found)
    pairs = pairs[np.argsort(-pairs[:, 4], kind="stable")]
    kept = _first_of_each(pairs[:, :3].astype(np.int64), count)[: MOST * count]
    return pairs[kept, :4].astype(np.int64)


def _first_of_each(ways: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Give the row at which each pair of (first, second, mirrored) comes first, in their order."""
    low, high = ways[:, :2].min(1), ways[:, :2].max(1)
    names = (low * count + high) * 2 + ways[:, 2]
    rows = np.unique(names, return_index=True)[1]
    return np.asarray(np.sort(rows), np.int64)


def _all_pairs(count: int) -> NDArray[np.int64]:
    first, second = np.triu_indices(count, 1)
    plain = np.zeros((len(first), 4), np.int64)
    plain[:, 0], plain[:, 1] = first, second
    mirrored = plain.copy()
    mirrored[:, 2] = 1
    return np.concatenate([plain, mirrored])


def _close(
    ones: Floats, others: Floats, way: tuple[int, int], least: float
) -> Iterator[NDArray[np.float64]]:
    """Yield blocks of (first, second, mirrored, zoomed, cosine) of pairs whose hashes are close.

    Unless one of them is zoomed, it does not matter which is which: each pair comes once.
    """
    alike = not way[1]
    for start in range(0, len(ones), CHUNK):
        behind = start if alike else 0
        cosines = ones[start : start + CHUNK] @ others[behind:].T
        first, second = np.divmod(np.flatnonzero(cosines > least), cosines.shape[1])
        places = np.stack([start + first, behind + second], axis=1)
        kept = places[:, 0] < places[:, 1] if alike else places[:, 0] != places[:, 1]
        ways = np.tile(way, (int(kept.sum()), 1))
        values = cosines[first[kept], second[kept]][:, None]
        yield np.concatenate([places[kept], ways, values], axis=1, dtype=np.float64)


def _scatter(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return rows.T @ rows / len(rows)
