"""The report: its numbers are scikit-learn's, its file is whole, the same and safe; it says what is missing, in two languages."""

import base64
import io
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from string import Formatter

import cv2
import numpy as np
import pytest
from PIL import Image
from run_folders import copied
from sklearn import metrics

from fer_core import report
from fer_core.annotations.bookmarks import Pin, Pins
from fer_core.cli import report as reporting
from fer_core.data import splits
from fer_core.data.dataset import Dataset, read
from fer_core.emotions import EMOTIONS
from fer_core.errors import ConfigError
from fer_core.faces import eye_detector, regions
from fer_core.messages import signed
from fer_core.plots import saliency_images
from fer_core.plots.theme import RUN_COLOURS
from fer_core.report import findings, gather, html, known, pictures, without_faces
from fer_core.report.answers import training
from fer_core.report.appendix import told
from fer_core.report.figures import curves
from fer_core.report.formatting import LANGUAGES, Words, short
from fer_core.report.locales.en import ENGLISH
from fer_core.report.views import grain
from fer_core.runs.store import RunStore

EVIL = """</style><script>alert('1')</script> & "<b>" **{run}** \x07"""
FEW = {"SAMPLES": 2, "PER_EMOTION": 2, "RANDOM": 1, "UNITS": 3, "PRESET": "report"}
"""What is asked of the network, made small."""


@pytest.fixture(scope="module")
def store(root, tmp_path_factory):
    """The demo run, one that calls every third face one class further, and one that has only begun."""
    folder = tmp_path_factory.mktemp("report")
    for name in ("demo", "other", "begun"):
        copied(root / "checkpoints/demo", folder / name)
    store = RunStore(folder)
    other = store.open("other")
    other.update_meta(title=EVIL)
    found = other.predictions("validation")
    moved = found.probabilities.copy()
    moved[::3] = np.roll(moved[::3], 1, axis=1)
    other.write_predictions(replace(found, probabilities=moved))
    for name in ("weights.safetensors", "predictions.npz"):
        (folder / "begun" / name).unlink()
    return store


@pytest.fixture(scope="module")
def few():
    """Ask little of the network."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in FEW.items():
            patch.setattr(pictures, name, value)
        yield


@pytest.fixture(scope="module")
def found(store, few):
    """All that is known of the demo run beside the other one."""
    return gather(store.open("demo"), versus=store.open("other"), dataset=read("demo"))


@pytest.fixture(scope="module")
def text(found):
    return html(found)


def tree(text):
    """Parse a report as XML, which forgives nothing."""
    return ET.fromstring(text.removeprefix("<!DOCTYPE html>\n"))


def rows(text, kind):
    """The rows of the tables of a kind, as texts."""
    tables = [figure for figure in tree(text).iter("figure") if kind in (figure.get("class") or "").split()]
    return [["".join(cell.itertext()) for cell in row] for table in tables for row in table.iter("tr")]


def seen(text):
    """All that a reader reads."""
    return " ".join(" ".join(tree(text).find("body").itertext()).split())


def images(text):
    """Every picture, made small again, as grey (48, 48)."""
    found = [Image.open(io.BytesIO(base64.b64decode(part))) for part in re.findall(r'src="data:image/png;base64,([^"]+)"', text)]
    return [np.asarray(picture.convert("L"))[:: picture.height // 48, :: picture.width // 48] for picture in found]


# numbers

def test_scores_and_matrix_are_those_of_scikit_learn(store, text):
    said = store.open("demo").predictions("validation")
    labels, called = said.labels, said.probabilities.argmax(1)
    row = next(row for row in rows(text, "scores") if row[0] == "Validation")
    assert row[1] == f"{len(labels):,}" and row[2].startswith(f"{metrics.accuracy_score(labels, called):.1%} (")
    assert row[3:6] == [f"{metrics.balanced_accuracy_score(labels, called):.1%}",
                        f"{metrics.f1_score(labels, called, average='macro'):.3f}",
                        f"{-np.log(said.probabilities[np.arange(len(labels)), labels]).mean():.3f}"]
    second, first = (table for table in tree(text).iter("table") if "matrix" in (table.get("class") or ""))
    for table, name in ((first, "demo"), (second, "other")):
        called = store.open(name).predictions("validation").probabilities.argmax(1)
        counts = [[int(cell.text.replace(",", "")) for cell in row.findall("td")] for row in table.findall("tr")[1:]]
        assert np.array_equal(counts, metrics.confusion_matrix(labels, called, labels=range(7)))


def test_what_each_fixes_and_the_pairs_are_counted(store, text):
    labels = store.open("demo").predictions("validation").labels
    mine, other = (store.open(name).predictions("validation").probabilities.argmax(1) == labels for name in ("demo", "other"))
    both, neither, fixes, breaks = (int(part.sum()) for part in (mine & other, ~mine & ~other, mine & ~other, other & ~mine))
    assert f"On {both} faces both are right, on {neither} faces neither. demo puts {fixes} errors of" in seen(text)
    assert f"gets {breaks} wrong that" in seen(text)
    assert f"a difference of {signed(100 * (mine.mean() - other.mean()))} points" in seen(text)
    counts = [list(map(int, row[1:])) for row in rows(text, "counts")[1:8]]
    assert np.array_equal(np.sum(counts, axis=0), [both, fixes, breaks, neither])
    matrix = metrics.confusion_matrix(labels, store.open("demo").predictions("validation").probabilities.argmax(1), labels=range(7))
    np.fill_diagonal(matrix, 0)
    true, called = np.unravel_index(matrix.argmax(), matrix.shape)
    names = EMOTIONS[true].capitalize(), EMOTIONS[called].capitalize()
    assert f"{matrix[true, called]} of {(labels == true).sum()} {names[0]} faces are called {names[1]}" in seen(text)


def test_a_run_has_the_colour_that_it_has_on_the_pages(store, tmp_path):
    for name, number in (("demo", 3), ("second", 3), ("third", 5)):
        shutil.copytree(store.open("demo").path, tmp_path / name, ignore=shutil.ignore_patterns(".cache"))
        RunStore(tmp_path).open(name).update_meta(colour=number)
    demo, second, third = map(RunStore(tmp_path).open, ("demo", "second", "third"))
    alike, apart = known(demo, versus=second), known(demo, versus=third)
    assert alike.run.colour == apart.run.colour == RUN_COLOURS[3] and apart.other.colour == RUN_COLOURS[5]
    assert alike.other.colour == RUN_COLOURS[4]  # two of one colour could not be told apart
    drawn = html(apart)
    assert RUN_COLOURS[3] in drawn and RUN_COLOURS[0] not in drawn


def test_structure_and_curve_are_the_runs_own(store, text):
    run = store.open("demo")
    layers = rows(text, "layers")
    told = [int(row[3].replace(",", "")) for row in layers[1:-1] if row[3]]
    assert sum(told) == run.facts["model"]["parameters"] == int(layers[-1][3].replace(",", ""))
    epoch, best = run.best
    assert f"The best epoch is {epoch} of {len(run.history['epoch'])}: {best:.1%} of the validation faces" in seen(text)


@pytest.mark.parametrize("patience, epochs, finished, sentence", [
    (0, 40, True, "Early stopping was off"), (10, 60, True, "Early stopping ended the training after epoch 40: 10 epochs"),
    (10, 40, True, "never came into play: all 40 epochs"), (12, 60, False, "Early stopping waits for 12 epochs"),
])
def test_early_stopping_is_told_and_drawn(found, patience, epochs, finished, sentence):
    config = found.run.config.model_copy(update={"patience": patience, "epochs": epochs})
    accuracy = np.where(found.run.history["epoch"] == 30, 0.9, 0.1)
    run = replace(found.run, config=config, finished=finished, best=(30, 0.9), history=found.run.history | {"val_accuracy": accuracy})
    assert run.epochs == 40 and sentence in " ".join(training(run, Words("en")))
    drawn = curves(run.history, "accuracy", Words("en"), best=30, stopped=run.epochs if run.stopped_early else None, colour=RUN_COLOURS[0])
    assert ('stroke-dasharray="4 3"' in drawn) == ("ended" in sentence) and "30: 90.0%" in drawn


def test_where_it_looks_is_the_ledger_of_its_maps(found, text):
    shares = found.looks.ledger.shares[:, :-1].sum(1)
    times = (shares / found.looks.ledger.areas[:, :-1].sum(1)).mean()
    assert f"{shares.mean():.1%} of the map lies on eyes, brows, nose and mouth" in seen(text)
    assert f"{short(times)} times as much as their area alone would give" in seen(text)
    assert len(found.looks.labels) == 7 * FEW["PER_EMOTION"]


def test_a_verdict_on_grain_needs_more_than_its_noise():
    random = np.random.default_rng(0)
    early, late = random.normal(8, 0.5, 16), random.normal(12, 0.5, 16)
    assert (grain(early, late), grain(late, early), grain(early, early + 0.01)) == ("coarser", "finer", "alike")
    assert grain(early[:1], late[:1]) == "alike"


# the file

def test_another_process_writes_the_same_bytes(root, store, found):
    code = ("import hashlib, sys; from fer_core.data.dataset import read; from fer_core.report import gather, html, pictures; "
            "from fer_core.runs.store import RunStore\n"
            f"for name, value in {FEW!r}.items(): setattr(pictures, name, value)\n"
            "store = RunStore(sys.argv[1])\n"
            "found = gather(store.open('demo'), versus=store.open('other'), dataset=read('demo'))\n"
            "sys.stdout.buffer.write(html(found, 'zh-TW').encode())")
    done = subprocess.run([sys.executable, "-c", code, str(store.root)], cwd=root, capture_output=True)
    assert done.stdout == html(found, "zh-TW").encode(), done.stderr.decode()[-500:]


def test_eyes_are_looked_for_by_one_thread(monkeypatch, faces):
    """OpenCV's threads tell what they find in no fixed order: with two of them 92 or 93 of 140 pairs of eyes were found."""
    seen, cascade, before = [], eye_detector._cascade(0), cv2.getNumThreads()

    class Spy:
        def __init__(self, looker):
            pass

        def detectMultiScale(self, *args, **settings):
            seen.append(cv2.getNumThreads())
            return cascade.detectMultiScale(*args, **settings)

    monkeypatch.setattr(eye_detector, "_cascade", Spy)
    regions.located(faces.images[:2])
    assert seen == [1, 1] and cv2.getNumThreads() == before


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_file_is_whole_and_asks_no_network(found, language):
    pins = [Pin(EVIL, "two\nlines <img src=x onerror=alert(1)>", "saliency_viewer", "run=demo&image=1")]
    parsed = tree(html(found, language, pins=pins))
    ids = [element.get("id") for element in parsed.iter() if element.get("id")]
    links = [element.get("href") for element in parsed.iter("a")]
    assert len(ids) == len(set(ids)) and {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert [link for link in links if not link.startswith("#")] == [f"{report.ADDRESS}/saliency_viewer?run=demo&image=1"]
    assert not {element.tag for element in parsed.iter()} & {"script", "link", "iframe", "object", "embed", "form", "base"}
    for element in parsed.iter():
        assert not [name for name in element.attrib if name.startswith("on") or name == "srcset"]
        assert element.get("src", "data:").startswith("data:") and "url(" not in (element.get("style") or "")
    style = parsed.find("head/style").text
    assert "url(" not in style and "@import" not in style
    assert "default-src 'none'" in parsed.find("head/meta[@http-equiv]").get("content")
    assert parsed.get("lang") == {"en": "en", "zh-TW": "zh-Hant-TW"}[language]
    text = " ".join(parsed.find("body").itertext())
    assert "<img src=x onerror=alert(1)>" in text and "<script>alert('1')</script>" in text


def test_left_out_faces_are_nowhere_in_the_bytes(store, found, text, monkeypatch):
    data = read("demo")["validation"].images
    split = {np.asarray(image).tobytes() for image in data}
    shown = [picture for picture in images(text) if picture.tobytes() in split]
    looks = len(found.looks.chosen) + len(found.looks.drawn)
    assert len(shown) == looks + sum(len(cell.faces) for cell in found.cells) + len(found.fixed) + len(found.broken) > 20
    bare = html(without_faces(found))
    assert not [picture for picture in images(bare) if picture.tobytes() in split]
    assert len(images(bare)) == 2 * FEW["UNITS"] + 7 + 7 + 1  # filters, classes, mean maps, the parts of a face
    assert "Faces are left out of this report on request." in seen(bare)
    monkeypatch.setattr(findings, "filters", lambda *_, **__: found.filters)
    again = gather(store.open("demo"), versus=store.open("other"), dataset=read("demo"), faces=False)
    assert html(again) == bare


def pictured(pin, store, data):
    """What a pinned view shows: its captions with what fills them in, and its pictures."""
    shown = report.show(pin, [store.open("demo"), store.open("other")], data)
    return [(picture.caption, dict(picture.values)) for picture in shown.pictures], [picture.pixels for picture in shown.pictures], shown


def test_a_pinned_face_stands_with_its_map_unless_faces_are_left_out(store, found):
    data, query = read("demo"), "run=demo&split=validation&image=3"
    pin = Pin("this", "", "saliency_viewer", query)
    captions, pictures_, shown = pictured(pin, store, data)
    p = store.open("demo").predictions("validation").probabilities[3]
    assert captions[0] == ("q4.caption", {"number": 3, "label": int(data["validation"].labels[3]), "called": int(p.argmax()),
                                          "share": pytest.approx(float(p.max()))})
    assert np.array_equal(pictures_[0], data["validation"].images[3]) and captions[1][0] in ("pin.map", "pin.contrast")
    assert pictures_[1].shape[-1] in (3, 4) and len(pictures_) == 2
    with_face, without = (html(one, pins=[pin], shown={pin.path: shown}) for one in (found, without_faces(found)))
    assert len(images(with_face)) == len(images(html(found, pins=[pin]))) + 2
    assert len(images(without)) == len(images(html(without_faces(found), pins=[pin])))
    assert "why " in seen(with_face) and html(found, pins=[pin], shown={pin.path: shown}) == with_face


@pytest.mark.parametrize(("page", "query"), [("saliency_viewer", "run=demo&image=99999"), ("saliency_viewer", "run=begun&image=3"),
                                             ("dataset", "image=x"), ("dataset", "class=sad&data=another.zip"), ("try_photo", "run=demo"),
                                             ("filter_explorer", "run=demo&layer=nowhere&unit=2"), ("report", "run=demo"),
                                             ("filter_explorer", "run=demo&layer=conv1&unit=9999"), ("", "")])
def test_what_a_pinned_view_has_not_is_not_shown(store, page, query):
    assert pictured(Pin("t", "", page, query), store, read("demo"))[1] == []


def test_a_pinned_cell_shows_its_surest_faces_and_the_matrix_of_its_run(store, found):
    predictions, data = store.open("demo").predictions("validation"), read("demo")
    called = predictions.probabilities.argmax(1)
    rows = np.flatnonzero((predictions.labels == 3) & (called == 3))
    pin = Pin("t", "", "confusion_matrix", "run=demo&split=validation&true=happy&pred=3")
    captions, pictures_, shown = pictured(pin, store, data)
    best = rows[np.argsort(-predictions.probabilities[rows].max(1), kind="stable")][:6]
    assert [values["number"] for _, values in captions] == best.tolist() and shown.facts == (("pin.cell", {"n": len(rows)}),)
    assert np.array_equal(pictures_[2], data["validation"].images[best[2]])
    text = html(found, pins=[pin], shown={pin.path: shown})
    assert text.count('class="matrix small"') == html(found).count('class="matrix small"') + 1
    curve = html(found, pins=[Pin("t", "", "training_monitor", "run=demo")])
    assert curve.count("<svg") == html(found).count("<svg") + 1


def test_a_pinned_view_is_read_as_its_page_reads_it(store):
    from fer_core import models
    from fer_core.attribution import explanation

    data, model = read("demo"), models.load(store.open("demo"))
    predictions = store.open("demo").predictions("validation")
    called, sure = predictions.probabilities.argmax(1), predictions.probabilities.max(1)
    right = (called == predictions.labels) & np.isin(called, (3, 4)) & (sure >= 0.5) & (sure < 0.9)
    _, _, shown = pictured(Pin("t", "", "confusion_matrix", "run=demo&cells=happy-happy,sad-sad&bin=0.50-0.90&side=right"), store, data)
    assert shown.facts == (("pin.cell", {"n": int(right.sum())}),) and len(shown.pictures) == min(6, right.sum())
    asked = "run=demo&image=3&p=fear&q=happy&method=occlusion&patch=12&stride=6"
    captions, pictures_, _ = pictured(Pin("t", "", "saliency_viewer", asked), store, data)
    map_ = explanation.explain(model, data["validation"].images[3:4], "occlusion", 2, versus=3, patch=12, stride=6)[0]
    assert captions[1][0] == "pin.contrast" and captions[1][1]["p"] == 2 and captions[1][1]["q"] == 3
    assert np.array_equal(pictures_[1], saliency_images.signed(map_, saliency_images.limit(map_), "light"))
    captions, pictures_, _ = pictured(Pin("t", "", "filter_explorer", "run=demo&goal=class&p=sad&layer=conv1"), store, data)
    assert captions == [("pin.class", {"p": 4})] and models.predict(model, pictures_[0][None])[0].argmax() == 4


def test_a_pinned_filter_shows_what_excites_it_and_what_is_left_without_it(store):
    from fer_core import models
    from fer_core.models import submodels
    from fer_core.units import ablation

    data, model = read("demo"), models.load(store.open("demo"))
    layer = submodels.watched(model)[0]
    name = layer.removesuffix("_relu")
    captions, pictures_, shown = pictured(Pin("t", "", "filter_explorer", f"run=demo&split=validation&image=3&layer={name}&unit=2&off=1"),
                                          store, data)
    assert captions[0] == ("pin.filter", {"layer": name, "unit": 2}) and pictures_[0].std() > 1 and not shown.pictures[0].face
    before, after = ablation.on_face(model, layer, data["validation"].images[3], [[2]])
    key, values = shown.facts[0]
    assert key == "pin.off" and values == {"p": int(before.argmax()), "before": float(before.max()), "after": float(after[before.argmax()])}


def test_a_pinned_portrait_is_the_mean_of_its_faces_and_pinned_filters_bring_their_proof(store):
    data = read("demo")
    captions, pictures_, _ = pictured(Pin("t", "", "saliency_viewer", "run=demo&true=happy&pred=happy&why=many"), store, data)
    predictions = store.open("demo").predictions("validation")
    rows = np.flatnonzero((predictions.labels == 3) & (predictions.probabilities.argmax(1) == 3))
    taken = np.sort(splits.spread(rows, 50))
    assert captions[0] == ("pin.mean.face", {"n": len(taken)})
    assert np.array_equal(pictures_[0], np.rint(data["validation"].images[taken].mean(0)).astype(np.uint8))
    captions, pictures_, shown = pictured(Pin("t", "", "saliency_viewer", "run=demo&image=3&why=filters"), store, data)
    assert [name for name, _ in captions][2:] == ["pin.without"] * 5 and shown.facts[0][0] == "pin.carriers"
    assert shown.facts[0][1]["n"] == 5


# what is missing

def test_a_run_that_has_only_begun_says_what_is_missing_and_how_to_get_it(store):
    text = html(gather(store.open("begun")))
    said = seen(text)
    train = "train --data demo --preset quick --name dnn-beside-begun --arch dnn"
    for key, command in (("weights", "resume begun"), ("data", "report begun --data demo"), ("versus", train),
                         ("predictions", "evaluate begun --split validation")):
        assert Words("en")(f"missing.{key}", split="validation") in said and f"python -m fer_core {command}" in said, key
    assert said.count("Missing") >= 5 and not images(text)
    assert rows(text, "layers")[-1][3] == f"{store.open('demo').facts['model']['parameters']:,}"


def test_a_second_network_that_is_there_is_named(root, tmp_path):
    for name in ("demo", "plain", "elsewhere"):
        shutil.copytree(root / "checkpoints/demo", tmp_path / name, ignore=shutil.ignore_patterns(".cache"))
    config, facts = json.loads((tmp_path / "demo/config.json").read_text()), json.loads((tmp_path / "demo/facts.json").read_text())
    for name in ("plain", "elsewhere"):
        (tmp_path / name / "config.json").write_text(json.dumps({**config, "arch": "dnn"}))
    facts["data"]["fingerprint"] = "f" * 64
    (tmp_path / "elsewhere/facts.json").write_text(json.dumps(facts))
    store = RunStore(tmp_path)
    store.open("plain").update_meta(title="A plain one")
    missing = known(store.open("demo")).missing[0]
    assert missing.key == "missing.versus.there" and "report demo --versus plain" in missing.command and "train" not in missing.command
    assert "A plain one could" in Words("en")(missing.key, **missing.values)
    shutil.rmtree(tmp_path / "plain")
    assert known(store.open("demo")).missing[0].key == "missing.versus"


def test_faces_that_were_not_predicted_are_not_shown(store):
    other = Dataset(read("demo"), "demo", "demo:7", fingerprint="f" * 64)
    told = known(store.open("demo"), dataset=other)
    assert [entry.key for entry in told.missing] == ["missing.versus", "missing.data.other"]
    assert "evaluate" not in told.missing[1].command


def test_another_edition_of_the_faces_is_told_to_be_predicted(store, monkeypatch):
    monkeypatch.setattr(splits, "FER2013", {name: tuple(row) for name, row in splits.counts(read("demo")).items()})
    told = known(store.open("demo"), dataset=Dataset(read("demo"), "demo", "elsewhere.csv", fingerprint="f" * 64))
    assert "evaluate demo --split validation --data elsewhere.csv" in told.missing[1].command


def test_two_runs_that_do_not_fit_are_not_compared(store, tmp_path):
    demo, other = store.open("demo"), store.open("begun")
    assert known(demo, versus=other).missing[0].key == "missing.versus.predictions"
    found = demo.predictions("validation")
    for key, change in (("other", {"fingerprint": "f" * 64}), ("again", {"labels": np.roll(found.labels, 1)})):
        shutil.copytree(demo.path, tmp_path / key, ignore=shutil.ignore_patterns(".cache"))
        second = RunStore(tmp_path).open(key)
        second.write_predictions(replace(found, **change))
        assert known(demo, versus=second).missing[0].key == f"missing.versus.{key}"
    with pytest.raises(ConfigError, match="beside itself"):
        known(demo, versus=demo)
    with pytest.raises(ConfigError, match="no such split"):
        gather(demo, split="morning")


# words

def test_both_languages_say_the_same_things():
    for name, table in LANGUAGES.items():
        assert table.keys() == ENGLISH.keys(), name
        for key, sentence in table.items():
            fields = [{field for _, field, _, _ in Formatter().parse(part) if field} for part in (sentence, ENGLISH[key])]
            assert fields[0] == fields[1], (name, key)
            assert sentence.count("**") % 2 == 0


def test_the_chinese_is_written_as_in_taiwan():
    for key, sentence in LANGUAGES["zh-TW"].items():
        sentence.replace("\u00a0", " ").encode("big5")  # simplified characters are not in it
        bare = re.sub(r"\{\w+\}|\*\*", "字", sentence)
        assert not re.search(r"[\u4e00-\u9fff][,;:?!()]|[,;:?!()][\u4e00-\u9fff]", bare), key
        mainland = "數據|圖像|網絡|默認|信息|軟件|程序|視頻|算法|激活|優化|函數|質量|概率|置信|魯棒|像元|打印|鏈接"
        assert not re.search(mainland, sentence), key


def test_numbers_in_words():
    words = Words("en")
    assert [short(value) for value in (0, 2.134, 21.34, 213.4, 0.02134, 0.00002134)] == ["0", "2.13", "21.3", "213", "0.0213", "2.1e-05"]
    assert (signed(-0.04), signed(3.25), signed(-3.25)) == ("0.0", "+3.2", "−3.2")
    assert words.percent(float("nan")) == "never" and words.percent(0.62055, (0.6046, 0.6372)) == "62.1% (60.5 to 63.7)"
    assert (words.duration(3.21), words.duration(61), words.duration(190), words.duration(5400)) == ("3.2 s", "61 s", "3 min", "1 h 30 min")
    assert words.listed(["a", "b", "c"]) == "a, b and c" and words.listed(["a"]) == "a"
    with pytest.raises(ConfigError, match="not written in this language"):
        Words("la")


def test_a_pinned_view_is_told_in_words():
    pin = Pin("t", "", "saliency_viewer", "run=cnn&split=validation&true=sad&pred=6&image=119&p=neutral&q=sad&method=smoothgrad&x=%3Cb%3E")
    assert told(Words("en"), pin) == "Saliency; cnn; validation; Sad, called Neutral; face 119; why Neutral rather than Sad; SmoothGrad"
    assert told(Words("zh-TW"), Pin("t", "", "filter_explorer", "layer=conv4&unit=12")) == "濾波器；conv4 的濾波器 12"
    assert told(Words("en"), Pin("t", "", "dataset", "class=disgust")) == "Dataset; labelled Disgust"
    assert told(Words("en"), Pin("t", "", "", "true=9&image=x&method=magic")) == "Overview"


# the command

def test_the_command_writes_the_file_that_it_names(store, found, tmp_path, monkeypatch):
    def given(run, *, versus, dataset, split, faces, seed, tell):
        assert (run.id, versus.id, split, faces, seed) == ("demo", "other", "validation", True, 0)
        assert dataset.fingerprint == read("demo").fingerprint
        return found

    monkeypatch.setattr(reporting, "gather", given)
    Pins(tmp_path / "pins.sqlite").add(Pin("Look", "a note", "dataset", "class=sad"))
    monkeypatch.setenv("FER_LENS_DATA", str(tmp_path))
    reporting.report("demo", tmp_path / "report.html", versus="other", lang="zh-TW", runs=store.root)
    text = (tmp_path / "report.html").read_text("utf-8")
    pins = Pins(tmp_path / "pins.sqlite").all()
    shown = {pin.path: report.show(pin, [store.open("demo"), store.open("other")], read("demo")) for pin in pins}
    assert len(shown[pins[0].path].pictures) == 6
    assert text == html(found, "zh-TW", pins=pins, shown=shown) and "a note" in text
    assert report.command(found, "zh-TW") in seen(text)
    with pytest.raises(ConfigError, match="folder that exists"):
        reporting.report("demo", tmp_path / "nowhere" / "report.html", runs=store.root)
    with pytest.raises(ConfigError, match="not written in this language"):
        reporting.report("demo", tmp_path / "report.html", lang="la", runs=store.root)
