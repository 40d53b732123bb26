"""Lay one face upon another and measure how well they match: the proof that one is a copy.

Source: G. D. Evangelidis, E. Z. Psarakis 2008, Parametric Image Alignment Using Enhanced
Correlation Coefficient Maximization (the search); normalized cross-correlation (the measure).
Differs: searched and measured on local contrast, so that gamma and brightness do not matter; the
search looks at coarse structure, the measure at fine one, in which two people differ most.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.data.perceptual_hash import Floats, Images, local_contrast
from fer_core.emotions import SIDE

SEARCHED = (1.5, 5.0)
MEASURED = (0.8, 2.0)
"""Standard deviations in pixels of the Gaussians whose difference is searched on and measured."""
ROUGH = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 12, 1e-2)
EXACT = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 1e-3)
HOPEFUL = 0.83
"""Least coarse correlation after a rough search for which an exact one is worth its time."""
OVERLAP = 0.5
"""Least share of a face that the other one covers."""
EDGE = 2
"""Pixels at the edge that do not count: what is beyond was made up when the face was cut out."""
LARGEST = 1.4
"""Scale, and inverse of the scale, up to which a match is believed."""
TURN = 0.2
"""Rotation or shear up to which a match is believed, as the sine of an angle: 11 degrees."""
FARTHEST = 10.0
"""Pixels by which the middle may have moved."""
CENTRE = (SIDE - 1) / 2


@dataclass(frozen=True)
class Alignment:
    """How one face becomes another: mirrored or not, then larger by `scale`, then moved.

    correlation: -1 to 1, of the fine local contrast where the two overlap.
    right, down: pixels by which the middle of the face moved. scale: 1 is the same size.
    """

    correlation: float
    mirrored: bool
    right: float
    down: float
    scale: float

    def inverse(self) -> Alignment:
        """Tell how the other face becomes the one."""
        back = 1 / self.scale
        right = self.right * back if self.mirrored else -self.right * back
        return Alignment(self.correlation, self.mirrored, right, -self.down * back, back)


def align(
    one: Images,
    other: Images,
    *,
    mirrored: bool = False,
    scale: float = 1.0,
    hopeful: float = HOPEFUL,
) -> Alignment | None:
    """Find how face `one` (48, 48) becomes face `other`; `None` where no alignment is near.

    Searched is an affine map close to a change of `scale` alone; given up is a pair whose coarse
    correlation stays below `hopeful` after a rough search.
    """
    seen = np.ascontiguousarray(one[:, ::-1]) if mirrored else one
    searched = [local_contrast(face, *SEARCHED) for face in (seen, other)]
    warp = _search(searched[0], searched[1], scale, hopeful)
    if warp is None or not _believable(warp):
        return None
    correlation = _correlation(seen, other, warp)
    middle = np.array([CENTRE, CENTRE])
    right, down = warp[:, :2] @ middle + warp[:, 2] - middle
    return Alignment(correlation, mirrored, float(right), float(down), _scale(warp))


def _search(one: Floats, other: Floats, scale: float, hopeful: float) -> Floats | None:
    """Find the affine map (2, 3) from places of `one` to places of `other`, first at half size."""
    half = (SIDE // 2, SIDE // 2)
    small = [
        np.asarray(cv2.resize(face, half, interpolation=cv2.INTER_AREA)) for face in (one, other)
    ]
    guess = (np.eye(2, 3) * scale).astype(np.float32)
    guess[:, 2] = (half[0] - 1) / 2 * (1 - scale)
    every = np.ones((SIDE, SIDE), np.uint8)  # no pixel is masked out
    fewer = every[: half[0], : half[1]]
    try:
        rough, found = cv2.findTransformECC(
            small[0], small[1], guess, cv2.MOTION_AFFINE, ROUGH, fewer, 1
        )
        if rough < hopeful:
            return None
        warp = np.asarray(found, np.float32)
        # the middle of a small pixel lies half a pixel further in the whole face: x = 2 u + 1/2
        warp[:, 2] = 2 * warp[:, 2] + (1 - warp[:, :2].sum(1)) / 2
        _, found = cv2.findTransformECC(one, other, warp, cv2.MOTION_AFFINE, EXACT, every, 1)
    except cv2.error:  # it does not converge
        return None
    return np.asarray(found, np.float32)


def _believable(warp: Floats) -> bool:
    """Tell whether a map is one that copies of faces have: hardly turned, of similar size."""
    sizes = np.array([warp[0, 0], warp[1, 1]])
    if not np.isfinite(warp).all() or sizes.min() < 1 / LARGEST or sizes.max() > LARGEST:
        return False
    moved = warp[:, :2] @ [CENTRE, CENTRE] + warp[:, 2] - CENTRE
    turned = max(abs(float(warp[0, 1])), abs(float(warp[1, 0])))
    return turned <= TURN and float(np.abs(moved).max()) <= FARTHEST


def _scale(warp: Floats) -> float:
    return float(np.sqrt(np.linalg.det(warp[:, :2].astype(np.float64))))


def _correlation(one: Images, other: Images, warp: Floats) -> float:
    """Correlate the fine contrast of `one` and of `other` laid upon it, where they overlap."""
    inside = np.zeros((SIDE, SIDE), np.uint8)
    inside[EDGE:-EDGE, EDGE:-EDGE] = 1
    covered = (_laid(inside, warp, cv2.INTER_NEAREST) * inside).astype(bool)
    if covered.mean() < OVERLAP:
        return 0.0
    a = local_contrast(one, *MEASURED)[covered]
    b = _laid(local_contrast(other, *MEASURED), warp, cv2.INTER_LINEAR)[covered]
    return correlation(a, b)


def correlation(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Correlate two rows of numbers (n,), -1 to 1; 0 where one is constant."""
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 1e-6 else 0.0


def _laid(picture: Images | Floats, warp: Floats, interpolation: int) -> Floats:
    flags = interpolation | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, warp, (SIDE, SIDE), flags=flags), np.float32)
