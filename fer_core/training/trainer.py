"""Train a run, or go on with it, so that a stopped run ends like an unbroken one, bit for bit.

What decides the next step is small: the variables, the step number and the rows of the history. Augmentation, the order of faces and
dropout are functions of (seed, epoch, position) or (seed, step); the learning rate and early stopping are functions of the history.
"""

from __future__ import annotations

import errno
import json
import math
import signal
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fer_core.training.train_step import Step

from fer_core import atomic_io, machine
from fer_core.data.dataset import Dataset, Split, copies, counts, read
from fer_core.emotions import EMOTIONS, SIDE
from fer_core.errors import DataError, FerError, RunError
from fer_core.models.views import VIEWS, check_count, predict_means
from fer_core.runs import training_dynamics
from fer_core.runs.launch import sole_writer
from fer_core.runs.store import (
    EARLY_STOP,
    NO_MEMORY,
    NO_SPACE,
    ON_REQUEST,
    VALIDATING,
    Predictions,
    Run,
)
from fer_core.training import crossfit, schedule, training_set
from fer_core.training.batches import Batch, Feed
from fer_core.training.recorder import Recorder

PROBES = 16
SAVE_SECONDS = 120.0
"""A killed run loses at most about this much work within an epoch."""


class Stop(Exception):
    """A person, or the system, asked the trainer to stop."""


def work(folder: str | Path) -> str:
    """Train the run in `folder` until it ends; return the state it ended in. The body of the trainer's process."""
    run = Run(Path(folder))
    with sole_writer(run, wait=30.0), Recorder(run) as recorder:
        try:
            state, reason = _train(run, recorder)
        except (Stop, crossfit.FoldStopped):
            state, reason = "stopped", ON_REQUEST
        except FerError as error:
            state, reason = "failed", str(error)
        except Exception as error:
            traceback.print_exc()
            state, reason = "failed", _explain(error)
        recorder.end(state, reason)
        (run.path / "stop").unlink(missing_ok=True)
    return state


def _explain(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NO_SPACE
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return NO_MEMORY
    if isinstance(error, PermissionError):
        return f"A file cannot be written: {error.filename}. Check its rights, then resume."
    return f"{type(error).__name__}: {error}. The log has the details."


def _train(run: Run, recorder: Recorder) -> tuple[str, str]:
    config = run.config
    recorder.say("reading the faces")
    dataset = read(config.data, skip_bad=run.path / "bad-rows.txt" if config.skip_bad else None)
    known = run.facts.get("data", {}).get("fingerprint")
    if known not in (None, dataset.fingerprint):
        raise DataError("The data set is not the one that this run began with.", received=dataset.fingerprint[:12], expected=known[:12])
    if config.folds and not config.fold:
        crossfit.work(run, recorder, dataset)
        return "finished", ""
    recorder.say("starting TensorFlow")
    trainer = Trainer(run, recorder, dataset)
    signal.signal(signal.SIGTERM, lambda *_: trainer.ask_to_stop())
    while len(run.history["epoch"]) < config.epochs and not schedule.is_over(run.history, config):
        trainer.epoch()
    recorder.say("predicting with the best epoch")
    trainer.predict()
    early = len(run.history["epoch"]) < config.epochs
    return "finished", EARLY_STOP.format(epochs=config.patience) if early else ""


class Trainer:
    """The network, its optimiser and the state of one run."""

    def __init__(self, run: Run, recorder: Recorder, dataset: Dataset) -> None:
        from fer_core import models
        from fer_core.training.tensorboard import Events
        from fer_core.training.train_step import Learner

        self.run, self.recorder, self.config = run, recorder, run.config
        self.models = models
        self.validation, self.dataset = _labelled(dataset, "validation"), dataset
        train = _labelled_split(dataset, "train")
        self.inputs = training_set.inputs(run, dataset)
        self.feed = Feed(training_set.training_set(train, self.config, self.inputs), self.config)
        self.dynamics = training_dynamics.Dynamics(len(train))
        self.batch, self.steps = self.feed.size, self.feed.steps
        known = run.facts.get("model", {}).get("precision")  # a run keeps the precision that it began with
        self.learner = Learner(self.config.model_copy(update={"precision": known}) if known else self.config)
        self.position, self.sums, self.elapsed = 0, [0.0, 0.0, 0.0], 0.0
        self._stop, self._saved = False, time.monotonic()
        self._restore()
        self._write_facts()
        self.events = Events(run.path / "tensorboard", run.history) if self.config.tensorboard else None

    def ask_to_stop(self) -> None:
        """Stop after the step under way."""
        self._stop = True

    def epoch(self) -> None:
        """Train the epoch under way to its end, validate, and write all that it leaves."""
        number = len(self.run.history["epoch"])
        self.take_steps(number)
        self._finish_epoch(number)

    def take_steps(self, number: int) -> None:
        """Take the steps that the epoch still lacks."""
        began = time.monotonic() - self.elapsed
        self.recorder.say(f"epoch {number + 1} of {self.config.epochs}")
        history = self.run.history
        for batch in self.feed.batches(number, self.position):
            rate = schedule.learning_rate(self.config, number * self.steps + self.position, self.steps, history)
            step = self.learner(batch, rate)
            if not math.isfinite(step.loss):
                raise RunError(
                    f"The loss became {step.loss} in epoch {number + 1}, step {self.position + 1}.",
                    todo="choose a smaller learning rate, a warm-up or clip_norm",
                )
            self.position += 1
            self._count(batch, step)
            self.elapsed = time.monotonic() - began
            self._report(number)
            self._save_sometimes()

    def _count(self, batch: Batch, step: Step) -> None:
        """Add a step to the epoch's sums; mixed faces have no one label, so that they count neither as right nor as learned."""
        loss, correct, judged = self.sums
        if batch.mixed:
            self.sums = [loss + step.loss, correct, judged]
            return
        number = len(step.logits)
        self.sums = [loss + step.loss, correct + step.correct, judged + number]
        self.dynamics.add(batch.rows[:number], batch.labels[:number], step.logits)

    @property
    def _accuracy(self) -> float:
        """Share of the epoch's unmixed faces that were called by their label; NaN where all were mixed."""
        _, correct, judged = self.sums
        return correct / judged if judged else math.nan

    def _report(self, epoch: int) -> None:
        seen = self.position * self.batch
        speed = seen / self.elapsed
        left = (self.config.epochs - epoch) * self.steps - self.position
        self.recorder.update(
            step=self.position,
            steps=self.steps,
            loss=self.sums[0] / self.position,
            accuracy=self._accuracy if self.sums[2] else None,
            images_per_second=speed,
            seconds_left=left * self.batch / speed,
        )

    def _save_sometimes(self) -> None:
        wanted = self._stop or (self.run.path / "stop").exists()
        if wanted or time.monotonic() - self._saved > SAVE_SECONDS:
            self._save()
        if wanted:
            raise Stop

    def _finish_epoch(self, number: int) -> None:
        self.recorder.update(phase=VALIDATING.format(epoch=number + 1))
        rate = schedule.learning_rate(self.config, (number + 1) * self.steps - 1, self.steps, self.run.history)
        row = {
            "epoch": number + 1,
            "loss": self.sums[0] / self.steps,
            "accuracy": self._accuracy,
            "learning_rate": rate,
            "seconds": self.elapsed,
            "images_per_second": self.steps * self.batch / self.elapsed,
        }
        on_crops = self.feed.side(number) != SIDE
        averaged = bool(self.config.average)
        if averaged:
            row |= self._validate_plain(measured=on_crops)
        with self.learner.for_validation(self.feed.calm(), averaged=averaged, measured=averaged or on_crops):
            validated, matrix, probes = self._validate()
            row |= validated
            self.recorder.add_epoch(row, matrix, probes)
            if self.events:
                self.events.add(row)
            best = self.run.best
            if best is not None and best[0] == number + 1:
                self.models.save_weights(self.learner.model, self.run.path / "weights.safetensors")
        training_dynamics.write(self.run.path / training_dynamics.FILE, self.dynamics.summary())
        self.position, self.sums, self.elapsed = 0, [0.0, 0.0, 0.0], 0.0
        self._save()
        self.recorder.log(
            f"epoch {number + 1}: loss {row['loss']:.4f}, accuracy {row['accuracy']:.4f}, "
            f"validation {row['val_loss']:.4f}, {row['val_accuracy']:.4f}, {row['images_per_second']:.0f} images/s"
        )

    def _validate_plain(self, *, measured: bool) -> dict[str, float]:
        """Validate the weights themselves, beside the averaged ones that are kept."""
        with self.learner.for_validation(self.feed.calm(), averaged=False, measured=measured):
            plain, _, _ = self._validate()
        return {"plain_val_loss": plain["val_loss"], "plain_val_accuracy": plain["val_accuracy"]}

    def _validate(self) -> tuple[dict[str, float], np.ndarray, tuple[np.ndarray, np.ndarray]]:
        labels = self.validation.labels
        probabilities = self.models.predict(self.learner.model, self.validation.images)
        loss = -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-12)).mean(dtype=np.float64)
        matrix = np.bincount(7 * labels + probabilities.argmax(1), minlength=49).reshape(7, 7)
        recall = np.diag(matrix) / np.maximum(matrix.sum(1), 1)
        probes = _probe_indices(labels, self.config.seed)
        numbers = {
            "val_loss": float(loss),
            "val_accuracy": float(np.trace(matrix) / matrix.sum()),
            **{f"recall_{name}": float(value) for name, value in zip(EMOTIONS, recall, strict=True)},
        }
        return numbers, matrix.astype(np.int64), (probes, probabilities[probes])

    def predict(self) -> None:
        """Write what the best epoch says of the validation and the test split."""
        self.models.load_weights(self.learner.model, self.run.path / "weights.safetensors")
        for split in ("validation", "test"):
            if split in self.dataset:
                looks = len(VIEWS) if self.config.fold else 0
                self.run.write_predictions(predictions(self.learner.model, self.dataset, split, flip=True, views=looks))
        if self.config.fold and self.inputs.folds is not None:
            rows = np.flatnonzero(self.inputs.folds == self.config.fold)
            crossfit.write_held_out(self.run, self._held_out(rows))

    def _held_out(self, rows: np.ndarray) -> crossfit.HeldOut:
        images = np.asarray(self.dataset["train"].images[rows])
        looks = len(VIEWS)
        means = predict_means(self.learner.model, images, (1, 2, looks))
        return crossfit.HeldOut(rows, means[1], means[2], means[looks], looks)

    def _write_facts(self) -> None:
        per_split = {split: [int(n) for n in row] for split, row in counts(self.dataset).items()}
        data = {"name": self.dataset.name, "fingerprint": self.dataset.fingerprint, "counts": per_split, "notes": list(self.dataset.notes)}
        learner = self.learner.facts()
        place = (len(self.run.history["epoch"]) + 1, self.position)
        trained_on = machine.with_history(learner["machine"], self.run.facts.get("machine", {}), *place)
        if told := machine.going_on(trained_on, *place):
            self.recorder.log(told)
        atomic_io.write_json(
            self.run.path / "facts.json",
            {
                "data": data,
                **learner,
                "machine": trained_on,
                "trained_on": len(self.feed.faces),
                "inputs": self.inputs.facts(),
                "validated_on": len(self.validation.labels),
                "batch_size": self.batch,
                "steps": self.steps,
            },
        )

    def _save(self) -> None:
        """Write all that an exact resume needs, as one file that takes the place of the last one at once."""
        from safetensors.numpy import save

        folder = self.run.path / "resume"
        folder.mkdir(exist_ok=True)
        epochs = len(self.run.history["epoch"])
        counters = {
            "epochs": epochs,
            "position": self.position,
            "sums": self.sums,
            "elapsed": self.elapsed,
            "steps": self.steps,
            "batch": self.batch,
        }
        state = self.learner.arrays() | self.dynamics.arrays()
        atomic_io.write_bytes(folder / "state.safetensors", save(state, metadata={"counters": json.dumps(counters)}))
        self._saved = time.monotonic()

    def _restore(self) -> None:
        path = self.run.path / "resume" / "state.safetensors"
        if not path.exists():
            self.recorder.keep_epochs(0)
            return
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                counters = json.loads(file.metadata()["counters"])
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise RunError(
                "The saved state of this run cannot be read.", received=error, todo="duplicate the run and train it anew"
            ) from None
        if (counters["steps"], counters["batch"]) != (self.steps, self.batch):
            raise RunError(
                "The settings of this run were changed since it was saved.",
                received=f"{self.steps} steps of {self.batch}",
                expected=f"{counters['steps']} of {counters['batch']}",
                todo="restore config.json, or duplicate the run",
            )
        self.learner.restore(arrays)
        self.dynamics.restore(arrays)
        self.recorder.keep_epochs(counters["epochs"])
        self.position, self.elapsed = counters["position"], counters["elapsed"]
        all_judged = [float(self.position * self.batch)]  # before batches could be mixed, two sums were saved
        self.sums = [*counters["sums"], *all_judged][:3]
        self.recorder.update(epoch=counters["epochs"], step=self.position, steps=self.steps)
        self.recorder.log(f"goes on after {counters['epochs']} epochs and {self.position} steps")


def predictions(model: Any, dataset: Dataset, split: str, *, flip: bool, views: int = 0, progress: Any = None) -> Predictions:
    """Let a network predict a split: probabilities of the single look, flip-averaged ones where asked for, and features.

    With `views` of 1 or more the mean of so many looks (`views.VIEWS`) stands beside them. `progress` is told the share that is done, 0 to
    1. Raises `ConfigError` for more looks than there are.
    """
    from fer_core import models
    from fer_core.data import near_copies

    if views:
        check_count(views)
    faces = dataset[split]
    counts = {1} | ({2} if flip else set()) | ({views} if views else set())
    passes = max(counts) + 1  # the looks, then the features

    def tell(share: float) -> None:
        if progress:
            progress(share * max(counts) / passes)

    means = predict_means(model, faces.images, sorted(counts), progress=tell)
    leaked = copies(dataset).leaked.get(split, np.zeros(len(faces.labels), bool))
    near = near_copies.find(dataset).near.get(split, np.zeros(len(faces.labels), bool))
    features = models.features(model, faces.images).astype(np.float16)
    return Predictions(
        split,
        dataset.fingerprint,
        faces.labels,
        means[1],
        means[2] if flip else None,
        features,
        leaked,
        means[views] if views else None,
        views,
        near,
    )


def _labelled_split(dataset: Dataset, name: str) -> Split:
    if name not in dataset or not (dataset[name].labels >= 0).any():
        raise DataError(f"The data set has no labelled {name} faces.", received=", ".join(dataset))
    return dataset[name]


def _labelled(dataset: Dataset, name: str) -> Split:
    split = _labelled_split(dataset, name)
    known = split.labels >= 0
    return split if known.all() else split.take(known)


def _probe_indices(labels: np.ndarray, seed: int) -> np.ndarray:
    """Choose 16 validation faces, two of each class where it has them, then any."""
    order = np.random.default_rng(seed).permutation(len(labels))
    twos = [order[labels[order] == c][:2] for c in range(len(EMOTIONS))]
    first = np.concatenate(twos)
    rest = order[~np.isin(order, first)]
    return np.sort(np.concatenate([first, rest])[:PROBES]).astype(np.int64)
