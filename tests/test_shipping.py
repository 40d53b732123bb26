"""A run given away: smaller, without a path, and proven to say the same."""

import shutil

import numpy as np
import pytest

from fer_core import atomic_io
from fer_core.data.dataset import Dataset, read
from fer_core.errors import RunError
from fer_core.release.shipping import Proof, plain_name, ship
from fer_core.runs.store import RunStore


def test_a_shipped_copy_says_what_its_weights_say(root, tmp_path):
    from fer_core import models

    run, faces = RunStore(root / "checkpoints").open("demo"), read("demo")
    copy, proof = ship(run, faces, RunStore(tmp_path), "copy")
    said = copy.predictions("validation")
    assert np.allclose(models.predict(models.load(copy), faces["validation"].images[:40]), said.probabilities[:40], atol=1e-4)
    assert proof.accuracy == (said.probabilities.argmax(1) == said.labels).mean()
    assert proof.accuracy_float32 == pytest.approx(run.best[1])
    assert 0 < proof.largest_probability < 0.02 and proof.holds
    assert (copy.path / "weights.safetensors").stat().st_size < 0.52 * (run.path / "weights.safetensors").stat().st_size
    assert copy.status.state == "finished" and copy.status.process is None
    assert str(root) not in "".join(path.read_text("utf8", "replace") for path in copy.path.iterdir())


def test_a_run_that_is_not_finished_or_of_other_faces_is_refused_and_leaves_nothing(root, tmp_path):
    shutil.copytree(root / "checkpoints/demo", tmp_path / "half")
    store = RunStore(tmp_path)
    with pytest.raises(RunError, match="not the faces"):
        ship(store.open("half"), Dataset({"validation": read("demo")["test"]}, "others", "others"), store, "copy")
    atomic_io.write_json(tmp_path / "half/status.json", {"state": "stopped"})
    with pytest.raises(RunError, match="not finished"):
        ship(store.open("half"), read("demo"), store, "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["half"]


@pytest.mark.parametrize(("change", "faces", "share", "holds"), [
    (0.0, 3589, 0.0, True), (0.0009, 3589, 0.0, True), (0.002, 3589, 0.0, False), (1 / 350, 350, 0.0, True), (2 / 350, 350, 0.0, False),
    (0.0, 3589, 0.002, False),
])
def test_the_proof_holds_within_a_tenth_of_a_point_or_one_face(change, faces, share, holds):
    assert Proof(faces, 0.7 - change, 0.7, 0.71, 0.71, 0.01, 0, 64, share).holds is holds


def test_plain_names():
    assert plain_name("demo:3") == "demo:3"
    assert plain_name("/faces/fer2013.csv") == "fer2013.csv"
