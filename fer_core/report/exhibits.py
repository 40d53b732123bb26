"""What a pinned view shows, for a reader who has not the app: its faces, maps and filters, and what is left without a filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core import maps
from fer_core.emotions import EMOTIONS, SPLITS
from fer_core.errors import FerError
from fer_core.methods import WORDS
from fer_core.pins import Pin
from fer_core.presets import PRESETS
from fer_core.report.pictures import METHOD, PRESET, SAMPLES
from fer_core.runs import Predictions, Run
from fer_core.splits import Dataset, Split, pixels, spread

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
class Exhibit:
    """The pictures of a view, and sentences about it by their keys; what names a class (`label`, `called`, `p`, `q`) is its number."""

    pictures: tuple[Picture, ...] = ()
    facts: tuple[tuple[str, Mapping[str, Any]], ...] = ()


@dataclass(frozen=True, eq=False)
class _View:
    """A pinned view whose run is in the report."""

    params: Mapping[str, str]
    run: Run
    split: str
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

    def emotion(self, name: str) -> int | None:
        """Read a class, written by its name or its number."""
        text = self.params.get(name, "").lower()
        if text in EMOTIONS:
            return EMOTIONS.index(text)
        return int(text) if text.isascii() and text.isdecimal() and int(text) < len(EMOTIONS) else None


def exhibit(pin: Pin, runs: Sequence[Run], dataset: Dataset | None, load: Load | None = None) -> Exhibit:
    """Show a pinned view of one of some runs; of other runs, of faces that are not at hand and of pages without pictures, nothing.

    `load` gives the network of a run; untold, it is read from the run folder.
    """
    from fer_core import models

    run = next((run for run in runs if run.id == pin.params.get("run", runs[0].id if pin.page == "dataset" else "")), None)
    if run is None or pin.page not in SHOWN:
        return Exhibit()
    split = pin.params.get("split", "train" if pin.page == "dataset" else "validation")
    found = run.predictions(split) if split in SPLITS else None
    faces = dataset[split] if dataset is not None and split in dataset and _same(pin, dataset) else None
    if faces is not None and found is not None and dataset is not None and found.fingerprint != dataset.fingerprint:
        faces = None
    view = _View(pin.params, run, split, faces, found if faces is not None else None, load or models.load)
    try:
        return SHOWN[pin.page](view)
    except FerError:
        return Exhibit()  # the view itself tells what is wrong with it


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


def _matrix(view: _View) -> Exhibit:
    """Show the chosen face, and those of the cell of which the network is surest."""
    true, called = view.emotion("true"), view.emotion("pred")
    if view.found is None or (true is None and called is None):
        return Exhibit(_face(view))
    p, labels = view.found.probabilities, view.found.labels
    inside = (labels >= 0) & (labels == true if true is not None else True) & (p.argmax(1) == called if called is not None else True)
    rows = np.flatnonzero(inside)
    rows = rows[np.argsort(-p[rows].max(1), kind="stable")][:FACES]
    shown = tuple(Picture(face, "pin.sure", {"number": row, "share": float(p[row].max())})
                  for row, face in zip(rows.tolist(), view.pixels(rows), strict=True) if row != view.image)
    return Exhibit((*_face(view), *shown), (("pin.cell", {"n": int(inside.sum())}),))


def _dataset(view: _View) -> Exhibit:
    """Show the chosen face, or the first faces of the class."""
    label = view.emotion("class")
    if view.image is not None or label is None or view.faces is None:
        return Exhibit(_face(view))
    rows = np.flatnonzero(view.faces.labels == label)[:FACES]
    return Exhibit(tuple(Picture(face, "pin.number", {"number": row}) for row, face in zip(rows.tolist(), view.pixels(rows), strict=True)))


def _asked(view: _View, called: int, label: int) -> tuple[int, int | None]:
    """Give the class that is explained, and the one that it is explained against, as the saliency page reads them."""
    target, versus = view.emotion("p"), view.emotion("q")
    if target is None:
        target = label if view.params.get("p") == "label" and label >= 0 else called
        versus = label if versus is None and 0 <= label != target else versus
    return target, None if versus == target else versus


def _saliency(view: _View) -> Exhibit:
    """Show the face with its map and, if they were asked for, the filters that carry the decision; or the portrait of many."""
    if view.params.get("why") == "many":
        return _portrait(view)
    face = _face(view)
    if not face or view.image is None:
        return Exhibit(face)
    from fer_core import models, saliency

    model, pixels_ = view.load(view.run), view.pixels([view.image])
    called, label = int(models.predict(model, pixels_)[0].argmax()), int(face[0].values["label"])
    target, versus = _asked(view, called, label)
    method = view.params.get("method", METHOD)
    method = method if method in WORDS and saliency.why_not(model, method) is None else METHOD
    more: saliency.Knobs = {"samples": SAMPLES} if "samples" in WORDS[method].knobs else {}
    map_ = saliency.explain(model, pixels_, method, target, versus=versus, **more)[0]
    asked = {"p": target, "method": WORDS[method].label} | ({} if versus is None else {"q": versus})
    shown = Picture(maps.signed(map_, maps.limit(map_), "light"), "pin.map" if versus is None else "pin.contrast", asked)
    carried = _carriers(view, model, pixels_[0], target, versus) if view.params.get("why") == "filters" else Exhibit()
    return Exhibit((*face, shown, *carried.pictures), carried.facts)


def _carriers(view: _View, model: Any, face: NDArray[np.uint8], target: int, versus: int | None) -> Exhibit:
    from fer_core import cuts, painter, switching, units

    spatial = [name for name in cuts.watched(model) if len(cuts.find(model, name).output.shape) == 4] or cuts.watched(model)[:-1]
    layer = cuts.activated(model, view.params["block"]) if view.params.get("block") else spatial[-1]
    carriers = units.through_face(model, layer, face, target, versus, CARRIERS)
    if not carriers:
        return Exhibit()
    off = [one.unit for one in carriers]
    painted = painter.paint(model, layer, off, PRESETS[PRESET])
    p = switching.on_face(model, layer, face, [*([unit] for unit in off), off])
    shown = tuple(Picture(_bytes(picture), "pin.without", {"unit": unit, "p": target, "share": float(p[row, target])}, face=False)
                  for row, (unit, picture) in enumerate(zip(off, painted.pictures, strict=True), start=1))
    before, after = float(p[0, target]), float(p[-1, target])
    return Exhibit(shown, (("pin.carriers", {"n": len(off), "layer": layer.removesuffix("_relu"), "p": target, "before": before,
                                             "after": after}),))


def _portrait(view: _View) -> Exhibit:
    """Show the mean of some faces of the cell, and of their maps, each of which counts alike."""
    from fer_core import models, saliency

    if view.faces is None:
        return Exhibit()
    model, labels = view.load(view.run), view.faces.labels
    p = view.found.probabilities if view.found is not None else models.predict(model, view.pixels(range(len(labels))))
    called, true, pred = p.argmax(1), view.emotion("true"), view.emotion("pred")
    rows = np.flatnonzero((labels == true if true is not None else labels == labels) & (called == pred if pred is not None else True))
    rows = np.sort(spread(rows, MEAN_OF))
    if not len(rows):
        return Exhibit()
    faces, asked = view.pixels(rows), [_asked(view, int(called[row]), int(labels[row])) for row in rows]
    versus = None if any(one is None for _, one in asked) else np.array([one for _, one in asked])
    found = saliency.explain(model, faces, "gradient", np.array([one for one, _ in asked]), versus=versus)
    sizes = np.abs(found).sum(axis=(1, 2), keepdims=True)
    mean = (found / np.where(sizes > 0, sizes, 1)).mean(0)
    return Exhibit((Picture(_bytes(faces.mean(0)), "pin.mean.face", {"n": len(rows)}),
                    Picture(maps.signed(mean, maps.limit(mean), "light"), "pin.mean.map", {"method": WORDS["gradient"].label})))


def _filter(view: _View) -> Exhibit:
    """Show what excites the filter, and what becomes of the face's probabilities where it is switched off."""
    from fer_core import cuts, painter, switching

    unit = view.params.get("unit", "0")
    if not view.params.get("layer") or not unit.isdecimal():
        return Exhibit(_face(view))
    model, preset, seed = view.load(view.run), view.params.get("preset", PRESET), view.params.get("seed", "0")
    layer, number = cuts.activated(model, view.params["layer"]), int(unit)
    if number >= cuts.units(model, layer):
        return Exhibit()
    settings = PRESETS[preset if preset in PRESETS else PRESET]
    painted = painter.paint(model, layer, [number], settings, seed=int(seed) if seed.isdecimal() else 0)
    shown = (Picture(_bytes(painted.pictures[0]), "pin.filter", {"layer": layer.removesuffix("_relu"), "unit": number}, face=False),)
    if view.image is None or view.params.get("off") != "1":
        return Exhibit((*shown, *_face(view)))
    before, after = switching.on_face(model, layer, view.pixels([view.image])[0], [[number]])
    label = int(view.faces.labels[view.image]) if view.faces is not None else -1
    facts = [("pin.off", {"p": one, "before": float(before[one]), "after": float(after[one])})
             for one in dict.fromkeys([int(before.argmax()), label]) if one >= 0]
    return Exhibit((*shown, *_face(view)), tuple(facts))


def _bytes(picture: NDArray[Any]) -> NDArray[np.uint8]:
    grey: NDArray[np.uint8] = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return grey


SHOWN: dict[str, Callable[[_View], Exhibit]] = {"confusion_matrix": _matrix, "dataset": _dataset, "saliency_viewer": _saliency,
                                                "filter_explorer": _filter}
"""How the views of a page are shown; the matrix and the curves of a run are drawn from what the report knows."""
