"""How a picture is moved before the network sees it, so that it excites however it lies: padded, shifted, scaled and turned in one warp.

All pictures of a batch move alike, by random numbers of (seed, step): a picture is the same beside any neighbours.
Source: C. Olah et al., Feature Visualization, 2017. *Differs:* their 12 + 8 + 4 pixels of 224 became a few pixels of 48.
"""

from __future__ import annotations

import math

import tensorflow as tf

from fer_core.emotions import SIDE

GREY = 127.5


def warp(pictures: tf.Tensor, matrix: tf.Tensor, pad: int) -> tf.Tensor:
    """Warp pictures (n, 48, 48) by one matrix (8,), from places in the result to places in the picture.

    The border is repeated `pad` pixels outwards, and beyond that all is grey. The gradient is that of TensorFlow's warp:
    the warp backwards, which is the exact one for shifts by whole pixels, and near it for small turns.
    """
    centred = pictures - GREY
    if pad:
        centred = tf.pad(centred, [[0, 0], [pad, pad], [pad, pad]], mode="SYMMETRIC")
        shift = tf.constant([0.0, 0, pad, 0, 0, pad, 0, 0])
        matrix = matrix + shift
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=centred[..., None], transforms=matrix[None], output_shape=tf.constant([SIDE, SIDE]), fill_value=tf.constant(0.0),
        interpolation="BILINEAR", fill_mode="CONSTANT")
    return moved[..., 0] + GREY


def drawn(seed: tf.Tensor, step: tf.Tensor, jitter: tf.Tensor, scale: tf.Tensor, rotate: tf.Tensor) -> tf.Tensor:
    """Draw the matrix of a step: shifted by up to `jitter` pixels, scaled by up to `scale` (0.05 is 5 %), turned by up to `rotate` degrees.

    The shift is of whole pixels where nothing is turned or scaled, so that jitter alone does not blur.
    """
    numbers = tf.random.stateless_uniform([4], tf.stack([seed, step]), -1.0, 1.0, alg="philox")
    zoom, angle = 1.0 + numbers[0] * scale, numbers[1] * rotate * (math.pi / 180)
    shift = tf.round(numbers[2:] * jitter)
    cosine, sine = tf.cos(angle) / zoom, tf.sin(angle) / zoom
    middle = (SIDE - 1) / 2
    across = middle - middle * (cosine - sine) + shift[0]
    down = middle - middle * (sine + cosine) + shift[1]
    return tf.stack([cosine, -sine, across, sine, cosine, down, 0.0, 0.0])
