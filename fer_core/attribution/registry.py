"""What menus, pages and README say of the attribution methods; the methods themselves are in `attribution`, their front is `saliency`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """An attribution method as menus, tests and README know it."""

    label: str
    reading: str
    """How to read its map, in one sentence."""
    caveat: str
    """What its map does not prove, in one sentence."""
    knobs: tuple[str, ...] = ()
    needs_convolution: bool = False
    sensitivity: bool = False
    """Whether the map tells how much a pixel's change would matter (rank its pixels by size), not what the pixel brought (by sign)."""
    unit: str = "logits"
    """Unit of the map's values; empty where they have none that means anything."""
    short: str = ""
    """A name for narrow places."""

    @property
    def name(self) -> str:
        """The shorter of its names."""
        return self.short or self.label


NO_CONVOLUTION = "the network has no convolutional layer, so no layer still knows where on the face something is"

WORDS: dict[str, Words] = {
    "gradient": Words(
        "Gradient", "Where a little more light would raise the score (+) or lower it (-).",
        "It tells of tiny changes only: a pixel that matters much may look unimportant where the network is saturated.",
        sensitivity=True, unit="logits per grey level"),
    "gradient_input": Words(
        "Gradient x input", "The gradient times the grey level: what each pixel adds if the network were linear around this face.",
        "Black pixels count as nothing whatever the network thinks of them.", ("baseline",), short="× input"),
    "smoothgrad": Words(
        "SmoothGrad", "The mean gradient of noisy copies of the face: what the neighbourhood of this face agrees on.",
        "The smoothness comes from the averaging, and more noise makes any map look more convincing.",
        ("samples", "noise", "seed"), sensitivity=True, unit="logits per grey level"),
    "integrated_gradients": Words(
        "Integrated gradients", "How much of the score each pixel brought on the way from a blank face to this one; the parts add up.",
        "It holds against its blank baseline only, and passes through pictures that are no faces.", ("steps", "baseline"),
        short="Integrated"),
    "grad_cam": Words(
        "Grad-CAM", "Which coarse regions of the face hold what the layer's channels find for the class.",
        "The map is only as fine as the layer's grid, and a channel's weight is the same everywhere on the face.",
        ("layer",), needs_convolution=True, unit=""),
    "layer_cam": Words(
        "LayerCAM", "Which places of a layer push the score up (+) or down (-), as fine as the layer's grid.",
        "In early layers it shows edges that pass by, not yet what they are taken for.", ("layer",), needs_convolution=True, unit=""),
    "guided_backprop": Words(
        "Guided backpropagation", "Fine lines that excited the network on the way to the score.",
        "It mostly redraws the face's edges: it changes little when the network's weights are randomised, so it proves little about them.",
        sensitivity=True, unit="", short="Guided"),
    "occlusion": Words(
        "Occlusion", "How far the score falls when a patch here is hidden: a real experiment on the network.",
        "The patch brings edges of its own, and two places that can stand in for each other both look unimportant.",
        ("patch", "stride", "baseline")),
    "rise": Words(
        "RISE", "How much higher the score is with this place shown than with it hidden, over many random masks.",
        "It is an estimate from few masks: its faint clouds are chance.", ("samples", "seed", "baseline")),
}
"""The attribution methods in the order of menus."""
