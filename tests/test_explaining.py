"""The command `explain`, on the demo run."""

import json

import numpy as np
import pytest

from fer_core import atomic_io, models
from fer_core.attribution.explanation import explain
from fer_core.cli import explain as explaining
from fer_core.data.dataset import read
from fer_core.emotions import EMOTIONS
from fer_core.errors import FerError

ASKED = {"split": "validation", "image": None, "faces": 200, "method": "gradient", "target": "", "versus": "", "layer": "", "out": None}


@pytest.fixture
def ask(root):
    """Run the command on the demo run."""
    return lambda **told: explaining.explain("demo", data="demo", runs=root / "checkpoints", **(ASKED | told))


def test_one_face_in_json(ask, tmp_path, capsys, root):
    ask(image=3, method="smoothgrad", versus="sad", out=tmp_path / "map.npz", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["image"] == 3 and told["versus"] == "sad"
    assert told["outcome"] in ("passes", "undecided", "fails") and told["verdict"].startswith("This map")
    assert sum(row["share"] for row in told["regions"].values()) == pytest.approx(1, abs=1e-5)
    assert told["regions"]["mouth"]["interval"] is None
    assert told["features"]["share"] == pytest.approx(1 - told["regions"]["rest"]["share"], abs=1e-5)
    for row in (told["probabilities"], *told["hidden"].values()):
        assert sum(row.values()) == pytest.approx(1, abs=1e-4)
    stored = atomic_io.read_arrays(tmp_path / "map.npz")
    from fer_core.runs.store import RunStore

    model = models.load(RunStore(root / "checkpoints").open("demo"))
    face = read("demo")["validation"].images[3:4]
    again = explain(model, face, "smoothgrad", stored["targets"], versus=4)
    np.testing.assert_allclose(stored["maps"], again, rtol=1e-3, atol=1e-4 * np.abs(again).max())


def test_a_wrong_face_is_asked_why_not_its_label(ask, capsys, root):
    from fer_core.runs.store import RunStore

    found = RunStore(root / "checkpoints").open("demo").predictions("validation")
    called = found.probabilities.argmax(1)
    wrong, right = (int(np.flatnonzero((called == found.labels) == same)[0]) for same in (False, True))
    for face, versus in ((wrong, EMOTIONS[found.labels[wrong]]), (right, None)):
        ask(image=face, as_json=True)
        told = json.loads(capsys.readouterr().out)
        assert (told["target"], told["versus"]) == (EMOTIONS[called[face]], versus)


def test_many_faces_as_a_table(ask, capsys):
    ask(faces=12, target="happy")
    told = capsys.readouterr().out
    assert all(words in told for words in ("12 faces", "left eye", "all but the rest", " to ", "own edges")) and "when hidden" not in told


@pytest.mark.parametrize("wrong", [{"target": "glad"}, {"versus": "glad"}, {"split": "all"}, {"image": 9999}, {"method": "magic"},
                                   {"target": "sad", "versus": "sad"}, {"faces": 0}, {"faces": -5}, {"layer": "conv1"},
                                   {"method": "grad_cam", "layer": "dense1"}])
def test_a_wrong_question_is_told(ask, wrong):
    with pytest.raises(FerError):
        ask(**({"faces": 1} | wrong))
