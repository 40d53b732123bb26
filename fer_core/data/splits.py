"""Faces in splits: what every form of FER2013 is read into, its fingerprint, and its exact copies."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core.emotions import EMOTIONS, SIDE, SPLITS

Bytes = NDArray[np.uint8]
Labels = NDArray[np.int64]

VALIDATION_SHARE = 0.1
"""Share of the training faces that a drawn validation split takes, of every class alike."""

FER2013 = {"train": (3995, 436, 4097, 7215, 4830, 3171, 4965), "validation": (467, 56, 496, 895, 653, 415, 607)}
"""Faces of each class in Training and PublicTest: alike in all editions of FER2013, whose JPEG folders round pixels and lose the order."""


@dataclass(frozen=True)
class Split:
    """Hold images uint8 (n, 48, 48), labels int64 (n,) with -1 = unlabelled, and ids (n,): the row of a CSV, or the file's name."""

    images: Bytes
    labels: Labels
    ids: NDArray[Any]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[Any]) -> Split:
        """Return the faces that `rows` (indices or a mask) chooses."""
        return Split(self.images[rows], self.labels[rows], self.ids[rows])


class Dataset(dict[str, Split]):
    """Map split names to faces; `notes` tells in plain sentences what the reading decided by itself."""

    def __init__(self, splits: Mapping[str, Split], name: str, source: str, notes: tuple[str, ...] = (), fingerprint: str = "") -> None:
        super().__init__((split, splits[split]) for split in SPLITS if split in splits)
        self.name, self.source, self.notes = name, source, notes
        self._fingerprint = fingerprint

    @property
    def fingerprint(self) -> str:
        """Return the hex SHA-256 of pixels and labels, in their order, of what networks are trained and chosen on.

        The test split does not count: with it or without it, it is the same data to a network that never saw it.
        """
        if not self._fingerprint:
            self._fingerprint = _fingerprint(self)
        return self._fingerprint


def _fingerprint(dataset: Dataset) -> str:
    digest = hashlib.sha256()
    for name, split in [(name, dataset[name]) for name in dataset if name != "test"] or dataset.items():
        digest.update(f"{name}:{len(split)};".encode())
        digest.update(np.ascontiguousarray(split.labels, "<i8").data)
        digest.update(np.ascontiguousarray(split.images, np.uint8).data)
    return digest.hexdigest()


def pixels(images: Bytes, rows: NDArray[Any]) -> Bytes:
    """Copy faces at indices out of images that may lie on disk, without mapping into memory what lies around them."""
    if not (isinstance(images, np.memmap) and isinstance(images.base, mmap.mmap) and images.flags.c_contiguous):
        return np.asarray(images[rows])
    size, chosen = int(np.prod(images.shape[1:])), np.arange(len(images))[rows].tolist()
    result = np.empty((len(chosen), *images.shape[1:]), np.uint8)
    with open(str(images.filename), "rb", buffering=0) as file:
        for place, row in enumerate(chosen):
            file.seek(images.offset + row * size)
            if file.readinto(result[place].reshape(-1).data) != size:
                return np.asarray(images[rows])  # the file was cut: the mapping tells it
    return result


def counts(dataset: Mapping[str, Split]) -> dict[str, Labels]:
    """Count the faces of each class, int64 (7,), per split; unlabelled ones are left out."""
    return {name: np.bincount(split.labels[split.labels >= 0], minlength=len(EMOTIONS)) for name, split in dataset.items()}


def official(found: Mapping[str, Any]) -> bool:
    """Tell by the number of faces of each class, per split, whether these are FER2013's own training and validation faces."""
    return all(name in found and [int(n) for n in found[name]] == list(FER2013[name]) for name in FER2013)


def draw_validation(train: Split, seed: int) -> tuple[Split, Split]:
    """Return (train, validation): a tenth of every class drawn from `seed`; the order of the faces stays."""
    generator = np.random.default_rng([seed, SIDE])
    chosen = np.zeros(len(train), bool)
    for label in range(len(EMOTIONS)):
        rows = np.flatnonzero(train.labels == label)
        wanted = max(round(len(rows) * VALIDATION_SHARE), 1) if len(rows) > 1 else 0
        chosen[generator.permutation(rows)[:wanted]] = True
    return train.take(~chosen), train.take(chosen)


@dataclass(frozen=True)
class Copies:
    """Tell which faces are pixel for pixel the same, and which are blank.

    surplus: per split, faces beyond the first of their kind. groups: the faces (split, index) of every kind that occurs more than once.
    conflicts: the groups with more than one label. blank: per split, indices of faces of one constant value.
    leaked: per split but train, bool (n,): whether the exact pixels stand in train too.
    """

    surplus: dict[str, int]
    groups: list[tuple[tuple[str, int], ...]]
    conflicts: list[tuple[tuple[str, int], ...]]
    blank: dict[str, Labels]
    leaked: dict[str, NDArray[np.bool_]] = field(default_factory=dict)


def copies(dataset: Mapping[str, Split]) -> Copies:
    """Find exact copies within and across splits, groups with conflicting labels, and blank faces."""
    found = {name: kinds(split.images) for name, split in dataset.items()}
    places: dict[bytes, list[tuple[str, int]]] = {}
    for name, keys in found.items():
        for index, key in enumerate(keys):
            places.setdefault(key, []).append((name, index))
    groups = [tuple(group) for group in places.values() if len(group) > 1]
    trained = set(found.get("train", ()))
    return Copies(
        surplus={name: len(keys) - len(set(keys)) for name, keys in found.items()},
        groups=groups,
        conflicts=[group for group in groups if len({int(dataset[name].labels[index]) for name, index in group} - {-1}) > 1],
        blank={name: _blank(split.images) for name, split in dataset.items()},
        leaked={name: np.fromiter((key in trained for key in keys), bool, len(keys)) for name, keys in found.items() if name != "train"},
    )


def face_hashes(images: Bytes) -> list[str]:
    """Return the hash of each face's pixels, 32 hex digits: the same pixels have the same hash in every edition and order."""
    return [kind.hex() for kind in kinds(images)]


def kinds(images: Bytes) -> list[bytes]:
    """Name each face (n, 48, 48) by its pixels: equal names, equal pixels."""
    return [hashlib.blake2b(face.data, digest_size=16).digest() for face in np.ascontiguousarray(images).reshape(len(images), -1)]


def _blank(images: Bytes) -> Labels:
    flat = images.reshape(len(images), -1)
    suspects = np.flatnonzero((flat[:, :64] == flat[:, :1]).all(axis=1))
    blank: Labels = suspects[(flat[suspects] == flat[suspects, :1]).all(axis=1)].astype(np.int64)
    return blank


def spread(rows: np.ndarray, most: int | None) -> np.ndarray:
    """Take at most so many of the rows (n,), evenly spread over them; all for `None`."""
    if most is None or len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]
