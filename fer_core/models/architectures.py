"""The networks: building, predicting, describing, and their weights as files. Pixels of 0 to 255 go in, logits come out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fer_core import atomic_io
from fer_core.models import kept_precision as precisions
from fer_core.config import RunConfig, parse
from fer_core.emotions import EMOTIONS, SIDE
from fer_core.errors import ModelError
from fer_core.models.exports import export, plain
from fer_core.models.custom_layers import (
    FusedBatchNormalization,
    FusibleLeakyReLU,
    ProductConv2D,
    StepDropout,
    new_step,
)

__all__ = ["ARCHITECTURES", "LayerFacts", "at_side", "auto", "build", "choose_precision", "export", "features", "gpus", "layers", "load",
           "load_weights", "plain", "predict", "predict_logits", "save_weights"]

MOMENTUM = 0.95
"""Share of the moving batch-norm statistics that a step keeps."""
SIZES = (1, 8, 64, 256)
"""Batch sizes that prediction pads to, so that kernels are prepared for a few shapes only."""

GREAT = 8_000_000
"""Weights of a kernel that small files keep as int8."""
SCALE = ".scale"
"""What the name of its scale ends with: the kernel is its int8 times the scale, output by output."""
_UNKEPT: dict[tuple[str, ...], precisions.Choice] = {}
"""What this process chose, by the GPUs, where the folder of the caches cannot be written."""

Pixels = NDArray[np.uint8] | NDArray[np.float32]


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


def gpus() -> list[str]:
    """Name the GPUs that TensorFlow sees."""
    details = [tf.config.experimental.get_device_details(device) for device in tf.config.list_physical_devices("GPU")]
    return [str(detail.get("device_name", "GPU")) for detail in details]


def choose_precision(asked: str) -> str:
    """Return float32 or bfloat16; `auto` is what was chosen for this machine once, and is chosen now where nothing was."""
    if asked != "auto":
        return asked
    choice, problem = auto()
    if problem:
        print(problem, flush=True)  # the trainer's standard output is its log
    return choice.precision


def auto(stopwatch: Callable[[str], float] | None = None, *, again: bool = False) -> tuple[precisions.Choice, str]:
    """Return the precision that `auto` means on this machine, kept from an earlier choice; and why it could not be kept, if so.

    With GPUs it is bfloat16 where all have it (compute capability 8). Not every processor that has bfloat16 instructions is fast at
    them, so a processor is timed, by `stopwatch` (seconds in a dtype; untold, `convolution_seconds`). With `again`, what was kept is
    replaced. Where the folder cannot be written, the choice holds for this process, and the log says so once.
    """
    names = gpus()
    known = _UNKEPT.get(tuple(names)) or precisions.kept(names)
    if known and not again:
        return known, ""
    choice = precisions.of_gpus(names, _have_bfloat16()) if names else precisions.of_times(stopwatch or convolution_seconds)
    try:
        held = precisions.keep(choice, again=again)
        _UNKEPT.pop(tuple(names), None)
        return held, ""
    except OSError as error:
        _UNKEPT[tuple(names)] = choice
        return choice, f"the choice of {choice.precision} for this machine cannot be kept and is made anew next time: {error}"


def _have_bfloat16() -> bool:
    """Tell whether every GPU computes in bfloat16."""
    devices = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(device) for device in devices]
    return all(detail.get("compute_capability", (0, 0)) >= (8, 0) for detail in details)


def convolution_seconds(dtype: str) -> float:
    """Time a 3 x 3 convolution of 64 to 128 channels on 32 pictures of 24 x 24: the best of 19, after a warm-up."""
    images, kernel = tf.ones([32, 24, 24, 64], dtype), tf.ones([3, 3, 64, 128], dtype)
    times = []
    for _ in range(20):
        began = time.perf_counter()
        tf.nn.conv2d(images, kernel, 1, "SAME").numpy()
        times.append(time.perf_counter() - began)
    return min(times[1:])


def predict(model: keras.Model, images: Pixels, *, flip: bool = False, batch: int = 256,
            progress: Callable[[float], object] | None = None) -> NDArray[np.float32]:
    """Give probabilities float32 (n, 7) of faces (n, 48, 48); with `flip`, the mean of a face's and its mirror image's.

    `progress` is told the share that is done, 0 to 1.
    """
    tell = progress or (lambda share: None)
    if not flip:
        return _softmax(_run(model, images, "logits", batch, tell))
    straight = _softmax(_run(model, images, "logits", batch, lambda share: tell(share / 2)))
    mirrored = _softmax(_run(model, images[:, :, ::-1], "logits", batch, lambda share: tell(0.5 + share / 2)))
    return (straight + mirrored) / np.float32(2)


def predict_logits(model: keras.Model, images: Pixels, *, batch: int = 256) -> NDArray[np.float32]:
    """Give logits float32 (n, 7) of faces (n, 48, 48)."""
    return _run(model, images, "logits", batch)


def features(model: keras.Model, images: Pixels, *, batch: int = 256) -> NDArray[np.float32]:
    """Give what the last layer sees: float32 (n, d), d being 256 for the CNN."""
    return _run(model, images, "features", batch)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    result: NDArray[np.float32] = powers / powers.sum(1, keepdims=True)
    return result


def _run(model: keras.Model, images: Pixels, output: str, batch: int, tell: Callable[[float], object] | None = None) -> NDArray[np.float32]:
    forward, results = _forward(model, output), []
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        size = next((size for size in SIZES if len(part) <= size <= batch), batch)
        padded = np.zeros((size, SIDE, SIDE, 1), np.float32)
        padded[: len(part), ..., 0] = part
        results.append(forward(tf.constant(padded)).numpy()[: len(part)])
        if tell is not None:
            tell(min(1.0, (start + batch) / len(images)))
    return np.concatenate(results) if results else np.zeros((0, forward.structured_outputs.shape[-1]), np.float32)


def _forward(model: keras.Model, output: str) -> Any:
    """Compile the way to `logits` or `features` once per model."""
    known = model.__dict__.setdefault("_compiled_outputs", {})
    if output not in known:
        tensor = model.output if output == "logits" else model.get_layer("logits").input
        part = keras.Model(model.inputs, tensor)
        run = tf.function(lambda x: tf.cast(part(x, training=False), tf.float32), jit_compile=False)
        known[output] = run.get_concrete_function(tf.TensorSpec((None, SIDE, SIDE, 1), tf.float32))
    return known[output]


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


KINDS = {"FusedBatchNormalization": "batch norm", "BatchNormalization": "batch norm", "FusibleLeakyReLU": "LeakyReLU",
         "StepDropout": "dropout", "Dropout": "dropout", "MaxPooling2D": "max pool", "AveragePooling2D": "average pool",
         "Flatten": "flatten", "Dense": "dense", "Rescaling": "rescale"}
ARCHITECTURES: dict[str, Callable[[_Stack], None]] = {"cnn": _cnn, "dnn": _dnn, "small": _small}
