"""Near copies: faces that are altered copies of others, within training and across splits.

A copy that was mirrored, shifted, cropped, lit or encoded anew has other pixels and shows the same
photograph: a network that learned from the one has seen the other. A perceptual hash proposes
pairs, an alignment proves them. What was found is kept beside the cache of the data set.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_core import atomic_io
from fer_core.data.alignment import Alignment, align
from fer_core.data.dataset import Dataset, Split, alone
from fer_core.data.perceptual_hash import ZOOM, Images, candidates
from fer_core.data.splits import kinds

__all__ = ["LEAST", "Alignment", "NearCopies", "Pair", "Place", "find", "groups"]

VERSION = 1
"""Changes whenever the same faces would give other pairs, so that what was kept is not used."""
LEAST = {"photograph": 0.82, "drawn": 0.955}
"""Least correlation after alignment of a near copy.

On FER2013 different photographs of one person, and of two who look alike, reach 0.80 now and then,
and copies lie above 0.85, nine of ten above 0.90. Of the demo faces, drawn by one hand, 3,500 that
have nothing to do with each other reach 0.954, and 98 of 100 altered copies lie higher.
"""
HOPEFUL = {"photograph": 0.83, "drawn": 0.93}
"""Least coarse correlation for which an exact alignment is tried: it saves a third of the time."""
TASK = 128
"""Candidates that a thread takes at a time."""

Place = tuple[str, int]
"""A split and the index of a face in it."""
Ints = NDArray[np.int64]
Proof = dict[tuple[int, int], Alignment]


@dataclass(frozen=True)
class Pair:
    """Two faces of which one is an altered copy, and how `one` becomes `other`.

    `one` comes first in the order train, validation, test, and by its index within a split.
    """

    one: Place
    other: Place
    alignment: Alignment


@dataclass(frozen=True, eq=False)
class NearCopies:
    """Tell which faces are altered copies of others; pixel for pixel the same is no near copy.

    pairs: the most similar first. Of equal faces, the first of each split stands for all.
    near: per split but train, bool (n,): whether an altered copy stands in train and no exact one.
    groups: int64 (n of train,), from 0 on: training faces that copies, exact or near, connect.
    """

    pairs: tuple[Pair, ...]
    near: dict[str, NDArray[np.bool_]]
    groups: Ints

    def across(self) -> list[Pair]:
        """Return the pairs of a training face and another split's, the most similar first."""
        return [pair for pair in self.pairs if pair.one[0] == "train" and pair.other[0] != "train"]

    def within(self, split: str) -> list[Pair]:
        """Return the pairs inside a split, the most similar first."""
        return [pair for pair in self.pairs if pair.one[0] == pair.other[0] == split]


def find(
    dataset: Mapping[str, Split],
    *,
    drawn: bool | None = None,
    cache: Path | None = None,
    progress: Callable[[float], object] = lambda share: None,
) -> NearCopies:
    """Find the near copies within and across the splits of a data set; they are kept in the cache.

    Blank faces are copies of nothing. `drawn` tells that the faces are drawn like the demo's, not
    photographs; untold, those of the demo are. `progress` is told the share that is done, 0 to 1.
    """
    if drawn is None:
        drawn = isinstance(dataset, Dataset) and dataset.source.split(":")[0] == "demo"
    kind = "drawn" if drawn else "photograph"
    file = (cache or atomic_io.cache_folder()) / f"near-{_digest(dataset)}-{kind}-{VERSION}.npz"
    known = _read(file)
    if known is not None:
        return known
    with alone(file.with_suffix(".lock")):
        found = _read(file)
        if found is None:
            found = _searched(dataset, kind, progress)
            with suppress(OSError):  # a cache that cannot be written is done without
                _write(file, found)
    return found


def groups(
    faces: Mapping[str, Split] | Images, *, drawn: bool | None = None, cache: Path | None = None
) -> Ints:
    """Number the groups of faces that copies connect, exact or near: int64 (n,), from 0 on.

    Asked of a data set, its training faces are grouped; or images uint8 (n, 48, 48). Faces of one
    group must stay together where training faces are divided, as for cross-validation.
    """
    if isinstance(faces, np.ndarray):
        labels = np.full(len(faces), -1, np.int64)
        faces = Dataset({"train": Split(faces, labels, np.arange(len(faces)))}, "", "")
    return find(faces, drawn=drawn, cache=cache).groups


def _searched(
    dataset: Mapping[str, Split], look: str, progress: Callable[[float], object]
) -> NearCopies:
    places = [(split, index) for split, faces in dataset.items() for index in range(len(faces))]
    if not places:
        return NearCopies((), {}, np.zeros(0, np.int64))
    names = [name for faces in dataset.values() for name in kinds(faces.images)]
    first, kind = _numbered(names)  # of each kind its first place; of each place its kind
    images = np.concatenate([np.asarray(faces.images) for faces in dataset.values()])[first]
    flat = images.reshape(len(images), -1)
    seen = np.flatnonzero((flat != flat[:, :1]).any(1))  # blank faces are left out
    proven = _proven(images[seen], look, progress)
    edges = {(int(seen[a]), int(seen[b])): alignment for (a, b), alignment in proven.items()}
    splits = np.array([split for split, _ in places])
    trained = np.zeros(len(first), bool)
    trained[kind[splits == "train"]] = True
    near = _beside(edges, trained)
    progress(1.0)
    return NearCopies(
        pairs=_pairs(edges, places, kind),
        near={split: near[kind[splits == split]] for split in dataset if split != "train"},
        groups=_components(
            [edge for edge in edges if trained[list(edge)].all()], kind[splits == "train"]
        ),
    )


def _numbered(names: list[bytes]) -> tuple[Ints, Ints]:
    """Number names by their first occurrence: (place of the first of each, number of each)."""
    numbers: dict[bytes, int] = {}
    kind = np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)
    return np.unique(kind, return_index=True)[1].astype(np.int64), kind


def _proven(images: Images, look: str, progress: Callable[[float], object]) -> Proof:
    """Prove the candidates among faces (n, 48, 48): {(a, b), a < b: how a becomes b}."""
    rows = candidates(images, lambda share: progress(0.5 * share))

    def prove(part: Ints) -> list[tuple[int, int, Alignment | None]]:
        found = []
        for a, b, mirrored, zoomed in part.tolist():
            scale = ZOOM if zoomed else 1.0
            way = align(
                images[a], images[b], mirrored=bool(mirrored), scale=scale, hopeful=HOPEFUL[look]
            )
            found.append((a, b, way))
        return found

    parts = [rows[start : start + TASK] for start in range(0, len(rows), TASK)]
    best: Proof = {}
    with ThreadPoolExecutor() as pool:
        for number, found in enumerate(pool.map(prove, parts)):
            _keep_best(best, found, LEAST[look])
            progress(0.5 + 0.49 * number / len(parts))
    return best


def _keep_best(
    best: Proof, found: Iterable[tuple[int, int, Alignment | None]], least: float
) -> None:
    """Take over what is proven, and of two alignments of a pair the one that matches better."""
    for a, b, alignment in found:
        if alignment is None or alignment.correlation < least:
            continue
        pair, way = ((a, b), alignment) if a < b else ((b, a), alignment.inverse())
        if pair not in best or best[pair].correlation < way.correlation:
            best[pair] = way


def _beside(edges: Proof, trained: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell of each kind, bool (kinds,), whether it is near one of train and not in train itself."""
    near = np.zeros(len(trained), bool)
    for a, b in edges:
        near[a] |= trained[b]
        near[b] |= trained[a]
    return near & ~trained


def _pairs(edges: Proof, places: list[Place], kind: Ints) -> tuple[Pair, ...]:
    """Write pairs of kinds as pairs of faces: of each kind the first face in each split."""
    wanted = {number for edge in edges for number in edge}
    stands: dict[int, dict[str, int]] = {
        number: {} for number in wanted
    }  # places, by kind and split
    for place, number in enumerate(kind.tolist()):
        if number in wanted:
            stands[number].setdefault(places[place][0], place)
    pairs = []
    for (a, b), alignment in edges.items():
        for one, other in product(stands[a].values(), stands[b].values()):
            if one < other:
                pairs.append(Pair(places[one], places[other], alignment))
            else:
                pairs.append(Pair(places[other], places[one], alignment.inverse()))
    return tuple(
        sorted(pairs, key=lambda pair: (-pair.alignment.correlation, pair.one, pair.other))
    )


def _components(edges: list[tuple[int, int]], kind: Ints) -> Ints:
    """Number the connected components of kinds, told for each face (n,) by its kind: int64 (n,)."""
    parent = {number: number for edge in edges for number in edge}

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for a, b in edges:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    leaders = [root(number) if number in parent else number for number in kind.tolist()]
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(leader, len(numbers)) for leader in leaders], np.int64)


def _digest(dataset: Mapping[str, Split]) -> str:
    """Name the pixels of all splits: a data set's own fingerprint leaves the test split out."""
    digest = hashlib.sha256()
    for name, split in dataset.items():
        digest.update(f"{name}:{len(split)};".encode())
        digest.update(np.ascontiguousarray(split.images, np.uint8).data)
    return digest.hexdigest()[:16]


def _write(file: Path, found: NearCopies) -> None:
    names = sorted({place[0] for pair in found.pairs for place in (pair.one, pair.other)})
    rows = [
        (names.index(pair.one[0]), pair.one[1], names.index(pair.other[0]), pair.other[1])
        for pair in found.pairs
    ]
    ways = [
        (a.correlation, a.mirrored, a.right, a.down, a.scale)
        for a in (pair.alignment for pair in found.pairs)
    ]
    arrays = {
        "names": np.array(names, np.str_),
        "places": np.array(rows, np.int64).reshape(-1, 4),
        "alignments": np.array(ways, np.float64).reshape(-1, 5),
        "groups": found.groups,
    }
    arrays |= {f"near.{split}": mask for split, mask in found.near.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic_io.write_arrays(file, **arrays)


def _read(file: Path) -> NearCopies | None:
    """Read what was kept; `None` where it is missing or damaged."""
    try:
        arrays = atomic_io.read_arrays(file)
        names = arrays["names"].tolist()
        pairs = []
        for place, way in zip(
            arrays["places"].tolist(), arrays["alignments"].tolist(), strict=True
        ):
            one, other = (names[place[0]], place[1]), (names[place[2]], place[3])
            pairs.append(Pair(one, other, Alignment(way[0], bool(way[1]), *way[2:])))
        near = {name[5:]: mask for name, mask in arrays.items() if name.startswith("near.")}
        return NearCopies(tuple(pairs), near, arrays["groups"])
    except (OSError, ValueError, KeyError, IndexError, TypeError, EOFError, zipfile.BadZipFile):
        return None
