"""Altered copies are found, what only looks alike is not; groups are connected; the cache is used."""

import cv2
import numpy as np
import pytest

from benchmarks.near_copies import made, score
from fer_core.data import near_copies
from fer_core.data.alignment import Alignment, align
from fer_core.data.dataset import Dataset, Split
from fer_core.data.demo.generator import make
from fer_core.data.near_copies import NearCopies, find, groups


@pytest.fixture(scope="module")
def drawn():
    """Demo faces that have nothing to do with each other."""
    return make(190, seed=11).images


def dataset(**splits):
    return Dataset(
        {
            name: Split(faces, np.full(len(faces), -1), np.arange(len(faces)))
            for name, faces in splits.items()
        },
        "made",
        "",
    )


def moved(face, right, down, scale=1.0):
    """Enlarge a face about its middle, then move it."""
    middle = (len(face) - 1) / 2
    matrix = np.array(
        [[scale, 0, middle * (1 - scale) + right], [0, scale, middle * (1 - scale) + down]],
        np.float32,
    )
    return cv2.warpAffine(face, matrix, face.shape, borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(
    ("right", "down", "scale"), [(2, -1, 1.0), (0, 0, 1.1), (-1, 2, 0.93), (0, 0, 1.0)]
)
def test_an_alignment_tells_how_a_face_was_altered(drawn, mirrored, right, down, scale):
    one = drawn[3]
    other = moved(one[:, ::-1] if mirrored else one, right, down, scale)
    found = align(one, other, mirrored=mirrored)
    assert found is not None and found.correlation > 0.97 and found.mirrored is mirrored
    assert (found.right, found.down) == pytest.approx(
        (right, down), abs=0.2
    ) and found.scale == pytest.approx(scale, abs=0.01)
    back = align(other, one, mirrored=mirrored)
    assert back is not None
    told = found.inverse()
    assert (told.right, told.down, told.scale) == pytest.approx(
        (back.right, back.down, back.scale), abs=0.2
    )


def test_the_made_set_is_found_and_nothing_else(drawn, tmp_path):
    copies, source = made(drawn[84:], drawn[:84])
    found = score(copies, source, find(copies, drawn=True, cache=tmp_path), drawn=True)
    assert found.looked_for > 400 and found.recall >= 0.95 and found.precision >= 0.99, found


def test_faces_drawn_by_themselves_are_no_copies(drawn, tmp_path):
    found = find(dataset(train=drawn[:120], validation=drawn[120:]), drawn=True, cache=tmp_path)
    assert (
        found.pairs == ()
        and not found.near["validation"].any()
        and np.array_equal(found.groups, np.arange(120))
    )


def test_an_exact_copy_is_not_told_as_near_and_a_near_one_not_as_exact(drawn, tmp_path):
    a, b, c = drawn[:3]
    brighter = np.clip(b.astype(int) + 12, 0, 255).astype(np.uint8)
    found = find(
        dataset(
            train=np.stack([a, b, brighter, c]),
            validation=np.stack([a, b, moved(a, 1, 1), b[:, ::-1]]),
            test=c[None],
        ),
        drawn=True,
        cache=tmp_path,
    )
    assert found.near["validation"].tolist() == [False, False, True, True] and found.near[
        "test"
    ].tolist() == [False]
    places = {(pair.one, pair.other): pair.alignment for pair in found.pairs}
    assert (("train", 1), ("train", 2)) in places and (
        ("train", 0),
        ("validation", 0),
    ) not in places
    shifted = places[("train", 0), ("validation", 2)]
    assert not shifted.mirrored and (shifted.right, shifted.down) == pytest.approx((1, 1), abs=0.2)
    assert places[("train", 1), ("validation", 3)].mirrored
    assert [pair.alignment.correlation for pair in found.pairs] == sorted(
        (a.correlation for a in places.values()), reverse=True
    )


def test_blank_faces_are_copies_of_nothing(drawn, tmp_path):
    grey = np.stack([np.full((48, 48), value, np.uint8) for value in (0, 90, 91, 255)])
    found = find(
        dataset(train=np.concatenate([grey, drawn[:2]]), validation=grey[::-1] // 2), cache=tmp_path
    )
    assert not any(
        place[1] < 4
        for pair in found.pairs
        for place in (pair.one, pair.other)
        if place[0] == "train"
    )
    assert not found.near["validation"].any() and len(np.unique(found.groups)) == 6


def test_groups_are_connected_components_of_exact_and_near_copies(drawn, tmp_path):
    a, b, c = drawn[:3]
    chain = [moved(a, step, 0) for step in (0, 2, 4)]
    images = np.stack([c, chain[0], b, chain[2], b, chain[1], b[:, ::-1]])
    found = groups(images, drawn=True, cache=tmp_path)
    assert found.dtype == np.int64 and found.tolist() == [0, 1, 2, 1, 2, 1, 2]
    assert np.array_equal(
        groups(dataset(train=images, validation=c[None]), drawn=True, cache=tmp_path), found
    )


def test_components_join_what_edges_chain_together():
    kind = np.array([7, 3, 3, 9, 5, 7])
    assert near_copies._components([(3, 5), (5, 9)], kind).tolist() == [0, 1, 1, 1, 1, 0]


@pytest.mark.parametrize(
    "splits",
    [{}, {"train": np.zeros((0, 48, 48), np.uint8)}, {"validation": make(2, seed=3).images}],
)
def test_little_or_no_train_is_no_fault(splits, tmp_path):
    found = find(dataset(**splits), drawn=True, cache=tmp_path)
    assert (
        found.pairs == ()
        and len(found.groups) == 0
        and all(not mask.any() for mask in found.near.values())
    )


def test_what_was_found_is_kept_and_made_anew_where_it_is_damaged(drawn, tmp_path, monkeypatch):
    faces = dataset(train=drawn[:3], validation=np.stack([drawn[0][:, ::-1], drawn[4]]))
    first = find(faces, drawn=True, cache=tmp_path)
    (kept,) = tmp_path.glob("near-*.npz")
    searched = near_copies._searched
    monkeypatch.setattr(near_copies, "_searched", lambda *_: pytest.fail("searched again"))
    again = find(faces, drawn=True, cache=tmp_path)
    assert (
        again.pairs == first.pairs
        and len(first.pairs) == 1
        and np.array_equal(again.groups, first.groups)
    )
    assert {name: mask.tolist() for name, mask in again.near.items()} == {
        "validation": [True, False]
    }
    monkeypatch.setattr(near_copies, "_searched", searched)
    kept.write_bytes(b"no archive")
    assert find(faces, drawn=True, cache=tmp_path).pairs == first.pairs
    monkeypatch.setattr(near_copies, "VERSION", -1)
    monkeypatch.setattr(
        near_copies, "_searched", lambda *_: NearCopies((), {}, np.zeros(3, np.int64))
    )
    assert find(faces, drawn=True, cache=tmp_path).pairs == ()  # another version is another file


def test_another_test_split_is_looked_at_again(drawn, tmp_path):
    faces = {"train": drawn[:3], "validation": drawn[5:7]}
    assert find(dataset(**faces, test=drawn[8][None]), drawn=True, cache=tmp_path).near[
        "test"
    ].tolist() == [False]
    assert find(dataset(**faces, test=drawn[1][None, :, ::-1]), drawn=True, cache=tmp_path).near[
        "test"
    ].tolist() == [True]


def test_a_cache_that_cannot_be_written_is_done_without(drawn, tmp_path):
    (tmp_path / "file").write_text("no folder")
    assert (
        len(
            find(
                dataset(train=np.stack([drawn[0], drawn[0][:, ::-1]])),
                drawn=True,
                cache=tmp_path / "file",
            ).pairs
        )
        == 1
    )


def test_the_alteration_is_said_in_words():
    from ui.views.dataset.panels import alteration

    assert (
        alteration(Alignment(0.9, True, 2.2, -0.4, 1.07))
        == "mirrored, 2 px right, 1.07 times as large"
    )
    assert alteration(Alignment(0.9, False, -1.0, 3.0, 1.0)) == "1 px left, 3 px down"
    assert alteration(Alignment(0.9, False, 0.1, 0.1, 1.01)) == "lit or encoded anew"
