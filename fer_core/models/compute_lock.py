"""The lock of all that computes with a network: one at a time in a process, because each uses all cores."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

LOW_PRIORITY_DELAY_S = 3.0
"""Seconds for which a low-priority waiter lets all others go first."""


@dataclass(eq=False)
class _Waiter:
    """A waiter of the compute lock; a low-priority one yields until `until` (monotonic seconds)."""

    until: float
    served: threading.Event = field(default_factory=threading.Event)


class _Thread(threading.local):
    """What the lock knows of the calling thread."""

    low_priority = False
    depth = 0
    """How often the thread holds the lock."""


class ComputeLock:
    """A re-entrant priority lock that serves in the order of asking.

    Whoever computes for long acquires it chunk by chunk, which lets everybody else in between. What nobody waits for on a screen
    asks with `low_priority`: it is served when nobody else asks, and after `LOW_PRIORITY_DELAY_S` like anybody.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: list[_Waiter] = []
        """The one that is served stands first."""
        self._thread = _Thread()

    @contextmanager
    def low_priority(self) -> Iterator[None]:
        """Let all others go first in what this thread acquires within; the end of an inner block leaves an outer one as it was."""
        before = self._thread.low_priority
        self._thread.low_priority = True
        try:
            yield
        finally:
            self._thread.low_priority = before

    @contextmanager
    def acquire(self) -> Iterator[None]:
        """Wait until it is this thread's turn, and hold the lock; a thread that holds it already goes on at once."""
        if self._thread.depth == 0:
            waiter = self._wait()
        self._thread.depth += 1
        try:
            yield
        finally:
            self._thread.depth -= 1
            if self._thread.depth == 0:
                self._leave(waiter)

    def _wait(self) -> _Waiter:
        delay = LOW_PRIORITY_DELAY_S if self._thread.low_priority else 0.0
        waiter = _Waiter(time.monotonic() + delay)
        with self._guard:
            self._waiting.append(waiter)
            if self._waiting[0] is waiter:
                waiter.served.set()
        try:
            waiter.served.wait()
        except BaseException:  # Ctrl-C while it waits
            self._leave(waiter)
            raise
        return waiter

    def _leave(self, waiter: _Waiter) -> None:
        with self._guard:
            self._waiting.remove(waiter)
            if self._waiting and not self._waiting[0].served.is_set():
                self._serve_next()

    def _serve_next(self, clock: Callable[[], float] = time.monotonic) -> None:  # bound here: it is called even while Python ends
        now = clock()
        best = next((waiter for waiter in self._waiting if waiter.until <= now), self._waiting[0])
        self._waiting.remove(best)
        self._waiting.insert(0, best)
        best.served.set()


COMPUTE_LOCK = ComputeLock()
"""The one of this process."""
