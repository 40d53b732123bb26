"""What this machine is, as far as it decides the bits of a training; and on which machines a run was trained, one after another.

Two processors of one name can compute with other instructions (a virtual machine often hides its model), so that the instructions
and the signature are part of what a machine is.
"""

from __future__ import annotations

import functools
import os
import platform
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16")
"""Instructions of x86 by which TensorFlow chooses other kernels, that is another order of sums."""
SIGNATURE = ("cpu family", "model", "stepping")
DECISIVE = ("processor", "instructions", "signature", "cores", "threads", "replicas", "gpus", "versions")
"""What the history of a run's machines tells of each: where one of these differs, bits may differ."""
WARNING = "from here on bits may differ from an unbroken run on either"

Facts = dict[str, Any]


def processor_name() -> str:
    """Return the processor's name as the system tells it."""
    return str(processor()["processor"])


@functools.cache
def _cpuinfo() -> dict[str, str]:
    """Read what Linux tells of the first processor; nothing on other systems."""
    facts: dict[str, str] = {}
    try:
        with open("/proc/cpuinfo", encoding="utf8") as file:
            for line in file:
                if not line.strip():  # the next processor begins
                    break
                name, _, value = line.partition(":")
                facts[name.strip()] = value.strip()
    except OSError:
        return {}
    return facts


def processor() -> Facts:
    """Return the processor's name, its instructions among `INSTRUCTIONS`, and its signature; the last two are empty off Linux."""
    facts = _cpuinfo()
    flags = set(facts.get("flags", "").split())
    return {
        "processor": facts.get("model name") or platform.processor() or platform.machine(),
        "instructions": " ".join(name for name in INSTRUCTIONS if name in flags),
        "signature": "-".join(facts[name] for name in SIGNATURE if name in facts),
    }


def usable_cores() -> int:
    """Count the cores that this process may use; TensorFlow starts as many threads where it is told no number."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def with_history(now: Facts, before: Mapping[str, Any], epoch: int, step: int) -> Facts:
    """Return the facts of this machine with `history`, the machines of the run one after another, this one last.

    `before` is `machine` of the run's facts.json so far, empty at its first start. The run goes on in `epoch`, counted from 1, of
    which `step` steps are done. Each entry holds those of `DECISIVE` that are known, with `first_epoch` and `first_step`.
    A machine all of whose work was lost, since the run goes on from where that one had begun or earlier, leaves no entry.
    """
    history = [*_history(before)]
    while history and (history[-1]["first_epoch"], history[-1]["first_step"]) >= (epoch, step):
        history.pop()
    if not history or differences(history[-1], now):
        history.append({**_decisive(now), "first_epoch": epoch, "first_step": step})
    return {**now, "history": history}


def _history(machine: Mapping[str, Any]) -> list[Facts]:
    """Return the known machines; facts that were written before there was a history tell of one."""
    if "history" in machine:
        return list(machine["history"])
    return [{**_decisive(machine), "first_epoch": 1, "first_step": 0}] if machine else []


def _decisive(machine: Mapping[str, Any]) -> Facts:
    return {name: machine[name] for name in DECISIVE if name in machine}


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Tell in words in what two machines differ, the processor first; what one of them does not tell is not compared."""
    both = [name for name in DECISIVE if name in before and name in now]
    changed = {name for name in both if before[name] != now[name]}
    told = []
    if changed & {"processor", "instructions", "signature"}:
        told.append(f"on another kind of processor: {_kind(before, now)} before, {_kind(now, before)} now")
    for name in ("cores", "threads", "replicas"):
        if name in changed:
            words = "copies of the network" if name == "replicas" else name
            told.append(f"with another number of {words}: {before[name]} before, {now[name]} now")
    if "gpus" in changed:
        told.append(f"on other GPUs: {_listed(before['gpus'])} before, {_listed(now['gpus'])} now")
    if "versions" in changed:
        told += _versions(before["versions"], now["versions"])
    return told


def _kind(machine: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Name a processor, with as much as tells it from the other one."""
    parts = [str(machine.get("processor", "an unknown processor"))]
    if machine.get("processor") == other.get("processor"):
        details = [str(machine[name]) for name in ("signature", "instructions") if machine.get(name) != other.get(name)]
        parts.append(f"({', '.join(details)})")
    return " ".join(parts)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _versions(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    changed = [name for name in before if name in now and before[name] != now[name]]
    return [f"with another version of {name}: {before[name]} before, {now[name]} now" for name in changed]


def going_on(machine: Mapping[str, Any], epoch: int, step: int) -> str:
    """Tell, for the log, that a run which goes on in `epoch` after `step` steps does so on another machine; else nothing."""
    history = machine["history"]
    begin = (history[-1]["first_epoch"], history[-1]["first_step"])
    if len(history) == 1 or begin != (epoch, step):
        return ""
    changes = differences(history[-2], history[-1])
    return f"goes on {'; '.join(changes)}; {WARNING}"


def trained_on(machine: Mapping[str, Any], precision: str) -> str:
    """Tell, for a model card, on what a run was trained, with every change of the machine; `machine` is that of facts.json."""
    history = _history(machine) or [{}]
    first = history[0]
    told = [f"{first.get('processor', 'an unknown processor')} ({first.get('cores', '?')} cores, {precision})"]
    for before, now in pairwise(history):
        place = f"epoch {now['first_epoch']}"
        if now["first_step"]:
            place += f", step {now['first_step'] + 1}"
        told.append(f"from {place} {'; '.join(differences(before, now))}; {WARNING}")
    return ", ".join(told)
