"""The diagnosis of a training in words: what its curves and last matrix show, each finding with the rule that it follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fer_core.emotions import EMOTIONS
from fer_core.messages import Sentence
from fer_core.metrics.evaluation import CLASSES

PATIENCE = 5
"""Epochs in a row that a rule looks at."""
ENDED = 0.02
"""Share of its peak below which a learning rate has come to its end."""
STEP = 0.002
"""A gain of validation accuracy below this is none (0.2 points)."""
GAP = 0.10
"""Training accuracy that far above validation accuracy says that faces are learned by heart (10 points)."""


@dataclass(frozen=True)
class Finding:
    """One thing that the curves show; `epoch` (from 1) is where it begins, `None` where it has no beginning."""

    title: str
    sentence: str
    rule: str
    epoch: int | None = None


def diagnose(history: Mapping[str, np.ndarray], confusion: np.ndarray | None = None) -> list[Finding]:
    """Return what the history columns and the validation matrices int (epochs, 7, 7), or one (7, 7), show; gravest first, maybe nothing."""
    if len(history["loss"]) == 0:
        return []
    found = [
        _not_a_number(history),
        _rising_loss(history),
        _at_chance(history, confusion),
        _never_predicted(confusion),
        _overfitting(history),
        _plateau(history),
        _still_rising(history),
    ]
    return [finding for finding in found if finding is not None]


def _not_a_number(history: Mapping[str, np.ndarray]) -> Finding | None:
    rule = "A training or validation loss is NaN or infinite."
    bad = np.flatnonzero(~(np.isfinite(history["loss"]) & np.isfinite(history["val_loss"])))
    if not len(bad):
        return None
    epoch = _epoch(history, bad[0])
    return Finding(
        "The loss is no number any more",
        Sentence("In epoch {epoch} the loss became NaN or infinite: the learning rate is most likely too high. "
                 "Start anew with a learning rate ten times lower.", epoch=epoch),
        rule,
        epoch,
    )


def _rising_loss(history: Mapping[str, np.ndarray]) -> Finding | None:
    rule = "The training loss of an epoch is more than 25% above the lowest before it, or it rose three epochs in a row."
    losses = np.asarray(history["loss"], dtype=float)
    lowest = np.fmin.accumulate(losses)
    jumps = np.flatnonzero(losses[1:] > 1.25 * lowest[:-1]) + 1
    rises = losses[1:] > losses[:-1]
    runs = np.flatnonzero(rises[:-2] & rises[1:-1] & rises[2:]) + 1
    first = min([*jumps.tolist(), *runs.tolist()], default=None)
    if first is None:
        return None
    epoch, rate = _epoch(history, first), float(history["learning_rate"][first])
    return Finding(
        "The learning rate looks too high",
        Sentence("The training loss went up in epoch {epoch} (to {loss:.3g}, from {lowest:.3g} at best) "
                 "at a learning rate of {rate:.2g}. Try a third of it, or a longer warm-up.",
                 epoch=epoch, loss=losses[first], lowest=lowest[first - 1], rate=rate),
        rule,
        epoch,
    )


def _at_chance(history: Mapping[str, np.ndarray], confusion: np.ndarray | None) -> Finding | None:
    rule = Sentence("After {epochs} epochs validation accuracy has not passed the share of the most frequent class by 2 points.",
                    epochs=PATIENCE)
    accuracy = np.asarray(history["val_accuracy"], dtype=float)
    last = _last(confusion)
    if len(accuracy) < PATIENCE or last is None:
        return None
    share, best = float(last.sum(1).max() / last.sum()), float(np.nanmax(np.append(accuracy, 0)))
    if best > share + 0.02:
        return None
    name = EMOTIONS[int(last.sum(1).argmax())]
    return Finding(
        "It has learned next to nothing",
        Sentence("Calling every face {emotion} would be right for {share:.1%}; the network's best is {best:.1%}. "
                 "The learning rate is far too high or far too low, or the labels do not belong to the faces.",
                 emotion=name, share=share, best=best),
        rule,
    )


def _never_predicted(confusion: np.ndarray | None) -> Finding | None:
    rule = "In the last epoch a class that has validation faces was predicted for none of them, nor for any other face."
    last = _last(confusion)
    if last is None:
        return None
    missing = np.flatnonzero((last.sum(0) == 0) & (last.sum(1) > 0))
    if not len(missing):
        return None
    names = EMOTIONS[missing[0]]
    for index in missing[1:]:
        names = Sentence("{words} and {word}", words=names, word=EMOTIONS[index])
    faces = int(last[missing].sum())
    matrices = np.asarray(confusion).reshape(-1, CLASSES, CLASSES)
    return Finding(
        Sentence("Never predicted: {emotions}", emotions=names),
        Sentence("No validation face was called {emotions} in the last epoch, though {faces:,} bear that label. "
                 "Rare classes need more epochs, oversampling or class weights.", emotions=names, faces=faces),
        rule,
        len(matrices),
    )


def _overfitting(history: Mapping[str, np.ndarray]) -> Finding | None:
    rule = Sentence("The lowest validation loss is at least {epochs} epochs old while the training loss fell on, "
                    "and training accuracy is {gap:.0%} or more above validation accuracy.", epochs=PATIENCE, gap=GAP)
    loss, val_loss = (np.asarray(history[name], dtype=float) for name in ("loss", "val_loss"))
    if not np.isfinite(val_loss).any():
        return None
    best = int(np.nanargmin(val_loss))
    gap = float(history["accuracy"][-1] - history["val_accuracy"][-1])
    if len(val_loss) - 1 - best < PATIENCE or not loss[-1] < loss[best] or not gap >= GAP:
        return None
    epoch = _epoch(history, best)
    return Finding(
        Sentence("Overfitting since epoch {epoch}", epoch=epoch),
        Sentence("Validation loss was lowest in epoch {epoch} ({lowest:.3f}) and is {now:.3f} now, while "
                 "training loss fell on to {training:.3f}; training accuracy is {gap:.0f} points above "
                 "validation accuracy. More augmentation, dropout or weight decay may help.",
                 epoch=epoch, lowest=val_loss[best], now=val_loss[-1], training=loss[-1], gap=100 * gap),
        rule,
        epoch,
    )


def _plateau(history: Mapping[str, np.ndarray]) -> Finding | None:
    rule = Sentence("Validation accuracy has not passed its earlier best by {step:.1f} points for {epochs} epochs or more.",
                    step=100 * STEP, epochs=PATIENCE)
    since = _last_gain(history)
    length = len(history["val_accuracy"])
    if since is None or length - 1 - since < PATIENCE:
        return None
    epoch, value = _epoch(history, since), float(history["val_accuracy"][since])
    rates = history["learning_rate"]
    told = ("Validation accuracy reached {accuracy:.1%} in epoch {epoch} and has gained less than {step:.1f} points "
            "in the {since} epochs since. The learning rate has come to its end; a longer run needs a new start."
            if rates[-1] < ENDED * rates.max() else
            "Validation accuracy reached {accuracy:.1%} in epoch {epoch} and has gained less than {step:.1f} points "
            "in the {since} epochs since. A lower learning rate may free it; more epochs alone will not.")
    return Finding(
        Sentence("No gain since epoch {epoch}", epoch=epoch),
        Sentence(told, accuracy=value, epoch=epoch, step=100 * STEP, since=length - 1 - since),
        rule,
        epoch,
    )


def _still_rising(history: Mapping[str, np.ndarray]) -> Finding | None:
    rule = Sentence("Validation accuracy gained at least 1 point over the last {epochs} epochs, "
                    "and the last gain is at most one epoch old.", epochs=PATIENCE)
    since = _last_gain(history)
    accuracy = np.asarray(history["val_accuracy"], dtype=float)
    if since is None or len(accuracy) <= PATIENCE or len(accuracy) - 1 - since > 1:
        return None
    gain = float(np.nanmax(accuracy) - np.nanmax(np.append(accuracy[:-PATIENCE], 0)))
    if not gain >= 0.01:
        return None
    return Finding(
        "Still learning",
        Sentence("Validation accuracy gained {gain:.1f} points over the last {epochs} epochs: more epochs may give more.",
                 gain=100 * gain, epochs=PATIENCE),
        rule,
    )


def _last_gain(history: Mapping[str, np.ndarray]) -> int | None:
    best, since = -np.inf, None
    for position, value in enumerate(np.asarray(history["val_accuracy"], dtype=float)):
        if value >= best + STEP:
            best, since = float(value), position
    return since


def _last(confusion: np.ndarray | None) -> np.ndarray | None:
    if confusion is None or np.size(confusion) == 0:
        return None
    last: np.ndarray = np.asarray(confusion).reshape(-1, CLASSES, CLASSES)[-1]
    return last if last.sum() else None


def _epoch(history: Mapping[str, np.ndarray], position: int) -> int:
    return int(history["epoch"][position])
