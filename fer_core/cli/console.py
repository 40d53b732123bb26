"""What the command line shows: progress with time left on the error stream, results on standard output."""

from __future__ import annotations

import importlib
import json
import math
import os
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from fer_core.data.dataset import Dataset, read
from fer_core.metrics.evaluation import Evaluation
from fer_core.metrics.looks import Look
from fer_core.release.model_card import copies_in_words
from fer_core.runs import dataset_lookup
from fer_core.runs.store import Run, Status

console, errors = Console(), Console(stderr=True)


def describe(run: Run) -> dict[str, Any]:
    """Put a run into one row."""
    if run.damage:
        return {"run": run.id, "state": "damaged", "damage": run.damage}
    status, best = run.status, run.best
    return {
        "run": run.id,
        "title": run.title,
        "state": status.state,
        "reason": status.reason,
        "arch": run.config.arch,
        "data": run.facts.get("data", {}).get("name", run.config.data),
        "epoch": status.epoch,
        "epochs": run.config.epochs,
        "monitor": run.config.monitor,
        "best_epoch": best[0] if best else None,
        "best": best[1] if best else None,
        "notes": list(run.notes),
        "network": run.has_network,
        "origin": run.origin,
    }


def progress_bar() -> Progress:
    """Make a progress bar with time left, on the error stream, so that results can be piped."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
    )


def follow(run: Run, background: bool, as_json: bool) -> None:
    """Show a training until it ends; the first Ctrl-C asks it to stop."""
    errors.print(f"run {run.id} in {run.path}", highlight=False)
    if background:
        return print_json(describe(run)) if as_json else None
    with progress_bar() as bar:
        task, shown = bar.add_task("starting", total=1.0), 0
        while (status := run.status).alive:
            shown = _show(run, status, bar, task, shown)
            try:
                time.sleep(0.5)
            except KeyboardInterrupt:
                run.request_stop()
                bar.console.print("stopping after this step")
        _show(run, status, bar, task, shown)
    if as_json:
        print_json(describe(run))
    errors.print(f"{run.id} {status.state}. {status.reason}".rstrip(), highlight=False)
    if status.state in ("failed", "lost"):
        errors.print(f"The log is in {run.path / 'log.txt'}.", highlight=False)
        sys.exit(1)


def _show(run: Run, status: Status, bar: Progress, task: Any, shown: int) -> int:
    text = status.phase or status.state
    if status.loss is not None and status.images_per_second:
        text += f"  step {status.step}/{status.steps}  loss {status.loss:.3f}  {status.images_per_second:.0f} images/s"
    bar.update(task, description=text, completed=(status.epoch + status.step / max(1, status.steps)) / max(1, status.epochs))
    history = run.history
    for i in range(shown, len(history["epoch"])):
        bar.console.print(
            f"epoch {i + 1}: loss {history['loss'][i]:.3f}, accuracy {history['accuracy'][i]:.1%}, validation loss "
            f"{history['val_loss'][i]:.3f}, accuracy {history['val_accuracy'][i]:.1%}",
            highlight=False,
        )
    return len(history["epoch"])


def print_json(value: Any) -> None:
    """Print a value as JSON, and nothing else, on standard output."""
    print(json.dumps(value, indent=1, default=float))


def load_data(source: str, skip_bad: Path | None = None) -> Dataset:
    """Read a data set with a progress bar."""
    with progress_bar() as bar:
        task = bar.add_task("reading the faces", total=1.0)
        return read(source, skip_bad=skip_bad, progress=lambda share: bar.update(task, completed=share))


def run_data(run: Run, data: str) -> Dataset:
    """Read the data set named, or the one that the run was trained on, where it says or in the folder of data sets."""
    bad = run.path / "bad-rows.txt" if run.config.skip_bad else None
    found = None if data else dataset_lookup.find(run, read=partial(load_data, skip_bad=bad))
    return found[1] if found else load_data(data or run.config.data, bad)


def show_scores(title: str, result: Evaluation) -> None:
    """Print every number of an evaluation, shares with their 95% intervals."""
    console.print(f"{title}: {_share(result.accuracy, result.interval, 2)} of {result.n:,} faces right", highlight=False)
    if result.without_copies and result.copies:
        rest = result.without_copies
        told = _share(rest.accuracy, rest.interval, 2)
        console.print(f"without {copies_in_words(result)} of training faces: {told} of {rest.n:,}", highlight=False)
    console.print(
        f"balanced accuracy {result.balanced_accuracy:.1%}, macro F1 {result.macro_f1:.3f}, top 2 {result.top2:.1%}, "
        f"top 3 {result.top3:.1%}, negative log-likelihood {result.nll:.3f} nats, "
        f"calibration error {result.ece:.3f}, Brier {result.brier:.3f}",
        highlight=False,
    )
    table = Table("emotion", "faces", "precision", "recall", "F1", box=None)
    for line in result.per_class:
        precision, recall = _share(line.precision, line.precision_interval), _share(line.recall, line.recall_interval)
        table.add_row(line.name, f"{line.support:,}", precision, recall, "-" if math.isnan(line.f1) else f"{line.f1:.3f}")
    console.print(table)


def show_looks(found: Mapping[str, Look]) -> None:
    """Print what the mirror image and further looks add to the single look, where there are any."""
    if len(found) < 2:
        return
    table = Table("looks at each face", "right", "without copies", "calibration error", "beside the single look", box=None)
    for look in found.values():
        scores, rest = look.scores, look.scores.without_copies
        table.add_row(
            look.words,
            f"{_share(scores.accuracy, scores.interval, 2)} of {scores.n:,}",
            f"{_share(rest.accuracy, rest.interval, 2)} of {rest.n:,}" if rest else "",
            f"{scores.ece:.3f}",
            look.adds or "",
        )
    console.print(table)


def _share(value: float, interval: tuple[float, float], digits: int = 1) -> str:
    return "never" if math.isnan(value) else f"{value:.{digits}%} ({interval[0]:.1%} to {interval[1]:.1%})"


def networks() -> ModuleType:
    """Import TensorFlow with `fer_core.models`; its remarks while it loads, which no setting silences, go nowhere."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        importlib.import_module("fer_core.models.architectures")
        return importlib.import_module("fer_core.models")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
