"""Regions against the demo faces' true masks; the ledger and hiding against known answers."""

import keras
import numpy as np
import pytest

from fer_core.attribution import region_occlusion, region_shares
from fer_core.errors import FerError
from fer_core.faces import eye_detector, regions
from fer_core.faces.regions import NAMES, Box


@pytest.fixture(scope="module")
def masks():
    return regions.fixed().masks


def overlap(one, other):
    return (one & other).sum(axis=(-1, -2)) / (one | other).sum(axis=(-1, -2))


def test_every_pixel_belongs_to_one_region(faces, masks):
    assert masks.shape == (6, 48, 48) and (masks.sum(axis=0) == 1).all()
    true = regions.with_rest(faces.masks)
    assert true.shape == (70, 6, 48, 48) and (true.sum(axis=1) == 1).all()
    assert np.array_equal(true[:, 5], ~faces.masks.any(axis=1))


def test_left_is_the_viewers_left_and_down_is_down(masks):
    y, x = (np.array([np.argwhere(mask)[:, axis].mean() for mask in masks[:5]]) for axis in (0, 1))
    assert x[0] < x[3] < x[1] and abs(x[2] - 23.5) < 1
    assert y[2] < y[0] < y[3] < y[4]


def test_regions_laid_upon_the_eyes_fit_better_than_fixed_ones(faces):
    fixed = overlap(regions.fixed(drawn=True).masks[:5], faces.masks)
    found = regions.located(faces.images, drawn=True)
    laid = overlap(np.stack([one.masks[:5] for one in found]), faces.masks)
    assert np.mean([one.eyes_found for one in found]) > 0.9
    assert (laid.mean(axis=0) > fixed.mean(axis=0) + 0.05).all()
    assert (laid.mean(axis=0) > (0.68, 0.68, 0.52, 0.62, 0.58)).all()


def test_a_face_without_eyes_gets_the_fixed_regions():
    blank = np.full((48, 48), 90, np.uint8)
    assert eye_detector.find_eyes([blank]) == [None]
    assert regions.located([blank])[0] == regions.fixed()


def test_a_slanted_pair_of_eyes_turns_the_regions():
    laid = regions.around(((16, 22), (32, 18)), drawn=True)
    mouth = laid.boxes["mouth"][0]
    assert (mouth.left + mouth.right) / 2 > 24 + 3  # the face leans to the viewer's left, so its mouth swings to the right
    assert laid.boxes["brows"][0].top > laid.boxes["brows"][1].top


def test_nose_and_mouth_of_a_photograph_follow_the_eyes_by_a_part_only():
    average = regions.EYES["photograph"]
    wide = tuple((24 + 1.5 * (x - 23.8), y + 2) for x, y in average)  # one and a half times as far apart, and lower
    usual, laid = regions.fixed(), regions.around(wide)

    def middle(where, name):
        box = where.boxes[name][0]
        return np.array([box.left + box.right, box.top + box.bottom]) / 2

    np.testing.assert_allclose(middle(laid, "left_eye"), wide[0], atol=0.2)
    believed = 18.3 + 2 + 1.12 * 1.5 * 17.2  # where the mouth would be, were the eyes believed wholly
    assert middle(usual, "mouth")[1] == pytest.approx(18.3 + 1.12 * 17.2)
    assert middle(laid, "mouth")[1] == pytest.approx(middle(usual, "mouth")[1] + 0.4 * (believed - middle(usual, "mouth")[1]))
    assert middle(laid, "mouth")[1] < 43 < 48 < believed  # else it would lie below the picture


def test_boxes_move_and_survive_json():
    moved = regions.fixed().with_box("mouth", 0, Box(10, 30, 20, 40).moved(x=2, y=-1, grow=1))
    assert moved.boxes["mouth"] == (Box(11, 28, 23, 40),)
    assert moved.masks[NAMES.index("mouth"), 34, 17] and not moved.masks[NAMES.index("mouth"), 28, 11]
    assert regions.Regions.from_json(moved.to_json()).boxes == moved.boxes
    for wrong in ({}, {**moved.to_json(), "nose": [[1, 2, 3]]}, {**moved.to_json(), "nose": [["a", 2, 3, 4]]}, []):
        with pytest.raises(FerError, match="not the regions of a face"):
            regions.Regions.from_json(wrong)


def test_a_flat_map_prefers_nothing(masks):
    found = region_shares.ledger(np.full((3, 48, 48), -2.0), masks)
    np.testing.assert_allclose(found.shares.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(found.preference, 1, rtol=1e-5)


def test_a_map_on_the_mouth_is_the_mouths(masks):
    found = region_shares.ledger(masks[4][None] * -1.0, regions.fixed())
    assert found.names[4] == "mouth" and found.shares[0].tolist() == [0, 0, 0, 0, 1, 0]
    np.testing.assert_allclose(found.preference[0, 4], 2304 / masks[4].sum(), rtol=1e-6)


def test_all_features_together_are_all_but_the_rest(faces, masks):
    book = region_shares.ledger(np.random.default_rng(0).normal(size=faces.images.shape), masks)
    both = book.features
    assert both.names == ("features",) and np.allclose(both.shares[:, 0], 1 - book.shares[:, -1], atol=1e-6)
    assert np.allclose(both.areas[:, 0], 1 - book.areas[:, -1], atol=1e-6)


def test_edges_are_where_the_grey_changes():
    ramp = np.broadcast_to(3.0 * np.arange(48) + 4.0 * np.arange(48)[:, None], (1, 48, 48))
    assert np.allclose(region_shares.edges(ramp), 5) and not region_shares.edges(np.full((2, 48, 48), 90)).any()
    step = np.zeros((1, 48, 48))
    step[:, :, 24:] = 200
    assert set(np.nonzero(region_shares.edges(step))[2]) == {23, 24}


def test_mean_and_interval_over_faces_leave_out_blank_maps(faces):
    random = np.random.default_rng(0)
    maps = random.normal(size=(70, 48, 48))
    maps[5] = 0
    found = region_shares.ledger(maps, regions.with_rest(faces.masks))
    assert found.blank == 1 and np.isnan(found.shares[5]).all()
    rows = np.delete(found.preference, 5, axis=0).astype(np.float64)
    means, intervals = found.mean()
    np.testing.assert_allclose(means, rows.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(intervals[:, 1] - means, 1.995 * rows.std(axis=0, ddof=1) / np.sqrt(69), rtol=1e-3)
    assert ((intervals[:, 0] < 1) & (intervals[:, 1] > 1)).sum() >= 5  # noise prefers nothing
    np.testing.assert_allclose(found.mean("shares")[0].sum(), 1, rtol=1e-5)


def test_the_shift_between_two_ledgers_is_paired(masks):
    from scipy import stats

    generator = np.random.default_rng(5)
    maps = generator.random((2, 40, 48, 48))
    maps[1, :, masks[4]] += 0.4  # the second network looks at the first face's mouth
    first, second = (region_shares.ledger(one, masks) for one in maps)
    means, intervals = region_shares.shift(first, second)
    np.testing.assert_allclose(means, second.shares.mean(0) - first.shares.mean(0), atol=1e-6)
    paired = stats.ttest_rel(second.shares, first.shares)
    np.testing.assert_allclose(intervals[:, 1] - means, 2.0227 * np.abs(means / paired.statistic), rtol=1e-3)
    assert intervals[4, 0] > 0 and means.argmax() == 4
    np.testing.assert_allclose(region_shares.shift(second, first)[0], -means)
    assert not region_shares.shift(first, first)[0].any()
    with pytest.raises(FerError, match="same faces"):
        region_shares.shift(first, region_shares.ledger(maps[0, :3], masks))


def test_one_face_has_no_interval(masks):
    means, intervals = region_shares.ledger(np.ones((1, 48, 48)), masks).mean()
    assert np.isfinite(means).all() and np.isnan(intervals).all()


def test_regions_of_other_faces_are_refused(faces):
    with pytest.raises(FerError, match="do not fit"):
        region_shares.ledger(np.ones((2, 48, 48)), regions.with_rest(faces.masks))
    with pytest.raises(FerError, match="do not fit"):
        region_shares.ledger(np.ones((2, 48, 48)), faces.masks[:2])


@pytest.mark.parametrize("fill", ["blur", "mean"])
def test_hiding_what_the_network_looks_at_moves_it_and_the_rest_does_not(faces, masks, fill):
    inputs = keras.Input((48, 48, 1))
    model = keras.Model(inputs, keras.layers.Dense(7, name="logits")(keras.layers.Flatten()(inputs)))
    kernel = np.zeros((48, 48, 7), np.float32)
    kernel[..., 3] = masks[4] * np.random.default_rng(0).normal(0, 0.01, (48, 48))
    kernel[..., 3] -= masks[4] * kernel[..., 3].sum() / masks[4].sum()  # so that the brightness does not saturate the answer
    model.get_layer("logits").set_weights([kernel.reshape(-1, 7), np.zeros(7, np.float32)])
    found = region_occlusion.hide(model, faces.images[:4], regions.fixed(), fill=fill)
    assert found.before.shape == (4, 7) and found.after.shape == found.change.shape == (4, 6, 7)
    np.testing.assert_allclose(found.change.sum(axis=2), 0, atol=1e-5)
    assert (np.abs(found.change[:, 4, 3]) > 1e-3).all()
    np.testing.assert_allclose(np.delete(found.change, 4, axis=1), 0, atol=1e-5)


def test_covering_changes_only_what_is_covered(faces, masks):
    face = faces.images[0]
    for fill in ("blur", "mean"):
        covered = region_occlusion.cover(face, masks, fill)
        for mask, one in zip(masks, covered, strict=True):
            assert np.array_equal(one[~mask], face[~mask]) and not np.array_equal(one[mask], face[mask])
    assert np.ptp(region_occlusion.cover(face, masks, "mean")[4][masks[4]]) == 0
    with pytest.raises(FerError, match="cannot be hidden"):
        region_occlusion.cover(face, masks, "paint")
