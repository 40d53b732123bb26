"""Folds: no group on both sides, every class alike, the same for the same seed; scikit-learn's own splitter as the oracle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from fer_core.data.folds import assign, merge_groups, person_groups
from fer_core.data.splits import Split
from fer_core.errors import DataError


def faces(labels, groups=None):
    """A split whose faces are copies where they have the same group number."""
    number = np.arange(len(labels)) if groups is None else np.asarray(groups)
    images = np.zeros((len(labels), 48, 48), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = number % 256, number // 256
    return Split(images, np.asarray(labels), np.arange(len(labels)))


@given(st.integers(2, 6), st.integers(0, 5), st.integers(20, 120))
def test_a_group_is_never_split(folds, seed, count):
    random = np.random.default_rng([seed, count])
    groups = random.integers(0, count, count)
    split = faces(random.integers(0, 7, count), groups)
    fold = assign(split, folds, seed, groups)
    assert fold.min() >= 1 and fold.max() <= folds
    for group in np.unique(groups):
        assert len(np.unique(fold[groups == group])) == 1


def test_single_faces_differ_by_one_at_most_in_every_class():
    labels = np.random.default_rng(0).integers(0, 7, 503)
    fold = assign(faces(labels), 5, 3, np.arange(503))
    for label in range(7):
        sizes = np.bincount(fold[labels == label], minlength=6)[1:]
        assert np.ptp(sizes) <= 1


def test_folds_with_groups_are_as_even_as_scikit_learns():
    random = np.random.default_rng(1)
    labels = np.sort(random.choice(7, 700, p=[0.14, 0.02, 0.14, 0.25, 0.17, 0.11, 0.17]))
    groups = np.arange(700)
    for first in range(0, 600, 9):
        groups[first : first + 3] = first
    own = assign(faces(labels, groups), 5, 0, groups)
    theirs = np.zeros(700, int)
    for fold, (_, rows) in enumerate(StratifiedGroupKFold(5, shuffle=True, random_state=0).split(labels, labels, groups), 1):
        theirs[rows] = fold

    def unevenness(fold):
        table = np.stack([np.bincount(labels[fold == k], minlength=7) for k in range(1, 6)])
        return float((table.std(0) / np.bincount(labels)).max())

    assert unevenness(own) <= unevenness(theirs) + 1e-9


def test_seeds_and_numbers_of_folds_give_other_folds_and_the_same_ones_again():
    split, alone = faces(np.arange(100) % 7), np.arange(100)
    assert np.array_equal(assign(split, 5, 1, alone), assign(split, 5, 1, alone))
    assert not np.array_equal(assign(split, 5, 1, alone), assign(split, 5, 2, alone))


def test_groupings_are_joined_through_one_another():
    persons, copies = np.array([0, 0, 1, 2, 3, 4]), np.array([0, 1, 1, 2, 3, 3])
    joined = merge_groups(persons, copies)
    assert joined[0] == joined[1] == joined[2] and joined[4] == joined[5]
    assert len(set(joined.tolist())) == 3


def test_persons_are_found_in_the_names_of_files():
    split = faces(np.arange(4))
    named = Split(split.images, split.labels, np.array(["s01_a.png", "s02_a.png", "s01_b.png", "other.png"]))
    persons = person_groups(named, r"^(s\d+)_")
    assert persons[0] == persons[2] and len(set(persons.tolist())) == 3


@pytest.mark.parametrize("pattern, words", [("(", "no regular expression"), ("^nobody", "No face's name")])
def test_a_pattern_that_finds_nobody_is_told(pattern, words):
    with pytest.raises(DataError, match=words):
        person_groups(faces([0, 1, 2]), pattern)


@pytest.mark.real_data
def test_the_real_training_faces(real_data):
    from fer_core.data import near_copies
    from fer_core.data.dataset import read

    train = read(real_data)["train"]
    train = train.take(np.arange(0, len(train), 9))  # the search among all of them is benchmarks.near_copies
    groups = near_copies.groups(np.asarray(train.images))
    fold = assign(train, 5, 0, groups)
    first = np.full(groups.max() + 1, 0)
    first[groups] = fold
    assert np.array_equal(first[groups], fold)
    for label in range(7):
        sizes = np.bincount(fold[train.labels == label], minlength=6)[1:]
        assert np.ptp(sizes) <= 2
