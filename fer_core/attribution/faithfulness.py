"""Tests of a map: does the network lean on what the map marks, and does the map depend on what the network has learned?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Unpack

import keras
import numpy as np
from numpy.typing import ArrayLike

from fer_core import models
from fer_core.attribution.explanation import Knobs, explain
from fer_core.attribution.region_occlusion import blurred
from fer_core.attribution.task import Floats
from fer_core.errors import FerError
from fer_core.messages import Sentence
from fer_core.models import gradients

STEPS = 12
"""Steps in which a face is deleted or inserted, of equally many pixels each."""
RANDOMS = 40
"""Random maps that a map is held against."""
BEATEN = (0.8, 0.95)
"""Shares of the random maps: a map that beats fewer fails, one that beats more passes."""
ALIKE = (0.5, 0.65)
"""Rank correlations after the randomisation: a map below passes, one above fails."""


@dataclass(frozen=True, eq=False)
class Curves:
    """The score of one face while its pixels are deleted, or inserted, in the order of the map: the strongest for the class first.

    The score is the probability of the class or, in a contrast, p / (p + q). Curves are float32 (steps + 1,), those of the random maps
    (randoms, steps + 1).
    """

    deletion: Floats
    insertion: Floats
    random_deletion: Floats
    random_insertion: Floats

    @property
    def value(self) -> float:
        """Area under the insertion curve minus that under the deletion curve: -1 to 1, higher is better."""
        return float(_area(self.insertion) - _area(self.deletion))

    @property
    def random_values(self) -> Floats:
        """Give `value` of every random map: (randoms,)."""
        return np.asarray(_area(self.random_insertion) - _area(self.random_deletion), np.float32)

    @property
    def beaten(self) -> float:
        """Share of the random maps that are worse than this one."""
        return float(np.mean(self.random_values < self.value))


def _area(curves: Floats) -> Any:
    return np.trapezoid(curves, dx=1 / (curves.shape[-1] - 1), axis=-1)


def curves(model: keras.Model, image: ArrayLike, saliency: ArrayLike, target: int, *, versus: int | None = None, by_size: bool = False,
           steps: int = STEPS, randoms: int = RANDOMS, seed: int = 0, beat: Callable[[float], object] = lambda share: None) -> Curves:
    """Delete a face (48, 48) pixel by pixel into its mean grey in the order of a map (48, 48), and insert it into its own blur.

    A random map is the map itself, mirrored or not and moved in a circle to a random place: it has the same grain, so that it is the
    places that are tested and not the smoothness. `by_size` takes the largest |map| first, whatever its sign: for the methods whose
    `Method.sensitivity` is set. Source: Petsiuk et al. 2018, with their two grounds. *Differs:* the random maps.
    """
    face, own = np.asarray(image, np.float32), np.asarray(saliency, np.float32)
    if face.ndim != 2 or own.shape != face.shape:
        raise FerError("The map does not fit the face.", received=f"a map {own.shape} for a face {face.shape}")
    random, own = np.random.default_rng(seed), np.abs(own) if by_size else own
    maps = [own, *(_moved(own, random) for _ in range(randoms))]
    hidden = np.stack([_hidden(one, steps) for one in maps])
    points = np.concatenate([np.where(hidden, face.mean(), face), np.where(hidden, face, blurred(face))], axis=1).reshape(-1, *face.shape)
    table = _chances(model, points, target, versus, beat).reshape(len(maps), -1)
    return Curves(table[0, : steps + 1], table[0, steps + 1 :], table[1:, : steps + 1], table[1:, steps + 1 :])


def _moved(own: Floats, random: np.random.Generator) -> Floats:
    mirrored = own[:, ::-1] if random.random() < 0.5 else own
    shift = random.integers(own.shape[0] // 6, own.shape[0] - own.shape[0] // 6, 2)
    return np.roll(mirrored, tuple(map(int, shift)), axis=(0, 1))


def _hidden(one: Floats, steps: int) -> Any:
    """Give the pixels deleted at each step: bool (steps + 1, h, w), none to all."""
    ranks = np.empty(one.size, np.int64)
    ranks[np.argsort(-one, axis=None, kind="stable")] = np.arange(one.size)
    ends = np.linspace(0, one.size, steps + 1).round()
    return ranks.reshape(one.shape) < ends[:, None, None]


def _chances(model: keras.Model, points: Floats, target: int, versus: int | None, beat: Callable[[float], object]) -> Floats:
    table = gradients.map_in_chunks(lambda part: models.predict(model, part, batch=gradients.CHUNK), points, beat)
    chance = table[:, target]
    return chance if versus is None else chance / np.maximum(chance + table[:, versus], np.float32(1e-12))


@dataclass(frozen=True, eq=False)
class Randomisation:
    """What is left of maps when the network forgets, layer by layer from the last."""

    layers: tuple[str, ...]
    """The layer that was randomised at each stage, on top of those before it."""
    correlation: Floats
    """Rank correlation of |map| with the |map| of the trained network, (stages, n); NaN for a map without any structure."""
    head: int
    """Stages after which all layers above the last convolution are random (without a convolution: all layers)."""

    @property
    def left(self) -> Floats:
        """Give the correlation when the head is random: the network then answers by chance. (n,)."""
        return np.asarray(self.correlation[self.head - 1], np.float32)


def randomisation(model: keras.Model, images: ArrayLike, method: str, target: ArrayLike, *, versus: ArrayLike | None = None,
                  **knobs: Unpack[Knobs]) -> Randomisation:
    """Explain again while the layers with weights are randomised one after the other, the last first.

    The given network is left as it is: a copy, made once and kept with it, forgets. Source: Adebayo et al. 2018. *Differs:* a layer's
    weights are shuffled, not drawn anew, so that they keep their size.
    """
    tell = knobs.get("progress")
    stages = 1 + sum(any(len(weight.shape) > 1 for weight in layer.weights) for layer in model.layers)

    def ranks(network: keras.Model, stage: int) -> Floats:
        if tell is not None:
            knobs["progress"] = lambda share: tell((stage + share) / stages)
        return _ranks(explain(network, images, method, target, versus=versus, **knobs))

    first = ranks(model, 0)
    forgetful = _copy(model)
    random = np.random.default_rng(knobs.get("seed", 0))
    names, rows = [], []
    layers = [layer for layer in forgetful.layers if layer.weights]
    for layer in reversed(layers):
        layer.set_weights([random.permutation(weight.ravel()).reshape(weight.shape) for weight in layer.get_weights()])
        if any(weight.ndim > 1 for weight in layer.get_weights()):
            names.append(layer.name)
            rows.append(_correlation(first, ranks(forgetful, len(names))))
    dense = [isinstance(forgetful.get_layer(name), keras.layers.Dense) for name in names]
    return Randomisation(tuple(names), np.stack(rows), dense.index(False) if False in dense[1:] else len(names))


def _copy(model: keras.Model) -> keras.Model:
    """Give the network's own copy, with its weights."""
    known = model.__dict__.setdefault("_compiled_gradients", {})
    if "copy" not in known:
        known["copy"] = keras.models.clone_model(model)
    known["copy"].set_weights(model.get_weights())
    copy: keras.Model = known["copy"]
    return copy


def _ranks(maps: Floats) -> Floats:
    """Rank |map| within each face, equal values sharing a rank: (n, h x w)."""
    rows = []
    for sizes in np.abs(maps).reshape(len(maps), -1):
        _, place, count = np.unique(sizes, return_inverse=True, return_counts=True)
        rows.append((np.cumsum(count) - (count - 1) / 2)[place])
    return np.array(rows, np.float32).reshape(len(maps), -1)


def _correlation(first: Floats, second: Floats) -> Floats:
    a, b = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in (first, second))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return np.asarray(found, np.float32)


@dataclass(frozen=True)
class Verdict:
    """Whether a map may be trusted: one that fails is greyed, with the reason; one between is shown, and told to be undecided."""

    outcome: Literal["passes", "undecided", "fails"]
    reason: str
    rule: str

    @property
    def passed(self) -> bool:
        """Whether it passes."""
        return self.outcome == "passes"

    @property
    def failed(self) -> bool:
        """Whether it fails."""
        return self.outcome == "fails"


RULE = Sentence(
    "A map passes when it beats {high:.0%} of the random maps of the same grain (area under the insertion curve minus that under "
    "the deletion curve), and its rank correlation with the map of the same network with a shuffled head is below {apart}. It "
    "fails when it beats fewer than {low:.0%}, or the correlation is {alike} or more. Between, it is undecided: other random "
    "maps might turn it.", high=BEATEN[1], apart=ALIKE[0], low=BEATEN[0], alike=ALIKE[1])


def verdict(found: Curves, forgotten: float | None = None) -> Verdict:
    """Judge a map by its curves and, where it was tested, by the correlation left after the randomisation."""
    if not np.isfinite(found.value) or np.ptp(found.random_values) == 0 == found.value:
        return Verdict("fails", "This map fails: it is blank or the network's answer never moves, so nothing can be tested.", RULE)
    told: dict[str, list[str]] = {"fails": [], "undecided": [], "passes": []}
    share = Sentence("it beats {share:.0%} of {n} random maps", share=found.beaten, n=len(found.random_values))
    if found.beaten >= BEATEN[1]:
        told["passes"].append(share)
    elif found.beaten >= BEATEN[0]:
        told["undecided"].append(share)
    else:
        told["fails"].append(
            Sentence("it leads to what moves the network hardly better than the same map in a wrong place: {share}", share=share))
    if forgotten is not None and not np.isnan(forgotten):
        if forgotten < ALIKE[0]:
            told["passes"].append(
                Sentence("it changes when the network's head is random (rank correlation {left:.2f})", left=forgotten))
        elif forgotten < ALIKE[1]:
            told["undecided"].append(
                Sentence("it partly stays when the network's head is random (rank correlation {left:.2f})", left=forgotten))
        else:
            told["fails"].append(
                Sentence("it looks much the same when the network's head is random (rank correlation {left:.2f})", left=forgotten))
    outcome: Literal["passes", "undecided", "fails"] = "fails" if told["fails"] else "undecided" if told["undecided"] else "passes"
    begin = {"passes": "This map passes", "undecided": "This map is undecided", "fails": "This map fails"}[outcome]
    first, *more = told[outcome]
    if more:
        return Verdict(outcome, Sentence("{verdict}: {reason}; and {more}.", verdict=begin, reason=first, more=more[0]), RULE)
    return Verdict(outcome, Sentence("{verdict}: {reason}.", verdict=begin, reason=first), RULE)
