"""What the report tells, gathered from run folders, a data set and the network: numbers, faces, pictures, and what is missing."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_core.config import RunConfig
from fer_core.data.splits import Dataset, pixels
from fer_core.emotions import EMOTIONS, SPLITS
from fer_core.errors import ConfigError
from fer_core.metrics.evaluation import Evaluation, Pair, evaluate
from fer_core.metrics.mcnemar import McNemar, mcnemar
from fer_core.plots.theme import run_colour
from fer_core.release.model_card import command
from fer_core.report.pictures import Filters, Looks, filters, looks
from fer_core.runs.store import Predictions, Run, RunStore

if TYPE_CHECKING:  # the framework is imported when a network is asked for
    from fer_core.models.summary import LayerFacts

CELLS = 3
"""Worst cells whose faces are shown."""
PER_CELL = 6
"""Faces of a cell, and of those that a network fixes or breaks."""
Tell = Callable[[float], object]


@dataclass(frozen=True)
class Missing:
    """Something that the report lacks: where it would stand, the key of its sentence, what fills that in, and the command that gets it."""

    place: str
    key: str
    command: str = ""
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Told:
    """A run: its own words, and its scores by split, plain and averaged over mirror images."""

    id: str
    title: str
    config: RunConfig
    facts: dict[str, Any]
    history: dict[str, np.ndarray]
    best: tuple[int, float] | None
    finished: bool
    weights: str  # SHA-256
    colour: str  # the one that it has on the pages
    plain: dict[str, Evaluation]
    flipped: dict[str, Evaluation]
    views: dict[str, Evaluation]  # over several looks at each face
    looks: dict[str, int]  # how many those are
    origin: dict[str, Any]  # of a run of predictions alone: whose they are, as `Run.origin`

    @property
    def members(self) -> str:
        """Names of the runs that the predictions come from."""
        told = self.origin.get("members", [])
        return ", ".join(map(str, told)) if isinstance(told, list) else ""

    @property
    def epochs(self) -> int:
        """Epochs that are complete."""
        return len(self.history["epoch"])

    @property
    def demo(self) -> bool:
        """Tell whether its faces are drawn."""
        return self.config.data.split(":")[0] == "demo"

    @property
    def stopped_early(self) -> bool:
        """Tell whether early stopping ended the training."""
        best, config = self.best, self.config
        return bool(config.patience and best and self.epochs < config.epochs and self.epochs - best[0] >= config.patience)

    @property
    def command(self) -> str:
        """The command that trains the same again."""
        return self.training(self.config, f"{self.id}-again")

    def training(self, config: RunConfig, name: str) -> str:
        """Give the command that trains a config on the data of this run, looked for in the folder data wherever it lay."""
        return command(config.model_copy(update={"data": self.source}), name)

    @property
    def source(self) -> str:
        """The data set, looked for in the folder data wherever it lay."""
        return self.config.data if self.demo else f"data/{Path(self.config.data).name}"


@dataclass(frozen=True, eq=False)
class Tile:
    """A face of the split with its label, what it was called (-1: nobody asks), and a probability (NaN: none is told)."""

    index: int
    image: np.ndarray
    label: int
    called: int
    p: float


@dataclass(frozen=True, eq=False)
class Cell:
    """A confused pair, and those of its faces of which the network is surest."""

    pair: Pair
    faces: tuple[Tile, ...]


@dataclass(frozen=True, eq=False)
class Findings:
    """All that the report of a run tells; what is `None` or empty has its reason in `missing`."""

    run: Told
    split: str
    seed: int
    faces: bool
    other: Told | None = None
    test: McNemar | None = None  # a is the other run, b this one
    layers: tuple[LayerFacts, ...] = ()
    other_layers: tuple[LayerFacts, ...] = ()
    cells: tuple[Cell, ...] = ()
    fixed: tuple[Tile, ...] = ()
    broken: tuple[Tile, ...] = ()
    by_label: np.ndarray | None = None  # int (7, 4): both right, only this run, only the other, neither
    looks: Looks | None = None
    other_looks: Looks | None = None
    filters: Filters | None = None
    missing: tuple[Missing, ...] = ()

    @property
    def evaluation(self) -> Evaluation | None:
        """The scores of the split that is looked at."""
        return self.run.plain.get(self.split)


def without_faces(found: Findings) -> Findings:
    """Leave every face out of findings: what is left is what gathering without faces gives."""
    looks = replace(found.looks, chosen=(), drawn=()) if found.looks else None
    return replace(found, faces=False, cells=(), fixed=(), broken=(), looks=looks)


def gather(run: Run, *, versus: Run | None = None, dataset: Dataset | None = None, split: str = "validation", faces: bool = True,
           seed: int = 0, load: Callable[[Run], Any] | None = None, tell: Tell = lambda share: None) -> Findings:
    """Gather what can be told of a run, and of another one beside it; `tell` is told the share done.

    `load` gives the network of a run; untold, it is read from the run folder. Raises `FerError` for a split that no data set has, and for
    a run beside itself; what the runs lack is told in `missing`.
    """
    if split not in SPLITS:
        raise ConfigError("There is no such split.", received=split, expected=" or ".join(SPLITS))
    result = known(run, versus=versus, dataset=dataset, split=split, faces=faces, seed=seed)
    lacks = {entry.place for entry in result.missing}
    found, shown = run.predictions(split), dataset if "data" not in lacks else None
    other = versus.predictions(split) if versus and "versus" not in lacks else None
    if found and other and split in result.run.plain:
        result = replace(result, test=mcnemar(found.labels, other.probabilities, found.probabilities), by_label=_by_label(found, other))
    tell(0.0)
    if shown is not None and found is not None and faces:
        result = replace(result, **_tiles(result, found, other, shown[split].images))
    return _ask_network(result, run, versus, shown, load, tell)


def known(run: Run, *, versus: Run | None = None, dataset: Dataset | None = None, split: str = "validation", faces: bool = True,
          seed: int = 0) -> Findings:
    """Tell what stands in the run folders, and what is missing for the rest; no network is asked."""
    if versus is not None and versus.id == run.id:
        raise ConfigError("A run cannot stand beside itself.", received=versus.id, expected="another run")
    found, other = run.predictions(split), versus.predictions(split) if versus else None
    told = _told(run)
    second = _missing_of_pair(told, versus, found, other, split) if versus else _missing_second(run, told)
    again = report_command(told.id, versus=versus.id if versus else "", split=split, more=("--data", told.source))
    missing = [*_missing_of_run(run, told, split, dataset), *second, *_missing_of_data(dataset, split, found, run, again)]
    beside = _told(versus) if versus else None
    if versus and beside and beside.colour == told.colour:
        beside = replace(beside, colour=run_colour(versus.meta.colour + 1))
    return Findings(told, split, seed, faces, beside, missing=tuple(missing))


def _ask_network(result: Findings, run: Run, versus: Run | None, shown: Dataset | None, load: Callable[[Run], Any] | None,
                 tell: Tell) -> Findings:
    """Add what only a network can tell: its layers, where it looks, what excites it."""
    from fer_core import models

    load = load or models.load
    tell(0.01)
    if versus is not None and not versus.origin:
        result = replace(result, other_layers=tuple(models.layers(models.build(versus.config.arch, versus.config))))
    if not _has_weights(run):
        if run.origin:  # answers of several networks have no layers
            return result
        return replace(result, layers=tuple(models.layers(models.build(run.config.arch, run.config))))
    model = load(run)
    result = replace(result, layers=tuple(models.layers(model)))
    if shown is not None:
        drawn, images, labels = shown.name == "demo", shown[result.split].images, shown[result.split].labels
        mine = looks(model, images, labels, drawn=drawn, seed=result.seed, shown=result.faces, tell=_part(tell, 0.03, 0.5))
        result = replace(result, looks=mine)
        if result.test is not None and versus is not None and _has_weights(versus):
            theirs = looks(load(versus), images, labels, drawn=drawn, seed=result.seed, shown=False, tell=_part(tell, 0.5, 0.62))
            result = replace(result, other_looks=theirs)
    return replace(result, filters=filters(model, result.layers, seed=result.seed, tell=_part(tell, 0.62, 1.0)))


def _part(tell: Tell, start: float, end: float) -> Tell:
    return lambda share: tell(start + (end - start) * share)


def _has_weights(run: Run) -> bool:
    return run.has_network


def _told(run: Run) -> Told:
    plain, flipped, views, counts = {}, {}, {}, {}
    for split in SPLITS:
        found = run.predictions(split)
        if found is None or not np.any(found.labels >= 0):
            continue
        plain[split] = evaluate(found.labels, found.probabilities, leaked=found.leaked, near=found.near)
        if found.flipped is not None:
            flipped[split] = evaluate(found.labels, found.flipped, leaked=found.leaked, near=found.near)
        if found.views is not None:
            views[split] = evaluate(found.labels, found.views, leaked=found.leaked, near=found.near)
            counts[split] = found.looks
    return Told(run.id, run.title, run.config, run.facts, run.history, run.best, run.status.state == "finished", run.weights_digest,
                run_colour(run.meta.colour), plain, flipped, views, counts, run.origin)


def _missing_of_run(run: Run, told: Told, split: str, dataset: Dataset | None) -> list[Missing]:
    missing = []
    if run.origin:
        kind = run.origin.get("kind")
        key = f"missing.{kind}" if kind in ("ensemble", "crossfit") else "missing.alone"
        alone = {"members": told.members}
        missing += [Missing(place, key, values=alone) for place in ("history", "weights") if place != "weights" or not run.has_network]
    elif not told.epochs:
        missing.append(Missing("history", "missing.history", f"python -m fer_core resume {run.id}"))
    elif not told.finished:
        missing.append(Missing("history", "missing.unfinished", f"python -m fer_core resume {run.id}",
                               {"epoch": told.epochs, "epochs": told.config.epochs}))
    if not _has_weights(run) and not run.origin:
        missing.append(Missing("weights", "missing.weights", f"python -m fer_core resume {run.id}"))
    there = list(dataset or told.facts.get("data", {}).get("counts", {}))
    if split not in told.plain and there and split not in there:
        missing.append(Missing("predictions", "missing.split", values={"there": there}))
    elif split not in told.plain:
        key = "missing.predictions" if run.predictions(split) is None else "missing.labels"
        again = "" if run.origin and not run.has_network else f"python -m fer_core evaluate {run.id} --split {split}"
        missing.append(Missing("predictions", key, again))
    return missing


def _fitting(run: Run) -> Run | None:
    """Find a run that could stand beside this one: a network of the other kind, trained on the same faces."""
    def faces(one: Run) -> object:
        return one.facts.get("data", {}).get("fingerprint")

    for other in RunStore(run.path.parent).all():
        if other.damage or other.origin or faces(other) is None:
            continue
        other_kind = (other.config.arch == "dnn") != (run.config.arch == "dnn")
        if other_kind and faces(other) == faces(run):
            return other
    return None


def _missing_second(run: Run, told: Told) -> list[Missing]:
    """Name the run that could stand beside this one, or else how to train one."""
    if (there := _fitting(run)) is not None:
        return [Missing("versus", "missing.versus.there", report_command(told.id, versus=there.id), {"other": there.title})]
    wanted = RunConfig.from_preset(told.config.preset if told.config.arch != "small" else "quick", data=told.config.data,
                                   arch="cnn" if told.config.arch == "dnn" else "dnn")
    name = f"{wanted.arch}-beside-{told.id}"
    return [Missing("versus", "missing.versus",
                    f"{told.training(wanted, name)}\n{report_command(told.id, versus=name)}")]


def _missing_of_pair(told: Told, versus: Run, found: Predictions | None, other: Predictions | None, split: str) -> list[Missing]:
    def lacks(key: str, todo: str) -> list[Missing]:
        return [Missing("versus", f"missing.{key}", todo, {"run": told.title, "other": versus.title})]

    if other is None:
        again = "" if versus.origin and not versus.has_network else f"python -m fer_core evaluate {versus.id} --split {split}"
        return lacks("versus.predictions", again)
    if found is None:
        return []
    if found.fingerprint != other.fingerprint:
        return lacks("versus.other", f"python -m fer_core evaluate {versus.id} --split {split} --data {told.source}")
    if not np.array_equal(found.labels, other.labels):
        return lacks("versus.again", f"python -m fer_core evaluate {versus.id} --split {split}")
    return []


def report_command(run: str, *, versus: str = "", split: str = "validation", more: Sequence[str] = ()) -> str:
    """Write the command that makes a report."""
    parts = [run, *(["--versus", versus] if versus else []), *(["--split", split] if split != "validation" else []), *more]
    return shlex.join(["python", "-m", "fer_core", "report", *parts, "--out", "report.html"])


def _missing_of_data(dataset: Dataset | None, split: str, found: Predictions | None, run: Run, todo: str) -> list[Missing]:
    """Tell what is missing where the data set does not hold the faces that were predicted; `todo` makes the report once it does."""
    if dataset is None:
        return [Missing("data", "missing.data", todo)]
    if split not in dataset:
        return [Missing("data", "missing.split", values={"there": list(dataset)})]
    if found is None:
        return [] if run.knows(dataset) else [Missing("data", "missing.data.other", todo)]
    if found.fingerprint == dataset.fingerprint and len(found.labels) == len(dataset[split]):
        return []
    if run.knows(dataset):  # another edition of the same faces: it can be predicted
        todo = f"python -m fer_core evaluate {run.id} --split {split} --data {dataset.source}\n{todo}"
    return [Missing("data", "missing.data.other", todo)]


def _by_label(found: Predictions, other: Predictions) -> np.ndarray:
    right, theirs = (part.probabilities.argmax(1) == found.labels for part in (found, other))
    parts = (right & theirs, right & ~theirs, theirs & ~right, ~right & ~theirs)
    known = found.labels >= 0
    return np.stack([np.bincount(found.labels[part & known], minlength=len(EMOTIONS)) for part in parts], axis=1)


def _tiles(result: Findings, found: Predictions, other: Predictions | None, images: np.ndarray) -> dict[str, Any]:
    """Choose the faces of the worst cells, and of those that one network fixes or breaks: the surest first, equals by their number."""
    called, evaluation = found.probabilities.argmax(1), result.evaluation

    def surest(rows: np.ndarray, sure: np.ndarray, said: np.ndarray, p: bool) -> tuple[Tile, ...]:
        chosen = rows[np.argsort(-sure[rows], kind="stable")][:PER_CELL]
        faces = pixels(images, chosen)
        return tuple(Tile(int(row), face, int(found.labels[row]), int(said[row]), float(sure[row]) if p else float("nan"))
                     for row, face in zip(chosen, faces, strict=True))

    cells = () if evaluation is None else tuple(
        Cell(pair, surest(evaluation.cell(pair.true, pair.predicted), found.probabilities[:, pair.predicted], called, True))
        for pair in evaluation.most_confused(CELLS))
    if other is None or result.test is None:
        return {"cells": cells}
    theirs = other.probabilities.argmax(1)
    return {"cells": cells, "fixed": surest(result.test.fixes, found.probabilities.max(1), theirs, False),
            "broken": surest(result.test.breaks, other.probabilities.max(1), called, False)}
