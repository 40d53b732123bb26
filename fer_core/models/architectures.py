"""The networks: building, predicting, describing, and their weights as files. Pixels of 0 to 255 go in, logits come out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from fer_core.config import RunConfig, parse
from fer_core.emotions import EMOTIONS, SIDE
from fer_core.errors import ModelError
from fer_core.models.custom_layers import (
    FusedBatchNormalization,
    FusibleLeakyReLU,
    ProductConv2D,
    StepDropout,
    new_step,
)

MOMENTUM = 0.95
"""Share of the moving batch-norm statistics that a step keeps."""




class _Stack:
    """Layers one upon the other, with what they all share."""

    def __init__(self, config: RunConfig, precision: str, seed: int) -> None:
        self.config, self.seed, self.step = config, seed, new_step()
        self.policy = keras.DTypePolicy("mixed_bfloat16" if precision == "bfloat16" else "float32")
        self.inputs = keras.Input((SIDE, SIDE, 1), name="face")
        self.outputs = keras.layers.Rescaling(1 / 64, offset=-2.0, dtype="float32", name="pixels")(self.inputs)
        self.kernels = self.drops = 0

    def add(self, layer: Any) -> None:
        self.outputs = layer(self.outputs)

    def kernel(self) -> Any:
        """Give an initialiser of its own to each kernel, so that a seed fixes them all."""
        self.kernels += 1
        return keras.initializers.HeNormal(seed=self.seed * 64 + self.kernels)

    def convolution(self, name: str, filters: int, size: int, *, average: bool = False) -> None:
        pool = keras.layers.AveragePooling2D if average else keras.layers.MaxPooling2D
        self.add(ProductConv2D(filters, size, padding="same", kernel_initializer=self.kernel(), dtype=self.policy, name=name))
        self.add(FusibleLeakyReLU(self.config.leaky_slope, dtype=self.policy, name=f"{name}_relu"))
        self.norm(name)
        # At 48 pixels every side is even, and "same" is "valid"; smaller crops keep their last row and column.
        self.add(pool(2, padding="same", dtype=self.policy, name=f"{name}_pool"))
        self.dropout(name, self.config.dropout_conv[self.drops])

    def flatten(self) -> None:
        self.add(keras.layers.Flatten(dtype=self.policy, name="flatten"))

    def dense(self, name: str, units: int) -> None:
        self.add(keras.layers.Dense(units, activation="relu", kernel_initializer=self.kernel(), dtype=self.policy, name=name))

    def norm(self, name: str) -> None:
        self.add(FusedBatchNormalization(momentum=MOMENTUM, dtype=self.policy, name=f"{name}_norm"))

    def dropout(self, name: str, rate: float) -> None:
        self.drops += 1
        self.add(StepDropout(rate, self.drops, self.seed, step=self.step, dtype=self.policy, name=f"{name}_drop"))

    def model(self, name: str) -> keras.Model:
        kernel = keras.initializers.GlorotUniform(seed=self.seed * 64)
        self.add(keras.layers.Dense(len(EMOTIONS), kernel_initializer=kernel, dtype="float32", name="logits"))
        model = keras.Model(self.inputs, self.outputs, name=name)
        model.step = self.step
        return model


def _cnn(stack: _Stack) -> None:
    """Stack the report's CNN: 8,019,463 parameters, 8,014,471 of them trainable. *Differs:* the report leaves the dense ReLU untold."""
    _convolutional(stack, (64, 128, 512, 512), (1024, 256))


def _small(stack: _Stack) -> None:
    """Stack a thin CNN of the same shape, for the demo faces."""
    _convolutional(stack, (16, 32, 64, 64), (128, 64))


def _convolutional(stack: _Stack, filters: tuple[int, int, int, int], units: tuple[int, int]) -> None:
    for i, (width, size) in enumerate(zip(filters, (5, 3, 3, 3), strict=True), start=1):
        stack.convolution(f"conv{i}", width, size, average=i == 4)
    stack.flatten()
    for i, width in enumerate(units, start=1):
        stack.dense(f"dense{i}", width)
        stack.norm(f"dense{i}")
        stack.dropout(f"dense{i}", stack.config.dropout_dense)


def _dnn(stack: _Stack) -> None:
    """Stack the report's DNN of 13,643,783 parameters; it has neither batch norm nor dropout."""
    stack.flatten()
    stack.dense("dense1", 4096)
    stack.dense("dense2", 1024)


def build(arch: str, config: RunConfig | None = None, *, precision: str = "float32", seed: int = 0) -> keras.Model:
    """Build a network with fresh weights: images (n, 48, 48, 1) of 0 to 255 in, logits float32 (n, 7) out, by the layer `logits`.

    `precision` is float32 or bfloat16 (weights stay float32). Dropout is a function of `seed` and of the variable `model.step`
    (int64, not among the model's variables), which the trainer counts up and saves.
    """
    if arch not in ARCHITECTURES:
        raise ModelError("There is no such network.", received=arch, expected=" or ".join(ARCHITECTURES))
    if precision not in ("float32", "bfloat16"):
        raise ModelError("There is no such precision.", received=precision, expected="float32 or bfloat16")
    stack = _Stack(config or parse({}), precision, seed)
    ARCHITECTURES[arch](stack)
    return stack.model(arch)


def at_side(model: keras.Model, side: int) -> keras.Model:
    """Return the same layers, with the same weights, as a network of faces (n, side, side, 1); `side` is 33 to 48.

    Only for networks whose layers follow one another, as `build` makes them.
    """
    inputs = keras.Input((side, side, 1), name="face")
    outputs = inputs
    for layer in model.layers:
        if not isinstance(layer, keras.layers.InputLayer):
            outputs = layer(outputs)
    return keras.Model(inputs, outputs, name=model.name)










































ARCHITECTURES: dict[str, Callable[[_Stack], None]] = {"cnn": _cnn, "dnn": _dnn, "small": _small}
