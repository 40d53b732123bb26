"""The arithmetic that `--precision auto` means on this machine: chosen once, kept in a file, and told without TensorFlow.

A stopwatch chooses differently from one run to the next where something else computes beside it, so that the first choice stands
until a person measures again. It is kept for each processor, number of cores, set of GPUs and version of TensorFlow.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import filelock

from fer_core import atomic_io, machine

DTYPES = ("float32", "bfloat16")
LEAD = 0.67
"""bfloat16 must take less than this share of float32's time: it rounds more coarsely, and a draw is no reason for that."""
WAIT = 20.0
"""Seconds that a writer of the file waits for another one."""


@dataclass(frozen=True)
class Choice:
    """A precision, the moment of its choice (ISO 8601, local time) and what it rests on.

    `milliseconds` is what a convolution took in each of `DTYPES`; it is empty where the GPUs' kind decided.
    """

    precision: str
    measured: str
    milliseconds: dict[str, float] = field(default_factory=dict)
    gpus: tuple[str, ...] = ()

    @property
    def day(self) -> str:
        """The date of the choice, such as 2026-11-26."""
        return self.measured[:10]


def place() -> Path:
    """Return the file that keeps the choices, in the folder of the caches."""
    return atomic_io.cache_folder() / "precision.json"


def of_times(seconds: Callable[[str], float]) -> Choice:
    """Choose by a stopwatch, which is asked for the seconds of the same work in each of `DTYPES`."""
    taken = {dtype: seconds(dtype) for dtype in DTYPES}
    faster = taken["bfloat16"] < LEAD * taken["float32"]
    milliseconds = {dtype: round(1000 * value, 2) for dtype, value in taken.items()}
    return Choice("bfloat16" if faster else "float32", _now(), milliseconds)


def of_gpus(names: list[str], capable: bool) -> Choice:
    """Choose bfloat16 where all GPUs can compute in it, else float32."""
    return Choice("bfloat16" if capable else "float32", _now(), gpus=tuple(names))


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def kept(gpus: list[str] | None = None) -> Choice | None:
    """Read the choice for this machine with these GPUs, or `None` where nothing is kept or the file cannot be read.

    With `None` for the GPUs, which only TensorFlow knows, the latest choice for this processor is given, whatever its GPUs.
    """
    here = _machine()
    choices = [_choice(entry) for entry in _entries() if entry.get("machine") == here]
    fitting = [choice for choice in choices if choice and (gpus is None or choice.gpus == tuple(gpus))]
    return max(fitting, key=lambda choice: datetime.fromisoformat(choice.measured), default=None)


def keep(choice: Choice, *, again: bool) -> Choice:
    """Keep a choice and return the one that holds: another process may have been first, unless it is measured `again`.

    Raises `OSError` where the folder cannot be written.
    """
    path = place()
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(path.with_name(f"{path.name}.lock"), timeout=WAIT):
            first = kept(list(choice.gpus))
            if first and not again:
                return first
            atomic_io.write_json(path, [*_others(choice), {**asdict(choice), "machine": _machine()}])
    except filelock.Timeout as error:
        raise OSError(f"another process holds {error.lock_file}") from None
    return choice


def _machine() -> dict[str, Any]:
    """Return what a choice holds for, apart from the GPUs."""
    return {**machine.processor(), "cores": os.cpu_count(), "tensorflow": version("tensorflow")}


def _others(choice: Choice) -> list[dict[str, Any]]:
    """Return the entries whose place a choice does not take."""
    here, gpus = _machine(), list(choice.gpus)
    return [entry for entry in _entries() if (entry.get("machine"), entry.get("gpus")) != (here, gpus)]


def _entries() -> list[dict[str, Any]]:
    try:
        found = json.loads(place().read_text(encoding="utf8"))
    except (OSError, ValueError):  # missing, or damaged: the next choice writes it anew
        return []
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _choice(entry: dict[str, Any]) -> Choice | None:
    """Read an entry; one that nobody wrote like this counts as none."""
    try:
        datetime.fromisoformat(entry["measured"])
        milliseconds = {str(name): float(value) for name, value in entry["milliseconds"].items()}
        choice = Choice(entry["precision"], entry["measured"], milliseconds, tuple(entry["gpus"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    whole = set(milliseconds) == set(DTYPES) or choice.gpus
    return choice if choice.precision in DTYPES and whole else None
