"""What the pages know of every run, read again only where a file changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fer_core.config import RunConfig
from fer_core.emotions import SPLITS
from fer_core.errors import FerError
from fer_core.metrics.evaluation import wilson
from fer_core.runs.store import Meta, Run, Status, best_epoch
from ui.services.predictions import predicted_splits, rate

MARKS = ("config.json", "status.json", "weights.safetensors")
"""A folder that holds one of these is a run."""


@dataclass(frozen=True)
class Reading:
    """A run as its files told it at `stamp`; what cannot be read leaves a sentence in `damage`."""

    run: Run
    stamp: tuple[Any, ...]
    damage: str = ""
    meta: Meta = field(default_factory=Meta)
    config: RunConfig = field(default_factory=lambda: RunConfig())
    facts: dict[str, Any] = field(default_factory=dict)
    history: dict[str, np.ndarray] = field(default_factory=dict)
    best: tuple[int, float] | None = None
    status: Status = field(default_factory=Status)
    stored: tuple[float, int] | None = None
    """Accuracy of the stored predictions of `split`, and the faces it is counted on; the other pages tell it too."""
    alone: str = ""
    """That it is predictions alone, and whose; empty where there is a network, or one may still come."""
    split: str = SPLITS[1]
    """Split of the stored predictions: the validation faces, or of predictions alone without them the first that there is."""

    @property
    def id(self) -> str:
        """Name of the folder."""
        return self.run.id

    @property
    def title(self) -> str:
        """What a person calls it."""
        return self.meta.title or self.id

    @property
    def state(self) -> str:
        """One of `STATE_LOOKS`."""
        return "damaged" if self.damage else self.status.state

    @property
    def epochs(self) -> int:
        """Epochs that are complete."""
        return len(self.history.get("epoch", ()))

    @property
    def faces(self) -> int:
        """Validation faces that every accuracy here was counted on; 0 before the first epoch."""
        return self._kept[1] if self._kept else int(self.facts.get("validated_on", 0))

    @property
    def accuracy(self) -> float | None:
        """Validation accuracy at the best epoch: of the stored predictions, or as long as there are none, or it trains, `counted`."""
        return self._kept[0] if self._kept else self.counted

    @property
    def _kept(self) -> tuple[float, int] | None:
        return None if self.status.alive else self.stored

    @property
    def counted(self) -> float | None:
        """Validation accuracy at the best epoch, as training counted it; in its arithmetic, a face or two may be called otherwise."""
        return float(self.history["val_accuracy"][self.best[0] - 1]) if self.best else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's 95% interval of `accuracy`."""
        if self.accuracy is None or not self.faces:
            return None
        return wilson(round(self.accuracy * self.faces), self.faces)

    @property
    def early(self) -> int | None:
        """Epoch at which early stopping ended the run."""
        if not self.config.patience or self.best is None or self.epochs >= self.config.epochs:
            return None
        return self.epochs if self.epochs - self.best[0] >= self.config.patience else None


class Shelf:
    """All runs under a folder; a tick of the page reads only what changed since the last one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, Reading] = {}

    def readings(self) -> list[Reading]:
        """Return every run, archived ones too, newest first; damaged ones last."""
        now: dict[str, Reading] = {}
        for path in self.root.glob("*/") if self.root.is_dir() else ():
            try:
                stamp = _stamp(path)
            except OSError:
                continue  # the folder went away between two looks
            if path.name.startswith(".") or not stamp:
                continue
            old = self._known.get(path.name)
            now[path.name] = _with_status(old) if old and old.stamp == stamp else read(old.run if old else Run(path), stamp)
        self._known = now
        return sorted(now.values(), key=lambda r: (not r.damage, r.meta.created, r.id), reverse=True)


def _stamp(path: Path) -> tuple[Any, ...]:
    names = {entry.name: entry.stat() for entry in path.iterdir() if entry.is_file() and not entry.name.startswith(".")}
    if not any(mark in names for mark in MARKS):
        return ()
    lasting = names.keys() - {"log.txt", "status.json", "lock"}  # these change all the time and are looked at anyway
    return tuple((name, names[name].st_mtime_ns, names[name].st_size) for name in sorted(lasting)) or ("bare",)


def read(run: Run, stamp: tuple[Any, ...] = ()) -> Reading:
    """Read all that the cards, the curves and the table need."""
    run = Run(run.path, _stamps=run._stamps)  # a fresh config, the arrays kept
    meta = Meta(title=run.id)
    try:
        meta = run.meta
        run.check()
        history = run.history
        alone = run.alone
        split = _split(run) if alone else SPLITS[1]
        return Reading(run, stamp, "", meta, run.config, run.facts, history, best_epoch(history, run.config), run.status,
                       rate(run, split), alone, split)
    except (FerError, OSError, TypeError, ValueError) as error:
        return Reading(run, stamp, str(error), meta)


def _with_status(reading: Reading) -> Reading:
    if reading.damage:
        return read(reading.run, reading.stamp)
    try:
        alone = reading.run.alone
        if bool(alone) != bool(reading.alone):  # its folds have come to their end, which no stamp shows
            return read(reading.run, reading.stamp)
        stored = rate(reading.run, reading.split) if reading.meta.shipped else reading.stored  # in the cache, where no stamp looks
        return Reading(**{**vars(reading), "status": reading.run.status, "stored": stored})
    except (FerError, OSError, TypeError) as error:
        return Reading(**{**vars(reading), "damage": str(error)})


def _split(run: Run) -> str:
    """Choose the split that a run of predictions alone is told by."""
    there = predicted_splits(run)
    return SPLITS[1] if SPLITS[1] in there or not there else there[0]
