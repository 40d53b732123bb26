"""The filter explorer without a browser: what its URL means, the network read from its weights, films, and the page over the demo run."""

import io
import json
import re
import shutil
import threading
import time
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_folders import copied
from streamlit.testing.v1 import AppTest

from fer_core import models
from fer_core.errors import FerError, ModelError
from fer_core.feature_vis import ascent, unit_images
from fer_core.feature_vis.request import KNOBS, MANY, TOPS, Goal, parse, write_knobs
from fer_core.feature_vis.settings import PRESETS
from fer_core.models import weights_header
from fer_core.runs.store import RunStore
from fer_core.units.unit_statistics import Peak
from ui.services import models as networks
from ui.services import network_spec
from ui.services.ascents import KEPT, SHELF, Film, Shelf, every
from ui.services.filter_view import Place
from ui.views.filters import demonstration, downloads, unit_panel
from ui.views.filters import wall as filter_wall

CONV = weights_header.Block("conv4", "convolution 3 × 3", 64, 6, 3, 36928, 256, 40)
LOGITS = weights_header.Block("logits", "dense", 7, 0, 0, 455, 0, 48)
BLOCKS = [CONV, LOGITS]


@pytest.fixture(scope="module")
def runs(root, tmp_path_factory):
    """A store with a copy of the demo run, without its caches."""
    folder = tmp_path_factory.mktemp("filters") / "runs"
    copied(root / "checkpoints/demo", folder / "demo")
    return folder


@pytest.fixture
def page(root, runs, monkeypatch):
    """Open the page by a link; walls are asked for, but no process paints them."""
    started = []
    monkeypatch.setenv("FER_LENS_RUNS", str(runs))
    monkeypatch.setattr(unit_images.Wall, "start", lambda wall: started.append(wall.layer))

    def opener(**params):
        app = AppTest.from_file(str(root / "app.py"), default_timeout=120)
        app.switch_page("pages/filter_explorer.py")
        for name, value in params.items():
            app.query_params[name.rstrip("_")] = value
        app.started = started
        return app.run()

    return opener


def until(app, condition, seconds=120):
    """Draw the page again until a condition holds."""
    end = time.monotonic() + seconds
    while not condition(app):
        assert time.monotonic() < end, [text.value for text in app.markdown]
        time.sleep(0.3)
        app.run()
    assert not app.exception
    return app


def told(app):
    """All that the page says."""
    return " ".join([*(one.value for one in (*app.markdown, *app.info, *app.caption)), *(str(one.proto.body) for one in app.get("html"))])


# what the URL means

def test_a_goal_is_read_from_the_url():
    goal, complaints = parse({"layer": "conv4", "unit": "12", "preset": "strong", "seed": "5", "silence": "1", "many": "4",
                              "place": "neuron", "knobs": "rate:0.2,start:grey"}, BLOCKS)
    assert not complaints
    assert (goal.block, goal.unit, goal.seed, goal.many, goal.silence, goal.place) == (CONV, 12, 5, MANY, True, "neuron")
    assert (goal.settings.rate, goal.settings.start, goal.settings.steps) == (0.2, "grey", PRESETS["strong"].steps)
    assert goal.settings.unlike > 0  # four optima keep apart
    assert not goal.options  # the command line cannot name it
    [term] = goal.objective.terms
    assert (term.kind, term.layer, term.units, term.weight) == ("neuron", "conv4_relu", (12,) * 4, -1.0)


def test_the_command_names_what_it_paints_or_nothing():
    plain = {"layer": "conv4", "unit": "12", "seed": "5"}
    assert parse(plain, BLOCKS)[0].options == "--layer conv4 --units 12 --preset standard --seed 5"
    assert parse({"goal": "difference", "p": "happy", "q": "sad"}, BLOCKS)[0].options.startswith("--classes happy --versus sad ")
    for other in ({"silence": "1"}, {"many": "4"}, {"place": "neuron"}, {"knobs": "rate:0.2"}, {"from": "face"}, {"goal": "layer"}):
        assert not parse(plain | other, BLOCKS)[0].options, other


def test_a_contrast_is_a_class_less_another():
    goal, _ = parse({"goal": "difference", "p": "happy", "q": "sad"}, BLOCKS)
    assert [(term.units, term.weight) for term in goal.objective.terms] == [((3,), 1.0), ((4,), -1.0)]
    assert goal.title == "Happy rather than Sad"
    same, _ = parse({"goal": "difference", "p": "sad", "q": "sad"}, BLOCKS)
    assert same.p == 4 and same.q != 4
    for kind in ("class", "difference"):  # whatever was looked at before, what is painted is where the classes are
        assert parse({"layer": "conv4", "unit": "63", "goal": kind}, BLOCKS)[0].block == LOGITS


@pytest.mark.parametrize(("wrong", "said"), [({"layer": "conv9"}, "conv4, logits"), ({"layer": "logits", "unit": "7"}, "0 to 6"),
                                             ({"unit": "-1"}, "0 to 63"), ({"knobs": "rate:1e9"}, "rate:1e9"),
                                             ({"knobs": "magic:1"}, "magic"), ({"preset": "best"}, "report or standard or strong"),
                                             ({"goal": "joy"}, "filter or class"), ({"seed": "-3"}, "2147483647"),
                                             ({"p": "joy"}, "joy"), ({"q": "9"}, "angry"),
                                             ({"goal": "difference", "p": "sad", "q": "sad"}, "Sad rather than itself"),
                                             ({"knobs": "steps:nan"}, "steps:nan"), ({"knobs": "steps:5000"}, "steps:5000")])
def test_a_value_that_makes_no_sense_is_told_and_left_out(wrong, said):
    goal, complaints = parse(wrong, BLOCKS)
    assert len(complaints) == 1 and said in complaints[0]
    assert goal.unit == 0 and not goal.knobs


NAMES = st.sampled_from(["layer", "unit", "goal", "preset", "p", "q", "knobs", "place", "silence", "seed", "from", "many"])


@given(st.dictionaries(NAMES, st.text(max_size=20) | st.from_regex(r"[a-z_]{1,9}:[0-9.e-]{1,5}", fullmatch=True)))
def test_any_link_has_a_meaning(params):
    goal, _ = parse(params, BLOCKS)
    assert goal.objective.pictures == goal.many and goal.p != goal.q and 0 <= goal.unit < goal.block.units
    assert goal.settings.steps >= 1 and goal.title and goal.unit_of_score


@given(st.sampled_from(sorted(PRESETS)), st.integers(1, 1000), st.integers(0, 50), st.sampled_from(["pixels", "fourier"]))
def test_knobs_are_read_as_they_were_written(preset, steps, blur, moves):
    values = asdict(PRESETS[preset]) | {"steps": steps, "blur_every": blur, "parametrisation": moves}
    goal, complaints = parse({"preset": preset, "knobs": write_knobs(values, preset) or ""}, BLOCKS)
    assert not complaints
    assert asdict(goal.settings) == values


def test_every_knob_has_its_words_and_every_preset_fits_the_sliders():
    assert KNOBS.keys() == asdict(PRESETS["standard"]).keys()
    for settings in PRESETS.values():
        assert all(getattr(settings, name) <= top for name, top in TOPS.items())
        assert write_knobs(asdict(settings), next(name for name, one in PRESETS.items() if one is settings)) is None


# the network, read from its weights

@pytest.mark.parametrize("arch", ["cnn", "dnn", "small"])
def test_the_blocks_are_those_of_the_network(arch):
    model = models.build(arch)
    shapes = {f"{variable.path}": tuple(variable.shape) for variable in model.variables}
    found = weights_header.arranged(shapes)
    facts = {one.name: one for one in models.layers(model)}
    assert [block.name for block in found] == [name for name in facts if f"{name}/kernel" in shapes]
    assert sum(block.parameters + block.norm for block in found) == model.count_params()
    for block in found:
        fact = facts[block.layer]
        assert fact.shape == ((block.grid, block.grid, block.units) if block.grid else (block.units,))
        assert block.field == (min(fact.receptive_field, 48) if block.grid else 48)
    assert found[-1].title(3) == "Happy" and found[-1].plural == "7 classes"


def test_shapes_and_norms_come_from_the_file_alone(runs):
    run = RunStore(runs).open("demo")
    found = network_spec.blocks(run)
    model = models.load(run)
    kernel = model.get_layer("conv2").kernel.numpy()
    assert sum(block.parameters + block.norm for block in found) == model.count_params()
    np.testing.assert_allclose(network_spec.norms(run, "conv2"), np.sqrt((kernel**2).sum((0, 1, 2))), rtol=1e-3)


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"\x05\0\0\0\0\0\0\0{}..."])
def test_damaged_weights_are_told(tmp_path, content):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read"):
        weights_header.shapes(path)
    with pytest.raises(ModelError, match="no weights yet"):
        weights_header.shapes(tmp_path / "nothing.safetensors")


# films

def frames(count, gate=None, fault=None):
    """Give frames of one grey picture each, whose step, score and grey are their number."""
    for step in range(count):
        if gate is not None:
            gate.acquire()
        if fault and step == 2:
            raise fault
        yield SimpleNamespace(step=step, images=np.full((1, 48, 48), step, np.float32), scores=np.array([step]), forces=np.ones(1))


def waited(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_film_is_paused_and_goes_on_where_it_was():
    gate, begun = threading.Semaphore(3), []
    film = Film(lambda: begun.append(1) or frames(6, gate), 6)
    film.play()
    waited(lambda: len(film.frames) == 3)
    film.pause()
    gate.release(1)  # the frame that was being made
    waited(lambda: not film._thread.is_alive())
    assert film.state == "paused" and film.steps == [0, 1, 2, 3]
    gate.release(9)
    film.play()
    waited(lambda: film.done)
    assert film.steps == list(range(6)) and begun == [1] and film.state == "done"
    assert [int(one[0, 0, 0]) for one in film.frames] == film.steps


def test_a_film_that_nobody_watches_stops_and_wakes_when_one_looks(monkeypatch):
    monkeypatch.setattr("ui.services.ascents.UNWATCHED", 1e-6)
    gate = threading.Semaphore(1)
    film = Film(lambda: frames(3, gate), 3)
    film.watch()
    waited(lambda: not film._thread.is_alive())
    assert len(film.frames) == 1 and film.running  # not held by anybody: it only waits
    monkeypatch.setattr("ui.services.ascents.UNWATCHED", 60.0)
    gate.release(5)
    film.watch()
    waited(lambda: film.done)
    assert film.steps == [0, 1, 2]


@pytest.mark.parametrize("fault", [FerError("No such layer."), MemoryError("too much")])
def test_a_film_that_fails_says_why(fault):
    film = Film(lambda: frames(5, fault=fault), 5)
    film.play()
    waited(lambda: film.error is not None)
    assert film.state == "failed" and len(film.frames) == 2
    assert ("No such layer" in film.error.what) if isinstance(fault, FerError) else ("too much" in str(film.error.received))


def test_the_shelf_is_bounded_and_a_person_watches_one_film():
    shelf = Shelf()
    first = shelf.show("me", 0, lambda: iter(()), 1)
    assert shelf.show("me", 0, lambda: iter(()), 1) is first
    for number in range(3 * KEPT):
        shelf.show("me", number, lambda: iter(()), 1)
    assert len(shelf) == KEPT
    assert shelf.show("me", 0, lambda: iter(()), 1) is not first
    shelf.forget("me", 0)
    assert len(shelf) == KEPT - 1


@pytest.mark.parametrize("total", [1, 63, 64, 65, 128, 256, 1000])
def test_a_film_keeps_within_its_frames(total):
    assert len([*range(0, total, every(total)), total]) <= 65


def test_a_film_as_an_animation_and_as_a_video(tmp_path):
    import cv2
    from PIL import Image

    film = Film(lambda: iter(()), 2)
    film.frames = [np.full((2, 48, 48), grey, np.uint8) for grey in (0, 120, 250)]
    film.frames[1][1] = 180
    animation = Image.open(io.BytesIO(downloads.gif(film, 3)))
    assert (animation.n_frames, animation.size) == (3, (288, 144))
    animation.seek(1)
    assert abs(animation.convert("L").getpixel((5, 5)) - 120) <= 2
    (tmp_path / "film.mp4").write_bytes(downloads.mp4(film, 3))
    video = cv2.VideoCapture(str(tmp_path / "film.mp4"))
    seen = [frame for taken, frame in iter(video.read, (False, None)) if taken]
    assert len(seen) == 3 + 25 and seen[0].shape == (144, 288, 3)  # the last picture stays for two seconds
    assert abs(int(seen[1][70, 70, 0]) - 120) <= 4 and abs(int(seen[1][70, 210, 0]) - 180) <= 4
    assert abs(int(seen[-1][70, 70, 0]) - 250) <= 4
    np.testing.assert_array_equal(np.load(io.BytesIO(downloads.npy(film.frames[1]))), film.frames[1])


# the demonstration, the wall, the dossier

def test_the_demonstration_walks_through_all_layers_and_never_ends():
    small = [weights_header.Block("conv1", "convolution", 2, 48, 5, 1, 0, 5), CONV, LOGITS]
    length = 2 + 3 + 7 + 2
    walk = [demonstration.stop(small, number) for number in range(3 * length)]
    for circle in range(3):
        round_ = walk[circle * length : (circle + 1) * length]
        assert [stop[1].name for stop in round_[:5]] == ["conv1"] * 2 + ["conv4"] * 3
        assert [stop[2] for stop in round_ if stop[0] == "class"] == list(range(7))
        assert all(stop[2] != stop[3] for stop in round_ if stop[0] == "difference")
    assert all(0 <= unit < block.units for _, block, unit, _ in walk)
    assert walk[2:5] != walk[length + 2 : length + 5]  # other units in the next round


def place(runs, block="conv2"):
    run = RunStore(runs).open("demo")
    found = network_spec.blocks(run)
    return Place(run, found, Goal("filter", weights_header.find(found, block)), "validation")


def test_the_wall_in_its_orders(runs):
    here, generator = place(runs), np.random.default_rng(0)
    known = SimpleNamespace(selectivity=generator.random(32), preferred=np.arange(32) % 7, mean=generator.random(32), sparsity=np.zeros(32))
    norms = network_spec.norms(here.run, "conv2")
    assert (np.diff(norms[filter_wall.ordered(here, "norm", None)]) <= 0).all()
    assert (np.diff(known.mean[filter_wall.ordered(here, "mean", known)]) <= 0).all()
    by_class = filter_wall.ordered(here, "class", known)
    assert (np.diff(known.preferred[by_class]) >= 0).all() and sorted(by_class) == list(range(32))
    assert filter_wall.ordered(here, "sparsity", known).tolist() == list(range(32))  # equals stand by number
    assert filter_wall.ordered(here, "mean", None).tolist() == list(range(32))  # not known yet
    assert filter_wall._values(here, "class", known)[:3] == ["Angry", "Disgust", "Fear"]
    assert filter_wall._values(here, "norm", None)[5] == f"{norms[5]:.2g}"
    assert filter_wall._values(here, "mean", None) == filter_wall._values(here, "number", known) == []


def test_the_patch_of_a_peak_is_outlined():
    face = np.zeros((48, 48), np.uint8)
    picture = unit_panel.outlined(face, Peak(0, 1.0, 2, 3, (10, 20, 15, 25)))
    rows, columns = np.nonzero((picture == unit_panel.LINE).all(-1))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 29, 40, 49)
    assert not (picture[22:28, 42:48] == unit_panel.LINE).all(-1).any()
    assert not unit_panel.outlined(face, Peak(0, 1.0, 0, 0, (0, 0, 48, 48))).any()


def test_redrawing_a_page_does_not_clear_keras():
    from keras.src.backend.common import global_state
    from streamlit.runtime.scriptrunner import script_runner

    networks.framework()
    global_state.set_global_attribute("kept", "yes")
    script_runner._clean_problem_modules()
    assert global_state.get_global_attribute("kept") == "yes"


# the page

def test_the_page_paints_tells_and_switches_off(page):
    app = page(run="demo", layer="conv4", unit="12", more="save", off="1", knobs="steps:2")
    assert not app.exception
    until(app, lambda app: "points" in told(app) and "Labels of its 100 strongest faces" in told(app))
    words = told(app)
    assert "144,519 parameters, beside 350 validation faces. Shown: Filter 12 of conv4." in words
    assert "It sees 40 × 40 pixels, every 8 pixels" in words and re.search(r"% \([\d.]+ to [\d.]+\) without it, of 350 faces", words)
    assert set(app.started) == {"conv4_relu"}
    assert re.search(r"It loses .* that it had right and wins \d+: (no )?more than chance", words)
    before, after = (sum(int(row[part]) for row in re.findall(r"(\d+) → (\d+) of \d+", words)) for part in (0, 1))
    assert re.search(rf"{before / 3.5:.1f}% .* before, {after / 3.5:.1f}% .* without it", words)  # the rows add up to the accuracies
    assert [button.label for button in app.button if button.label.startswith("Filter ")]  # its twins


def test_two_parts_of_the_page_wait_for_one_table(page, runs):
    shutil.rmtree(runs / "demo/.cache", ignore_errors=True)
    app = page(run="demo", layer="conv3", unit="2", order="sparsity", more="save", knobs="steps:2", preset="report")
    assert not app.exception  # the wall's order and the dossier ask for it in the same run
    until(app, lambda app: "Labels of its 100 strongest faces" in told(app))


def test_a_table_that_was_deleted_while_the_app_runs_is_made_anew(page, runs):
    link = {"run": "demo", "layer": "conv4", "unit": "5", "more": "save", "knobs": "steps:2", "preset": "report"}
    until(page(**link), lambda app: "Labels of its 100 strongest faces" in told(app))
    shutil.rmtree(runs / "demo/.cache/activations")
    app = until(page(**(link | {"unit": "6"})), lambda app: "Labels of its 100 strongest faces" in told(app))
    assert list(runs.glob("demo/.cache/activations/validation-*/table.json")) and "Filter 6 of conv4" in told(app)


def test_the_same_link_names_the_same_picture(page, runs):
    until(page(run="demo", layer="conv1", unit="1", more="save", seed="9", preset="report"),
          lambda app: any(key[1][1].seed == 9 and film.done for key, film in SHELF._films.items()))
    [made] = [film for key, film in SHELF._films.items() if key[1][1].seed == 9]
    model = models.load(RunStore(runs).open("demo"))
    *_, last = ascent.ascend(model, ascent.OBJECTIVES["filter"]("conv1_relu", 1), preset="report", seed=9)
    np.testing.assert_allclose(made.last, last.images, atol=0.5)
    assert made.scores[-1][0] > made.scores[0][0]


@pytest.mark.parametrize("panel", ["presets", "classes", "ages", "face", "kernels", "runs"])
def test_every_panel_is_drawn(page, panel):
    quick = {"knobs": "steps:2", "preset": "report"}
    app = page(run="demo", layer="conv2", unit="3", more=panel, **quick)
    assert not app.exception


@pytest.mark.parametrize("link", [{"layer": "conv9", "unit": "x"}, {"unit": "9999"}, {"knobs": "rate:99"}, {"split": "exam"},
                                  {"order": "beauty", "image": "350", "many": "5", "off": "yes", "place": "corner", "demo": "x"}])
def test_a_broken_link_is_told_in_a_sentence(page, link):
    app = page(run="demo", more="save", **link)
    assert not app.exception
    assert len(app.info) == len(link) and "Shown: Filter 0 of conv1." in told(app)


def test_a_run_that_is_not_there_is_told(page):
    app = page(run="gone", more="save")
    assert not app.exception
    assert "gone" in told(app) and "demo: 7 layers" in told(app)


def test_without_any_run_the_page_teaches(page, tmp_path, monkeypatch):
    monkeypatch.setenv("FER_LENS_RUNS", str(tmp_path))
    app = page()
    assert not app.exception
    assert "No run to look into" in told(app) and "fer_core train" in app.code[0].value


def test_without_its_faces_the_page_still_paints(page, runs, tmp_path, monkeypatch):
    monkeypatch.setenv("FER_LENS_RUNS", str(tmp_path))
    shutil.copytree(runs / "demo", tmp_path / "far", ignore=shutil.ignore_patterns(".cache"))
    facts = json.loads((tmp_path / "far/facts.json").read_text("utf8"))
    facts["data"]["fingerprint"] = "0" * 64
    (tmp_path / "far/facts.json").write_text(json.dumps(facts), "utf8")
    app = page(run="far", more="save")
    assert not app.exception
    assert "144,519 parameters. Shown: Filter 0 of conv1." in told(app)
    assert "not those that the run was trained on" in told(app)
    assert app.started == ["conv1_relu"]


def test_the_demonstration_is_a_link(page, runs):
    app = page(run="demo", demo="1")
    assert not app.exception
    number = app.session_state["_demonstration"]["number"]
    app.button(key="demo-next").click().run()
    assert app.session_state["_demonstration"]["number"] == number + 1
    assert app.query_params["demo"] == str(number + 2)
    _, block, unit, _ = demonstration.stop(network_spec.blocks(RunStore(runs).open("demo")), number + 1)
    app.button(key="demo-end").click().run()
    assert "demo" not in app.query_params and f"Shown: Filter {unit} of {block.name}." in told(app)  # what was shown last
    app = page(run="demo", demo="3")
    assert app.session_state["_demonstration"]["number"] == 2
