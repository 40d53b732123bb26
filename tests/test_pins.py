"""Pins: kept in their order, changed, moved and taken off, and none lost by several writers."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.annotations.bookmarks import LONGEST, Pin, Pins, query
from fer_core.errors import DataError, FerError


@pytest.fixture
def pins(tmp_path):
    return Pins(tmp_path / "data" / "pins.sqlite")


def titles(pins):
    return [pin.title for pin in Pins(pins.path).all()]


def test_pins_keep_their_order_until_they_are_moved(pins):
    for name in "abc":
        pins.add(Pin(name, f"note {name}", "dataset", f"class={name}"))
    assert titles(pins) == ["a", "b", "c"]
    first, _, third = pins.all()
    pins.move(third.number, -1)
    assert titles(pins) == ["a", "c", "b"]
    for by in (1, 1, 1):
        pins.move(first.number, by)
    assert titles(pins) == ["c", "b", "a"]
    pins.remove(third.number)
    pins.remove(third.number)
    pins.move(third.number, 1)
    pins.add(Pin("d", "", "dataset", "class=d"))
    assert titles(pins) == ["b", "a", "d"]


def test_a_view_is_pinned_once_and_an_empty_note_takes_none_away(pins):
    pins.add(Pin("first", "a note", "dataset", "class=sad"))
    pins.add(Pin("second", "", "dataset", "class=sad"))
    assert [(pin.title, pin.note) for pin in pins.all()] == [("second", "a note")]
    assert pins.of("dataset", "class=sad").title == "second" and pins.of("dataset", "class=fear") is None
    pins.change(pins.all()[0].number, title=" third\nline ", note="")
    assert [(pin.title, pin.note) for pin in pins.all()] == [("third line", "")]


def test_what_is_no_pin_is_told(pins):
    for title, note, word in ((" ", "", "needs a title"), ("t" * (LONGEST["title"] + 1), "", "title is too long"),
                              ("t", "n" * (LONGEST["note"] + 1), "note is too long")):
        with pytest.raises(FerError, match=word):
            pins.change(1, title=title, note=note)
    with pytest.raises(FerError, match="taken off meanwhile"):
        pins.change(1, title="t", note="")
    assert pins.all() == []


def test_nothing_is_written_by_reading(pins):
    assert pins.all() == [] and pins.of("", "") is None
    assert not pins.path.exists()


def test_several_writers_lose_no_pin(pins):
    def write(writer):
        for number in range(15):
            mine = Pins(pins.path)
            mine.add(Pin(f"{writer} {number}", "", "dataset", f"writer={writer}&number={number}"))
            mine.add(Pin("shared", f"{writer}", "dataset", ""))
            mine.move(mine.all()[-1].number, -1)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert sorted(titles(pins)) == sorted(["shared", *(f"{writer} {number}" for writer in range(4) for number in range(15))])
    with sqlite3.connect(pins.path) as file:
        places = [row[0] for row in file.execute("SELECT place FROM pins ORDER BY place")]
    assert places == list(range(1, 62))


def test_a_damaged_file_is_told(pins):
    pins.path.parent.mkdir()
    pins.path.write_bytes(b"SQLite format 3\0 no, it is not" * 100)
    with pytest.raises(DataError, match="cannot be read or written"):
        pins.all()


@given(st.dictionaries(st.text(min_size=1, max_size=9), st.text(max_size=9), max_size=4))
def test_a_query_gives_its_parameters_back(params):
    pin = Pin("", "", "dataset", query(params))
    assert pin.params == params and pin.path == "dataset" + (f"?{pin.query}" if params else "")
