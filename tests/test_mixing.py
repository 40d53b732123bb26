"""Mixed batches: shares that add up, rectangles that are where the labels say, the same draw for the same step."""

import numpy as np
import pytest

from fer_core.config import RunConfig
from fer_core.training import mixing
from fer_core.training.batches import Feed
from fer_core.training.training_set import TrainingSet

STILL = {"flip": 0.0, "shift": 0.0, "zoom": 0.0, "rotation": 0.0, "contrast": 0.0, "erase": 0.0, "batch_size": 16}


def constant_faces(count=64):
    """Faces of one grey value each, three times their number."""
    number = np.arange(count)
    return TrainingSet(np.repeat(3 * number, 48 * 48).reshape(count, 48, 48).astype(np.uint8), number % 7, number)


def batches(config, epoch=0):
    return list(Feed(constant_faces(), config).batches(epoch, 0))


def test_blended_faces_and_their_labels_have_the_same_shares():
    for batch in batches(RunConfig(**STILL, mixup=1.0, label_smoothing=0.0, seed=2)):
        assert batch.mixed
        assert np.allclose(batch.targets.sum(1), 1, atol=1e-6)
        own = 3 * batch.rows
        for face, grey, label, target in zip(batch.images, own, batch.labels, batch.targets, strict=True):
            assert (face == face[0, 0]).all(), "a blend of two even faces is even"
            others = np.delete(target, label)
            assert others.max() == pytest.approx(others.sum(), abs=1e-6), "one partner at most"
            if target[label] == 1:
                continue  # the partner has the same label
            partners = own[batch.labels == target.tolist().index(others.max())]
            blends = np.rint(target[label] * grey + (1 - target[label]) * partners)
            assert face[0, 0] in blends


def test_a_rectangle_covers_the_share_that_the_label_says():
    seen = 0
    for batch in batches(RunConfig(**STILL, cutmix=1.0, label_smoothing=0.0, seed=3)):
        assert batch.mixed
        for face, row, label, target in zip(batch.images, batch.rows, batch.labels, batch.targets, strict=True):
            share = float((face == 3 * row).mean())
            if target[label] < 1:
                assert target[label] == pytest.approx(share, abs=1e-6)
                rows, columns = np.nonzero(face != 3 * row)
                area = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
                assert len(rows) == area, "one whole rectangle"
                seen += 1
    assert seen > 10


def test_the_share_of_mixed_batches_is_the_one_asked_for():
    config = RunConfig(mixup=0.2, cutmix=0.3, epochs=1000, seed=1)
    drawn = [mixing.draw(config, epoch, step, 16, 48) for epoch in range(40) for step in range(50)]
    blended = np.mean([mix is not None and mix.box is None for mix in drawn])
    cut = np.mean([mix is not None and mix.box is not None for mix in drawn])
    assert blended == pytest.approx(0.2, abs=0.03)  # 2,000 draws: three standard errors
    assert cut == pytest.approx(0.3, abs=0.03)


def test_the_last_tenth_is_never_mixed_and_no_knob_mixes_nothing():
    config = RunConfig(mixup=0.5, cutmix=0.5, epochs=20)
    assert mixing.draw(config, 17, 0, 16, 48) is not None
    assert mixing.draw(config, 18, 0, 16, 48) is None
    assert mixing.draw(RunConfig(epochs=20), 0, 0, 16, 48) is None


def test_a_step_is_mixed_the_same_way_every_time():
    config = RunConfig(batch_size=16, cutmix=0.5, mixup=0.5, seed=5)
    whole = list(Feed(constant_faces(), config).batches(3, 0))
    rest = list(Feed(constant_faces(), config).batches(3, 2))
    for one, other in zip(whole[2:], rest, strict=True):
        assert np.array_equal(one.images, other.images)
        assert np.array_equal(one.targets, other.targets)


def test_what_a_teacher_says_is_mixed_like_the_labels():
    faces = constant_faces()
    teacher = np.eye(7, dtype=np.float32)[faces.labels]
    weights = np.linspace(0.5, 2, len(faces)).astype(np.float32)
    feed = Feed(TrainingSet(faces.images, faces.labels, faces.rows, weights, teacher), RunConfig(**STILL, cutmix=1.0, seed=3))
    for batch in feed.batches(0, 0):
        assert np.allclose(batch.teacher, batch.targets, atol=1e-6)
        assert batch.weights.min() >= 0.5 and batch.weights.max() <= 2
