"""Training speed, side by side in one run: the whole pipeline, a bare loop over ready tensors, and plain float32 `model.fit`.

    python -m benchmarks.training [--arch cnn] [--steps 12] [--repeats 3]

The bare loop uses our own compiled step on one batch that is ready; the pipeline adds augmentation, logging and the heartbeat.
Figures are images per second, medians of the repeats, interleaved; ratios are of medians.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time

import numpy as np

from benchmarks.table import row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="cnn")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batch", type=int, default=128)
    told = parser.parse_args()

    from fer_core.config import RunConfig
    from fer_core.data import read
    from fer_core.learner import Learner, processor_name
    from fer_core.recorder import Recorder
    from fer_core.runs import RunStore
    from fer_core.train import Trainer

    count = told.steps * told.batch
    config = RunConfig.from_preset("strong", arch=told.arch, data="demo", batch_size=told.batch, limit=count, epochs=told.repeats + 1)
    store = RunStore(tempfile.mkdtemp())
    run = store.create(config, "bench")
    dataset = read("demo")
    recorder = Recorder(run)
    recorder.__enter__()
    trainer = Trainer(run, recorder, dataset)
    images, labels = trainer.feed.faces.images[: told.batch], trainer.feed.faces.labels[: told.batch]
    fit = plain_fit(told.arch, config, trainer)
    float32 = Learner(config.model_copy(update={"precision": "float32"}))

    def bare(learner: Learner) -> float:
        began = time.perf_counter()
        for _ in range(told.steps):
            learner(images, labels, 0.01)
        return count / (time.perf_counter() - began)

    def pipeline() -> float:
        began = time.perf_counter()
        trainer.position, trainer.sums, trainer.elapsed = 0, [0.0, 0.0], 0.0
        trainer.take_steps(0)
        return count / (time.perf_counter() - began)

    own = trainer.learner.precision
    kinds = {"plain model.fit, float32": fit, "bare loop, float32": lambda: bare(float32)}
    if own != "float32":
        kinds[f"bare loop, {own}"] = lambda: bare(trainer.learner)
    kinds[f"whole pipeline, {own}"] = pipeline
    for warm in kinds.values():
        warm()
    seen: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(told.repeats):
        for name, measure in kinds.items():
            seen[name].append(measure())
    print(f"{processor_name()}; {told.arch}, batches of {told.batch}, {told.repeats} x {told.steps} steps")
    medians = {name: statistics.median(values) for name, values in seen.items()}
    names = list(medians)
    for name, values in seen.items():
        print(f"{name:32}{medians[name]:8.1f} images/s   ({min(values):.1f} to {max(values):.1f})")
    print(f"pipeline / bare loop: {medians[names[-1]] / medians[names[-2]]:.3f}")
    print(f"pipeline / plain fit: {medians[names[-1]] / medians[names[0]]:.2f}")
    rate, bare_rate, plain = (medians[names[place]] for place in (-1, -2, 0))
    row(f"training the {told.arch.upper()}, whole pipeline in {own}",
        f"{rate:.0f} images/s: {rate / bare_rate:.0%} of a bare loop, {rate / plain:.1f} times plain `model.fit`", "training",
        "95%, 1.8 times")
    recorder.__exit__(None, None, None)


def plain_fit(arch, config, trainer):
    """Give a function that measures Keras' own loop: stock layers, float32, the same faces, no augmentation."""
    import keras

    from fer_core import models

    model = models.plain(models.build(arch, config, precision="float32"))
    model.compile(
        keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    count = trainer.steps * trainer.batch
    images, labels = trainer.feed.faces.images[:count, ..., None].astype(np.float32), trainer.feed.faces.labels[:count]

    def measure() -> float:
        began = time.perf_counter()
        model.fit(images, labels, batch_size=trainer.batch, epochs=1, verbose=0)
        return count / (time.perf_counter() - began)

    return measure


if __name__ == "__main__":
    main()
