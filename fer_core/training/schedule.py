"""The learning rate and the end of a run, as pure functions of settings, step and history: nothing to save, nothing to forget."""

from __future__ import annotations

import math

import numpy as np

from fer_core.config import RunConfig
from fer_core.runs.store import best_epoch

PLATEAU_FACTOR = 0.5
"""What the rate is multiplied by when validation stalls."""


def learning_rate(config: RunConfig, step: int, steps: int, history: dict[str, np.ndarray]) -> float:
    """Give the rate of a step, counted from 0 over the whole run, where an epoch has `steps`.

    Linear warm-up, then `constant`, or `cosine` to zero (Loshchilov and Hutter 2017, without restarts), or `plateau`.
    """
    warmup = config.warmup_epochs * steps
    if step < warmup:
        return config.learning_rate * (step + 1) / (warmup + 1)
    if config.schedule == "cosine":
        done = (step - warmup) / max(1.0, config.epochs * steps - warmup)
        return config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    if config.schedule == "plateau":
        return config.learning_rate * PLATEAU_FACTOR ** stalls(history, config)
    return config.learning_rate


def stalls(history: dict[str, np.ndarray], config: RunConfig) -> int:
    """Count how often validation went `plateau_patience` epochs without a better value."""
    values = history[f"val_{config.monitor}"]
    best, waited, count = -math.inf, 0, 0
    for value in values if config.monitor == "accuracy" else -values:
        waited = 0 if value > best else waited + 1
        best = max(best, value)
        if waited >= config.plateau_patience:
            waited, count = 0, count + 1
    return count


def is_over(history: dict[str, np.ndarray], config: RunConfig) -> bool:
    """Tell whether early stopping ends the run after the epochs in `history`."""
    best = best_epoch(history, config)
    return bool(config.patience and best and len(history["epoch"]) - best[0] >= config.patience)
