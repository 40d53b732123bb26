"""Which faces of a matrix are chosen, as the address of a view says it: cells, part, confidence, verdict; and their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fer_core.annotations.label_reviews import VERDICTS
from fer_core.emotions import EMOTIONS, class_of
from fer_core.messages import NUMBER, OPTION, Sentence
from fer_core.runs.store import KINDS

Cell = tuple[int | None, int | None]
"""True and predicted class; `None` is any, so that a row is (true, None) and a column (None, predicted)."""

SORTS: dict[str, str] = {
    "confident": "Most confident error",
    "loss": "Highest loss",
    "margin": "Closest call (margin)",
    "entropy": "Most undecided (entropy)",
    "suspicion": "Most suspicious label",
    "typical": "Most typical of its class",
    "index": "Index",
}
SHOWS: dict[str, str] = {"a": "A", "b": "B", "difference": "B − A"}
PARTS: dict[str, str] = {"fixes": "B fixes", "breaks": "B breaks", "both_wrong": "Both wrong", "both_right": "Both right"}
SIDES = ("right", "wrong")
NAMES = ("cells", "with", "show", "part", "min", "bin", "side", "verdict", "sort", "looks")
"""Query parameters that only the matrix and the faces it opens need, beside `run`, `split`, `true`, `pred` and `image`."""


@dataclass(frozen=True)
class Choice:
    """What the URL asks for. Nothing chosen means: the errors."""

    cells: tuple[Cell, ...] = ()
    show: str = "a"
    part: str | None = None
    least: float = 0.0  # confidence below which predictions are left out
    bin: tuple[float, float] | None = None  # confidence from (with) to (without, but for 1)
    side: str | None = None
    verdict: str | None = None
    sort: str = "confident"
    looks: str = "single"  # the answers that are shown: one of `runs.KINDS`

    @property
    def anything(self) -> bool:
        """Tell whether faces are chosen, rather than all errors."""
        return bool(self.cells or self.part or self.bin or self.side or self.verdict)


def parse(params: Mapping[str, str]) -> tuple[Choice, list[str]]:
    """Read a choice out of query parameters; what makes no sense is left aside and told."""
    told: list[str] = []

    def one(name: str, options: Iterable[str], default: str | None = None) -> str | None:
        value = params.get(name)
        if value is None or value in options:
            return value if value is not None else default
        told.append(Sentence(OPTION, given=f"{name}={value[:40]}", options=", ".join(options)))
        return default

    cells = _cells(params, told)
    least = _share(params.get("min"), "min", told) or 0.0
    sort, show, looks = one("sort", SORTS, "confident"), one("show", SHOWS, "a"), one("looks", KINDS, "single")
    assert sort is not None and show is not None and looks is not None
    return Choice(cells, show, one("part", PARTS), least, _bin(params.get("bin"), told), one("side", SIDES), one("verdict", VERDICTS),
                  sort, looks), told


def written(cells: Sequence[Cell]) -> dict[str, str | None]:
    """Return the query parameters of cells: one as `true` and `pred`, several as `cells`; `None` takes a parameter away."""
    unique = list(dict.fromkeys(cells))
    if len(unique) == 1:
        true, predicted = unique[0]
        return {"true": _name(true), "pred": _name(predicted), "cells": None}
    return {"true": None, "pred": None, "cells": ",".join(f"{_name(t) or 'any'}-{_name(p) or 'any'}" for t, p in unique) or None}


def members(cells: Sequence[Cell], labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Tell which faces lie in one of the cells: bool (n,); unlabelled faces lie in none."""
    table = np.zeros((len(EMOTIONS), len(EMOTIONS)), bool)
    for t, p in cells:
        table[slice(None) if t is None else t, slice(None) if p is None else p] = True
    inside: np.ndarray = table[np.maximum(labels, 0), predicted] & (labels >= 0)
    return inside


def chosen(choice: Choice, labels: np.ndarray, predicted: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Tell which faces are asked for, as far as the answers of one run tell: bool (n,). An unlabelled face is none of them."""
    mask: np.ndarray = (labels >= 0) & (confidence >= choice.least) if choice.least else labels >= 0
    if choice.cells:
        mask = mask & members(choice.cells, labels, predicted)
    if choice.bin:
        mask = mask & in_bin(confidence, choice.bin)
    if choice.side:
        mask = mask & ((predicted != labels) == (choice.side == "wrong"))
    return mask


def in_bin(confidence: np.ndarray, bin: tuple[float, float]) -> np.ndarray:
    """Tell which confidences lie in a bar of the histogram: from (with) to (without), the last bar with its end."""
    low, high = bin
    inside: np.ndarray = (confidence >= low) & ((confidence < high) if high < 1 else (confidence <= 1.001))
    return inside


def _name(index: int | None) -> str | None:
    return None if index is None else EMOTIONS[index]


def _cells(params: Mapping[str, str], told: list[str]) -> tuple[Cell, ...]:
    found: list[Cell] = []
    for part in filter(None, params.get("cells", "").split(",")[: len(EMOTIONS) * 9]):
        words = part.split("-")
        pair = [class_of(word) for word in words]
        if len(pair) == 2 and all(one is not None or word == "any" for one, word in zip(pair, words, strict=True)):
            found.append((pair[0], pair[1]))
        else:
            told.append(Sentence("The cell '{cell}' was left aside: it should read like sad-neutral, or sad-any.", cell=part[:40]))
    true, predicted = (class_of(params.get(name)) for name in ("true", "pred"))
    told += [Sentence(OPTION, given=f"{name}={params[name][:40]}", options=", ".join(EMOTIONS))
             for name, one in (("true", true), ("pred", predicted)) if one is None and name in params]
    if (true, predicted) != (None, None):
        found.append((true, predicted))
    return tuple(dict.fromkeys(found))


def _share(text: str | None, name: str, told: list[str]) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if 0 <= value <= 1:
        return value
    told.append(Sentence(NUMBER, given=f"{name}={text[:40]}", low=0, high=1))
    return None


def _bin(text: str | None, told: list[str]) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split("-"))
        if 0 <= low < high <= 1:
            return low, high
    except ValueError:
        low = high = 0.0
    told.append(Sentence("'{given}' was left aside: it should read like 0.90-0.95.", given=f"bin={text[:40]}"))
    return None
