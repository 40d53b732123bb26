"""Which training faces a face resembles, as the network sees it: distances between the features before the last layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_core.errors import FerError
from fer_core.metrics.scores import CLASSES

CHUNK = 50_000


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The faces nearest to one face, nearest first: their indices (k,) and cosine similarities (k,), 1 being the same direction."""

    faces: np.ndarray
    similarity: np.ndarray

    def vote(self, labels: np.ndarray) -> np.ndarray:
        """Count the labels of the neighbours: labels (n,) of the training faces to int64 (7,); unlabelled ones do not vote."""
        chosen = labels[self.faces]
        return np.bincount(chosen[chosen >= 0], minlength=CLASSES)


def nearest(face: np.ndarray, features: np.ndarray, k: int = 10) -> Neighbours:
    """Find the k rows of `features` (n, d) most similar to `face` (d,) by cosine; equals come in the order of their index.

    Raises FerError when the widths differ: then they come from two networks.
    """
    if features.ndim != 2 or face.shape != features.shape[1:]:
        raise FerError("These features come from two networks.", received=f"{face.shape} and {features.shape}",
                       todo="predict both splits with the same run again")
    direction = face.astype(np.float32)
    direction /= max(float(np.linalg.norm(direction)), 1e-12)
    scores = np.concatenate([_cosines(features[start : start + CHUNK], direction) for start in range(0, len(features), CHUNK)] or
                            [np.empty(0, np.float32)])
    order = np.lexsort((np.arange(len(scores)), -scores))[:k]
    return Neighbours(order, scores[order])


def _cosines(rows: np.ndarray, direction: np.ndarray) -> np.ndarray:
    part = rows.astype(np.float32)
    lengths = np.maximum(np.sqrt(np.einsum("ij,ij->i", part, part)), 1e-12)
    cosines: np.ndarray = (part @ direction) / lengths
    return cosines


def distance_to_centre(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Give each face's distance to the mean of all faces with its label, float32 (n,); small is typical, NaN without a label."""
    result = np.full(len(labels), np.nan, np.float32)
    for label in range(CLASSES):
        rows = np.flatnonzero(labels == label)
        if not len(rows):
            continue
        parts = [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]
        centre = sum(features[part].astype(np.float64).sum(0) for part in parts) / len(rows)
        for part in parts:
            result[part] = np.linalg.norm(features[part].astype(np.float32) - centre.astype(np.float32), axis=1)
    return result
