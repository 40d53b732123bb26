"""The portrait of many faces: a cell, a class or a whole split, of one run or beside another."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from fer_core.attribution import aggregate
from fer_core.attribution.aggregate import Asked, Found
from fer_core.attribution.registry import NO_CONVOLUTION
from fer_core.attribution.request import Question, inside
from fer_core.data.splits import spread
from fer_core.emotions import EMOTIONS, SIDE
from fer_core.faces.regions import NAMES, fixed
from fer_core.messages import Sentence, signed
from fer_core.metrics.scores import student
from fer_core.plots import saliency_images
from fer_core.plots.figures import Theme
from fer_core.plots.theme import DIVERGING, ink, shade
from fer_core.runs.store import Run
from ui.elements import bars, messages
from ui.elements.gallery import gallery
from ui.services import jobs
from ui.services.explained_face import Subject, Walk
from ui.state import bound_widgets
from ui.text import formatting
from ui.text.language import say
from ui.views.saliency import aggregate_jobs, compare_panel, over_active_panel
from ui.views.saliency.regions_panel import spoken

if TYPE_CHECKING:
    from fer_core.data.dataset import Dataset

STYLE = """<style>.fer-effect{border-collapse:separate;border-spacing:2px;font-size:.85rem;font-variant-numeric:tabular-nums}
.fer-effect td{min-width:2.7rem;height:1.9rem;text-align:center;border-radius:3px;border:0;padding:0 4px}
.fer-effect th{font-weight:500;padding:0 6px;border:0;text-align:left}.fer-wide{overflow-x:auto}
@media (max-width:640px){.fer-effect{font-size:.75rem;width:100%}.fer-effect td{min-width:0;padding:0}.fer-effect th{padding:0 2px}
.fer-effect tr:first-child th{writing-mode:vertical-rl;transform:rotate(180deg);padding:2px 0}}</style>"""


def panel(subject: Subject, question: Question, way: Walk, theme: Theme) -> None:
    """Draw the panel."""
    faces = way.dataset[way.split]
    chosen = {"chosen": way.order, "split": np.arange(len(faces))}
    told = {"chosen": "The chosen faces", "split": "The whole split"}
    narrowed = len(way.order) < len(faces)
    with st.container(horizontal=True, vertical_alignment="bottom", key="many-row"):
        scope = bound_widgets.choose(
            "Faces", "of", ["chosen", "split"] if narrowed else ["split"], words=told.__getitem__, kind="segmented", hidden=True
        )
        rows = chosen[scope]
        sizes = [str(size) for size in aggregate_jobs.SIZES if size < len(rows)] + ["all"]
        size = bound_widgets.choose("How many", "many", sizes, kind="segmented", hidden=True,
                                words=lambda name: Sentence("All {n:,}", n=len(rows)) if name == "all" else f"{int(name):,}")
        second = _beside(subject)
    taken = np.sort(spread(rows, None if size == "all" else int(size)))
    if not len(taken):
        messages.empty("No face", "None is labelled and called so.")
        return
    question = aggregate.usual(question, st.query_params.to_dict())
    asked = Asked.of(question, st.query_params.to_dict())
    source = (way.dataset, way.split)
    compared = over_active_panel.groups(subject.run, source, np.sort(way.order)) if scope == "chosen" and narrowed else None
    if isinstance(compared, over_active_panel.Groups):
        over_active_panel.begin(compared)  # both are worked on at once
    aggregate_jobs.note(st.query_params.to_dict())
    drawn = _draw(subject.run, way, taken, asked, theme)
    if compared is not None:
        over_active_panel.panel(subject.run, compared, paint=drawn)
    if drawn:
        _hiding(subject.run, source, taken, theme)
    if second is None:
        return
    st.divider()
    if question.words.needs_convolution and second.config.arch == "dnn":
        st.info(formatting.literal(say("{method} cannot explain {run}: {reason}.", method=question.words.label, run=second.title,
                                 reason=NO_CONVOLUTION)), icon=":material/info:")
        return
    if _draw(second, way, taken, asked, theme):
        _hiding(second, source, taken, theme)


def _beside(subject: Subject) -> Run | None:
    there = {run.id: run for run in compare_panel.others(subject.run)}
    if not there:
        return None
    id = bound_widgets.choose("Beside", "and", ["none", *there], words=lambda name: "no other run" if name == "none" else there[name].title)
    return there.get(id)


def _draw(run: Run, way: Walk, rows: np.ndarray, asked: Asked, theme: Theme) -> bool:
    """Draw the means and the ledger; tell whether they are there, or not wanted: what is less urgent can be asked for then."""
    drawn = way.dataset.name == "demo"
    label = Sentence("{method} of {faces}, {run}", method=asked.question.words.label, faces=formatting.faces(len(rows)), run=run.title)
    name, work = aggregate_jobs.job(run, (way.dataset, way.split), rows, asked)
    found: Found | None = jobs.answer(name, work, label)
    if found is None:
        return jobs.is_cancelled(name)
    st.markdown(
        say(
            "**{run}** · {faces} of {split}, {question}, {method}",
            run=formatting.literal(run.title),
            faces=formatting.faces(found.count),
            split=way.split,
            question=_question(asked, found),
            method=asked.question.words.label,
        )
    )
    left, right = st.columns([1.2, 1], gap="medium")
    with left:
        _maps(run, found, drawn, theme)
    with right:
        _ledger(found, theme)
    return True


def _question(asked: Asked, found: Found) -> str:
    roles = dict(asked.classes)
    fixed_class = roles.get("p") not in (None, "called", "label")
    if fixed_class:
        return inside(asked.question.target, asked.question.versus if found.contrast else None)
    target = "it has its label" if roles.get("p") == "label" else "it is called so"
    if not found.contrast:
        return Sentence("each asked why {what}", what=target)
    versus = "its label" if roles.get("q") in (None, "label") else str(roles["q"]).capitalize()
    return Sentence("each asked why {what} rather than {versus}", what=target, versus=versus)


def _maps(run: Run, found: Found, drawn: bool, theme: Theme) -> None:
    top = saliency_images.limit(found.map)
    preference, _ = found.ledger.mean()
    shown = [saliency_images.grey(found.face), saliency_images.signed(found.map, top, theme),
             saliency_images.tinted(found.face, fixed(drawn=drawn).masks, preference, theme)]
    gallery(np.stack(shown), f"many-{run.id}", size=3 * SIDE, cell=3 * SIDE,
            captions=[say("mean face"), say("mean map"), say("regions preferred")], label=say("Means over the faces"))
    told = say("Orange for, purple against. Each map counts alike: its |map| was made to add up to 1 before the mean. The single maps are "
               "not tested here.")
    if found.ledger.blank:
        told = formatting.prose([told, say("{n} maps are blank and were left out.", n=found.ledger.blank)])
    st.caption(told)


def _ledger(found: Found, theme: Theme) -> None:
    (preference, intervals), (shares, _) = found.ledger.mean(), found.ledger.mean("shares")
    areas = found.ledger.areas.mean(0)
    rows = []
    for i, name in enumerate(found.ledger.names):
        low, high = intervals[i]
        told = f"{preference[i]:.2f}" if not np.isfinite(low) else \
            say("{value:.2f} ({low:.2f} to {high:.2f})", value=preference[i], low=low, high=high)
        rows.append(bars.Row(spoken(name), float(np.log2(max(float(preference[i]), 1e-3))) / 2, told,
                             say("{share} of the map on {area} of the face", share=formatting.percent(float(shares[i])),
                                 area=formatting.percent(float(areas[i])))))
    st.markdown(say("**Share of |map| over share of the area**, with its 95% interval"))
    bars.signed(rows, theme, label="Share of the map over share of the area")
    features = found.ledger.shares[:, :-1].sum(1)
    features = features[np.isfinite(features)]
    half = f" ± {100 * student(len(features) - 1) * features.std(ddof=1) / len(features) ** 0.5:.1f}" if len(features) > 1 else ""
    if len(features):
        st.caption(say("{share:.1f}%{half} of the map lies on eyes, brows, nose and mouth, which are {area} of the face; 1 (the middle "
                       "line) is no preference.", share=100 * features.mean(), half=half, area=formatting.percent(float(areas[:-1].sum()))))


def _hiding(run: Run, source: tuple[Dataset, str], rows: np.ndarray, theme: Theme) -> None:
    label = Sentence("Hiding each region of {faces}, {run}", faces=formatting.faces(len(rows)), run=run.title)
    effect: np.ndarray | None = jobs.answer(*aggregate_jobs.hiding(run, source, rows), label)
    if effect is None:
        return
    points, top = 100 * effect, max(1.0, float(np.abs(100 * effect).max()))
    head = "".join(f"<th scope='col'>{html.escape(formatting.emotion(i))}</th>" for i in range(len(EMOTIONS)))
    body = ""
    for name, row in zip(NAMES, points.tolist(), strict=True):
        cells = ""
        for value in row:
            colour = shade(DIVERGING[theme], 0.5 + 0.5 * value / top)
            cells += f"<td style='background:{colour};color:{ink(colour)}'>{signed(value)}</td>"
        body += f"<tr><th scope='row'>{spoken(name)}</th>{cells}</tr>"
    st.markdown(say("**What hiding a region does to every probability**, in points, on the mean of these faces"))
    st.html(f"{STYLE}<div class='fer-wide'><table class='fer-effect'><tr><th></th>{head}</tr>{body}</table></div>")
