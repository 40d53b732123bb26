"""The saliency viewer without a browser: what its URL means, the panels' numbers, jobs, and the page over the demo run."""

import io
import json
import shutil
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from run_folders import copied
from streamlit.testing.v1 import AppTest

from fer_core import atomic_io
from fer_core.attribution import region_occlusion, region_shares
from fer_core.attribution.aggregate import Asked
from fer_core.attribution.registry import WORDS
from fer_core.attribution.request import KNOBS, Question, parse, why
from fer_core.data import splits
from fer_core.data.dataset import read
from fer_core.data.splits import spread
from fer_core.errors import FerError
from fer_core.faces import regions
from fer_core.faces.regions import Box, fixed
from fer_core.plots import figures, saliency_images
from fer_core.runs.store import RunStore
from ui.elements import squares
from ui.services import jobs
from ui.services.explained_face import Subject
from ui.services.predictions import Answers
from ui.views.saliency import (
    aggregate_jobs,
    changed_panel,
    filters_panel,
    over_active_panel,
    paint_panel,
    regions_panel,
    save_panel,
)
from ui.views.saliency import (
    explanation as explain_view,
)
from ui.views.saliency.explanation import Explained

HAPPY, SAD, NEUTRAL = 3, 4, 6
NAMES = ["p", "q", "method", "layer", *KNOBS]


# what the URL means

def test_with_nothing_told_the_call_is_explained_against_the_label_when_they_differ():
    assert parse({}, NEUTRAL, SAD)[0] == Question(NEUTRAL, SAD)
    assert parse({}, SAD, SAD)[0] == parse({}, SAD, -1)[0] == Question(SAD)
    assert parse({"p": "called"}, NEUTRAL, SAD)[0] == Question(NEUTRAL)
    assert parse({"p": "label"}, NEUTRAL, SAD)[0] == Question(SAD)
    assert parse({"p": "3", "q": "Sad", "method": "occlusion", "patch": "6"}, NEUTRAL, SAD)[0] == Question(
        HAPPY, SAD, "occlusion", None, (("patch", 6.0),))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=9) | st.floats().map(str) | st.integers().map(str), max_size=4),
       st.integers(0, 6), st.integers(-1, 6))
def test_no_text_in_the_url_is_an_error(params, called, label):
    asked, told = parse(params, called, label)
    assert asked.method in WORDS and 0 <= asked.target < 7 and asked.versus != asked.target
    for name, value in asked.knobs:
        assert KNOBS[name][1] <= value <= KNOBS[name][2]
    assert all(sentence.endswith(".") for sentence in told)


def test_nonsense_is_told():
    asked, told = parse({"p": "grin", "q": "sad", "method": "magic", "samples": "nan"}, SAD, SAD)
    assert asked == Question(SAD) and len(told) == 4
    assert "grin" in told[0] and "magic" in " ".join(told)


def test_a_question_in_words():
    assert why(NEUTRAL, SAD) == "Why Neutral rather than Sad"
    assert Question(NEUTRAL, SAD, "smoothgrad", None, (("samples", 9.0),)).by("rise") == Question(NEUTRAL, SAD, "rise")


def test_of_many_faces_each_is_asked_by_its_own_classes():
    called, labels = np.array([6, 3, 4]), np.array([4, 0, 6])
    targets, versus = Asked.of(Question(6, 4), {}).of_faces(called, labels)
    assert (targets.tolist(), versus.tolist()) == ([6, 3, 4], [4, 0, 6])
    targets, versus = Asked.of(Question(6, 4), {}).of_faces(called, np.array([4, 3, 6]))  # one is right: no contrast for all
    assert (targets.tolist(), versus) == ([6, 3, 4], None)
    targets, versus = Asked.of(Question(3, 2), {"p": "happy", "q": "fear"}).of_faces(called, labels)
    assert (targets.tolist(), versus.tolist()) == ([3, 3, 3], [2, 2, 2])


@given(st.integers(1, 400), st.integers(1, 60))
def test_faces_are_taken_evenly(count, most):
    rows = np.arange(count) * 3
    taken = spread(rows, most)
    assert len(taken) == min(count, most) == len(set(taken.tolist())) and set(taken) <= set(rows)
    assert np.array_equal(spread(rows, None), rows)


boxes = st.tuples(*[st.integers(0, 470)] * 2, *[st.integers(10, 480)] * 2).map(
    lambda v: Box(v[0] / 10, v[1] / 10, min(48, (v[0] + v[2]) / 10), min(48, (v[1] + v[3]) / 10)))


@given(st.sampled_from(regions.FEATURES), boxes)
def test_a_moved_region_survives_the_url(name, box):
    usual = fixed()
    now, wrong = regions_panel.read(regions_panel.written(usual.with_box(name, 0, box), usual), usual)
    assert not wrong
    read = now.boxes[name][0]
    assert np.allclose([read.left, read.top, read.right, read.bottom], [box.left, box.top, box.right, box.bottom], atol=0.051)


@given(st.text(max_size=60))
def test_no_text_of_regions_is_an_error(text):
    now, wrong = regions_panel.read(text, fixed())
    assert now.masks.sum() == 48 * 48
    assert wrong == "" or "left aside" in wrong


def test_regions_that_make_no_sense_are_told():
    for text in ("mouth.0:40,1,20,2", "mouth.7:1,1,20,20", "chin.0:1,1,9,9", "mouth.0:1,1,99,20", "mouth.-1:1,1,9,9", "x"):
        assert text[:9] in regions_panel.read(text, fixed())[1], text


@pytest.mark.parametrize("text", ["", "!!", "AAAA", None, 7, "A" * 5000])
def test_pixels_that_are_none(text):
    assert paint_panel.pixels(text) is None


def test_pixels_are_read_back():
    face = np.arange(48 * 48, dtype=np.uint32).astype(np.uint8).reshape(48, 48)
    assert np.array_equal(paint_panel.pixels(paint_panel._text(face)), face)


# figures and pictures

def test_the_curves_of_a_map_and_of_random_ones():
    own = {"deletion": np.array([1, 0.2, 0.1]), "insertion": np.array([0.1, 0.9, 1])}
    random = {name: np.stack([values, values + 0.02]) for name, values in own.items()}
    figure = figures.map_curves(own, random, "p of Happy")
    assert [trace.name for trace in figure.data] == ["deletion, this map", "deletion, random maps", "insertion, this map",
                                                     "insertion, random maps"]
    np.testing.assert_allclose(figure.data[1].y, [1.01, 0.21, 0.11])
    np.testing.assert_allclose(figure.data[0].x, [0, 0.5, 1])


# jobs

def started(desk, name, holder="me"):
    begun, go = threading.Event(), threading.Event()

    def work(job):
        begun.set()
        while not go.wait(0.01):
            job.part(0, 1)(0.5)
        return 42

    job = desk.ask(name, work, holder)
    assert begun.wait(10)
    return job, go


def test_one_answer_for_all_who_ask():
    desk = jobs.Desk()
    job, go = started(desk, "a")
    assert desk.ask("a", lambda job: 1 / 0, "you") is job
    go.set()
    assert job.done.wait(10) and (job.answer, job.error) == (42, None)
    assert desk.ask("a", lambda job: 1 / 0, "you") is job


def test_work_ends_when_its_last_holder_lets_go():
    desk = jobs.Desk()
    job, _ = started(desk, "a")
    desk.ask("a", lambda job: 0, "you")
    desk.let_go("a", "me")
    assert not job.stopped()
    desk.let_go("a", "you")
    assert job.done.wait(10) and isinstance(job.error, jobs.Unwanted)
    again, go = started(desk, "a")
    assert again is not job
    go.set()


def test_what_goes_wrong_is_told_as_an_error_in_words():
    job = jobs.Desk().ask("a", lambda job: 1 / 0, "me")
    assert job.done.wait(10) and isinstance(job.error, FerError) and "ZeroDivisionError" in job.error.received


# the page over the demo run

@pytest.fixture(scope="module")
def runs(root, tmp_path_factory):
    """A store with a copy of the demo run, without its caches."""
    folder = tmp_path_factory.mktemp("saliency") / "runs"
    copied(root / "checkpoints/demo", folder / "demo")
    return folder


@pytest.fixture
def page(root, runs, monkeypatch):
    """Open the page by a link."""
    monkeypatch.setenv("FER_LENS_RUNS", str(runs))

    def opener(**params):
        app = AppTest.from_file(str(root / "app.py"), default_timeout=120)
        app.switch_page("pages/saliency_viewer.py")
        for name, value in params.items():
            app.query_params[name.rstrip("_")] = value
        return until(app.run(), lambda app: not working(app))

    return opener


def working(app):
    return any(button.label == "Cancel" for button in app.button)


def until(app, condition, seconds=120):
    """Draw the page again until a condition holds."""
    end = time.monotonic() + seconds
    while not condition(app):
        assert time.monotonic() < end, told(app)
        time.sleep(0.3)
        app.run()
    assert not app.exception
    return app


def told(app):
    """All that the page says."""
    return " ".join([*(one.value for one in (*app.markdown, *app.info, *app.caption)), *(str(one.proto.body) for one in app.get("html"))])


@pytest.fixture(scope="module")
def cell(runs):
    """The demo run's Sad validation faces that were called Neutral, the most confident first."""
    found = RunStore(runs).open("demo").predictions("validation")
    called = found.probabilities.argmax(1)
    faces = np.flatnonzero((found.labels == SAD) & (called == NEUTRAL))
    return faces[np.argsort(-found.probabilities[faces].max(1), kind="stable")], found


def test_a_cell_is_walked_through_in_the_order_of_the_matrix(page, cell):
    faces, found = cell
    app = page(run="demo", true="sad", pred="neutral", method="gradient")
    for place, face in enumerate(faces[:3]):
        p = found.probabilities[face]
        assert f"validation face {face}: labelled Sad, called Neutral with {100 * p[NEUTRAL]:.1f}%" in told(app)
        assert f"Face {place + 1} of {len(faces)} · " in told(app).replace("\\", "")
        assert next(one for one in app.button if one.label == "Previous").disabled == (place == 0)
        next(one for one in app.button if one.label == "Next").click()
        until(app.run(), lambda app: not working(app))
    assert app.query_params["image"] in (str(faces[3]), [str(faces[3])])


def test_another_edition_of_the_predicted_faces_is_explained_face_by_face(page, root, tmp_path, monkeypatch):
    monkeypatch.setattr(splits, "FER2013", {name: tuple(row) for name, row in splits.counts(read("demo")).items()})
    shutil.copytree(root / "checkpoints/demo", tmp_path / "far", ignore=shutil.ignore_patterns(".cache"))
    run = RunStore(tmp_path).open("far")
    facts = run.facts
    facts["data"]["fingerprint"] = "e" * 64
    atomic_io.write_json(run.path / "facts.json", facts)
    run.write_predictions(replace(run.predictions("validation"), fingerprint="e" * 64))
    monkeypatch.setenv("FER_LENS_RUNS", str(tmp_path))
    app = page(run="far", image="3", method="gradient")
    assert "validation face 3: labelled" in told(app) and "has predicted another edition" in told(app)
    assert any(button.label == "Predict the faces at hand" for button in app.button)


def test_hiding_the_mouth_tells_what_the_network_then_says(page, cell, runs):
    from fer_core import models
    from ui.services import cache

    faces, _ = cell
    app = page(run="demo", image=str(faces[0]), hide="mouth", method="gradient")
    until(app, lambda app: "Without mouth" in told(app) and not working(app))
    image = np.asarray(cache.dataset("demo")["validation"].images[faces[0]])
    where = regions.located(image[None], drawn=True)[0]
    hidden = region_occlusion.hide(models.load(RunStore(runs).open("demo")), image[None], where)
    p = hidden.after[0][regions.NAMES.index("mouth")][NEUTRAL]
    assert f"{p:.0%}" in told(app)


@pytest.mark.parametrize("params", [
    {"image": "x", "p": "grin", "boxes": "chin.0:1,2,3,4", "split": "nowhere", "why": "x", "keep": "-3", "opacity": "500", "hide": "ears",
     "fill": "red", "beside": "me", "true": "9"},
    {"image": "99999", "method": "magic"}, {"image": "-1", "samples": "1e9", "method": "smoothgrad"},
    {"layer": "conv9", "method": "grad_cam"}, {"q": "angry", "p": "angry"}, {"run": "../demo"}])
def test_a_broken_link_opens_the_page_with_a_word(page, params):
    app = page(**{"run": "demo", "method": "gradient", **params})
    assert app.title[0].value == "Saliency"
    assert "called" in told(app)
    complaints = " ".join([*(one.value for one in app.info), *(str(one.proto.body) for one in app.get("html"))]).replace("\\", "")
    for name, value in params.items():
        assert value in complaints or value in WORDS, name


def test_without_a_run_the_page_teaches(root, tmp_path, monkeypatch):
    monkeypatch.setenv("FER_LENS_RUNS", str(tmp_path))
    app = AppTest.from_file(str(root / "app.py"), default_timeout=60)
    for name in ("saliency_viewer", "try_photo"):
        app.switch_page(f"pages/{name}.py").run()
        assert not app.exception
        assert "fer-empty" in told(app) and "fer_core train" in app.code[0].value


@pytest.mark.parametrize("panel", ["compare", "test", "paint", "save"])
def test_each_panel_is_drawn(page, panel):
    app = page(run="demo", image="3", method="gradient", why=panel)
    words = {"compare": "One rule of scale", "test": "random maps", "paint": "the bars answer", "save": "float32 48"}[panel]
    until(app, lambda app: words in told(app))


# numbers of the panels, on the demo network

@pytest.fixture(scope="module")
def explained(runs):
    """Face 3 of the demo run's validation faces, explained by its gradient."""
    from fer_core import models
    from fer_core.attribution import explanation
    from ui.services import cache

    run = RunStore(runs).open("demo")
    image = np.asarray(cache.dataset("demo")["validation"].images[3])
    model = models.load(run)
    p = models.predict(model, image[None])[0]
    asked = Question(int(p.argmax()), int(p.argsort()[-2]), "gradient")
    found = explanation.explain_with_notes(model, image[None], asked.method, asked.target, versus=asked.versus)
    subject = Subject(run, image, "validation face 3", 0, p, True, "validation", 3)
    shown = squares.Shown(image, found.maps[0], saliency_images.limit(found.maps[0]), True, False)
    return Explained(subject, asked, found, shown, squares.Look(), None)


def test_files_hold_the_raw_map_and_what_makes_it_again(explained):
    from PIL import Image

    saved = np.load(io.BytesIO(save_panel.array(explained)))
    assert saved.dtype == np.float32 and np.array_equal(saved, explained.found.maps[0])
    told = json.loads(json.dumps(save_panel.settings(explained, {"run": "demo", "image": "3"})))
    assert told["method"] == "gradient" and told["index"] == 3 and told["settings"] == {} and told["link"]["image"] == "3"
    assert save_panel.defaults(Question(HAPPY, None, "smoothgrad")) == {"samples": 50, "noise": 0.15, "seed": 0}
    assert told["score"] == pytest.approx(float(explained.found.scores[0]))
    picture = Image.open(io.BytesIO(save_panel.picture(explained, "light")))
    assert picture.width > 4 * 240
    line = save_panel.command(explained)
    assert line.startswith("python -m fer_core explain demo --split validation --image 3 --method gradient --target ")


def test_the_mean_over_one_face_is_that_face(explained):
    from fer_core import models
    from ui.services import cache

    dataset, rows = cache.dataset("demo"), np.array([3])
    asked = Asked.of(explained.asked, {"p": str(explained.asked.target), "q": str(explained.asked.versus)})
    _, work = aggregate_jobs.job(explained.subject.run, (dataset, "validation"), rows, asked)
    found = work(jobs.Job())
    own = explained.found.maps[0]
    np.testing.assert_allclose(found.map, own / np.abs(own).sum(), rtol=1e-3, atol=1e-7)
    assert found.contrast and np.array_equal(found.face, explained.subject.image)
    where = regions.located(explained.subject.image[None], drawn=True)
    np.testing.assert_allclose(found.ledger.shares, region_shares.ledger(own[None], where).shares, rtol=1e-3)
    effect = aggregate_jobs.hiding(explained.subject.run, (dataset, "validation"), rows)[1](jobs.Job())
    hidden = region_occlusion.hide(models.load(explained.subject.run), explained.subject.image[None], where)
    np.testing.assert_allclose(effect, hidden.change[0], atol=1e-5)


def test_many_faces_are_the_mean_of_each_and_can_be_cancelled(explained):
    from ui.services import cache

    source, asked = (cache.dataset("demo"), "validation"), Asked.of(Question(HAPPY, None, "gradient"), {"p": "happy"})
    each = [aggregate_jobs.job(explained.subject.run, source, np.array([i]), asked)[1](jobs.Job()) for i in (3, 60)]
    both = aggregate_jobs.job(explained.subject.run, source, np.array([3, 60]), asked)[1](jobs.Job())
    np.testing.assert_allclose(both.map, (each[0].map + each[1].map) / 2, rtol=1e-2, atol=1e-6)
    effects = [aggregate_jobs.hiding(explained.subject.run, source, np.array(rows))[1](jobs.Job()) for rows in ([3], [60], [3, 60])]
    np.testing.assert_allclose(effects[2], (effects[0] + effects[1]) / 2, atol=1e-4)
    given_up = jobs.Job(cancelled=True)
    with pytest.raises(FerError):
        aggregate_jobs.job(explained.subject.run, source, np.array([3, 60]), asked)[1](given_up)


def test_a_map_that_failed_is_grey_and_says_so(explained):
    failed = squares.Shown(explained.shown.face, explained.shown.map, explained.shown.top, True, True)
    seen, grey = (np.ptp(one.picture("map", explained.look, "light").astype(int), axis=-1) for one in (explained.shown, failed))
    assert seen.max() > 100 and grey.max() <= 3  # the ground itself is not quite grey
    told = explain_view.captions(explained.subject, explained.asked, Explained(**{**vars(explained), "shown": failed}))
    assert told["map"][1] == "Gradient, in logits per grey level; greyed, for it fails its test"


def test_completeness_is_told_against_the_rise():
    told = explain_view.completeness(1.047, 0.097, 8.0)
    assert told == ("The blank face has +7.05, and the parts add up to +1.05 of the rise of +0.95: a completeness gap of 10%. More steps "
                    "(Settings) make it smaller.")
    assert explain_view.completeness(5.0, 0.01, 3.0).endswith("of the rise of +4.99 (completeness gap 0.2%).")


def test_what_belongs_to_one_face_is_left_behind_with_it():
    def script():
        import streamlit as st

        from ui.state import navigation

        st.query_params.from_dict({"image": "3", "boxes": "mouth.0:1,2,3,4", "hide": "mouth"})
        navigation.write(image=3, method="rise")
        st.session_state["same"] = st.query_params.to_dict()
        navigation.write(image=4)
        st.session_state["next"] = st.query_params.to_dict()

    state = AppTest.from_function(script).run().session_state
    assert state["same"] == {"image": "3", "boxes": "mouth.0:1,2,3,4", "hide": "mouth", "method": "rise"}
    assert state["next"] == {"image": "4", "hide": "mouth", "method": "rise"}


def test_a_run_that_has_not_predicted_is_asked_about_its_face(page, runs):
    shutil.copytree(runs / "demo", runs / "bare", ignore=shutil.ignore_patterns(".cache", "predictions.npz"))
    app = page(run="bare", image="3", method="gradient")
    until(app, lambda app: "called" in told(app) and not working(app))
    assert "validation face 3" in told(app)
    shutil.rmtree(runs / "bare")


def test_labels_within_a_sentence_keep_their_names():
    assert [jobs._inside(label) for label in ("Asking every method", "RISE, why sad", "LayerCAM of 3 faces", "Grad-CAM, why sad")] == [
        "asking every method", "RISE, why sad", "LayerCAM of 3 faces", "Grad-CAM, why sad"]


def test_what_became_of_the_probabilities_in_words():
    before, after = np.array([0, 0, 0.905, 0, 0, 0.087, 0.008]), np.array([0, 0, 0.3, 0, 0, 0.62, 0.08])
    assert filters_panel.shift(Question(2, 5), before, after).replace("\xa0", " ") == \
        "Fear 90.5% → 30.0%, Surprise 8.7% → 62.0%; it is then called Surprise"
    assert filters_panel.shift(Question(2), before, before).replace("\xa0", " ") == "Fear 90.5% → 90.5%"


def test_the_filters_that_carry_a_decision_and_what_is_left_without_them(page, runs):
    from fer_core import models
    from fer_core.units import ablation, unit_statistics

    run = RunStore(runs).open("demo")
    shown = page(run="demo", split="validation", image="169", why="filters", block="conv4")
    shown = until(shown, lambda app: "speak most for it" in told(app))
    model, face = models.load(run), np.asarray(read("demo")["validation"].images[169])
    carriers = unit_statistics.through_face(model, "conv4_relu", face, 2, 5, 5)
    off = [one.unit for one in carriers]
    probabilities = ablation.on_face(model, "conv4_relu", face, [off[:1], off])
    text = told(shown)
    assert all(f"Filter {unit} of conv4" in text for unit in off)
    assert filters_panel.shift(Question(2, 5), probabilities[0], probabilities[2]) in text
    assert filters_panel.shift(Question(2, 5), probabilities[0], probabilities[1]) in text


def test_right_ones_of_the_same_labels():
    found = Answers("one", "One", "validation", "f", np.array([4, 4, 4, 3, 3, -1, 0], np.int8),
                    np.eye(7, dtype=np.float32)[[4, 6, 4, 3, 4, 4, 0]], None, np.zeros(7, bool))
    others, called = over_active_panel.right_ones(found, np.array([1]))
    assert (others.tolist(), called) == ([0, 2], "Sad")
    others, called = over_active_panel.right_ones(found, np.array([0, 4]))
    assert (others.tolist(), called) == ([2, 3], "Happy and Sad")


@pytest.fixture(scope="module")
def second(runs):
    """A copy of the demo run that never says Neutral."""
    from safetensors.numpy import load_file, save_file

    from fer_core import models
    from ui.services import cache

    shutil.copytree(runs / "demo", runs / "other", ignore=shutil.ignore_patterns(".cache"))
    weights = load_file(runs / "other/weights.safetensors")
    bias = next(name for name, value in weights.items() if value.shape == (7,))
    save_file({**weights, bias: weights[bias] - 50 * np.eye(7, dtype=np.float32)[NEUTRAL]}, runs / "other/weights.safetensors")
    run = RunStore(runs).open("other")
    probabilities = models.predict(models.load(run), cache.dataset("demo")["validation"].images)
    run.write_predictions(replace(run.predictions("validation"), probabilities=probabilities))
    yield run
    shutil.rmtree(runs / "other")


def test_faces_that_a_second_network_fixes_with_both_maps(page, runs, second):
    from fer_core import models
    from fer_core.attribution import explanation
    from ui.services import cache

    a, b = (RunStore(runs).open(name).predictions("validation") for name in ("demo", "other"))
    calls = [one.probabilities.argmax(1) for one in (a, b)]
    fixed = np.flatnonzero((calls[0] != a.labels) & (calls[1] == a.labels))
    assert set(calls[0][fixed]) == {NEUTRAL}
    app = page(run="demo", why="changed", method="gradient", with_="other", group="fixes", several="all")
    until(app, lambda app: "How the maps move" in told(app) and not working(app))
    assert f"mean difference over {len(fixed)} faces" in told(app)
    images = np.asarray(cache.dataset("demo")["validation"].images[fixed])
    targets, versus = a.labels[fixed].astype(np.int64), np.full(len(fixed), NEUTRAL)
    books = [region_shares.ledger(explanation.explain(models.load(RunStore(runs).open(name)), images, "gradient", targets, versus=versus),
                            regions.located(images, drawn=True)) for name in ("demo", "other")]
    mean = 100 * region_shares.shift(*books)[0][regions.NAMES.index("mouth")]
    assert f"{mean:+.1f} points" in told(app)


@pytest.mark.parametrize("group", ["fixes", "breaks"])
def test_a_cell_hides_nothing_of_what_is_fixed_and_broken_anywhere(page, group):
    app = page(run="demo", why="changed", method="gradient", with_="other", true="happy", pred="neutral", group=group)
    until(app, lambda app: not working(app))
    assert "No face here" not in told(app) and "B fixes" in str([option for one in app.get("button_group") for option in one.options])


def test_a_second_run_that_there_is_not_is_told(page):
    assert "'with=nothing' was left aside" in told(page(run="demo", why="changed", with_="nothing")).replace("\\", "")


def test_faces_that_are_broken_ask_why_not_what_the_second_says(second):
    labels = np.array([4, 4, 3, 3], np.int8)
    a, b = (Answers(name, name, "validation", "f", labels, np.eye(7, dtype=np.float32)[called] * 0.9, None, np.zeros(4, bool))
            for name, called in (("a", [4, 6, 3, 3]), ("b", [6, 4, 3, 0])))
    fixes, breaks = (changed_panel.clearest(a, b, group) for group in changed_panel.GROUPS)
    assert (fixes.tolist(), sorted(breaks.tolist())) == ([1], [0, 3])
    assert changed_panel.Pair(second, second, a, b, fixes).wrong.tolist() == [6]
    assert changed_panel.Pair(second, second, a, b, np.array([0, 3])).wrong.tolist() == [6, 0]
