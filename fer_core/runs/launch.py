"""Start or go on with the trainer of a run folder; two trainers never write one run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import filelock

from fer_core.errors import RunError
from fer_core.messages import Sentence
from fer_core.runs import processes
from fer_core.runs.store import Run, Status


@contextmanager
def sole_writer(run: Run, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the run's lock, which the system lets go of when the process dies; `RunError` when another one has it."""
    try:
        with filelock.FileLock(run.path / "lock", timeout=wait):
            yield
    except filelock.Timeout:
        raise RunError(Sentence("{run} is being trained by another process.", run=run.id),
                       todo="stop that one first, or watch it") from None
    except OSError as error:
        raise RunError(
            Sentence("The run folder of {run} cannot be written.", run=run.id), received=error.strerror,
            todo="check its rights and the free space",
        ) from None


def launch(run: Run) -> Status:
    """Start the trainer, or resume an interrupted run; return the status `queued` with its process.

    Raises `RunError` when a trainer is at work already or the run has ended.
    """
    run.check_trainable()
    status = run.status
    if status.state == "finished":
        raise RunError(Sentence("{run} has finished; there is nothing left to train.", run=run.id), todo="duplicate it with more epochs")
    with sole_writer(run):
        (run.path / "stop").unlink(missing_ok=True)
        process = processes.start(run.path)
        queued = replace(
            status, state="queued", reason="", process=vars(process), heartbeat=time.time(), phase="starting", seconds_left=None
        )
        run.write_status(queued)
    return queued
