"""The switch-off test: what accuracy, each class and the confusion matrix lose without a unit, on a fixed sample of faces."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from fer_core.emotions import EMOTIONS
from fer_core.messages import signed
from fer_core.plots.figures import Theme
from fer_core.plots.theme import DIVERGING, EMOTION_COLOURS, ink, shade
from ui.services import jobs, models
from ui.services.filter_view import Place
from ui.state import navigation, url_params
from ui.text import formatting
from ui.text.language import say

if TYPE_CHECKING:
    from fer_core.units.ablation import Effect

TOP = 10.0
"""Points that the longest bar stands for, or more: a change by one face is no long bar."""
MORE = "It loses {breaks} that it had right and wins {fixes}: more than chance explains (McNemar, p {p})."
CHANCE = "It loses {breaks} that it had right and wins {fixes}: no more than chance may explain (McNemar, p {p})."
_sample: dict[Any, Any] = {}
"""The one sample that is kept: stopped above a layer it takes up to 103 MB."""
_guard = threading.Lock()


def panel(place: Place, theme: Theme) -> None:
    """Offer the test, or draw what it found."""
    if place.faces is None:
        return
    st.markdown(say("**Without it**: the {unit} is switched off, as if its weights were zero", unit=place.block.noun),
                help=say("On up to 700 labelled faces of the split, always the same; only the layers above it run again."))
    if url_params.param("off") != "1":
        st.button(
            say("Switch it off"), key="switch-off", icon=":material/power_settings_new:", on_click=navigation.write, kwargs={"off": 1}
        )
        return
    found = effect(place)
    if found is not None:
        on_face(place)
        draw(found, theme)
        st.button(say("Switch it on again"), key="switch-on", type="tertiary", on_click=navigation.write, kwargs={"off": None})


def effect(place: Place) -> Effect | None:
    """Switch the unit off; `None` while that is computed."""
    network, layer, unit, key = place.network, place.block.layer, place.goal.unit, place.key(place.block.layer)
    assert place.faces is not None
    faces = place.faces

    def work(job: jobs.Job) -> Any:
        model = models.network(network)
        from fer_core.units import ablation

        with _guard:
            if key not in _sample:
                _sample.clear()
                _sample[key] = ablation.Sample(model, layer, faces, progress=job.part(0.0, 0.7))
            sample = _sample[key]
        return sample.without([unit], job.part(0.7, 1.0))

    found: Effect | None = jobs.answer(place.key("off", layer, unit), work, say("Switching it off"))
    return found


def on_face(place: Place) -> None:
    """Say what becomes of the chosen face: the probabilities of what it is called and of its label."""
    network, layer, unit, image, face = place.network, place.block.layer, place.goal.unit, place.image, place.face
    assert place.faces is not None and face is not None
    label = int(place.faces.labels[image])

    def work(job: jobs.Job) -> Any:
        model = models.network(network)
        from fer_core.units import ablation

        return ablation.on_face(model, layer, face, [[unit]])

    found = jobs.answer(place.key("off-face", layer, unit, image), work, say("Switching it off"))
    if found is None:
        return
    before, after = found
    told = formatting.change(dict.fromkeys([int(before.argmax()), *([label] if label >= 0 else [])]), before, after)
    st.markdown(say("**{split} face {image}**, the chosen one: **{told}**.", split=place.split.capitalize(), image=image, told=told))


def draw(found: Effect, theme: Theme) -> None:
    """Draw the accuracy before and after, the change of every class's recall, and of the matrix."""
    before, after = found.before, found.after
    change = 100 * found.accuracy
    told = say("of accuracy: {before} before, {after} without it, of {faces}", before=formatting.share(before.accuracy, before.interval),
               after=formatting.share(after.accuracy, after.interval), faces=formatting.faces(before.n))
    st.html(f"<div class='fer-card'><div class='fer-number'>{say('{change} points', change=signed(change))}</div>"
            f"<div class='fer-line'>{told}</div></div>")
    fixes, breaks, p = len(found.paired.fixes), len(found.paired.breaks), found.paired.p
    st.caption(say(CHANCE if p >= 0.05 else MORE, breaks=formatting.faces(breaks), fixes=fixes, p=formatting.chance(p)))
    top = max(TOP, float(np.nanmax(np.abs(100 * found.recalls))))
    rows = "".join(_row(label, 100 * float(value), found, top) for label, value in enumerate(found.recalls.tolist()))
    st.html(f"{STYLE}<div class='fer-shifts'><div><span></span><i class='none'></i><span>{say('points')}</span>"
            f"<span>{say('right, of')}</span></div>{rows}</div>")
    if not found.moved:
        st.caption(say("Not one of these faces is called anything else."))
        return
    with st.expander(
        say("Change of the confusion matrix: {faces} called something else", faces=formatting.faces(found.moved)), expanded=False
    ):
        st.html(_matrix(found.matrix, theme))


def _row(label: int, value: float, found: Effect, top: float) -> str:
    name = formatting.emotion(label)
    if np.isnan(value):
        return f"<div><span>{name}</span><i></i><span></span><span>{say('no face')}</span></div>"
    width = 50 * abs(value) / top
    place = f"right:50%;width:{width:.1f}%" if value < 0 else f"left:50%;width:{width:.1f}%"
    before, after = (int(one.matrix[label, label]) for one in (found.before, found.after))
    told = say("{before} → {after} of {faces}", before=before, after=after, faces=found.before.per_class[label].support)
    return (f"<div><span>{name}</span><i><b style='{place};background:{EMOTION_COLOURS[EMOTIONS[label]]}'></b></i>"
            f"<span>{signed(value)}</span><span>{told}</span></div>")


def _matrix(change: np.ndarray, theme: Theme) -> str:
    top = max(1, int(np.abs(change).max()))
    short = [formatting.emotion(label)[:4] for label in range(len(EMOTIONS))]
    head = "".join(f"<th scope='col'>{name}</th>" for name in short)
    body = ""
    for name, row in zip(short, change.tolist(), strict=True):
        cells = "".join(_cell(value, top, theme) for value in row)
        body += f"<tr><th scope='row'>{name}</th>{cells}</tr>"
    return f"<table class='fer-change'><tr><th></th>{head}</tr>{body}</table>"


def _cell(value: int, top: int, theme: Theme) -> str:
    colour = shade(DIVERGING[theme], 0.5 + 0.5 * value / top)
    return f"<td style='background:{colour};color:{ink(colour)}'>{f'{value:+d}' if value else ''}</td>"


STYLE = """<style>.fer-shifts{display:grid;gap:3px;max-width:520px;font-size:.9rem}
.fer-shifts div{display:grid;grid-template-columns:4.6rem 1fr 3.2rem 8rem;gap:8px;align-items:center;
font-variant-numeric:tabular-nums}
.fer-shifts i{display:block;height:13px;position:relative;background:rgba(128,136,150,.12);border-radius:3px}
.fer-shifts i.none{visibility:hidden}
.fer-shifts i::before{content:"";position:absolute;left:calc(50% - .5px);width:1px;top:0;bottom:0;background:rgba(128,136,150,.7)}
.fer-shifts b{position:absolute;top:0;bottom:0;border-radius:2px}.fer-shifts span:nth-last-child(-n+2){text-align:right}
.fer-change{border-collapse:separate;border-spacing:2px;font-size:.8rem;font-variant-numeric:tabular-nums}
.fer-change td{width:2.5rem;height:1.8rem;text-align:center;border-radius:3px;border:0}
.fer-change th{font-weight:500;padding:0 4px;border:0}</style>"""
