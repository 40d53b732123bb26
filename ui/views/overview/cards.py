"""Parts of the overview: the cards, the training under way, where to go on, and the next step of a newcomer."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from fer_core.emotions import EMOTIONS, class_of
from fer_core.errors import FerError
from fer_core.metrics.scores import wilson
from fer_core.plots.theme import run_colour
from ui.controls import looks_picker
from ui.elements import messages
from ui.elements.gallery import colours, gallery
from ui.services import cache
from ui.services.predictions import answers, rate
from ui.shell import breadcrumb, page, recent, tour
from ui.state import navigation, url_params
from ui.text import formatting
from ui.text.language import say

if TYPE_CHECKING:
    from fer_core.metrics.evaluation import Evaluation
    from fer_core.runs.store import Run

WIDE, TALL = 220, 44
FIXED = "vector-effect='non-scaling-stroke'"  # the picture is stretched to its card, its lines and dots are not
STATES = {"queued": "{run} waiting to start", "running": "{run} training", "stopping": "{run} stopping after this step"}


@dataclass(frozen=True)
class Result:
    """The best epoch of a run: accuracy 0 to 1 on `n` validation faces, with the curve that led there."""

    run: str
    title: str
    arch: str
    data: str
    epoch: int
    value: float
    n: int
    curve: tuple[float, ...]
    colour: str

    @property
    def interval(self) -> tuple[float, float]:
        """95% Wilson interval of the accuracy."""
        from fer_core.metrics.evaluation import wilson

        return wilson(round(self.value * self.n), self.n)


def result(run: Run) -> Result | None:
    """Read the best epoch of a run; `None` before its first epoch, or where it is damaged."""
    if run.damage:
        return None
    try:
        history, best = run.history, run.best
        if best is None:
            return None
        curve = tuple(float(value) for value in history["val_accuracy"])
        n = int(run.facts.get("validated_on", 0)) or int(run.confusion[-1].sum())
        return Result(run.id, run.title, run.config.arch, run.config.data, best[0], curve[best[0] - 1], n, curve,
                      run_colour(run.meta.colour))
    except (FerError, OSError, IndexError):
        return None  # its files changed while they were read; the list of runs tells damage in words


def best(results: Sequence[Result], archs: Sequence[str]) -> Result | None:
    """Choose the best result of some networks: real faces before drawn ones, the first network named before the next."""
    fitting = [one for one in results if one.arch in archs and one.n]
    return max(fitting, key=lambda one: (not one.data.startswith("demo"), -archs.index(one.arch), one.value), default=None)


def spark(values: Sequence[float], colour: str | Sequence[str]) -> str:
    """Draw a small curve in its colour, or small bars in a colour each, as a picture 220 by 44 for a card."""
    if not len(values):
        return ""
    shapes = _line(np.asarray(values, float), colour) if isinstance(colour, str) else _bars(np.asarray(values, float), colour)
    form = f"width='{WIDE}' height='{TALL}' viewBox='0 0 {WIDE} {TALL}' preserveAspectRatio='none'"
    drawn = f"<svg xmlns='http://www.w3.org/2000/svg' {form}>{shapes}</svg>"
    return f"<img class='fer-spark' alt='' src='data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()}'>"


def _bars(values: np.ndarray, colours: Sequence[str]) -> str:
    step, top = WIDE / len(values), max(values.max(), 1e-9)
    tall = np.maximum(2, (TALL - 4) * values / top)
    return "".join(
        f"<rect x='{i * step + 2:.1f}' y='{TALL - h:.1f}' width='{step - 4:.1f}' height='{h:.1f}' "
        f"fill='{colours[i]}'/>"
        for i, h in enumerate(tall)
    )


def _line(values: np.ndarray, colour: str) -> str:
    low, high = np.nanmin(values), np.nanmax(values)
    x = np.linspace(4, WIDE - 4, len(values)) if len(values) > 1 else np.array([WIDE / 2])
    y = TALL - 4 - (TALL - 8) * ((values - low) / (high - low) if high > low else np.full(len(values), 0.5))
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True) if np.isfinite(b))
    top = int(np.nanargmax(values))
    return (
        f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='2' stroke-linejoin='round' {FIXED}/>"
        f"<path d='M{x[top]:.1f} {y[top]:.1f}h0' stroke='{colour}' stroke-width='7' stroke-linecap='round' {FIXED}/>"
    )


def card(label: str, number: str, lines: Sequence[str], picture: str = "") -> None:
    """Draw a card: what it is about, one large number, a small picture, and lines of words."""
    told = "".join(f"<div class='fer-line'>{html.escape(line)}</div>" for line in lines)
    st.html(
        f"<div class='fer-card'><div class='fer-label'>{html.escape(label)}</div>"
        f"<div class='fer-number'>{html.escape(number)}</div>{picture}{told}</div>"
    )


def data_card(source: str) -> None:
    """Draw the card of the data set; reading it may take a while the first time."""
    from fer_core import data
    from fer_core.plots.theme import EMOTION_COLOURS

    with messages.errors():
        faces = cache.dataset(source)
        counts = data.counts(faces)
        first = next(iter(counts))
        row = counts[first]
        total = max(int(row.sum()), 1)
        rare = int(np.argmin(np.where(row > 0, row, row.max() + 1)))
        card(
            say("Data: {name}", name=formatting.source(source)),
            formatting.number(sum(map(len, faces.values()))),
            [
                say("faces: {splits}", splits=formatting.parts({name: len(part) for name, part in faces.items()})),
                say(
                    "rarest: {emotion}, {faces}, {share} of {split}",
                    emotion=formatting.emotion(rare),
                    faces=formatting.faces(int(row[rare])),
                    share=formatting.percent(row[rare] / total),
                    split=formatting.SPLIT_WORDS.get(first, first),
                ),
            ],
            spark(row.tolist(), [EMOTION_COLOURS[name] for name in EMOTIONS]),
        )


def predicted(found: Result) -> tuple[Result, Evaluation | None]:
    """Take the accuracy of the stored predictions, as every other page does, with all scores; the training's own where there are none."""
    try:
        told = answers(cache.store().open(found.run), "validation")
    except (FerError, OSError):
        return found, None  # the list of runs tells damage in words
    return (found, None) if told is None else (replace(found, value=told.evaluation.accuracy, n=told.evaluation.n), told.evaluation)


def without_copies(scores: Evaluation | None) -> list[str]:
    """Say the accuracy without the faces of which a copy stands in training, where there are any."""
    if scores is None or scores.without_copies is None or not scores.copies:
        return []
    return [say("{share} without {copies}", share=formatting.percent(scores.without_copies.accuracy), copies=formatting.copies(scores))]


def result_card(label: str, found: Result | None, command: str) -> None:
    """Draw the card of a network's best run, or what would bring one."""
    if found is None:
        card(say(label), "–", [say("No run yet. It comes from the page Training, or from:")])
        st.code(command, language="bash", wrap_lines=True)
        return
    found, scores = predicted(found)
    low, high = found.interval
    card(
        say(label) if found.arch in ("cnn", "dnn") else say("{label} (small cnn)", label=label),
        formatting.percent(found.value),
        [
            say("of {n:,} validation faces named as labelled; 95% interval {low:.1f} to {high:.1f}%",
                n=found.n, low=100 * low, high=100 * high),
            *without_copies(scores),
            *looks_picker.told(cache.store().open(found.run), "validation")[1:-1],
            say("{run}, epoch {epoch} of {epochs}, on {data}", run=found.title, epoch=found.epoch, epochs=len(found.curve),
                data=formatting.source(found.data)),
        ],
        spark(found.curve, found.colour),
    )


def alone(runs: Sequence[Run]) -> None:
    """List the runs that are predictions alone, such as the mean of several, with what they score on the validation faces."""
    told = [(run, run.alone, rate(run, "validation")) for run in runs if not run.damage and run.origin]
    shown = [(run, said, score) for run, said, score in told if said and score is not None]
    if not shown:
        return
    st.markdown(say("#### Predictions alone"))
    for run, said, (share, n) in shown:
        interval = wilson(round(share * n), n)
        score = formatting.accuracy(share, interval, n)
        with st.container(horizontal=True, vertical_alignment="center"):
            page.link("pages/confusion_matrix.py", formatting.literal(run.title), run=run.id, split="validation")
            st.caption(formatting.literal(say("{score} right (validation). {alone}", score=score, alone=said)), width="content")


def living(run: Run) -> None:
    """Draw the card of a training under way."""
    status = run.status
    done = (status.epoch + (status.step / status.steps if status.steps else 0)) / max(status.epochs, 1)
    told = [say("epoch {epoch} of {epochs}", epoch=min(status.epoch + 1, status.epochs), epochs=status.epochs)]
    told += [say("{time} left", time=formatting.duration(status.seconds_left))] if status.seconds_left else []
    loss = " · " + say("loss {loss:.3g} nats", loss=status.loss) if status.loss is not None else ""
    speed = " · " + say("{n:,.0f} images/s", n=status.images_per_second) if status.images_per_second else ""
    with st.container(border=True):
        state = say(STATES.get(status.state, "{run}"), run=f"<b>{html.escape(run.title)}</b>")
        st.html(f"<div class='fer-live'><span class='fer-dot'></span>{state}</div>")
        st.progress(min(max(done, 0.0), 1.0), text=f"{formatting.clauses(told)}{loss}{speed}")
        values = run.history["val_accuracy"]
        if len(values):
            st.caption(say("Best so far: {share} of the validation faces, after epoch {epoch}.",
                           share=formatting.percent(float(np.nanmax(values))), epoch=int(np.nanargmax(values)) + 1))
        page.link("pages/training_monitor.py", "Watch it learn", run=run.id)


def alive() -> list[Run]:
    """List the runs that train now or are about to."""
    found = []
    for run in cache.runs():
        try:
            if not run.damage and run.status.alive:
                found.append(run)
        except FerError:
            continue  # damaged this very moment: the next look lists it as damaged
    return found


def now_training(known: tuple[str, ...]) -> None:
    """Show what trains now, afresh every two seconds; when a training begins or ends, the whole page is drawn again."""
    running = alive()
    if tuple(run.id for run in running) != known:
        navigation.anew()
    for run in running:
        with messages.errors():
            living(run)


def going_on() -> None:
    """Offer the last views, as links that open them as they were."""
    there, sources = {run.id for run in cache.runs()}, cache.sources()
    views = [(file, params) for file, params in recent.recall()
             if file in page.PAGES and ("run" not in params or params["run"] in there)
             and ("data" not in params or params["data"] in sources or Path(params["data"]).exists())]
    if not views:
        return
    st.markdown(say("#### Continue"))
    with st.container(horizontal=True, key="continue"):
        for file, params in views[:4]:
            steps = [step.label for step in breadcrumb.steps(params, breadcrumb.known(params))]
            chosen = class_of(params.get("class"))
            said = steps or [
                formatting.source(params["data"]) if "data" in params else "",
                "" if chosen is None else formatting.emotion(chosen),
            ]
            title, icon = page.PAGES[file]
            told = formatting.commas([one for one in said if one])
            label = formatting.literal(say("{page}: {words}", page=title, words=told) if told else say(title))
            kept = {name: value for name, value in params.items() if name != "lang"}  # the reader may have changed the language since
            st.page_link(file, label=label, icon=icon, query_params={**kept, **navigation.language()})


def next_step(results: Sequence[Result]) -> None:
    """Draw the one button that a newcomer wants: the errors of the best network, on drawn faces where there are no others."""
    drawn = [one for one in results if one.data.startswith("demo")]
    found = best(drawn if drawn and source().startswith("demo") else results, ("cnn", "small", "dnn"))
    if found:
        target, changes = "pages/confusion_matrix.py", {"run": found.run, "split": "validation"}
        label = say("Open the confusion matrix of {run}", run=say("the demo network") if found in drawn else found.title)
    else:
        target, changes, label = "pages/training_monitor.py", {}, say("Train the first network")
    with st.container(horizontal=True, vertical_alignment="center", key="next"):
        if st.button(label, type="primary", icon=":material/arrow_forward:", icon_position="right"):
            page.go(target, **changes)
        tour.start(found.run if found else None)


def sentence(results: Sequence[Result], runs: int) -> str:
    """Say in numbers what is here."""
    if not runs:
        return say("No network has been trained here yet. Look at the faces first, or train the small network: "
                   "the demo takes a minute or two.")
    top = best(results, ("cnn", "small", "dnn"))
    count = say("{n} run" if runs == 1 else "{n} runs", n=runs)
    if top is None:
        return say("{runs}, none with a complete epoch yet.", runs=count)
    top, _ = predicted(top)
    return say("{runs}. The best {network}, {run}, is right on {accuracy} (validation, {data}).",
               runs=count, network=formatting.NETWORKS[top.arch], run=top.title,
               accuracy=formatting.accuracy(top.value, top.interval, top.n), data=formatting.source(top.data))


def strip(asked: str) -> None:
    """Draw two faces of each class; the one clicked opens on the dataset page."""
    try:
        faces = cache.dataset(asked)
    except FerError:
        return  # the card of the data set tells it
    name, split = next(iter(faces.items()))
    rows = np.concatenate([np.flatnonzero(split.labels == label)[:2] for label in range(len(EMOTIONS))])
    if not len(rows):
        return

    def chosen(place: int) -> None:
        face = int(rows[place])
        label = EMOTIONS[int(split.labels[face])]
        navigation.leave("pages/dataset.py", navigation.carried(data=asked, split=name, class_=label, image=face))

    st.markdown(say("#### Faces and their labels"))
    gallery(
        split.images[rows],
        "strip",
        size=96,
        captions=[formatting.emotion(split.labels[i]) for i in rows],
        colours=colours(split.labels[rows]),
        on_pick=chosen,
        label="Two faces of each class",
    )


def source() -> str:
    """Tell which data set the overview shows: the URL's, else what lies in data/, else the demo faces."""
    return str(url_params.param("data", cache.default_source(cache.sources())))
