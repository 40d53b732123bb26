"""What the pages share, without a browser: parsing of the URL, sentences, pictures, and the pages run by AppTest on a small data set."""

import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from fer_core.config import RunConfig
from fer_core.runs.store import RunStore
from ui.elements.gallery import atlas, png
from ui.state.url_params import parse
from ui.text import formatting as words
from ui.views.overview.cards import Result, best, spark


@pytest.mark.parametrize(
    ("text", "expected"), [("3", 3), ("0", 0), ("9", 9), ("10", -1), ("-1", -1), ("x", -1), ("", -1), (None, -1), ("3.5", -1), ("1e1", -1)]
)
def test_a_parameter_out_of_place_gives_the_default(text, expected):
    assert parse(text, int, -1, low=0, high=9) == expected


def choosing():
    import streamlit as st

    from ui.state import bound_widgets, navigation, url_params

    if st.session_state.pop("tick", False):  # as in a fragment that the clock runs
        navigation.anew()
    navigation.arrive("a page")
    st.button("face", on_click=navigation.write, kwargs={"image": 2})
    st.button("method", on_click=navigation.write, kwargs={"method": "rise"})
    st.button("next", on_click=lambda: navigation.write(image=navigation.newest("image", 0, cast=int) + 1))
    now = url_params.param("image", 0, cast=int)
    st.number_input("number", 0, 99, now, **bound_widgets.mirror("number", now, lambda image: navigation.write(image=image)))


def choosing_a_run():
    import streamlit as st

    from ui.state import bound_widgets, navigation

    navigation.arrive("a page")
    bound_widgets.choose("Run", "run", ["first", "second"], default="second")
    bound_widgets.choose("Split", "split", ["train", "validation"], default="validation")
    st.button("face", on_click=navigation.write, kwargs={"image": 2})
    st.button("method", on_click=navigation.write, kwargs={"method": "rise"})


@pytest.fixture
def chosen_face():
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_function(choosing).run()
    app.button[0].click().run()
    assert app.query_params == {"image": "2"}
    return app


def test_a_second_click_before_the_browser_heard_of_the_first_loses_neither(chosen_face):
    chosen_face.query_params.clear()
    chosen_face.button[1].click().run()
    assert chosen_face.query_params == {"image": "2", "method": "rise"}


def test_a_click_that_arrives_twice_is_not_lost(chosen_face):
    chosen_face.query_params.clear()  # with a part that the clock draws, and then with the page: the browser heard of nothing between
    chosen_face.button[0].click().run()
    assert chosen_face.query_params == {"image": "2"}


def test_no_click_of_a_quick_hand_is_lost(chosen_face):
    for label in ("next", "next", "method", "next"):
        chosen_face.query_params.clear()  # the browser has heard of none of them yet
        next(button for button in chosen_face.button if button.label == label).click().run()
    assert chosen_face.query_params == {"image": "5", "method": "rise"}


def test_what_the_browser_has_heard_of_is_no_older_query_any_more(chosen_face):
    chosen_face.button[1].click().run()  # asked with the newest query: it has heard of the first click
    chosen_face.query_params.clear()  # so this is Back, with a click that arrives together with it
    chosen_face.button[2].click().run()
    assert chosen_face.query_params == {"image": "1"}


def test_the_overview_tells_the_accuracy_of_the_stored_predictions(root, monkeypatch):
    from ui.views.overview import cards

    monkeypatch.setenv("FER_LENS_RUNS", str(root / "checkpoints"))
    store = RunStore(root / "checkpoints")
    told = store.open("cnn-fer2013").predictions("validation")
    found, scores = cards.predicted(cards.result(store.open("cnn-fer2013")))
    assert found.value == scores.accuracy == (told.probabilities.argmax(1) == told.labels).mean() and found.n == 3589
    assert "280" in cards.without_copies(scores)[0] and cards.without_copies(None) == []


def test_what_a_page_chose_by_itself_is_named_with_the_first_thing_that_is_chosen():
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_function(choosing_a_run).run()
    assert app.query_params == {}
    app.button[0].click().run()
    assert app.query_params == {"run": "second", "image": "2", "split": "validation"}


def choosing_what():
    import streamlit as st

    from ui.state import bound_widgets, navigation

    navigation.arrive("a page")
    words = {"few": "A filter", "many": "A logit"} if st.query_params.get("layer") == "last" else {"few": "One", "many": "More"}
    bound_widgets.choose("What", "goal", list(words), words=words.__getitem__)
    st.button("last", on_click=navigation.write, kwargs={"layer": "last"})


def test_a_label_of_the_moment_before_is_no_choice():
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_function(choosing_what).run()
    before = app.selectbox[0].key
    app.button[0].click().run()
    assert app.selectbox[0].key != before and app.query_params == {"layer": "last"}
    app.selectbox[0].select("many").run()
    assert app.query_params == {"layer": "last", "goal": "many"}


@pytest.mark.parametrize(("real", "expected"), [(False, "drawn"), (True, "photos")])
def test_the_usual_run_is_one_whose_faces_are_at_hand(monkeypatch, real, expected):
    from ui.controls import run_picker

    splits = {"empty": [], "photos": ["validation"], "drawn": ["validation"]}
    runs = [SimpleNamespace(id=name, config=SimpleNamespace(data="demo" if name == "drawn" else "data/fer2013.zip")) for name in splits]
    monkeypatch.setattr(run_picker, "predicted_splits", lambda run: splits[run.id])
    monkeypatch.setattr(run_picker.cache, "sources", lambda: ["demo", "data/other.zip"] if real else ["demo"])
    assert run_picker.usual(runs).id == expected
    assert run_picker.usual(runs, faces=False).id == "photos"


def test_what_is_no_face_needs_no_split():
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_function(choosing_a_run).run()
    app.button[1].click().run()
    assert app.query_params == {"run": "second", "method": "rise"}


def test_back_leads_to_the_query_before_and_a_click_does_not_bring_back_what_was_left(chosen_face, monkeypatch):
    monkeypatch.setattr("ui.state.navigation.get_script_run_ctx", lambda **_: SimpleNamespace(is_history_navigation=True))
    chosen_face.query_params.clear()
    chosen_face.run()
    assert chosen_face.query_params == {} and chosen_face.number_input[0].value == 0
    monkeypatch.undo()
    chosen_face.button[1].click().run()
    assert chosen_face.query_params == {"method": "rise"}


def test_a_run_for_the_query_before_is_a_late_browser_s_and_later_a_link(chosen_face, monkeypatch):
    chosen_face.query_params.clear()
    chosen_face.run()
    assert chosen_face.query_params == {"image": "2"} and chosen_face.number_input[0].value == 2
    monkeypatch.setattr("ui.state.navigation.LATE", 0.0)
    chosen_face.query_params.clear()
    chosen_face.run()
    assert chosen_face.query_params == {} and chosen_face.number_input[0].value == 0


def test_the_clock_does_not_draw_the_page_for_a_query_that_the_browser_has_left(chosen_face):
    chosen_face.query_params.clear()
    chosen_face.session_state["tick"] = True
    chosen_face.run()
    assert chosen_face.query_params == {"image": "2"}


def test_what_a_late_browser_says_of_a_widget_is_no_choice(chosen_face):
    late, first = chosen_face._tree, chosen_face.number_input[0].proto.id
    chosen_face.button[2].click().run()
    assert chosen_face.query_params == {"image": "3"} and chosen_face.number_input[0].value == 3
    late.button[2].set_value(False)
    late.number_input[0].set_value(2)
    chosen_face._tree = late  # the clock strikes in a browser that still shows 2
    chosen_face.run()
    assert chosen_face.query_params == {"image": "3"} and chosen_face.number_input[0].value == 3
    assert chosen_face.number_input[0].proto.id != first


def test_a_person_s_own_choice_leaves_the_widget_where_it_is(chosen_face):
    first = chosen_face.number_input[0].proto.id
    chosen_face.number_input[0].set_value(7).run()
    chosen_face.number_input[0].set_value(8).run()
    assert chosen_face.query_params == {"image": "8"} and chosen_face.number_input[0].proto.id == first


def test_not_a_number_is_no_value():
    assert parse("nan", float, 0.5, low=0, high=1) == 0.5


@pytest.mark.parametrize(("count", "columns"), [(1, 20), (7, 7), (20, 20), (21, 20), (240, 20), (5, 2)])
def test_an_atlas_holds_every_face_at_its_place(count, columns):
    images = np.random.default_rng(count).integers(0, 256, (count, 48, 48), np.uint8)
    sheet = atlas(images, columns)
    across = min(columns, count)
    for i, image in enumerate(images):
        y, x = divmod(i, across)
        assert np.array_equal(sheet[48 * y : 48 * y + 48, 48 * x : 48 * x + 48], image)


def test_an_atlas_of_pairs_keeps_their_form():
    pairs = np.random.default_rng(0).integers(0, 256, (3, 48, 100, 4), np.uint8)
    assert np.array_equal(atlas(pairs, 2)[:48, 100:], pairs[1])
    assert atlas(pairs, 2).shape == (96, 200, 4)


def test_a_png_comes_back_as_it_was():
    import cv2

    image = np.random.default_rng(1).integers(0, 256, (48, 48), np.uint8)
    assert np.array_equal(cv2.imdecode(np.frombuffer(png(image), np.uint8), cv2.IMREAD_GRAYSCALE), image)


def test_imbalance_of_fer2013_in_words():
    told = words.imbalance(np.array([3995, 436, 4097, 7215, 4830, 3171, 4965]))
    assert "For every Disgust face there are 17 Happy ones." in told
    assert "1.5%" in told and "25.1%" in told


@pytest.mark.parametrize(
    ("counts", "part"),
    [
        ([5] * 7, "Every class has 5 faces."),
        ([0] * 7, "No face of this split has a label."),
        ([5, 0, 5, 5, 5, 5, 5], "No face is labelled Disgust."),
        ([10, 9, 10, 10, 10, 10, 10], "1.1 times as many"),
        ([7, 0, 0, 0, 0, 0, 0], "Every class has 7 faces."),
        ([1, 0, 0, 0, 0, 0, 0], "1 face."),
    ],
)
def test_imbalance_of_odd_sets_in_words(counts, part):
    assert part in words.imbalance(np.array(counts))


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0.0%"), (0.0001, "under 0.1%"), (0.5, "50.0%"), (0.9999, "100%"), (1, "100%"), (0.713, "71.3%")]
)
def test_shares_as_percent(share, text):
    assert words.percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (89, "89 s"), (120, "2 min"), (5399, "1 h 30 min"), (4800, "80 min"), (7260, "2 h 1 min")]
)
def test_time_spans(seconds, text):
    assert words.duration(seconds) == text


def test_oversampling_in_words():
    even = np.full(7, 10)
    assert "once per epoch" in words.oversampled(even, even)
    assert "4 faces labelled Disgust are shown 16 times per epoch, about 4.0 times each" in words.oversampled(
        np.array([20, 4, 20, 20, 20, 20, 20]), np.full(7, 16)
    )


def test_what_the_trainer_does_in_words():
    none = RunConfig(flip=0, shift=0, zoom=0, rotation=0, contrast=0, erase=0)
    assert words.changes(none) == "Faces are shown as they are."
    assert "turned by up to 8°" in words.changes(RunConfig())


def result(run, arch, data, value):
    return Result(run, run, arch, data, 2, value, 400, (0.1, value), "#123456")


def test_the_best_result_prefers_real_faces_and_the_network_named_first():
    rows = [
        result("a", "small", "demo", 0.9),
        result("b", "small", "data/f.zip", 0.5),
        result("c", "cnn", "data/f.zip", 0.4),
        result("d", "cnn", "data/f.zip", 0.6),
    ]
    assert best(rows, ("cnn", "small")).run == "d"
    assert best(rows[:2], ("cnn", "small")).run == "b"
    assert best(rows, ("dnn",)) is None


def test_the_interval_of_a_result_is_wilsons():
    low, high = result("a", "cnn", "demo", 0.5).interval
    assert (low, high) == pytest.approx((0.4512, 0.5488), abs=2e-4)


def test_small_curves_take_one_value_and_gaps():
    assert spark([], "#123456") == ""
    assert spark([0.5], "#123456").startswith("<img")
    assert spark([0.1, float("nan"), 0.3], "#123456").startswith("<img")
    assert spark([0, 0, 0], ["#123456"] * 3).startswith("<img")


@pytest.fixture
def small_app(tmp_path, monkeypatch, root):
    """The app on ninety faces, with no runs."""
    from streamlit.testing.v1 import AppTest

    from fer_core import data
    from fer_core.data.demo.generator import make

    made = make(90, seed=3)
    labels = made.labels.astype(np.int64)
    labels[:70] = np.repeat(np.arange(7), 10)
    images = made.images.copy()
    images[70] = images[0]
    part = {
        "train": data.Split(images[:70], labels[:70], np.arange(70)),
        "validation": data.Split(images[70:], labels[70:], np.arange(70, 90)),
    }
    (tmp_path / "data").mkdir()
    data.write_csv(data.Dataset(part, "few", "few"), tmp_path / "data" / "few.csv")
    monkeypatch.setenv("FER_LENS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FER_LENS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("FER_LENS_CACHE", str(tmp_path / "cache"))
    return AppTest.from_file(str(root / "app.py"), default_timeout=60)


def test_the_overview_runs_without_any_run(small_app):
    app = small_app.run()
    assert not app.exception
    assert app.title[0].value == "Overview"
    assert any("Train" in button.label or "faces" in button.label for button in app.button)


@pytest.mark.parametrize("named", ["cnn-fer2013", "the demo network"])
def test_the_overview_leads_to_the_best_network_whose_faces_are_at_hand(small_app, tmp_path, root, named):
    for run in ("demo", "cnn-fer2013", "dnn-fer2013"):
        shutil.copytree(root / "checkpoints" / run, tmp_path / "runs" / run, ignore=shutil.ignore_patterns(".cache", "resume"))
    if named == "the demo network":
        (tmp_path / "data" / "few.csv").unlink()
    app = small_app.run()
    assert not app.exception
    assert next(button.label for button in app.button if "matrix" in button.label) == f"Open the confusion matrix of {named}"
    next(button for button in app.button if button.key == "tour-start").click().run()
    assert app.query_params["run"] in named.split()


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"class": "disgust", "image": "12"},
        {"view": "copies", "split": "validation"},
        {"view": "trainer", "preset": "report"},
        {"class": "99", "image": "-3", "split": "x", "view": "?", "from": "abc"},
        {"data": "/nowhere.csv"},
    ],
)
def test_the_dataset_page_runs_for_any_link(small_app, query):
    app = small_app.run()
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("pages/dataset.py").run()
    assert not app.exception
    assert app.title[0].value == "Dataset"


def test_the_dataset_page_tells_what_of_a_link_it_left_aside(small_app):
    app = small_app.run()
    for name, value in {"class": "foo", "image": "70", "split": "noon", "view": "inside"}.items():
        app.query_params[name] = value
    app.switch_page("pages/dataset.py").run()
    told = " ".join(one.value.replace("\\", "") for one in app.info)
    assert all(f"'{given}' was left aside" in told for given in ("class=foo", "image=70", "split=noon", "view=inside"))
    assert "it is a number from 0 to 69" in told and "angry, disgust, fear, happy, sad, surprise, neutral" in told


def test_the_dataset_page_opens_the_faces_of_the_run_that_the_link_names(small_app, tmp_path, root):
    shutil.copytree(root / "checkpoints/demo", tmp_path / "runs/demo", ignore=shutil.ignore_patterns(".cache"))
    app = small_app.run()
    app.query_params["run"] = "demo"
    app.switch_page("pages/dataset.py").run()
    assert next(one.value for one in app.selectbox if one.label == "Data set") == "demo"
    del app.query_params["run"]
    app.run()
    assert next(one.value for one in app.selectbox if one.label == "Data set").endswith("few.csv")


def test_a_damaged_run_hides_no_page(small_app, tmp_path):
    (tmp_path / "runs" / "broken").mkdir(parents=True)
    (tmp_path / "runs" / "broken" / "config.json").write_text("{")
    app = small_app.run()
    assert not app.exception
    assert any("broken" in part.value for part in app.text)


@pytest.mark.parametrize("page", ["app.py", "pages/dataset.py", "pages/training_monitor.py"])
def test_a_light_page_loads_no_framework(page, root, tmp_path):
    code = (
        "import sys; from streamlit.testing.v1 import AppTest; app = AppTest.from_file('app.py', default_timeout=60).run(); "
        f"app = app.switch_page({page!r}).run() if {page!r} != 'app.py' else app; assert not app.exception, app.exception; "
        "print(sorted({'tensorflow', 'keras'} & sys.modules.keys()))"
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "few.csv").write_text(
        "emotion,pixels,Usage\n" + "".join(f"{i % 7},{' '.join([str(i)] * 2304)},Training\n" for i in range(28))
    )
    env = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "FER_LENS_DATA": str(tmp_path / "data"),
        "FER_LENS_RUNS": str(tmp_path / "runs"),
        "FER_LENS_CACHE": str(tmp_path / "cache"),
    }
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip().splitlines()[-1] == "[]"
