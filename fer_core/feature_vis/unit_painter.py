"""The painter of a wall: a layer's units, batch by batch; the dead are tried again from their strongest face, then named dead."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fer_core.data.splits import Split
from fer_core.feature_vis import ascent
from fer_core.feature_vis.ascent import OBJECTIVES
from fer_core.feature_vis.settings import Settings
from fer_core.feature_vis.unit_images import Wall
from fer_core.messages import Sentence
from fer_core.models import submodels
from fer_core.units.activation_table import Table

BATCH = 32
FIRST = 8
"""Units of a wall's first batch: something is to be seen soon."""
FLAT = 3.0
"""Deviation in grey levels below which a picture is even."""
EVEN = "Even: on average over the picture, an even grey excites it most; its middle neuron has a picture of its own."
MOVED = "ascent from {start} ends at {score:.3g}"
UNMOVED = "ascent from {start} ends at {score:.3g}, moved by no gradient"
EVERY = 8
"""Steps between two beats."""
Floats = NDArray[np.float32]
Beat = Callable[[float], object]


@dataclass(frozen=True, eq=False)
class Painted:
    """Pictures of some units, float32 (n, 48, 48), their scores (n,), and what is to be told of single ones."""

    units: list[int]
    pictures: Floats
    scores: Floats
    remarks: dict[int, str]


def paint(model: keras.Model, layer: str, wanted: list[int], settings: Settings, *, seed: int = 0, table: Table | None = None,
          split: Split | None = None, beat: Beat = lambda share: None) -> Painted:
    """Paint units of a layer; `beat` is told the share done of them, and may raise.

    Those that nothing excites are tried again from their strongest face, where a table of the split is given.
    """
    for frame in ascent.ascend(model, OBJECTIVES["filter"](layer, wanted), seed=seed, preset=settings, every=EVERY):
        beat(frame.step / settings.steps)
    pictures, scores = frame.images.copy(), frame.scores.copy()
    excited = _excited(model, layer, wanted, pictures)
    remarks = {wanted[row]: EVEN for row in np.flatnonzero(excited & (pictures.std(axis=(1, 2)) < FLAT))}
    if table is not None:
        strongest = table.maximum(layer)[:, wanted].max(0)
        remarks |= {wanted[row]: Sentence("Silent: none of {faces:,} {split} faces excites it, but this picture does.", faces=table.faces,
                                          split=table.split)
                    for row in np.flatnonzero(excited & (strongest <= 0))}
    for row in np.flatnonzero(~excited):
        verdict = examine(model, layer, wanted[row], settings, table=table, split=split)
        if verdict.picture is not None:
            pictures[row], scores[row] = verdict.picture, verdict.score
        if verdict.dead:
            remarks[wanted[row]] = verdict.evidence
    return Painted(wanted, pictures, scores, remarks)


@dataclass(frozen=True, eq=False)
class Verdict:
    """Whether a unit is dead: nothing that was tried brings it above zero. The evidence is a sentence."""

    unit: int
    dead: bool
    evidence: str
    picture: Floats | None
    """What excites it after all, or the last try from its strongest face; `None` where no face was at hand."""
    score: float


def examine(model: keras.Model, layer: str, unit: int, settings: Settings, *, table: Table | None = None,
            split: Split | None = None) -> Verdict:
    """Examine a unit: its strongest answer to the faces of the table, and ascents from grey and from its strongest face."""
    target = OBJECTIVES["filter"](layer, unit)
    tries = {"grey": _last(ascent.ascend(model, target, preset=replace(settings, start="grey"), every=settings.steps))}
    words: list[str] = []
    if table is not None and split is not None:
        answers = table.maximum(layer)[:, unit]
        words.append(Sentence("its strongest answer to {faces:,} {split} faces is {answer:.3g}", faces=len(answers), split=table.split,
                              answer=float(answers.max())))
        face = split.images[int(answers.argmax())]
        tries["its strongest face"] = _last(ascent.ascend(model, target, preset=settings, face=face, every=settings.steps))
    awake = {name: bool(_excited(model, layer, [unit], frame.images)[0]) for name, frame in tries.items()}
    words += [Sentence(UNMOVED if frame.forces[0] == 0 else MOVED, start=name, score=float(frame.scores[0]))
              for name, frame in tries.items()]
    known = bool(table is not None and float(table.maximum(layer)[:, unit].max()) > 0)
    best = max(tries, key=lambda name: (awake[name], float(tries[name].scores[0])))
    dead = not any(awake.values()) and not known
    evidence = functools.reduce(lambda one, other: Sentence("{one}; {other}", one=one, other=other), words)
    told = Sentence("Dead: {evidence}." if dead else "Alive: {evidence}.", evidence=evidence)
    return Verdict(unit, dead, told, tries[best].images[0], float(tries[best].scores[0]))


def fill(wall: Wall, model: keras.Model, *, table: Table | None = None, split: Split | None = None,
         beat: Beat = lambda share: None) -> Iterator[float]:
    """Paint what is missing on a wall; gives the share done after every batch. Whoever asks for no more stops it.

    Each batch begins a little before the unit that somebody looks at, and goes round. `beat` is told the share done within a batch too,
    and may raise: that batch is lost.
    """
    missing = np.flatnonzero(np.isnan(wall.scores))
    total, size = len(wall.scores), FIRST
    while len(missing):
        at = int(np.searchsorted(missing, wall.looked_at - FIRST // 2))
        wanted = np.roll(missing, -at)[:size].tolist()
        before, width, size = 1 - len(missing) / total, len(wanted) / total, BATCH
        missing = np.setdiff1d(missing, wanted)
        painted = paint(model, wall.layer, wanted, wall.settings, seed=int(wall.asked["seed"]), table=table, split=split,
                        beat=functools.partial(_within, beat, before, width))
        wall.hang(wanted, painted.pictures, painted.scores, painted.remarks)
        yield before + width


def _within(beat: Beat, before: float, width: float, share: float) -> None:
    beat(before + width * share)


def _last(frames: Iterator[ascent.Frame]) -> ascent.Frame:
    for frame in frames:
        last = frame
    return last


def _excited(model: keras.Model, layer: str, wanted: list[int], pictures: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which units answer above zero, somewhere, to their own pictures."""
    maps = submodels.own_maps(model, layer, wanted, pictures)
    excited: NDArray[np.bool_] = maps.reshape(len(maps), -1).max(1) > 0
    return excited
