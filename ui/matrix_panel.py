"""The left side of the matrix page: the matrix with what is told of it, the ranked pairs, and what can be taken along."""

from __future__ import annotations

import csv
import io

import numpy as np
import streamlit as st

from fer_core.charts import SHADINGS, Theme
from fer_core.emotions import EMOTIONS
from fer_core.evaluate import Evaluation, from_matrix
from fer_core.matrices import Shading, signed
from ui import marks_view, opened, page, pairs, selection, words
from ui.answers import Answers
from ui.choice import Cell, written
from ui.matrix import Look, counted, difference, matrix
from ui.view import View


def pick(cells: list[Cell]) -> None:
    """Open cells: into the URL, from the first face on."""
    selection.write(**written(cells), start=None, image=None)


def rate(evaluation: Evaluation) -> str:
    """Write an accuracy with its interval."""
    low, high = evaluation.interval
    return f"{words.percent(evaluation.accuracy)} right ({100 * low:.1f} to {100 * high:.1f})"


def copies(evaluation: Evaluation) -> str:
    """Write the accuracy without copies of training faces."""
    if not evaluation.copies:
        return "no copy of a training face among them"
    rest = evaluation.without_copies
    word = f"{evaluation.copies:,} cop{'y' if evaluation.copies == 1 else 'ies'} of training faces"
    return f"{rate(rest).replace(' right', '')} without {word}" if rest else f"all are copies of training faces ({word})"


def sentence(view: View) -> str:
    """Say in numbers what the page shows."""
    found = view.shown
    split = words.SPLIT_WORDS[found.split]
    text = f"{found.title} on {found.evaluation.n:,} {split} faces: {rate(found.evaluation)}, {copies(found.evaluation)}."
    without = marks_view.without_disputed(view, found)
    text += f" {without[0].upper()}{without[1:]}." if without else ""
    unlabelled = found.evaluation.unlabelled
    text += f" {words.faces(unlabelled)} without a label are left out." if unlabelled else ""
    return text + (" The network learned from these very faces: no measure of how good it is." if found.split == "train" else "")


def told(view: View) -> list[tuple[str, bool]]:
    """Return what stands on the figure: split, N, accuracy with its interval, and without copies."""
    found, least = view.shown, view.choice.least
    parts = [(f"{found.title}, {found.split}", True), (f"N {found.evaluation.n:,}", False), (rate(found.evaluation), True),
             (copies(found.evaluation), False), (f"colour: {SHADINGS[shading()]}", False)]
    without = marks_view.without_disputed(view, found)
    parts += [(without, False)] if without else []
    if view.differs and view.b is not None:
        points = 100 * (view.b.evaluation.accuracy - view.a.evaluation.accuracy)
        parts = [(found.split, True), (f"N {found.evaluation.n:,}", False),
                 (f"B − A: {view.b.title} minus {view.a.title}, {signed(points)} points", True), ("row percent; orange: more in B", False)]
    if least:
        kept = int(view.sure.sum())
        right = f", {words.percent(float((~found.wrong[view.sure]).mean()))} of them right" if kept else ""
        parts.append((f"only p ≥ {least:.2f}: {words.percent(kept / found.evaluation.n)} of the faces ({kept:,}){right}", True))
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
    name: Shading = selection.param("colour", "row", options=list(SHADINGS))
    return name


def draw(view: View, theme: Theme) -> None:
    """Draw the matrix."""
    matrix(look(view, theme, shading()), "matrix", told=told(view), selected=view.choice.cells, on_pick=pick, theme=theme)


def ranked(view: View) -> None:
    """Draw the ranked pairs and the downloads."""
    counts = view.shown.matrix(view.sure)
    whose = f" of {'B' if view.shown is view.b else 'A'}, {page.literal(view.shown.title)}" if view.b is not None else ""
    st.markdown(f"**Confused pairs{whose}**, most frequent first; the last column opens the other direction.")
    if counts.sum():
        pairs.pairs(from_matrix(counts), "pairs", selected=view.choice.cells, on_pick=pick)
    with st.container(horizontal=True):
        st.download_button("Matrix (CSV)", lambda: as_csv(view), "fer-lens-matrix.csv", "text/csv", icon=":material/download:",
                           on_click="ignore", type="tertiary")
        st.download_button("These faces (CSV)", lambda: opened.table(view, view.rows), "fer-lens-faces.csv", "text/csv",
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
