"""What gradient ascent moves: the pixels of a picture, or its waves; both end in pictures between 0 and 255.

A *field* is float32 (n, 48, 48) without bounds; the picture is 255 sigmoid(field). Numpy makes the starts, TensorFlow the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from fer_core.emotions import SIDE
from fer_core.errors import FerError

Floats = NDArray[np.float32]
EDGE = 1 / 1024
"""A given picture is brought this far inside its bounds, where the sigmoid still moves."""


@dataclass(frozen=True)
class Parametrisation:
    """Two linear maps that undo each other: `field` of parameters (n, 48, 48), and `parameters` of a field.

    `gradient` brings a gradient by the field to one by the parameters. Each takes the decay: 0 treats all waves alike, 1 is 1/f.
    """

    field: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    gradient: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    parameters: Callable[[Floats, float], Floats]
    blur: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    """Blur the picture that parameters (n, 48, 48) stand for, by a Gaussian of so many pixels."""


def _waves() -> tuple[Floats, Floats]:
    """Give the orthonormal real Fourier basis of 48 points, a wave per row, and the frequency of each in waves per picture."""
    points, rows, frequencies = np.arange(SIDE), [np.full(SIDE, SIDE**-0.5)], [0.0]
    for frequency in range(1, SIDE // 2 + 1):
        angles = 2 * np.pi * frequency * points / SIDE
        for wave in (np.cos(angles), np.sin(angles)):
            if np.abs(wave).max() > 1e-9:  # the fastest wave has no sine
                rows.append(wave / np.linalg.norm(wave))
                frequencies.append(float(frequency))
    return np.array(rows, np.float32), np.array(frequencies, np.float32)


WAVES, FREQUENCIES = _waves()
RADII = np.maximum(np.hypot(FREQUENCIES[:, None], FREQUENCIES[None, :]), 1.0).astype(np.float32)


def _spread(decay: Any) -> Any:
    """Weigh the waves by 1/f**decay, so that the mean square weight is 1."""
    weights = RADII ** -decay
    return weights / (tf.sqrt(tf.reduce_mean(weights**2)) if tf.is_tensor(weights) else np.sqrt(np.mean(weights**2)))


def _composed(values: tf.Tensor) -> tf.Tensor:
    return tf.einsum("ki,nkl,lj->nij", WAVES, values, WAVES)


def _decomposed(field: Any) -> Any:
    return (tf if tf.is_tensor(field) else np).einsum("ki,nij,lj->nkl", WAVES, field, WAVES)


def _damped(values: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """Weaken the waves as a Gaussian of `sigma` pixels does."""
    response = tf.exp(-0.5 * (2 * np.pi * FREQUENCIES / SIDE * sigma) ** 2)
    return values * response[:, None] * response[None, :]


PARAMETRISATIONS: dict[str, Parametrisation] = {
    "pixels": Parametrisation(
        field=lambda values, decay: values,
        gradient=lambda gradient, decay: gradient,
        parameters=lambda field, decay: field,
        blur=lambda values, sigma: _composed(_damped(_decomposed(values), sigma)),
    ),
    "fourier": Parametrisation(
        field=lambda values, decay: _composed(values * _spread(decay)),
        gradient=lambda gradient, decay: _decomposed(gradient) * _spread(decay),
        parameters=lambda field, decay: (_decomposed(field) / _spread(decay)).astype(np.float32),
        blur=_damped,
    ),
}
"""Pixels as they are, and waves with 1/f scaling. Source: C. Olah et al., Feature Visualization, Distill 2017.

Differs: the waves are the real form of the Fourier basis, products of sines and cosines, so that each parameter is a real number.
"""


def bounded(field: tf.Tensor) -> tf.Tensor:
    """Give the picture of a field, 0 to 255."""
    return 255.0 * tf.sigmoid(field)


def slope(field: tf.Tensor) -> tf.Tensor:
    """Give the derivative of `bounded`."""
    share = tf.sigmoid(field)
    return 255.0 * share * (1.0 - share)


def unbounded(images: ArrayLike) -> Floats:
    """Give the field of pictures of 0 to 255; black and white come as near as the sigmoid goes."""
    shares = np.clip(np.asarray(images, np.float32) / 255.0, EDGE, 1 - EDGE)
    field: Floats = np.log(shares / (1 - shares)).astype(np.float32)
    return field


def grey(count: int) -> Floats:
    """Give the field of `count` grey pictures."""
    return np.zeros((count, SIDE, SIDE), np.float32)


def noise(numbers: list[int], seed: int, strength: float, decay: float) -> Floats:
    """Draw a field of noise with 1/f**decay per number of `numbers`, its deviation being `strength`; (seed, number) fixes it."""
    drawn = {n: np.random.default_rng([seed, n]).standard_normal((SIDE, SIDE), np.float32) for n in set(numbers)}
    fields = np.stack([drawn[n] for n in numbers]) * _spread(decay)
    result: Floats = (strength * np.einsum("ki,nkl,lj->nij", WAVES, fields, WAVES)).astype(np.float32)
    return result


def mean_face(images: NDArray[Any]) -> Floats:
    """Give the mean of faces (n, 48, 48), float32 (48, 48), to start from."""
    if not len(images):
        raise FerError("The mean of no faces is no face.", expected="at least one face")
    total = np.zeros((SIDE, SIDE), np.float64)
    for start in range(0, len(images), 4096):
        total += images[start : start + 4096].sum(0, dtype=np.float64)
    return (total / len(images)).astype(np.float32)
