"""A network with its optimiser: one training step as one compiled graph, and all its state as arrays."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from fer_core import machine, models
from fer_core.config import RunConfig
from fer_core.emotions import SIDE
from fer_core.models import gradients
from fer_core.training import losses
from fer_core.training.batches import Batch

Targets = tuple[tf.Tensor, tf.Tensor | None, tf.Tensor | None]
"""Of a batch: distributions (b, classes), the teacher's (b, classes), weights (b,)."""


class Step(NamedTuple):
    """What a training step tells."""

    loss: float
    """Mean over the batch, nats."""
    correct: int
    """Faces whose label has the largest logit."""
    logits: np.ndarray
    """float32 (b, classes), in training mode; several GPUs leave out what does not fill them evenly."""


class Learner:
    """Call it with a batch and a learning rate: one step, on every GPU there is, or on the `devices` named."""

    def __init__(self, config: RunConfig, devices: list[str] | None = None) -> None:
        self.config = config
        prepare_machine(config)
        self.precision = models.choose_precision(config.precision)
        devices = devices or [device.name for device in tf.config.list_logical_devices("GPU")]
        self.strategy = tf.distribute.MirroredStrategy(devices) if len(devices) > 1 else tf.distribute.get_strategy()
        with self.strategy.scope():
            self.model = models.build(config.arch, config, precision=self.precision, seed=config.seed)
            self.optimizer = make_optimizer(config)
            self.optimizer.build(self.model.trainable_variables)
            weights = self.model.trainable_variables if config.average else []
            self.averages = [tf.Variable(variable.value, trainable=False) for variable in weights]
            self._on_crops = models.at_side(self.model, config.crop) if config.crop not in (0, SIDE) else None
        self._step = tf.function(self._distributed if self.replicas > 1 else self._one, jit_compile=False)

    @property
    def replicas(self) -> int:
        """Number of GPUs that share each batch; 1 on a processor."""
        return int(self.strategy.num_replicas_in_sync)

    def __call__(self, batch: Batch, rate: float) -> Step:
        """Take one step on a batch of whole faces, or of crops of the config's side."""
        parts: tuple[Any, ...] = (batch.images[..., None], batch.labels.astype(np.int32), batch.targets, batch.teacher, batch.weights)
        if self.replicas > 1:
            count = len(batch.labels) // self.replicas * self.replicas
            parts = tuple(None if part is None else self._shares(part[:count]) for part in parts)
        images, labels, *targets = parts
        loss, correct, logits = self._step(images, labels, tuple(targets), tf.constant(rate, tf.float32))
        return Step(float(loss), int(correct), self._gathered(logits))

    def _gathered(self, logits: Any) -> np.ndarray:
        local = self.strategy.experimental_local_results(logits)
        return np.concatenate([part.numpy() for part in local])

    def _shares(self, part: np.ndarray) -> Any:
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(np.array_split(part, self.replicas)[context.replica_id_in_sync_group])
        )

    def _distributed(self, images: Any, labels: Any, targets: Any, rate: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, Any]:
        losses, correct, logits = self.strategy.run(self._one, args=(images, labels, targets, rate))
        loss = self.strategy.reduce("MEAN", losses, axis=None)
        return loss, self.strategy.reduce("SUM", correct, axis=None), logits

    def _one(self, images: tf.Tensor, labels: tf.Tensor, targets: Targets, rate: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        config, variables = self.config, self.model.trainable_variables
        network = self.model if images.shape[1] == SIDE else self._on_crops
        distributions, teacher, weights = targets

        def loss_of(logits: tf.Tensor) -> tf.Tensor:
            return losses.training_loss(
                logits,
                distributions,
                teacher,
                weights,
                teacher_weight=config.teacher_weight,
                temperature=config.temperature,
            )

        loss, logits, grads = gradients.of_loss(network, images, loss_of)
        if self.replicas > 1:
            grads = tf.distribute.get_replica_context().all_reduce("MEAN", grads)
        if config.optimizer == "sgd" and config.weight_decay:
            grads = [g + config.weight_decay * v if is_kernel(v) else g for g, v in zip(grads, variables, strict=True)]
        if config.clip_norm:
            grads, _ = tf.clip_by_global_norm(grads, config.clip_norm)
        grads = [g / self.replicas for g in grads]  # Keras' optimisers add up over the replicas
        self.optimizer.learning_rate.assign(rate)
        self.optimizer.apply(grads, variables)
        self.model.step.assign_add(1)
        for average, variable in zip(self.averages, variables, strict=False):
            average.assign(config.average * average + (1 - config.average) * variable.value)
        correct = tf.reduce_sum(tf.cast(tf.argmax(logits, 1, output_type=tf.int32) == labels, tf.int32))
        return loss, correct, logits

    @contextmanager
    def for_validation(self, batches: Iterable[np.ndarray], *, averaged: bool, measured: bool) -> Iterator[None]:
        """Let the network be, for a while, what is validated: with the averaged weights, and with new batch-norm statistics.

        `averaged` puts the averaged weights in; `measured` measures the statistics on `batches` of whole faces, which averaged weights
        and a training on crops ask for.

        *Source:* Izmailov et al. 2018 (stochastic weight averaging) for the new statistics.
        """
        if not (averaged or measured):
            yield
            return
        before = [variable.numpy() for variable in self.model.variables]
        step = int(self.model.step.numpy())
        if averaged:
            for variable, average in zip(self.model.trainable_variables, self.averages, strict=True):
                variable.assign(average)
        if measured:
            self._measure_statistics(batches)
            self.model.step.assign(step)
        try:
            yield
        finally:
            for variable, value in zip(self.model.variables, before, strict=True):
                variable.assign(value)

    def _measure_statistics(self, batches: Iterable[np.ndarray]) -> None:
        layers = [layer for layer in self.model.layers if isinstance(layer, keras.layers.BatchNormalization)]
        moving = [variable for layer in layers for variable in (layer.moving_mean, layer.moving_variance)]
        momenta = [layer.momentum for layer in layers]
        for layer in layers:
            layer.momentum = 0.0  # a call in training mode then leaves the batch's own statistics
        try:
            forward = tf.function(lambda images: self.model(images, training=True), jit_compile=False)
            sums = [np.zeros(variable.shape, np.float64) for variable in moving]
            count = 0
            for images in batches:
                count += 1
                forward(images[..., None])
                sums = [total + variable.numpy() for total, variable in zip(sums, moving, strict=True)]
        finally:
            for layer, momentum in zip(layers, momenta, strict=True):
                layer.momentum = momentum
        for variable, total in zip(moving, sums, strict=True):
            variable.assign((total / max(1, count)).astype(np.float32))

    def _state(self) -> dict[str, Any]:
        named = {f"model/{i:03d}": v for i, v in enumerate(self.model.variables)}
        named |= {f"optimizer/{i:03d}": v for i, v in enumerate(self.optimizer.variables)}
        named |= {f"average/{i:03d}": v for i, v in enumerate(self.averages)}
        return {**named, "step": self.model.step}

    def arrays(self) -> dict[str, np.ndarray]:
        """Give every bit that decides the next step: weights, statistics, the optimiser's slots, averages, the step number."""
        return {name: np.asarray(variable.numpy()) for name, variable in self._state().items()}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Put back what `arrays` gave."""
        for name, variable in self._state().items():
            variable.assign(arrays[name].reshape(variable.shape))

    def facts(self) -> dict[str, Any]:
        """Tell what is trained and on what: for the run's facts.json."""
        parameters = int(sum(np.prod(v.shape) for v in self.model.weights))
        trainable = int(sum(np.prod(v.shape) for v in self.model.trainable_weights))
        facts = {
            "system": platform.platform(),
            **machine.processor(),
            "cores": os.cpu_count(),
            "threads": tf.config.threading.get_intra_op_parallelism_threads() or machine.usable_cores(),
            "replicas": self.replicas,
            "gpus": models.gpus(),
            "versions": {name: version(name) for name in ("tensorflow", "keras", "numpy")},
        }
        return {
            "model": {"arch": self.config.arch, "parameters": parameters, "trainable": trainable, "precision": self.precision},
            "machine": facts,
        }


def is_kernel(variable: Any) -> bool:
    """Tell kernels, which weight decay shrinks, from biases and batch-norm parameters, which it leaves alone."""
    return len(variable.shape) > 1


def make_optimizer(config: RunConfig) -> Any:
    """Make Keras' optimiser; the learning rate is set at every step."""
    if config.optimizer == "sgd":
        return keras.optimizers.SGD(config.learning_rate, momentum=config.momentum, nesterov=config.momentum > 0)
    if config.optimizer == "adam":
        return keras.optimizers.Adam(config.learning_rate)
    optimizer = keras.optimizers.AdamW(config.learning_rate, weight_decay=config.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def prepare_machine(config: RunConfig) -> None:
    """Set threads and determinism for this process, before TensorFlow computes anything."""
    keras.utils.set_random_seed(config.seed)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"remapping": True})  # fuses convolution, bias and LeakyReLU
    try:
        tf.config.threading.set_intra_op_parallelism_threads(config.threads)
        tf.config.threading.set_inter_op_parallelism_threads(2 if config.threads == 0 else config.threads)
    except RuntimeError:
        print("the number of threads was set earlier in this process and stays as it was", flush=True)
