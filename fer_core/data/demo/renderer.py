"""Draw a face from its parameters: head, hair, eyes, brows, nose, mouth, folds, glasses, light and camera."""

import math

import numpy as np
from numpy.typing import NDArray

from fer_core.data.demo.anatomy import (
    BROW_Y,
    CHIN_Y,
    EYE_X,
    EYE_Y,
    HAIRLINES,
    SIDES,
    brow_line,
    eye_shape,
    head_outline,
    mouth_shape,
)
from fer_core.data.demo.canvas import Canvas, Face, Points, both, curve, oval, smooth, tapered


def draw(face: Face, size: int = 48) -> NDArray[np.uint8]:
    """Return the face as uint8 (size, size); the same face at every size but for the camera's grain."""
    canvas = Canvas(2 * size, face.scene)
    backdrop(canvas, face)
    head(canvas, face)
    cheeks(canvas, face)
    nose(canvas, face)
    eyes(canvas, face)
    mouth(canvas, face)
    folds(canvas, face)
    beard(canvas, face)
    brows(canvas, face)
    glasses(canvas, face)
    hair(canvas, face)
    light(canvas, face)
    return photograph(canvas, face, size)


def photograph(canvas: Canvas, face: Face, size: int) -> NDArray[np.uint8]:
    """Scale a painting down and add what a camera adds: a soft lens, contrast, grain."""
    scene, small = face.scene, canvas.image
    small = small[::2] + small[1::2]
    small = (small[:, ::2] + small[:, 1::2]) * np.float32(0.25)
    for _ in range(2):
        wide = np.concatenate([small[:1], small, small[-1:]])
        small = (small + (wide[:-2] + wide[2:]) * np.float32(scene.blur)).T * np.float32(1 / (1 + 2 * scene.blur))
    grain = np.random.default_rng(scene.grain).standard_normal((size, size), np.float32)
    small = (small - np.float32(0.5)) * np.float32(scene.contrast) + np.float32(0.5) + grain * np.float32(scene.noise)
    return np.clip(np.rint(small * 255), 0, 255).astype(np.uint8)


def light(canvas: Canvas, face: Face) -> None:
    """Light the whole picture as a ball under one soft lamp."""
    steps = (np.arange(canvas.side, dtype=np.float32) + 0.5) / canvas.half - 1
    x = (steps - face.scene.shift[0]) / 1.15
    y = (steps - face.scene.shift[1])[:, None] / 1.45
    depth = np.sqrt(np.maximum(1 - x * x - y * y, 0.04))
    across, down = face.scene.light
    depth *= 0.85
    depth += across * x + down * y
    np.maximum(depth, 0, out=depth)
    depth *= 0.66 / math.sqrt(across * across + down * down + 0.85**2)
    depth += 0.48
    canvas.image *= depth


def backdrop(canvas: Canvas, face: Face) -> None:
    """Paint what lies behind the head: a soft background, hair that falls behind, neck and shoulders."""
    person, scene = face.person, face.scene
    canvas.glow(-0.6 if scene.light[0] < 0 else 0.6, -0.5, (0.9, 0.9), 0.15)
    if person.style == "long":
        canvas.fill(_veil([(0.90, 1.4), (0.88, 0.6), (0.82, -0.4), (0.6, -1.0), (0, -1.2)]), person.hair * 0.75, soft=0.02)
    elif person.style == "curly":
        for angle in np.linspace(-2.4, 2.4, 15):
            canvas.fill(oval(0.80 * np.sin(angle), -0.35 - 0.72 * np.cos(angle), (0.24, 0.24), 14), person.hair, soft=0.01)
    elif person.style == "bob":
        canvas.fill(_veil([(0.84, 0.70), (0.93, 0.50), (0.94, 0.0), (0.84, -0.55), (0.6, -1.0)]), person.hair * 0.75, soft=0.02)
    elif person.style == "bun":
        canvas.fill(oval(0, -1.12, (0.3, 0.26)), person.hair, soft=0.01)
    canvas.fill(np.array([[-1.6, 1.6], [-1.3, 1.18], [-0.5, 0.98], [0.5, 0.98], [1.3, 1.18], [1.6, 1.6]]), scene.clothes, soft=0.01)
    canvas.fill(np.array([[-0.37, 0.5], [0.37, 0.5], [0.40, 1.0], [0, 1.25], [-0.40, 1.0]]), person.skin * 0.66, soft=0.015)
    if person.style not in ("long", "bob", "scarf", "curly"):
        wide = person.width
        canvas.fill(both(oval(0.72 * wide, -0.02, (0.10, 0.19))), person.skin * 0.86, soft=0.006)
        canvas.tint(both(oval(0.735 * wide, -0.03, (0.045, 0.11))), 0.72, 0.02)


def _veil(half: list[tuple[float, float]]) -> Points:
    right = np.array(half)
    return smooth(np.concatenate([right, right[::-1] * np.array([-1, 1])]))


def head(canvas: Canvas, face: Face) -> None:
    """Paint the skin and model it: brow ridge, eye sockets, temples, cheekbones, jaw."""
    person = face.person
    outline = head_outline(face)
    canvas.fill(outline, person.skin, soft=0.006)
    inside = canvas.cover(outline, 0.006)
    rim = canvas.cover(head_outline(face, -0.13), 0.10)
    canvas.image *= 1 - 0.34 * inside * (1 - rim)
    canvas.glow(0, -0.62, (0.34, 0.16), 0.10)
    for side in SIDES:
        canvas.glow(side * 0.42, 0.14, (0.15, 0.11), 0.12)
        canvas.glow(side * EYE_X * person.spread, EYE_Y - 0.03, (0.17, 0.10), -0.20)
        canvas.glow(side * 0.17, EYE_Y - 0.02, (0.06, 0.10), -0.14)
        canvas.glow(side * 0.47, 0.48, (0.12, 0.16), -0.08)
    canvas.glow(0, CHIN_Y - 0.11 + 0.08 * face.unit(26), (0.13, 0.07), 0.12)


def cheeks(canvas: Canvas, face: Face) -> None:
    """Raise the cheeks with units 6 and 12, hollow them with 15 and 20."""
    lift = 0.7 * face.unit(6) + 0.3 * face.unit(12)
    for side in SIDES:
        canvas.glow(side * 0.42, 0.15, (0.13, 0.085), 0.20 * lift)
        canvas.glow(side * 0.44, 0.31, (0.12, 0.05), -0.12 * lift)
        canvas.glow(side * 0.40, 0.40, (0.07, 0.11), -0.10 * max(face.unit(15), face.unit(20)))


def eyes(canvas: Canvas, face: Face) -> None:
    """Paint the eyes: white, iris, pupil, catchlight, the lid's shadow, lashes, crease."""
    person, scene = face.person, face.scene
    upper, lower, (x, y) = eye_shape(face, 1)
    openings = both(np.concatenate([upper, lower[::-1]]))
    clip = canvas.cover(openings, 0.004)
    canvas.fill(openings, 0.60 + 0.30 * person.skin, soft=0.004)
    gaze = [(side * x + 0.03 * scene.gaze[0], y - 0.008 + 0.02 * scene.gaze[1]) for side in SIDES]
    radius = 0.080 * person.eyes**0.5
    lamp = -1 if scene.light[0] < 0 else 1
    canvas.fill([oval(x, y, (radius, radius)) for x, y in gaze], person.iris * 0.45, soft=0.006, clip=clip)
    canvas.fill([oval(x, y + 0.008, (radius * 0.80, radius * 0.78)) for x, y in gaze], person.iris, soft=0.012, clip=clip)
    canvas.fill([oval(x, y, (radius * 0.46, radius * 0.46)) for x, y in gaze], 0.03, soft=0.005, clip=clip)
    canvas.tint(both(tapered(upper + np.array([0, 0.018]), 0.05)), 0.55, 0.015, clip=clip)
    canvas.fill([oval(x + lamp * 0.028, y - 0.028, (0.025, 0.025), 12) for x, y in gaze], 1.2, soft=0.003, clip=clip)
    lash = np.concatenate([upper, upper[-1:] + np.array([[0.018, -0.004]])])
    canvas.fill(both(tapered(lash, 0.036, 0.3, 0.5)), min(person.hair, 0.25) * 0.5, 0.9, 0.004)
    canvas.tint(both(tapered(lower, 0.016)), 0.62, 0.006)
    canvas.tint(both(tapered(upper + np.array([0, -0.040 - 0.012 * face.unit(5)]), 0.018)), 0.66, 0.008)
    bag = lower + np.array([0, 0.055 - 0.015 * face.unit(6)])
    canvas.wrinkle(bag, 0.016, 0.20 + 0.28 * person.age + 0.30 * max(face.unit(6), face.unit(7), face.unit(9)))


def brows(canvas: Canvas, face: Face) -> None:
    """Paint the brows as two tapered strokes each: a soft wide one and a denser narrow one."""
    person = face.person
    line = brow_line(face, 1)
    dark = person.hair * 0.7 + 0.04 if person.hair < 0.5 else person.hair * 0.62
    canvas.fill(both(tapered(line, 0.082 * person.brows, 0.75, 0.1)), dark, 0.55, 0.016)
    canvas.fill(both(tapered(line, 0.058 * person.brows, 0.7, 0.1)), dark, 0.80, 0.007)


def nose(canvas: Canvas, face: Face) -> None:
    """Paint the nose by its shadows and lights; unit 9 lifts and widens its wings."""
    person = face.person
    lamp = -1 if face.scene.light[0] < 0 else 1
    up, wide = 0.035 * face.unit(9), 0.125 * person.nose * (1 + 0.12 * face.unit(9) + 0.08 * face.unit(12))
    shade = curve([(-lamp * 0.10, EYE_Y - 0.10), (-lamp * 0.05, 0.02), (-lamp * wide * 1.1, 0.20 - up)])
    canvas.tint(tapered(shade, 0.12, 0.4, 0.9), 0.80, 0.03)
    canvas.tint(tapered(shade * np.array([-1, 1]), 0.09, 0.4, 0.8), 0.90, 0.03)
    canvas.tint(tapered(curve([(lamp * 0.01, -0.18), (lamp * 0.012, 0.18 - up)]), 0.075, 0.5, 1.0), 1.16, 0.022)
    canvas.glow(lamp * 0.015, 0.20 - up, (0.055, 0.045), 0.20)
    canvas.glow(0, 0.335 - up, (0.10 * person.nose, 0.030), -0.20)
    canvas.tint(both(oval(wide * 0.52, 0.275 - up, (0.040, 0.020), 12)), 0.42, 0.010)
    wing = curve([(wide * 0.95, 0.17 - up), (wide * 1.30, 0.24 - up), (wide * 0.90, 0.295 - up)], 9)
    canvas.tint(both(tapered(wing, 0.026)), 0.70, 0.011)
    canvas.glow(0, 0.385, (0.03, 0.035), -0.10)


def mouth(canvas: Canvas, face: Face) -> None:
    """Paint lips, and teeth, tongue and darkness where they part."""
    lines = mouth_shape(face)
    top, up, low, bottom = lines["top"], lines["inner_up"], lines["inner_low"], lines["bottom"]
    canvas.glow(0, float(bottom[10, 1]) + 0.05, (0.12, 0.030), -0.22)
    canvas.tint(np.concatenate([top, up[::-1]]), 0.62, 0.008)
    canvas.tint(np.concatenate([low, bottom[::-1]]), 0.78, 0.008)
    canvas.glow(0, float(low[10, 1] + bottom[10, 1]) / 2, (0.08, 0.018), 0.16)
    gap = float(low[10, 1] - up[10, 1])
    if gap > 0.012:
        opening = np.concatenate([up, low[::-1]])
        inside = canvas.cover(opening, 0.004)
        canvas.fill(opening, 0.08, soft=0.004)
        canvas.fill(oval(0, float(low[10, 1]) + 0.01, (0.13, 0.045 + 0.10 * face.unit(26))), 0.26, soft=0.02, clip=inside)
        teeth = min(gap * 0.75, 0.085) * (1 - 0.35 * face.unit(26) * (1 - face.unit(12)))
        canvas.fill(np.concatenate([up - 0.01, up[::-1] + np.array([0, teeth])]), 0.86, 0.95, 0.006, clip=inside)
        canvas.tint([oval(float(end[0]), float(end[1]), (0.09, 0.10), 14) for end in (up[0], up[-1])], 0.35, 0.03, clip=inside)
        if face.unit(16) > 0.3:
            canvas.fill(np.concatenate([low - np.array([0, 0.028]), low[::-1] + 0.01]), 0.72, 0.9 * face.unit(16), 0.006, clip=inside)
    else:
        canvas.tint(tapered((up + low) / 2, 0.026, 0.4, 0.4), 0.30, 0.006)
    for side, end in ((-1, up[0]), (1, up[-1])):
        canvas.glow(float(end[0]) + side * 0.012, float(end[1]), (0.026, 0.026), -0.28)


def folds(canvas: Canvas, face: Face) -> None:
    """Fold the skin where its muscles pull: forehead, frown, crow's feet, nose, beside and under the mouth."""
    u, age = face.unit, face.person.age
    across = []
    for k in range(3):
        y, bow, span = -0.56 - 0.085 * k - 0.05 * u(1), 0.03 * u(1) - 0.04 * u(2), 0.30 + 0.10 * u(2) - 0.03 * k
        across.append(tapered(curve([(-span, y - bow * 0.4), (0, y - bow), (span, y - bow * 0.4)]), 0.022))
    canvas.tint(across, 1 - 0.55 * min(0.30 * age + 0.55 * max(u(1) * 0.8, u(2)) * (0.5 + age), 1), 0.012)
    frown = curve([(0.055, BROW_Y + 0.13), (0.035, BROW_Y + 0.02), (0.055, BROW_Y - 0.10)])
    canvas.wrinkle(frown, 0.028, 0.9 * u(4) * (1 - 0.5 * u(1)))
    x, y = mouth_shape(face)["inner_up"][-1].tolist()
    cheek = curve([(0.165, 0.17 - 0.04 * u(9)), (0.25 + 0.06 * u(12), 0.24), (x + 0.085, 0.36), (x + 0.055, y + 0.02 + 0.05 * u(9))])
    canvas.wrinkle(cheek, 0.030, 0.08 + 0.40 * age + 0.45 * u(12) + 0.36 * u(9))
    canvas.wrinkle(curve([(x + 0.01, y + 0.02), (x + 0.035, y + 0.14)]), 0.026, 0.4 * u(15))
    for k in (-1, 0, 1):
        foot = curve([(0.535, EYE_Y + 0.01 + 0.03 * k), (0.61, EYE_Y + 0.02 + 0.065 * k)])
        canvas.wrinkle(foot, 0.016, 0.5 * u(6) + 0.25 * age * u(7))
    canvas.wrinkle(curve([(0.03, 0.0), (0.09, -0.03), (0.13, 0.03)]), 0.020, 0.6 * u(9))
    if u(9) > 0:
        ridge = [curve([(-0.06, -0.10 + 0.06 * k), (0, -0.085 + 0.06 * k), (0.06, -0.10 + 0.06 * k)]) for k in range(2)]
        canvas.tint([tapered(line, 0.020) for line in ridge], 1 - 0.42 * u(9), 0.012)
    canvas.glow(0, CHIN_Y - 0.10, (0.10, 0.04), -0.10 * u(15))


def beard(canvas: Canvas, face: Face) -> None:
    """Grow a beard and a moustache around the mouth."""
    person = face.person
    lines = mouth_shape(face)
    if person.beard > 0.05:
        wide, drop = 0.64 * person.width, 0.08 * face.unit(26)
        outer = curve([(-wide, 0.10), (-wide, 0.95 + drop), (0, 1.12 + drop), (0, 1.02 + drop)], 14)
        lip = float(lines["bottom"][10, 1])
        inner = curve([(0, lip + 0.07), (-0.34, lip + 0.05), (-0.44, 0.36), (-0.56, 0.10)], 14)
        half = np.concatenate([outer, inner])
        clip = canvas.cover(head_outline(face), 0.01)
        for side in SIDES:
            canvas.fill(half * np.array([side, 1]), person.hair * 0.8 + 0.05, 0.85 * person.beard, 0.035, clip=clip)
    if person.moustache > 0.05:
        top = float(lines["top"][10, 1])
        end = lines["inner_up"][-1]
        for side in SIDES:
            line = curve([(side * 0.01, top - 0.035), (side * 0.13, top - 0.075), (side * (float(end[0]) + 0.03), float(end[1]) + 0.01)])
            canvas.fill(tapered(line, 0.085, 0.8, 0.1), person.hair * 0.8 + 0.05, 0.85 * person.moustache, 0.014)


def hair(canvas: Canvas, face: Face) -> None:
    """Lay the hair over the forehead in one of HAIR_STYLES."""
    person = face.person
    wide = 0.72 * person.width
    tone, style = person.hair, person.style
    if style == "bald":
        canvas.glow(-0.15 if face.scene.light[0] < 0 else 0.15, -0.82, (0.2, 0.10), 0.18)
        return
    if style == "scarf":
        ring = np.concatenate([head_outline(face, 0.22), head_outline(face, -0.05)[::-1]])
        canvas.fill(ring, face.scene.clothes * 0.9 + 0.05, soft=0.012)
        return
    rise = curve([(HAIRLINES[style][-1][0] * wide * 1.12, HAIRLINES[style][-1][1]), (wide * 1.28, -1.15), (0, -1.24)], 12)
    crown = np.concatenate([rise, rise[::-1] * np.array([-1, 1])])
    edge = smooth(np.array(HAIRLINES[style]) * np.array([wide, 1]))
    if person.parting < 0:
        edge = edge[::-1] * np.array([-1, 1])
    canvas.tint(np.concatenate([edge + np.array([0, 0.05]), crown]), 0.80, 0.04, clip=canvas.cover(head_outline(face)))
    mass = np.concatenate([edge, crown])
    canvas.fill(mass, tone, soft=0.014)
    inside = canvas.cover(mass, 0.01)
    part = {"parted": -0.35, "bob": -0.3, "long": 0.0, "bun": 0.0}.get(style, 0.1) * person.parting
    for first, factor in ((0, 0.84), (1, 1.22)):
        locks = np.linspace(-1.1, 1.1, 8)[first::2].tolist()
        strands = [curve([(part + x * 0.12, -1.15), (part * 0.5 + x * 0.75, -1.05), (x * wide * 1.05, -0.30)], 9) for x in locks]
        canvas.tint([tapered(strand, 0.07) for strand in strands], factor, 0.02, clip=inside)
    lamp = -0.25 if face.scene.light[0] < 0 else 0.25
    canvas.tint(tapered(curve([(lamp - 0.45, -0.80), (lamp, -1.0), (lamp + 0.45, -0.80)], 9), 0.13), 1.35, 0.04, clip=inside)


def glasses(canvas: Canvas, face: Face) -> None:
    """Set glasses before the eyes where the person wears some."""
    if face.person.glasses < 0.5:
        return
    for side in SIDES:
        x = side * EYE_X * face.person.spread
        rim = oval(x, EYE_Y + 0.02, (0.225, 0.185), 28)
        inner = oval(x, EYE_Y + 0.02, (0.200, 0.160), 28)
        canvas.fill(np.concatenate([rim, rim[:1], inner[:1], inner[::-1]]), 0.10, 0.9, 0.003)
        canvas.fill(tapered(curve([(x - 0.12, EYE_Y + 0.07), (x - 0.02, EYE_Y - 0.08)], 5), 0.05), 1.0, 0.16, 0.012)
        arm = curve([(x + side * 0.21, EYE_Y - 0.02), (side * 0.70 * face.person.width, EYE_Y - 0.03)], 5)
        canvas.fill(tapered(arm, 0.03, 1, 1), 0.10, 0.9, 0.003)
    canvas.fill(tapered(curve([(-0.12, EYE_Y), (0, EYE_Y - 0.05), (0.12, EYE_Y)], 7), 0.03, 1, 1), 0.10, 0.9, 0.003)
