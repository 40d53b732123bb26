"""What the trainer writes into its run folder: the heartbeat, a row per epoch, matrices, probes, and the log."""

from __future__ import annotations

import csv
import io
import threading
import time
from dataclasses import replace
from types import TracebackType
from typing import Any

import numpy as np

from fer_core import atomic_io
from fer_core.runs.processes import Process
from fer_core.runs.store import Run, Status

BEAT = 1.0
"""Seconds between two heartbeats."""


class Recorder:
    """Keeps a run's status fresh from a thread of its own, so that a long compilation still has a heartbeat."""

    def __init__(self, run: Run, process: Process | None = None) -> None:
        self.run = run
        known = Status(epochs=run.config.epochs, epoch=len(run.history["epoch"]), heartbeat=time.time())
        self.status = replace(known, state="running", process=vars(process or Process.this()))
        self._lock, self._over = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Recorder:
        self._write()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self._write()

    def say(self, phase: str) -> None:
        """Tell what begins now, on the page and in the log."""
        self.log(phase)
        self.update(phase=phase)

    def log(self, line: str) -> None:
        """Add a line to log.txt, which is the trainer's standard output."""
        print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)

    def update(self, **values: Any) -> None:
        """Note progress; the next heartbeat writes it."""
        with self._lock:
            self.status = replace(self.status, sequence=self.status.sequence + 1, **values)

    def end(self, state: str, reason: str) -> None:
        """Note how the run ended; written when the recorder closes."""
        self.log(f"{state}: {reason}" if reason else state)
        self.update(state=state, reason=reason, phase="", seconds_left=None)

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            self._write()

    def _write(self) -> None:
        with self._lock:
            self.status = replace(self.status, heartbeat=time.time())
            try:
                self.run.write_status(self.status)
            except OSError as error:
                print(f"the status cannot be written: {error}", flush=True)

    def keep_epochs(self, count: int) -> None:
        """Forget what was written of epochs after the first `count`: they are about to be trained again."""
        history = {name: values[:count] for name, values in self.run.history.items()}
        _write_history(self.run, history)
        atomic_io.write_arrays(self.run.path / "confusion.npz", matrices=self.run.confusion[:count])
        indices, probabilities = self.run.probes
        atomic_io.write_arrays(self.run.path / "probes.npz", indices=indices, probabilities=probabilities[:count])

    def add_epoch(self, row: dict[str, float], matrix: np.ndarray, probes: tuple[np.ndarray, np.ndarray]) -> None:
        """Add an epoch: its numbers (`COLUMNS`), validation matrix (7, 7) and probe probabilities (16, 7)."""
        run = self.run
        history = {name: np.append(values, row.get(name, np.nan)) for name, values in run.history.items()}
        atomic_io.write_arrays(run.path / "confusion.npz", matrices=np.concatenate([run.confusion, matrix[None]]))
        _, before = run.probes
        stack = probes[1][None] if len(before) == 0 else np.concatenate([before, probes[1][None]])
        atomic_io.write_arrays(run.path / "probes.npz", indices=probes[0], probabilities=stack)
        _write_history(run, history)
        self.update(epoch=len(history["epoch"]), step=0)


def _write_history(run: Run, history: dict[str, np.ndarray]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = {"epoch": history["epoch"], **history}  # the epoch stands first
    writer.writerow(columns)
    for epoch, *values in zip(*columns.values(), strict=True):
        writer.writerow([int(epoch), *(repr(float(value)) for value in values)])
    atomic_io.write_bytes(run.path / "history.csv", text.getvalue().encode())
