"""One training step against the same step worked out with stock Keras, and two devices against one."""

import subprocess
import sys

import numpy as np
import pytest

from fer_core.config import RunConfig

QUIET = {"dropout_conv": (0.0,) * 4, "dropout_dense": 0.0, "precision": "float32", "arch": "small", "threads": 2}

TWO_DEVICES = """
import numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
from fer_core.config import RunConfig
from fer_core.training.train_step import Learner
config = RunConfig(arch="dnn", precision="float32", optimizer="sgd", weight_decay=1e-3, clip_norm=1.0, label_smoothing=0.1)
from fer_core.training.batches import Batch, smoothed
faces = np.random.default_rng(0).integers(0, 256, (8, 48, 48)).astype(np.uint8)
labels = np.arange(8) % 7
teacher = np.full((8, 7), 1 / 7, np.float32)
weights = np.linspace(0.5, 1.5, 8).astype(np.float32)
batch = Batch(faces, labels, smoothed(labels, 0.1), np.arange(8), teacher, weights)
one, two = Learner(config), Learner(config, ["CPU:0", "CPU:1"])
assert (one.replicas, two.replicas) == (1, 2)
for _ in range(3):
    alone, shared = one(batch, 0.01), two(batch, 0.01)
    assert abs(alone.loss - shared.loss) < 1e-4 * alone.loss and alone.correct == shared.correct, (alone, shared)
    assert np.allclose(alone.logits, shared.logits, atol=1e-4)
a, b = one.arrays(), two.arrays()
assert a.keys() == b.keys()
worst = max(float(np.abs(a[k].astype(float) - b[k]).max()) for k in a)
assert worst < 1e-4, worst
two.restore(a)
assert all(np.array_equal(a[k], v) for k, v in two.arrays().items())
print("same")
"""


def test_two_devices_learn_what_one_learns():
    done = subprocess.run([sys.executable, "-c", TWO_DEVICES], capture_output=True, text=True)
    assert done.stdout.strip().endswith("same"), done.stderr[-3000:]


def batch_of(images, labels, smoothing=0.0, **more):
    from fer_core.training.batches import Batch, smoothed

    return Batch(images, labels, smoothed(labels, smoothing), np.arange(len(labels)), **more)


@pytest.fixture(scope="module")
def faces():
    random = np.random.default_rng(1)
    return batch_of(random.integers(0, 256, (16, 48, 48)).astype(np.uint8), random.integers(0, 7, 16))


def test_an_sgd_step_is_stock_keras(faces):
    """The same network with stock layers, loss and optimiser takes the same steps."""
    import keras

    from fer_core import models
    from fer_core.training.train_step import Learner

    images, labels = faces.images, faces.labels
    learner = Learner(RunConfig(**QUIET, optimizer="sgd", label_smoothing=0.1, seed=4))
    twin = models.plain(learner.model)
    twin.compile(
        keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        jit_compile=False,
    )
    targets = np.eye(7, dtype=np.float32)[labels]
    for _ in range(3):
        step = learner(batch_of(images, labels, 0.1), 0.01)
        assert step.loss == pytest.approx(float(twin.train_on_batch(images[..., None], targets)), rel=1e-3)
    for mine, theirs in zip(learner.model.trainable_variables, twin.trainable_variables, strict=True):
        assert np.allclose(mine.numpy(), theirs.numpy(), atol=2e-4), mine.path


def test_weight_decay_shrinks_kernels_only(faces):
    """With a zero gradient (rate times decay alone) a kernel loses rate x decay of itself; two learners differ by exactly that."""
    from fer_core.training.train_step import Learner, is_kernel

    with_decay = Learner(RunConfig(**QUIET, optimizer="sgd", momentum=0.0, weight_decay=0.5, seed=4))
    without = Learner(RunConfig(**QUIET, optimizer="sgd", momentum=0.0, seed=4))
    before = [v.numpy() for v in without.model.trainable_variables]
    with_decay(faces, 0.1)
    without(faces, 0.1)
    for old, a, b in zip(before, with_decay.model.trainable_variables, without.model.trainable_variables, strict=True):
        assert np.allclose(b.numpy() - a.numpy(), 0.05 * old if is_kernel(a) else 0, atol=1e-5), a.path


def test_averaged_weights_are_the_running_mean_and_come_off_again(faces):
    from fer_core.training.train_step import Learner

    learner = Learner(RunConfig(**QUIET, optimizer="sgd", average=0.5, seed=4))
    means = [v.numpy() for v in learner.model.trainable_variables]
    for _ in range(3):
        learner(faces, 0.01)
        means = [0.5 * m + 0.5 * v.numpy() for m, v in zip(means, learner.model.trainable_variables, strict=True)]
    before = learner.arrays()
    images = faces.images
    with learner.for_validation([images], averaged=True, measured=True):
        assert all(np.allclose(m, v.numpy(), atol=1e-6) for m, v in zip(means, learner.model.trainable_variables, strict=True))
        outputs = learner.model(images[..., None], training=False).numpy()
        in_training = learner.model(images[..., None], training=True).numpy()
        assert np.allclose(outputs, in_training, atol=0.05), "the statistics measured anew are those of the batch"
    after = learner.arrays()
    assert all(np.array_equal(before[k], after[k]) for k in before)


def test_a_clipped_step_has_the_norm_asked_for(faces):
    from fer_core.training.train_step import Learner

    learner = Learner(RunConfig(**QUIET, optimizer="sgd", momentum=0.0, clip_norm=0.01, seed=4))
    before = [v.numpy() for v in learner.model.trainable_variables]
    learner(faces, 1.0)
    moved = sum(float(((v.numpy() - old) ** 2).sum()) for old, v in zip(before, learner.model.trainable_variables, strict=True)) ** 0.5
    assert moved == pytest.approx(0.01, rel=1e-3)


def test_a_teacher_pulls_the_network_to_its_answers(faces):
    """Learning from the teacher alone, at temperature 1, is learning from labels that say what the teacher says."""
    from dataclasses import replace

    from fer_core.training.train_step import Learner

    random = np.random.default_rng(3)
    said = random.dirichlet(np.ones(7), len(faces.labels)).astype(np.float32)
    pupil = Learner(RunConfig(**QUIET, optimizer="sgd", teacher_weight=1.0, temperature=1.0, seed=4))
    twin = Learner(RunConfig(**QUIET, optimizer="sgd", seed=4))
    for _ in range(2):
        pupil(replace(faces, teacher=said), 0.01)
        twin(replace(faces, targets=said), 0.01)
    for mine, theirs in zip(pupil.model.trainable_variables, twin.model.trainable_variables, strict=True):
        assert np.allclose(mine.numpy(), theirs.numpy(), atol=1e-5), mine.path


def test_a_face_that_counts_nothing_teaches_nothing_to_a_network_without_batch_norm(faces):
    from dataclasses import replace

    from fer_core.training.train_step import Learner

    config = RunConfig(arch="dnn", precision="float32", optimizer="sgd", momentum=0.0, threads=2, seed=4)
    half = len(faces.labels) // 2
    weights = np.repeat(np.float32([2.0, 0.0]), half)  # the mean is over all faces: half of them twice is one half alone
    weighed, alone = Learner(config), Learner(config)
    weighed(replace(faces, weights=weights), 0.01)
    alone(batch_of(faces.images[:half], faces.labels[:half]), 0.01)
    for mine, theirs in zip(weighed.model.trainable_variables, alone.model.trainable_variables, strict=True):
        assert np.allclose(mine.numpy(), theirs.numpy(), atol=1e-5), mine.path


def test_a_step_on_crops_is_a_step_of_the_same_weights(faces):
    """The twin for crops shares every weight; its step is that of a network built for that side."""
    import keras

    from fer_core import models
    from fer_core.training.train_step import Learner

    config = RunConfig(**QUIET, optimizer="sgd", crop=40, seed=4)
    learner = Learner(config)
    crops = faces.images[:, 3:43, 5:45]
    alone = models.at_side(models.build("small", config, seed=4), 40)
    alone.compile(keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True),
                  keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    for _ in range(2):
        step = learner(batch_of(crops, faces.labels), 0.01)
        assert step.loss == pytest.approx(float(alone.train_on_batch(crops[..., None], faces.labels)), rel=1e-4)
    for mine, theirs in zip(learner.model.trainable_variables, alone.trainable_variables, strict=True):
        assert np.allclose(mine.numpy(), theirs.numpy(), atol=1e-4), mine.path
    assert learner(faces, 0.01).logits.shape == (16, 7), "whole faces go through the same learner"


def test_statistics_measured_anew_without_averaged_weights(faces):
    from fer_core.training.train_step import Learner

    learner = Learner(RunConfig(**QUIET, optimizer="sgd", seed=4))
    learner(faces, 0.01)
    before = learner.arrays()
    with learner.for_validation([faces.images], averaged=False, measured=True):
        outputs = learner.model(faces.images[..., None], training=False).numpy()
        assert np.allclose(outputs, learner.model(faces.images[..., None], training=True).numpy(), atol=0.05)
    after = learner.arrays()
    assert all(np.array_equal(before[k], after[k]) for k in before)
