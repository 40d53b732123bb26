"""The dossier of a unit, a filter or a neuron: what excites it, what it is good for, what happens without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from fer_core import models
from fer_core.data.splits import Split
from fer_core.emotions import EMOTIONS, SIDE
from fer_core.errors import FerError, ModelError
from fer_core.models import compute_lock, gradients, submodels
from fer_core.units.activation_table import Table

Floats = NDArray[np.float32]
CLASSES = len(EMOTIONS)
STRONGEST, HUNDRED, TWINS = 9, 100, 5


@dataclass(frozen=True)
class Peak:
    """Where a unit answers most on a face: the face's index in the split, the answer, the place on the unit's grid, and the patch seen."""

    face: int
    value: float
    row: int
    column: int
    box: tuple[int, int, int, int]
    """Top, left, bottom, right in pixels, the last two not included."""


@dataclass(frozen=True, eq=False)
class Statistics:
    """What a table says of every unit of a layer: arrays (units,)."""

    mean: Floats
    maximum: Floats
    sparsity: Floats
    """0: every face excites it alike; near 1: very few do. Source: Vinje and Gallant 2000, on the positive part of each face's maximum."""
    selectivity: Floats
    """0: all classes excite it alike; 1: one class alone does. Source: Morcos et al. 2018. *Differs:* on the positive part of each face's
    maximum, as the sparsity: the mean over a leaky unit's map is below zero for most units of a late layer."""
    preferred: NDArray[np.int64]
    """The class whose faces excite it most on average, by the same measure."""
    silent: NDArray[np.bool_]
    """Never above zero, or the same on all faces."""


@dataclass(frozen=True, eq=False)
class Dossier:
    """All that is known of one unit without switching it off."""

    layer: str
    unit: int
    strongest: tuple[Peak, ...]
    classes: NDArray[np.int64]
    """Labels of its hundred strongest faces, counted (7,)."""
    mean: float
    maximum: float
    sparsity: float
    selectivity: float
    preferred: int
    silent: bool
    receptive_field: int
    stride: int
    grid: tuple[int, int] | None
    """Rows and columns of its activation map; `None` in a dense layer."""
    weight_norm: float
    twins: tuple[tuple[int, float], ...]
    """Units whose mean answers go with its own, and their correlations, most alike first."""


def statistics(table: Table, layer: str, labels: NDArray[np.int64]) -> Statistics:
    """Describe every unit of a layer by a table; faces without a label (-1) count for no class."""
    maximum, mean = table.maximum(layer), table.mean(layer)
    positive = np.maximum(maximum, 0).astype(np.float64)
    square = (positive**2).mean(0)
    sparsity = 1 - _ratio(positive.mean(0) ** 2, square)
    present = [c for c in range(CLASSES) if (labels == c).any()]
    of_class = np.array([positive[labels == c].mean(0) for c in present] or [0 * square])
    best = of_class.max(0)
    others = (of_class.sum(0) - best) / max(1, len(of_class) - 1)
    silent = (maximum.max(0) <= 0) | ((maximum.max(0) == maximum.min(0)) & (mean.max(0) == mean.min(0)))
    preferred = np.array(present or [0])[of_class.argmax(0)]
    return Statistics(mean.mean(0), maximum.max(0), sparsity.astype(np.float32),
                      _ratio(best - others, best + others).astype(np.float32), preferred, silent)


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    ratio: NDArray[np.float64] = np.divide(part, whole, out=np.zeros(len(part), np.float64), where=whole > 0)
    return ratio


def weight_norms(model: keras.Model, layer: str) -> Floats:
    """Give the length of every unit's own weights (units,); zeros for a layer without a kernel."""
    kernel = getattr(submodels.find(model, submodels.origin(model, layer)), "kernel", None)
    if kernel is None:
        return np.zeros(submodels.units(model, layer), np.float32)
    weights = np.asarray(kernel.numpy(), np.float32)
    lengths: Floats = np.linalg.norm(weights.reshape(-1, weights.shape[-1]), axis=0)
    return lengths


def strongest_faces(table: Table, layer: str, unit: int, k: int = STRONGEST) -> NDArray[np.int64]:
    """Give the indices of the k faces with the strongest answers, strongest first; equals in the order of the split.

    A face to which a hidden unit does not answer above zero is left out, so that there may be fewer; of a logit any answer counts.
    """
    column = np.asarray(table.maximum(layer)[:, unit])
    best = np.lexsort((np.arange(len(column)), -column))[:k]
    return best if layer == table.layers[-1] else best[column[best] > 0]


def twins(table: Table, layer: str, unit: int, k: int = TWINS) -> tuple[tuple[int, float], ...]:
    """Find the units of a layer whose mean answers over the faces correlate most with a unit's, most alike first."""
    mean = np.asarray(table.mean(layer), np.float32)
    mean = mean - mean.mean(0)
    lengths = np.sqrt(np.einsum("ij,ij->j", mean, mean))
    own = mean[:, unit] @ mean
    alike = np.divide(own, lengths * lengths[unit], out=np.full(len(own), -2.0, np.float32), where=lengths * lengths[unit] > 0)
    alike[unit] = -2.0
    return tuple((int(other), float(alike[other])) for other in np.argsort(-alike, kind="stable")[:k] if alike[other] > -2.0)


def activation_maps(model: keras.Model, layer: str, unit: int, images: NDArray[Any]) -> Floats:
    """Give a unit's activation on faces (n, 48, 48): float32 (n, rows, columns), or (n,) in a dense layer."""
    submodels.check_units(model, layer, [unit])
    return submodels.own_maps(model, layer, [unit] * len(images), images)


def patch(facts: models.LayerFacts, row: int, column: int) -> tuple[int, int, int, int]:
    """Give the pixels that a unit sees from a place on its grid, cut by the border: top, left, bottom, right."""
    if not facts.stride:
        return 0, 0, SIDE, SIDE
    low = [round(facts.offset + facts.stride * place - (facts.receptive_field - 1) / 2) for place in (row, column)]
    top, left = (max(0, start) for start in low)
    bottom, right = (min(SIDE, start + facts.receptive_field) for start in low)
    return top, left, bottom, right


def peaks(model: keras.Model, layer: str, unit: int, split: Split, faces: Sequence[int] | NDArray[np.int64]) -> tuple[Peak, ...]:
    """Find where a unit answers most on each of some faces of a split."""
    if not len(faces):
        return ()
    maps = activation_maps(model, layer, unit, split.images[np.asarray(faces, np.int64)])
    [facts] = [facts for facts in models.layers(model) if facts.name == layer]
    found = []
    for face, answers in zip(faces, maps.reshape(len(maps), *(maps.shape[1:] or (1, 1))), strict=True):
        row, column = (int(place) for place in np.unravel_index(answers.argmax(), answers.shape))
        found.append(Peak(int(face), float(answers.max()), row, column, patch(facts, row, column)))
    return tuple(found)


def dossier(model: keras.Model, table: Table, split: Split, layer: str, unit: int) -> Dossier:
    """Write a unit's dossier from the table of the split; only its nine strongest faces pass the network again."""
    everyone = statistics(table, layer, split.labels)
    if not 0 <= unit < len(everyone.mean):
        raise ModelError(f"The layer {layer} has no such unit.", received=unit, expected=f"0 to {len(everyone.mean) - 1}")
    [facts] = [facts for facts in models.layers(model) if facts.name == layer]
    labels = split.labels[strongest_faces(table, layer, unit, HUNDRED)]
    return Dossier(
        layer, unit, peaks(model, layer, unit, split, strongest_faces(table, layer, unit)),
        np.bincount(labels[labels >= 0], minlength=CLASSES), float(everyone.mean[unit]), float(everyone.maximum[unit]),
        float(everyone.sparsity[unit]), float(everyone.selectivity[unit]), int(everyone.preferred[unit]), bool(everyone.silent[unit]),
        facts.receptive_field, facts.stride, (facts.shape[0], facts.shape[1]) if len(facts.shape) == 3 else None,
        float(weight_norms(model, layer)[unit]), twins(table, layer, unit))


@dataclass(frozen=True)
class Excess:
    """A unit that answers more to some faces than to others: both means, and their difference in standard deviations."""

    unit: int
    mean: float
    others: float
    effect: float
    """Cohen's d with the pooled standard deviation. Source: Cohen 1988; 0.2 is small, 0.8 large."""


def over_active(faces: ArrayLike, others: ArrayLike, k: int) -> list[Excess]:
    """Give the k units whose mean answers to `faces` (n, units) exceed those to `others` (m, units) most, by effect size."""
    groups = [np.asarray(answers, np.float64) for answers in (faces, others)]
    sizes = [len(group) for group in groups]
    if min(sizes) < 2:
        raise FerError("Two groups of faces cannot be compared.", received=f"{sizes[0]} and {sizes[1]} faces",
                       expected="at least two each")
    one, two = (group.mean(0) for group in groups)
    pooled = np.sqrt(sum((size - 1) * group.var(0, ddof=1) for size, group in zip(sizes, groups, strict=True)) / (sum(sizes) - 2))
    effect = np.divide(one - two, pooled, out=np.zeros(len(one)), where=pooled > 0)
    best = [int(unit) for unit in np.argsort(-effect, kind="stable")[:k] if effect[unit] > 0]
    return [Excess(unit, float(one[unit]), float(two[unit]), float(effect[unit])) for unit in best]


@dataclass(frozen=True)
class Carrier:
    """A unit that spoke for a decision: what it added to the score (activation x gradient), as a share of all that speaks for it."""

    unit: int
    contribution: float
    share: float
    map: Floats = field(repr=False)
    """Where on its grid, (rows, columns), or () in a dense layer."""


def through_face(model: keras.Model, layer: str, image: ArrayLike, target: int, versus: int | None = None, k: int = 10) -> list[Carrier]:
    """Give the k units of a layer that spoke most for class `target`, or for it rather than `versus`, on one face (48, 48)."""
    if not all(0 <= number < model.output_shape[-1] for number in (target, target if versus is None else versus)):
        raise FerError("There is no such class.", received=f"{target}, {versus}", expected=f"0 to {model.output_shape[-1] - 1}")
    lower, upper = submodels.part(model, layer), _above(model, layer)

    def decided(points: tf.Tensor) -> tf.Tensor:
        logits = tf.cast(upper(points), tf.float32)
        return logits[:, target] - (0.0 if versus is None else logits[:, versus])

    with compute_lock.COMPUTE_LOCK.acquire():
        answers = lower(tf.constant(np.asarray(image, np.float32)[None, :, :, None]), training=False)
        _, slopes = gradients.of_values(decided, answers)
    carried = np.asarray(tf.cast(answers * slopes, tf.float32))[0]
    totals = carried.reshape(-1, carried.shape[-1]).sum(0)
    speaking = float(np.maximum(totals, 0).sum())
    chosen = [int(unit) for unit in np.argsort(-totals, kind="stable")[:k] if totals[unit] > 0]
    return [Carrier(unit, float(totals[unit]), float(totals[unit]) / speaking, carried[..., unit]) for unit in chosen]


def _above(model: keras.Model, layer: str) -> Callable[[tf.Tensor], tf.Tensor]:
    """Give the network above a layer, from the layer's answers to the logits."""
    if model.get_layer(layer).output is model.outputs[0]:
        return lambda points: points
    upper = submodels.part(model, model.layers[-1].name, layer)
    return lambda points: upper(points, training=False)
