"""Sentences made of numbers: what the pages say of data and results. Pure functions; at most three significant digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from fer_core.config import RunConfig
from fer_core.emotions import EMOTIONS
from ui.language import say

NETWORKS = {"cnn": "CNN", "small": "Small CNN", "dnn": "DNN"}
SPLIT_WORDS = {"train": "training", "validation": "validation", "test": "test"}


def number(value: float) -> str:
    """Write a count with separators."""
    return f"{int(value):,}"


def faces(count: int) -> str:
    """Write `1 face` or `2,870 faces`."""
    return f"{count:,} face" + ("" if count == 1 else "s")


def percent(share: float) -> str:
    """Write a share as a percentage of three significant digits; what is above zero never reads as zero."""
    value = 100 * share
    if 0 < value < 0.1:
        return "under 0.1%"
    return f"{value:.1f}%" if value < 99.95 else "100%"


def times(ratio: float) -> str:
    """Write how many times one is the other: `16 times`, `1.2 times`."""
    return f"{ratio:.0f} times" if ratio >= 9.95 else f"{ratio:.1f} times"


def duration(seconds: float) -> str:
    """Write a time span: `8 s`, `3 min`, `1 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def source(path: str) -> str:
    """Name a data set as a person knows it."""
    if path == "demo":
        return "Demo faces"
    return f"Demo faces, seed {path[5:]}" if path.startswith("demo:") else Path(path).name


def emotion(label: int) -> str:
    """Name a label; -1 is a face without one."""
    return say(EMOTIONS[label].capitalize() if label >= 0 else "No label")


def listed(words: Sequence[str]) -> str:
    """Join words: `a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def dataset(name: str, sizes: Mapping[str, int]) -> str:
    """Say what a data set holds."""
    parts = [f"{size:,} {SPLIT_WORDS.get(split, split)}" for split, size in sizes.items()]
    return f"{name}: {faces(sum(sizes.values()))} of 48 × 48 pixels ({listed(parts)})."


def imbalance(counts: np.ndarray) -> str:
    """Say how uneven the classes of one split are, from its counts (7,)."""
    total = int(counts.sum())
    if total == 0:
        return "No face of this split has a label."
    most, present = int(counts.argmax()), np.flatnonzero(counts)
    least = int(present[counts[present].argmin()])
    words = []
    absent = [emotion(index) for index in range(len(EMOTIONS)) if counts[index] == 0]
    if absent:
        words.append(f"No face is labelled {listed(absent)}.")
    if counts[most] == counts[least]:
        return " ".join([*words, f"Every class has {faces(int(counts[most]))}."])
    ratio = counts[most] / counts[least]
    words.append(
        f"For every {emotion(least)} face there are {ratio:.0f} {emotion(most)} ones."
        if ratio >= 2
        else f"{emotion(most)} has {times(ratio)} as many faces as {emotion(least)}."
    )
    words.append(
        f"{emotion(least)} is {percent(counts[least] / total)} of the split: a network that never says {emotion(least)} "
        f"loses only {percent(counts[least] / total)} of its accuracy."
    )
    words.append(f"One that always says {emotion(most)} is right on {percent(counts[most] / total)}.")
    return " ".join(words)


def oversampled(counts: np.ndarray, drawn: np.ndarray) -> str:
    """Say what oversampling makes of the rarest class: counts (7,) of the split and of one epoch."""
    present = np.flatnonzero(counts)
    if not len(present) or np.array_equal(counts, drawn):
        return "Each face is shown once per epoch; rare classes are not sampled again."
    least = int(present[counts[present].argmin()])
    return (
        f"Rare classes are sampled again: the {faces(int(counts[least]))} "
        f"labelled {emotion(least)} are shown {number(drawn[least])} times "
        f"per epoch, about {times(drawn[least] / counts[least])} each."
    )


def changes(config: RunConfig) -> str:
    """Say what the trainer does to each face."""
    said = [
        (config.flip, f"mirrored with a chance of {100 * config.flip:g}%"),
        (config.shift, f"shifted by up to {config.shift:g} pixels"),
        (config.zoom, f"zoomed by up to {100 * config.zoom:g}%"),
        (config.rotation, f"turned by up to {config.rotation:g}°"),
        (config.contrast, f"contrast and brightness changed by up to {100 * config.contrast:g}%"),
        (config.erase, f"a rectangle erased with a chance of {100 * config.erase:g}%"),
    ]
    told = [words for value, words in said if value]
    return f"Each time it is shown, a face is {'; '.join(told)}." if told else "Faces are shown as they are."


def accuracy(value: float, interval: tuple[float, float], n: int) -> str:
    """Say an accuracy with its 95% interval and N."""
    return f"{share(value, interval)} of {faces(n)}"


def share(value: float, interval: tuple[float, float]) -> str:
    """Say a share with its 95% interval."""
    return f"{percent(value)} ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})"


def shares(counts: np.ndarray) -> list[dict[str, object]]:
    """Return a row per class for a table: class, faces, share in percent."""
    total = max(int(counts.sum()), 1)
    pairs = zip(EMOTIONS, counts, strict=True)
    return [{"class": name, "faces": int(value), "share in %": round(100 * int(value) / total, 2)} for name, value in pairs]
