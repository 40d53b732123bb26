"""Filter explorer: any layer, any filter, and gradient ascent painting what excites it, beside the faces that excite it most."""

from __future__ import annotations

import html
import uuid

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core.emotions import SPLITS
from fer_core.errors import FerError
from fer_core.feature_vis.request import SWITCHES, parse
from fer_core.runs.store import Run
from ui.controls import ascent_player
from ui.controls.run_picker import choose_run
from ui.elements import messages, network
from ui.services import cache, jobs, models, network_spec
from ui.services.ascents import Film
from ui.services.filter_view import Place, faces_of
from ui.shell import page
from ui.state import bound_widgets, navigation, url_params
from ui.text.language import say
from ui.views.filters import controls, demonstration, panels, unit_panel, wall

ABOUT = """A network is a row of layers, and a layer is a crowd of **filters**: each answers to one kind of thing, wherever it is in the
face. Here a picture is changed step by step so that a filter answers more and more (**gradient ascent**): it ends as what excites it most.

Click a layer, then a filter on its wall. Beside the picture stand the faces that excite the filter most, and what the network loses without
it. A picture tells what the network looks for, not what a person feels."""


def chosen_run(complained: DeltaGenerator) -> Run | None:
    """Draw the choice of the run; the URL's, or the usual one. What is wrong with the URL's is told in `complained`."""
    known = {run.id: run for run in cache.runs() if not run.damage and run.has_network}
    asked = url_params.param("run")
    if asked is not None and asked not in known:
        with complained, messages.errors():
            run = cache.store().open(asked)
            models.check(run)
            known[asked] = run
    return choose_run(list(known.values())) if known else None


def found_place() -> Place | None:
    """Read the URL: run, split, goal and face."""
    complained = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        run = chosen_run(complained)
        if run is None:
            messages.empty(
                "No run to look into", "A run is one training of a network.", "python -m fer_core train --data demo --preset quick"
            )
            return None
        split = str(bound_widgets.choose("Faces", "split", SPLITS, words=lambda name: say(name).capitalize(), kind="segmented",
                                     default="validation"))
        st.button(say("Demonstration"), icon=":material/slideshow:", key="demo-begin", on_click=navigation.write, kwargs={"demo": 1},
                  help=say("Large pictures and no controls: it walks through the layers by itself."))
    blocks = network_spec.blocks(run)
    goal, complaints = parse(st.query_params.to_dict(), blocks)
    dataset, problem = faces_of(run, split)
    choices = {"order": wall.ORDERS, "more": panels.PANELS, **SWITCHES}
    if dataset is not None:
        choices["image"] = range(len(dataset[split]))
    with complained:
        messages.left_aside([*complaints, *url_params.strange(**choices)])
    image = url_params.param("image", 0, cast=int, low=0, high=len(dataset[split]) - 1) if dataset is not None else 0
    return Place(run, blocks, goal, split, dataset, problem, image)


def sentence(place: Place) -> str:
    """Say what the page shows, in numbers."""
    total = sum(block.parameters + block.norm for block in place.blocks)
    title, layers, goal = place.run.title, len(place.blocks), place.goal.title
    if place.faces is None:
        return say("{title}: {layers} layers, {total:,} parameters. Shown: {goal}.", title=title, layers=layers, total=total, goal=goal)
    return say("{title}: {layers} layers, {total:,} parameters, beside {faces:,} {split} faces. Shown: {goal}.", title=title, layers=layers,
               total=total, faces=len(place.faces), split=place.split, goal=goal)


def holder() -> str:
    """Name this visit: a visit watches one film at a time."""
    return str(st.session_state.setdefault("_visit", uuid.uuid4().hex))


def picture(place: Place) -> Film:
    """Draw the living picture."""
    goal = place.goal
    film = ascent_player.film(holder(), place.network, goal, place.face)
    tag = ascent_player.tag_of(ascent_player.name(place.network, goal, place.face))
    look = ascent_player.Look(title=say(goal.title), words=say(goal.unit_of_score))
    ascent_player.living(film, tag, look, on_seed=lambda: navigation.write(seed=goal.seed + 1))
    return film


def main() -> None:
    """Draw the page."""
    page.setup("pages/filter_explorer.py")
    page.header("Filters", "", ABOUT)
    head = st.empty()
    jobs.begin()
    try:
        place = found_place()
    except FerError as error:
        messages.problem(error)
        return
    if place is None:
        return
    if url_params.param("demo", cast=int, low=1, high=demonstration.LAST):
        demonstration.draw(place, holder())
        return
    head.html(f"<p class='fer-sentence'>{html.escape(sentence(place))}</p>")
    network.network(place.blocks, place.block.name, lambda name: navigation.write(layer=name, unit=None, goal=None, off=None))
    controls.what(place.goal)
    left, right = st.columns(2, gap="medium")
    with right:
        film = picture(place)
        controls.knobs(place.goal, face=place.face is not None)
    with left, messages.errors():
        wall.draw(place)
    if place.goal.kind == "filter":
        with messages.errors():
            unit_panel.draw(place, messages.theme())
    st.divider()
    with messages.errors():
        panels.draw(place, film, messages.theme())
    jobs.finish()


main()
