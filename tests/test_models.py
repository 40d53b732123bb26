"""The networks against the report's tables and against Keras' own layers."""


import keras
import numpy as np
import pytest
import tensorflow as tf

from fer_core import models
from fer_core.config import RunConfig
from fer_core.errors import ModelError
from fer_core.models import gradients, weights
from fer_core.models.custom_layers import (
    FusedBatchNormalization,
    FusibleLeakyReLU,
    ProductConv2D,
    StepDropout,
)
from fer_core.runs import RunStore
from fer_core.training.batches import smoothed
from fer_core.training.losses import training_loss

REPORT_CNN = [
    ("conv 5x5", (48, 48, 64), 1_664), ("LeakyReLU", (48, 48, 64), 0), ("batch norm", (48, 48, 64), 256),
    ("max pool", (24, 24, 64), 0), ("dropout", (24, 24, 64), 0),
    ("conv 3x3", (24, 24, 128), 73_856), ("LeakyReLU", (24, 24, 128), 0), ("batch norm", (24, 24, 128), 512),
    ("max pool", (12, 12, 128), 0), ("dropout", (12, 12, 128), 0),
    ("conv 3x3", (12, 12, 512), 590_336), ("LeakyReLU", (12, 12, 512), 0), ("batch norm", (12, 12, 512), 2_048),
    ("max pool", (6, 6, 512), 0), ("dropout", (6, 6, 512), 0),
    ("conv 3x3", (6, 6, 512), 2_359_808), ("LeakyReLU", (6, 6, 512), 0), ("batch norm", (6, 6, 512), 2_048),
    ("average pool", (3, 3, 512), 0), ("dropout", (3, 3, 512), 0),
    ("flatten", (4608,), 0), ("dense", (1024,), 4_719_616), ("batch norm", (1024,), 4_096), ("dropout", (1024,), 0),
    ("dense", (256,), 262_400), ("batch norm", (256,), 1_024), ("dropout", (256,), 0), ("dense", (7,), 1_799),
]
REPORT_DNN = [("flatten", (2304,), 0), ("dense", (4096,), 9_441_280), ("dense", (1024,), 4_195_328), ("dense", (7,), 7_175)]


@pytest.fixture(scope="module")
def small():
    """Give the small network with weights and statistics unlike those of a fresh one."""
    model, random = models.build("small", seed=1), np.random.default_rng(1)
    for weight in model.weights:
        weight.assign(weight.numpy() + random.uniform(0, 0.05, weight.shape))
    return model


@pytest.fixture(scope="module")
def faces():
    return np.random.default_rng(0).integers(0, 256, (20, 48, 48), dtype=np.uint8)


@pytest.mark.parametrize(("arch", "table", "total", "trainable"),
                         [("cnn", REPORT_CNN, 8_019_463, 8_014_471), ("dnn", REPORT_DNN, 13_643_783, 13_643_783)])
def test_every_row_of_the_reports_tables(arch, table, total, trainable):
    model = models.build(arch)
    rows = [(row.kind, row.shape, row.parameters) for row in models.layers(model)]
    assert rows[0] == ("rescale", (48, 48, 1), 0)
    assert rows[1:] == table
    assert sum(np.prod(w.shape) for w in model.weights) == total
    assert sum(np.prod(w.shape) for w in model.trainable_weights) == trainable
    assert all(variable is not model.step for variable in model.variables)
    assert model.layers[-1].name == "logits"


def test_the_small_network_is_small_and_of_the_same_shape(small):
    assert small.count_params() < 600_000
    assert [row.kind for row in models.layers(small)][1:] == [kind for kind, _, _ in REPORT_CNN]


def test_receptive_fields_are_what_a_unit_can_see(small):
    facts = {row.name: row for row in models.layers(small)}
    assert (facts["conv1"].receptive_field, facts["conv4"].receptive_field, facts["conv4_pool"].receptive_field) == (5, 40, 48)
    for name in ("conv2", "conv3_pool"):
        row, part = facts[name], keras.Model(small.inputs, small.get_layer(name).output)
        image = tf.Variable(np.random.default_rng(2).uniform(0, 255, (1, 48, 48, 1)), dtype=tf.float32)
        unit = row.shape[0] // 2
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(part(image)[0, unit, unit])
        seen = np.flatnonzero(np.abs(tape.gradient(value, image).numpy()[0, ..., 0]).sum(0))
        centre, half = row.offset + unit * row.stride, (row.receptive_field - 1) / 2
        assert seen.min() >= centre - half and seen.max() <= centre + half
        assert seen.max() - seen.min() >= row.receptive_field - 4  # max pooling may pass no gradient to the outermost pixels


def pair(dtype):
    """Give our batch norm and Keras' with equal variables."""
    both = [kind(momentum=0.9, dtype=dtype) for kind in (FusedBatchNormalization, keras.layers.BatchNormalization)]
    random = np.random.default_rng(4)
    values = [random.uniform(0.5, 2, 6) for _ in range(4)]
    for layer in both:
        layer.build((None, 5, 5, 6))
        layer.set_weights(values)
    return both


@pytest.mark.parametrize(("dtype", "exact"), [("float32", 1e-5), ("mixed_bfloat16", 2e-2)])
@pytest.mark.parametrize("training", [True, False])
def test_the_fused_batch_norm_is_keras_own(dtype, exact, training):
    ours, theirs = pair(dtype)
    random = np.random.default_rng(5)
    x = tf.cast(random.normal(3, 2, (3, 5, 5, 6)), ours.compute_dtype)
    weight, results = tf.cast(random.normal(size=x.shape), tf.float32), []
    for layer in (ours, theirs):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=training)
            loss = tf.reduce_sum(tf.cast(y, tf.float32) * weight)
        grads = tape.gradient(loss, [x, layer.gamma.value, layer.beta.value])
        assert y.dtype == layer.compute_dtype
        results.append([tf.cast(value, tf.float32).numpy() for value in (y, *grads, layer.moving_mean, layer.moving_variance)])
    for mine, other in zip(*results, strict=True):
        np.testing.assert_allclose(mine, other, rtol=exact, atol=exact * np.abs(other).max())
    if training:  # the statistics are float32 whatever the images are, and over count, not count - 1
        exact_mean, exact_variance = (np.asarray(f(tf.cast(x, tf.float32).numpy(), (0, 1, 2))) for f in (np.mean, np.var))
        before = np.random.default_rng(4).uniform(0.5, 2, 24).reshape(4, 6)
        np.testing.assert_allclose(ours.moving_mean.numpy(), 0.9 * before[2] + 0.1 * exact_mean, rtol=1e-5)
        np.testing.assert_allclose(ours.moving_variance.numpy(), 0.9 * before[3] + 0.1 * exact_variance, rtol=1e-4)


def test_the_batch_norm_serves_vectors_and_freezes_like_keras():
    ours, theirs = (kind() for kind in (FusedBatchNormalization, keras.layers.BatchNormalization))
    x = np.random.default_rng(6).normal(2, 3, (8, 4)).astype(np.float32)
    np.testing.assert_array_equal(ours(x, training=True), theirs(x, training=True))
    frozen, _ = pair("float32")
    frozen.trainable = False
    before = frozen.moving_mean.numpy()
    frozen(np.ones((2, 5, 5, 6), np.float32), training=True)
    np.testing.assert_array_equal(frozen.moving_mean.numpy(), before)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_the_leaky_relu_is_keras_own_bit_for_bit(dtype, slope):
    special = np.array([0.0, -0.0, 1e-38, -1e-38, 1e-40, -1e-40, np.inf, -np.inf, 3.0, -3.0], np.float32)
    values = tf.cast(np.concatenate([special, np.random.default_rng(0).normal(size=500).astype(np.float32)]), dtype)
    results = []
    for kind in (FusibleLeakyReLU, keras.layers.LeakyReLU):
        layer = kind(slope, dtype=dtype)
        with tf.GradientTape() as tape:
            tape.watch(values)
            result = layer(values)
        gradient = tape.gradient(result, values, tf.cast(np.arange(1, 511), dtype))
        results.append([tf.cast(part, tf.float32).numpy() for part in (result, gradient)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("side", [6, 12])
@pytest.mark.parametrize("size", [1, 3, 5])
def test_the_convolution_learns_like_keras_own(side, size):
    """Values are the same bits; gradients, of whole numbers that bfloat16 holds exactly, are too."""
    random = np.random.default_rng(size)
    images = tf.cast(random.integers(-2, 3, (4, side, side, 8)), "float32")
    upper = tf.cast(random.integers(-1, 2, (4, side, side, 5)), "bfloat16")
    results = []
    for kind in (ProductConv2D, keras.layers.Conv2D):
        layer = kind(5, size, padding="same", dtype="mixed_bfloat16", kernel_initializer="ones")
        layer.build(images.shape)
        with tf.GradientTape() as tape:
            tape.watch(images)
            result = layer(images)
        by_images, *by_weights = tape.gradient(result, [images, *(weight.value for weight in layer.trainable_weights)], upper)
        results.append([tf.cast(part, tf.float32).numpy() for part in (result, by_images, *by_weights)])
    assert len(results[0]) == 4
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_dropout_is_a_function_of_the_step():
    layer, other = StepDropout(0.3, number=1, seed=7), StepDropout(0.3, number=2, seed=7)
    x = np.ones((100, 200), np.float32)
    first = layer(x, training=True).numpy()
    assert np.array_equal(first, layer(x, training=True).numpy())
    assert not np.array_equal(first, other(x, training=True).numpy())
    layer.step.assign_add(1)
    assert not np.array_equal(first, layer(x, training=True).numpy())
    layer.step.assign(0)
    assert np.array_equal(first, layer(x, training=True).numpy())
    assert abs((first == 0).mean() - 0.3) < 0.015
    np.testing.assert_allclose(first[first != 0], 1 / 0.7, rtol=1e-6)
    assert np.array_equal(layer(x, training=False), x)
    assert layer(np.ones((4, 3, 3, 5), np.float32), training=True).shape == (4, 3, 3, 5)  # an odd number of values
    assert layer.variables == []


def test_a_seed_fixes_the_weights():
    first, same, other = (models.build("small", seed=seed) for seed in (3, 3, 4))
    kernels = [model.get_layer("conv3").kernel.numpy() for model in (first, same, other)]
    assert np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])


def test_prediction_is_a_call_of_the_model(small, faces):
    logits = small(faces[..., None], training=False).numpy()
    expected = tf.nn.softmax(logits).numpy()
    told = []
    np.testing.assert_allclose(models.predict(small, faces, batch=8, progress=told.append), expected, atol=1e-5)
    assert told == sorted(told) and told[-1] == 1
    np.testing.assert_allclose(models.predict_logits(small, faces), logits, rtol=1e-4, atol=1e-4)
    mirrored = tf.nn.softmax(small(faces[:, :, ::-1, None], training=False)).numpy()
    np.testing.assert_allclose(models.predict(small, faces, flip=True), (expected + mirrored) / 2, atol=1e-5)
    features = models.features(small, faces)
    last = small.get_layer("logits")
    np.testing.assert_allclose(features @ last.kernel.numpy() + last.bias.numpy(), logits, rtol=1e-3, atol=1e-3)
    assert models.predict(small, faces[:0]).shape == (0, 7)
    assert models.features(small, faces[:0]).shape == (0, 64)


def test_a_face_gets_the_same_answer_in_any_company(small, faces):
    alone = models.predict(small, faces[:8])
    assert np.array_equal(models.predict(small, faces[[3, 1]])[1], alone[1])


def test_new_weights_are_seen_by_a_prediction_made_before(faces):
    model = models.build("small")
    before = models.predict(model, faces)
    model.get_layer("logits").bias.assign([9.0, 0, 0, 0, 0, 0, 0])
    after = models.predict(model, faces)
    assert (after[:, 0] > before[:, 0]).all()


def test_bfloat16_is_near_float32_and_keeps_float32_weights(small, faces):
    half = models.build("small", precision="bfloat16")
    half.set_weights(small.get_weights())
    assert half.get_layer("conv2").compute_dtype == "bfloat16"
    assert {weight.dtype for weight in half.weights} == {"float32"}
    assert half(faces[:2, ..., None]).dtype == tf.float32
    np.testing.assert_allclose(models.predict(half, faces), models.predict(small, faces), atol=0.05)
    assert keras.config.dtype_policy().name == "float32"


def test_precision_asked_for_is_given():
    assert models.choose_precision("float32") == "float32"
    assert models.choose_precision("auto") in ("float32", "bfloat16")
    for wrong in ({"arch": "resnet"}, {"arch": "cnn", "precision": "float16"}):
        with pytest.raises(ModelError):
            models.build(**wrong)


def test_weights_round_trip(small, faces, tmp_path):
    models.save_weights(small, tmp_path / "full.safetensors")
    models.save_weights(small, tmp_path / "half.safetensors", small=True)
    full, half = models.build("small"), models.build("small")
    models.load_weights(full, tmp_path / "full.safetensors")
    models.load_weights(half, tmp_path / "half.safetensors")
    assert all(np.array_equal(a, b) for a, b in zip(full.get_weights(), small.get_weights(), strict=True))
    for mine, other in zip(half.get_weights(), small.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other.astype(np.float16).astype(np.float32))
    np.testing.assert_allclose(models.predict(half, faces), models.predict(small, faces), atol=0.02)
    run = RunStore(tmp_path / "runs").create(RunConfig.from_preset("quick", precision="float32"), "r")
    with pytest.raises(ModelError, match="no weights yet"):
        models.load(run)
    (tmp_path / "full.safetensors").rename(run.path / "weights.safetensors")
    assert np.array_equal(models.predict(models.load(run), faces), models.predict(full, faces))


def test_a_great_kernel_is_kept_in_eight_bits(small, faces, tmp_path, monkeypatch):
    from safetensors.numpy import load_file, save_file

    monkeypatch.setattr("fer_core.models.weights.GREAT", 20_000)
    path = tmp_path / "small.safetensors"
    models.save_weights(small, path, small=True)
    kept = load_file(path)
    great = [name for name, array in kept.items() if array.dtype == np.int8]
    assert great and all(kept[name].size >= 20_000 and np.abs(kept[name]).max() == 127 for name in great)
    twin = models.build("small", seed=9)
    models.load_weights(twin, path)
    for mine, other in zip(twin.get_weights(), small.get_weights(), strict=True):
        step = np.abs(other).reshape(-1, other.shape[-1]).max(0) / 127 if other.size >= 20_000 else np.abs(other) * 2**-10 + 1e-7
        assert (np.abs(mine - other) <= step * 0.501).all()
    np.testing.assert_allclose(models.predict(twin, faces), models.predict(small, faces), atol=0.05)
    save_file({name: array for name, array in kept.items() if name != great[0] + weights.SCALE}, path)
    with pytest.raises(ModelError, match="another network"):
        models.load_weights(twin, path)


def test_weights_of_another_network_or_a_cut_file_change_nothing(small, tmp_path):
    path, other = tmp_path / "w.safetensors", models.build("dnn")
    models.save_weights(small, path)
    with pytest.raises(ModelError, match="another network"):
        models.load_weights(other, path)
    path.write_bytes(path.read_bytes()[:5000])
    twin = models.build("small", seed=9)
    before = twin.get_weights()
    with pytest.raises(ModelError, match="cannot be read"):
        models.load_weights(twin, path)
    assert all(np.array_equal(a, b) for a, b in zip(before, twin.get_weights(), strict=True))


def test_a_plain_twin_learns_alike(small, faces):
    """The same step on Keras' own layers ends in the same gradients and statistics (no dropout)."""
    config = RunConfig.from_preset("quick", dropout_conv=(0, 0, 0, 0), dropout_dense=0)
    ours = models.build("small", config)
    twin, labels = models.plain(ours), np.arange(20) % 7
    targets = tf.constant(smoothed(labels, 0.1))
    results = [gradients.of_loss(model, tf.constant(faces[..., None]), lambda logits: training_loss(logits, targets))
               for model in (ours, twin)]
    for mine, other in zip(results[0][2], results[1][2], strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-2, atol=1e-3 * float(tf.reduce_max(tf.abs(other))) + 1e-6)
    for mine, other in zip(ours.non_trainable_weights, twin.non_trainable_weights, strict=True):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-3, atol=1e-4)


def test_exports_open_without_this_project(small, faces, tmp_path):
    expected, pixels = models.predict_logits(small, faces[:4]), faces[:4, ..., None].astype(np.float32)
    models.export(small, tmp_path / "m.keras", "keras")
    opened = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    assert {type(layer).__module__.split(".")[0] for layer in opened.layers} == {"keras"}
    np.testing.assert_allclose(opened(pixels), expected, rtol=1e-3, atol=1e-3)
    models.export(small, tmp_path / "saved", "saved_model")
    saved = tf.saved_model.load(tmp_path / "saved")
    np.testing.assert_allclose(saved.serve(pixels), expected, rtol=1e-3, atol=1e-3)
    models.export(small, tmp_path / "m.tflite", "tflite")
    lite = tf.lite.Interpreter(str(tmp_path / "m.tflite"))
    lite.allocate_tensors()
    lite.set_tensor(lite.get_input_details()[0]["index"], pixels[:1])
    lite.invoke()
    np.testing.assert_allclose(lite.get_tensor(lite.get_output_details()[0]["index"]), expected[:1], rtol=1e-2, atol=1e-2)
    with pytest.raises(ModelError, match="no such format"):
        models.export(small, tmp_path / "m", "pickle")


def test_pools_that_keep_the_last_row_change_not_a_bit_at_48_pixels(faces):
    """The pools were "valid" once: the same network with such pools gives the same bits."""
    import keras

    ours = models.build("cnn", seed=3)

    def valid(layer):
        settings = layer.get_config()
        return type(layer).from_config(settings | {"padding": "valid"} if "pool" in layer.name else settings)

    before = keras.models.clone_model(ours, clone_function=valid)
    before.set_weights(ours.get_weights())
    pixels = tf.constant(faces[:4, ..., None], tf.float32)
    assert np.array_equal(ours(pixels, training=False), before(pixels, training=False))
    assert np.array_equal(ours(pixels, training=True), before(pixels, training=True))


def test_a_network_for_crops_shares_every_weight_and_ends_in_the_same_dense_part(small):
    crops = models.at_side(small, 40)
    assert all(mine is other for mine, other in zip(crops.weights, small.weights, strict=True))
    assert models.at_side(small, 33)(np.zeros((1, 33, 33, 1), np.float32)).shape == (1, 7)
    assert crops(np.zeros((1, 40, 40, 1), np.float32)).shape == (1, 7)
    assert models.layers(small)[-1].shape == (7,)
