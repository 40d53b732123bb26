"""What gradient ascent climbs: parts of a network, named, that add up, are multiplied by numbers, and negated.

An objective holds one row of units per picture, so that a whole wall is one objective. It holds names and numbers only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fer_core.emotions import EMOTIONS
from fer_core.errors import FerError

LOGITS = "logits"
"""The layer whose units are the classes."""


@dataclass(frozen=True)
class Term:
    """One summand: of each picture, the mean over the places of a unit (`filter`), its value in the middle of the picture (`neuron`),

    or the mean square of all that a layer says (`layer`). `units` has one unit per picture; a single one serves every picture.
    """

    kind: str
    layer: str
    units: tuple[int, ...] = (0,)
    weight: float = 1.0


@dataclass(frozen=True)
class Objective:
    """A weighted sum of terms, of which every picture has its own score."""

    terms: tuple[Term, ...]

    @property
    def pictures(self) -> int:
        """How many pictures it asks for."""
        return max(len(term.units) for term in self.terms)

    def of(self, rows: Sequence[int]) -> Objective:
        """Choose pictures by their number."""
        return Objective(tuple(replace(term, units=tuple(term.units[row if len(term.units) > 1 else 0] for row in rows))
                               for term in self.terms))

    def __add__(self, other: Objective) -> Objective:
        """Add; one picture and many make many."""
        if self.pictures != other.pictures and 1 not in (self.pictures, other.pictures):
            raise FerError("These objectives ask for different numbers of pictures.", received=f"{self.pictures} and {other.pictures}")
        return Objective(self.terms + other.terms)

    def __mul__(self, number: float) -> Objective:
        """Multiply by a number."""
        return Objective(tuple(replace(term, weight=term.weight * number) for term in self.terms))

    __rmul__ = __mul__

    def __neg__(self) -> Objective:
        """Turn it round: what silences instead of excites."""
        return self * -1.0

    def __sub__(self, other: Objective) -> Objective:
        """Subtract."""
        return self + -other


Numbers = int | Sequence[int]
Classes = int | str | Sequence[int] | Sequence[str]


def filter_(layer: str, units: Numbers) -> Objective:
    """Excite units of a layer all over the picture, one picture each."""
    return Objective((Term("filter", layer, _several(units)),))


def neuron(layer: str, units: Numbers) -> Objective:
    """Excite the one neuron of each unit that looks at the middle of the picture."""
    return Objective((Term("neuron", layer, _several(units)),))


def layer_(layer: str, pictures: int = 1) -> Objective:
    """Excite a layer as a whole. Source: A. Mordvintsev et al., Inceptionism, 2015 (DeepDream)."""
    return Objective((Term("layer", layer, (0,) * pictures),))


def class_(classes: Classes) -> Objective:
    """Excite the logits of classes, given by name or number, one picture each."""
    return filter_(LOGITS, _classes(classes))


def difference(p: Classes, q: Classes) -> Objective:
    """Excite class p rather than class q."""
    return class_(p) - class_(q)


def _several(units: Numbers) -> tuple[int, ...]:
    several = (units,) if isinstance(units, int) else tuple(int(unit) for unit in units)
    if not several or min(several) < 0:
        raise FerError("An objective needs units.", received=several, expected="numbers from 0 on")
    return several


def _classes(classes: Classes) -> tuple[int, ...]:
    several: list[int | str] = [classes] if isinstance(classes, (int, str)) else [*classes]
    unknown = [name for name in several if isinstance(name, str) and name not in EMOTIONS]
    if unknown:
        raise FerError("There is no such class.", received=", ".join(map(str, unknown)), expected=" or ".join(EMOTIONS))
    return _several([EMOTIONS.index(name) if isinstance(name, str) else int(name) for name in several])


OBJECTIVES: dict[str, Callable[..., Objective]] = {
    "filter": filter_, "neuron": neuron, "layer": layer_, "class": class_, "difference": difference,
}
