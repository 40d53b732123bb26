"""The guided tour: five steps through the pages, each a link; it can be left at any time, and works on any run that has predicted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from fer_core.emotions import EMOTIONS, class_of
from fer_core.errors import FerError
from fer_core.messages import Sentence
from ui.services import cache
from ui.services.predictions import answers, predicted_splits
from ui.state import navigation, url_params
from ui.text.language import say


@dataclass(frozen=True)
class Step:
    """One step: the page, its name, and what to see there."""

    page: str
    title: str
    words: str
    cell: bool = False
    """Whether a cell is opened: the one that was chosen, or the most frequent confusion of the run."""


MATRIX = "pages/confusion_matrix.py"
STEPS = (
    Step("pages/dataset.py", "The faces",
         "A network learns from faces with labels, 48 by 48 pixels each. Look at the mean face of each emotion, and at how many faces it "
         "has: a rare one is learned badly. Click a mean face to fill the wall with its faces."),
    Step("pages/training_monitor.py", "How it learned",
         "One point per epoch, one pass over all training faces. The epoch that was best on validation faces, which it never learned from, "
         "was kept. Where training accuracy goes on rising and validation accuracy does not, it learns by heart."),
    Step(MATRIX, "Where it errs",
         "Rows are labels, columns what the network said. The cell of its most frequent confusion is open: these are the very faces. Click "
         "another cell, or a face, to go on.", cell=True),
    Step("pages/saliency_viewer.py", "Why it errs",
         "Orange pixels speak for what it said and against the label, purple ones the other way round. Hide the mouth below and watch the "
         "seven probabilities move: an experiment on the face itself, beside the map, which is tested too.", cell=True),
    Step("pages/filter_explorer.py", "What excites a filter",
         "Click a filter of the wall: gradient ascent paints, from noise, a picture that excites that filter most. Beside it are the faces "
         "that excite it, and what is lost when it is switched off.", cell=True),
)


def start(best: str | None) -> None:
    """Draw the way into the tour, where there is a run to show: `best`, if it has predicted its validation faces.

    Whoever strayed from it, by the menu or by a link, goes on where it was left.
    """
    number, run = st.session_state.get("_tour", (1, None))
    if (run := _run(run or best)) is not None:
        label = "Take the tour: five steps" if number == 1 else Sentence("Go on with the tour: step {number} of {steps}", number=number,
                                                                        steps=len(STEPS))
        st.button(say(label), icon=":material/explore:", key="tour-start", on_click=_ask, args=(number, run))


def draw() -> None:
    """Draw the step that the URL asks for, with the ways back, on and out."""
    number = url_params.param("tour", cast=int, low=1, high=len(STEPS))
    if number is None:
        return
    step, run = STEPS[number - 1], _run()
    st.session_state["_tour"] = (number, run)
    with st.container(border=True, key="tour"):
        st.markdown(say("**{number} of {steps} · {title}**  \n{words}", number=number, steps=len(STEPS),
                        title=step.title, words=step.words))
        with st.container(horizontal=True, gap="small"):
            st.button(say("Back"), icon=":material/arrow_back:", key="tour-back", disabled=number == 1,
                      on_click=_ask, args=(number - 1, run))
            if number < len(STEPS):
                st.button(say("Next"), icon=":material/arrow_forward:", key="tour-next", type="primary",
                          on_click=_ask, args=(number + 1, run))
            more = number < len(STEPS)
            st.button(say("Leave the tour" if more else "Done"), key="tour-leave", type="tertiary" if more else "primary", on_click=_leave)


def query(number: int, run: str | None) -> dict[str, str]:
    """Give the parameters of a step."""
    step = STEPS[number - 1]
    if run is None:
        return {"tour": str(number)}
    source = cache.store().open(run).config.data
    data = {"data": source} if source in cache.sources() else {}
    return {"tour": str(number), "run": run, **data, **(_opened(run, face=step.page != MATRIX) if step.cell else {})}


def _leave() -> None:
    st.session_state.pop("_tour", None)
    navigation.write(tour=None)


def _ask(number: int, run: str | None) -> None:
    navigation.leave(STEPS[number - 1].page, {**query(number, run), **navigation.language()})


def _run(best: str | None = None) -> str | None:
    """Choose the run of the URL, or else `best`, or else the first one that has predicted its validation faces."""
    known = [run.id for run in cache.runs() if not run.damage and "validation" in predicted_splits(run)]
    return next((run for run in (st.query_params.get("run"), best, *known) if run in known), None)


def _opened(id: str, *, face: bool) -> dict[str, str]:
    """Give the cell and the face that are chosen; else the cell of the run's most frequent confusion, and its face that is surest."""
    try:
        found = answers(cache.store().open(id), "validation")
    except FerError:
        return {}
    if found is None:
        return {}
    true, called = (class_of(navigation.newest(name)) for name in ("true", "pred"))
    if true is None or called is None:
        pairs = found.evaluation.most_confused(1)
        if not pairs:
            return {}
        true, called = pairs[0].true, pairs[0].predicted
    cell = {"true": EMOTIONS[true], "pred": EMOTIONS[called]}
    rows = np.flatnonzero((found.labels == true) & (found.predicted == called))
    if not face or not len(rows):
        return cell
    chosen = navigation.newest("image", cast=int)
    return {**cell, "image": str(chosen if chosen in rows else rows[found.confidence[rows].argmax()])}
