"""How many altered copies are found, how many reported pairs are right, how long it takes.

    python -m benchmarks.near_copies [FER2013]

The set is made: 84 held-out faces are put among the training faces, and 420 altered copies of them
are looked for (mirrored, shifted by up to 2 px, cropped by up to 3 px on each side, gamma, JPEG of
quality 70, brightness: 70 of each). Without FER2013 the faces are the demo faces. The time is that
of all faces of the data set, with no cache.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.table import row
from fer_core.data.alignment import align
from fer_core.data.dataset import Dataset, Split, read
from fer_core.data.near_copies import LEAST, NearCopies, find
from fer_core.data.perceptual_hash import ZOOM
from fer_core.emotions import SIDE

ORIGINALS, COPIES = 84, 5
KINDS = ("mirror", "shift", "crop", "gamma", "jpeg", "brightness")


def altered(face: np.ndarray, kind: str, random: np.random.Generator) -> np.ndarray:
    """Alter a face uint8 (48, 48) in one way, so that some of it is changed."""
    if kind == "mirror":
        return np.ascontiguousarray(face[:, ::-1])
    if kind == "shift":
        moves = [(x, y) for x in range(-2, 3) for y in range(-2, 3) if x or y]
        right, down = moves[random.integers(len(moves))]
        matrix = np.array([[1, 0, right], [0, 1, down]], np.float32)
        return cv2.warpAffine(face, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    if kind == "crop":
        left, top, right, bottom = random.integers(0, 4, 4)
        right = max(right, 1 - left)  # one pixel at least
        return cv2.resize(face[top : SIDE - bottom, left : SIDE - right], (SIDE, SIDE))
    if kind == "gamma":
        power = random.choice([0.6, 0.75, 1.4, 1.8])
        return np.rint(255 * (face / 255) ** power).astype(np.uint8)
    if kind == "jpeg":
        coded = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, 70])[1]
        return cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
    return np.clip(face.astype(np.int64) + random.choice([-40, -20, 20, 40]), 0, 255).astype(
        np.uint8
    )


def made(train: np.ndarray, originals: np.ndarray, seed: int = 0) -> tuple[Dataset, np.ndarray]:
    """Put originals (m, 48, 48) behind training faces, and copies of them into validation.

    Returns the data set, and for each copy the index of its original in train: int64 (5 m,).
    """
    random = np.random.default_rng(seed)
    source = np.repeat(np.arange(len(originals)), COPIES)
    kinds = [KINDS[number % len(KINDS)] for number in range(len(source))]
    copies = [altered(originals[i], kind, random) for i, kind in zip(source, kinds, strict=True)]
    splits = {"train": np.concatenate([train, originals]), "validation": np.stack(copies)}
    dataset = {
        name: Split(faces, np.full(len(faces), -1), np.arange(len(faces)))
        for name, faces in splits.items()
    }
    return Dataset(dataset, "made", ""), len(train) + source


@dataclass(frozen=True)
class Score:
    """Copies looked for and found, pairs reported and right; an unchanged copy counts as none."""

    looked_for: int
    found: int
    reported: int
    right: int
    missed: dict[str, int]

    @property
    def recall(self) -> float:
        """Share of the copies that are paired with their original."""
        return self.found / self.looked_for

    @property
    def precision(self) -> float:
        """Share of the reported pairs of a copy and a training face that are right."""
        return self.right / max(1, self.reported)


def score(dataset: Dataset, source: np.ndarray, result: NearCopies, *, drawn: bool) -> Score:
    """Hold what was found against what was made.

    A pair is right where the training face is the copy's original, or has its pixels, or is itself
    proven a copy of the original: real data hold copies of the originals, too.
    """
    train, copies = dataset["train"].images, dataset["validation"].images
    first: dict[bytes, int] = {}
    for index, face in enumerate(train):  # of faces with the same pixels the first stands for all
        first.setdefault(face.tobytes(), index)
    source = np.array([first[train[index].tobytes()] for index in source])
    changed = np.array(
        [not np.array_equal(train[source[i]], copies[i]) for i in range(len(copies))]
    )
    pairs = [(pair.one[1], pair.other[1]) for pair in result.across()]
    paired = set(pairs)
    lost = [i for i in np.flatnonzero(changed).tolist() if (int(source[i]), i) not in paired]
    least = LEAST["drawn" if drawn else "photograph"]
    right = sum(
        one == source[copy] or same_face(train[one], train[source[copy]], least)
        for one, copy in pairs
    )
    missed = {kind: sum(KINDS[i % len(KINDS)] == kind for i in lost) for kind in KINDS}
    return Score(int(changed.sum()), int(changed.sum()) - len(lost), len(pairs), right, missed)


def same_face(one: np.ndarray, other: np.ndarray, least: float) -> bool:
    """Tell whether two faces are copies by aligning them, whatever their hashes say."""
    ways = [(mirrored, scale) for mirrored in (False, True) for scale in (1.0, ZOOM, 1 / ZOOM)]
    found = (align(one, other, mirrored=mirrored, scale=scale) for mirrored, scale in ways)
    return any(alignment is not None and alignment.correlation >= least for alignment in found)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="?", default="demo")
    told = parser.parse_args()
    dataset = read(told.data)
    held_out = dataset["validation"].images
    rows = np.sort(np.random.default_rng(0).permutation(len(held_out))[:ORIGINALS])
    copies, source = made(dataset["train"].images, held_out[rows])
    with tempfile.TemporaryDirectory() as cache:
        began, worked = time.perf_counter(), time.process_time()
        plain = find(dataset, cache=Path(cache))
        seconds, cpu = time.perf_counter() - began, time.process_time() - worked
        drawn = told.data == "demo"
        result = score(copies, source, find(copies, drawn=drawn, cache=Path(cache)), drawn=drawn)
    faces = sum(len(split) for split in dataset.values())
    near = ", ".join(
        f"{mask.sum():,} of {len(mask):,} {split} faces" for split, mask in plain.near.items()
    )
    sizes = np.bincount(plain.groups)
    print(
        f"{dataset.name}, {faces:,} faces: {seconds:.1f} s ({cpu:.1f} s of processor time, load {os.getloadavg()[0]:.1f})"
    )
    print(
        f"near copies of training faces: {near}; pairs: {len(plain.pairs):,}, {len(plain.within('train')):,} inside train"
    )
    print(f"groups of training faces: {len(sizes):,}, the largest of {sizes.max():,} faces")
    print(
        f"made: {result.found} of {result.looked_for} found, {result.right} of {result.reported} pairs right; missed {result.missed}"
    )
    what, command = ("demo", "near_copies") if drawn else ("real", "near_copies FER2013")
    row(
        f"altered copies of {what} faces found; pairs right",
        f"{result.recall:.1%}; {result.precision:.1%}",
        command,
        "95%; 99%",
    )
    row(
        f"near copies among {faces:,} {what} faces",
        f"{seconds:.1f} s",
        command,
        "60 s" if faces > 30_000 else "",
    )


if __name__ == "__main__":
    main()
