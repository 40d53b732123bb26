"""The table of figures: what benchmarks print is found again, and takes the old table's place in README and nothing else's."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks.table import BEGIN, END, machine, row, rows, table_of, with_table


def test_rows_are_found_in_what_was_printed(capsys):
    print("2 processors, load 0.1")
    row("first paint", "1.8 s", "start", "2 s")
    row("a map", "23 ms", "saliency")
    found = rows(capsys.readouterr().out)
    assert found == ["| first paint | 2 s | 1.8 s | `python -m benchmarks.start` |",
                     "| a map | - | 23 ms | `python -m benchmarks.saliency` |"]


def test_only_the_table_is_replaced(root):
    text = (root / "README.md").read_text(encoding="utf8")
    new = with_table(text, "\nNEW\n")
    assert new.count("NEW") == 1 and with_table(new, "\nNEW\n") == new and table_of(new) == "\n\nNEW\n"
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    assert new == f"{before}{BEGIN}\n\nNEW\n{END}{after}"
    with pytest.raises(SystemExit, match="no place"):
        table_of("nothing here")


def test_one_benchmark_measured_anew_leaves_the_other_rows(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "subprocess", SimpleNamespace(PIPE=None, run=lambda line, **_: SimpleNamespace(
        returncode=0, stdout=f"| measured now | - | 2 s | `python -m {line[2]}` |\n")))
    file = tmp_path / "README.md"
    kept = [f"| once | - | 1 s | `python -m benchmarks.{name}` |" for name in ("start", "load")]
    old = "\n".join([kept[0], "| once | - | 1 s | `python -m benchmarks.matrix` |", kept[1]])
    file.write_text(f"{BEGIN}\nMedians. {machine()}.\n{old}\n{END}", encoding="utf8")
    monkeypatch.setattr("sys.argv", ["benchmarks", "--only", "matrix", "--into", str(file)])
    command.main()
    assert rows(file.read_text(encoding="utf8")) == [kept[0], "| measured now | - | 2 s | `python -m benchmarks.matrix` |", kept[1]]
    file.write_text(f"{BEGIN}\nMedians. Another processor.\n{old}\n{END}", encoding="utf8")
    with pytest.raises(SystemExit, match="another processor"):
        command.main()


def test_the_area_under_the_curve_is_scikit_learns():
    from sklearn.metrics import roc_auc_score

    from benchmarks.label_noise import area_under_the_curve, change_labels

    random = np.random.default_rng(0)
    labels, changed = change_labels(random.integers(-1, 7, 500), 0.1, 3)
    scores = np.round(random.normal(changed, 1), 1)  # with ties
    assert area_under_the_curve(scores, changed) == pytest.approx(roc_auc_score(changed, scores))
    before = np.random.default_rng(0).integers(-1, 7, 500)
    assert changed.sum() == round(0.1 * (before >= 0).sum())
    assert np.array_equal(labels != before, changed) and labels[changed].min() >= 0
