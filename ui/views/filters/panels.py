"""The panels under the living picture: presets, the seven classes, early against late layers, kernels, a face's filters, runs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from fer_core.emotions import EMOTIONS, SIDE
from fer_core.errors import FerError
from fer_core.feature_vis.objectives import OBJECTIVES
from fer_core.feature_vis.request import PRESET_WORDS
from fer_core.feature_vis.settings import PRESETS
from fer_core.models.weights_header import Block
from fer_core.plots import saliency_images
from fer_core.plots.figures import Theme
from fer_core.plots.theme import EMOTION_COLOURS
from ui.elements.gallery import gallery
from ui.services import cache, jobs, models, network_spec
from ui.services.ascents import Film
from ui.services.filter_view import Place
from ui.state import bound_widgets, navigation, url_params
from ui.text import formatting
from ui.text.language import say
from ui.views.filters import downloads

if TYPE_CHECKING:
    from fer_core.units.unit_statistics import Carrier
from ui.services.stills import stills

PANELS = {"presets": "Presets compared", "classes": "The seven classes", "ages": "Early against late", "face": "Through a face",
          "kernels": "Raw kernels", "runs": "In two runs", "save": "Save"}
AGES = {"Early": "**Early: {layer}**, {shown} of {units}; each {view}", "Late": "**Late: {layer}**, {shown} of {units}; each {view}"}
KERNELS = ("**The {n} kernels of {layer}**, {side} × {side} weights each: orange adds light, purple takes it away, the page's ground is "
           "zero. The strongest colour is {top:.3g}; all share one scale.")
THROUGH = ("**The {n} {units} of {layer} that spoke most for {asked}** on {split} face {image}, and what excites each. The share is of all "
           "that spoke for it (activation × gradient).")
ROW = 8
"""Pictures of a row of the early against the late layers."""


def draw(place: Place, film: Film | None, theme: Theme) -> None:
    """Draw the choice of panels and the panel chosen."""
    names = [name for name in PANELS if (name != "kernels" or place.blocks[0].grid) and (name != "face" or place.face is not None)]
    name = bound_widgets.choose("More", "more", names, words=PANELS.__getitem__, kind="segmented", default="presets", hidden=True)
    if name == "save":
        downloads.save(place, film)
    elif name == "kernels":
        kernels(place, theme)
    elif film is not None and film.running:  # what one watches comes first
        st.caption(say("These pictures are painted when the one above is done."))
    else:
        {"presets": presets, "classes": classes, "ages": ages, "face": through_face, "runs": runs}[name](place)






def presets(place: Place) -> None:
    """Draw the same goal by every preset, with its start; a click takes a preset."""
    goal = place.goal
    st.markdown(say("**{goal}**, by each preset from the same seed. Click one to take it.", goal=goal.title))
    for name, column in zip(PRESETS, st.columns(len(PRESETS)), strict=True):
        with column:
            start = place.face if goal.face else None
            made = stills(place.network, goal.objective.of([0]), PRESETS[name], goal.seed, say(name).capitalize(), start)
            st.markdown(say("**{preset}** · {steps} steps", preset=say(name).capitalize(), steps=PRESETS[name].steps))
            if made is not None:
                before, after, scores = made
                gallery(np.stack([before[0], after[0]]), f"preset-{name}", size=3 * SIDE, cell=3 * SIDE,
                        captions=[say("before"), say("after: {score:.3g}", score=scores[0])], selected=1 if name == goal.preset else None,
                        label=say("Before and after, {preset}", preset=name), on_pick=partial(_take_preset, name))
            st.caption(say(PRESET_WORDS[name]))


def _take_preset(name: str, position: int) -> None:
    navigation.write(preset=name, knobs=None)


def classes(place: Place) -> None:
    """Draw the picture of every class, and one class rather than another; a click shows it live."""
    goal = place.goal
    made = stills(place.network, OBJECTIVES["class"](list(EMOTIONS)), goal.settings, goal.seed, say("Painting the seven classes"))
    st.markdown(say("**What each class looks like to the network.** Click one to watch it being painted."))
    if made is not None:
        captions = [f"{formatting.emotion(i)}\n{say('logit {score:.3g}', score=score)}" for i, score in enumerate(made[2])]
        gallery(made[1], "class-pictures", size=3 * SIDE, cell=3 * SIDE, captions=captions, colours=list(EMOTION_COLOURS.values()),
                label=say("Pictures of the classes"), selected=goal.p if goal.kind == "class" else None,
                on_pick=lambda i: navigation.write(goal="class", p=EMOTIONS[i]))
    others = [i for i in range(len(EMOTIONS)) if i != goal.p]
    named = formatting.emotion(goal.p)
    contrast = stills(place.network, OBJECTIVES["difference"]([goal.p] * len(others), others), goal.settings, goal.seed,
                      say("Painting {emotion} rather than each other class", emotion=named))
    st.markdown(say("**{emotion} rather than ...**", emotion=named))
    if contrast is not None:
        captions = [
            f"{say('than {emotion}', emotion=formatting.emotion(i))}\n{score:.3g}" for i, score in zip(others, contrast[2], strict=True)
        ]
        gallery(contrast[1], "contrast-pictures", size=3 * SIDE, cell=3 * SIDE, captions=captions, label=say("Pictures of contrasts"),
                colours=[EMOTION_COLOURS[EMOTIONS[i]] for i in others],
                on_pick=lambda i: navigation.write(goal="difference", p=EMOTIONS[goal.p], q=EMOTIONS[others[i]]))


def ages(place: Place) -> None:
    """Draw filters of the first and the last convolution in two rows, as the report did; without any, neurons of hidden layers."""
    rows = [block for block in place.blocks if block.grid] or place.blocks[:-1]
    for block, said in ((rows[0], "Early"), (rows[-1], "Late")):
        units = np.linspace(0, block.units - 1, min(ROW, block.units)).astype(int).tolist()
        st.markdown(say(AGES[said], layer=block.name, shown=len(units), units=block.plural, view=block.view))
        made = stills(place.network, OBJECTIVES["filter"](block.layer, units), PRESETS[place.goal.preset], place.goal.seed,
                      say("Painting {layer}", layer=block.name))
        if made is not None:
            gallery(made[1], f"age-{said}", size=2 * SIDE, cell=2 * SIDE, captions=[f"{unit}" for unit in units],
                    label=say("Filters of {layer}", layer=block.name), on_pick=partial(_go, block, units))


def _go(block: Block, units: list[int], position: int) -> None:
    navigation.write(layer=block.name, unit=units[position], goal=None)


def kernels(place: Place, theme: Theme) -> None:
    """Draw the first convolution's raw weights."""
    block = place.blocks[0]
    kernel = network_spec.kernels(place.run, block.name)[:, :, 0].transpose(2, 0, 1)
    top = float(np.abs(kernel).max())
    st.markdown(say(KERNELS, n=block.units, layer=block.name, side=block.kernel, top=top))
    here = place.goal.unit if place.goal.kind == "filter" and place.block is block else None
    gallery(
        np.stack([saliency_images.signed(one, top, theme) for one in kernel]),
        "kernels",
        size=60,
        cell=60,
        selected=here,
        label=say("Kernels"),
        captions=[str(i) for i in range(len(kernel))],
        on_pick=partial(_go, block, list(range(block.units))),
    )


def through_face(place: Place) -> None:
    """Draw the ten filters of the layer that spoke most for the decision on the chosen face."""
    assert place.face is not None and place.faces is not None
    face, block, network = place.face, place.block, place.network
    p, q = url_params.emotion("p"), url_params.emotion("q")

    def work(job: jobs.Job) -> Any:
        model = models.network(network)
        core = models.framework()
        from fer_core.units import unit_statistics as units

        target = int(core.predict(model, face[None])[0].argmax()) if p is None else p
        return target, units.through_face(model, block.layer, face, target, q if q != target else None)

    made = jobs.answer(place.key("through", block.layer, place.image, p, q), work, say("Asking the network"), height=120)
    if made is None:
        return
    target, carriers = made
    asked = formatting.emotion(target)
    if q is not None and q != target:
        asked = say("{p} rather than {q}", p=asked, q=formatting.emotion(q))
    st.markdown(say(THROUGH, n=len(carriers), units=block.noun if len(carriers) == 1 else block.nouns, layer=block.name, asked=asked,
                    split=place.split, image=place.image))
    left, right = st.columns([1, 6])
    with left:
        gallery(face[None], "through-face", size=2 * SIDE, label=say("The chosen face"))
    with right:
        _carriers(place, carriers)


def _carriers(place: Place, carriers: list[Carrier]) -> None:
    block, units = place.block, [carrier.unit for carrier in carriers]
    if not units:
        st.caption(say("No unit of this layer spoke for it."))
        return
    objective = OBJECTIVES["filter"](block.layer, units)
    made = stills(place.network, objective, PRESETS[place.goal.preset], place.goal.seed, say("Painting them"))
    pictures = made[1] if made is not None else np.full((len(units), SIDE, SIDE), 128, np.uint8)
    gallery(pictures, "carriers", size=2 * SIDE, cell=2 * SIDE, captions=[f"{one.unit}\n{one.share:.1%}" for one in carriers],
            label=say("Filters that carried the decision"), on_pick=partial(_go, block, units))


def runs(place: Place) -> None:
    """Draw the same unit in another run of the same network."""
    others = {}
    for run in cache.runs():
        if run.id != place.run.id and not run.damage:
            try:
                found = network_spec.blocks(run)
            except FerError:
                continue  # no weights yet: nothing to compare
            if [(b.name, b.units) for b in found] == [(b.name, b.units) for b in place.blocks]:
                others[run.id] = run
    if not others:
        st.caption(say("No other run has a network of the same shape. Train one with another seed or preset, and its filters stand here."))
        return
    other = others[bound_widgets.choose("Beside it", "with", list(others), words=lambda id: others[id].title)]
    goal = place.goal
    st.markdown(say("**{goal}**, same preset and seed. Filters of one number need not be the same filter in two trainings; classes are.",
                    goal=goal.title))
    titles = bound_widgets.labels([place.run.id, other.id], {place.run.id: place.run.title, other.id: other.title}.__getitem__)
    for run, column in zip((place.run, other), st.columns(2), strict=True):
        with column:
            made = stills(models.name(run), goal.objective.of([0]), goal.settings, goal.seed, run.title)
            st.markdown(f"**{formatting.literal(titles[run.id])}**")
            if made is not None:
                gallery(made[1], f"run-{run.id == place.run.id}", size=5 * SIDE, cell=5 * SIDE,
                        captions=[say("score {score:.3g}", score=made[2][0])],
                        label=say("{goal} in {run}", goal=goal.title, run=run.title))
