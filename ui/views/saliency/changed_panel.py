"""Fixed and broken: the faces on which two networks part, each with both maps of the same question, and how the ledger shifts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from fer_core.annotations.face_filter import PARTS
from fer_core.attribution import aggregate, region_shares
from fer_core.attribution.aggregate import Found, Given
from fer_core.attribution.registry import NO_CONVOLUTION
from fer_core.attribution.request import Question
from fer_core.data.splits import spread
from fer_core.emotions import SIDE
from fer_core.errors import FerError
from fer_core.faces import regions
from fer_core.messages import Sentence
from fer_core.metrics.evaluation import mcnemar
from fer_core.plots import saliency_images
from fer_core.plots.figures import Theme
from fer_core.runs.store import Run
from ui.elements import bars, messages
from ui.elements.gallery import gallery
from ui.services import jobs, second_run
from ui.services.explained_face import Subject, Walk
from ui.services.predictions import Answers, answers
from ui.state import bound_widgets, navigation, url_params
from ui.text import formatting
from ui.text.language import say
from ui.views.saliency import aggregate_jobs
from ui.views.saliency.regions_panel import spoken

GROUPS = ("fixes", "breaks")
SIZES = (24, 100)
GAP = 1
SHOWN = 12
"""Faces that are drawn: whole rows of one, two, three and four."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Two runs' answers about the same faces, and those of the faces that one gets right and the other wrong, the clearest first."""

    run: Run
    other: Run
    a: Answers
    b: Answers
    rows: np.ndarray

    @property
    def wrong(self) -> np.ndarray:
        """What each face is taken for by the network that errs (n,)."""
        labels, called = self.a.labels[self.rows], self.a.predicted[self.rows]
        return np.asarray(np.where(called != labels, called, self.b.predicted[self.rows]))


def panel(subject: Subject, question: Question, way: Walk, theme: Theme) -> None:
    """Draw the panel."""
    first = answers(subject.run, way.split)
    there = {run.id: run for run in second_run.alike(subject.run, way.split) if run.has_network} if first else {}
    messages.left_aside(url_params.strange(**{"with": there or ["none"]}))
    if first is None or not there:
        messages.empty(
            "One network only",
            "With two networks that predicted the same faces, those stand here that the second one gets right "
            "and the first one wrong, or the other way round, with the maps of both.",
            f"python -m fer_core evaluate {subject.run.id} --split {way.split}"
            if first is None
            else "python -m fer_core train --data demo --preset quick --arch dnn",
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="changed-row"):
        other = there[bound_widgets.choose("Beside (B)", "with", list(there), words=lambda id: there[id].title)]
        group = bound_widgets.choose("Which", "group", GROUPS, words=PARTS.__getitem__, kind="segmented", hidden=True)
        second = answers(other, way.split)
        if second is None:
            raise FerError("The predictions of the second run are gone.", received=other.id)
        pair = Pair(subject.run, other, first, second, clearest(first, second, group))
        sizes = [str(size) for size in SIZES if size < len(pair.rows)] + ["all"]
        size = bound_widgets.choose("How many", "several", sizes, kind="segmented", hidden=True,
                                words=lambda name: Sentence("All {n:,}", n=len(pair.rows)) if name == "all" else f"{int(name):,}")
    if not len(pair.rows):
        both_runs = {"other": other.title, "run": subject.run.title}
        messages.empty("None", Sentence("{other} fixes no face of {run}.", **both_runs) if group == "fixes" else
                   Sentence("{other} breaks no face of {run}.", **both_runs))
        return
    question = aggregate.usual(question, st.query_params.to_dict())
    if question.words.needs_convolution and "dnn" in (subject.run.config.arch, other.config.arch):
        st.info(say("{method} cannot explain both: {reason}. Choose another method above.", method=question.words.label,
                    reason=NO_CONVOLUTION), icon=":material/info:")
        return
    taken = spread(np.arange(len(pair.rows)), None if size == "all" else int(size))
    pair = Pair(pair.run, pair.other, first, second, pair.rows[taken])
    found = both(pair, question, way)
    aggregate_jobs.note(st.query_params.to_dict())
    if {"true", "pred", "cells"} & st.query_params.keys():
        st.caption(say("They are of the whole split, whichever cell is chosen."))
    if found is not None:
        _draw(pair, found, question, theme)


def clearest(a: Answers, b: Answers, group: str) -> np.ndarray:
    """Find the faces that B fixes or breaks, those first that one is surest of and the other denies most."""
    labels = a.labels
    tested = mcnemar(labels, a.predicted, b.predicted)
    rows = tested.fixes if group == "fixes" else tested.breaks
    gain = np.asarray(b.probabilities)[rows, labels[rows]] - np.asarray(a.probabilities)[rows, labels[rows]]
    return rows[np.argsort(-np.abs(gain), kind="stable")]


def both(pair: Pair, question: Question, way: Walk) -> tuple[Found, Found] | None:
    """Explain the faces with both networks: why the label rather than what the other one takes it for; `None` while that goes on."""
    asked = Given(question, tuple(pair.a.labels[pair.rows].tolist()), tuple(pair.wrong.tolist()))
    made = [aggregate_jobs.job(run, (way.dataset, way.split), pair.rows, asked) for run in (pair.run, pair.other)]
    found = jobs.answers(made, Sentence("{method} of {faces}, both networks", method=question.words.label,
                                        faces=formatting.faces(len(pair.rows))))
    for job in found:
        if job.done.is_set() and isinstance(job.error, FerError) and not isinstance(job.error, jobs.Unwanted):
            messages.problem(job.error)
    done = [job.answer for job in found if job.done.is_set() and job.error is None]
    return (done[0], done[1]) if len(done) == 2 else None


def _draw(pair: Pair, found: tuple[Found, Found], question: Question, theme: Theme) -> None:
    st.markdown(say("**The face, {run} (A), {other} (B)**: why its label rather than what the network that errs takes it for, {method}. "
                    "A click opens the face.", run=formatting.literal(pair.run.title), other=formatting.literal(pair.other.title),
                    method=question.words.label))
    rows = pair.rows[: min(SHOWN, len(found[0].maps))]
    strips, captions = [], []
    faces = found[0].faces
    for number, row in enumerate(rows.tolist()):
        maps = [one.maps[number] for one in found]
        parts = [saliency_images.grey(faces[number]), *(saliency_images.signed(map_, saliency_images.limit(map_), theme) for map_ in maps)]
        strips.append(_strip(parts, theme))
        told = [f"{letter} {formatting.emotion(int(one.predicted[row]))} {formatting.percent(float(one.probabilities[row].max()))}"
                for letter, one in (("A", pair.a), ("B", pair.b))]
        captions.append(f"#{row} {formatting.emotion(int(pair.a.labels[row]))}\n{' · '.join(told)}")
    gallery(np.stack(strips), "changed", size=2 * SIDE, cell=6 * SIDE, captions=captions, label=say("Faces with both maps"),
            on_pick=partial(_open, rows.tolist()))
    scale = say("Each map by its own 99th percentile: logits of two networks have no common measure.")
    if len(rows) < found[0].count:
        scale = formatting.prose([say("The {n} clearest of the {count} explained.", n=len(rows), count=found[0].count), scale])
    st.caption(scale)
    _shift(found, theme)


def _strip(parts: list[np.ndarray], theme: Theme) -> np.ndarray:
    ground = np.array((16, 21, 29) if theme == "dark" else (252, 253, 255), np.uint8)
    gap = np.broadcast_to(ground, (SIDE, GAP, 3))
    return np.concatenate([piece for part in parts for piece in (part[..., :3], gap)][:-1], axis=1)


def _open(rows: list[int], position: int) -> None:
    cell = dict.fromkeys(("true", "pred", "cells", "class_", "part"))  # they are of all cells
    navigation.write(image=rows[position], why="compare", beside="networks", **cell)


def _shift(found: tuple[Found, Found], theme: Theme) -> None:
    means, intervals = region_shares.shift(found[0].ledger, found[1].ledger)
    top = max(0.05, float(np.nanmax(np.abs(means)))) if np.isfinite(means).any() else 1.0
    rows = []
    for name, mean, (low, high) in zip(regions.NAMES, 100 * means, 100 * intervals, strict=True):
        told = say("{value:+.1f} points ({low:+.1f} to {high:+.1f})", value=mean, low=low, high=high) if np.isfinite(low) else \
            say("{value:+.1f} points", value=mean)
        rows.append(bars.Row(spoken(name), float(mean) / 100 / top, told))
    st.markdown(say("**How the maps move from A to B**: share of |map| by region, mean difference over {faces}, with its 95% interval",
                    faces=formatting.faces(found[0].count)))
    bars.signed(rows, theme, label="Shift of the share of the map")
    certain = [spoken(name) for name, (low, high) in zip(regions.NAMES, intervals, strict=True) if low > 0 or high < 0]
    st.caption(say("Beyond chance: {regions}.", regions=formatting.listed(certain)) if certain else
               say("No shift beyond what chance explains."))
