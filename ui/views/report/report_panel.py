"""The report as its page shows it: what it will answer and what it lacks, the writing, the preview, and the pins of its appendix."""

from __future__ import annotations

import html
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

from fer_core import report
from fer_core.annotations.bookmarks import Pin
from fer_core.errors import FerError
from fer_core.report.formatting import Words
from fer_core.runs.store import Run
from ui.elements import messages
from ui.services import cache, jobs, models
from ui.services.filter_view import faces_of
from ui.shell import page, pinning
from ui.state import url_params
from ui.text import formatting
from ui.text.language import say, spoken

FILES = ("weights.safetensors", "predictions.npz", "meta.json", "facts.json", "config.json")
"""Files of a run folder whose change makes another report; a training that goes on writes others all the time."""
HEIGHT = 900
"""Pixels of the preview."""
HEAD = '<head><base href="about:srcdoc"/>'
"""Within a page, a link to a part of the report would open the page in its frame."""


@dataclass(frozen=True, eq=False)
class Asked:
    """The report that is asked for."""

    run: Run
    versus: Run | None
    split: str
    language: str
    faces: bool

    @cached_property
    def dataset(self) -> Any:
        """The faces of the run, `None` where they are not at hand."""
        return faces_of(self.run, self.split)[0]

    @cached_property
    def known(self) -> report.Findings:
        """What stands in the run folders. Raises `FerError`."""
        return _known(self.name, self.faces, self)

    @property
    def name(self) -> tuple[Any, ...]:
        """Name the work; language and faces are chosen when it is done."""
        runs = [(str(run.path), *(cache.stamp(run.path / file) for file in FILES)) for run in (self.run, self.versus) if run]
        return "report", *runs, self.split, self.dataset.fingerprint if self.dataset else ""

    @property
    def begun(self) -> bool:
        """Whether its writing was asked for, by the link or before this page was left."""
        return bool(url_params.param("made") == "1" or jobs.held(self.name))

    @property
    def file(self) -> str:
        """What the report's file is called."""
        return "-".join(filter(None, ("report", self.run.id, self.versus.id if self.versus else "", self.language))) + ".html"

    def work(self, job: jobs.Job) -> report.Findings:
        """Gather everything."""
        models.framework()
        return report.gather(self.run, versus=self.versus, dataset=self.dataset, split=self.split,
                             load=lambda run: models.network(models.name(run)), tell=job.part(0.0, 1.0))

    def pinned(self) -> dict[str, report.Pinned] | None:
        """Give what the pinned views show, by the path of the pin; `None` while that is computed. One that fails shows nothing."""
        pins, runs = pinning.pins().all(), [self.run, *([self.versus] if self.versus else [])]

        def work(pin: Pin) -> jobs.Work:
            def show(job: jobs.Job) -> report.Pinned:
                models.framework()
                return report.show(pin, runs, self.dataset, lambda run: models.network(models.name(run)))

            return show

        found = jobs.answers([((*self.name, "pin", pin.path), work(pin)) for pin in pins], "The pinned views") if pins else []
        if not all(job.done.is_set() for job in found):
            return None
        return {pin.path: job.answer for pin, job in zip(pins, found, strict=True) if job.error is None}

    def written(self, found: report.Findings, pinned: dict[str, report.Pinned]) -> str:
        """Write the report as HTML."""
        shown = found if self.faces else report.without_faces(found)
        return report.html(shown, self.language, pins=pinning.pins().all(), shown=pinned, address=address())

    @property
    def command(self) -> str:
        """The command that writes the same file."""
        return report.command(self.known, self.language, address=address()).replace("report.html", self.file)


@st.cache_resource(max_entries=8, show_spinner=False)
def _known(name: tuple[Any, ...], faces: bool, _asked: Asked) -> report.Findings:
    return report.known(_asked.run, versus=_asked.versus, dataset=_asked.dataset, split=_asked.split, faces=faces)


def address() -> str:
    """Where this app runs, as the browser calls it."""
    parts = urlsplit(st.context.url or report.ADDRESS)
    return f"{parts.scheme}://{parts.netloc}"


def contents(asked: Asked) -> None:
    """List the questions, each with a tick or with what it lacks and the command that gets it."""
    tongue = Words(spoken())
    for number in range(1, 6):
        missing = report.lack(asked.known, tongue, number)
        mark, colour = ("check_circle", "green") if missing is None else ("info", "orange")
        st.markdown(f":{colour}[:material/{mark}:] {formatting.literal(report.heading(asked.known, tongue, number))}")
        if missing is not None:
            st.caption(formatting.literal(missing[0]))
            if missing[1]:
                st.code(missing[1], language="bash")


def preview(asked: Asked, found: report.Findings) -> None:
    """Draw the report, and what takes it along."""
    pinned = asked.pinned()
    if pinned is None:
        return
    text = asked.written(found, pinned)
    with st.container(horizontal=True, vertical_alignment="center"):
        label = say("Download ({size:.1f} MB)", size=len(text.encode()) / 1e6)
        st.download_button(label, text, asked.file, "text/html", icon=":material/download:", type="primary", on_click="ignore")
        st.caption(say("One file that needs nothing else. For a PDF, open it and print."), width="content")
    st.iframe(text.replace("<head>", HEAD, 1), height=HEIGHT, alt=say("The report"))


def pinned() -> None:
    """List the pins in their order, each with its view, its note, and what moves, changes or removes it."""
    found = pinning.pins().all()
    st.subheader(say("Pinned views ({n})", n=len(found)), anchor=False)
    if not found:
        messages.empty("No view is pinned", "On any page, Pin beside its title puts what it shows into the report's appendix, with a note.")
    for place, pin in enumerate(found):
        with st.container(border=True, key=f"pin-{pin.number}", gap="xsmall"):
            _pin(pin, place, len(found))
    if (problem := st.session_state.pop("pin_problem", None)) is not None:
        messages.problem(problem)


def _pin(pin: Pin, place: int, count: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", horizontal_alignment="distribute"):
        file = f"pages/{pin.page}.py" if pin.page else "app.py"
        if file in page.PAGES:
            st.page_link(file, label=f"{place + 1}. {formatting.literal(pin.title)}", query_params=pin.params)
        else:
            st.text(f"{place + 1}. {pin.title}")
        with st.container(horizontal=True, width="content", gap="xsmall"):
            for by, way, told in ((-1, "up", say("Move up")), (1, "down", say("Move down"))):
                st.button("", key=f"{way}-{pin.number}", icon=f":material/arrow_{way}ward:", type="tertiary", help=told,
                          disabled=not 0 <= place + by < count, on_click=move, args=(pin.number, by))
            with st.popover("", icon=":material/edit:", type="tertiary", help=say("Change title and note")):
                pinning.form(pin, say("Save the pin"), lambda title, note: pinning.pins().change(pin.number, title=title, note=note),
                             key="edit")
            st.button("", key=f"remove-{pin.number}", icon=":material/delete:", type="tertiary", help=say("Take the pin off"),
                      on_click=pinning.remove, args=(pin.number,))
    if pin.note:
        st.html(f"<p style='white-space:pre-wrap;margin:0'>{html.escape(pin.note)}</p>")


def move(number: int, by: int) -> None:
    """Move a pin; what goes wrong is told when the page is drawn."""
    try:
        pinning.pins().move(number, by)
    except FerError as error:
        st.session_state["pin_problem"] = error
