"""The mean of several runs' stored answers, kept as a run of predictions alone: it can be looked at like any other, but not asked.

No network is needed: only what the runs have predicted of the same faces.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from functools import reduce

import numpy as np

from fer_core import atomic_io
from fer_core.config import RunConfig
from fer_core.emotions import EMOTIONS, SPLITS
from fer_core.errors import ConfigError, RunError
from fer_core.messages import Sentence
from fer_core.runs.store import PREDICTIONS, Predictions, Run, RunStore, Status

KIND = "ensemble"
"""What the `origin` of such a run says of it."""


def make(store: RunStore, members: Sequence[str], name: str, *, splits: Sequence[str] = ()) -> Run:
    """Average what runs have predicted, each counting alike, and keep it as the run `name` of the store.

    members: ids of two runs or more. `splits` must have been predicted by all of them; untold, every split that all have is taken.
    Probabilities are averaged, those of the single look and, where all have them with as many looks, those of mirror images and views.
    Features are not: every network has a space of its own. Raises `RunError` and `ConfigError` in words for members that answered for
    other faces, that name other classes, or that lack the split; nothing is left then.
    """
    runs = _opened(store, members)
    wanted = _splits(runs, splits)
    means = [mean([_predicted(run, split) for run in runs], runs) for split in wanted]
    first = runs[0]
    note = Sentence("The mean of {members}.", members=", ".join(members))
    made = store.create(RunConfig(data=first.config.data, arch="none", note=note), name)
    try:
        data = first.facts.get("data", {})
        origin = {"kind": KIND, "members": list(members), "splits": wanted}
        atomic_io.write_json(made.path / "facts.json", {"data": data, "origin": origin})
        for predictions in means:
            made.write_predictions(predictions)
        made.write_status(Status(state="finished", heartbeat=time.time()))
    except BaseException:
        shutil.rmtree(made.path)
        raise
    return made


def mean(found: Sequence[Predictions], runs: Sequence[Run]) -> Predictions:
    """Average the predictions of the same split by `runs`, in their order. Raises `RunError` where they are not of the same faces."""
    first = found[0]
    for run, other in zip(runs, found, strict=True):
        same_data = other.fingerprint == first.fingerprint
        if not same_data or not np.array_equal(other.labels, first.labels):
            raise RunError(
                Sentence("{run} predicted other faces than {first}, so they are not averaged.", run=run.id, first=runs[0].id),
                received=Sentence("fingerprint {data}", data=other.fingerprint[:12]),
                expected=Sentence("fingerprint {data}", data=first.fingerprint[:12]),
                todo=f"python -m fer_core evaluate {run.id} --split {first.split} --data PATH",
            )
    looks = {other.looks for other in found}
    views = _mean([other.views for other in found]) if len(looks) == 1 else None
    return Predictions(
        split=first.split,
        fingerprint=first.fingerprint,
        labels=first.labels,
        probabilities=_sum([other.probabilities for other in found]) / np.float32(len(found)),
        flipped=_mean([other.flipped for other in found]),
        features=None,
        leaked=reduce(np.logical_or, [other.leaked for other in found]),
        views=views,
        looks=0 if views is None else first.looks,
        near=_either([other.near for other in found]),
    )


def _mean(parts: Sequence[np.ndarray | None]) -> np.ndarray | None:
    """Average probabilities (n, 7); `None` where one of them is missing."""
    there = [part for part in parts if part is not None]
    return _sum(there) / np.float32(len(there)) if len(there) == len(parts) else None


def _either(masks: Sequence[np.ndarray | None]) -> np.ndarray | None:
    """Join masks (n,); `None` where one of them is missing."""
    there = [mask for mask in masks if mask is not None]
    return np.asarray(reduce(np.logical_or, there)) if len(there) == len(masks) else None


def _sum(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.asarray(reduce(np.add, [np.asarray(part, np.float32) for part in parts]))


def _opened(store: RunStore, members: Sequence[str]) -> list[Run]:
    if len(members) < 2 or len(set(members)) < len(members):
        raise ConfigError("A mean needs two runs or more, each named once.", received=" ".join(members) or "none")
    runs = [store.open(member) for member in members]
    orders = {run.id: list(run.facts.get("data", {}).get("classes", EMOTIONS)) for run in runs}
    for run in runs:
        if orders[run.id] != orders[runs[0].id]:
            raise RunError(
                Sentence("{run} names other classes than {first}, or in another order.", run=run.id, first=runs[0].id),
                received=", ".join(orders[run.id]),
                expected=", ".join(orders[runs[0].id]),
            )
    return runs


def _splits(runs: Sequence[Run], asked: Sequence[str]) -> list[str]:
    """Name the splits that are averaged, in their usual order."""
    unknown = [split for split in asked if split not in SPLITS]
    if unknown:
        raise ConfigError("There is no such split.", received=unknown[0], expected=" or ".join(SPLITS))
    predicted = {run.id: [split for split in SPLITS if run.predictions(split) is not None] for run in runs}
    shared = [split for split in SPLITS if all(split in splits for splits in predicted.values())]
    lacking = [split for split in asked if split not in shared]
    if shared and not lacking:
        return [split for split in shared if not asked or split in asked]
    told = "; ".join(f"{run}: {', '.join(splits) or 'none'}" for run, splits in predicted.items())
    split = lacking[0] if lacking else "validation"
    late = next(run for run in runs if split not in predicted[run.id])
    raise RunError(
        "These runs have not all predicted the same split.",
        received=told,
        expected=Sentence("the {split} split of each", split=split),
        todo=f"python -m fer_core evaluate {late.id} --split {split}" if late.has_network else "",
    )


def _predicted(run: Run, split: str) -> Predictions:
    found = run.predictions(split)
    if found is None:
        raise RunError(f"{run.id}/{PREDICTIONS} has no answers to the {split} split.", todo="predict the split again")
    return found
