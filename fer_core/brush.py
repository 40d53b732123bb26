"""Hold the parameters of a drawn face and the brush that paints it: soft shapes on OpenCV, in shades of grey.

Coordinates are *face units*: (0, 0) is the middle of the picture, 1.0 half its side, x to the viewer's right, y down. Every stroke is placed in
face units, bent by the pose (turn, nod, roll, size, place) and painted about four times larger than asked for, then scaled down.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Points = NDArray[np.float64]

FEATURES = ("left_eye", "right_eye", "brows", "nose", "mouth")
ACTION_UNITS = (1, 2, 4, 5, 6, 7, 9, 12, 15, 16, 20, 23, 25, 26)
HAIR_STYLES = ("short", "parted", "fringe", "long", "curly", "bun", "bald", "scarf")


@dataclass(frozen=True)
class Person:
    """Say who is drawn; tones are 0 (black) to 1 (white), lengths are factors around 1 unless told."""

    skin: float = 0.66
    hair: float = 0.16
    style: str = "parted"
    width: float = 1.0
    jaw: float = 1.0
    eyes: float = 1.0
    spread: float = 1.0
    iris: float = 0.25
    brows: float = 1.0
    arch: float = 0.0
    nose: float = 1.0
    lips: float = 1.0
    mouth: float = 1.0
    corners: float = 0.0
    age: float = 0.2
    beard: float = 0.0
    moustache: float = 0.0
    glasses: float = 0.0
    freckles: float = 0.0


@dataclass(frozen=True)
class Scene:
    """Say how the person is seen; angles in radians, shifts in face units, light as a direction towards the lamp."""

    roll: float = 0.0
    turn: float = 0.0
    nod: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    gaze: tuple[float, float] = (0.0, 0.0)
    light: tuple[float, float] = (-0.5, -0.5)
    contrast: float = 1.0
    background: float = 0.6
    clothes: float = 0.3
    blur: float = 0.4
    noise: float = 0.015
    grain: int = 0


@dataclass(frozen=True)
class Face:
    """Hold all that `draw` needs; `units` are the strengths 0..1 of ACTION_UNITS, in that order."""

    person: Person = Person()
    scene: Scene = Scene()
    units: tuple[float, ...] = (0.0,) * len(ACTION_UNITS)

    def unit(self, number: int) -> float:
        """Return the strength of the action unit called `number`, for example 12."""
        return self.units[ACTION_UNITS.index(number)]


class Canvas:
    """Paint soft shapes, given in face units, on a square float picture."""

    def __init__(self, side: int, scene: Scene) -> None:
        self.side = side
        self.image: Floats = np.full((side, side), scene.background, np.float32)
        self.half = side / 2
        self.scene = scene
        cos, sin = np.cos(scene.roll) * scene.scale, np.sin(scene.roll) * scene.scale
        self.turned = np.array([[cos, sin], [-sin, cos]])

    def place(self, points: Points) -> Points:
        """Bend face units (k, 2) by the pose into pixels (k, 2): near parts move more than the rim of the head."""
        x, y = points[:, 0], points[:, 1]
        depth = np.clip(1 - (x / 0.85) ** 2 - ((y - 0.1) / 1.15) ** 2, 0, 1)
        bent = np.stack([x + self.scene.turn * depth, y + self.scene.nod * depth], axis=1)
        return np.asarray((bent @ self.turned + np.array(self.scene.shift) + 1) * self.half - 0.5)

    def alpha(self, points: Points, soft: float = 0.0) -> tuple[tuple[slice, slice], Floats]:
        """Return the window that a polygon touches and its cover 0..1 there; `soft` is the blur's sigma in face units."""
        pixels = self.place(points)
        sigma = soft * self.half * self.scene.scale
        margin = int(2.5 * sigma) + 2
        low = np.maximum(np.floor(pixels.min(axis=0)).astype(int) - margin, 0)
        high = np.minimum(np.ceil(pixels.max(axis=0)).astype(int) + margin + 1, self.side)
        size = np.maximum(high - low, 0)
        cover = np.zeros((size[1], size[0]), np.uint8)
        if cover.size:
            cv2.fillPoly(cover, [np.rint((pixels - low) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
            if sigma > 0.4:
                cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.uint8)
        return (slice(low[1], high[1]), slice(low[0], high[0])), cover.astype(np.float32) * np.float32(1 / 255)

    def fill(self, points: Points, tone: float, opacity: float = 1.0, soft: float = 0.0, clip: Floats | None = None) -> None:
        """Cover a polygon with one tone; `clip` (side, side) limits it."""
        window, alpha = self.alpha(points, soft)
        alpha *= np.float32(opacity)
        if clip is not None:
            alpha *= clip[window]
        part = self.image[window]
        part += alpha * (np.float32(tone) - part)

    def tint(self, points: Points, factor: float, soft: float = 0.0, clip: Floats | None = None) -> None:
        """Darken (factor < 1) or lighten (> 1) what a polygon covers."""
        window, alpha = self.alpha(points, soft)
        if clip is not None:
            alpha *= clip[window]
        self.image[window] *= 1 + alpha * np.float32(factor - 1)

    def cover(self, points: Points, soft: float = 0.0) -> Floats:
        """Return a polygon's cover as a whole picture (side, side), to clip with."""
        window, alpha = self.alpha(points, soft)
        whole = np.zeros((self.side, self.side), np.float32)
        whole[window] = alpha
        return whole

    def glow(self, x: float, y: float, radii: tuple[float, float], amount: float) -> None:
        """Lighten (amount > 0) or darken a round soft spot; `radii` are the sigmas of the bell in face units."""
        centre = self.place(np.array([[x, y]]))[0]
        across, down = (max(r * self.half * self.scene.scale, 0.3) for r in radii)
        left, right = max(int(centre[0] - 3 * across), 0), min(int(centre[0] + 3 * across) + 1, self.side)
        top, bottom = max(int(centre[1] - 3 * down), 0), min(int(centre[1] + 3 * down) + 1, self.side)
        if right > left and bottom > top:
            row = np.exp(-0.5 * ((np.arange(left, right) - centre[0]) / across) ** 2)
            column = amount * np.exp(-0.5 * ((np.arange(top, bottom) - centre[1]) / down) ** 2)
            self.image[top:bottom, left:right] *= (1 + column[:, None] * row).astype(np.float32)

    def wrinkle(self, points: Points, width: float, strength: float) -> None:
        """Draw a fold of skin: a soft dark line that fades at both ends with a faint light beside it."""
        if strength > 0.02:
            self.tint(tapered(points + np.array([0, width * 0.9]), width * 0.8), 1 + 0.10 * strength, 0.018)
            self.tint(tapered(points, width), 1 - min(strength, 1.0) * 0.55, 0.012)


def curve(points: Sequence[tuple[float, float]], count: int = 17) -> Points:
    """Return `count` points (count, 2) of the Bezier curve of two to four control points."""
    t = np.linspace(0, 1, count)[:, None]
    level = [np.array([point], float) for point in points]
    while len(level) > 1:
        level = [a + (b - a) * t for a, b in zip(level, level[1:], strict=False)]
    return level[0]


def tapered(line: Points, width: float, start: float = 0.0, end: float = 0.0) -> Points:
    """Return the outline of a stroke along `line` (k, 2), `width` thick in its middle and `start`, `end` of that at its ends."""
    along = np.gradient(line, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / (np.hypot(along[:, 0], along[:, 1])[:, None] + 1e-9)
    t = np.linspace(0, 1, len(line))
    thick = width / 2 * (start * (1 - t) + end * t + (1 - start * (1 - t) - end * t) * np.sin(np.pi * t) ** 0.7)
    return np.concatenate([line + normal * thick[:, None], (line - normal * thick[:, None])[::-1]])


def oval(x: float, y: float, radii: tuple[float, float], count: int = 24) -> Points:
    """Return an ellipse (count, 2)."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([x + radii[0] * np.cos(angle), y + radii[1] * np.sin(angle)], axis=1)
