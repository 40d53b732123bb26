"""Bad input is told by file, row and reason, or skipped and listed; nothing hostile gets further than that."""

import struct
import zipfile
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_data import faces, made, own_cache, picture_tree, row, same, table, zipped

from fer_core.data import readers
from fer_core.data.dataset import read
from fer_core.errors import DataError

__all__ = ["own_cache"]  # a fixture that every test here uses

GOOD = [row(face) for face in faces(3)]


@pytest.mark.parametrize(("bad", "reason"), [
    (GOOD[0].replace(" ", "", 1), "2,303 pixels instead of 2,304"),
    (GOOD[0].replace(",Training", " 7,Training"), "2,305 pixels"),
    ("3," + "256 " * 2304 + ",Training", "256 outside 0 to 255"),
    ("3," + "0 " * 2303 + "1000,Training", "1000 outside"),
    ("3," + "0 " * 2303 + "0" * 5000 + "9999,Training", "outside"),
    ("3," + "0 " * 2303 + "-1,Training", "'-1' that is not a whole number"),
    ("3," + "0 " * 2303 + "1.5,Training", "'1.5' that is not a whole number"),
    (row(faces(1), "9"), "unknown emotion '9'"),
    (row(faces(1), ""), "no emotion"),
    (row(faces(1), "3", "Other"), "unknown Usage 'Other'"),
    ("3,1 2 3", "2 columns instead of 3"),
    ("\0\0\0", "1 columns instead of 3"),
])
def test_a_bad_row_is_told_by_file_row_and_reason_or_skipped(tmp_path, bad, reason):
    path = table(tmp_path / "fer.csv", [GOOD[0], bad, GOOD[1]])
    with pytest.raises(DataError) as told:
        read(path)
    assert "fer.csv, row 3: " in str(told.value) and reason in str(told.value)
    for _ in range(2):  # cold and warm
        dataset = read(path, skip_bad=tmp_path / "bad.txt")
        assert (tmp_path / "bad.txt").read_text().startswith("fer.csv, row 3: ") and reason in (tmp_path / "bad.txt").read_text()
        (tmp_path / "bad.txt").unlink()
        rows = {int(key): face for split in dataset.values() for key, face in zip(split.ids, split.images, strict=True)}
        assert set(rows) == {0, 2} and np.array_equal(rows[2], faces(3)[1])
        assert any("1 face could not be read" in note for note in dataset.notes)


def test_the_first_ten_bad_rows_and_the_number_of_the_rest(tmp_path):
    path = table(tmp_path / "fer.csv", ["x,y,z"] * 25 + GOOD)
    with pytest.raises(DataError, match=r"25 faces cannot be read.*row 11.*; and 15 more") as told:
        read(path)
    assert "row 12" not in str(told.value)


@pytest.mark.parametrize(("content", "reason"), [
    (b"", "empty"), (b"\n", "empty"), (b"root:x:0:0:root:/root\n", "names no columns"),
    (b"emotion,Usage\n1,Training\n", "no column of pixels"), (b"pixels,Usage\n", "no column of emotions"),
    (b"emotion,pixels,Usage\n", "no faces"), (b"\xff\xfe\x00a" * 40, "no column"), (b"PK\x03\x04 no zip", "not a whole zip"),
    (b"emotion,pixels,Usage\n" + b"1" * (3 << 20), "row of more than"),
])
def test_files_that_are_no_table_of_faces(tmp_path, content, reason):
    (tmp_path / "fer2013.csv").write_bytes(content)
    with pytest.raises(DataError, match=reason):
        read(tmp_path / "fer2013.csv")


def test_places_that_hold_nothing(tmp_path):
    for path in ("nowhere.csv", "x" * 5000, "~nobody/a", "demo:x", "a\0b", tmp_path):
        with pytest.raises(DataError):
            read(path)


def test_broken_pictures_are_told_by_name(tmp_path):
    root = picture_tree(made(7), tmp_path / "set")
    (root / "train" / "angry" / "a.png").write_bytes(b"")
    (root / "train" / "angry" / "b.jpg").write_bytes(b"no picture at all")
    whole = (root / "train" / "fear" / "Training_2.png").read_bytes()
    (root / "train" / "angry" / "c.png").write_bytes(whole[:40])
    (root / "train" / "angry" / "f.png").write_bytes(whole[:1200])
    jpeg = cv2.imencode(".jpg", faces(1)[0])[1].tobytes()
    (root / "train" / "angry" / "g.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    huge = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    (root / "train" / "angry" / "d.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + huge + struct.pack(">I", zlib.crc32(b"IHDR" + huge)) + whole[33:])
    (root / "train" / "bored").mkdir()
    (root / "train" / "bored" / "e.png").write_bytes(whole)
    with pytest.raises(DataError, match="7 faces cannot be read") as told:
        read(root)
    for text in ("a.png: an empty file", "60,000 x 60,000", "unknown emotion 'bored'"):
        assert text in str(told.value)
    for text in [f"{name}: neither PNG nor JPEG, or cut off" for name in ("b.jpg", "c.png", "f.png", "g.jpg")]:
        assert text in str(told.value)
    assert same(read(root, skip_bad=tmp_path / "bad.txt"), made(7))
    assert len((tmp_path / "bad.txt").read_text().splitlines()) == 7


def test_a_zip_bomb_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "MOST_UNPACKED", 1 << 22)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("fer2013.csv", bytes(5 << 20))
    with pytest.raises(DataError, match="zip bomb"):
        read(tmp_path / "bomb.zip")


def test_a_truncated_zip(tmp_path):
    path = zipped(tmp_path / "a.zip", picture_tree(made(7), tmp_path / "set"))
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(DataError, match="not a whole zip"):
        read(path)


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255),
       compression=st.sampled_from([zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA]))
def test_a_zip_with_a_flipped_byte_is_read_or_told(tmp_path_factory, place, value, compression):
    folder = tmp_path_factory.mktemp("flip")
    with zipfile.ZipFile(folder / "a.zip", "w", compression) as archive:
        archive.writestr("fer2013.csv", "\n".join(["emotion,pixels,Usage", *GOOD]))
        archive.writestr("readme.txt", "words")
    content = bytearray((folder / "a.zip").read_bytes())
    content[int(place * len(content))] = value
    (folder / "a.zip").write_bytes(content)
    try:
        assert len(read(folder / "a.zip", cache=folder / "cache")["train"])
    except DataError as error:
        assert str(error)
