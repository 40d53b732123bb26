"""Make a finished run ready to be given away: small weights, no path of this machine, no pictures; proven to say the same."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import keras
import numpy as np

from fer_core import atomic_io, models
from fer_core.attribution import explanation, region_shares
from fer_core.data.dataset import Dataset
from fer_core.errors import RunError
from fer_core.faces import regions
from fer_core.runs.store import Predictions, Run, RunStore
from fer_core.training.trainer import predictions

LIMIT = 0.001
"""Largest change of accuracy (but for one face) and of a region's share of the maps that the smaller weights may bring."""
MAPS = 128
"""Faces whose gradient maps are compared."""


@dataclass(frozen=True)
class Proof:
    """What small weights changed on the validation faces; accuracies are shares 0 to 1 right."""

    faces: int
    accuracy: float
    accuracy_float32: float
    flipped: float
    flipped_float32: float
    largest_probability: float  # largest change of any probability
    changed: int  # faces that are called something else
    maps: int  # faces whose gradient maps were compared
    largest_share: float  # largest change of a region's mean share of those maps

    @property
    def loss(self) -> float:
        """The larger change of the two accuracies, without its sign."""
        return max(abs(self.accuracy - self.accuracy_float32), abs(self.flipped - self.flipped_float32))

    @property
    def holds(self) -> bool:
        """Tell whether nothing changed by more than `LIMIT`; one face more or less is no change."""
        return self.loss <= max(LIMIT, 1.001 / self.faces) and self.largest_share <= LIMIT


def ship(run: Run, dataset: Dataset, store: RunStore, name: str) -> tuple[Run, Proof]:
    """Copy a finished run into `store` as `name`, small; a run whose small weights say something else is refused and nothing is left.

    The copy's predictions are those of the small weights on the validation split, so that they and the weights agree: with as many looks
    at each face as the run has stored. It is marked as shipped, and its folder is then never written to (`Run.desk`). Raises `RunError` for
    a run that is not finished or was trained on other faces, `ModelError` for one without a network.
    """
    run.check_network()
    if run.status.state != "finished":
        raise RunError(f"{run.id} is not finished, so it is not given away.", received=run.status.state,
                       todo=f"python -m fer_core resume {run.id}")
    if run.facts["data"]["fingerprint"] != dataset.fingerprint:
        raise RunError("These are not the faces that the run was trained on.", received=f"{dataset.name} {dataset.fingerprint[:12]}",
                       expected=run.facts["data"]["fingerprint"][:12])
    copy = store.create(run.config.model_copy(update={"data": plain_name(run.config.data)}), name)
    try:
        return copy, _fill(run, copy, dataset)
    except BaseException:
        shutil.rmtree(copy.path)
        raise


def plain_name(data: str) -> str:
    """Return the name of a data set without its folder: 'demo' stays, /faces/fer2013.csv becomes fer2013.csv."""
    return data if data.split(":")[0] == "demo" else Path(data).name


def _fill(run: Run, copy: Run, dataset: Dataset) -> Proof:
    for part in ("history.csv", "confusion.npz", "probes.npz"):
        shutil.copyfile(run.path / part, copy.path / part)
    atomic_io.write_json(copy.path / "facts.json", run.facts)
    copy.update_meta(**{**asdict(run.meta), "title": copy.id, "archived": False, "shipped": False})
    copy.write_status(replace(run.status, process=None))
    network = models.load(run)
    before = predictions(network, dataset, "validation", flip=True)
    models.save_weights(network, copy.path / "weights.safetensors", small=True)
    small = models.load(copy)
    stored = run.predictions("validation")
    after = predictions(small, dataset, "validation", flip=True, views=stored.looks if stored else 0)
    images = np.asarray(dataset["validation"].images[:MAPS])
    where = regions.located(images, drawn=dataset.name == "demo")
    shares = [_shares(model, images, before.probabilities[:MAPS].argmax(1), where) for model in (network, small)]
    proof = _compare(before, after, len(images), float(np.abs(shares[1] - shares[0]).max()))
    if not proof.holds:
        raise RunError("The run says something else with small weights, so it is not given away.",
                       received=f"accuracy changed by {100 * proof.loss:.2f} points, maps by {100 * proof.largest_share:.2f}",
                       expected=f"at most {100 * LIMIT:.1f}")
    features = None if after.features is None else after.features.astype(np.float16)
    copy.write_predictions(replace(after, features=features))
    atomic_io.write_json(copy.path / "small.json", asdict(proof))
    (copy.path / "log.txt").write_text("".join(_log(run)), encoding="utf8")
    copy.update_meta(shipped=True)  # last: from now on nothing is written here
    return proof


def _shares(model: keras.Model, images: np.ndarray, targets: np.ndarray, where: list[regions.Regions]) -> np.ndarray:
    """Give each region's mean share of the gradient maps of images (n, 48, 48)."""
    shares, _ = region_shares.ledger(explanation.explain(model, images, "gradient", targets), where).mean("shares")
    return np.asarray(shares)


def _compare(before: Predictions, after: Predictions, maps: int, share: float) -> Proof:
    assert before.flipped is not None and after.flipped is not None
    known = before.labels >= 0
    labels = before.labels[known]

    def accuracy(probabilities: np.ndarray) -> float:
        return float(np.mean(probabilities[known].argmax(1) == labels))

    return Proof(len(labels), accuracy(after.probabilities), accuracy(before.probabilities), accuracy(after.flipped),
                 accuracy(before.flipped), float(np.abs(after.probabilities - before.probabilities).max()),
                 int(np.sum(after.probabilities.argmax(1) != before.probabilities.argmax(1))), maps, share)


def _log(run: Run) -> list[str]:
    """Keep the trainer's own lines, which begin with the time of day; TensorFlow's tell of the machine."""
    lines = (run.path / "log.txt").read_text(encoding="utf8", errors="replace").splitlines(keepends=True)
    return [line for line in lines if line[:2].isdigit() and line[2:3] == ":" and "/" not in line.split(": ")[0]]
