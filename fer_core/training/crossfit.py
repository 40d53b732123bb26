"""Cross-fitting: k networks, each trained on all folds but one and asked about that one, so that every training face has an answer
by a network that did not learn from it.

The run that holds the answers trains nothing itself. Its process starts one ordinary run per fold, in turn, and puts what they say of
their folds together; stopped, it stops the fold under way, and goes on with it when it is resumed.
"""

from __future__ import annotations

import shutil
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from fer_core import atomic_io
from fer_core.data.dataset import Dataset, counts
from fer_core.errors import RunError
from fer_core.messages import Sentence
from fer_core.runs import ensemble, training_dynamics
from fer_core.runs.launch import launch
from fer_core.runs.store import FOLD, Predictions, Run, RunStore, Status
from fer_core.training import training_set
from fer_core.training.recorder import Recorder

HELD_OUT = "held-out.npz"
"""In the run of a fold: what it says of the faces that it left out."""
LOOKING = 1.0
"""Seconds between two looks at the fold under way."""


class FoldStopped(Exception):
    """The fold under way was stopped, by a person or with the whole."""


@dataclass(frozen=True)
class HeldOut:
    """What the network of a fold says of the faces that it left out."""

    rows: np.ndarray
    """int64 (m,): their places in the train split."""
    probabilities: np.ndarray
    """float32 (m, classes), one look."""
    flipped: np.ndarray
    """float32 (m, classes): the mean of each face's and its mirror image's."""
    views: np.ndarray | None = None
    """float32 (m, classes): the mean over several looks."""
    looks: int = 0
    """How many those are."""


def write_held_out(run: Run, said: HeldOut) -> None:
    """Keep what a fold's network says of its fold in its run."""
    arrays = {name: np.asarray(value) for name, value in vars(said).items() if value is not None}
    atomic_io.write_arrays(run.path / HELD_OUT, **arrays)


def read_held_out(run: Run) -> HeldOut:
    """Read what a fold's network says of its fold; `RunError` where it is missing or damaged."""
    try:
        arrays = atomic_io.read_arrays(run.path / HELD_OUT)
        looks = int(arrays.get("looks", 0))
        return HeldOut(arrays["rows"], arrays["probabilities"], arrays["flipped"], arrays.get("views"), looks)
    except Exception as error:  # a damaged zip raises a dozen kinds of errors
        raise RunError(
            Sentence("{file} cannot be read.", file=f"{run.id}/{HELD_OUT}"), received=type(error).__name__, todo="train this fold again"
        ) from None


def name_of(run: Run, fold: int) -> str:
    """Return the name of the run that leaves out a fold."""
    return f"{run.id}-fold{fold}"


def members(run: Run) -> list[Run]:
    """Return the runs of the folds that have begun, in their order."""
    store = RunStore(run.path.parent)
    names = [name_of(run, fold) for fold in range(1, run.config.folds + 1)]
    return [store.open(name) for name in names if (store.root / name).is_dir()]


def work(run: Run, recorder: Recorder, dataset: Dataset) -> None:
    """Train every fold that is not finished, then write what all of them say; the body of the run's process.

    Raises `FoldStopped` where the fold under way was stopped, and `RunError` where it failed.
    """
    given = training_set.inputs(run, dataset)
    per_split = {split: [int(n) for n in row] for split, row in counts(dataset).items()}
    names = [name_of(run, fold) for fold in range(1, run.config.folds + 1)]
    data = {"name": dataset.name, "fingerprint": dataset.fingerprint, "counts": per_split, "notes": list(dataset.notes)}
    origin = {"kind": "crossfit", "members": names}
    atomic_io.write_json(run.path / "facts.json", {"data": data, "inputs": given.facts(), "origin": origin})
    asked = _StopOnSignal()
    folds = []
    for fold in range(1, run.config.folds + 1):
        if asked.wanted or run.stop_requested:
            raise FoldStopped
        member = _begin(run, fold)
        recorder.say(FOLD.format(fold=fold, folds=run.config.folds))
        _follow(run, member, fold, recorder, asked)
        folds.append(member)
    recorder.say("putting the folds together")
    for predictions in together(folds, dataset):
        run.write_predictions(predictions)
    learned = [training_dynamics.read(member.path / training_dynamics.FILE) for member in folds]
    training_dynamics.write(run.path / training_dynamics.FILE, training_dynamics.merge([part for part in learned if part is not None]))


class _StopOnSignal:
    """Remembers that the system asked the process to end."""

    def __init__(self) -> None:
        self.wanted = False
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, *_: Any) -> None:
        self.wanted = True


def _begin(run: Run, fold: int) -> Run:
    """Open the run of a fold, or make it, with the very folds and weights that the whole began with."""
    store = RunStore(run.path.parent)
    name = name_of(run, fold)
    if (store.root / name).is_dir():
        return store.open(name)
    member = store.create(run.config.model_copy(update={"fold": fold}), name)
    shutil.copyfile(run.path / training_set.INPUTS, member.path / training_set.INPUTS)
    return member


def _follow(run: Run, member: Run, fold: int, recorder: Recorder, asked: _StopOnSignal) -> None:
    """Train a fold to its end, telling how far all of them are."""
    status = member.status
    at_work = status.alive and status.process is not None  # a run that was only just made is queued, without a process
    if not at_work and status.state != "finished":
        launch(member)
    stopping = False
    while (status := member.status).alive:
        if (asked.wanted or run.stop_requested) and not stopping:
            with suppress(RunError):  # it ended just now
                member.request_stop()
            stopping = True
        _report(run, status, fold, recorder)
        time.sleep(LOOKING)
    if status.state == "stopped":
        raise FoldStopped
    if status.state != "finished":
        raise RunError(
            Sentence("{run} did not finish.", run=member.id), received=status.reason or status.state, todo=f"see {member.id}/log.txt"
        )


def _report(run: Run, status: Status, fold: int, recorder: Recorder) -> None:
    before = (fold - 1) * run.config.epochs
    left = status.seconds_left
    if left is not None and status.images_per_second:
        epochs_left = max(run.config.epochs - status.epoch - status.step / max(1, status.steps), 1e-3)
        left += (run.config.folds - fold) * run.config.epochs * left / epochs_left
    recorder.update(
        epoch=before + status.epoch,
        epochs=run.config.folds * run.config.epochs,
        step=status.step,
        steps=status.steps,
        loss=status.loss,
        accuracy=status.accuracy,
        images_per_second=status.images_per_second,
        seconds_left=left,
    )


def together(folds: list[Run], dataset: Dataset) -> list[Predictions]:
    """Return what all folds say: of each training face the one network that left it out, of other splits the mean of all.

    Raises `RunError` where a training face has no answer, or two.
    """
    said = [read_held_out(member) for member in folds]
    rows = np.concatenate([part.rows for part in said])
    train = dataset["train"]
    if not np.array_equal(np.sort(rows), np.arange(len(train))):
        raise RunError(
            "The folds do not answer for every training face once.",
            received=f"{len(rows):,} answers for {len(np.unique(rows)):,} faces",
            expected=f"{len(train):,}",
            todo="train the folds again",
        )
    order = np.argsort(rows)
    views = [part.views for part in said if part.views is not None]
    honest = Predictions(
        "train",
        dataset.fingerprint,
        train.labels,
        np.concatenate([part.probabilities for part in said])[order],
        np.concatenate([part.flipped for part in said])[order],
        None,
        np.zeros(len(train), bool),
        np.concatenate(views)[order] if len(views) == len(said) else None,
        said[0].looks,
    )
    others = [mean_of(folds, split) for split in dataset if split != "train"]
    return [honest, *(predictions for predictions in others if predictions is not None)]


def mean_of(runs: list[Run], split: str) -> Predictions | None:
    """Return the mean of what several runs say of a split; `None` where one of them has not predicted it."""
    said = [run.predictions(split) for run in runs]
    known = [part for part in said if part is not None]
    return ensemble.mean(known, runs) if len(known) == len(runs) else None
