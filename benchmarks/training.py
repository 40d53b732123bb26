"""Training speed, side by side in one run: our pipeline, a bare loop over ready tensors, PyTorch, and plain float32 `model.fit`.

    python -m benchmarks.training [--arch cnn] [--steps 12] [--repeats 3] [--precision auto]

The bare loop uses our own compiled step on one batch that is ready; the pipeline adds augmentation, logging and the heartbeat. PyTorch
trains the same CNN on the same batch in the same precision with as many threads, in a process of its own (`benchmarks.torch_training`
says why), which sleeps while the others are measured, as they do while it works. It is an extra:

    python -m pip install -r benchmarks/requirements-torch.txt

How much of the machine a step uses: its floating-point operations a second, over those of a large matrix product in the same precision,
measured between the others. A step counts three times the forward pass of its convolutions and dense layers (for the values, for the
gradients by the inputs, and for those by the weights; the gradient by the pixels, 0.6% of the CNN's, is counted though nobody computes
it). All else that a step does counts as time only.

Figures are images per second, medians of the repeats, interleaved; ratios are of medians.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.table import ROOT, machine, row

SIDE = 4096
"""Rows and columns of the matrices whose product tells the machine's limit."""
NO_TORCH = "PyTorch is not measured: python -m pip install -r benchmarks/requirements-torch.txt"
FIT, PYTORCH, PIPELINE, BARE = "plain model.fit, float32", "PyTorch", "whole pipeline", "bare loop"
LIMIT = "matrix product"

Measure = Callable[[], float]


def main() -> None:
    """Measure, print a line for each kind, and the row of the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="cnn")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    told = parser.parse_args()
    with ready_trainer(told) as trainer, pytorch(trainer, told) as peer:
        own = trainer.learner.precision
        kinds = ours(trainer, told)
        if peer:
            kinds[f"{PYTORCH}, {own}"] = peer
        seen = {name: list[float]() for name in [*kinds, LIMIT]}
        product = matrix_product(own)
        for measure in [*kinds.values(), product]:
            measure()  # compiles, and takes memory
        for _ in range(told.repeats):
            for name, measure in kinds.items():
                seen[name].append(measure())
            seen[LIMIT].append(product())
        operations = step_operations(trainer.learner.model)
    print(f"{machine()}; {told.arch}, batches of {told.batch}, {told.repeats} x {told.steps} steps")
    report(told.arch, own, seen, operations)


@contextmanager
def ready_trainer(told: argparse.Namespace) -> Iterator[Any]:
    """Make the trainer of a run on demo faces, in a folder of its own, with an epoch of `steps` steps."""
    from fer_core.config import RunConfig
    from fer_core.data.dataset import read
    from fer_core.runs.store import RunStore
    from fer_core.training.recorder import Recorder
    from fer_core.training.trainer import Trainer

    config = RunConfig.from_preset("strong", arch=told.arch, data="demo", batch_size=told.batch, limit=told.steps * told.batch,
                                   epochs=told.repeats + 1, precision=told.precision)
    with tempfile.TemporaryDirectory() as folder:
        run = RunStore(folder).create(config, "bench")
        with Recorder(run) as recorder:
            yield Trainer(run, recorder, read("demo"))


def ours(trainer: Any, told: argparse.Namespace) -> dict[str, Measure]:
    """Return functions that measure Keras' own loop and ours, in images per second."""
    from fer_core.training.train_step import Learner

    own = trainer.learner.precision
    batch = next(trainer.feed.batches(0, 0))
    count = told.steps * told.batch

    def bare(learner: Learner) -> float:
        began = time.perf_counter()
        for _ in range(told.steps):
            learner(batch, 0.01)
        return count / (time.perf_counter() - began)

    def pipeline() -> float:
        began = time.perf_counter()
        trainer.position, trainer.sums, trainer.elapsed = 0, [0.0, 0.0, 0.0], 0.0
        trainer.take_steps(0)
        return count / (time.perf_counter() - began)

    kinds: dict[str, Measure] = {FIT: plain_fit(told.arch, trainer)}
    if own != "float32":
        float32 = Learner(trainer.config.model_copy(update={"precision": "float32"}))
        kinds[f"{BARE}, float32"] = lambda: bare(float32)
    kinds[f"{BARE}, {own}"] = lambda: bare(trainer.learner)
    kinds[f"{PIPELINE}, {own}"] = pipeline
    return kinds


def ready_batch(trainer: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the first faces of a trainer's feed: uint8 (b, 48, 48) and int64 (b,)."""
    faces = trainer.feed.faces
    return np.array(faces.images[: trainer.batch]), np.array(faces.labels[: trainer.batch], np.int64)


def plain_fit(arch: str, trainer: Any) -> Measure:
    """Return a function that measures Keras' own loop: stock layers, float32, the same faces, no augmentation."""
    import keras

    from fer_core import models

    model = models.plain(models.build(arch, trainer.config, precision="float32"))
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    count = trainer.steps * trainer.batch
    faces = trainer.feed.faces
    images = faces.images[:count, ..., None].astype(np.float32)
    labels = faces.labels[:count]

    def measure() -> float:
        began = time.perf_counter()
        model.fit(images, labels, batch_size=trainer.batch, epochs=1, verbose=0)
        return count / (time.perf_counter() - began)

    return measure


@contextmanager
def pytorch(trainer: Any, told: argparse.Namespace) -> Iterator[Measure | None]:
    """Give a function that measures PyTorch in a process of its own; `None`, and a word, where there is nothing to measure."""
    if told.arch != "cnn" or find_spec("torch") is None:
        print("PyTorch is measured on the CNN only" if told.arch != "cnn" else NO_TORCH, flush=True)
        yield None
        return
    images, labels = ready_batch(trainer)
    threads = trainer.learner.facts()["machine"]["threads"]
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "batch.npz", images=images, labels=labels)
        (Path(folder) / "config.json").write_text(trainer.config.model_dump_json(), encoding="utf8")
        line = [sys.executable, "-m", "benchmarks.torch_training", folder, "--steps", str(told.steps),
                "--threads", str(threads), "--precision", trainer.learner.precision]
        with subprocess.Popen(line, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            yield lambda: asked(child)
            child.stdin.close()  # its loop ends


def asked(child: subprocess.Popen[str]) -> float:
    """Ask PyTorch's process for a measurement, in images per second."""
    with suppress(BrokenPipeError):  # it ended: there is no answer either
        child.stdin.write("measure\n")
        child.stdin.flush()
    answer = child.stdout.readline()
    if not answer:
        raise SystemExit("PyTorch's process ended without an answer; what it said stands above.")
    return float(answer)


def matrix_product(precision: str) -> Measure:
    """Return a function that measures a product of two `SIDE` x `SIDE` matrices, in operations per second."""
    import tensorflow as tf

    matrix = tf.cast(tf.random.normal((SIDE, SIDE), seed=0), precision)

    def measure() -> float:
        began = time.perf_counter()
        tf.matmul(matrix, matrix)[0, 0].numpy()
        return 2 * SIDE**3 / (time.perf_counter() - began)

    return measure


def step_operations(model: Any) -> int:
    """Count the floating-point operations of a training step for one face: three times those of the forward pass.

    A multiplication and an addition are two. Only layers with a kernel count, convolutions (k, k, in, out) and dense ones (in, out).
    """
    forward = 0
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            positions = int(np.prod(layer.output.shape[1:-1]))  # 1 for a dense layer
            forward += 2 * positions * int(np.prod(layer.kernel.shape))
    return 3 * forward


def report(arch: str, own: str, seen: dict[str, list[float]], operations: int) -> None:
    """Print what was measured, in images per second and, of the matrix product, operations per second; then the table's row."""
    medians = {name: statistics.median(values) for name, values in seen.items()}
    for name, values in seen.items():
        unit, scale = ("GFLOP/s", 1e9) if name == LIMIT else ("images/s", 1)
        low, high = min(values) / scale, max(values) / scale
        print(f"{name:32}{medians[name] / scale:8.1f} {unit}   ({low:.1f} to {high:.1f})")
    rate, bare = medians[f"{PIPELINE}, {own}"], medians[f"{BARE}, {own}"]
    share = bare * operations / medians[LIMIT]
    told = [f"{rate / bare:.0%} of a bare loop", f"{rate / medians[FIT]:.1f} times plain `model.fit`"]
    if peer := medians.get(f"{PYTORCH}, {own}"):
        told.append(f"the bare loop {bare / peer:.2f} times PyTorch ({peer:.0f} images/s)")
    told.append(f"its step {share:.0%} of the limit of matrix products ({medians[LIMIT] / 1e9:.0f} GFLOP/s)")
    print(f"a step takes {operations / 1e9:.2f} GFLOP per face")
    row(f"training the {arch.upper()}, whole pipeline in {own}", f"{rate:.0f} images/s: {'; '.join(told)}", "training",
        "95%; 1.8 times; 1.2 times PyTorch; 75%")


if __name__ == "__main__":
    main()
