"""Nearest training faces and typicality against plain numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.errors import FerError
from fer_core.metrics import neighbours
from fer_core.metrics.neighbours import distance_to_centre, nearest


def features(n=60, d=5, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float16)


@given(st.integers(0, 1000), st.integers(1, 70))
def test_the_nearest_have_the_greatest_cosines(seed, k):
    rows, face = features(seed=seed), features(1, seed=seed + 1)[0]
    found = nearest(face, rows, k)
    wide = rows.astype(np.float64)
    cosines = wide @ face.astype(np.float64) / np.linalg.norm(wide, axis=1) / np.linalg.norm(face.astype(np.float64))
    assert np.allclose(found.similarity, np.sort(cosines)[::-1][:k], atol=1e-5)
    assert np.allclose(cosines[found.faces], found.similarity, atol=1e-5)
    assert len(set(found.faces.tolist())) == min(k, 60)


def test_a_face_is_its_own_nearest_and_equals_come_by_index():
    rows = np.concatenate([features(5), features(5)])
    found = nearest(rows[2], rows, 2)
    assert found.faces.tolist() == [2, 7]
    assert np.allclose(found.similarity, 1, atol=1e-5)


def test_the_vote_leaves_unlabelled_faces_out():
    found = neighbours.Neighbours(np.array([0, 1, 2, 3]), np.ones(4))
    assert found.vote(np.array([6, 6, -1, 2])).tolist() == [0, 0, 1, 0, 0, 0, 2]


def test_chunks_change_nothing(monkeypatch):
    rows, labels = features(50), np.arange(50) % 7
    whole = nearest(rows[3], rows, 9), distance_to_centre(rows, labels)
    monkeypatch.setattr(neighbours, "CHUNK", 7)
    parts = nearest(rows[3], rows, 9), distance_to_centre(rows, labels)
    assert whole[0].faces.tolist() == parts[0].faces.tolist()
    assert np.allclose(whole[1], parts[1], atol=1e-5)


def test_features_of_two_networks_are_refused():
    with pytest.raises(FerError, match="two networks"):
        nearest(np.zeros(4), features(3, 5))


def test_no_training_face_gives_no_neighbour():
    assert len(nearest(np.ones(5), np.empty((0, 5))).faces) == 0


def test_typicality_is_the_distance_to_the_mean_of_the_class():
    rows = np.array([[0, 0], [2, 0], [5, 5], [9, 9]], np.float16)
    distances = distance_to_centre(rows, np.array([0, 0, 1, -1]))
    assert distances[:3].tolist() == [1, 1, 0]
    assert np.isnan(distances[3])
