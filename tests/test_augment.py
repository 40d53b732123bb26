"""Augmentation by known answers, and its independence of everything but (seed, epoch, index)."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from fer_core.config import RunConfig
from fer_core.data.augmentation import DRAWS, Sampler, alternating, augment, examples, uniforms

OFF = {"flip": 0.0, "shift": 0.0, "zoom": 0.0, "rotation": 0.0, "contrast": 0.0, "erase": 0.0}
ALL = RunConfig.from_preset("strong", seed=5)
FACES = np.random.default_rng(0).integers(0, 256, (40, 48, 48), dtype=np.uint8)


def only(**knobs):
    return RunConfig.from_preset("quick", **{**OFF, **knobs})


@pytest.fixture
def drawing(monkeypatch):
    """Let a test say what is drawn: every number is the middle, 0.5, but those told."""
    def say(**told):
        monkeypatch.setattr("fer_core.data.augmentation.uniforms", lambda seed, epoch, indices, count: np.stack(
            [np.full(len(indices), told.get(name, 0.5)) for name in DRAWS]))
    return say


def test_nothing_asked_nothing_done():
    assert np.array_equal(augment(FACES, np.arange(40), 3, only()), FACES)


def test_the_flip_is_a_mirror():
    assert np.array_equal(augment(FACES, np.arange(40), 0, only(flip=1)), FACES[:, :, ::-1])
    half = augment(FACES, np.arange(40), 0, only(flip=0.5))
    mirrored = (half == FACES[:, :, ::-1]).all((1, 2))
    assert (mirrored | (half == FACES).all((1, 2))).all()
    assert 8 < mirrored.sum() < 32


def test_a_shift_moves_right_and_down_and_reflects_the_border(drawing):
    drawing(right=1.0, down=0.25)
    moved = augment(FACES, np.arange(40), 0, only(shift=4))
    assert np.array_equal(moved[:, :46, 4:], FACES[:, 2:, :44])
    assert np.array_equal(moved[:, :46, :4], FACES[:, 2:, 3::-1])


def test_a_quarter_turn_is_exact(drawing):
    drawing(rotation=1.0)
    turned = augment(FACES, np.arange(40), 0, only(rotation=90))
    assert any(np.array_equal(turned, np.rot90(FACES, k, (1, 2))) for k in (1, 3))


def test_a_zoom_keeps_the_centre(drawing):
    drawing(zoom=1.0)
    ramp = np.broadcast_to(np.arange(48, dtype=np.uint8) * 4, (1, 48, 48))
    zoomed = augment(ramp, np.zeros(1, int), 0, only(zoom=0.5)).astype(float)
    inner = 23.5 * 4 + (np.arange(48) - 23.5) * 4 / 1.5
    np.testing.assert_allclose(zoomed[0, 20, 1:-1], inner[1:-1], atol=1)


def test_contrast_and_brightness_stay_within_their_limits(drawing):
    drawing(contrast=1.0, brightness=0.5)
    expected = np.clip(np.rint(127.5 + (FACES - 127.5) * 1.2), 0, 255)
    assert np.array_equal(augment(FACES, np.arange(40), 0, only(contrast=0.2)), expected)
    drawing(contrast=0.5, brightness=0.0)
    assert np.array_equal(augment(FACES, np.arange(40), 0, only(contrast=0.2)), np.clip(np.rint(FACES - 25.5), 0, 255))


def test_an_erased_rectangle_has_one_grey_and_the_told_size():
    places = np.arange(2000)
    erased = augment(np.broadcast_to(FACES[:1], (2000, 48, 48)), places, 1, only(erase=0.25))
    changed = erased != FACES[0]
    touched = changed.any((1, 2))
    assert abs(touched.mean() - 0.25) < 0.04
    for face, mask in zip(erased[touched], changed[touched], strict=True):
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        box = face[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert len(np.unique(box)) == 1 and box.size <= 0.22 * 48 * 48


def test_a_face_depends_on_seed_epoch_and_index_alone():
    whole = augment(FACES, np.arange(40), 2, ALL)
    shuffled = np.random.default_rng(1).permutation(40)
    assert np.array_equal(augment(FACES[shuffled], shuffled, 2, ALL), whole[shuffled])
    assert np.array_equal(augment(FACES[7:8], np.array([7]), 2, ALL), whole[7:8])
    for other in (augment(FACES, np.arange(40), 3, ALL), augment(FACES, np.arange(40) + 40, 2, ALL),
                  augment(FACES, np.arange(40), 2, ALL.model_copy(update={"seed": 6}))):
        assert not (other == whole).all((1, 2)).any()


def test_another_process_makes_the_same_faces():
    code = ("import hashlib, numpy as np\nfrom fer_core.data.augmentation import augment\nfrom fer_core.config import RunConfig\n"
            "faces = np.random.default_rng(0).integers(0, 256, (40, 48, 48), dtype=np.uint8)\n"
            "print(hashlib.sha256(augment(faces, np.arange(40), 2, RunConfig.from_preset('strong', seed=5)).tobytes()).hexdigest())")
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert told == hashlib.sha256(augment(FACES, np.arange(40), 2, ALL).tobytes()).hexdigest()


def test_the_input_is_left_alone():
    before = FACES.copy()
    augment(FACES, np.arange(40), 0, ALL)
    assert np.array_equal(FACES, before)


def test_examples_are_the_epochs_of_one_face():
    shown = examples(FACES[0], ALL, 5)
    assert shown.shape == (5, 48, 48)
    assert np.array_equal(shown[4], augment(FACES[:1], np.zeros(1, int), 4, ALL)[0])


def test_the_numbers_are_uniform_and_unrelated():
    numbers = uniforms(0, 0, np.arange(20000), 4)
    assert numbers.min() >= 0 and numbers.max() < 1
    np.testing.assert_allclose(np.histogram(numbers, 10, (0, 1))[0] / numbers.size, 0.1, atol=0.005)
    later, reseeded = uniforms(0, 1, np.arange(20000), 1)[0], uniforms(1, 0, np.arange(20000), 1)[0]
    neighbours = np.stack([*numbers, later, reseeded, np.roll(numbers[0], 1)])
    assert np.abs(np.corrcoef(neighbours) - np.eye(7)).max() < 0.03


LABELS = np.repeat([0, 1, 2, 3, 4, 5, 6], [400, 44, 410, 722, 483, 317, 497])


def test_without_oversampling_every_face_comes_once():
    order = Sampler(LABELS, only()).order(0)
    assert order.dtype == np.int64
    assert np.array_equal(np.sort(order), np.arange(len(LABELS)))
    assert not np.array_equal(order, Sampler(LABELS, only()).order(1))
    assert np.array_equal(order, Sampler(LABELS, only()).order(0))
    assert not np.array_equal(order, Sampler(LABELS, only(seed=1)).order(0))


def test_full_oversampling_draws_every_class_alike():
    order = Sampler(LABELS, only(oversample=1)).order(4)
    assert len(order) == len(LABELS)
    counts = np.bincount(LABELS[order])
    assert counts.max() - counts.min() <= 1
    copies = np.bincount(order, minlength=len(LABELS))
    rare = copies[LABELS == 1]
    assert rare.max() - rare.min() <= 1 and rare.min() >= 9


def test_half_oversampling_stands_half_way():
    counts = np.bincount(LABELS[Sampler(LABELS, only(oversample=0.5)).order(0)])
    np.testing.assert_allclose(counts, (np.bincount(LABELS) + len(LABELS) / 7) / 2, atol=1)


def test_a_set_without_some_class_is_still_sampled():
    labels = np.array([0, 0, 0, 3])
    assert np.bincount(labels[Sampler(labels, only(oversample=1)).order(0)], minlength=7).tolist() == [2, 0, 0, 2, 0, 0, 0]
    assert len(Sampler(np.zeros(0, int), only()).order(0)) == 0


def test_each_face_is_mirrored_in_every_second_epoch():
    still = RunConfig(alternate_flip=True, flip=0.0, shift=0, zoom=0, rotation=0, contrast=0)
    faces = np.random.default_rng(0).integers(0, 256, (60, 48, 48)).astype(np.uint8)
    rows, places = np.arange(60), np.arange(60)
    epochs = [augment(faces, places, epoch, still, rows=rows) for epoch in range(4)]
    mirrored = [[np.array_equal(face, source[:, ::-1]) for face, source in zip(shown, faces, strict=True)] for shown in epochs]
    assert 15 < sum(mirrored[0]) < 45, "the first time by chance"
    assert mirrored[0] == mirrored[2] == [not was for was in mirrored[1]] == [not was for was in mirrored[3]]
    assert alternating(1, 0, rows).tolist() != alternating(0, 0, rows).tolist()


def test_the_flip_follows_the_face_and_not_its_place():
    still = RunConfig(alternate_flip=True, shift=0, zoom=0, rotation=0, contrast=0)
    faces = np.random.default_rng(0).integers(0, 256, (20, 48, 48)).astype(np.uint8)
    order = np.random.default_rng(1).permutation(20)
    one = augment(faces, np.arange(20), 5, still, rows=np.arange(20))
    other = augment(faces[order], np.arange(20), 5, still, rows=order)
    assert np.array_equal(one[order], other)


def test_crops_are_squares_of_the_changed_face():
    config = RunConfig(erase=0.5, seed=4)
    faces = np.random.default_rng(0).integers(0, 256, (30, 48, 48)).astype(np.uint8)
    whole, crops = augment(faces, np.arange(30), 2, config), augment(faces, np.arange(30), 2, config, side=40)
    assert crops.shape == (30, 40, 40)
    corners = []
    for face, crop in zip(whole, crops, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(face, (40, 40))
        places = np.argwhere((windows == crop).all((2, 3)))
        assert len(places) == 1
        corners.append(tuple(places[0]))
    assert len(set(corners)) > 15 and {row for row, _ in corners} >= {0, 8}
