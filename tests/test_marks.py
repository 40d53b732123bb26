"""Marks: kept through crashes and by two writers, exported and imported whole or not at all."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fer_core.annotations.label_reviews import VERDICTS, Mark, Marks, disputed, from_csv, to_csv
from fer_core.emotions import EMOTIONS
from fer_core.errors import DataError, FerError

DATA = "f" * 64


@pytest.fixture
def marks(tmp_path):
    return Marks(tmp_path / "data" / "marks.sqlite")


def said(marks, split="validation", data=DATA):
    return {face: (mark.verdict, mark.better) for face, mark in marks.of(data, split).items()}


def test_marks_are_read_back_by_another_reader(marks):
    marks.put(DATA, "validation", [Mark(3, "label", 6), Mark(9, "ambiguous"), Mark(4, "label")])
    assert said(Marks(marks.path)) == {3: ("label", 6), 4: ("label", None), 9: ("ambiguous", None)}


def test_a_face_bears_one_mark_and_a_mark_can_be_taken_off(marks):
    marks.change(DATA, "test", [(3, Mark(3, "network")), (3, Mark(3, "not_a_face")), (5, Mark(5, "network"))])
    assert said(marks, "test") == {3: ("not_a_face", None), 5: ("network", None)}
    marks.change(DATA, "test", [(3, None), (77, None)])
    assert said(marks, "test") == {5: ("network", None)}


def test_marks_belong_to_one_data_set_and_one_split(marks):
    marks.put(DATA, "validation", [Mark(1, "network")])
    assert said(marks, "test") == said(marks, data="e" * 64) == {}


def test_nothing_is_written_by_reading(marks):
    assert said(marks) == {}
    assert not marks.path.exists()


@pytest.mark.parametrize("wrong", [{"verdict": "nice"}, {"verdict": "label", "better": 7}, {"verdict": "network", "better": 1},
                                   {"verdict": "label", "face": -1}])
def test_an_impossible_mark_is_refused(wrong):
    with pytest.raises(FerError):
        Mark(**{"face": 0, **wrong})


def test_two_writers_lose_nothing(marks):
    def write(writer):
        for number in range(25):
            Marks(marks.path).change(DATA, "train", [(100 * writer + number, Mark(100 * writer + number, "ambiguous"))])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert len(said(marks, "train")) == 100


def test_what_was_told_survives_a_killed_writer(marks):
    code = ("import sys; from fer_core.annotations.label_reviews import Mark, Marks\n"
            "for i in range(10**6): Marks(sys.argv[1]).put(sys.argv[2], 'train', [Mark(i, 'network')]); print(i, flush=True)")
    writer = subprocess.Popen([sys.executable, "-c", code, str(marks.path), DATA], stdout=subprocess.PIPE, text=True)
    told = [int(writer.stdout.readline()) for _ in range(20)]
    time.sleep(0.05)
    os.kill(writer.pid, signal.SIGKILL)
    told += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
    writer.wait()
    kept = said(marks, "train")
    assert set(told) <= set(kept) and len(kept) <= len(told) + 1
    marks.put(DATA, "train", [Mark(0, "ambiguous")])  # the file is no worse for it


def test_a_damaged_file_is_told(marks):
    marks.path.parent.mkdir()
    marks.path.write_bytes(b"SQLite format 3\0 no, it is not" * 100)
    with pytest.raises(DataError, match="cannot be read or written"):
        marks.of(DATA, "train")


def test_a_writer_that_waits_in_vain_is_told(marks, monkeypatch):
    monkeypatch.setattr("fer_core.atomic_io.WAIT", 0.05)
    marks.put(DATA, "train", [Mark(0, "ambiguous")])
    other = sqlite3.connect(marks.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(DataError, match="locked"):
        marks.put(DATA, "train", [Mark(1, "ambiguous")])
    other.close()


def test_disputed_are_all_but_errors_of_the_network():
    found = {i: Mark(i, verdict) for i, verdict in enumerate(VERDICTS)} | {99: Mark(99, "ambiguous")}
    assert disputed(found, 6).tolist() == [True, True, True, False, False, False]


def test_csv_brings_marks_back_with_columns_to_find_the_face_by(marks):
    given = [Mark(3, "label", 6, 5.5), Mark(12, "ambiguous", None, 6.0), Mark(4, "label", None, 7.25)]
    marks.put(DATA, "validation", given)
    text = to_csv(marks.of(DATA, "validation"), DATA, "validation", lambda face: {"id": f"row {face}"})
    assert text.splitlines()[0] == "data,split,face,verdict,better,at,id"
    assert from_csv(text.encode(), DATA, {"validation": 13}) == {"validation": sorted(given, key=lambda mark: mark.face)}
    assert from_csv(b"\xef\xbb\xbf" + text.encode(), DATA, {}) != {}


@pytest.mark.parametrize(
    ("change", "word"),
    [(("ambiguous", "nice"), "Line 2 .*verdict"), ((DATA, "e" * 64), "Line 2 .*data"), (("validation", "somewhere"), "split"),
     ((",7,", ",13,"), "face"), ((",7,", ",-7,"), "face"), ((",7,", ",x,"), "face"), (("ambiguous,,", "ambiguous,sad,"), "better"),
     ((",5.0", ",nan"), "at"), (("verdict", "word"), "no column verdict"), (("split", ""), "no column split")],
)
def test_a_bad_row_stops_the_import_with_its_line(change, word):
    text = to_csv({7: Mark(7, "ambiguous", None, 5.0)}, DATA, "validation").replace("5.000", "5.0").replace(*change)
    with pytest.raises(DataError, match=word):
        from_csv(text.encode(), DATA, {"validation": 13})


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a,b\n", b"data,split,face,verdict\n", b"\x00\x01\x02" * 50])
def test_what_is_no_csv_of_marks_is_told(content):
    with pytest.raises(DataError):
        from_csv(content, DATA, {})


def test_words_name_the_better_label():
    assert Mark(0, "label", 6).words == f"label wrong: {EMOTIONS[6].capitalize()}"
    assert np.all([Mark(0, verdict).words == told for verdict, told in VERDICTS.items()])
