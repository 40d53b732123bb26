"""The embedded data set: drawn faces in FER2013's form, with known action units and masks of the features.

Imbalance and ambiguity follow the real set: Disgust is rare, weak Sad looks like Neutral, weak Disgust like Angry, some labels are wrong.
Source: P. Ekman, W. V. Friesen, Facial Action Coding System, 1978 (the units of each emotion); class shares: FER2013.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_core.data.demo.anatomy import masks
from fer_core.data.demo.canvas import ACTION_UNITS, FEATURES, Face, Person, Scene
from fer_core.data.demo.renderer import draw
from fer_core.emotions import EMOTIONS, SIDE
from fer_core.errors import ConfigError

__all__ = ["ACTION_UNITS", "EMOTION_UNITS", "FEATURES", "SHARES", "DemoFaces", "draw", "face_at", "make", "masks"]

EMOTION_UNITS: dict[str, tuple[int, ...]] = {
    "angry": (4, 5, 7, 23), "disgust": (9, 15, 16), "fear": (1, 2, 4, 5, 20, 26), "happy": (6, 12),
    "sad": (1, 4, 15), "surprise": (1, 2, 5, 26), "neutral": (),
}
"""The facial action units that each emotion shows; strong Happy, Fear, Surprise and Disgust part the lips as well (unit 25)."""

SHARES = np.array([0.139, 0.016, 0.142, 0.250, 0.169, 0.111, 0.173])
"""Share of each class number among the drawn emotions, after FER2013."""

WRONG = 0.04
"""Share of faces whose given label is not the drawn emotion."""

MISTAKEN = ((1, 2, 4, 6), (0, 4), (4, 5, 0), (6, 5), (6, 2, 0), (2, 3), (4, 0, 3))
"""For each class number, the classes that a hurried annotator writes instead, likeliest first."""

HIS = ("short", "swept", "parted", "curly", "bald", "swept")
HERS = ("long", "fringe", "bun", "curly", "bob", "parted", "long", "scarf")

GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class DemoFaces:
    """Hold n drawn faces and all that is known about them.

    images: uint8 (n, 48, 48). labels: int64 (n,), as given, a few wrong. truth: int64 (n,), the emotion drawn.
    intensity: float32 (n,), 0 to 1, 0 for Neutral. units: bool (n, 14), the action units drawn, in the order ACTION_UNITS.
    masks: bool (n, 5, 48, 48) in the order FEATURES; left_eye is the eye on the viewer's left.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    truth: NDArray[np.int64]
    intensity: NDArray[np.float32]
    masks: NDArray[np.bool_]
    units: NDArray[np.bool_]


def make(n: int = 3500, seed: int = 0) -> DemoFaces:
    """Draw `n` faces; face i depends on (seed, i) only, so a larger set begins with the smaller one."""
    if n < 1 or seed < 0:
        raise ConfigError("The demo set cannot be drawn.", received=f"n={n}, seed={seed}", expected="n from 1 and seed from 0 on")
    images = np.empty((n, SIDE, SIDE), np.uint8)
    areas = np.empty((n, len(FEATURES), SIDE, SIDE), bool)
    labels, truth = np.empty(n, np.int64), np.empty(n, np.int64)
    intensity, units = np.empty(n, np.float32), np.empty((n, len(ACTION_UNITS)), bool)
    for i in range(n):
        face, truth[i], labels[i], intensity[i] = face_at(seed, i)
        images[i], areas[i] = draw(face), masks(face)
        units[i] = np.array(face.units) > 0.05
    return DemoFaces(images, labels, truth, intensity, areas, units)


def face_at(seed: int, index: int) -> tuple[Face, int, int, float]:
    """Return face `index` of the set called `seed`: its parameters, the drawn emotion, the given label and the intensity."""
    rng = np.random.default_rng([seed, index])
    start = float(np.random.default_rng([seed, 2**31]).random())
    place = (start + index * GOLDEN) % 1.0
    truth = min(int(np.searchsorted(np.cumsum(SHARES), place, side="right")), len(EMOTIONS) - 1)
    intensity = 0.0 if EMOTIONS[truth] == "neutral" else float(0.08 + 0.92 * rng.beta(1.5, 1.6))
    label = truth
    if rng.random() < WRONG:
        options = MISTAKEN[truth]
        label = options[min(int(rng.exponential(1.0)), len(options) - 1)]
    face = Face(_person(rng), _scene(rng), _units(rng, EMOTIONS[truth], intensity))
    return face, truth, label, intensity


def _units(rng: np.random.Generator, emotion: str, intensity: float) -> tuple[float, ...]:
    """Draw the strengths of the action units: each follows the intensity in its own way."""
    strength = dict.fromkeys(ACTION_UNITS, 0.0)
    ways = rng.uniform(0.45, 1.25, len(ACTION_UNITS))
    for unit, way in zip(ACTION_UNITS, ways, strict=True):
        if unit in EMOTION_UNITS[emotion]:
            strength[unit] = intensity * way
    laugh = rng.random()
    if emotion == "happy" and laugh < 0.65:
        strength[25] = intensity * (0.4 + 0.6 * laugh / 0.65)
    elif emotion in ("fear", "surprise", "disgust"):
        strength[25] = intensity * 0.5
    if emotion == "fear":
        strength[26] *= 0.55
    return tuple(float(min(max(value, 0.0), 1.0)) for value in strength.values())


def _person(rng: np.random.Generator) -> Person:
    """Draw a person."""
    skin = float(rng.uniform(0.44, 0.90))
    man = rng.random() < 0.5
    old = float(rng.beta(1.2, 2.2))
    hair = float(rng.uniform(0.08, 0.30) if rng.random() < 0.72 else rng.uniform(0.35, 0.62))
    if old > 0.6:
        hair = float(rng.uniform(0.55, 0.85))
    if skin < 0.5:
        hair = min(hair, 0.16) if old < 0.6 else hair
    styles = HIS if man else HERS
    hairy = man and rng.random() < 0.35
    return Person(
        skin=skin, hair=hair, style=styles[int(rng.integers(len(styles)))], parting=1.0 if rng.random() < 0.5 else -1.0,
        width=float(rng.normal(1.0 if man else 0.96, 0.045)), jaw=float(rng.normal(1.07 if man else 0.92, 0.09)),
        eyes=float(rng.normal(1.10 if man else 1.20, 0.07)), spread=float(rng.normal(1.0, 0.035)), iris=float(rng.uniform(0.14, 0.45)),
        brows=float(rng.normal(1.15 if man else 0.85, 0.12)), arch=float(rng.normal(0.0 if man else 0.5, 0.5)),
        nose=float(rng.normal(1.06 if man else 0.94, 0.10)), lips=float(rng.normal(0.92 if man else 1.1, 0.13)),
        mouth=float(rng.normal(1.0, 0.06)), corners=float(rng.normal(0.0, 0.65)), age=old,
        frown=float(rng.normal(0.0, 0.5)), lids=float(rng.normal(0.0, 0.6)),
        beard=float(rng.uniform(0.35, 0.9)) if hairy else 0.0,
        moustache=float(rng.uniform(0.4, 0.9)) if man and rng.random() < 0.3 else 0.0,
        glasses=float(rng.random() < 0.16),
    )


def _scene(rng: np.random.Generator) -> Scene:
    """Draw how the person is seen."""
    side = -1.0 if rng.random() < 0.6 else 1.0
    return Scene(
        roll=float(rng.normal(0, 0.09)), turn=float(rng.normal(0, 0.075)), nod=float(rng.normal(0, 0.04)),
        scale=float(rng.normal(1.05, 0.055)),
        shift=(float(rng.normal(0, 0.04)), float(rng.normal(0.02, 0.035))), gaze=(float(rng.normal(0, 0.6)), float(rng.normal(0, 0.4))),
        light=(side * float(rng.uniform(0.15, 0.85)), float(rng.uniform(-0.7, -0.1))), contrast=float(rng.uniform(0.85, 1.2)),
        background=float(rng.uniform(0.12, 0.92)), clothes=float(rng.uniform(0.08, 0.85)), blur=float(rng.uniform(0.03, 0.18)),
        noise=float(rng.uniform(0.005, 0.017)), grain=int(rng.integers(2**31)),
    )
