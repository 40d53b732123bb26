"""How strongly every filter answers to every face: a table per run and split, made once, in pieces, on disk.

It lies in the run folder under a hash of what it depends on, the weights and the faces. A cancelled making goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fer_core import atomic_io
from fer_core.data.splits import Dataset
from fer_core.emotions import SIDE
from fer_core.errors import FerError
from fer_core.models import compute_lock, submodels
from fer_core.runs.store import Run

FORM = "fer-lens-activations-1"
BATCH = 64
"""Faces at once; with them the memory that the making takes."""
NOTED = 16
"""Batches between two notes of how far the table is."""
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Table:
    """The answers of every unit of the watched layers to every face of a split, on disk until they are looked at."""

    folder: Path
    split: str
    layers: tuple[str, ...]
    faces: int

    @property
    def there(self) -> bool:
        """Tell whether it still lies on disk: a cache may be deleted at any time."""
        return (self.folder / "table.json").exists()

    def maximum(self, layer: str) -> Floats:
        """Give the strongest answer anywhere on each face, float32 (faces, units)."""
        return self._array(layer, "maximum")

    def mean(self, layer: str) -> Floats:
        """Give the mean answer over each face, float32 (faces, units); of a dense layer, the answer."""
        mean = self.folder / f"{layer}.mean.npy"
        return self._array(layer, "mean" if mean.exists() else "maximum")

    def _array(self, layer: str, kind: str) -> Floats:
        if layer not in self.layers:
            raise FerError("The table of activations has no such layer.", received=layer, expected=" or ".join(self.layers))
        array: Floats = np.load(self.folder / f"{layer}.{kind}.npy", mmap_mode="r")
        return array


def place(run: Run, dataset: Dataset, split: str) -> Path:
    """Tell the folder of a table."""
    if split not in dataset:
        raise FerError("The data set has no such split.", received=split, expected=" or ".join(dataset))
    key = hashlib.sha256(json.dumps([FORM, run.weights_digest, dataset.fingerprint, split, len(dataset[split])]).encode()).hexdigest()
    return run.desk / ".cache" / "activations" / f"{split}-{key[:16]}"


def table(run: Run, dataset: Dataset, split: str) -> Table | None:
    """Open a table, or give `None` while it is not complete."""
    folder = place(run, dataset, split)
    note = _note(folder)
    if note is None or note["done"] < note["faces"]:
        return None
    return Table(folder, split, tuple(note["layers"]), note["faces"])


def means(model: keras.Model, layer: str, images: NDArray[Any], beat: Callable[[float], object] = lambda share: None) -> Floats:
    """Give the mean answer of every unit of a layer to a few faces (n, 48, 48), as a table has it: float32 (n, units)."""
    flat = len(model.get_layer(layer).output.shape) == 2
    arrays = {
        f"{layer}.{kind}": np.zeros((len(images), submodels.units(model, layer)), np.float32) for kind in ("maximum", "mean")[: 2 - flat]
    }
    forward = _forward(model, [layer])
    for start in range(0, len(images), BATCH):
        _fill(forward, arrays, images[start : start + BATCH], start)
        beat(min(1.0, (start + BATCH) / len(images)))
    return arrays[f"{layer}.maximum" if flat else f"{layer}.mean"]


def make(run: Run, model: keras.Model, dataset: Dataset, split: str) -> Iterator[float]:
    """Make a table, or go on with it; gives the share done after every batch. Whoever asks for no more stops it, and nothing is lost.

    Tables of the same split that no longer fit the run are deleted at the end. One process at a time may make a table.
    """
    folder, images = place(run, dataset, split), dataset[split].images
    layers = submodels.watched(model)
    note = _note(folder) or _begin(folder, model, layers, len(images))
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r+") for name in note["arrays"]}
    forward = _forward(model, layers)
    try:
        for number, start in enumerate(range(note["done"], len(images), BATCH)):
            _fill(forward, arrays, images[start : start + BATCH], start)
            note["done"] = min(start + BATCH, len(images))
            if number % NOTED == NOTED - 1:
                _write(folder, note, arrays)
            yield note["done"] / max(1, len(images))
    finally:
        _write(folder, note, arrays)
    for other in folder.parent.glob(f"{split}-*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)


def _begin(folder: Path, model: keras.Model, layers: list[str], faces: int) -> dict[str, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for layer in layers:
        flat = len(model.get_layer(layer).output.shape) == 2
        for kind in ("maximum",) if flat else ("maximum", "mean"):
            names.append(f"{layer}.{kind}")
            np.lib.format.open_memmap(folder / f"{names[-1]}.npy", "w+", np.float32, (faces, submodels.units(model, layer)))
    note = {"done": 0, "faces": faces, "layers": layers, "arrays": names}
    atomic_io.write_json(folder / "table.json", note)
    return note


def _note(folder: Path) -> dict[str, Any] | None:
    try:
        note: dict[str, Any] = json.loads((folder / "table.json").read_text("utf8"))
        there = all((folder / f"{name}.npy").exists() for name in note["arrays"])
        return note if there and 0 <= note["done"] <= note["faces"] else None
    except (OSError, ValueError, KeyError, TypeError):  # absent or damaged: it is made anew
        return None


def _write(folder: Path, note: dict[str, Any], arrays: dict[str, Any]) -> None:
    for array in arrays.values():
        array.flush()
    atomic_io.write_json(folder / "table.json", note)


def _fill(forward: Any, arrays: dict[str, Any], images: NDArray[Any], start: int) -> None:
    padded = np.zeros((BATCH, SIDE, SIDE, 1), np.float32)
    padded[: len(images), ..., 0] = images
    with compute_lock.COMPUTE_LOCK.acquire():
        answers = forward(tf.constant(padded))
    for name, answer in answers.items():
        arrays[name][start : start + len(images)] = answer.numpy()[: len(images)]


def _forward(model: keras.Model, layers: list[str]) -> Any:
    body = keras.Model(model.inputs[0], [model.get_layer(layer).output for layer in layers])

    def answers(images: tf.Tensor) -> dict[str, tf.Tensor]:
        found: dict[str, tf.Tensor] = {}
        values = body(images, training=False)
        for layer, value in zip(layers, values if isinstance(values, (list, tuple)) else [values], strict=True):
            value = tf.cast(value, tf.float32)
            flat = len(value.shape) == 2
            found[f"{layer}.maximum"] = value if flat else tf.reduce_max(value, axis=(1, 2))
            if not flat:
                found[f"{layer}.mean"] = tf.reduce_mean(value, axis=(1, 2))
        return found

    return tf.function(answers, jit_compile=False, autograph=False).get_concrete_function(tf.TensorSpec((BATCH, SIDE, SIDE, 1)))
