"""The face that is explained: where it comes from, what it is labelled and called, and the faces before and after it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from fer_core.annotations.face_filter import Choice, parse
from fer_core.emotions import EMOTIONS
from fer_core.errors import DataError, FerError
from fer_core.messages import Sentence
from fer_core.runs.store import Run
from ui.services import cache, jobs, label_reviews, models, predictions, second_run
from ui.services.matrix_view import View
from ui.services.predictions import Answers
from ui.state import url_params
from ui.text import formatting

if TYPE_CHECKING:
    from fer_core.data.dataset import Dataset


@dataclass(frozen=True, eq=False)
class Subject:
    """One face before one run's network."""

    run: Run
    image: np.ndarray  # uint8 (48, 48)
    title: str
    label: int = -1
    probabilities: np.ndarray | None = None  # float32 (7,)
    drawn: bool = False
    split: str = ""
    index: int = -1

    @cached_property
    def network(self) -> models.Name:
        """The name of the network."""
        return models.name(self.run)

    @cached_property
    def key(self) -> tuple[object, ...]:
        """Network and pixels: what an answer about this face is kept by."""
        return *self.network, hashlib.sha1(np.ascontiguousarray(self.image).tobytes(), usedforsecurity=False).hexdigest()

    @property
    def called(self) -> int:
        """The class that the network calls it; -1 while that is not known."""
        return -1 if self.probabilities is None else int(self.probabilities.argmax())

    @property
    def wrong(self) -> bool:
        """Whether it is called something else than its label."""
        return 0 <= self.label != self.called >= 0

    @property
    def file(self) -> str:
        """Beginning of the names of files that are saved."""
        return "-".join(["fer-lens", self.run.id, *self.title.split()])

    def before(self, run: Run) -> Subject:
        """Put the same face before another run."""
        return Subject(run, self.image, self.title, self.label, None, self.drawn, self.split, self.index)

    @property
    def sentence(self) -> str:
        """Say what this is, in numbers."""
        who = {"run": self.run.title, "face": self.title}
        label = EMOTIONS[self.label].capitalize()
        if self.probabilities is None:
            if self.label < 0:
                return Sentence("{run} on {face}.", **who)
            return Sentence("{run} on {face}: labelled {label}.", **who, label=label)
        called, p = EMOTIONS[self.called].capitalize(), formatting.percent(float(self.probabilities[self.called]))
        if self.label < 0:
            return Sentence("{run} on {face}: called {called} with {p}.", **who, called=called, p=p)
        if not self.wrong:
            return Sentence("{run} on {face}: labelled {label}, called {called} with {p}.", **who, label=label, called=called, p=p)
        return Sentence("{run} on {face}: labelled {label}, called {called} with {p} ({label} {own}).", **who, label=label, called=called,
                        p=p, own=formatting.percent(float(self.probabilities[self.label])))


def predicted(subject: Subject) -> np.ndarray | None:
    """Ask the network for the probabilities of a face, float32 (7,); `None` while it is asked."""

    def work(job: jobs.Job) -> np.ndarray:
        model = models.network(subject.network)
        return np.asarray(models.framework().predict(model, subject.image[None])[0])

    found: np.ndarray | None = jobs.answer(("predict", *subject.key), work, "Asking the network")
    return found


def data_of(run: Run, found: Answers | None) -> Dataset:
    """Find the faces of a run. Raises what hinders it."""
    if found is not None:
        there = predictions.faces(run, found)
        if there.dataset is None:
            raise there.reason or DataError("The faces of this run are not at hand.")
        return there.dataset
    if (known := predictions.located(run)) is not None:
        return cache.dataset(known)
    problem: FerError | None = None
    for source in predictions.places(run):
        try:
            return cache.dataset(source)
        except DataError as error:
            problem = problem or predictions.hindrance(run, source, error)
    raise problem or DataError("The faces of this run are not at hand.")


@dataclass(frozen=True, eq=False)
class Walk:
    """The chosen faces in their order, and where in it the face shown is."""

    dataset: Dataset
    split: str
    order: np.ndarray
    wrong: np.ndarray  # those of `order` that are called something else
    said: str
    image: int | None
    complaints: tuple[str, ...] = ()

    @property
    def place(self) -> int | None:
        """Where the face is in the order; `None` when it is not among the chosen."""
        at = np.flatnonzero(self.order == self.image)
        return int(at[0]) if len(at) else None

    def step(self, by: int) -> int | None:
        """Give the face so many places on; `None` at the ends."""
        if not len(self.order):
            return None
        place = self.place
        if place is None:  # not among the chosen: go in at the end that lies in the way
            return int(self.order[0 if by > 0 else -1])
        return int(self.order[place + by]) if 0 <= place + by < len(self.order) else None


def walk(run: Run, split: str, found: Answers | None) -> Walk:
    """Read from the URL which faces are chosen, and which of them is shown. Raises `FerError` where the faces are not at hand."""
    dataset = data_of(run, found)
    if split not in dataset:
        raise DataError("The data set has no such split.", received=split, expected=" or ".join(dataset))
    choice, complaints = parse(st.query_params.to_dict())
    labels = dataset[split].labels
    order, wrong, said = _chosen(run, found, choice, labels)
    image, complaint = _image(order, wrong, len(labels), chosen=choice.anything)
    return Walk(dataset, split, order, wrong, said, image, tuple(complaints) + complaint)


def _chosen(run: Run, found: Answers | None, choice: Choice, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
    label = url_params.emotion("class")
    if found is None:
        asked = [cell[0] for cell in choice.cells if cell[0] is not None] + ([label] if label is not None else [])
        order = np.flatnonzero(np.isin(labels, asked)) if asked else np.arange(len(labels))
        count = formatting.faces(len(order))
        said = Sentence("{faces} labelled {label}", faces=count, label=EMOTIONS[asked[0]].capitalize()) if asked else count
        return order, np.zeros(0, np.int64), said
    second = second_run.second(found, second_run.others(run, found.split)) if choice.part or choice.show != "a" else None
    view = View(choice, run, found, second, label_reviews.of(found))
    if choice.anything:
        order = view.shown.ordered(view.rows, choice.sort, 0, len(view.rows))
        said = view.sentence
    else:
        order = np.arange(len(found)) if label is None else np.flatnonzero(found.labels == label)
        said = Sentence("{faces} of the {split} split.", faces=formatting.faces(len(order)), split=found.split) if label is None else \
            Sentence("{faces} labelled {label}.", faces=formatting.faces(len(order)), label=EMOTIONS[label].capitalize())
    return order, order[found.wrong[order]], said


def _image(order: np.ndarray, wrong: np.ndarray, count: int, *, chosen: bool) -> tuple[int | None, tuple[str, ...]]:
    asked = st.query_params.get("image")
    image = url_params.param("image", cast=int, low=0, high=count - 1)
    if image is not None:
        return int(image), ()
    first = order[:1] if chosen or not len(wrong) else wrong[:1]
    told = () if asked is None else (
        Sentence("There is no face '{given}': it is a number from 0 to {last:,}.", given=asked[:40], last=count - 1),)
    return (int(first[0]) if len(first) else None), told


def subject(run: Run, found: Answers | None, way: Walk) -> Subject | None:
    """Give the face that is shown."""
    if way.image is None:
        return None
    faces = way.dataset[way.split]
    known = np.asarray(found.probabilities[way.image]) if found is not None else None
    title = Sentence("{split} face {number}", split=way.split, number=way.image)
    return Subject(run, np.asarray(faces.images[way.image]), title, int(faces.labels[way.image]), known, way.dataset.name == "demo",
                   way.split, way.image)
