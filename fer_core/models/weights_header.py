"""A network as a row of blocks, read from the head of its weights file: shapes, parameters, views. Needs no framework."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fer_core.emotions import EMOTIONS, SIDE
from fer_core.errors import ModelError
from fer_core.messages import Sentence

FILE = "weights.safetensors"


PLURALS = {"class": "{n:,} classes", "filter": "{n:,} filters", "neuron": "{n:,} neurons"}


Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Block:
    """One convolution or dense layer with what belongs to it; lengths in pixels of the face."""

    name: str
    kind: str
    units: int
    grid: int
    """Side of its activation maps; 0 in a dense layer."""
    kernel: int
    """Side of its kernels; 0 in a dense layer."""
    parameters: int
    """Of the layer itself; the batch norm's are `norm`."""
    norm: int
    field: int
    """Side of the square of the face that one unit sees."""

    @property
    def layer(self) -> str:
        """The layer that holds the units after their activation."""
        return f"{self.name}_relu" if self.grid else self.name

    @property
    def shape(self) -> str:
        """Output shape in words."""
        return f"{self.grid} × {self.grid} × {self.units}" if self.grid else f"{self.units:,}"

    @property
    def view(self) -> str:
        """What a unit sees, in words."""
        return Sentence("sees {field} × {field} px", field=self.field) if self.grid and self.field < SIDE else "sees the whole face"

    @property
    def noun(self) -> str:
        """What a unit of it is called."""
        return "class" if self.name == "logits" else "filter" if self.grid else "neuron"

    def title(self, unit: int) -> str:
        """Name a unit."""
        if self.name == "logits":
            return EMOTIONS[unit].capitalize()
        return Sentence(self.naming, unit=unit, layer=self.name)

    @property
    def naming(self) -> str:
        """The template that names its units, where they are no classes."""
        return "Filter {unit} of {layer}" if self.grid else "Neuron {unit} of {layer}"

    @property
    def plural(self) -> str:
        """Its units, counted."""
        return Sentence(PLURALS[self.noun], n=self.units)

    @property
    def nouns(self) -> str:
        """What several units of it are called."""
        return "classes" if self.name == "logits" else "filters" if self.grid else "neurons"


def find(found: list[Block], name: str | None) -> Block | None:
    """Find a block by its name or by the name of its activation."""
    return next((block for block in found if name in (block.name, block.layer)), None)


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Read the shapes of the arrays in a safetensors file, and nothing else of it."""
    try:
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > 1 << 24:
                raise ValueError("no head")
            head: dict[str, Any] = json.loads(file.read(length))
        return {name: tuple(facts["shape"]) for name, facts in head.items() if name != "__metadata__"}
    except FileNotFoundError:
        raise ModelError("The run has no weights yet.", received=path.parent.name, todo="wait for the end of its first epoch") from None
    except (OSError, ValueError, struct.error, KeyError, TypeError) as error:
        raise ModelError("The weights of this run cannot be read.", received=str(error)[:200]) from None


def arranged(found: Shapes) -> list[Block]:
    """Arrange arrays by name (conv1/kernel, ...) into blocks; a pool of 2 follows every convolution."""
    names = sorted({name.split("/")[0] for name, shape in found.items() if name.endswith("/kernel")}, key=_order)
    result, field, stride, grid = [], 1, 1, SIDE
    for name in names:
        kernel = found[f"{name}/kernel"]
        own = int(np.prod(kernel)) + int(np.prod(found.get(f"{name}/bias", (0,))))
        norm = sum(int(np.prod(shape)) for array, shape in found.items() if array.startswith(f"{name}_norm/"))
        if len(kernel) == 4:
            field += (kernel[0] - 1) * stride
            kind = Sentence("convolution {rows} × {columns}", rows=kernel[0], columns=kernel[1])
            result.append(Block(name, kind, kernel[3], grid, kernel[0], own, norm, min(field, SIDE)))
            field, stride, grid = field + stride, stride * 2, grid // 2
        else:
            result.append(Block(name, "dense", kernel[1], 0, 0, own, norm, SIDE))
    return result


def _order(name: str) -> tuple[int, int]:
    number = re.search(r"\d+$", name)
    return ("conv", "dense", "logits").index(next(kind for kind in ("conv", "dense", "logits") if name.startswith(kind))), \
        int(number.group()) if number else 0
