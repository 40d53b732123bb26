"""Films: gradient ascents under way. Each runs in a thread beside the pages while somebody watches; few are kept, the oldest go first."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fer_core.errors import FerError

KEPT = 16
"""Films in memory; one of 65 frames takes 150 kB, of four pictures four times that."""
FRAMES = 64
"""Frames of a film beside its start, at most."""
UNWATCHED = 12.0
"""Seconds without anybody watching after which a film stops; it goes on where it was when somebody looks again."""

Begin = Callable[[], Iterator[Any]]


@dataclass(eq=False)
class Film:
    """Frames of an ascent, uint8 (n, 48, 48) each, with their steps and scores (n,); and whether it still runs."""

    begin: Begin
    total: int
    frames: list[np.ndarray] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    scores: list[list[float]] = field(default_factory=list)
    last: np.ndarray | None = None
    """The newest pictures, float32 (n, 48, 48)."""
    forces: np.ndarray | None = None
    error: FerError | None = None
    done: bool = False
    held: bool = False
    """A person paused it."""
    watched: float = field(default_factory=time.monotonic)
    first: threading.Event = field(default_factory=threading.Event)
    _source: Iterator[Any] | None = None
    _thread: threading.Thread | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def running(self) -> bool:
        """Tell whether frames are being made."""
        return not (self.done or self.error or self.held)

    @property
    def state(self) -> str:
        """One of waiting, running, paused, done and failed."""
        if self.error:
            return "failed"
        return "done" if self.done else "paused" if self.held else "running" if self.frames else "waiting"

    def watch(self) -> None:
        """Tell that somebody looks; a film that stopped by itself goes on."""
        self.watched = time.monotonic()
        if self.running:
            self.play()

    def play(self) -> None:
        """Go on making frames."""
        with self._guard:
            self.held, self.watched = False, time.monotonic()
            if not self.done and not self.error and not (self._thread and self._thread.is_alive()):
                self._thread = threading.Thread(target=self._roll, daemon=True, name="film")
                self._thread.start()

    def pause(self) -> None:
        """Stop after the frame that is being made."""
        self.held = True

    def _roll(self) -> None:
        try:
            if self._source is None:
                self._source = self.begin()
            for frame in self._source:
                self._take(frame)
                if self.held or time.monotonic() - self.watched > UNWATCHED:
                    return
            self.done, self._source = True, None
        except FerError as error:
            self.error = error
        except Exception as error:  # told on the page; the process goes on
            self.error = FerError("Something went wrong while this was painted.", received=f"{type(error).__name__}: {error}"[:300],
                                  todo="try another unit or preset, and report it if it stays")
        finally:
            self.first.set()

    def _take(self, frame: Any) -> None:
        if self.steps and frame.step <= self.steps[-1]:
            return
        self.last, self.forces = frame.images, frame.forces
        self.steps.append(int(frame.step))
        self.scores.append([float(score) for score in frame.scores])
        self.frames.append(np.clip(np.rint(frame.images), 0, 255).astype(np.uint8))  # last: a counted frame is complete
        self.first.set()


class Shelf:
    """The films of the process, by holder and name; a holder watches one at a time."""

    def __init__(self) -> None:
        self._films: OrderedDict[tuple[str, Hashable], Film] = OrderedDict()
        self._guard = threading.Lock()

    def show(self, holder: str, name: Hashable, begin: Begin, total: int) -> Film:
        """Give a holder's film, begun when it is new; the one that the holder watched before stops."""
        with self._guard:
            film = self._films.get((holder, name)) or Film(begin, total)
            for known, one in self._films.items():
                if known[0] == holder and one is not film and one.running:
                    one.watched = 0.0  # it ends after its frame, and goes on when it is looked at again
            self._films[holder, name] = film
            self._films.move_to_end((holder, name))
            while len(self._films) > KEPT:
                self._films.popitem(last=False)[1].pause()
        film.watch()
        return film

    def forget(self, holder: str, name: Hashable) -> None:
        """Take a film away, so that it is made anew when it is next asked for."""
        with self._guard:
            film = self._films.pop((holder, name), None)
        if film is not None:
            film.pause()

    def __len__(self) -> int:
        return len(self._films)


SHELF = Shelf()


def every(total: int) -> int:
    """Give the steps between two frames, so that a film keeps within `FRAMES`."""
    return max(1, -(-total // FRAMES))
