"""Methods that read the activations of one layer: Grad-CAM and LayerCAM."""

from __future__ import annotations

import keras

from fer_core.attribution.task import Explanation, Question, _enlarged
from fer_core.errors import ModelError


def grids(model: keras.Model) -> dict[str, tuple[int, int]]:
    """List the layers that Grad-CAM and LayerCAM can take, from the first convolution on, with the rows and columns of their maps."""
    found: dict[str, tuple[int, int]] = {}
    for layer in model.layers:
        if (found or isinstance(layer, keras.layers.Conv2D)) and len(layer.output.shape) == 4:
            found[layer.name] = (int(layer.output.shape[1]), int(layer.output.shape[2]))
    return found


def default_layer(model: keras.Model) -> str:
    """Name the layer that Grad-CAM takes untold: the last that is as fine as the last convolution."""
    known = grids(model)
    last = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    return [name for name, grid in known.items() if grid == known[last]][-1]


def grad_cam(question: Question) -> Explanation:
    """Add up a layer's channels, each weighted by its mean gradient. Source: Selvaraju et al. 2017. *Differs:* the sign is kept."""
    return _of_layer(question, "grad_cam")


def layer_cam(question: Question) -> Explanation:
    """Add up a layer's activations, each weighted by its own gradient. Source: Jiang et al. 2021.

    *Differs:* the sign is kept, which makes it HiResCAM (Draelos, Carin 2020).
    """
    return _of_layer(question, "layer_cam")


def _of_layer(question: Question, kind: str) -> Explanation:
    known = grids(question.model)
    layer = question.settings.layer or default_layer(question.model)
    if layer not in known:
        raise ModelError("The network has no such convolutional layer.", received=layer, expected=" or ".join(known))
    scores, small = question.differentiate(kind, layer)
    return Explanation(_enlarged(small, question.images.shape[1:]), scores, grid=known[layer], layer=layer)
