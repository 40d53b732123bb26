"""Walls of pictures, one per unit of a layer, painted in the background and kept with the run: what a page needs to show them.

A wall is known by the run's weights, the layer, the settings and the seed. Their size on disk is bounded: the longest unseen go first.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core import atomic_io
from fer_core.emotions import SIDE
from fer_core.errors import FerError
from fer_core.feature_vis.settings import PRESETS, Settings
from fer_core.messages import Sentence
from fer_core.runs import background
from fer_core.runs.prediction_job import Progress
from fer_core.runs.store import Run

FORM = "fer-lens-wall-1"
OWNER = "run.json"
"""File that names the run whose walls lie in the cache, since its own folder is never written to."""
LIMIT = 64 * 2**20
"""Bytes that the walls of one run may take together; a wall of 512 filters takes 1.2 million."""
PATIENCE = 5.0
"""Seconds after which a wall that nobody looks at gives way to another, painted or waiting."""


@dataclass(frozen=True)
class Wall:
    """A wall in its folder; it may still be growing."""

    folder: Path

    @functools.cached_property
    def asked(self) -> dict[str, Any]:
        """What was asked for: layer, settings, seed, units."""
        try:
            asked: dict[str, Any] = json.loads((self.folder / "wall.json").read_text("utf8"))
        except (OSError, ValueError) as error:
            raise FerError("This wall cannot be read.", received=str(error), todo="paint it again") from None
        return asked

    @property
    def there(self) -> bool:
        """Tell whether it still lies on disk: a cache may be deleted at any time."""
        return (self.folder / "wall.json").exists()

    @property
    def layer(self) -> str:
        """The layer whose units hang here."""
        return str(self.asked["layer"])

    @property
    def settings(self) -> Settings:
        """The knobs of the ascent."""
        return Settings(**self.asked["settings"])

    @property
    def run(self) -> Run:
        """The run whose network is painted."""
        desk = self.folder.parents[2]
        try:
            told = json.loads((desk / OWNER).read_text("utf8"))
            return Run(Path(told["path"]))
        except (OSError, ValueError, KeyError, TypeError):  # it lies in the run folder itself
            return Run(desk)

    @property
    def pictures(self) -> NDArray[np.uint8]:
        """The pictures, uint8 (units, 48, 48), on disk until they are looked at; grey where not yet painted."""
        pictures: NDArray[np.uint8] = np.load(self.folder / "pictures.npy", mmap_mode="r")
        return pictures

    @property
    def scores(self) -> NDArray[np.float32]:
        """Every unit's score on its picture (units,); NaN where not yet painted."""
        scores: NDArray[np.float32] = np.load(self.folder / "scores.npy")
        return scores

    @property
    def remarks(self) -> dict[int, str]:
        """What is to be told of single units: those that are dead, and the evidence."""
        try:
            return {int(unit): _told(kept) for unit, kept in json.loads((self.folder / "remarks.json").read_text("utf8")).items()}
        except FileNotFoundError:
            return {}

    @property
    def progress(self) -> Progress | None:
        """How far the painting is; `None` before it was started."""
        return background.progress(self.folder)

    def start(self) -> Progress:
        """Paint, or go on painting, in a process of its own."""
        return background.start(self.folder, ["paint", str(self.folder.resolve())])

    def cancel(self) -> None:
        """Ask the painter to stop; the pictures it is at are lost."""
        background.cancel(self.folder)

    def leave(self) -> None:
        """Ask the painter to stop because nobody looks; who looks again has it go on."""
        background.cancel(self.folder, background.LEFT)

    @property
    def ending(self) -> bool:
        """Whether the painter was asked to stop, and is still at it."""
        return background.ending(self.folder)

    def look(self, unit: int | None = None) -> None:
        """Note that somebody looks at this wall now, and at which unit of it: the painter goes on there."""
        os.utime(self.folder / "wall.json")
        if unit is not None and unit != self.looked_at:
            atomic_io.write_json(self.folder / "looked.json", unit)

    @property
    def looked_at(self) -> int:
        """The unit that somebody looked at last; the first one where nobody told."""
        try:
            return int(json.loads((self.folder / "looked.json").read_text("utf8")))
        except (FileNotFoundError, ValueError):
            return 0

    @property
    def unseen(self) -> float:
        """Seconds since somebody looked."""
        return time.time() - _seen(self.folder)

    @property
    def easel(self) -> Path:
        """The one place that all painters of a store share: one paints at a time, since each takes a network into memory."""
        return self.run.path.parent / ".painting"

    def hang(self, units: list[int], pictures: NDArray[Any], scores: NDArray[Any], remarks: dict[int, str]) -> None:
        """Put painted pictures of 0 to 255 up, and what is to be told of them."""
        wall = np.load(self.folder / "pictures.npy", mmap_mode="r+")
        wall[units] = np.clip(np.rint(pictures), 0, 255).astype(np.uint8)
        wall.flush()
        if remarks:
            atomic_io.write_json(self.folder / "remarks.json", {str(unit): _kept(text) for unit, text in (self.remarks | remarks).items()})
        known = self.scores
        known[units] = scores
        atomic_io.write(self.folder / "scores.npy", lambda file: np.save(file, known))  # last: a unit with a score is ready


def ask(run: Run, layer: str, units: int, preset: str | Settings = "standard", seed: int = 0) -> Wall:
    """Open the wall of a layer of `units` units, or make an empty one; older walls make room for it."""
    settings = PRESETS[preset] if isinstance(preset, str) else preset
    asked = {"form": FORM, "layer": layer, "units": units, "settings": asdict(settings), "seed": seed, "weights": run.weights_digest}
    key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
    folder = run.desk / ".cache" / "walls" / key
    if not _complete(folder):
        tidy(folder.parent, keep=folder, room=units * (SIDE * SIDE + 4))
        folder.mkdir(parents=True, exist_ok=True)
        if run.desk != run.path:
            atomic_io.write_json(run.desk / OWNER, {"path": str(run.path.resolve())})
        np.save(folder / "pictures.npy", np.full((units, SIDE, SIDE), 128, np.uint8))
        np.save(folder / "scores.npy", np.full(units, np.nan, np.float32))
        (folder / "remarks.json").unlink(missing_ok=True)
        atomic_io.write_json(folder / "wall.json", asked)  # last: a folder with it is complete
    wall = Wall(folder)
    wall.look()
    return wall


def _kept(part: Any) -> Any:
    """Write a remark for JSON, so that it can be said in another language when it is read."""
    if not isinstance(part, Sentence):
        return part
    return {"template": part.template, "values": {name: _kept(value) for name, value in part.values.items()}}


def _told(kept: Any) -> str:
    """Read a remark; older walls have them as they are."""
    if not isinstance(kept, dict):
        return str(kept)
    values = {name: _told(value) if isinstance(value, dict) else value for name, value in kept["values"].items()}
    return Sentence(kept["template"], **values)



def _complete(folder: Path) -> bool:
    return all((folder / name).exists() for name in ("pictures.npy", "scores.npy", "wall.json"))


def tidy(shelf: Path, *, keep: Path, room: int = 0) -> None:
    """Delete the walls of a run that were longest not asked for, until `room` bytes more stay below the limit; never one being painted."""
    walls = sorted((path for path in shelf.glob("*/") if path != keep), key=_seen)
    sizes = {path: sum(file.stat().st_size for file in path.glob("*")) for path in walls}
    total = sum(sizes.values()) + room
    for path in walls:
        painting = background.progress(path)
        if total > LIMIT and not (painting and painting.state == "running"):
            shutil.rmtree(path, ignore_errors=True)
            total -= sizes[path]


def _seen(folder: Path) -> float:
    try:
        return (folder / "wall.json").stat().st_mtime
    except OSError:
        return 0.0
