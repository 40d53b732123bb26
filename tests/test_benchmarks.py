"""The table of figures: what benchmarks print is found again, and takes the old table's place in README and nothing else's."""

import pytest

from benchmarks.table import BEGIN, END, between, row, rows


def test_rows_are_found_in_what_was_printed(capsys):
    print("2 processors, load 0.1")
    row("first paint", "1.8 s", "start", "2 s")
    row("a map", "23 ms", "saliency")
    found = rows(capsys.readouterr().out)
    assert found == ["| first paint | 2 s | 1.8 s | `python -m benchmarks.start` |",
                     "| a map | - | 23 ms | `python -m benchmarks.saliency` |"]


def test_only_the_table_is_replaced(root):
    text = (root / "README.md").read_text(encoding="utf8")
    new = between(text, "\nNEW\n")
    assert new.count("NEW") == 1 and between(new, "\nNEW\n") == new
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    assert new == f"{before}{BEGIN}\n\nNEW\n{END}{after}"
    with pytest.raises(SystemExit, match="no place"):
        between("nothing here", "NEW")
