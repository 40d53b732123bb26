"""Place the parts of a face for its person and action units: head, eyes, brows, nose, mouth; and the masks of the features."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fer_core.data.demo.canvas import Canvas, Face, Points, curve, tapered

EYE_X, EYE_Y, BROW_Y, MOUTH_Y, CHIN_Y = 0.335, -0.13, -0.36, 0.49, 0.93
SIDES = (-1, 1)
LID, LIP = np.linspace(-1, 1, 13), np.linspace(-1, 1, 21)
HAIRLINES: dict[str, list[tuple[float, float]]] = {
    "short": [
        (-1.0, -0.12), (-0.93, -0.40), (-0.80, -0.66), (-0.4, -0.70), (0, -0.74),
        (0.4, -0.70), (0.80, -0.66), (0.93, -0.40), (1.0, -0.12),
    ],
    "swept": [
        (-1.0, -0.16), (-0.93, -0.44), (-0.84, -0.66), (-0.56, -0.84), (0, -0.76),
        (0.56, -0.84), (0.84, -0.66), (0.93, -0.44), (1.0, -0.16),
    ],
    "parted": [
        (-1.0, -0.10), (-0.92, -0.45), (-0.55, -0.86), (-0.30, -0.80), (0.35, -0.58), (0.75, -0.52), (0.93, -0.30), (1.0, -0.10),
    ],
    "fringe": [
        (-1.0, 0.10), (-0.90, -0.10), (-0.86, -0.50), (-0.45, -0.49), (0, -0.52),
        (0.45, -0.49), (0.86, -0.50), (0.90, -0.10), (1.0, 0.10),
    ],
    "long": [
        (-1.08, 0.95), (-0.94, 0.30), (-0.90, -0.25), (-0.55, -0.62), (0, -0.92),
        (0.55, -0.62), (0.90, -0.25), (0.94, 0.30), (1.08, 0.95),
    ],
    "bob": [
        (-1.10, 0.62), (-0.90, 0.60), (-0.86, 0.10), (-0.86, -0.50), (-0.50, -0.66),
        (0.25, -0.60), (0.84, -0.40), (0.86, 0.10), (0.90, 0.60), (1.10, 0.62),
    ],
    "curly": [
        (-1.0, -0.10), (-0.86, -0.40), (-0.70, -0.62), (-0.35, -0.64), (0, -0.70),
        (0.35, -0.64), (0.70, -0.62), (0.86, -0.40), (1.0, -0.10),
    ],
    "bun": [
        (-1.0, -0.20), (-0.92, -0.50), (-0.55, -0.74), (0, -0.82), (0.55, -0.74), (0.92, -0.50), (1.0, -0.20),
    ],
}
"""The lower edge of the hair, the viewer's left to right: x as a share of the head's half width, y in face units."""
LID, LIP = np.linspace(-1, 1, 13), np.linspace(-1, 1, 21)


@lru_cache(maxsize=16)
def head_outline(face: Face, grow: float = 0.0) -> Points:
    """Return the contour of the head (k, 2): skull, cheekbones, jaw, chin, which drops with the jaw."""
    person, drop = face.person, 0.09 * face.unit(26) + 0.02 * face.unit(25)
    wide, jaw = 0.70 * person.width + grow, 0.50 * person.width * person.jaw + grow
    chin = CHIN_Y + drop + grow
    right = [
        curve([(0, -0.98 - grow), (wide * 0.80, -0.99 - grow), (wide * 0.99, -0.62), (wide, -0.18)], 12),
        curve([(wide, -0.18), (wide * 0.99, 0.25), (jaw * 1.28, 0.50), (jaw, 0.68 + drop * 0.7)], 12)[1:],
        curve([(jaw, 0.68 + drop * 0.7), (jaw * 0.72, chin - 0.03 - grow), (0.22, chin), (0, chin + 0.01)], 10)[1:],
    ]
    half = np.concatenate(right)
    return np.concatenate([half, half[::-1] * np.array([-1, 1])])


@lru_cache(maxsize=16)
def eye_shape(face: Face, side: int) -> tuple[Points, Points, tuple[float, float]]:
    """Return upper lid, lower lid (k, 2 each, inner to outer corner) and the eye's centre."""
    person = face.person
    x, half = side * EYE_X * person.spread, 0.158 * person.eyes
    high = 0.078 * person.eyes * (1 + 0.75 * face.unit(5) - 0.30 * face.unit(7) - 0.28 * face.unit(6) - 0.25 * face.unit(9))
    high *= (1 - 0.16 * face.unit(15)) * (1 + 0.12 * person.lids)
    low = 0.056 * person.eyes * (1 + 0.25 * face.unit(5) - 0.55 * face.unit(7) - 0.75 * face.unit(6) - 0.45 * face.unit(9))
    t = LID
    inner = 0.035 * face.unit(1) * face.unit(15) - 0.02 * face.unit(4)
    slope = -0.012 * t + inner * -(t - 1) * 0.4
    dome = (1 - t**2) ** 0.62
    across = x + side * half * t
    upper = np.stack([across, EYE_Y + slope - high * dome * (1 - 0.10 * t)], axis=1)
    lower = np.stack([across, EYE_Y + slope + max(low, 0.008) * (1 - t**2) ** 0.8], axis=1)
    return upper, lower, (x, EYE_Y)


def eye_area(face: Face, side: int) -> Points:
    """Return the outline of an eye with its lids, a little larger than the opening."""
    upper, lower, centre = eye_shape(face, side)
    ring = np.concatenate([upper, lower[::-1]])
    return np.asarray((ring - centre) * np.array([1.12, 1.25]) + centre)


@lru_cache(maxsize=16)
def brow_line(face: Face, side: int) -> Points:
    """Return the middle line of a brow (k, 2), inner to outer end."""
    person = face.person
    up1, up2, down = face.unit(1), face.unit(2), face.unit(4)
    inner_x = 0.155 * person.spread - 0.040 * down
    inner = -0.115 * up1 + 0.115 * down + 0.05 * face.unit(9) + 0.03 * person.frown
    middle = -0.045 * up1 - 0.10 * up2 + 0.050 * down + 0.02 * face.unit(9) - 0.03 * person.arch
    outer = 0.02 * up1 - 0.085 * up2 + 0.005 * down
    if up1 > 0.1 and down > 0.1:
        inner -= 0.05 * min(up1, down)
    arch, end = (0.33 * person.spread, BROW_Y - 0.055 + middle * 1.25), (0.54 * person.spread, BROW_Y + 0.035 + outer)
    return np.asarray(curve([(inner_x, BROW_Y + inner), arch, end], 15) * np.array([side, 1]))


def nose_area(face: Face) -> Points:
    """Return the outline of the nose from its bridge to its wings."""
    wide, up = 0.15 * face.person.nose, 0.035 * face.unit(9)
    half = np.array([[0.07, EYE_Y + 0.02], [0.08, 0.05], [wide + 0.03, 0.20 - up], [wide, 0.30 - up], [0.0, 0.335 - up]])
    return np.concatenate([half, half[::-1] * np.array([-1, 1])])


@lru_cache(maxsize=16)
def mouth_shape(face: Face) -> dict[str, Points]:
    """Return the four lines of the lips, left to right: top, inner upper, inner lower, bottom (k, 2 each)."""
    person, u = face.person, face.unit
    half = 0.250 * person.mouth * (1 + 0.34 * u(12) + 0.30 * u(20) - 0.16 * u(23) - 0.08 * u(15) - 0.16 * u(26) * (1 - u(20)))
    corner = -0.012 - 0.150 * u(12) + 0.110 * u(15) + 0.03 * u(20) - 0.015 * u(9) + 0.03 * person.corners
    t = LIP
    y = MOUTH_Y + 0.03 * u(12) - 0.02 * u(15) - 0.025 * u(9) + corner * np.abs(t) ** 1.7
    dome = (1 - t**2) ** 0.7
    part = 0.030 * u(25) + 0.250 * u(26) + 0.022 * u(16) + 0.085 * u(25) * u(12)
    inner_up = y - part * 0.30 * dome - 0.02 * u(9) * dome
    inner_low = y + part * 0.95 * dome + 0.012 * u(16) * dome
    thin = 1 - 0.55 * u(23) - 0.20 * u(12) - 0.12 * u(20)
    bow = 1 - 0.30 * np.exp(-((t / 0.14) ** 2))
    top = inner_up - 0.062 * person.lips * thin * (1 - t**2) ** 0.85 * bow
    bottom = inner_low + 0.078 * person.lips * thin * (1 + 0.25 * u(16)) * (1 - t**2) ** 0.75
    lines = {"top": top, "inner_up": inner_up, "inner_low": inner_low, "bottom": bottom}
    return {name: np.stack([half * t, line], axis=1) for name, line in lines.items()}


def mouth_area(face: Face) -> Points:
    """Return the outline of the mouth with both lips."""
    lines = mouth_shape(face)
    return np.concatenate([lines["top"] - np.array([0, 0.012]), lines["bottom"][::-1] + np.array([0, 0.012])])


def masks(face: Face, size: int = 48) -> NDArray[np.bool_]:
    """Return bool (5, size, size), in the order FEATURES, where left means the viewer's left."""
    canvas = Canvas(size, face.scene)
    brows = [tapered(brow_line(face, side), 0.12 * face.person.brows, 0.9, 0.5) for side in SIDES]
    parts = ([eye_area(face, -1)], [eye_area(face, 1)], brows, [nose_area(face)], [mouth_area(face)])
    return np.stack([canvas.stencil(shapes) for shapes in parts])
