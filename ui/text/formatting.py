"""Sentences made of numbers: what the pages say of data and results, in the reader's language; at most three significant digits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING

import numpy as np

from fer_core.config import RunConfig
from fer_core.emotions import EMOTIONS
from ui.text.language import say

if TYPE_CHECKING:
    from fer_core.metrics.evaluation import Evaluation

NETWORKS = {"cnn": "CNN", "small": "Small CNN", "dnn": "DNN", "none": "Predictions alone"}
SPLIT_WORDS = {"train": "training", "validation": "validation", "test": "test"}


def literal(text: str) -> str:
    """Write a person's text so that Markdown shows it letter by letter."""
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|$:~-])", r"\\\1", text)


def number(value: float) -> str:
    """Write a count with separators."""
    return f"{int(value):,}"


def faces(count: int) -> str:
    """Write `1 face` or `2,870 faces`."""
    return say("{n:,} face" if count == 1 else "{n:,} faces", n=count)


def copies(scores: Evaluation) -> str:
    """Write `280 exact and 95 near copies of training faces`; of a run that was asked about exact ones only, those."""
    if scores.near is not None:
        return say("{exact:,} exact and {near:,} near copies of training faces", exact=scores.exact, near=scores.near)
    one = scores.exact == 1
    return say("{n:,} exact copy of a training face" if one else "{n:,} exact copies of training faces", n=scores.exact)


def part(taken: int, total: int) -> str:
    """Write `200 of 380`, or `380` where all are taken."""
    return f"{total:,}" if taken == total else say("{taken:,} of {total:,}", taken=taken, total=total)


def percent(share: float) -> str:
    """Write a share as a percentage of three significant digits; what is above zero never reads as zero."""
    value = 100 * share
    if 0 < value < 0.1:
        return say("under 0.1%")
    return f"{value:.1f}%" if value < 99.95 else "100%"


def times(ratio: float) -> str:
    """Write how many times one is the other: `16 times`, `1.2 times`."""
    return say("{ratio:.0f} times" if ratio >= 9.95 else "{ratio:.1f} times", ratio=ratio)


def duration(seconds: float) -> str:
    """Write a time span: `8 s`, `3 min`, `1 h 20 min`."""
    if seconds < 90:
        return say("{seconds:.0f} s", seconds=seconds)
    minutes = round(seconds / 60)
    if minutes < 90:
        return say("{minutes} min", minutes=minutes)
    return say("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)


def source(path: str) -> str:
    """Name a data set as a person knows it."""
    if path == "demo":
        return say("Demo faces")
    return say("Demo faces, seed {seed}", seed=path[5:]) if path.startswith("demo:") else Path(path).name


def emotion(label: int) -> str:
    """Name a label; -1 is a face without one."""
    return say(EMOTIONS[label].capitalize() if label >= 0 else "No label")


def listed(words: Sequence[str]) -> str:
    """Join words: `a`, `a and b`, `a, b and c`."""
    return say("{words} and {word}", words=commas(words[:-1]), word=words[-1]) if len(words) > 1 else commas(words)


def commas(words: Sequence[str]) -> str:
    """Join words: `a, b, c`."""
    return reduce(lambda told, word: say("{words}, {word}", words=told, word=word), words) if words else ""


def change(classes: Iterable[int], before: np.ndarray, after: np.ndarray) -> str:
    """Say what became of some of the seven probabilities (7,), and of what the face is called where that changed."""
    then = "\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}"
    changes = commas([f"{emotion(i)} {percent(float(before[i]))}{then}{percent(float(after[i]))}" for i in classes])
    if int(after.argmax()) == int(before.argmax()):
        return changes
    return say("{changes}; it is then called {called}", changes=changes, called=emotion(int(after.argmax())))


def clauses(parts: Sequence[str]) -> str:
    """Join parts of a sentence: `a, b, c`."""
    return reduce(lambda told, part: say("{told}, {part}", told=told, part=part), parts)


def prose(sentences: Iterable[str]) -> str:
    """Join sentences; empty ones are left out."""
    return reduce(lambda told, more: say("{told} {more}", told=told, more=more), filter(None, sentences), "").lstrip()


def setting(name: str) -> str:
    """Name a setting of a run: `batch size`."""
    said = say("Precision" if name == "precision" else name)  # of numbers; that of a class is another word elsewhere
    return name.replace("_", " ") if said in (name, "Precision") else said


def kept(text: str, templates: Iterable[str]) -> str:
    """Say a sentence that a file keeps: it is known again by the template that it was made of; numbers in it are whole."""
    for template in templates:
        pieces = [(re.escape(part), name, form) for part, name, form, _ in Formatter().parse(template)]
        wanted = "".join(part + (f"(?P<{name}>{'[0-9,]+' if form else '.+'})" if name else "") for part, name, form in pieces)
        if found := re.fullmatch(wanted, text, re.DOTALL):
            numbers = {name for _, name, form in pieces if form}
            values = found.groupdict().items()
            return say(template, **{name: int(value.replace(",", "")) if name in numbers else value for name, value in values})
    return say(text)


def dataset(name: str, sizes: Mapping[str, int]) -> str:
    """Say what a data set holds."""
    return say("{name}: {faces} of 48 × 48 pixels ({splits}).", name=name, faces=faces(sum(sizes.values())), splits=parts(sizes))


def parts(sizes: Mapping[str, int]) -> str:
    """Say how many faces each split has: `2,800 training and 350 validation`."""
    return listed([say("{n:,} {split}", n=size, split=SPLIT_WORDS.get(split, split)) for split, size in sizes.items()])


def imbalance(counts: np.ndarray) -> str:
    """Say how uneven the classes of one split are, from its counts (7,)."""
    total = int(counts.sum())
    if total == 0:
        return say("No face of this split has a label.")
    most, present = int(counts.argmax()), np.flatnonzero(counts)
    least = int(present[counts[present].argmin()])
    words = []
    absent = [emotion(index) for index in range(len(EMOTIONS)) if counts[index] == 0]
    if absent:
        words.append(say("No face is labelled {emotions}.", emotions=listed(absent)))
    if counts[most] == counts[least]:
        return prose([*words, say("Every class has {faces}.", faces=faces(int(counts[most])))])
    ratio, names = counts[most] / counts[least], {"least": emotion(least), "most": emotion(most)}
    words.append(
        say("For every {least} face there are {ratio:.0f} {most} ones.", ratio=ratio, **names)
        if ratio >= 2
        else say("{most} has {times} as many faces as {least}.", times=times(ratio), **names)
    )
    words.append(say("{least} is {share} of the split: a network that never says {least} loses only {share} of its accuracy.",
                     least=emotion(least), share=percent(counts[least] / total)))
    words.append(say("One that always says {most} is right on {share}.", most=emotion(most), share=percent(counts[most] / total)))
    return prose(words)


def oversampled(counts: np.ndarray, drawn: np.ndarray) -> str:
    """Say what oversampling makes of the rarest class: counts (7,) of the split and of one epoch."""
    present = np.flatnonzero(counts)
    if not len(present) or np.array_equal(counts, drawn):
        return say("Each face is shown once per epoch; rare classes are not sampled again.")
    least = int(present[counts[present].argmin()])
    return say("Rare classes are sampled again: the {faces} labelled {emotion} are shown {n:,} times per epoch, about {times} each.",
               faces=faces(int(counts[least])), emotion=emotion(least), n=int(drawn[least]), times=times(drawn[least] / counts[least]))


def changes(config: RunConfig) -> str:
    """Say what the trainer does to each face."""
    said = [
        (config.flip, say("mirrored with a chance of {percent:g}%", percent=100 * config.flip)),
        (config.shift, say("shifted by up to {pixels:g} pixels", pixels=config.shift)),
        (config.zoom, say("zoomed by up to {percent:g}%", percent=100 * config.zoom)),
        (config.rotation, say("turned by up to {degrees:g}°", degrees=config.rotation)),
        (config.contrast, say("contrast and brightness changed by up to {percent:g}%", percent=100 * config.contrast)),
        (config.erase, say("a rectangle erased with a chance of {percent:g}%", percent=100 * config.erase)),
    ]
    told = [words for value, words in said if value]
    if not told:
        return say("Faces are shown as they are.")
    return say("Each time it is shown, a face is {changes}.", changes=reduce(lambda a, b: say("{told}; {more}", told=a, more=b), told))


def accuracy(value: float, interval: tuple[float, float], n: int) -> str:
    """Say an accuracy with its 95% interval and N."""
    return say("{share} of {faces}", share=share(value, interval), faces=faces(n))


def chance(p: float) -> str:
    """Write the p of a test."""
    return say("under 0.0001") if p < 1e-4 else f"{p:.2g}"


def share(value: float, interval: tuple[float, float]) -> str:
    """Say a share with its 95% interval."""
    return say("{share} ({low:.1f} to {high:.1f})", share=percent(value), low=100 * interval[0], high=100 * interval[1])


def shares(counts: np.ndarray) -> list[dict[str, object]]:
    """Return a row per class for a table: class, faces, share in percent."""
    total = max(int(counts.sum()), 1)
    pairs = zip(EMOTIONS, counts, strict=True)
    return [{"class": name, "faces": int(value), "share in %": round(100 * int(value) / total, 2)} for name, value in pairs]
