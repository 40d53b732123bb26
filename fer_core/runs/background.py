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

from fer_core import atomic_io
from fer_core.errors import FerError
from fer_core.runs.prediction_job import EVERY, Progress
from fer_core.runs.processes import Process
from fer_core.runtime import ROOT

CANCELLED = "The work was cancelled; what is done is kept."
LEFT = "Nobody looked any more; what is done is kept."
WAITS = "Other work goes first."
"""What a process says of itself while it waits for its turn."""

SIGN = 3.0
"""Seconds for which the sign of one who waits is fresh."""


class Cancelled(FerError):
    """Work that was cancelled; what was done is kept."""


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
                                     stderr=log, start_new_session=True, cwd=ROOT)
        share = known.share if known else 0.0
        begun = Progress("running", share, "", vars(Process.this(child.pid)), time.time(), time.time())
        atomic_io.write_json(folder / "progress.json", asdict(begun))
    except OSError as error:
        raise FerError("The work cannot be started here.", received=error.strerror, todo="check the rights of the run folder") from None
    return begun


def cancel(folder: Path, reason: str = CANCELLED) -> None:
    """Ask the work to end after what it is at; what is done is kept."""
    atomic_io.write_bytes(folder / "cancel", reason.encode())


def ending(folder: Path) -> bool:
    """Tell whether the work was asked to end."""
    return (folder / "cancel").exists()


@contextmanager
def turn(place: Path, wait: Callable[[], object]) -> Iterator[Callable[[], bool]]:
    """Work one at a time with all who name the same place; `wait` is called meanwhile, and may raise.

    Gives a function that tells whether somebody else waits now.
    """
    lock, sign = filelock.FileLock(place), place.with_suffix(".waits")

    def wanted() -> bool:
        try:
            return time.time() - sign.stat().st_mtime < SIGN
        except OSError:
            return False

    while True:
        try:
            lock.acquire(timeout=EVERY)
            break
        except filelock.Timeout:
            sign.touch()
            wait()
    try:
        yield wanted
    finally:
        lock.release()


@contextmanager
def telling(folder: Path) -> Iterator[Callable[..., None]]:
    """Give a function that is told the share done, and maybe a word, and writes it down; it raises `Cancelled` when that was asked for.

    One process works on a folder at a time; the end, and any error, is written down.
    """
    began, last, done = time.time(), [0.0], [0.0]
    this = vars(Process.this())

    def write(state: str, reason: str = "") -> None:
        atomic_io.write_json(folder / "progress.json", asdict(Progress(state, done[0], reason, this, began, time.time())))

    def tell(share: float, word: str = "") -> None:
        done[0] = min(max(share, 0.0), 1.0)
        if ending(folder):
            raise Cancelled((folder / "cancel").read_text("utf8") or CANCELLED)
        if time.monotonic() - last[0] > EVERY:
            last[0] = time.monotonic()
            write("running", word)

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
