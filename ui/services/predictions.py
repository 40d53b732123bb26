"""What a run says of one split, read once and kept: predictions, scores, orders; the faces behind them, and how other runs voted."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from fer_core.emotions import EMOTIONS, SPLITS
from fer_core.errors import DataError, FerError, RunError
from fer_core.messages import Sentence
from fer_core.metrics.evaluation import Evaluation, evaluate
from fer_core.metrics.label_quality import combined, from_margins, suspicion
from fer_core.metrics.looks import Look, results
from fer_core.metrics.neighbours import distance_to_centre
from fer_core.metrics.scores import entropy, loss, margin, own
from fer_core.runs.store import PREDICTIONS, Predictions, Run
from ui.services import cache

if TYPE_CHECKING:
    from fer_core.data.dataset import Dataset

FILE = PREDICTIONS


@dataclass(frozen=True, eq=False)
class Answers:
    """Predictions of one run on one split, with all that is computed from them when it is first asked for. Never changed."""

    run: str
    title: str
    split: str
    fingerprint: str
    labels: np.ndarray  # int8 (n,), -1 without a label
    probabilities: np.ndarray  # float32 (n, 7)
    features: np.ndarray | None  # (n, d)
    leaked: np.ndarray  # bool (n,): the very pixels stand in train
    near: np.ndarray | None = None  # bool (n,): an altered copy stands there; None: nobody looked
    kind: str = "single"  # how the faces were looked at: one of `runs.KINDS`
    looks: int = 1  # looks at each face whose probabilities are averaged
    margin: np.ndarray | None = None  # float32 (n,): area under the margin while the faces were learned; None where nobody kept it
    unseen: bool = True  # whether no network answers for a face that it learned from

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def evaluation(self) -> Evaluation:
        """All scores; FerError when no face has a label."""
        return evaluate(self.labels, self.probabilities, leaked=self.leaked, near=self.near)

    def copy_of(self, face: int) -> str:
        """Tell what a face is to the training faces: `exact` or `near` copy, or neither, the empty word."""
        if self.leaked[face]:
            return "exact"
        return "near" if self.near is not None and self.near[face] else ""

    @cached_property
    def predicted(self) -> np.ndarray:
        """The class called, int8 (n,)."""
        return np.asarray(self.probabilities.argmax(1), np.int8)

    @cached_property
    def confidence(self) -> np.ndarray:
        """The highest probability, (n,)."""
        return np.asarray(self.probabilities.max(1))

    @cached_property
    def own(self) -> np.ndarray:
        """The probability of the label, (n,); NaN without one."""
        return np.asarray(np.where(self.labels < 0, np.nan, own(self.labels, self.probabilities)))

    @cached_property
    def wrong(self) -> np.ndarray:
        """Labelled faces that were called something else, bool (n,)."""
        return np.asarray((self.labels >= 0) & (self.predicted != self.labels))

    @cached_property
    def suspicion(self) -> np.ndarray:
        """How suspicious each label is, (n,).

        It rests on answers to unseen faces and, where it is kept, on how the faces were learned. Answers to faces that a network
        learned from say nothing of their labels, and are left out where there is something better.
        """
        if self.margin is None:
            return suspicion(self.labels, self.probabilities)
        if not self.unseen:
            return np.where(self.labels < 0, np.float32(np.nan), from_margins(self.margin))
        return combined(suspicion(self.labels, self.probabilities), self.margin)

    @cached_property
    def _keys(self) -> dict[str, np.ndarray]:
        return {}

    def key(self, sort: str) -> np.ndarray:
        """Return a number per face by which an order puts the smallest first; NaN comes last."""
        if sort not in self._keys:
            keys = np.asarray(self._key(sort))
            self._keys[sort] = np.where(np.isnan(keys), np.inf, keys) if keys.dtype.kind == "f" else keys
        return self._keys[sort]

    def _key(self, sort: str) -> np.ndarray:
        if sort == "confident":
            return np.asarray(-(self.confidence + 2 * self.wrong))
        if sort == "loss":
            return -loss(self.labels, self.probabilities)
        if sort == "margin":
            return np.asarray(np.abs(margin(self.labels, self.probabilities)))
        if sort == "entropy":
            return -entropy(self.probabilities)
        if sort == "suspicion":
            return -self.suspicion
        if sort == "typical" and self.features is not None:
            return distance_to_centre(self.features, self.labels)
        return np.arange(len(self))

    def ordered(self, rows: np.ndarray, sort: str, first: int, count: int) -> np.ndarray:
        """Return `count` of the rows from place `first` on, in an order; equals come by their index. `rows` ascend."""
        if sort == "index":
            return rows[first : first + count]
        keys = self.key(sort)[rows]
        end = first + count
        if end < len(rows) // 4:  # a few out of many: no need to sort them all
            limit = np.partition(keys, end)[end]
            near = np.flatnonzero(keys <= limit)
            return rows[near[np.argsort(keys[near], kind="stable")]][first:end]
        return rows[np.argsort(keys, kind="stable")[first:end]]

    def matrix(self, keep: np.ndarray) -> np.ndarray:
        """Count a confusion matrix int64 (7, 7) of the faces that a mask keeps."""
        chosen = keep & (self.labels >= 0)
        cells = self.labels[chosen].astype(np.int64) * len(EMOTIONS) + self.predicted[chosen]
        return np.asarray(np.bincount(cells, minlength=len(EMOTIONS) ** 2).reshape(len(EMOTIONS), len(EMOTIONS)))


def predicted_splits(run: Run) -> list[str]:
    """List the splits that a run has predicted, by the names in its files; a file that cannot be read has none."""
    return _predicted_splits(tuple(map(str, run.prediction_files)), mark(run))


def offered_splits(run: Run) -> list[str]:
    """List the splits of a run that can be looked at: all where its network can be asked or may still come, else those predicted."""
    return list(SPLITS) if not run.alone else predicted_splits(run)


def fingerprint(run: Run, split: str) -> str | None:
    """Name the data set that a run's answers to a split are of; `None` where there are none that can be read."""
    try:
        found = answers(run, split)
    except FerError:
        return None
    return None if found is None else found.fingerprint


def answers(run: Run, split: str, kind: str = "single") -> Answers | None:
    """Read what a run says of a split by a kind of `runs.KINDS`; `None` where it was not asked so yet. Errors: `RunError` in words."""
    return _answers(str(run.path), run.title, split, kind, mark(run))


def rate(run: Run, split: str) -> tuple[float, int] | None:
    """Give the accuracy (0 to 1) of a run's answers to a split, and the faces it is counted on; `None` where none can be read."""
    return _rate(str(run.path), split, mark(run))


def looks(run: Run, split: str) -> dict[str, Look]:
    """Score every way in which a run answered for a split; empty where there is none that can be read, or no label."""
    return _looks(str(run.path), split, mark(run))


def mark(run: Run) -> cache.Stamp:
    """Stamp the files that hold the predictions of a run."""
    return tuple(part for path in run.prediction_files for part in cache.stamp(path))


@st.cache_data(max_entries=200, show_spinner=False)
def _predicted_splits(paths: tuple[str, ...], mark: cache.Stamp) -> list[str]:
    names: set[str] = set()
    for path in paths:
        with suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
            names |= set(archive.namelist())
    return [split for split in SPLITS if f"{split}.probabilities.npy" in names]


@st.cache_data(max_entries=200, show_spinner=False)
def _rate(path: str, split: str, mark: cache.Stamp) -> tuple[float, int] | None:
    with suppress(FerError):
        if (found := Run(Path(path)).predictions(split)) is not None:
            told = evaluate(found.labels, found.probabilities)
            return told.accuracy, told.n
    return None


@st.cache_resource(max_entries=40, show_spinner=False)
def _looks(path: str, split: str, mark: cache.Stamp) -> dict[str, Look]:
    with suppress(FerError):
        if (found := Run(Path(path)).predictions(split)) is not None:
            return results(found)
    return {}


@st.cache_resource(max_entries=4, show_spinner=cache.Waiting("Reading the predictions ..."))
def _answers(path: str, title: str, split: str, kind: str, mark: cache.Stamp) -> Answers | None:
    found = Run(Path(path)).predictions(split)
    probabilities = None if found is None else found.by(kind)
    if found is None or probabilities is None:
        return None
    n = len(probabilities)
    masks = [found.leaked] if found.near is None else [found.leaked, found.near]
    fits = found.labels.shape == (n,) and all(mask.shape == (n,) for mask in masks)
    if not fits or (found.features is not None and len(found.features) != n):
        raise RunError(f"{Path(path).name}/{FILE} does not fit together.", received=f"{n:,} faces predicted, {len(found.labels):,} labels",
                       todo="predict the split again")
    made = Answers(Path(path).name, title, split, found.fingerprint, found.labels.astype(np.int8), probabilities, found.features,
                   found.leaked, found.near, kind, found.looks_of(kind), _margin(Run(Path(path)), found),
                   split != "train" or Run(Path(path)).origin.get("kind") == "crossfit")
    _ = made.evaluation  # an impossible probability is told now, not in the middle of the page
    return made


def _margin(run: Run, found: Predictions) -> np.ndarray | None:
    """Read how the training faces were learned, where it is of these very faces."""
    learned = run.dynamics if found.split == "train" else None
    fits = learned is not None and learned.margin.shape == found.labels.shape
    return learned.margin if learned is not None and fits else None


@dataclass(frozen=True, eq=False)
class Faces:
    """The faces of an answer, or why they cannot be shown."""

    dataset: Dataset | None
    reason: FerError | None = None
    edition: str = ""
    """The place of another edition of these faces, which the run can be asked to predict."""


def faces(run: Run, found: Answers) -> Faces:
    """Find the data set that was predicted, by its fingerprint: where the run says, where the URL says, or in data/."""
    problem: FerError | None = None
    edition: Faces | None = None
    for source in places(run):
        try:
            dataset = cache.dataset(source)
        except DataError as error:
            problem = problem or hindrance(run, source, error)
            continue
        split = dataset.get(found.split)
        if dataset.fingerprint == found.fingerprint and split is not None and np.array_equal(split.labels, found.labels):
            return Faces(dataset)
        facts = {"received": f"{dataset.name}, fingerprint {dataset.fingerprint[:12]}", "expected": f"{found.fingerprint[:12]}"}
        if edition is None and split is not None and "data" in run.facts and run.knows(dataset):
            told = DataError("The faces at hand are another edition of those that were predicted: FER2013 in another order or with "
                             "rounded pixels. So none is shown beside these numbers.", **facts,
                             todo="predict the faces at hand: the answers to the other edition give way to them")
            edition = Faces(None, told, source)
        problem = problem or DataError("The faces at hand are not those that were predicted, so none is shown beside these numbers.",
                                       **facts,
                                       todo="bring the data set that the run was trained on, or predict again with the one at hand")
    return edition or Faces(None, problem)


def hindrance(run: Run, source: str, error: DataError) -> DataError:
    """Say what hinders from showing the faces of a run: the damage of a file that is there, or what to bring."""
    return error if Path(source).exists() else missing(run)


def missing(run: Run) -> DataError:
    """Say that the faces of a run are not at hand, and what to bring."""
    name = str(run.facts.get("data", {}).get("name") or run.config.data)
    return DataError("The faces that this run was trained on are not at hand.",
                     expected=Sentence("the faces of {name}, under any name", name=name),
                     todo="put FER2013 as it comes from Kaggle (fer2013.csv, or a zip of it) into the folder data/: it is known by its "
                          "content")


def places(run: Run) -> list[str]:
    """List where the faces of a run may be: where the run says, where the URL says, in data/ under its name or any other."""
    from fer_core.runs import dataset_lookup

    return dataset_lookup.places(run, *_asked())


def located(run: Run) -> str | None:
    """Name the place of the data set that a run was trained on, or else of another edition; `None` where neither is at hand."""
    from fer_core.runs import dataset_lookup

    found = dataset_lookup.find(run, *_asked(), read=cache.dataset)
    return None if found is None else found[0]


def _asked() -> list[str]:
    asked = st.query_params.get("data")
    return [asked] if asked else []


def votes(found: Answers) -> dict[str, np.ndarray]:
    """Return what every run that predicted the same faces called them: {title: int8 (n,)}."""
    result = {}
    for run in cache.runs():
        if run.damage or found.split not in predicted_splits(run):
            continue
        try:
            called = _called(str(run.path), found.split, found.fingerprint, mark(run))
        except FerError:
            continue  # the run's own page tells what is wrong with it
        if called is not None and len(called) == len(found):
            result[run.title if run.title not in result else f"{run.title} ({run.id})"] = called
    return result


@st.cache_resource(max_entries=40, show_spinner=False)
def _called(path: str, split: str, fingerprint: str, mark: cache.Stamp) -> np.ndarray | None:
    found = Run(Path(path)).predictions(split)
    return found.probabilities.argmax(1).astype(np.int8) if found is not None and found.fingerprint == fingerprint else None
