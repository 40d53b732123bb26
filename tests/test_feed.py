"""The trainer's batches: each face once an epoch, the same from any step on, in any thread."""

import numpy as np

from fer_core.config import RunConfig
from fer_core.training.batches import Feed
from fer_core.training.training_set import TrainingSet

PLAIN = {"flip": 0.0, "shift": 0.0, "zoom": 0.0, "rotation": 0.0, "contrast": 0.0, "erase": 0.0, "batch_size": 8}


def numbered(count=50):
    """Faces that carry their number in every pixel, and as their label its rest by seven."""
    number = np.arange(count)
    return TrainingSet(np.repeat(number, 48 * 48).reshape(count, 48, 48).astype(np.uint8), number % 7, number)


def test_an_epoch_shows_each_face_at_most_once_with_its_label():
    feed = Feed(numbered(), RunConfig(**PLAIN))
    shown = [(int(face[0, 0]), int(label)) for batch in feed.batches(0, 0)
             for face, label in zip(batch.images, batch.labels, strict=True)]
    assert all(np.array_equal(batch.rows, batch.images[:, 0, 0]) for batch in feed.batches(0, 0))
    assert len(shown) == 48 and feed.steps == 6
    assert len({number for number, _ in shown}) == 48
    assert all(number % 7 == label for number, label in shown)


def test_any_step_can_be_the_first():
    feed = Feed(numbered(), RunConfig(batch_size=8, erase=0.5, seed=3))
    whole = list(feed.batches(4, 0))
    for first in (1, 5):
        rest = list(feed.batches(4, first))
        assert len(rest) == 6 - first
        assert all(np.array_equal(a.images, b.images) and np.array_equal(a.labels, b.labels)
                   for a, b in zip(whole[first:], rest, strict=True))
    assert list(feed.batches(4, 6)) == []


def test_epochs_differ_and_seeds_differ():
    faces = numbered()
    def order(seed, epoch):
        return [int(face[0, 0]) for batch in Feed(faces, RunConfig(**PLAIN, seed=seed)).batches(epoch, 0) for face in batch.images]

    first, other_epoch, other_seed = order(0, 0), order(0, 1), order(1, 0)
    assert first != other_epoch and first != other_seed
    assert first == order(0, 0)


def test_fewer_faces_than_a_batch_are_one_batch():
    feed = Feed(numbered(5), RunConfig(**PLAIN))
    assert (feed.size, feed.steps) == (5, 1)
    assert len(list(feed.calm())) == 1


def test_the_calm_batches_are_the_same_every_time():
    feed = Feed(numbered(), RunConfig(batch_size=8))
    one, two = list(feed.calm(3, 16)), list(feed.calm(3, 16))
    assert len(one) == 3 and all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
