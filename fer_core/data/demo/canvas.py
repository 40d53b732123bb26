"""Hold the parameters of a drawn face and the brush that paints it: soft shapes on OpenCV, in shades of grey.

Coordinates are *face units*: (0, 0) is the middle of the picture, 1.0 half its side, x to the viewer's right, y down. Every stroke is
placed in face units, bent by the pose (turn, nod, roll, size, place), painted twice as large as asked for, and scaled down.
Pixels are made by whole numbers and by additions, products and square roots only, which every processor rounds alike: a set drawn on one
machine is the set drawn on another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from math import comb

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Points = NDArray[np.float64]
Shape = Points | list[Points]

FEATURES = ("left_eye", "right_eye", "brows", "nose", "mouth")
ACTION_UNITS = (1, 2, 4, 5, 6, 7, 9, 12, 15, 16, 20, 23, 25, 26)
_NEAREST, _FALL = np.array([0.0, 0.1]), np.array([[1.384], [0.756]])
_MIRROR = np.array([-1.0, 1.0])
_SHARE = np.float32(1 / 255)
HAIR_STYLES = ("short", "swept", "parted", "fringe", "long", "bob", "curly", "bun", "bald", "scarf")


@dataclass(frozen=True)
class Person:
    """Say who is drawn; tones are 0 (black) to 1 (white), lengths are factors around 1 unless told."""

    skin: float = 0.66
    hair: float = 0.16
    style: str = "parted"
    parting: float = 1.0
    width: float = 1.0
    jaw: float = 1.0
    eyes: float = 1.0
    spread: float = 1.0
    iris: float = 0.25
    brows: float = 1.0
    arch: float = 0.0
    frown: float = 0.0
    lids: float = 0.0
    nose: float = 1.0
    lips: float = 1.0
    mouth: float = 1.0
    corners: float = 0.0
    age: float = 0.2
    beard: float = 0.0
    moustache: float = 0.0
    glasses: float = 0.0


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
    blur: float = 0.08
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
        self.steps = np.arange(side, dtype=np.float32)
        self.scene = scene
        cos, sin = np.cos(scene.roll) * scene.scale * self.half, np.sin(scene.roll) * scene.scale * self.half
        self.turned = np.array([[cos, sin], [-sin, cos]])
        self.origin = (np.array(scene.shift) + 1) * self.half - 0.5
        self.rows, self.corner = self.turned.tolist(), self.origin.tolist()
        self.pull = np.array([scene.turn, scene.nod])

    def place(self, points: Points) -> Points:
        """Bend face units (k, 2) by the pose into pixels (k, 2): near parts move more than the rim of the head."""
        away = points - _NEAREST
        away *= away
        depth = 1 - away @ _FALL
        np.maximum(depth, 0, out=depth)
        placed: Points = (points + depth * self.pull) @ self.turned
        placed += self.origin
        return placed

    def alpha(self, shape: Shape, soft: float = 0.0) -> tuple[tuple[slice, slice], Floats]:
        """Return the window that polygons touch and their cover 0..1 there; `soft` is the blur's sigma in face units."""
        parts = [shape] if isinstance(shape, np.ndarray) else shape
        fixed = (self.place(np.concatenate(parts)) * 16 + 0.5).astype(np.int32)
        sigma = soft * self.half * self.scene.scale
        margin = int(2.5 * sigma) + 2
        left, top, wide, high = cv2.boundingRect(fixed)
        x0, x1 = max((left >> 4) - margin, 0), min((left + wide >> 4) + margin + 1, self.side)
        y0, y1 = max((top >> 4) - margin, 0), min((top + high >> 4) + margin + 1, self.side)
        cover = np.zeros((max(y1 - y0, 0), max(x1 - x0, 0)), np.uint8)
        if cover.size:
            fixed[:, 0] -= 16 * x0
            fixed[:, 1] -= 16 * y0
            ends = [0, *accumulate(map(len, parts))]
            cv2.fillPoly(cover, [fixed[a:b] for a, b in pairwise(ends)], 255, cv2.LINE_AA, 4)
            if sigma > 0.45:
                tent = _tent(max(round(2.45 * sigma - 0.8), 1))
                cover = np.asarray(cv2.sepFilter2D(cover, cv2.CV_8U, tent, tent, borderType=cv2.BORDER_REPLICATE), np.uint8)
        return (slice(y0, max(y1, y0)), slice(x0, max(x1, x0))), cover * _SHARE

    def stencil(self, shapes: Sequence[Points]) -> NDArray[np.bool_]:
        """Return which pixels (side, side) the polygons cover by more than two fifths."""
        cover = np.zeros((self.side, self.side), np.uint8)
        for points in shapes:
            cv2.fillPoly(cover, [(self.place(points) * 16 + 0.5).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return cover > 102

    def fill(self, shape: Shape, tone: float, opacity: float = 1.0, soft: float = 0.0, clip: Floats | None = None) -> None:
        """Cover polygons with one tone; `clip` (side, side) limits it."""
        window, alpha = self.alpha(shape, soft)
        alpha *= np.float32(opacity)
        if clip is not None:
            alpha *= clip[window]
        part = self.image[window]
        part += alpha * (np.float32(tone) - part)

    def tint(self, shape: Shape, factor: float, soft: float = 0.0, clip: Floats | None = None) -> None:
        """Darken (factor < 1) or lighten (> 1) what polygons cover."""
        window, alpha = self.alpha(shape, soft)
        if clip is not None:
            alpha *= clip[window]
        self.image[window] *= 1 + alpha * np.float32(factor - 1)

    def cover(self, shape: Shape, soft: float = 0.0) -> Floats:
        """Return the cover of polygons as a whole picture (side, side), to clip with."""
        window, alpha = self.alpha(shape, soft)
        whole = np.zeros((self.side, self.side), np.float32)
        whole[window] = alpha
        return whole

    def glow(self, x: float, y: float, radii: tuple[float, float], amount: float) -> None:
        """Lighten (amount > 0) or darken a round soft spot; `radii` are the sigmas of its bell, (1 - d^2 / 8)^4, in face units."""
        depth = max(1 - x * x * 1.384 - (y - 0.1) ** 2 * 0.756, 0)
        across, down = x + depth * self.scene.turn, y + depth * self.scene.nod
        (xx, xy), (yx, yy) = self.rows
        across, down = across * xx + down * yx + self.corner[0], across * xy + down * yy + self.corner[1]
        wide, high = (max(r * self.half * self.scene.scale, 0.3) for r in radii)
        left, right = max(int(across - 2.8 * wide) + 1, 0), min(int(across + 2.8 * wide) + 1, self.side)
        top, bottom = max(int(down - 2.8 * high) + 1, 0), min(int(down + 2.8 * high) + 1, self.side)
        if amount and right > left and bottom > top:
            row = _bell((self.steps[left:right] - across) * (0.35355 / wide))
            bell = (amount * _bell((self.steps[top:bottom] - down) * (0.35355 / high)))[:, None] * row
            bell += 1
            self.image[top:bottom, left:right] *= bell

    def wrinkle(self, line: Points, width: float, strength: float) -> None:
        """Draw a fold of skin on both sides: a soft dark line that fades at its ends, in large pictures with a faint light beside it."""
        if strength > 0.03:
            if self.side > 200:
                self.tint(both(tapered(line + np.array([0, width * 0.9]), width * 0.8)), 1 + 0.10 * strength, 0.018)
            self.tint(both(tapered(line, width)), 1 - min(strength, 1.0) * 0.55, 0.012)


@lru_cache(maxsize=64)
def steps(count: int) -> Points:
    """Return `count` even steps from 0 to 1 as a column; shared, so never write to it."""
    return np.linspace(0, 1, count)[:, None]


@lru_cache(maxsize=256)
def _taper(count: int, start: float, end: float) -> Points:
    t = steps(count)
    rim = start * (1 - t) + end * t
    return np.asarray(rim + (1 - rim) * np.sin(np.pi * t) ** 0.7) / 2


@lru_cache(maxsize=64)
def _tent(radius: int) -> Floats:
    """Return the kernel (2 radius + 1,) of a stack blur; OpenCV's own `stackBlur` rounds otherwise with another count of threads."""
    rising = np.arange(1, radius + 2, dtype=np.float32)
    return np.asarray(np.concatenate([rising, rising[-2::-1]]) / (radius + 1) ** 2, np.float32)


def _bell(away: Floats) -> Floats:
    near = 1 - away * away
    near *= near
    near *= near
    return near


@lru_cache(maxsize=64)
def _bernstein(controls: int, count: int) -> Points:
    t, degree = steps(count), controls - 1
    return np.concatenate([comb(degree, k) * t**k * (1 - t) ** (degree - k) for k in range(controls)], axis=1)


def curve(points: Sequence[tuple[float, float]], count: int = 13) -> Points:
    """Return `count` points (count, 2) of the Bezier curve of two to four control points."""
    line: Points = _bernstein(len(points), count) @ np.array(points, float)
    return line


def both(shape: Points) -> list[Points]:
    """Return a shape and its mirror image: the viewer's right and left side of a face."""
    return [shape, shape * _MIRROR]


def smooth(points: Points, rounds: int = 2) -> Points:
    """Return an open line (k, 2) with its corners cut, its two ends kept. Source: G. Chaikin, 1974."""
    for _ in range(rounds):
        a, b = points[:-1], points[1:]
        middle = np.stack([0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b], axis=1).reshape(-1, 2)
        points = np.concatenate([points[:1], middle[1:-1], points[-1:]])
    return points


def tapered(line: Points, width: float, start: float = 0.0, end: float = 0.0) -> Points:
    """Return the outline of a stroke along `line` (k, 2), `width` thick in its middle and `start`, `end` of that at its ends."""
    along = np.empty_like(line)
    along[1:-1] = line[2:] - line[:-2]
    along[0], along[-1] = line[1] - line[0], line[-1] - line[-2]
    normal = along[:, ::-1] * _MIRROR
    normal *= _taper(len(line), start, end) * width / (np.sqrt(np.einsum("ij,ij->i", along, along)) + 1e-9)[:, None]
    return np.concatenate([line + normal, (line - normal)[::-1]])


def oval(x: float, y: float, radii: tuple[float, float], count: int = 24) -> Points:
    """Return an ellipse (count, 2)."""
    return _circle(count) * radii + (x, y)


@lru_cache(maxsize=16)
def _circle(count: int) -> Points:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
