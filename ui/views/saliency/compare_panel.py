"""Maps beside each other, under one rule of scale: all methods, two classes, two networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from fer_core.attribution.registry import NO_CONVOLUTION, WORDS
from fer_core.attribution.request import Question, why
from fer_core.emotions import EMOTIONS, SIDE
from fer_core.errors import FerError
from fer_core.plots import saliency_images
from fer_core.plots.figures import Theme
from fer_core.runs.store import Run
from ui.elements import bars, messages
from ui.elements.gallery import gallery
from ui.services import cache, jobs
from ui.services.explained_face import Subject, predicted
from ui.state import bound_widgets, navigation, url_params
from ui.text import formatting
from ui.text.language import say
from ui.views.saliency.explanation import explanation, testing

if TYPE_CHECKING:
    from fer_core.attribution.faithfulness import Verdict

KINDS = {"methods": "Methods", "classes": "Two classes", "networks": "Two networks"}


@dataclass(frozen=True, eq=False)
class Tile:
    """A map on the wall, or why it is missing."""

    title: str
    job: jobs.Job
    test: jobs.Job | None = None
    own: bool = True
    """Whether it has a scale of its own, to be told under it."""

    def picture(self, top: float, theme: Theme) -> np.ndarray:
        """Draw the map, greyed where it fails its test, or an empty ground."""
        map_ = self.map
        made = saliency_images.signed(map_ if map_ is not None else np.zeros((SIDE, SIDE)), top or 1.0, theme)
        return saliency_images.greyed(made, theme) if self.verdict is not None and self.verdict.failed else made

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on the map, once it is tested."""
        done = self.test is not None and self.test.done.is_set() and self.test.error is None
        return self.test.answer.verdict if self.test is not None and done else None

    @property
    def map(self) -> np.ndarray | None:
        """The map, once it is there."""
        return self.job.answer.maps[0] if self.job.done.is_set() and self.job.error is None else None

    @property
    def said(self) -> str:
        """What stands under it beside its title."""
        if self.map is not None:
            told = say("strongest ±{top:.2g}", top=saliency_images.limit(self.map)) if self.own else ""
            if self.verdict is None:
                return f"{told}\n"
            outcome = say("{outcome}, greyed", outcome=self.verdict.outcome) if self.verdict.failed else say(self.verdict.outcome)
            return f"{told}\n{outcome}"
        return say("failed") if self.job.error is not None else "..."

    @property
    def caption(self) -> str:
        """All that stands under it."""
        return f"{say(self.title)}\n{self.said}"


def panel(subject: Subject, question: Question, theme: Theme) -> None:
    """Draw the panel."""
    kind = bound_widgets.choose("Compare", "beside", list(KINDS), words=KINDS.__getitem__, kind="segmented", default="methods", hidden=True)
    {"methods": _methods, "classes": _classes, "networks": _networks}[kind](subject, question, theme)


def _methods(subject: Subject, question: Question, theme: Theme) -> None:
    flat = subject.run.config.arch == "dnn"
    names = [name for name in WORDS if not (flat and WORDS[name].needs_convolution)]
    tiles = _tiles([WORDS[name].label for name in names], [(subject, question.by(name)) for name in names], "Asking every method")
    tops = [saliency_images.limit(tile.map) if tile.map is not None else 1.0 for tile in tiles]
    _wall(
        "compare-methods",
        [saliency_images.grey(subject.image), *(tile.picture(top, theme) for tile, top in zip(tiles, tops, strict=True))],
        tiles,
        at=names.index(question.method) + 1 if question.method in names else None,
        on_pick=lambda i: navigation.write(method=names[i - 1]) if i else None,
    )
    told = say("Orange speaks for, purple against. One rule of scale: each map's strongest colour is its own 99th percentile "
               "of |map|, for their units differ. Where methods disagree, trust none of them alone. Click a map to use its method.")
    if flat:
        told = formatting.prose([told, say("Grad-CAM and LayerCAM are missing: {reason}.", reason=NO_CONVOLUTION)])
    st.caption(formatting.literal(told))
    _problems(tiles)


def _classes(subject: Subject, question: Question, theme: Theme) -> None:
    first = question.target
    second = question.versus if question.versus is not None else _other(subject, first)
    shown = url_params.emotion("q2")
    second = second if shown is None or shown == first else shown
    names = [name.capitalize() for i, name in enumerate(EMOTIONS) if i != first]
    now = EMOTIONS[second].capitalize()
    st.selectbox(say("{emotion}, beside", emotion=formatting.emotion(first)), names, names.index(now), width=200,
                 format_func=bound_widgets.labels(names).__getitem__,
                 **bound_widgets.mirror("second_class", now, lambda name: navigation.write(q2=name.lower())))
    asked = [question.of(first), question.of(second), question.of(first, second)]
    tiles = _tiles([why(one.target, one.versus) for one in asked], [(subject, one) for one in asked], "Asking for both classes")
    tiles = [replace(tile, own=False) for tile in tiles]
    known = [tile.map for tile in tiles if tile.map is not None]
    top = saliency_images.limit(*known) if known else 1.0
    _wall("compare-classes", [saliency_images.grey(subject.image), *(tile.picture(top, theme) for tile in tiles)], tiles)
    if len(known) == len(tiles):
        alike = float(np.corrcoef(known[0].ravel(), known[1].ravel())[0, 1])
        told = say("Orange for, purple against. One scale for all three: the strongest colour is ±{top:.2g}. "
                   "Correlation of the two classes' maps: {alike:.2f}.", top=top, alike=alike)
        more = say("Near 1, both show what any face needs; the contrast shows what tells them apart.") if alike > 0.5 else \
            say("The network looks for the two in different places, or with opposite signs.")
        st.caption(formatting.literal(formatting.prose([told, more])))
    _problems(tiles)


def _other(subject: Subject, first: int) -> int:
    """Give the label or, when that is the class itself, the runner-up."""
    if 0 <= subject.label != first:
        return subject.label
    assert subject.probabilities is not None
    return int(next(i for i in np.argsort(-subject.probabilities) if i != first))


def others(run: Run) -> list[Run]:
    """List the other runs with weights, those trained on the same faces first."""
    found = [one for one in cache.runs() if not one.damage and one.id != run.id and one.has_network]
    return sorted(found, key=lambda one: _trained_on(one) != _trained_on(run))


def _trained_on(run: Run) -> str:
    return str(run.facts.get("data", {}).get("fingerprint", run.config.data))


def _networks(subject: Subject, question: Question, theme: Theme) -> None:
    there = {run.id: run for run in others(subject.run)}
    if not there:
        messages.empty("Only one network", "A second run with weights can be asked about the same face.",
                   "python -m fer_core train --data demo --preset quick --arch dnn")
        return
    asked = url_params.param("with")
    if asked is not None and asked not in there:
        st.info(say("There is no other run '{given}' with weights.", given=formatting.literal(str(asked)[:40])), icon=":material/info:")
    id = bound_widgets.choose("Beside", "with", list(there), words=lambda name: there[name].title)
    if _trained_on(there[id]) != _trained_on(subject.run):
        st.caption(say("{run} was trained on other faces than {own}.", run=formatting.literal(there[id].title),
                       own=formatting.literal(subject.run.title)))
    second = subject.before(there[id])
    pair = [(one, question) for one in (subject, second)]
    if question.words.needs_convolution and second.run.config.arch == "dnn":
        st.info(formatting.literal(say("{method} cannot explain {run}: {reason}.", method=question.words.label, run=second.run.title,
                                 reason=NO_CONVOLUTION)), icon=":material/info:")
        return
    tiles = _tiles([one.run.title for one, _ in pair], pair, "Asking both networks")
    _wall(
        "compare-networks",
        [
            saliency_images.grey(subject.image),
            *(tile.picture(saliency_images.limit(tile.map) if tile.map is not None else 1, theme) for tile in tiles),
        ],
        tiles,
    )
    left, right = st.columns(2, gap="large")
    for column, one in ((left, subject), (right, second)):
        with column:
            st.markdown(f"**{formatting.literal(one.run.title)}** · {say(formatting.NETWORKS[one.run.config.arch])}")
            values = one.probabilities if one.probabilities is not None else predicted(one)
            if values is not None:
                bars.seven(values, subject.label)
    st.caption(
        formatting.literal(
            say(
                "{question}, {method}: orange for, purple against; each map by its own 99th percentile, for logits of two "
                "networks have no common measure.",
                question=question.said,
                method=question.words.label,
            )
        )
    )
    _problems(tiles)


def _tiles(titles: Sequence[str], asked: Sequence[tuple[Subject, Question]], label: str) -> list[Tile]:
    found = jobs.answers([explanation(subject, question) for subject, question in asked], label)
    tiles = [Tile(title, job) for title, job in zip(titles, found, strict=True)]
    if any(tile.map is None for tile in tiles):
        return tiles
    made = [testing(*pair, tile.map) for pair, tile in zip(asked, tiles, strict=True) if tile.map is not None]
    tested = jobs.answers(made, "Testing every map")
    return [replace(tile, test=test) for tile, test in zip(tiles, tested, strict=True)]


def _wall(key: str, pictures: list[np.ndarray], tiles: list[Tile], *, at: int | None = None, on_pick: object = None) -> None:
    size = (3 if len(pictures) > 4 else 4) * SIDE
    captions = [f"{say('Face')}\n", *(tile.caption for tile in tiles)]
    gallery(np.stack(pictures), key, size=size, cell=size + 16, captions=captions, selected=at, label=say("Maps beside each other"),
            on_pick=on_pick)  # type: ignore[arg-type]


def _problems(tiles: list[Tile]) -> None:
    for tile in tiles:
        if tile.job.done.is_set() and isinstance(tile.job.error, FerError) and not isinstance(tile.job.error, jobs.Unwanted):
            messages.problem(tile.job.error)
