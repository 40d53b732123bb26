"""What is asked of a face, as the address of a view says it: the class, rather than which other, by which method with which settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fer_core.attribution.registry import WORDS, Words
from fer_core.emotions import EMOTIONS
from fer_core.messages import NUMBER, Sentence

KNOBS: dict[str, tuple[str, Any, Any, Any, str]] = {
    "samples": ("Samples", 1, 1000, None, "Noisy faces of SmoothGrad (50 unless told), masks of RISE (400 unless told)."),
    "noise": ("Noise", 0.0, 1.0, 0.15, "Spread of SmoothGrad's noise, as a share of the face's range of grey."),
    "steps": ("Steps", 1, 500, 50, "Points on the way from the blank face, for integrated gradients."),
    "patch": ("Patch", 1, 48, 8, "Side of the patch that occlusion slides, in pixels."),
    "stride": ("Stride", 1, 48, 4, "Pixels between two places of the patch."),
    "baseline": ("Blank", 0, 255, None, "Grey level that stands for nothing; the face's own mean unless told."),
    "seed": ("Seed", 0, 10000, 0, "Of the random noise or masks."),
}
"""Settings of the methods: label, lowest, highest, default, help."""
DEFAULT_SAMPLES = {"smoothgrad": 50, "rise": 400}


@dataclass(frozen=True)
class Question:
    """Why `target`, rather than `versus`; hashable, for answers are kept by it."""

    target: int
    versus: int | None = None
    method: str = "smoothgrad"
    layer: str | None = None
    knobs: tuple[tuple[str, float], ...] = ()

    @property
    def words(self) -> Words:
        """The words of the method."""
        return WORDS[self.method]

    @property
    def said(self) -> str:
        """The question in words."""
        return why(self.target, self.versus)

    @property
    def settings(self) -> dict[str, Any]:
        """Keyword arguments of `saliency.explain`."""
        whole = ("samples", "steps", "patch", "stride", "seed")
        told: dict[str, Any] = {name: int(value) if name in whole else value for name, value in self.knobs}
        return {**told, "layer": self.layer} if self.layer else told

    def by(self, method: str) -> Question:
        """Ask the same of another method, with its own settings untold."""
        kept = tuple(pair for pair in self.knobs if pair[0] in WORDS[method].knobs and pair[0] != "samples")
        layer = self.layer if "layer" in WORDS[method].knobs else None
        return self if method == self.method else replace(self, method=method, layer=layer, knobs=kept)

    def of(self, target: int, versus: int | None = None) -> Question:
        """Ask for another class."""
        return replace(self, target=target, versus=versus)


def why(target: int, versus: int | None) -> str:
    """Write a question: `Why Neutral rather than Sad`."""
    if versus is None:
        return Sentence("Why {p}", p=EMOTIONS[target].capitalize())
    return Sentence("Why {p} rather than {q}", p=EMOTIONS[target].capitalize(), q=EMOTIONS[versus].capitalize())


def inside(target: int, versus: int | None) -> str:
    """Write a question as it stands within a sentence: `why neutral rather than sad`."""
    if versus is None:
        return Sentence("why {p}", p=EMOTIONS[target])
    return Sentence("why {p} rather than {q}", p=EMOTIONS[target], q=EMOTIONS[versus])


def parse(params: Mapping[str, str], called: int, label: int) -> tuple[Question, list[str]]:
    """Read a question about a face that is `called` and labelled so (-1: without a label); nonsense is left aside and told.

    `p` and `q` are classes by name or number, or the words `called` and `label`, which go with the face. With neither, the class called
    is explained, and against the label when they differ.
    """
    told: list[str] = []
    target, versus = (_class(params, name, called, label, told) for name in ("p", "q"))
    if target is None:
        target = called
        if params.get("q") is None and 0 <= label != called:
            versus = label
    if versus == target:
        if params.get("q") not in (None, "label", "called"):
            told.append(Sentence("'{given}' was left aside: a class against itself explains nothing.", given=f"q={params['q'][:40]}"))
        versus = None
    method = params.get("method", "smoothgrad")
    if method not in WORDS:
        told.append(Sentence("There is no method '{given}': it can be {options}.", given=method[:40], options=", ".join(WORDS)))
        method = "smoothgrad"
    layer = params.get("layer") if WORDS[method].needs_convolution else None
    return Question(target, versus, method, layer, _knobs(params, method, told)), told


def _class(params: Mapping[str, str], name: str, called: int, label: int, told: list[str]) -> int | None:
    text = params.get(name, "").lower()
    words = {"": None, "called": called, "label": label if label >= 0 else None, **{emotion: i for i, emotion in enumerate(EMOTIONS)},
             **{str(i): i for i in range(len(EMOTIONS))}}
    if text in words:
        return words[text]
    told.append(Sentence("'{given}' was left aside: it can be {options}, called or label.", given=f"{name}={text[:40]}",
                         options=", ".join(EMOTIONS)))
    return None


def _knobs(params: Mapping[str, str], method: str, told: list[str]) -> tuple[tuple[str, float], ...]:
    result = []
    for name, (_, low, high, default, _) in KNOBS.items():
        if name not in params or name not in WORDS[method].knobs:
            continue
        try:
            value = float(params[name])
        except ValueError:
            value = float("nan")
        if low <= value <= high:
            usual = DEFAULT_SAMPLES.get(method) if name == "samples" else default
            result += [(name, value)] if value != usual else []
        else:
            told.append(Sentence(NUMBER, given=f"{name}={params[name][:40]}", low=low, high=high))
    found = dict(result)
    if found.get("stride", 4) > found.get("patch", 8):
        told.append("The stride was left aside: wider than the patch, it would leave gaps.")
        result = [pair for pair in result if pair[0] != "stride"]
        if found.get("patch", 8) < 4:
            result.append(("stride", found["patch"]))
    return tuple(result)
