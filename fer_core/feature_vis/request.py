"""What is painted, as the URL says it: which unit, class or contrast, excited or silenced, by which preset, knobs and seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from fer_core.emotions import EMOTIONS, class_of
from fer_core.errors import FerError
from fer_core.feature_vis.objectives import OBJECTIVES, Objective
from fer_core.feature_vis.settings import CHOICES, LIMITS, PRESETS, Settings
from fer_core.messages import Sentence
from fer_core.models.weights_header import Block, find

KINDS = {"filter": "A filter", "class": "A class", "difference": "One class rather than another", "layer": "A whole layer"}
PLACES = {"filter": "all over the picture", "neuron": "its middle neuron"}
PRESET_WORDS = {
    "report": "Plain ascent on pixels from noise, as the report did it.",
    "standard": "Large waves move first, and the picture is shifted and turned a little at every step.",
    "strong": "Everything against noise: more movement, smoothness, a pull to the start, twice the steps.",
}
UNLIKE = 0.5
"""Strength with which several pictures of one unit keep apart, beside 1 of the goal itself: at 1 they keep little of its score."""
MANY = 4
KNOBS: dict[str, tuple[str, str]] = {
    "steps": ("Steps", "How often the picture is changed."),
    "rate": ("Rate", "How far one step goes; large ones overshoot."),
    "parametrisation": ("Moves", "Pixels one by one, or waves (fourier): large forms move first."),
    "decay": ("Decay", "With waves: how much more a large one counts than a fine one."),
    "start": ("Start", "Weak noise, or an even grey."),
    "strength": ("Noise", "How strong the noise of the start is."),
    "optimiser": ("Optimiser", "Adam gives every pixel a pace of its own; normalised goes straight uphill."),
    "total_variation": ("Smoothness", "Pulls neighbouring pixels together: less noise, softer forms."),
    "l2": ("Pull to the start", "Holds the picture near where it began."),
    "blur_every": ("Blur every", "Steps between two blurs; 0 is never. Fine noise does not survive them."),
    "blur": ("Blur", "How wide such a blur is, in pixels."),
    "jitter": ("Shift", "Largest shift at every step, in pixels: only what works everywhere stays."),
    "scale": ("Size", "Largest change of size at every step; 0.05 is 5%."),
    "rotate": ("Turn", "Largest turn at every step, in degrees."),
    "pad": ("Border", "Grey border added before the picture is moved, in pixels."),
    "unlike": ("Unlikeness", "With several pictures of one unit: how strongly they keep apart."),
    "settle": ("Calm end", "Share of the steps, at the end, in which movement and rate fade away."),
}
"""Every knob: its label, and a sentence on what it does."""
TOPS = {"steps": 1000, "rate": 1.0, "total_variation": 5.0, "l2": 1.0, "blur_every": 50, "blur": 4.0, "unlike": 5.0}
"""Highest values that the page offers where the engine allows more than is of use."""
WHOLE = ("steps", "blur_every", "pad")
NO_GOAL = "There is no goal '{given}': it is {known}."
NO_PRESET = "There is no preset '{given}': it is {known}."
NO_CLASS = "There is no class '{given}': it is one of {known}."
OF_CLASSES = ("class", "difference")
SWITCHES = {"place": ("filter", "neuron"), "many": (str(MANY),), "silence": ("1",), "from": ("face",), "off": ("1",),
            "demo": range(1, 10**6)}
"""What the switches of the URL can be, whatever the network."""


@dataclass(frozen=True)
class Goal:
    """What is painted; hashable, for films and answers are kept by it."""

    kind: str
    block: Block
    unit: int = 0
    p: int = 3
    q: int = 4
    place: str = "filter"
    silence: bool = False
    preset: str = "standard"
    knobs: tuple[tuple[str, float | str], ...] = ()
    seed: int = 0
    face: bool = False
    """Start from the chosen face."""
    many: int = 1

    @property
    def settings(self) -> Settings:
        """The knobs of the ascent."""
        settings = _with(PRESETS[self.preset], dict(self.knobs))
        return replace(settings, unlike=settings.unlike or UNLIKE) if self.many > 1 else settings

    @property
    def objective(self) -> Objective:
        """What is climbed, one part per picture."""
        if self.kind == "layer":
            made = OBJECTIVES["layer"](self.block.layer, self.many)
        elif self.kind == "class":
            made = OBJECTIVES["class"]([self.p] * self.many)
        elif self.kind == "difference":
            made = OBJECTIVES["difference"]([self.p] * self.many, [self.q] * self.many)
        else:
            made = OBJECTIVES[self.place](self.block.layer, [self.unit] * self.many)
        return -made if self.silence else made

    @property
    def title(self) -> str:
        """Name what is painted."""
        if self.silence:
            return Sentence("What silences {what}", what=self._inside)
        if self.kind == "layer":
            return Sentence("All of {layer}", layer=self.block.name)
        if self.kind == "class":
            return EMOTIONS[self.p].capitalize()
        if self.kind == "difference":
            return Sentence("{p} rather than {q}", p=EMOTIONS[self.p].capitalize(), q=EMOTIONS[self.q].capitalize())
        return self.block.title(self.unit)

    @property
    def _inside(self) -> str:
        """Name it as it stands within a sentence."""
        if self.kind == "layer":
            return Sentence("all of {layer}", layer=self.block.name)
        if self.kind == "difference":
            return Sentence("{p} rather than {q}", p=EMOTIONS[self.p], q=EMOTIONS[self.q].capitalize())
        if self.kind == "class" or self.block.name == "logits":
            return EMOTIONS[self.p if self.kind == "class" else self.unit]
        template = "filter {unit} of {layer}" if self.block.grid else "neuron {unit} of {layer}"
        return Sentence(template, unit=self.unit, layer=self.block.name)

    @property
    def unit_of_score(self) -> str:
        """Say what the score is."""
        return Sentence("Its sign turned: {score}", score=self._answer) if self.silence else self._answer

    @property
    def _answer(self) -> str:
        if self.kind == "layer":
            return "Mean square of all its answers"
        if self.kind == "class" or (self.block.name == "logits" and self.kind == "filter"):
            return "Logit of the class"
        if self.kind == "difference":
            return "Logit of the one less the other's"
        return "Answer of the neuron" if not self.block.grid or self.place == "neuron" else "Mean answer over the picture"

    @property
    def file(self) -> str:
        """Beginning of the names of files that are saved."""
        return f"{'-'.join(self.title.lower().split())}-{self.preset}-seed{self.seed}"

    @property
    def options(self) -> str:
        """The same as options of the command line; empty for a goal that it cannot name."""
        if self != Goal(self.kind, self.block, self.unit, self.p, self.q, preset=self.preset, seed=self.seed) or self.kind == "layer":
            return ""
        if self.kind == "class":
            return f"--classes {EMOTIONS[self.p]} --preset {self.preset} --seed {self.seed}"
        if self.kind == "difference":
            return f"--classes {EMOTIONS[self.p]} --versus {EMOTIONS[self.q]} --preset {self.preset} --seed {self.seed}"
        return f"--layer {self.block.name} --units {self.unit} --preset {self.preset} --seed {self.seed}"


def parse(params: Mapping[str, str], blocks: list[Block]) -> tuple[Goal, list[str]]:
    """Read the goal from query parameters; what makes no sense becomes the default, and is told in a sentence."""
    told: list[str] = []
    block = find(blocks, params.get("layer")) or blocks[0]
    if "layer" in params and find(blocks, params["layer"]) is None:
        told.append(Sentence("There is no layer '{given}'; the layers are {layers}.", given=params["layer"][:40],
                             layers=", ".join(one.name for one in blocks)))
    unit = _whole(params.get("unit"), block.units - 1)
    if "unit" in params and unit is None:
        told.append(Sentence("There is no unit '{given}' in {layer}: it is a number from 0 to {top}.", given=params["unit"][:40],
                             layer=block.name, top=block.units - 1))
    kind, preset, seed = params.get("goal", "filter"), params.get("preset", "standard"), _whole(params.get("seed"), 2**31 - 1)
    told += [Sentence(template, given=value[:40], known=" or ".join(known)) for template, value, known in
             ((NO_GOAL, kind, KINDS), (NO_PRESET, preset, PRESETS)) if value not in known]
    if "seed" in params and seed is None:
        told.append(Sentence("There is no seed '{given}': it is a number from 0 to {top}.", given=params["seed"][:40], top=2**31 - 1))
    p, q = (class_of(params.get(name)) for name in "pq")
    told += [Sentence(NO_CLASS, given=params[name][:40], known=", ".join(EMOTIONS)) for name, found in (("p", p), ("q", q))
             if name in params and found is None]
    p = 3 if p is None else p
    if q == p and kind == "difference":
        told.append(Sentence("{emotion} rather than itself is no question: another class was taken.", emotion=EMOTIONS[p].capitalize()))
    q = next(i for i in (4, 6) if i != p) if q is None or q == p else q
    if kind in OF_CLASSES:
        block, unit = blocks[-1], 0  # what is painted is where the classes are
    knobs, complaints = parse_knobs(params.get("knobs", ""))
    return Goal(
        kind if kind in KINDS else "filter", block, unit or 0, p, q,
        place="neuron" if params.get("place") == "neuron" and block.grid else "filter",
        silence=params.get("silence") == "1", preset=preset if preset in PRESETS else "standard", knobs=knobs,
        seed=seed or 0, face=params.get("from") == "face",
        many=MANY if params.get("many") == str(MANY) else 1,
    ), told + complaints


def parse_knobs(text: str) -> tuple[tuple[tuple[str, float | str], ...], list[str]]:
    """Read knobs such as `rate:0.1,start:grey`; those out of range are told and left out."""
    found: dict[str, float | str] = {}
    told: list[str] = []
    for part in filter(None, text.split(",")):
        name, _, value = part.partition(":")
        try:
            read: float | str = value if name in CHOICES else int(value) if name in WHOLE else float(value)
            _with(PRESETS["standard"], {name: read})
        except (ValueError, TypeError, FerError):
            told.append(Sentence("The knob '{given}' is not understood or out of range; the preset's value was taken.", given=part[:40]))
            continue
        if name in LIMITS and float(read) > TOPS.get(name, LIMITS[name][1]):
            told.append(Sentence("The knob '{given}' is out of the page's range; the preset's value was taken.", given=part[:40]))
            continue
        found[name] = read
    return tuple(sorted(found.items())), told


def write_knobs(values: Mapping[str, float | str], preset: str) -> str | None:
    """Write the knobs that differ from a preset; `None` where none does."""
    usual = asdict(PRESETS[preset])
    changed = sorted((name, value) for name, value in values.items() if value != usual[name])
    return ",".join(f"{name}:{value if isinstance(value, str) else format(value, 'g')}" for name, value in changed) or None


def _with(settings: Settings, knobs: Mapping[str, Any]) -> Settings:
    return replace(settings, **knobs)


def _whole(text: str | None, high: int) -> int | None:
    try:
        number = int(text or "")
    except ValueError:
        return None
    return number if 0 <= number <= high else None
