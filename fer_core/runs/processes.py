"""The trainer as a process of the operating system: who it is, whether it lives, how it is started."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from fer_core.runtime import ROOT

SILENCE = 120.0
"""Seconds without a heartbeat after which a trainer on another machine counts as lost."""


@dataclass(frozen=True)
class Process:
    """A process that no other can be mistaken for: its number and the instant it began."""

    pid: int
    began: float  # seconds since 1970
    host: str

    @classmethod
    def this(cls, pid: int | None = None) -> Process:
        """Name the calling process, or another one of this machine."""
        process = psutil.Process(pid)
        return cls(process.pid, process.create_time(), socket.gethostname())

    def is_alive(self, heartbeat: float) -> bool:
        """Tell whether it still runs; on another machine only the heartbeat can tell."""
        if self.host != socket.gethostname():
            return time.time() - heartbeat < SILENCE
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.began) < 2.0 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


def start(folder: Path) -> Process:
    """Start the trainer of a run folder as a process of its own, which outlives the caller; its words go to log.txt."""
    with open(folder / "log.txt", "ab") as log:
        command = [sys.executable, "-m", "fer_core", "work", str(folder.resolve())]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                 cwd=ROOT)
    return Process.this(child.pid)


def give_way(nice: int = 10, pid: int | None = None) -> None:
    """Let the pages have the processor first: lower a process' priority, and that of its session where Linux groups by session.

    `FER_LENS_NICE`, a whole number, lowers it by less than `nice`; 0 leaves it as it is.

    With autogroups (the kernel's default), a process with a session of its own competes as a group, whatever its own niceness.
    """
    told = os.environ.get("FER_LENS_NICE", "")
    nice = min(int(told), nice) if told.isdecimal() else nice
    if os.name == "nt" or nice == 0:
        return
    process = psutil.Process(pid)
    process.nice(nice)
    group = Path(f"/proc/{process.pid}/autogroup")
    if group.exists() and os.getsid(process.pid) == process.pid:
        try:
            group.write_text(str(nice))
        except OSError as error:
            print(f"the session's priority stays as it is: {error}", flush=True)
