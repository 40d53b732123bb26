"""What a network is made of: each layer's kind, shape, parameters, and view of the face."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from fer_core.emotions import SIDE


@dataclass(frozen=True)
class LayerFacts:
    """One row of the layer table; lengths in pixels of the face."""

    name: str
    kind: str
    shape: tuple[int, ...]
    """Output shape without the batch."""
    parameters: int
    receptive_field: int
    """Side of the square of pixels that one unit sees (uncut by the border)."""
    stride: int
    """Distance between the squares of two neighbouring units; 0 where every unit sees the whole face."""
    offset: float
    """Centre of the first unit's square, counted from the first pixel's centre."""


def layers(model: keras.Model) -> list[LayerFacts]:
    """Tell every layer's kind, output shape, parameters and view of the face, from the first to the last."""
    return list(_layer_facts(model))


def _layer_facts(model: keras.Model) -> Iterator[LayerFacts]:
    field, stride, offset = 1, 1, 0.0
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if isinstance(layer, keras.layers.Conv2D):
            field += (layer.kernel_size[0] - 1) * stride
        elif isinstance(layer, (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)):
            field, offset, stride = field + stride, offset + stride / 2, stride * 2
        elif isinstance(layer, (keras.layers.Flatten, keras.layers.Dense)):
            field, stride, offset = SIDE, 0, (SIDE - 1) / 2
        shape = tuple(int(length) for length in layer.output.shape[1:])
        yield LayerFacts(layer.name, _kind(layer), shape, int(layer.count_params()), field, stride, offset)


def _kind(layer: Any) -> str:
    if isinstance(layer, keras.layers.Conv2D):
        return f"conv {layer.kernel_size[0]}x{layer.kernel_size[1]}"
    return KINDS.get(type(layer).__name__, type(layer).__name__)


KINDS = {"FusedBatchNormalization": "batch norm", "BatchNormalization": "batch norm", "FusibleLeakyReLU": "LeakyReLU",
         "StepDropout": "dropout", "Dropout": "dropout", "MaxPooling2D": "max pool", "AveragePooling2D": "average pool",
         "Flatten": "flatten", "Dense": "dense", "Rescaling": "rescale"}
