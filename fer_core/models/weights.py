"""A network's weights as a file: arrays only, whole or half as large."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from fer_core import atomic_io
from fer_core.config import RunConfig
from fer_core.errors import ModelError
from fer_core.models.architectures import build

GREAT = 8_000_000
"""Weights of a kernel that small files keep as int8."""


SCALE = ".scale"
"""What the name of its scale ends with: the kernel is its int8 times the scale, output by output."""


def _named(model: keras.Model) -> dict[str, Any]:
    """Name the weights by layer and role, such as conv1/kernel."""
    return {f"{layer.name}/{weight.name}": weight for layer in model.layers for weight in layer.weights}


def save_weights(model: keras.Model, path: Path | str, *, small: bool = False) -> None:
    """Write the weights as safetensors: arrays only, named like conv1/kernel. `small` says nearly the same in half of the size or less.

    It keeps float16, but for values out of its range; a kernel of `GREAT` weights or more as int8, each output with a scale of its own.
    """
    from safetensors.numpy import save

    arrays = {name: np.asarray(weight.numpy()) for name, weight in _named(model).items()}
    if small:
        arrays = {part: kept for name, array in arrays.items() for part, kept in _shrunk(name, array).items()}
    atomic_io.write_bytes(Path(path), save(arrays, metadata={"arch": model.name}))


def _shrunk(name: str, array: np.ndarray) -> dict[str, np.ndarray]:
    if array.size >= GREAT:
        scale = np.maximum(np.abs(array).max(0), np.finfo(np.float32).tiny) / np.float32(127)
        return {name: np.rint(array / scale).astype(np.int8), name + SCALE: scale}
    return {name: array.astype(np.float16) if np.abs(array).max() < np.finfo(np.float16).max else array}


def load_weights(model: keras.Model, path: Path | str) -> None:
    """Read weights that `save_weights` wrote; a file of another network, or a damaged one, raises `ModelError` and changes nothing."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The weights in {Path(path).name} cannot be read.", received=error) from None
    weights = _named(model)
    scales = {name.removesuffix(SCALE): arrays.pop(name) for name in list(arrays) if name.endswith(SCALE)}
    wrong = [name for name in sorted(weights.keys() | arrays.keys())
             if name not in weights or name not in arrays or tuple(weights[name].shape) != arrays[name].shape
             or (arrays[name].dtype == np.int8) != (name in scales)]
    if wrong:
        raise ModelError(f"The weights in {Path(path).name} belong to another network.", received=f"differing {', '.join(wrong[:3])}",
                         expected=f"the {len(weights)} arrays of {model.name}")
    for name, weight in weights.items():
        weight.assign(arrays[name].astype(np.float32) * scales.get(name, np.float32(1)))


def load(run: Any, *, precision: str | None = None) -> keras.Model:
    """Build a run's network with the weights of its best epoch; `precision` overrides the run's."""
    config: RunConfig = run.config
    path = Path(run.path) / "weights.safetensors"
    run.check_network()
    model = build(config.arch, config, precision=precision or "float32", seed=config.seed)
    load_weights(model, path)
    return model
