"""A run that has not predicted a split yet: what would be here, one button that makes it, and how far it is."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer_core.errors import FerError, RunError
from fer_core.messages import Sentence
from fer_core.models.views import VIEWS
from fer_core.runs import prediction_job
from fer_core.runs.store import Run
from ui.elements import messages
from ui.services.predictions import located, missing
from ui.state import navigation
from ui.streamlit_ext import rerun
from ui.text import formatting
from ui.text.language import say


def offer(run: Run, split: str, why: str) -> None:
    """Offer to predict a split; while that goes on, show its progress instead."""
    if not run.has_network:
        messages.empty(Sentence("No predictions of the {split} split", split=split),
                   run.alone or "The run has no weights yet: they come with its first complete epoch.")
        return
    if _under_way(run, split):
        return
    known = run.facts.get("data", {}).get("counts", {})
    if known and split not in known:
        messages.empty(Sentence("There is no {split} split", split=formatting.SPLIT_WORDS[split]),
                   Sentence("The data that {run} was trained on has: {splits}.", run=run.title, splits=", ".join(known)))
        return
    messages.empty(Sentence("{run} has not predicted the {split} split yet", run=run.title, split=formatting.SPLIT_WORDS[split]), why)
    source = _fitting(run, str(st.query_params.get("data", "")))
    if source is None:
        messages.problem(missing(run))
        return
    _button(run, split, "Make the predictions", source)
    st.code(f"python -m fer_core evaluate {run.id} --split {split}", language="bash")


def views(run: Run, split: str) -> None:
    """Offer to ask with all looks at each face beside the single one; while that goes on, show its progress instead."""
    if not run.has_network or _under_way(run, split):
        return
    source = _fitting(run, str(st.query_params.get("data", "")))
    if source is None:
        return
    _failed(run, split)
    st.button(
        say("Ask with {n} looks", n=len(VIEWS)),
        key=f"views-{split}",
        icon=":material/filter_none:",
        type="tertiary",
        help=say("Each face is shown mirrored, moved and resized too, and the {n} answers are averaged. It takes {n} times as long as one "
                 "look, once; the single look stays beside it.", n=len(VIEWS)),
        on_click=ask,
        args=(run, split, source, len(VIEWS)),
    )
    _problem()


def anew(run: Run, split: str, edition: str) -> None:
    """Offer to predict another edition of the faces that a run has predicted; while that goes on, show its progress instead."""
    if run.has_network and not _under_way(run, split):
        _button(run, split, "Predict the faces at hand", edition)


def _under_way(run: Run, split: str) -> bool:
    told = prediction_job.progress(run, split)
    if told is None or told.state != "running":
        return False
    rerun.again(_follow, 1, str(run.path), split)
    return True


def _button(run: Run, split: str, label: str, source: str) -> None:
    _failed(run, split)
    st.button(say(label), key=f"ask-{split}", type="primary", icon=":material/play_arrow:", on_click=ask, args=(run, split, source))
    _problem()


def _failed(run: Run, split: str) -> None:
    told = prediction_job.progress(run, split)
    if told is not None and told.state in ("failed", "lost"):
        messages.problem(RunError("The last attempt failed.", received=told.reason,
                              todo=Sentence("look into {file}", file=f"{run.desk.name}/predict.log")))


def _problem() -> None:
    if (problem := st.session_state.pop("ask_problem", None)) is not None:
        messages.problem(problem)


def ask(run: Run, split: str, source: str, looks: int = 0) -> None:
    """Start the predicting, on the data set named or else on the run's own, with so many looks beside the single one."""
    try:
        prediction_job.start(run, split, source, views=looks)
    except FerError as error:
        st.session_state["ask_problem"] = error


def _fitting(run: Run, source: str) -> str | None:
    """Return the data set to predict: the run's own where it can be found, be it under another name, else the one named, if any is."""
    own = run.config.data
    if own.split(":")[0] == "demo" or Path(own).exists():
        return ""
    return located(run) or source or None


def _follow(path: str, split: str) -> None:
    """Show how far the predicting is; the page is drawn anew at its end."""
    told = prediction_job.progress(Run(Path(path)), split)
    if told is None or told.state != "running":
        return navigation.anew()
    left = say(", about {time} left", time=formatting.duration(told.seconds_left)) if told.seconds_left else ""
    st.progress(told.share, text=say("Predicting the {split} split: {share:.0%}{left}. It goes on when this page is closed.",
                                     split=formatting.SPLIT_WORDS[split], share=told.share, left=left))
