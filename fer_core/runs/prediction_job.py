"""A run is asked for predictions in a process of its own; its progress stands beside them, where any page or terminal sees it.

That is the run folder, or for a shipped run, whose folder is never written to, its place in the cache (`Run.desk`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import filelock

from fer_core import atomic_io
from fer_core.emotions import SPLITS
from fer_core.errors import ConfigError, FerError
from fer_core.runs.processes import Process, give_way
from fer_core.runs.store import Run
from fer_core.runtime import ROOT

EVERY = 0.3
"""Seconds between two signs of progress."""


@dataclass(frozen=True)
class Progress:
    """How far the predicting of a split is; `lost` when its process is gone without a word."""

    state: str = "running"  # running, failed or lost
    share: float = 0.0  # 0 to 1
    reason: str = ""
    process: dict[str, Any] | None = None  # as processes.Process
    began: float = 0.0  # seconds since 1970
    heartbeat: float = 0.0

    @property
    def seconds_left(self) -> float | None:
        """Guess the time left from the share that is done; `None` at the beginning."""
        passed = self.heartbeat - self.began
        return passed * (1 - self.share) / self.share if self.share > 0.05 and passed > 1 else None


def progress(run: Run, split: str) -> Progress | None:
    """Read how far the predicting of a split is; `None` when nobody asked for it, or it is done."""
    try:
        told = Progress(**json.loads(_note(run, split).read_text("utf8")))
    except (OSError, ValueError, TypeError):  # absent, or written by hand: as if nobody had asked
        return None
    if told.state == "running" and told.process and not Process(**told.process).is_alive(told.heartbeat):
        return replace(told, state="lost", reason="The process that predicted is gone; its last words stand in predict.log.")
    return told


def start(run: Run, split: str, data: str = "", *, views: int = 0) -> Progress:
    """Ask a run for a split through `python -m fer_core evaluate`, in a process that outlives the caller; one at a time per split.

    `views` are the looks at each face that are averaged beside the single one; 0 = none. Raises `FerError` in words.
    """
    if split not in SPLITS:
        raise ConfigError("There is no such split.", received=split, expected=" or ".join(SPLITS))
    run.check_network()
    known = progress(run, split)
    if known is not None and known.state == "running":
        return known
    command = [sys.executable, "-m", "fer_core", "evaluate", run.id, "--split", split, "--runs", str(run.path.parent.resolve()), "--json"]
    command += ["--views", str(views)] if views else []
    command += ["--data", data if data.startswith("demo") else str(Path(data).resolve())] if data else []
    try:
        run.desk.mkdir(parents=True, exist_ok=True)
        with open(run.desk / "predict.log", "ab") as log:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True,
                                     cwd=ROOT)
        give_way(pid=child.pid)
        begun = Progress("running", 0.0, "", vars(Process.this(child.pid)), time.time(), time.time())
        atomic_io.write_json(_note(run, split), asdict(begun))
    except OSError as error:
        raise FerError(
            "The predictions cannot be made here.", received=error.strerror, todo="check the rights of the run folder, or of the cache"
        ) from None
    return begun


@contextmanager
def telling(run: Run, split: str) -> Iterator[Callable[[float], None]]:
    """Give a function that is told the share done and writes it down; an error is written down too, and the note goes with success.

    Two processes that predict for one run write one after the other, so that neither loses what the other made.
    """
    began, last = time.time(), [0.0]
    this = vars(Process.this())

    def write(state: str, share: float, reason: str = "") -> None:
        atomic_io.write_json(_note(run, split), asdict(Progress(state, share, reason, this, began, time.time())))

    def tell(share: float) -> None:
        if time.monotonic() - last[0] > EVERY:
            last[0] = time.monotonic()
            write("running", min(max(share, 0.0), 1.0))

    run.desk.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(run.desk / "predict.lock"):
            write("running", 0.0)
            yield tell
        _note(run, split).unlink(missing_ok=True)
    except BaseException as error:
        write("failed", 0.0, str(error) if isinstance(error, FerError) else f"{type(error).__name__}: {error}")
        raise


def _note(run: Run, split: str) -> Path:
    return run.desk / f"predict-{split}.json"
