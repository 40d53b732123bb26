"""The left side of the matrix page: the matrix with what is told of it, the ranked pairs, and what can be taken along."""

from __future__ import annotations

import csv
import io

import numpy as np
import streamlit as st

from fer_core.annotations.face_filter import Cell, written
from fer_core.emotions import EMOTIONS
from fer_core.messages import signed
from fer_core.metrics.evaluation import Evaluation, from_matrix
from fer_core.metrics.looks import named
from fer_core.plots.confusion import Shading
from fer_core.plots.figures import SHADINGS, Theme
from fer_core.runs.store import Run
from ui.elements import pairs
from ui.elements.matrix import Look, counted, difference, matrix
from ui.services import cache
from ui.services.matrix_view import View
from ui.services.predictions import Answers
from ui.state import navigation, url_params
from ui.text import formatting
from ui.text.language import say
from ui.views.matrix import face_wall, reviews_panel


def pick(cells: list[Cell]) -> None:
    """Open cells: into the URL, from the first face on."""
    navigation.write(**written(cells), start=None, image=None)


def rate(evaluation: Evaluation) -> str:
    """Write an accuracy with its interval."""
    low, high = evaluation.interval
    return say("{share} right ({low:.1f} to {high:.1f})", share=formatting.percent(evaluation.accuracy), low=100 * low, high=100 * high)


def copies(evaluation: Evaluation) -> str:
    """Write the accuracy without copies of training faces."""
    if not evaluation.copies:
        return say("no exact copy of a training face among them" if evaluation.near is None else
                   "no copy of a training face among them, exact or near")
    rest, word = evaluation.without_copies, formatting.copies(evaluation)
    if rest is None:
        return say("all are copies of training faces ({copies})", copies=word)
    low, high = rest.interval
    return say(
        "{share} ({low:.1f} to {high:.1f}) without {copies}",
        share=formatting.percent(rest.accuracy),
        low=100 * low,
        high=100 * high,
        copies=word,
    )


def sentence(view: View) -> str:
    """Say in numbers what the page shows."""
    found = view.shown
    split = formatting.SPLIT_WORDS[found.split]
    text = say("{run} on {n:,} {split} faces: {rate}, {copies}.", run=found.title, n=found.evaluation.n, split=split,
               rate=rate(found.evaluation), copies=copies(found.evaluation))
    if found.kind != "single":
        text += say(" The mean of {n} looks at each face.", n=found.looks)
    without = reviews_panel.without_disputed(view, found)
    text += say(" {without}.", without=f"{without[0].upper()}{without[1:]}") if without else ""
    unlabelled = found.evaluation.unlabelled
    text += say(" {faces} without a label are left out.", faces=formatting.faces(unlabelled)) if unlabelled else ""
    return text + _learned(cache.store().open(found.run)) if found.split == "train" else text


def _learned(run: Run) -> str:
    """Say of answers to the training faces what they are worth."""
    if run.origin.get("kind") == "crossfit":
        return say(" Every face was answered by a network that had not learned from it.")
    if run.origin:
        return say(" Networks that learned from these very faces may be among the members: no measure of how good they are.")
    return say(" The network learned from these very faces: no measure of how good it is.")


def told(view: View) -> list[tuple[str, bool]]:
    """Return what stands on the figure: split, N, accuracy with its interval, and without copies."""
    found, least = view.shown, view.choice.least
    looks = [] if found.kind == "single" else [(say(named(found.kind, found.looks)), True)]
    parts = [(say("{run}, {split}", run=found.title, split=found.split), True), *looks, (f"N {found.evaluation.n:,}", False),
             (rate(found.evaluation), True), (copies(found.evaluation), False),
             (say("colour: {meaning}", meaning=SHADINGS[shading()]), False)]
    without = reviews_panel.without_disputed(view, found)
    parts += [(without, False)] if without else []
    if view.differs and view.b is not None:
        points = 100 * (view.b.evaluation.accuracy - view.a.evaluation.accuracy)
        parts = [(say(found.split), True), (f"N {found.evaluation.n:,}", False),
                 (say("B − A: {b} minus {a}, {points} points", b=view.b.title, a=view.a.title, points=signed(points)), True),
                 (say("row percent; orange: more in B"), False)]
    if least:
        kept = int(view.sure.sum())
        right = say(", {share} of them right", share=formatting.percent(float((~found.wrong[view.sure]).mean()))) if kept else ""
        parts.append((say("only p ≥ {least:.2f}: {share} of the faces ({n:,}){right}", least=least,
                          share=formatting.percent(kept / found.evaluation.n), n=kept, right=right), True))
    return parts


def look(view: View, theme: Theme, shading: Shading) -> Look:
    """Return what stands in the cells."""
    if view.differs and view.b is not None:
        return difference(_kept(view, view.a), _kept(view, view.b), theme)
    return counted(view.shown.matrix(view.sure), shading, theme)


def _kept(view: View, found: Answers) -> np.ndarray:
    return found.matrix(found.confidence >= view.choice.least)


def shading() -> Shading:
    """Return what the colour of a cell means."""
    name: Shading = url_params.param("colour", "row", options=list(SHADINGS))
    return name


def draw(view: View, theme: Theme) -> None:
    """Draw the matrix."""
    matrix(look(view, theme, shading()), "matrix", told=told(view), selected=view.choice.cells, on_pick=pick, theme=theme)


def ranked(view: View) -> None:
    """Draw the ranked pairs and the downloads."""
    counts = view.shown.matrix(view.sure)
    st.markdown(say("**Confused pairs of {letter}, {run}**, most frequent first; the last column opens the other direction.",
                    letter="B" if view.shown is view.b else "A", run=formatting.literal(view.shown.title)) if view.b is not None else
                say("**Confused pairs**, most frequent first; the last column opens the other direction."))
    if counts.sum():
        pairs.pairs(from_matrix(counts), "pairs", selected=view.choice.cells, on_pick=pick)
    with st.container(horizontal=True):
        st.download_button(say("Matrix (CSV)"), lambda: as_csv(view), "fer-lens-matrix.csv", "text/csv", icon=":material/download:",
                           on_click="ignore", type="tertiary")
        st.download_button(say("These faces (CSV)"), lambda: face_wall.table(view, view.rows), "fer-lens-faces.csv", "text/csv",
                           icon=":material/download:", on_click="ignore", type="tertiary")


def as_csv(view: View) -> str:
    """Write the matrix as CSV, a row per cell: counts and shares of its row, its column and all; of two runs, both counts."""
    runs = {"": view.shown} if not (view.differs and view.b) else {"_a": view.a, "_b": view.b}
    assert all(found is not None for found in runs.values())
    counts = {name: _kept(view, found) for name, found in runs.items() if found is not None}
    text = io.StringIO()
    writer = csv.writer(text)
    columns = ("count", "share_of_true", "share_of_predicted", "share_of_all")
    writer.writerow(["true", "predicted", *(f"{column}{name}" for name in counts for column in columns)])
    for t, p in np.ndindex(7, 7):
        row: list[object] = [EMOTIONS[t], EMOTIONS[p]]
        for matrix_ in counts.values():
            n = int(matrix_[t, p])
            row += [n, *(f"{n / total:.6f}" if total else "" for total in (matrix_[t].sum(), matrix_[:, p].sum(), matrix_.sum()))]
        writer.writerow(row)
    return text.getvalue()
