"""Methods that hide parts of the face and look at the answers: occlusion and RISE."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fer_core.attribution.task import Explanation, Floats, Question, Settings, _enlarged
from fer_core.errors import FerError


def occlusion(question: Question) -> Explanation:
    """Slide a patch of the baseline over the face: a pixel's value is the mean fall of the score under the patches upon it.

    Source: Zeiler, Fergus 2014.
    """
    images, places = question.images, list(_places(question))
    maps, scores = np.empty_like(images), np.empty(len(images), np.float32)
    cover = np.zeros(images.shape[1:], np.float32)
    for place in places:
        cover[place] += 1
    for i, (image, nothing) in enumerate(zip(images, question.nothing(), strict=True)):
        hidden = np.repeat(image[None], len(places) + 1, axis=0)
        for copy, place in zip(hidden[1:], places, strict=True):
            copy[place] = nothing
        found = question.score(i, hidden)
        total = np.zeros(image.shape, np.float64)
        for place, fall in zip(places, found[0] - found[1:], strict=True):
            total[place] += fall
        maps[i], scores[i] = total / cover, found[0]
    return Explanation(maps, scores)


def _places(question: Question) -> Iterator[tuple[slice, slice]]:
    height, width = question.images.shape[1:]
    patch, stride = question.settings.patch, question.settings.stride
    if stride > patch:
        raise FerError("The patches would leave gaps.", received=f"a stride of {stride}", expected=f"1 to the patch's {patch} pixels")
    for top in (*range(0, height - patch, stride), height - patch):
        for left in (*range(0, width - patch, stride), width - patch):
            yield slice(top, top + patch), slice(left, left + patch)


def rise(question: Question) -> Explanation:
    """Compare the mean score where a pixel is shown with that where it is hidden, by random soft masks. Source: Petsiuk et al. 2018.

    *Differs:* the paper takes the first mean only, which does not know what speaks against the class.
    """
    images = question.images
    masks = _soft_masks(question.settings, images.shape[1:])
    maps, scores = np.empty_like(images), np.empty(len(images), np.float32)
    shown, hidden = (np.maximum(part.sum(0), 1e-6) for part in (masks, 1 - masks))
    for i, (image, nothing) in enumerate(zip(images, question.nothing(), strict=True)):
        found = question.score(i, np.concatenate([image[None], masks * image + (1 - masks) * nothing]))
        centred = found[1:] - found[1:].mean(dtype=np.float64)
        maps[i], scores[i] = np.tensordot(centred, masks / shown - (1 - masks) / hidden, 1), found[0]
    return Explanation(maps, scores)


def _soft_masks(settings: Settings, size: tuple[int, ...], cells: int = 7) -> Floats:
    """Draw masks float32 (samples, h, w) of 0 to 1: coarse random cells, enlarged and shifted by less than a cell."""
    random, samples = np.random.default_rng(settings.seed), settings.samples or 400
    height, width = (-(-side // cells) for side in size)
    coarse = (random.random((samples, cells + 1, cells + 1)) < 0.5).astype(np.float32)
    large = _enlarged(coarse, (height * (cells + 1), width * (cells + 1)))
    shifts = zip(random.integers(0, height, samples), random.integers(0, width, samples), strict=True)
    return np.stack([mask[y : y + size[0], x : x + size[1]] for mask, (y, x) in zip(large, shifts, strict=True)])
