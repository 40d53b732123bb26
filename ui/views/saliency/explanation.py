"""A face and why it was called so: four squares, seven probabilities, how to read the map, and the verdict on it."""

from __future__ import annotations

import html
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from fer_core.attribution.registry import NO_CONVOLUTION
from fer_core.attribution.request import Question, inside
from fer_core.emotions import EMOTIONS, SIDE
from fer_core.errors import FerError
from fer_core.messages import Sentence
from fer_core.plots import saliency_images
from fer_core.plots.figures import Theme
from ui.elements import bars, messages
from ui.elements.squares import Look, Shown, squares
from ui.services import jobs, models
from ui.services.explained_face import Subject
from ui.state import navigation, url_params
from ui.streamlit_ext import rerun
from ui.text import formatting
from ui.text.language import say
from ui.views.saliency import question_controls as controls

if TYPE_CHECKING:
    from fer_core.attribution.faithfulness import Curves, Randomisation, Verdict
    from fer_core.attribution.task import Explanation

FORGETTING = threading.Lock()
"""One network at a time is made to forget: its copy is shared."""
STYLE = """<style>
.fer-verdict { border-left: 4px solid #3FA34D; padding: 0.1rem 0 0.1rem 0.8rem; font-size: 0.95rem; max-width: 80ch; margin: 0; }
.fer-verdict.fails { border-color: #D55E00; }
.fer-verdict.undecided { border-color: #E69F00; }
.st-key-maps { margin-top: 0.2rem; }
.st-key-question-row, .st-key-method-row { row-gap: 0.4rem; }
</style>"""


@dataclass(frozen=True, eq=False)
class Tested:
    """What the tests of a map found."""

    curves: Curves
    randomisation: Randomisation
    verdict: Verdict


@dataclass(frozen=True, eq=False)
class Explained:
    """A face, what was asked of it, and the answer; `tested` comes later."""

    subject: Subject
    asked: Question
    found: Explanation
    shown: Shown
    look: Look
    tested: Tested | None


def explanation(subject: Subject, asked: Question) -> tuple[tuple[object, ...], jobs.Work]:
    """Name the job that explains a face, and give its work."""

    def work(job: jobs.Job) -> Explanation:
        model = models.network(subject.network)
        from fer_core.attribution import explanation as saliency

        return saliency.explain_with_notes(model, subject.image[None], asked.method, asked.target, versus=asked.versus,
                                           should_stop=job.stopped, progress=job.tell, **asked.settings)

    return ("map", *subject.key, asked), work


def testing(subject: Subject, asked: Question, map_: np.ndarray) -> tuple[tuple[object, ...], jobs.Work]:
    """Name the job that tests a map, and give its work."""

    def work(job: jobs.Job) -> Tested:
        model = models.network(subject.network)
        from fer_core.attribution import faithfulness
        from fer_core.models import compute_lock

        with ExitStack() as stack:
            stack.enter_context(compute_lock.COMPUTE_LOCK.low_priority())  # whoever asks for a picture meanwhile goes first
            curves = faithfulness.curves(model, subject.image, map_, asked.target, versus=asked.versus, by_size=asked.words.sensitivity,
                                         beat=job.part(0, 0.4))
            while not FORGETTING.acquire(timeout=0.2):
                if job.stopped():
                    raise jobs.Unwanted("The work was cancelled.")
            stack.callback(FORGETTING.release)
            left = faithfulness.randomisation(model, subject.image[None], asked.method, asked.target, versus=asked.versus,
                                              should_stop=job.stopped, progress=lambda share: job.tell(0.4 + 0.6 * share), **asked.settings)
        return Tested(curves, left, faithfulness.verdict(curves, float(left.left[0])))

    return ("test", *subject.key, asked), work


def layers_of(subject: Subject) -> dict[str, tuple[int, int]] | None:
    """List the layers that a class activation map can take; `None` while the network is not known."""

    def work(job: jobs.Job) -> dict[str, tuple[int, int]]:
        model = models.network(subject.network)
        from fer_core.attribution import cam_methods

        return cam_methods.grids(model)

    job = jobs.ask(("layers", *subject.network), work)
    if models.ready():
        rerun.wait(job.done, 0.3)
    return job.answer if job.done.is_set() and job.error is None else None


def look() -> Look:
    """Read from the URL how the squares are shown."""
    return Look(url_params.param("opacity", 70, cast=int, low=0, high=100), url_params.param("keep", 20, cast=int, low=1, high=100),
                st.query_params.get("smooth") == "1")


def _set(told: dict[str, Any]) -> None:
    usual = Look()
    navigation.write(opacity=told["opacity"] if told["opacity"] != usual.opacity else None,
                    keep=told["keep"] if told["keep"] != usual.keep else None, smooth=1 if told["smooth"] else None)


def draw(subject: Subject, theme: Theme) -> Explained | None:
    """Draw the question, the squares and the bars; `None` while there is no map."""
    st.html(STYLE)
    asked = controls.question(subject, layers_of(subject))
    place, status = st.container(), st.container()
    explained, problem = None, None
    with status:
        try:
            explained = _explained(subject, asked)
        except FerError as error:
            problem = error
    shown = explained.shown if explained else Shown(subject.image, None)
    with place:
        squares(shown, look(), captions(subject, asked, explained), theme,
                waits=problem is None and not jobs.is_cancelled(explanation(subject, asked)[0]), scale=_scale(explained), on_set=_set)
    if problem is not None:
        messages.problem(problem)
    left, right = st.columns([1, 1.35], gap="large")
    with left, st.container(key="seven"):
        assert subject.probabilities is not None
        bars.seven(subject.probabilities, subject.label)
        st.caption(say("Filled: what the network calls it. Outlined: the label.") if subject.label >= 0 else
                   say("Filled: what the network calls it."))
    with right:
        controls.reading(asked)
        if explained is not None:
            _notes(explained)
    return explained


def _explained(subject: Subject, asked: Question) -> Explained | None:
    if asked.words.needs_convolution and subject.run.config.arch == "dnn":
        raise FerError(Sentence("{method} cannot explain this network.", method=asked.words.label),
                       received=say("{run}: {reason}", run=subject.run.title, reason=NO_CONVOLUTION),
                       todo="choose another method, such as SmoothGrad or occlusion")
    label = Sentence("{method}, {question}", method=asked.words.label, question=inside(asked.target, asked.versus))
    found = jobs.answer(*explanation(subject, asked), label if models.ready() else
                        "Waking the network; the first time takes some seconds")
    if found is None:
        return None
    map_ = found.maps[0]
    test = jobs.ask(*testing(subject, asked, map_)) if not jobs.is_cancelled(testing(subject, asked, map_)[0]) else None
    tested = test.answer if test is not None and test.done.is_set() and test.error is None else None
    failed = tested is not None and tested.verdict.failed
    shown = Shown(subject.image, map_, saliency_images.limit(map_), asked.words.sensitivity, failed)
    return Explained(subject, asked, found, shown, look(), tested)


def captions(subject: Subject, asked: Question, explained: Explained | None) -> dict[str, tuple[str, str]]:
    """Write what stands under each square, to be said where it is drawn."""
    label = Sentence("labelled {label}", label=EMOTIONS[subject.label].capitalize()) if subject.label >= 0 else \
        "48 × 48, as the network gets it"
    real = asked.words.label
    if explained and (grid := explained.found.grid):
        told = {"layer": explained.found.layer, "rows": grid[0], "columns": grid[1]}
        real = Sentence("{layer}: a grid of {rows} × {columns}, enlarged", **told) if min(grid) < SIDE else \
            Sentence("{layer}: a grid of {rows} × {columns}", **told)
    elif asked.words.unit:
        real = Sentence("{method}, in {unit}", method=asked.words.label, unit=asked.words.unit)
    if explained and explained.shown.failed:
        real = Sentence("{map}; greyed, for it fails its test", map=real)
    part = "the strongest pixels by size" if asked.words.sensitivity else \
        Sentence("the strongest pixels for {emotion}", emotion=EMOTIONS[asked.target].capitalize())
    return {"face": ("Face", label), "map": (asked.said, real), "overlay": ("Map on the face", "strong covers, weak shows the face"),
            "remains": ("What remains", part)}


def _scale(explained: Explained | None) -> tuple[str, str]:
    if explained is None:
        return ("", "")
    top = explained.shown.top
    return (f"\N{MINUS SIGN}{top:.2g}", f"+{top:.2g}")


def _notes(explained: Explained) -> None:
    """Tell the completeness gap, and the verdict on the map."""
    found, asked = explained.found, explained.asked
    score, p = float(found.scores[0]), formatting.emotion(asked.target)
    told = say("Logit of {p}: {score:+.2f}.", p=p, score=score) if asked.versus is None else \
        say("Logit of {p} minus that of {q}: {score:+.2f}.", p=p, q=formatting.emotion(asked.versus), score=score)
    if found.gap is not None:
        more = completeness(float(found.maps[0].sum(dtype=np.float64)), float(found.gap[0]), score)
        told = formatting.prose([told, more])
    if found.grid is not None and min(found.grid) < 6:
        told = formatting.prose([told, say("Only {rows} × {columns} places: a finer layer tells more of a face.", rows=found.grid[0],
                                      columns=found.grid[1])])
    st.caption(told)
    verdict(explained)


def completeness(total: float, gap: float, score: float) -> str:
    """Say how the parts of a map that add up to `total` miss, by `gap`, the rise from the blank face's score to the face's."""
    rise = total - gap
    share = abs(gap) / max(abs(rise), 1e-9)
    told = {"blank": score - rise, "total": total, "rise": rise, "share": share}
    if share < 0.05:
        return Sentence("The blank face has {blank:+.2f}, and the parts add up to {total:+.2f} of the rise of {rise:+.2f} "
                        "(completeness gap {share:.1%}).", **told)
    return Sentence("The blank face has {blank:+.2f}, and the parts add up to {total:+.2f} of the rise of {rise:+.2f}: "
                    "a completeness gap of {share:.0%}. More steps (Settings) make it smaller.", **told)


def verdict(explained: Explained) -> None:
    """Draw the verdict on the map, or how far its test is."""
    tested = explained.tested
    if tested is None:
        with messages.errors():
            tested = jobs.answer(*testing(explained.subject, explained.asked, explained.found.maps[0]), "Testing the map", height=64)
    if tested is None:
        return
    if explained.tested is None:  # it came after the map was drawn: now the map is greyed, or its curves can be drawn
        st.rerun()
    rule = html.escape(say(tested.verdict.rule), quote=True)
    st.html(f"<p class='fer-verdict {tested.verdict.outcome}' title='{rule}'>{say(tested.verdict.reason)}</p>")
