"""Marks as a person makes them: by one key on a tile, by a button beside a face; exported, imported, and what they do to the accuracy."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.annotations.label_reviews import DISPUTED, VERDICTS, Mark, from_csv, to_csv
from fer_core.emotions import EMOTIONS
from fer_core.errors import FerError
from fer_core.metrics.evaluation import from_matrix
from fer_core.plots.theme import Theme
from ui.elements import messages
from ui.services.cell_names import plain
from ui.services.label_reviews import file
from ui.services.matrix_view import View
from ui.services.predictions import Answers
from ui.state import navigation
from ui.text import formatting
from ui.text.language import say

KEYS = "1234567anm0"
KEYS_TOLD = """**Marks**: **1** to **7** say that the label is wrong and name the better one (1 Angry, 2 Disgust, 3 Fear, 4 Happy, 5 Sad,
6 Surprise, 7 Neutral); **a** ambiguous; **n** not a face; **m** the network is wrong; **0** takes the mark off."""
SINGLE = {"a": "ambiguous", "n": "not_a_face", "m": "network"}






def meant(key: str, face: int) -> Mark | None:
    """Return the mark that a key stands for; `None` takes the mark off."""
    if key == "0":
        return None
    return Mark(face, SINGLE[key]) if key in SINGLE else Mark(face, "label", int(key) - 1)


def by_keys(view: View, pressed: list[tuple[str, int]]) -> None:
    """Do what keys on tiles say."""
    put(view, [(face, meant(key, face)) for key, face in pressed if key in KEYS])


def put(view: View, changes: list[tuple[int, Mark | None]]) -> None:
    """Write marks down; what goes wrong is told when the page is drawn."""
    try:
        file().change(view.a.fingerprint, view.a.split, changes)
    except FerError as error:
        st.session_state["marks_problem"] = error


def problem() -> None:
    """Show what went wrong with the last mark."""
    error = st.session_state.pop("marks_problem", None)
    if error is not None:
        messages.problem(error)


def buttons(view: View, face: int) -> None:
    """Draw the marks that a face can bear as buttons; a second click on one takes it off."""
    now = view.marks.get(face)
    st.markdown(say("**Whose error is it?** You marked it: {mark}.", mark=now.words) if now else
                say("**Whose error is it?** No mark yet."))
    with st.container(horizontal=True, key="verdicts"):
        with st.popover(say("Label wrong"), icon=":material/edit:"):
            for number in range(len(EMOTIONS)):
                if number != int(view.a.labels[face]):
                    _button(view, face, Mark(face, "label", number), now,
                            say("Better: {emotion} ({key})", emotion=formatting.emotion(number), key=number + 1))
            _button(view, face, Mark(face, "label"), now, say("Wrong, no better one known"))
        for verdict in ("ambiguous", "not_a_face", "network"):
            _button(view, face, Mark(face, verdict), now, say(VERDICTS[verdict].capitalize()))


def _button(view: View, face: int, mark: Mark, now: Mark | None, label: str) -> None:
    same = now is not None and (now.verdict, now.better) == (mark.verdict, mark.better)
    st.button(label, key=f"mark-{mark.verdict}-{mark.better}", type="primary" if same else "secondary", on_click=put,
              args=(view, [(face, None if same else mark)]))


def without_disputed(view: View, answers: Answers) -> str:
    """Say the accuracy without disputed labels; nothing where no label is disputed."""
    gone = view.disputed & (answers.labels >= 0)
    if not gone.any():
        return ""
    matrix = answers.matrix(~gone)
    if not matrix.sum():
        return say("every label is disputed")
    rest, count = from_matrix(matrix), int(gone.sum())
    low, high = rest.interval
    return say("{share} ({low:.1f} to {high:.1f}) without {n:,} disputed label" if count == 1 else
               "{share} ({low:.1f} to {high:.1f}) without {n:,} disputed labels", share=formatting.percent(rest.accuracy), low=100 * low,
               high=100 * high, n=count)


def panel(view: View, theme: Theme) -> None:
    """Draw the marks of this split: how many of each, what they do to the accuracy, export and import."""
    answers = view.shown
    counts = {name: sum(mark.verdict == name for mark in view.marks.values()) for name in VERDICTS}
    low, high = answers.evaluation.interval
    st.markdown(say("All {n:,} labelled faces: **{share}** right ({low:.1f} to {high:.1f}). {without}.", n=answers.evaluation.n,
                    share=formatting.percent(answers.evaluation.accuracy), low=100 * low, high=100 * high,
                    without=without_disputed(view, answers) or "No label is disputed yet"))
    st.caption(say("Disputed are labels marked wrong, ambiguous or not a face. Marking only what the network got wrong makes the second "
                   "number flatter it: mark right and wrong calls alike before you quote it."))
    with st.container(horizontal=True, key="verdict-counts"):
        for name, count in counts.items():
            st.button(say("{verdict}: {n}", verdict=VERDICTS[name].capitalize(), n=count), key=f"show-{name}", disabled=not count,
                      on_click=navigation.write, type="primary" if view.choice.verdict == name else "secondary",
                      kwargs={"verdict": None if view.choice.verdict == name else name, "start": None})
    agreed = [face for face, mark in view.marks.items() if mark.better is not None and face < len(answers)]
    if agreed:
        same = int(np.sum([answers.predicted[face] == view.marks[face].better for face in agreed]))
        st.caption(say("Of {faces} with a better label, the network had called {n} by it.", faces=formatting.faces(len(agreed)), n=same))
    _exchange(view)


def _exchange(view: View) -> None:
    dataset = view.faces.dataset

    def describe(face: int) -> dict[str, object]:
        row: dict[str, object] = {"true": plain(int(view.a.labels[face])) if face < len(view.a) else ""}
        if dataset is not None and face < len(dataset[view.a.split]):
            row["id"] = dataset[view.a.split].ids[face]
        return row

    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.download_button(say("Marks (CSV)"), to_csv(view.marks, view.a.fingerprint, view.a.split, describe), "fer-lens-marks.csv",
                           "text/csv", icon=":material/download:", on_click="ignore", disabled=not view.marks)
    with st.expander(say("Bring marks from a CSV")), st.form("import", border=False, clear_on_submit=True):
        told = st.file_uploader(say("A CSV that was exported here, of the same faces"), type="csv")
        if st.form_submit_button(say("Import")) and told is not None:
            with messages.errors():
                found = from_csv(told.getvalue(), view.a.fingerprint, {view.a.split: len(view.a)})
                for split, marks in found.items():
                    file().put(view.a.fingerprint, split, marks)
                st.session_state["imported"] = sum(map(len, found.values()))
                st.rerun()
    if (count := st.session_state.pop("imported", None)) is not None:
        st.success(say("{faces} marked from the CSV.", faces=formatting.faces(count)), icon=":material/check:")
    st.caption(say("They live in `{file}`, apart from runs and data: {verdicts} take a face out of the second accuracy.", file=file().path,
                   verdicts=formatting.commas([VERDICTS[name] for name in DISPUTED])))
