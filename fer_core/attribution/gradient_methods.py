"""Methods that differentiate the score by the pixels: gradient, SmoothGrad, integrated gradients, guided backpropagation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fer_core.attribution.task import Explanation, Question


def gradient(question: Question) -> Explanation:
    """Differentiate the score by each pixel. Source: Simonyan, Vedaldi, Zisserman 2014. *Differs:* the sign is kept."""
    scores, maps = question.differentiate("pixels")
    return Explanation(maps, scores)


def gradient_input(question: Question) -> Explanation:
    """Multiply the gradient by the grey levels above the baseline. Source: Shrikumar et al. 2016."""
    scores, maps = question.differentiate("pixels")
    return Explanation(maps * (question.images - np.float32(question.settings.baseline or 0)), scores)


def smoothgrad(question: Question) -> Explanation:
    """Average the gradients of noisy copies. Source: Smilkov et al. 2017. *Differs:* all faces get the same noise, and the sign is kept."""
    images = question.images
    samples = question.settings.samples or 50
    noise = np.random.default_rng(question.settings.seed).standard_normal((samples, *images.shape[1:]), np.float32)
    spread = question.settings.noise * np.ptp(images, axis=(1, 2))
    maps = [question.along(i, image + spread[i] * noise)[1].mean(0) for i, image in enumerate(images)]
    return Explanation(np.stack(maps), question.scores())


def integrated_gradients(question: Question) -> Explanation:
    """Average the gradient on the way from the baseline, times that way. Source: Sundararajan, Taly, Yan 2017.

    *Differs:* the way is walked by its midpoints, and the gap that they leave is told.
    """
    images, steps = question.images, question.settings.steps
    places = np.concatenate([[0.0], (np.arange(steps) + 0.5) / steps, [1.0]]).astype(np.float32)[:, None, None]
    maps, ends = np.empty_like(images), np.empty((len(images), 2), np.float32)
    for i, (image, start) in enumerate(zip(images, question.nothing(), strict=True)):
        scores, slopes = question.along(i, start + places * (image - start))
        maps[i], ends[i] = slopes[1:-1].mean(0) * (image - start), (scores[0], scores[-1])
    gap = maps.sum(axis=(1, 2), dtype=np.float64) - (ends[:, 1] - ends[:, 0])
    return Explanation(maps, ends[:, 1], gap=gap.astype(np.float32))


def guided_backpropagation(question: Question) -> Explanation:
    """Let only positive gradients pass the ReLUs.

    Source: Springenberg et al. 2015. *Differs:* a contrast is the difference of two maps.
    """
    scores, maps = replace(question, weights=np.maximum(question.weights, 0)).differentiate("guided")
    if (question.weights < 0).any():
        others = replace(question, weights=np.maximum(-question.weights, 0)).differentiate("guided")
        scores, maps = scores - others[0], maps - others[1]
    return Explanation(maps, scores)
















