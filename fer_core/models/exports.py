"""A network as a file for other programs: Keras' own layers, float32, no code of this project needed to open it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from fer_core import atomic_io
from fer_core.errors import ModelError
from fer_core.models.custom_layers import (
    FusedBatchNormalization,
    FusibleLeakyReLU,
    ProductConv2D,
    StepDropout,
)


def plain(model: keras.Model) -> keras.Model:
    """Rebuild a network from Keras' own layers, in float32, with the same weights: what anyone can open without FER Lens."""
    def swap(layer: Any) -> Any:
        settings = {**layer.get_config(), "dtype": "float32"}
        if isinstance(layer, FusedBatchNormalization):
            return keras.layers.BatchNormalization.from_config(settings)
        if isinstance(layer, FusibleLeakyReLU):
            return keras.layers.LeakyReLU.from_config(settings)
        if isinstance(layer, ProductConv2D):
            return keras.layers.Conv2D.from_config(settings)
        if isinstance(layer, StepDropout):
            return keras.layers.Dropout(layer.rate, name=layer.name)
        return type(layer).from_config(settings)

    twin = keras.models.clone_model(model, clone_function=swap)
    twin.set_weights(model.get_weights())
    twin(tf.zeros([1, *model.input_shape[1:]]))  # some converters ask for a network that was called
    return twin


def export(model: keras.Model, path: Path | str, format: str) -> None:
    """Write a network for other programs, as `keras`, `saved_model`, `tflite` or `onnx`: pixels float32 (n, 48, 48, 1) in, logits out."""
    if format not in EXPORTS:
        raise ModelError("There is no such format.", received=format, expected=" or ".join(EXPORTS))
    try:
        EXPORTS[format](plain(model), Path(path))
    except OSError as error:
        raise ModelError(f"{path} cannot be written.", received=error.strerror or error, todo="choose another place with --out") from None


def _export_keras(model: keras.Model, path: Path) -> None:
    model.save(path if path.suffix == ".keras" else path.with_name(path.name + ".keras"))


def _export_saved_model(model: keras.Model, path: Path) -> None:
    model.export(path, format="tf_saved_model", verbose=False)


def _export_tflite(model: keras.Model, path: Path) -> None:
    atomic_io.write_bytes(path, tf.lite.TFLiteConverter.from_keras_model(model).convert())


def _export_onnx(model: keras.Model, path: Path) -> None:
    try:
        model.export(path, format="onnx", verbose=False)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ModelError("ONNX files need a converter that is not installed, or does not work here.", received=error,
                         todo="pip install tf2onnx, or export saved_model and convert it elsewhere") from None


EXPORTS: dict[str, Callable[[keras.Model, Path], None]] = {
    "keras": _export_keras, "saved_model": _export_saved_model, "tflite": _export_tflite, "onnx": _export_onnx}
