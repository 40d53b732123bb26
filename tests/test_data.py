"""Every form of FER2013 gives the same faces; the cache notices and mends; copies are found."""

import csv
import os
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_core.data.dataset import (
    Dataset,
    Split,
    copies,
    counts,
    find,
    read,
    write_csv,
    write_submission,
)
from fer_core.data.splits import pixels
from fer_core.emotions import EMOTIONS, SPLITS
from fer_core.errors import DataError
from fer_core.runtime import ROOT

REAL = ROOT.parent / "shared" / "fer2013" / "fer2013-dev.zip"
USAGE = ("Training", "PublicTest", "PrivateTest")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("FER_LENS_CACHE", str(tmp_path_factory.mktemp("cache")))


def faces(n, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, 48, 48), np.uint8)


def made(n=21, seed=0):
    """A data set of three splits with every class in each."""
    parts = np.split(faces(3 * n, seed), 3)
    labels = np.arange(n) % 7
    return Dataset({name: Split(part, labels, np.arange(n)) for name, part in zip(SPLITS, parts, strict=True)}, "made", "nowhere")


def row(face, label="3", usage="Training"):
    return f"{label},{' '.join(map(str, face.ravel()))},{usage}"


def table(path, rows, header="emotion,pixels,Usage", end="\n"):
    path.write_bytes((end.join([header, *rows]) + end).encode())
    return path


def picture_tree(dataset, root, suffix=".png", prefix=True):
    for number, (name, split) in enumerate(dataset.items()):
        for index, (face, label) in enumerate(zip(split.images, split.labels, strict=True)):
            file = f"{USAGE[number]}_{index}{suffix}" if prefix else f"{index}{suffix}"
            folder = root / ("train" if number == 0 else "test" if prefix else name) / EMOTIONS[label]
            folder.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / file), face)
    return root


def zipped(path, root):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(root.rglob("*.*")):
            archive.write(file, file.relative_to(root))
    return path


def same(one, other):
    return list(one) == list(other) and all(
        np.array_equal(one[name].images, other[name].images) and np.array_equal(one[name].labels, other[name].labels) for name in one)


# --- the forms ---

def test_written_csv_is_what_pandas_reads_and_comes_back(tmp_path):
    dataset = made()
    write_csv(dataset, tmp_path / "fer2013.csv")
    frame = pd.read_csv(tmp_path / "fer2013.csv")
    pixels = np.array([[int(word) for word in text.split()] for text in frame["pixels"]], np.uint8).reshape(-1, 48, 48)
    assert np.array_equal(pixels, np.concatenate([split.images for split in dataset.values()]))
    assert frame["emotion"].tolist() == np.concatenate([split.labels for split in dataset.values()]).tolist()
    assert frame["Usage"].tolist() == [usage for usage in USAGE for _ in range(21)]
    again = read(tmp_path / "fer2013.csv")
    assert same(again, dataset) and again.fingerprint == dataset.fingerprint
    assert again["validation"].ids.tolist() == list(range(21, 42))  # the rows of the table, as in the official order


FORMS = ("folder", "plain folder", "zip of pictures", "zip of a csv", "blanks in the header", "quoted", "wrapped zip", "mixed rows")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_faces(tmp_path, form):
    dataset = made()
    write_csv(dataset, tmp_path / "fer2013.csv")
    lines = (tmp_path / "fer2013.csv").read_text().splitlines()
    if form in ("folder", "plain folder"):
        path = picture_tree(dataset, tmp_path / "faces", prefix=form == "folder")
    elif form == "zip of pictures":
        path = zipped(tmp_path / "a.zip", picture_tree(dataset, tmp_path / "faces"))
    elif form == "zip of a csv":
        (tmp_path / "fer2013").mkdir()
        (tmp_path / "fer2013.csv").rename(tmp_path / "fer2013" / "fer2013.csv")
        path = zipped(tmp_path / "a.zip", tmp_path / "fer2013")
    elif form == "wrapped zip":
        path = zipped(tmp_path / "a.zip", picture_tree(dataset, tmp_path / "x" / "archive" / "fer2013").parents[1])
    elif form == "blanks in the header":
        swapped = [",".join((label, usage, pixels)) for label, pixels, usage in (line.split(",") for line in lines[1:])]
        path = table(tmp_path / "icml_face_data.csv", swapped, "emotion, Usage, pixels")
    elif form == "quoted":
        quoted = [",".join(f'"{field}"' for field in line.split(",")) for line in lines[1:]]
        path = table(tmp_path / "q.csv", [*quoted, "", ""], '\ufeff"emotion","pixels","Usage"', "\r\n")
    else:  # the splits' rows in turns
        path = table(tmp_path / "m.csv", [line for three in zip(lines[1:22], lines[22:43], lines[43:], strict=True) for line in three])
    assert same(read(path), dataset)
    assert read(path).fingerprint == dataset.fingerprint


@pytest.mark.parametrize("form", ["file", "folder", "zip"])
def test_the_courses_two_tables(tmp_path, form):
    train, test = faces(140), faces(5, 1)
    root = tmp_path / "course"
    root.mkdir()
    table(root / "train.csv", [row(face, index % 7).rpartition(",")[0] for index, face in enumerate(train)], "label,feature")
    table(root / "test.csv", [row(face, 10 + index).rpartition(",")[0] for index, face in enumerate(test)], "id,feature")
    dataset = read({"file": root / "train.csv", "folder": root, "zip": zipped(tmp_path / "c.zip", root)}[form])
    assert {name: len(split) for name, split in dataset.items()} == {"train": 126, "validation": 14, "test": 5}
    assert (dataset["test"].labels == -1).all() and dataset["test"].ids.tolist() == [10, 11, 12, 13, 14]
    assert np.array_equal(dataset["test"].images, test)
    assert counts(dataset)["validation"].tolist() == [2] * 7 and counts(dataset)["test"].tolist() == [0] * 7
    assert any("validation split of 14 faces was drawn" in note for note in dataset.notes)
    rows = np.concatenate([dataset["train"].ids, dataset["validation"].ids])
    images = np.concatenate([dataset["train"].images, dataset["validation"].images])
    assert sorted(rows) == list(range(140)) and np.array_equal(images, train[rows])


def test_the_drawn_validation_split_depends_on_the_seed_only(tmp_path):
    path = table(tmp_path / "t.csv", [row(face, index % 7).rpartition(",")[0] for index, face in enumerate(faces(70))], "label,feature")
    first, again, other = (read(path, seed=seed, cache=tmp_path / str(n))["validation"].ids.tolist() for n, seed in enumerate((0, 0, 1)))
    assert first == again != other


def test_an_unlabelled_test_set_alone_and_its_submission(tmp_path):
    path = table(tmp_path / "other.csv", [row(face, f"img{index}").rpartition(",")[0] for index, face in enumerate(faces(3))], "id,feature")
    split = read(path)["test"]
    write_submission(tmp_path / "s.csv", split.ids, np.eye(7)[[6, 0, 3]])
    assert list(csv.reader((tmp_path / "s.csv").read_text().splitlines())) == [["id", "label"], ["img0", "6"], ["img1", "0"], ["img2", "3"]]
    with pytest.raises(DataError, match="do not fit"):
        write_submission(tmp_path / "s.csv", split.ids, np.eye(7)[:2])


def test_pictures_of_any_size_and_colour(tmp_path):
    folder = tmp_path / "set" / "train" / "Happy"
    folder.mkdir(parents=True)
    big = np.kron(faces(1)[0], np.ones((4, 4), np.uint8))
    cv2.imwrite(str(folder / "1.png"), np.dstack([big] * 3))
    cv2.imwrite(str(folder / "2.PNG"), big.astype(np.uint16) * 257)
    cv2.imwrite(str(folder / "3.jpg"), np.full((30, 90, 3), 200, np.uint8))
    splits = read(tmp_path / "set").values()
    whole, names = np.concatenate([split.images for split in splits]), np.concatenate([split.ids for split in splits])
    assert len(names) == 3
    for name, face in zip(names, whole.astype(int), strict=True):
        assert np.abs(face - (200 if name.endswith("jpg") else faces(1)[0].astype(int))).max() <= 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 255), st.sampled_from(["{}", "{:03d}", "{:07d}", " {} "])),
                min_size=1, max_size=5), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_any_way_to_write_numbers_gives_what_int_gives(tmp_path_factory, rows, end, open_end):
    generator = np.random.default_rng(len(rows))
    images = [((generator.integers(0, 256, 2304) + shift) % 256).astype(np.uint8) for _, shift, _ in rows]
    lines = [f"{label},{' '.join(form.format(value) for value in face)},Training"
             for (label, _, form), face in zip(rows, images, strict=True)]
    path = table(tmp_path_factory.mktemp("numbers") / "a.csv", lines, end=end)
    if open_end:
        path.write_bytes(path.read_bytes().rstrip())
    splits = read(path, cache=path.parent).values()
    faces_read = {int(key): face.ravel() for split in splits for key, face in zip(split.ids, split.images, strict=True)}
    assert sorted(faces_read) == list(range(len(rows)))
    assert all(np.array_equal(faces_read[index], face) for index, face in enumerate(images))


# --- the cache ---

def test_the_cache_is_used_noticed_and_mended(tmp_path):
    path, cache = tmp_path / "fer.csv", tmp_path / "cache"
    write_csv(made(), path)
    cold, warm = read(path, cache=cache), read(path, cache=cache)
    assert isinstance(warm["train"].images, np.memmap) and same(cold, warm)
    assert (cold.notes, cold.fingerprint) == (warm.notes, warm.fingerprint)
    (shelf,) = cache.iterdir()
    assert same(read(shelf), cold)  # a cache is a form too
    (shelf / "train.images.npy").write_bytes((shelf / "train.images.npy").read_bytes()[:-1])
    with pytest.raises(DataError, match="no whole cache"):
        read(shelf)
    assert same(read(path, cache=cache), made())
    write_csv(made(seed=1), path)
    os.utime(path, ns=(1, 1))
    assert same(read(path, cache=cache), made(seed=1)) and len(list(cache.iterdir())) == 1


def test_a_changed_folder_is_noticed(tmp_path):
    root = picture_tree(made(7), tmp_path / "set")
    assert len(read(root)["train"]) == 7
    (root / "train" / "fear" / "Training_2.png").unlink()
    assert len(read(root)["train"]) == 6


def test_without_a_place_for_the_cache(tmp_path):
    write_csv(made(), tmp_path / "fer.csv")
    (tmp_path / "file").write_text("")
    dataset = read(tmp_path / "fer.csv", cache=tmp_path / "file" / "cache")
    assert same(dataset, made()) and any("cache could not be written" in note for note in dataset.notes)


# --- copies, and what lies where ---

def test_copies_conflicts_blank_and_leaked():
    a, b, c, d = faces(4)
    blank = np.full((48, 48), 9, np.uint8)
    train = Split(np.stack([a, b, a, c, blank]), np.array([0, 1, 0, 2, 3]), np.arange(5))
    validation = Split(np.stack([d, b, c, c]), np.array([0, 1, 4, -1]), np.arange(4))
    found = copies(Dataset({"train": train, "validation": validation}, "", ""))
    assert found.surplus == {"train": 1, "validation": 1}
    three = (("train", 3), ("validation", 2), ("validation", 3))
    assert found.groups == [(("train", 0), ("train", 2)), (("train", 1), ("validation", 1)), three]
    assert found.conflicts == [three]
    assert found.blank["train"].tolist() == [4] and found.blank["validation"].tolist() == []
    assert found.leaked["validation"].tolist() == [False, True, True, True] and "train" not in found.leaked


def test_the_fingerprint_changes_with_a_pixel_a_label_and_a_split():
    sets = [made() for _ in range(4)]
    sets[1]["train"].images[5, 7, 7] ^= 1
    sets[2]["train"].labels[5] = 0
    sets[3]["validation"], sets[3]["test"] = sets[3]["test"], sets[3]["validation"]
    assert len({dataset.fingerprint for dataset in sets}) == 4


def test_the_fingerprint_is_the_same_with_and_without_a_test_split():
    whole, part, alone = made(), made(), made()
    del part["test"]
    assert whole.fingerprint == part.fingerprint
    del alone["train"], alone["validation"]
    assert alone.fingerprint != part.fingerprint  # a test split by itself is a data set of its own


def test_find(tmp_path):
    root = tmp_path / "data"
    picture_tree(made(7), root / "faces")
    zipped(root / "b.zip", root / "faces")
    write_csv(made(7), root / "c.csv")
    (root / "notes.csv").write_text("a,b\n")
    (root / "broken.zip").write_text("no")
    (root / ".cache").mkdir()
    assert [Path(path).name for path in find([root, tmp_path / "nowhere"])] == ["b.zip", "c.csv", "faces"]
    assert find([root / "c.csv"]) == [str(root / "c.csv")]


def test_no_heavy_import():
    heavy = ('cv2', 'pandas', 'tensorflow', 'keras', 'sklearn', 'streamlit')
    code = f"import sys, fer_core.data.dataset; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.real_data
@pytest.mark.skipif(not REAL.is_file(), reason="the real FER2013 is not beside the project")
def test_the_known_counts_of_the_real_faces(tmp_path):
    dataset = read(REAL)
    assert counts(dataset)["train"].tolist() == [3995, 436, 4097, 7215, 4830, 3171, 4965]
    assert counts(dataset)["validation"].tolist() == [467, 56, 496, 895, 653, 415, 607]
    found = copies(dataset)
    assert found.surplus["train"] == 1236 and int(found.leaked["validation"].sum()) == 280
    inside = [{int(dataset["train"].labels[index]) for split, index in group if split == "train"} for group in found.groups]
    assert sum(len(labels) > 1 for labels in inside) == 39  # 47 groups where the labels of PublicTest count too
    assert len(found.conflicts) == 47
    assert len(found.blank["train"]) == 11 and len(found.blank["validation"]) == 1
    small = Dataset({name: split.take(slice(0, 1500)) for name, split in dataset.items()}, "", "")
    write_csv(small, tmp_path / "fer2013.csv")
    assert read(tmp_path / "fer2013.csv").fingerprint == small.fingerprint


@pytest.mark.parametrize("rows", [[], [0], [5, 2, 2, 6], [-1], [True, False, False, True, False, False, False]])
def test_faces_on_disk_are_copied_as_they_are(tmp_path, rows):
    images = np.random.default_rng(0).integers(0, 256, (7, 48, 48), np.uint8)
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    chosen = np.array(rows) if rows else np.empty(0, np.int64)
    assert np.array_equal(pixels(mapped, chosen), images[chosen])
    assert np.array_equal(pixels(images, chosen), images[chosen])
    assert np.array_equal(pixels(mapped[2:], np.array([1, 4])), images[[3, 6]])  # a part begins elsewhere in the file


def test_the_list_of_bad_rows_never_takes_the_place_of_the_faces(tmp_path):
    path = tmp_path / "faces.csv"
    write_csv(made(), path)
    before = path.read_bytes()
    with pytest.raises(DataError, match="take the place of the faces"):
        read(path, skip_bad=tmp_path / "." / "faces.csv", cache=tmp_path / "cache")
    assert path.read_bytes() == before


def test_the_demo_faces_are_drawn_once_when_many_ask(monkeypatch):
    drawn = []

    def slowly(asked, seed):
        drawn.append(seed)
        time.sleep(0.2)
        return Dataset(made(), "demo", asked)

    monkeypatch.setattr("fer_core.data.dataset._drawn", slowly)
    with ThreadPoolExecutor(4) as pool:
        prints = {dataset.fingerprint for dataset in pool.map(read, ["demo:5"] * 8)}
    assert drawn == [5] and len(prints) == 1
