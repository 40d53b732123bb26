"""What a pinned view shows, for a reader who has not the app: its faces, maps and filters, and what is left without a filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core.annotations import face_filter
from fer_core.annotations.bookmarks import Pin
from fer_core.attribution.request import Question, parse
from fer_core.data.splits import Dataset, Split, pixels, spread
from fer_core.emotions import SPLITS, class_of
from fer_core.errors import FerError
from fer_core.feature_vis.objectives import OBJECTIVES, Objective
from fer_core.feature_vis.settings import PRESETS
from fer_core.plots import saliency_images
from fer_core.report.pictures import PRESET, grey
from fer_core.runs.store import Predictions, Run

FACES = 6
"""Faces of a cell or class that are shown."""
MEAN_OF = 50
"""Faces behind the means of a portrait."""
CARRIERS = 5
"""Filters that carry a decision."""
Load = Callable[[Run], Any]


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture uint8 (48, 48) or (48, 48, 3), the key of its caption and what fills that in, and whether a person is to be seen on it."""

    pixels: NDArray[np.uint8]
    caption: str
    values: Mapping[str, Any] = field(default_factory=dict)
    face: bool = True


@dataclass(frozen=True, eq=False)
class Pinned:
    """The pictures of a view, and sentences about it by their keys; what names a class (`label`, `called`, `p`, `q`) is its number."""

    pictures: tuple[Picture, ...] = ()
    facts: tuple[tuple[str, Mapping[str, Any]], ...] = ()


@dataclass(frozen=True, eq=False)
class _View:
    """A pinned view whose run is in the report."""

    params: Mapping[str, str]
    run: Run
    drawn: bool
    faces: Split | None
    found: Predictions | None  # of these very faces
    load: Load

    @property
    def image(self) -> int | None:
        """The face that is chosen."""
        text = self.params.get("image", "")
        return int(text) if self.faces is not None and text.isdecimal() and int(text) < len(self.faces) else None

    def pixels(self, rows: Sequence[int] | NDArray[Any]) -> NDArray[np.uint8]:
        """Give faces, uint8 (n, 48, 48)."""
        assert self.faces is not None
        return pixels(self.faces.images, np.asarray(rows))

    @property
    def asked(self) -> NDArray[Any] | None:
        """Give the probabilities (n, 7) that choose the faces: by as many looks as the view says, where the run has them."""
        if self.found is None:
            return None
        by_looks = self.found.by(face_filter.parse(self.params)[0].looks)
        return self.found.probabilities if by_looks is None else by_looks

    def chosen(self, probabilities: NDArray[Any]) -> NDArray[np.int64]:
        """Find the faces that the cells, the confidence and the side of the view leave, from the probabilities (n, 7)."""
        assert self.faces is not None
        asked, _ = face_filter.parse(self.params)
        return np.flatnonzero(face_filter.chosen(asked, self.faces.labels, probabilities.argmax(1), probabilities.max(1)))


def show(pin: Pin, runs: Sequence[Run], dataset: Dataset | None, load: Load | None = None) -> Pinned:
    """Show a pinned view of one of some runs; of other runs, of faces that are not at hand and of pages without pictures, nothing.

    `load` gives the network of a run; untold, it is read from the run folder.
    """
    from fer_core import models

    of_data = pin.page == "dataset"  # a view of faces alone: whose run it is does not matter
    run = next((run for run in runs if run.id == pin.params.get("run", runs[0].id if of_data else "")), None)
    if run is None or pin.page not in SHOWN:
        return Pinned()
    split = pin.params.get("split", "train" if of_data else "validation")
    found = run.predictions(split) if split in SPLITS else None
    faces = dataset[split] if dataset is not None and split in dataset and _same(pin, dataset) else None
    if found is not None and dataset is not None and found.fingerprint != dataset.fingerprint:
        faces = None
    drawn = dataset is not None and dataset.name == "demo"
    view = _View(pin.params, run, drawn, faces, found if faces is not None else None, load or models.load)
    try:
        return SHOWN[pin.page](view)
    except FerError:
        return Pinned()  # the view itself tells what is wrong with it


def _same(pin: Pin, dataset: Dataset) -> bool:
    """Tell whether the view is of this data set, as far as its address names one."""
    return Path(pin.params.get("data", dataset.name)).name == Path(dataset.name).name


def _face(view: _View) -> tuple[Picture, ...]:
    """Give the chosen face with its label and, where that is known, what it was called."""
    image = view.image
    if image is None or view.faces is None:
        return ()
    label, face = int(view.faces.labels[image]), view.pixels([image])[0]
    if view.found is None:
        return (Picture(face, "pin.labelled", {"number": image, "label": label}),)
    p = view.found.probabilities[image]
    return (Picture(face, "q4.caption", {"number": image, "label": label, "called": int(p.argmax()), "share": float(p.max())}),)


def _matrix(view: _View) -> Pinned:
    """Show the chosen face, and those that the view leaves of which the network is surest."""
    if view.found is None or not face_filter.parse(view.params)[0].anything:
        return Pinned(_face(view))
    p = view.asked
    assert p is not None
    every = view.chosen(p)
    rows = every[np.argsort(-p[every].max(1), kind="stable")][:FACES]
    shown = tuple(Picture(face, "pin.sure", {"number": row, "share": float(p[row].max())})
                  for row, face in zip(rows.tolist(), view.pixels(rows), strict=True) if row != view.image)
    return Pinned((*_face(view), *shown), (("pin.cell", {"n": len(every)}),))


def _dataset(view: _View) -> Pinned:
    """Show the chosen face, or the first faces of the class."""
    label = class_of(view.params.get("class"))
    if view.image is not None or label is None or view.faces is None:
        return Pinned(_face(view))
    rows = np.flatnonzero(view.faces.labels == label)[:FACES]
    return Pinned(tuple(Picture(face, "pin.number", {"number": row}) for row, face in zip(rows.tolist(), view.pixels(rows), strict=True)))


def _saliency(view: _View) -> Pinned:
    """Show the face with its map and, if they were asked for, the filters that carry the decision; or the portrait of many."""
    if view.params.get("why") == "many":
        return _portrait(view)
    face = _face(view)
    if not face or view.image is None:
        return Pinned(face)
    from fer_core import models
    from fer_core.attribution import explanation

    model, pixels_ = view.load(view.run), view.pixels([view.image])
    asked, _ = parse(view.params, int(models.predict(model, pixels_)[0].argmax()), int(face[0].values["label"]))
    map_ = explanation.explain(model, pixels_, asked.method, asked.target, versus=asked.versus, **asked.settings)[0]
    told = {"p": asked.target, "method": asked.words.label} | ({} if asked.versus is None else {"q": asked.versus})
    shown = Picture(
        saliency_images.signed(map_, saliency_images.limit(map_), "light"), "pin.map" if asked.versus is None else "pin.contrast", told
    )
    carried = _carriers(view, model, pixels_[0], asked) if view.params.get("why") == "filters" else Pinned()
    return Pinned((*face, shown, *carried.pictures), carried.facts)


def _carriers(view: _View, model: Any, face: NDArray[np.uint8], asked: Question) -> Pinned:
    from fer_core.feature_vis import unit_painter
    from fer_core.models import submodels
    from fer_core.units import ablation, unit_statistics

    block, target = view.params.get("block"), asked.target
    layer = submodels.activated(model, block) if block else submodels.hidden(model)[-1]
    off = [one.unit for one in unit_statistics.through_face(model, layer, face, target, asked.versus, CARRIERS)]
    if not off:
        return Pinned()
    painted = unit_painter.paint(model, layer, off, PRESETS[PRESET])
    p = ablation.on_face(model, layer, face, [*([unit] for unit in off), off])[:, target].tolist()
    shown = tuple(Picture(grey(picture), "pin.without", {"unit": unit, "p": target, "share": share}, face=False)
                  for unit, share, picture in zip(off, p[1:-1], painted.pictures, strict=True))
    values = {"n": len(off), "layer": submodels.origin(model, layer), "p": target, "before": p[0], "after": p[-1]}
    return Pinned(shown, (("pin.carriers", values),))


def _portrait(view: _View) -> Pinned:
    """Show the mean of some of the faces that the view leaves, and of their maps."""
    from fer_core import models
    from fer_core.attribution import aggregate

    if view.faces is None:
        return Pinned()
    model, labels = view.load(view.run), view.faces.labels
    p = view.asked if view.asked is not None else models.predict(model, view.pixels(range(len(labels))))
    rows = np.sort(spread(view.chosen(p), MEAN_OF))
    if not len(rows):
        return Pinned()
    asked = aggregate.Asked.of(aggregate.usual(parse(view.params, 0, 0)[0], view.params), view.params)
    found = aggregate.explain(model, view.pixels(rows), labels[rows], asked, drawn=view.drawn)
    return Pinned((Picture(found.face, "pin.mean.face", {"n": found.count}),
                   Picture(saliency_images.signed(found.map, saliency_images.limit(found.map), "light"), "pin.mean.map",
                           {"method": asked.question.words.label})))


def _filter(view: _View) -> Pinned:
    """Show what excites the filter or class, and what becomes of the face's probabilities where the filter is switched off."""
    from fer_core.models import submodels
    from fer_core.units import ablation

    params, model = view.params, view.load(view.run)
    goal, target = params.get("goal", "filter"), class_of(params.get("p"))
    if goal == "class" and target is not None:
        return Pinned((Picture(_painted(view, model, OBJECTIVES["class"]([target])), "pin.class", {"p": target}, face=False), *_face(view)))
    if goal != "filter" or "layer" not in params or not params.get("unit", "0").isdecimal():
        return Pinned(_face(view))
    layer, unit = submodels.activated(model, params["layer"]), int(params.get("unit", "0"))
    picture = _painted(view, model, OBJECTIVES["filter"](layer, [unit]))
    shown = (Picture(picture, "pin.filter", {"layer": params["layer"], "unit": unit}, face=False), *_face(view))
    if view.image is None or view.faces is None or params.get("off") != "1":
        return Pinned(shown)
    before, after = ablation.on_face(model, layer, view.pixels([view.image])[0], [[unit]])
    told = dict.fromkeys([int(before.argmax()), int(view.faces.labels[view.image])])
    return Pinned(shown, tuple(("pin.off", {"p": one, "before": float(before[one]), "after": float(after[one])})
                               for one in told if one >= 0))


def _painted(view: _View, model: Any, objective: Objective) -> NDArray[np.uint8]:
    """Paint what excites it, by the preset and the seed of the view."""
    from fer_core.feature_vis import ascent

    settings, seed = PRESETS.get(view.params.get("preset", PRESET), PRESETS[PRESET]), view.params.get("seed", "0")
    *_, last = ascent.ascend(model, objective, seed=int(seed) if seed.isdecimal() else 0, preset=settings, every=settings.steps)
    return grey(last.images[0])


SHOWN: dict[str, Callable[[_View], Pinned]] = {"confusion_matrix": _matrix, "dataset": _dataset, "saliency_viewer": _saliency,
                                               "filter_explorer": _filter}
"""How the views of a page are shown; the matrix and the curves of a run are drawn from what the report knows."""
