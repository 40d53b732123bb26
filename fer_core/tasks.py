"""Long work on a folder in a process of its own: its progress and its end stand in the folder, and so does the wish to cancel it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import filelock

from fer_core import files
from fer_core.errors import FerError
from fer_core.predicting import EVERY, Progress
from fer_core.processes import Process


class Cancelled(FerError):
    """Work that a person cancelled; what was done is kept."""


def progress(folder: Path) -> Progress | None:
    """Read how far the work is; `None` when nobody asked for it. The states are those of `Progress`, and `cancelled`."""
    try:
        told = Progress(**json.loads((folder / "progress.json").read_text("utf8")))
    except (OSError, ValueError, TypeError):  # absent, or written by hand: as if nobody had asked
        return None
    if told.state == "running" and told.process and not Process(**told.process).is_alive(told.heartbeat):
        return replace(told, state="lost", reason="The process is gone; its last words stand in work.log.")
    return told


def start(folder: Path, command: list[str]) -> Progress:
    """Run `python -m fer_core COMMAND` in a process that outlives the caller; one at a time per folder."""
    known = progress(folder)
    if known is not None and known.state == "running":
        return known
    (folder / "cancel").unlink(missing_ok=True)
    try:
        with open(folder / "work.log", "ab") as log:
            child = subprocess.Popen([sys.executable, "-m", "fer_core", *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=log, start_new_session=True, cwd=Path(__file__).resolve().parent.parent)
        share = known.share if known else 0.0
        begun = Progress("running", share, "", vars(Process.this(child.pid)), time.time(), time.time())
        files.write_json(folder / "progress.json", asdict(begun))
    except OSError as error:
        raise FerError("The work cannot be started here.", received=error.strerror, todo="check the rights of the run folder") from None
    return begun


def cancel(folder: Path) -> None:
    """Ask the work to end after what it is at; what is done is kept."""
    (folder / "cancel").touch()


@contextmanager
def telling(folder: Path) -> Iterator[Callable[[float], None]]:
    """Give a function that is told the share done and writes it down; it raises `Cancelled` when a person asked for that.

    One process works on a folder at a time; the end, and any error, is written down.
    """
    began, last, done = time.time(), [0.0], [0.0]
    this = vars(Process.this())

    def write(state: str, reason: str = "") -> None:
        files.write_json(folder / "progress.json", asdict(Progress(state, done[0], reason, this, began, time.time())))

    def tell(share: float) -> None:
        done[0] = min(max(share, 0.0), 1.0)
        if (folder / "cancel").exists():
            raise Cancelled("The work was cancelled; what is done is kept.")
        if time.monotonic() - last[0] > EVERY:
            last[0] = time.monotonic()
            write("running")

    with filelock.FileLock(folder / "lock"):
        try:
            write("running")
            yield tell
            done[0] = 1.0
            write("finished")
        except Cancelled as error:
            (folder / "cancel").unlink(missing_ok=True)
            write("cancelled", str(error))
            raise
        except BaseException as error:
            write("failed", str(error) if isinstance(error, FerError) else f"{type(error).__name__}: {error}")
            raise
