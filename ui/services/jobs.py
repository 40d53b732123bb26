"""Work that outlasts a click: it runs beside the pages, answers are kept by name, and it ends when nobody waits for it any more."""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from fer_core.errors import FerError
from ui.services import models
from ui.state import navigation
from ui.streamlit_ext import rerun
from ui.text import formatting
from ui.text.language import say

KEPT = 400
"""Answers that are kept; the oldest go first."""
FORGOTTEN = 45.0
"""Seconds without anybody asking after which work is given up."""
PATIENCE = 0.6
"""Seconds that one run of a page waits in all for answers that come soon."""

Work = Callable[["Job"], Any]


@dataclass(eq=False)
class Job:
    """One piece of work: how far it is, whether it is still wanted, and its answer or what went wrong."""

    share: float = 0.0
    answer: Any = None
    error: FerError | None = None
    cancelled: bool = False
    lasting: bool = False
    """Whether it goes on while nobody looks, until it is cancelled."""
    began: float = field(default_factory=time.monotonic)
    asked: float = field(default_factory=time.monotonic)
    moved: float | None = None
    holders: set[str] = field(default_factory=set)
    done: threading.Event = field(default_factory=threading.Event)

    def tell(self, share: float) -> None:
        """Take the share that is done."""
        self.moved = self.moved or time.monotonic()
        self.share = share

    def part(self, start: float, end: float) -> Callable[[float], None]:
        """Give a function that is told the share of one part of the work; it raises `Unwanted` when nobody waits any more."""

        def told(share: float) -> None:
            self.tell(start + (end - start) * share)
            if self.stopped():
                raise Unwanted("The work was cancelled.")

        return told

    def stopped(self) -> bool:
        """Tell whether nobody waits for it any more."""
        return self.cancelled or (not self.lasting and time.monotonic() - self.asked > FORGOTTEN)

    @property
    def seconds_left(self) -> float | None:
        """Guess the time left, once it moves."""
        if self.moved is None or not 0.05 < self.share < 1:
            return None
        return (time.monotonic() - self.moved) / self.share * (1 - self.share)


class Unwanted(FerError):
    """Work that was cancelled."""


class Desk:
    """All jobs of the process, by name."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[Hashable, Job] = OrderedDict()
        self._guard = threading.Lock()

    def ask(self, name: Hashable, work: Work, holder: str, lasting: bool = False) -> Job:
        """Give the job of a name; begun when nobody asked before, or when it was given up meanwhile."""
        with self._guard:
            job = self._jobs.get(name)
            if job is None or isinstance(job.error, Unwanted) or (job.stopped() and not job.done.is_set()):
                job = self._jobs[name] = Job(lasting=lasting)
                threading.Thread(target=_run, args=(job, work), daemon=True, name="job").start()
            job.asked = time.monotonic()
            job.holders.add(holder)
            self._jobs.move_to_end(name)
            finished = [known for known, one in self._jobs.items() if one.done.is_set()]
            for known in finished[: max(0, len(self._jobs) - KEPT)]:
                del self._jobs[known]
            return job

    def forget(self, name: Hashable) -> None:
        """Drop an answer that holds no more; whoever asks next has it made anew."""
        with self._guard:
            self._jobs.pop(name, None)

    def let_go(self, name: Hashable, holder: str) -> None:
        """Give a job up for one holder; without any holder it ends, and is forgotten."""
        with self._guard:
            job = self._jobs.get(name)
            if job is None:
                return
            job.holders.discard(holder)
            if not job.holders and not job.done.is_set():
                job.cancelled = True
                del self._jobs[name]


def _run(job: Job, work: Work) -> None:
    try:
        job.answer = work(job)
    except FerError as error:
        job.error = Unwanted("The work was cancelled.") if job.stopped() else error
    except Exception as error:  # told on the page; the process goes on
        job.error = FerError("Something went wrong while this was computed.", received=f"{type(error).__name__}: {error}"[:300],
                         todo="try another method or face, and report it if it stays")
    finally:
        job.share = 1.0
        job.done.set()


DESK = Desk()


def _session() -> dict[str, Any]:
    if "_jobs" not in st.session_state:
        st.session_state["_jobs"] = {"id": uuid.uuid4().hex, "held": {}, "now": set(), "shown": set(), "cancelled": set(), "left": PATIENCE}
    found: dict[str, Any] = st.session_state["_jobs"]
    return found


def begin() -> None:
    """Call it before a page asks for anything."""
    session = _session()
    session["now"], session["shown"], session["left"] = set(), set(), PATIENCE


def finish() -> None:
    """Call it when a page has asked for all it needs: what it asked for before, and not now, is given up unless it is lasting."""
    session = _session()
    for name in {name for name, lasting in session["held"].items() if not lasting} - session["now"]:
        DESK.let_go(name, session["id"])
        del session["held"][name]


def ask(name: Hashable, work: Work, *, lasting: bool = False) -> Job:
    """Ask for an answer without waiting for it."""
    session = _session()
    session["held"][name] = lasting
    session["now"].add(name)
    return DESK.ask(name, work, session["id"], lasting)


def held(name: Hashable) -> bool:
    """Tell whether this person asked for an answer and has neither cancelled it nor, unless it is lasting, left it."""
    return name in _session()["held"]


def answer(name: Hashable, work: Work, label: str, *, height: int = 60, lasting: bool = False) -> Any:
    """Give an answer, or `None` while it is worked on: its place then shows how far it is, and how to cancel. Raises its `FerError`.

    Where two parts of a page wait for the same answer, the first one shows it. Work that is `lasting` goes on on other pages.
    """
    session = _session()
    if name in session["cancelled"]:
        if _first(name):
            with st.container(height=height, border=False):
                _cancelled(name, label)
        return None
    job, began = ask(name, work, lasting=lasting), time.monotonic()
    rerun.wait(job.done, max(0.02, session["left"]) if models.ready() else 0.02)
    session["left"] -= time.monotonic() - began
    if job.done.is_set() and not isinstance(job.error, Unwanted):
        if job.error is not None:
            raise job.error
        return job.answer
    if _first(name):
        with st.container(height=height, border=False, key=f"job-{_digest(name)}"):
            rerun.again(_follow, 0.3, job, name, label)
    return None


def _first(name: Hashable) -> bool:
    """Tell whether no part of the page shows this job yet; from now on one does."""
    shown: set[Hashable] = _session()["shown"]
    first = name not in shown
    shown.add(name)
    return first


def _digest(name: Hashable) -> str:
    return hashlib.sha1(repr(name).encode(), usedforsecurity=False).hexdigest()[:12]


def _follow(job: Job, name: Hashable, label: str) -> None:
    """Show how far a job is; the page is drawn anew at its end."""
    job.asked = time.monotonic()
    if job.done.is_set() or job.cancelled or name in _session()["cancelled"]:
        navigation.anew()
    left = job.seconds_left
    told = say("{what} ...", what=label)
    if left is not None:
        told = say("{what}: {share:.0%}, about {time} left", what=label, share=job.share, time=formatting.duration(max(1, left)))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, job.share), text=told)
        st.button(say("Cancel"), key=f"cancel-{_digest(name)}", type="tertiary", on_click=_cancel, args=(name,))


def _cancel(name: Hashable) -> None:
    """Give a job up; it goes on only when somebody else waits for it too."""
    session = _session()
    session["cancelled"].add(name)
    session["held"].pop(name, None)
    DESK.let_go(name, session["id"])


def _cancelled(name: Hashable, label: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(say("Cancelled: {what}.", what=_inside(say(label))), width="content")
        st.button(say("Do it"), key=f"again-{_digest(name)}", type="tertiary", icon=":material/play_arrow:",
                  on_click=_session()["cancelled"].discard, args=(name,))


def _inside(label: str) -> str:
    """Write a label as it stands within a sentence; a name such as RISE or LayerCAM stays as it is."""
    first = label.split()[0]
    return label if first[1:] != first[1:].lower() else label[0].lower() + label[1:]


def is_cancelled(name: Hashable) -> bool:
    """Tell whether this person cancelled a job and has not asked for it again."""
    return name in _session()["cancelled"]


def answers(wanted: Sequence[tuple[Hashable, Work]], label: str) -> list[Job]:
    """Ask for several answers at once; while one is missing, one line shows how far they are. Each job holds its answer or its error."""
    names = [name for name, _ in wanted]
    if any(is_cancelled(name) for name in names):
        _cancel_all(names)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(say("Cancelled: {what}.", what=_inside(say(label))), width="content")
            st.button(say("Do it"), key=f"again-{_digest(tuple(names))}", type="tertiary", icon=":material/play_arrow:",
                      on_click=_session()["cancelled"].difference_update, args=(names,))
        return [Job(error=Unwanted("This was cancelled.")) for _ in names]
    found = [ask(name, work) for name, work in wanted]
    if not all(job.done.is_set() for job in found):
        rerun.again(_follow_all, 0.5, found, names, label, sum(job.done.is_set() for job in found))
    return found


def _follow_all(found: list[Job], names: list[Hashable], label: str, known: int) -> None:
    """Show how far several jobs are; the page is drawn anew whenever one more is done."""
    for job in found:
        job.asked = time.monotonic()
    if sum(job.done.is_set() for job in found) > known or any(is_cancelled(name) for name in names):
        navigation.anew()
    share = sum(job.share for job in found) / len(found)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(min(1.0, share), text=say("{what}: {n} of {of} done", what=label, n=known, of=len(found)))
        st.button(say("Cancel"), key=f"cancel-{_digest(tuple(names))}", type="tertiary", on_click=_cancel_all, args=(names,))


def _cancel_all(names: list[Hashable]) -> None:
    for name in names:
        _cancel(name)
