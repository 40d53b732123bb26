"""The matrix page without a browser: what the URL means, which faces it opens, what the figures say, and the page over hand-made runs."""

import csv
import io
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save
from streamlit.testing.v1 import AppTest

from fer_core import atomic_io
from fer_core.annotations.face_filter import Choice, in_bin, members, parse, written
from fer_core.annotations.label_reviews import Mark
from fer_core.config import RunConfig
from fer_core.data import splits
from fer_core.emotions import EMOTIONS
from fer_core.errors import RunError
from fer_core.metrics import label_quality
from fer_core.metrics.evaluation import evaluate
from fer_core.plots import figures as charts
from fer_core.plots.confusion import SHADINGS, cell_grounds, difference_grounds
from fer_core.runs import prediction_job
from fer_core.runs.prediction_job import Progress
from fer_core.runs.processes import Process
from fer_core.runs.store import Predictions, Run, Status
from fer_core.runtime import ROOT
from ui.elements import downloads, gallery, matrix, pairs
from ui.services.cell_names import said
from ui.services.matrix_view import View
from ui.services.predictions import Answers, Faces
from ui.views.matrix import (
    cell_panel as cell,
)
from ui.views.matrix import (
    class_panel,
    confidence_panel,
    face_wall,
    matrix_panel,
    reviews_panel,
)

APP = ROOT / "app.py"
SAD, NEUTRAL, FEAR = 4, 6, 2


def answer(n=140, seed=0, run="one"):
    """Random answers of a run on n faces; the first ten are copies, the last two have no label."""
    generator = np.random.default_rng(seed)
    labels = (np.arange(n) % 7).astype(np.int8)
    labels[-2:] = -1
    probabilities = generator.dirichlet(np.full(7, 0.6), n).astype(np.float32)
    return Answers(run, run.title(), "validation", "f" * 64, labels, probabilities, generator.normal(size=(n, 4)).astype(np.float16),
                   np.arange(n) < 10)


def view(choice=None, **parts):
    made = View(choice or Choice(), Run(Path("nowhere")), answer(), **parts)
    vars(made)["faces"] = Faces(None)  # what is read when first needed
    return made


cells = st.tuples(st.none() | st.integers(0, 6), st.none() | st.integers(0, 6))


@given(st.lists(cells, max_size=6, unique=True))
def test_what_is_written_into_the_url_is_read_back(chosen):
    params = {name: value for name, value in written(chosen).items() if value}
    read, told = parse(params)
    assert not told
    assert set(read.cells) == (set(chosen) if chosen != [(None, None)] else set())


@given(st.dictionaries(st.sampled_from(["true", "pred", "cells", "min", "bin", "side", "sort", "show", "part", "verdict", "x"]), st.text()))
def test_no_text_in_the_url_is_an_error(params):
    choice, told = parse(params)
    assert isinstance(choice, Choice)
    assert all(isinstance(word, str) for word in told)


def test_numbers_and_names_are_read_and_nonsense_is_told():
    choice, told = parse({"true": "4", "pred": "Neutral", "min": "0.5", "bin": "0.90-0.95", "side": "wrong"})
    assert (choice.cells, choice.least, choice.bin, choice.side, told) == (((4, 6),), 0.5, (0.9, 0.95), "wrong", [])
    choice, told = parse({"true": "7", "cells": "sad", "min": "nan", "bin": "1-0", "sort": "best", "verdict": "bad"})
    assert choice == Choice()
    assert len(told) == 6


def test_faces_of_cells_are_those_of_the_evaluation():
    found = answer()
    for true in (None, *range(7)):
        for called in (None, *range(7)):
            inside = np.flatnonzero(members([(true, called)], found.labels, found.predicted))
            assert np.array_equal(inside, found.evaluation.cell(true, called))
    both = members([(4, 6), (2, None)], found.labels, found.predicted)
    assert both.sum() == len(found.evaluation.cell(4, 6)) + len(found.evaluation.cell(2, None))


def test_the_bars_of_the_histogram_share_all_faces():
    confidence = answer().confidence
    edges = [(number / 20, (number + 1) / 20) for number in range(20)]
    assert sum(in_bin(confidence, edge).sum() for edge in edges) == len(confidence)
    counts = np.histogram(confidence, np.linspace(0, 1, 21))[0]
    assert [in_bin(confidence, edge).sum() for edge in edges] == counts.tolist()
    assert in_bin(np.array([1.0, 1.0 + 1e-7]), (0.95, 1.0)).all()


def test_a_bar_is_known_in_any_language_by_its_curve():
    assert [confidence_panel.bar({"x": 0.97, "name": "答錯（3）", "curve": curve})["side"] for curve in (0, 1)] == ["right", "wrong"]


@pytest.mark.parametrize("name", ["right", "wrong"])
def test_a_bar_that_is_clicked_opens_as_many_faces_as_it_shows(name):
    found = answer()
    known = found.labels >= 0
    figure = charts.confidence_bars(found.confidence[known], ~found.wrong[known])
    trace = next(trace for trace in figure.data if trace.name.startswith(name))
    for x, y in zip(trace.x, trace.y, strict=True):
        choice, _ = parse(confidence_panel.bar({"x": x, "name": trace.name}))
        assert len(view(choice).rows) == y


def test_with_nothing_chosen_the_errors_are_shown():
    shown = view()
    assert np.array_equal(shown.rows, np.flatnonzero(shown.a.wrong))
    assert shown.sentence == f"Nothing chosen: all {shown.a.evaluation.errors} errors."


def test_sentences_count_what_they_show():
    found = answer()
    n, support = len(found.evaluation.cell(SAD, NEUTRAL)), int((found.labels == SAD).sum())
    assert view(Choice(cells=((SAD, NEUTRAL),))).sentence.startswith(f"{n} of {support} Sad faces were called Neutral: ")
    assert "labelled Sad" in view(Choice(cells=((SAD, None),))).sentence
    assert "called Neutral" in view(Choice(cells=((None, NEUTRAL),))).sentence
    assert view(Choice(cells=((None, None),))).sentence.startswith("All 138 faces")
    assert said([(SAD, NEUTRAL), (FEAR, None)]) == "Sad called Neutral, labelled Fear"


def test_an_empty_cell_and_a_class_without_faces_are_told_apart():
    found = answer()
    labels = np.where(found.labels == 1, 0, found.labels).astype(np.int8)
    sure = np.eye(7, dtype=np.float32)[np.maximum(labels, 0)]
    right = Answers("r", "R", "validation", "f", labels, sure, None, found.leaked)
    told = [View(Choice(cells=(cell,)), Run(Path("x")), right).sentence for cell in ((4, 3), (1, 3), (1, None), (None, 1))]
    assert told == ["No face labelled Sad was called Happy.", "No face is labelled Disgust.", "No face is labelled Disgust.",
                    "No face was called Disgust."]


def test_a_threshold_leaves_the_unsure_out_of_matrix_and_faces():
    shown = view(Choice(least=0.6, cells=((SAD, None),)))
    assert (shown.a.confidence[shown.rows] >= 0.6).all()
    look = matrix_panel.look(shown, "light", "row")
    assert sum(int(text) for text in look.large) == int((shown.a.confidence[shown.a.labels >= 0] >= 0.6).sum())
    assert any("only p ≥ 0.60" in words for words, _ in matrix_panel.told(shown))


def test_parts_of_two_runs_share_all_faces_and_the_difference_opens_what_moved():
    a, b = answer(seed=0), answer(seed=1, run="two")
    parts = [View(Choice(part=part), Run(Path("x")), a, b).rows for part in ("fixes", "breaks", "both_wrong", "both_right")]
    assert np.array_equal(np.sort(np.concatenate(parts)), np.flatnonzero(a.labels >= 0))
    moved = View(Choice(cells=((SAD, NEUTRAL),), show="difference"), Run(Path("x")), a, b)
    assert all((a.predicted[i] == NEUTRAL) != (b.predicted[i] == NEUTRAL) and a.labels[i] == SAD for i in moved.rows)
    look = matrix_panel.look(moved, "dark", "row")
    faces = [int(text.replace("\N{MINUS SIGN}", "-")) for text in look.small]
    assert np.array_equal(np.reshape(faces, (7, 7)), b.evaluation.matrix - a.evaluation.matrix)
    rows = list(csv.DictReader(io.StringIO(matrix_panel.as_csv(moved))))
    assert [int(row["count_b"]) for row in rows] == b.evaluation.matrix.ravel().tolist()


def test_suspicion_of_training_faces_rests_on_unseen_answers_and_on_how_they_were_learned():
    found = answer(200)
    learned = np.random.default_rng(1).normal(0, 3, 200).astype(np.float32)
    own = label_quality.suspicion(found.labels, found.probabilities)
    folds = replace(found, split="train", margin=learned, unseen=True)
    assert np.allclose(folds.suspicion, label_quality.combined(own, learned), equal_nan=True)
    seen = replace(found, split="train", margin=learned, unseen=False)
    known = found.labels >= 0
    assert np.allclose(seen.suspicion[known], label_quality.from_margins(learned)[known])
    assert np.isnan(seen.suspicion[~known]).all()
    assert np.allclose(found.suspicion, own, equal_nan=True)


@pytest.mark.parametrize(("sort", "key"), [
    ("confident", lambda a: -(a.confidence + 2 * a.wrong)), ("loss", lambda a: a.own), ("index", lambda a: np.arange(len(a))),
    ("entropy", lambda a: (a.probabilities * np.log(a.probabilities)).sum(1)), ("suspicion", lambda a: -a.suspicion),
    ("margin", lambda a: np.abs(a.own - np.array([np.delete(p, y).max() for p, y in zip(a.probabilities, a.labels, strict=True)]))),
    ("typical", lambda a: a.key("typical"))])
def test_orders_are_those_of_a_plain_sort_page_by_page(sort, key):
    found = answer(700)
    rows = np.flatnonzero(found.labels >= 0)
    pages = np.concatenate([found.ordered(rows, sort, first, 100) for first in range(0, 700, 100)])
    assert np.array_equal(np.sort(pages), rows)
    values = key(found)[pages]
    assert (np.diff(values) >= -1e-6).all()


def test_an_order_puts_what_has_no_number_last():
    found = answer()
    everyone = found.ordered(np.arange(len(found)), "loss", 0, len(found))
    assert set(everyone[-2:].tolist()) == {138, 139}
    assert np.array_equal(found.ordered(np.arange(len(found)), "loss", 0, 5), everyone[:5])


@pytest.mark.parametrize("shading", SHADINGS)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_cells_have_the_colours_and_numbers_of_the_figure(shading, theme):
    counts = answer().evaluation.matrix
    look, figure = matrix.counted(counts, shading, theme), charts.matrix(counts, shading=shading, theme=theme)
    assert look.grounds == cell_grounds(counts, shading, theme)
    inks = [matrix.ink(ground) for ground in look.grounds]
    assert list(figure.data[-1].textfont.color) == inks
    shown = [text for text in look.large if text]
    assert len(shown) == (42 if shading == "errors" else 49)
    assert all(text.split("<br>")[0] == large for text, large in zip(figure.data[-1].text, look.large, strict=True))


def test_a_matrix_without_faces_is_drawn_all_the_same():
    look = matrix.counted(np.zeros((7, 7), np.int64), "row", "light")
    assert set(look.large) == {"0"} and set(look.small) == {"–"}
    assert difference_grounds(np.zeros((7, 7)), np.zeros((7, 7)), "light")[0].max() == 0


def test_pairs_are_ranked_in_both_directions():
    evaluation = answer().evaluation
    rows = pairs.rows(evaluation)
    counts = [int(row["texts"][0]) for row in rows]
    assert counts == sorted(counts, reverse=True) and sum(counts) == evaluation.errors
    assert all(int(row["back"]) == evaluation.matrix[row["cell"][1], row["cell"][0]] for row in rows)


def test_what_stands_on_the_figure():
    told = dict(matrix_panel.told(view(marks={20: Mark(20, "ambiguous"), 139: Mark(139, "ambiguous")})))
    assert told["One, validation"] and "N 138" in told
    assert any("without 10 exact copies of training faces" in words for words in told)
    assert any("without 1 disputed label" in words for words in told)


def test_the_accuracy_without_disputed_labels_is_counted_anew():
    found, marks = answer(), {i: Mark(i, "label", 0) for i in range(40)}
    rest = evaluate(found.labels[40:], found.probabilities[40:])
    assert reviews_panel.without_disputed(view(marks=marks), found).startswith(f"{100 * rest.accuracy:.1f}%")
    everyone = {i: Mark(i, "ambiguous") for i in range(140)}
    assert reviews_panel.without_disputed(view(marks=everyone), found) == "every label is disputed"


@pytest.mark.parametrize(("key", "mark"), [("1", Mark(5, "label", 0)), ("7", Mark(5, "label", 6)), ("a", Mark(5, "ambiguous")),
                                           ("n", Mark(5, "not_a_face")), ("m", Mark(5, "network")), ("0", None)])
def test_one_key_is_one_mark(key, mark):
    assert key in reviews_panel.KEYS
    assert reviews_panel.meant(key, 5) == mark


def test_tiles_tell_label_call_probabilities_and_index():
    shown = view(marks={3: Mark(3, "label", 6)}, b=answer(seed=1))
    found = shown.a
    text = face_wall.caption(shown, 3)
    assert f"Happy → {EMOTIONS[found.predicted[3]].capitalize()}" in text or found.predicted[3] == 3
    assert f"{found.confidence[3]:.0%}" in text and "#3" in text and "B: " in text and "label wrong: Neutral" in text
    assert "exact copy of a training face" in face_wall.tip(shown, 3)


def test_faces_as_csv_have_a_row_each():
    shown = view()
    rows = list(csv.DictReader(io.StringIO(face_wall.table(shown, shown.rows))))
    assert [int(row["face"]) for row in rows] == shown.rows.tolist()
    assert all(abs(sum(float(row[f"p_{name}"]) for name in EMOTIONS) - 1) < 1e-3 for row in rows)


def test_mean_faces_and_their_differences():
    images = np.random.default_rng(0).integers(0, 256, (10, 48, 48), np.uint8)
    assert np.allclose(cell.mean(images, np.array([1, 4])), (images[1] + images[4].astype(float)) / 2)
    assert (cell.mean(images, np.array([], int)) == 127.5).all()
    drawn = cell.signed_picture(np.array([[0.0, 10, -10, 99]]), 10, "light")
    assert tuple(drawn[0, 0]) == cell.rgb(cell.DIVERGING["light"][2])
    assert tuple(drawn[0, 1]) == tuple(drawn[0, 3]) == cell.rgb(cell.DIVERGING["light"][4])


def test_numbers_per_class_leave_unknown_ones_empty():
    labels = np.array([0, 0, 3, 3])
    rows = class_panel.rows(evaluate(labels, np.eye(7, dtype=np.float32)[[0, 3, 3, 3]]))
    assert rows[0]["recall %"] == 50.0 and rows[3]["precision %"] == 66.7
    assert rows[1]["recall %"] is None and rows[1]["precision from"] is None


def test_probabilities_of_a_cell_are_drawn_as_they_are_counted():
    found = answer()
    figure = charts.cell_probabilities(found.confidence, found.own, theme="dark")
    assert [sum(trace.y) for trace in figure.data] == [140, 138]
    assert downloads.numbers(figure).splitlines()[0].startswith("series")
    assert len(charts.cell_probabilities(np.empty(0), np.empty(0)).data) == 2


def test_keys_that_come_faster_than_answers_act_once(monkeypatch):
    acted, state = [], {}
    monkeypatch.setattr(gallery.st, "session_state", state)
    keys = gallery.Keys(open=acted.append, leave=acted.clear, keys="1a", ids=[7, 8], act=acted.extend)
    heard = gallery._listeners("wall", keys)["on_key_change"]
    told = [{"number": 1, "key": "1", "id": 7}, {"number": 2, "key": "a", "id": 8}]
    for part in (told[:1], told, told):
        state["gallery_wall"] = {"key": {"session": "x", "keys": part}}
        heard()
    assert acted == [("1", 7), ("a", 8)]
    state["gallery_wall"] = {"key": {"session": "y", "keys": told[:1]}}  # the page was loaded anew: it counts from one
    heard()
    assert acted[-1] == ("1", 7) and len(acted) == 3


def make_run(root, name, dataset, source, *, fingerprint=None, split="validation", seed=0):
    run = Run(root / name)
    run.path.mkdir(parents=True)
    atomic_io.write_json(run.path / "config.json", RunConfig.from_preset("quick", data=source).model_dump(mode="json"))
    run.write_status(Status(state="finished", heartbeat=time.time()))
    labels = dataset[split].labels
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(7), len(labels)).astype(np.float32)
    run.write_predictions(Predictions(split, fingerprint or dataset.fingerprint, labels, probabilities, None, probabilities,
                                      np.zeros(len(labels), bool)))
    return run


@pytest.fixture
def app(tmp_path, monkeypatch, faces):
    """The app with one run on seventy faces in a CSV."""
    from fer_core import data

    labels = faces.labels.astype(np.int64)
    part = {"train": data.Split(faces.images[:40], labels[:40], np.arange(40)),
            "validation": data.Split(faces.images[40:], labels[40:], np.arange(40, 70))}
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "few.csv"
    data.write_csv(data.Dataset(part, "few", "few"), path)
    for name, folder in (("DATA", "data"), ("RUNS", "runs"), ("CACHE", "cache")):
        monkeypatch.setenv(f"FER_LENS_{name}", str(tmp_path / folder))
    dataset = data.read(path)
    make_run(tmp_path / "runs", "one", dataset, str(path))
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.few, app.path, app.runs = dataset, path, tmp_path / "runs"
    return app


def opened_page(app, **query):
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("pages/confusion_matrix.py").run()
    assert not app.exception, app.exception
    return app


def html_of(app):
    return " ".join(part.proto.body for part in app.get("html"))


@pytest.mark.parametrize("query", [
    {}, {"true": "sad", "pred": "neutral", "image": "3"}, {"panel": "confidence", "min": "0.4"}, {"panel": "classes"}, {"panel": "runs"},
    {"panel": "marks"}, {"min": "1"}, {"true": "99", "cells": "x", "image": "1e9", "start": "-7", "panel": "?", "with": "nobody"},
    {"split": "test"}, {"run": "nobody"}, {"run": "../x"}])
def test_the_page_runs_for_any_link(app, query):
    shown = opened_page(app, **query)
    assert shown.title[0].value == "Confusion matrix"


def test_a_split_that_was_not_predicted_is_offered(app):
    shown = opened_page(app, split="train", run="one")
    assert "keeps no predictions of the training split" in " ".join(part.value for part in shown.info)
    assert "Train" not in next(one for one in shown.get("button_group") if one.label == "Split").options
    (app.runs / "one" / "weights.safetensors").write_bytes(save({"a": np.zeros(1, np.float32)}))
    shown = opened_page(app, split="train", run="one")
    assert any(button.label == "Make the predictions" for button in shown.button)
    going = Progress("running", 0.4, "", vars(Process.this()), time.time() - 20, time.time())
    atomic_io.write_json(app.runs / "one" / "predict-train.json", vars(going))
    shown = opened_page(app, split="train", run="one")
    assert "Predicting the training split: 40%, about 30 s left" in shown.get("progress")[0].proto.text
    atomic_io.write_json(app.runs / "one" / "predict-train.json", {**vars(going), "state": "failed", "reason": "There is no data set."})
    assert "There is no data set." in html_of(opened_page(app, split="train", run="one"))


def test_faces_of_another_data_set_are_not_shown(app):
    make_run(app.runs, "other", app.few, str(app.path), fingerprint="e" * 64)
    shown = opened_page(app, run="other")
    assert "not those that were predicted" in html_of(shown)
    assert "right (" in html_of(shown)  # its numbers hold all the same


def test_another_edition_of_the_faces_can_be_predicted(app, monkeypatch):
    monkeypatch.setattr(splits, "FER2013", {name: tuple(row) for name, row in splits.counts(app.few).items()})
    run = make_run(app.runs, "other", app.few, "fer2013.csv", fingerprint="e" * 64)
    told = {"name": "fer2013.csv", "fingerprint": "e" * 64, "counts": {name: row.tolist() for name, row in splits.counts(app.few).items()}}
    atomic_io.write_json(run.path / "facts.json", {"data": told})
    (run.path / "weights.safetensors").write_bytes(save({"a": np.zeros(1, np.float32)}))
    shown = opened_page(app, run="other")
    assert "another edition of those that were predicted" in html_of(shown) and "right (" in html_of(shown)
    asked = []
    monkeypatch.setattr(prediction_job, "start", lambda run, split, source, views: asked.append((run.id, split, source)))
    next(button for button in shown.button if button.label == "Predict the faces at hand").click().run()
    assert asked == [("other", "validation", str(app.path))]
    told["counts"]["train"][0] += 1  # as many faces of each class is what an edition is known by
    atomic_io.write_json(run.path / "facts.json", {"data": told})
    shown = opened_page(app, run="other")
    assert "another edition" not in html_of(shown) and all(button.label != "Predict the faces at hand" for button in shown.button)


def test_runs_on_different_faces_are_not_mixed(app):
    make_run(app.runs, "other", app.few, str(app.path), fingerprint="e" * 64)
    shown = opened_page(app, run="one", **{"with": "other"})
    assert "predicted other faces" in html_of(shown)


def test_a_data_set_that_is_away_leaves_the_numbers(app):
    app.path.unlink()
    shown = opened_page(app, run="one")
    assert "faces that this run was trained on are not at hand" in html_of(shown) and "right (" in html_of(shown)


def test_a_data_set_that_moved_is_found_by_its_name(app):
    run = make_run(app.runs, "moved", app.few, "/elsewhere/few.csv")
    shown = opened_page(app, run=run.id)
    assert "faces that this run was trained on are not at hand" not in html_of(shown)


def test_a_data_set_under_another_name_is_found_by_its_fingerprint(app):
    run = make_run(app.runs, "moved", app.few, "fer2013-dev.zip")
    app.path.rename(app.path.with_name("renamed.csv"))
    shown = opened_page(app, run=run.id)
    told = html_of(shown)
    assert "faces that this run was trained on are not at hand" not in told and "not those that were predicted" not in told


def test_two_runs_of_one_title_have_labels_of_their_own(app):
    make_run(app.runs, "two", app.few, str(app.path), seed=1)
    for name in ("one", "two"):
        Run(app.runs / name).update_meta(title="Twin")
    shown = opened_page(app, run="one", panel="runs")
    choices = {box.label: box for box in shown.selectbox}
    assert sorted(choices["Run (A)"].options) == ["Twin (one)", "Twin (two)"]
    assert choices["Run (A)"].value == "one"
    shown = opened_page(app, run="two", **{"with": "one"})
    assert {box.label: box.value for box in shown.selectbox}["Run (A)"] == "two"


def test_titles_are_shown_letter_by_letter(app):
    make_run(app.runs, "two", app.few, str(app.path), seed=1)
    Run(app.runs / "one").update_meta(title="**bold** $x$")
    shown = opened_page(app, run="one", panel="runs", **{"with": "two"})
    assert any(r"\*\*bold\*\* \$x\$" in part.value for part in shown.markdown)


def test_runs_of_other_faces_are_not_offered_for_comparison(app):
    make_run(app.runs, "two", app.few, str(app.path), seed=1)
    make_run(app.runs, "other", app.few, str(app.path), fingerprint="e" * 64)
    shown = opened_page(app, run="one")
    assert next(box for box in shown.selectbox if box.label == "Compare with (B)").options == ["no other run", "two"]


def test_a_part_without_a_second_run_is_left_aside_and_told(app):
    shown = opened_page(app, run="one", part="fixes")
    assert any("compares with none" in note.value for note in shown.info)
    assert "B fixes" not in html_of(shown) and "Nothing chosen" in html_of(shown)


def test_damaged_predictions_can_be_made_anew(app):
    (app.runs / "one" / "predictions.npz").write_bytes(b"not a zip")
    (app.runs / "one" / "weights.safetensors").write_bytes(save({"a": np.zeros(1, np.float32)}))
    shown = opened_page(app, run="one")
    assert "predictions.npz is damaged" in html_of(shown) and "unsafe" not in html_of(shown)
    assert any(button.label == "Make the predictions" for button in shown.button)


def test_a_split_that_the_data_lacks_is_told_without_a_button(app):
    (app.runs / "one" / "weights.safetensors").write_bytes(save({"a": np.zeros(1, np.float32)}))
    atomic_io.write_json(app.runs / "one" / "facts.json", {"data": {"counts": {"train": [1] * 7, "validation": [1] * 7}}})
    shown = opened_page(app, run="one", split="test")
    assert "There is no" in html_of(shown) and not any(button.label == "Make the predictions" for button in shown.button)


@pytest.mark.parametrize("damage", ["cut", "empty", "labels", "nan"])
def test_a_damaged_file_is_told_and_the_page_goes_on(app, damage):
    path = app.runs / "one" / "predictions.npz"
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        arrays = atomic_io.read_arrays(path)
        arrays |= {"validation.labels": arrays["validation.labels"][:-1]} if damage == "labels" else {
            "validation.probabilities": np.full_like(arrays["validation.probabilities"], np.nan)}
        atomic_io.write_arrays(path, **arrays)
    shown = opened_page(app, run="one")
    assert "fer-problem" in html_of(shown)
    assert any(box.label == "Run (A)" for box in shown.selectbox)


def test_a_split_without_labels_is_told(app):
    run = Run(app.runs / "one")
    found = run.predictions("validation")
    run.write_predictions(Predictions("test", found.fingerprint, np.full(30, -1), found.probabilities, None, None, found.leaked))
    assert "No face of this split has a label" in html_of(opened_page(app, run="one", split="test"))


def test_the_damage_of_one_run_hides_no_other(app):
    (app.runs / "bad").mkdir()
    (app.runs / "bad" / "config.json").write_text("{")
    shown = opened_page(app, run="bad")
    assert "bad/config.json" in html_of(shown) and "one on 30 validation faces" in html_of(shown)


def test_with_damaged_runs_only_each_tells_its_damage(app):
    (app.runs / "one" / "config.json").write_text("{")
    shown = opened_page(app)
    assert "one is damaged" in html_of(shown) and "No run to look at" in html_of(shown)


def test_answers_refuse_what_does_not_fit(tmp_path, app):
    from ui.services import predictions

    run = Run(app.runs / "one")
    with zipfile.ZipFile(run.path / "predictions.npz") as archive:
        assert "validation.probabilities.npy" in archive.namelist()
    assert predictions.predicted_splits(run) == ["validation"]
    assert predictions.predicted_splits(Run(tmp_path)) == []
    arrays = atomic_io.read_arrays(run.path / "predictions.npz")
    atomic_io.write_arrays(run.path / "predictions.npz", **arrays | {"validation.leaked": np.zeros(3, bool)})
    with pytest.raises(RunError, match="does not fit together"):
        predictions.answers(run, "validation")


def test_scikit_learn_counts_the_same_matrix_on_the_shipped_predictions(root):
    from sklearn.metrics import confusion_matrix

    found = Run(root / "checkpoints" / "demo").predictions("validation")
    mine = Answers("demo", "demo", "validation", found.fingerprint, found.labels.astype(np.int8), found.probabilities, None, found.leaked)
    theirs = confusion_matrix(found.labels, found.probabilities.argmax(1), labels=range(7))
    assert np.array_equal(mine.matrix(np.ones(len(mine), bool)), theirs)
