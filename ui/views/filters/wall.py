"""The wall of a layer: one picture per unit, painted in the background while one looks; sorted, the dead ones marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from fer_core.emotions import EMOTIONS
from fer_core.feature_vis import unit_images
from fer_core.feature_vis.unit_images import Wall
from fer_core.models import weights_header
from fer_core.plots.theme import EMOTION_COLOURS
from fer_core.runs import background
from ui.elements import messages
from ui.elements.gallery import gallery, png
from ui.services import network_spec
from ui.services.filter_view import Place, statistics
from ui.state import bound_widgets, navigation
from ui.streamlit_ext import rerun
from ui.text import formatting
from ui.text.language import say

if TYPE_CHECKING:
    from fer_core.runs.prediction_job import Progress
    from fer_core.units.unit_statistics import Statistics

ORDERS = {"number": "Number", "selectivity": "Class selectivity", "sparsity": "Sparsity", "mean": "Mean answer", "norm": "Weight norm",
          "class": "Preferred class"}
ORDER_WORDS = """**Class selectivity**: 1 where one class alone excites a unit, 0 where all do alike. **Sparsity**: near 1 where very few
faces excite it. **Mean answer**: over all faces. **Weight norm**: length of its own weights. **Preferred class**: which one
excites it most."""
MEASURED = ("selectivity", "sparsity", "mean", "class")
"""Orders that need the table of every unit's answers."""
TICK = 1.0
DEAD = "#D55E00"
OLD = ("lost", "failed", "cancelled")


def of(place: Place) -> Wall:
    """Open the wall of the block, by the preset at hand; another seed is for single pictures, a wall takes minutes."""
    return unit_images.ask(place.run, place.block.layer, place.block.units, place.goal.preset, 0)


def draw(place: Place, *, height: int = 620) -> None:
    """Draw the wall with the choice of its order; painting begins by itself, unless a person cancelled it.

    A wall that nobody looks at any more gives way to one that is looked at.
    """
    block = place.block
    with st.container(horizontal=True, vertical_alignment="bottom", key="wall-head"):
        painted = say("The wall is painted by the preset chosen above, each unit from the same noise, that of seed 0.")
        st.markdown(say("**{units}** of {layer}", units=block.plural, layer=block.name), width="stretch",
                    help=f"{say(ORDER_WORDS)}\n\n{painted}")
        order = bound_widgets.choose("Sort by", "order", list(ORDERS), words=ORDERS.__getitem__)
    known = None
    if place.dataset is not None and order in MEASURED:
        with messages.errors():
            known = statistics(place, block)
    wall = of(place)
    told = wall.progress
    if np.isnan(wall.scores).any() and (told is None or told.reason == background.LEFT or told.state not in (*OLD, "running")):
        wall.look(place.goal.unit)
        told = wall.start()
    running = told is not None and told.state == "running"
    pause = TICK * max(1, block.units // 512)  # a wall of thousands is megabytes each time
    rerun.again(_shown, pause if running else None, place, wall, order, known, height, running)


def _shown(place: Place, wall: Wall, order: str, known: Statistics | None, height: int, ran: bool) -> None:
    try:
        wall.look(place.goal.unit)
        told, scores, remarks, painted = wall.progress, wall.scores, wall.remarks, np.asarray(wall.pictures)
    except FileNotFoundError:  # its folder was deleted while it was looked at
        return navigation.anew()
    ready = int(np.isfinite(scores).sum())
    running = told is not None and told.state == "running"
    if navigation.to_redraw() or (ran and not running):
        navigation.anew()
    with st.container():  # there also when it is empty: the wall under it keeps its place and its scroll
        if ready < len(scores):
            _progress(wall, told, ready, len(scores))
    rows = ordered(place, order, known)
    pictures = painted[rows]
    here = rows.tolist().index(place.goal.unit) if place.goal.kind == "filter" else None
    block = place.block
    side = 96 if block.units <= 96 else 48
    dead = {unit for unit, text in remarks.items() if text.startswith("Dead")}
    silent = {unit for unit, text in remarks.items() if text.startswith("Silent")}
    silent |= set(np.flatnonzero(known.silent).tolist()) if known is not None else set()
    marks = dict.fromkeys(silent, say("{unit} silent")) | dict.fromkeys(dead, say("{unit} dead"))
    values = _values(place, order, known)
    captions = [_caption(block, int(unit), marks, values) for unit in rows]
    colours = [_colour(block, int(unit), dead, known if order == "class" else None) for unit in rows]
    gallery(_dimmed(pictures, [int(unit) in dead for unit in rows]), "wall", size=side, captions=captions, colours=colours, cell=side,
            selected=here, height=height, label=say("{units} of {layer}", units=block.plural, layer=block.name),
            tips=_tips(block, rows.tolist(), remarks, known), order=order, on_pick=lambda i: _pick(int(rows[i])))
    if remarks:
        _told(remarks)


def _colour(block: weights_header.Block, unit: int, dead: set[int], known: Statistics | None) -> str:
    """Give the edge of a picture: a class, a dead unit, the preferred class, or none."""
    if block.name == "logits":
        return EMOTION_COLOURS[EMOTIONS[unit]]
    if unit in dead:
        return DEAD
    return EMOTION_COLOURS[EMOTIONS[known.preferred[unit]]] if known is not None else "transparent"


def _pick(unit: int) -> None:
    navigation.write(unit=unit, goal=None)
    navigation.redraw()


def _progress(wall: Wall, told: Progress | None, ready: int, total: int) -> None:
    running = told is not None and told.state == "running"
    with st.container(horizontal=True, vertical_alignment="center", key="wall-progress"):
        left = told.seconds_left if told is not None and running else None
        text = say("{ready:,} of {total:,} painted", ready=ready, total=total)
        if told is not None and told.state == "failed":
            text = say("Painting failed: {reason}", reason=told.reason[:160])
        elif running and wall.ending:
            text = say("{ready:,} of {total:,} painted, stopping ...", ready=ready, total=total)
        elif told is not None and told.reason == background.WAITS:
            text = say("{ready:,} of {total:,} painted; another wall is painted first", ready=ready, total=total)
        elif left:
            text = say("{ready:,} of {total:,} painted, about {left} left", ready=ready, total=total, left=formatting.duration(left))
        st.progress(ready / total, text=text)
        if running:
            st.button(say("Stop painting"), key="wall-cancel", type="tertiary", on_click=wall.cancel, disabled=wall.ending)
        else:
            st.button(say("Go on painting"), key="wall-start", type="tertiary", icon=":material/play_arrow:", on_click=_start, args=(wall,))


def _start(wall: Wall) -> None:
    wall.start()
    navigation.redraw()


def ordered(place: Place, order: str, known: Statistics | None) -> np.ndarray:
    """Give the units in their order, int64 (units,); by number while what is asked for is not known."""
    numbers = np.arange(place.block.units)
    if order == "norm":
        return np.argsort(-network_spec.norms(place.run, place.block.name), kind="stable")
    if known is None or order == "number":
        return numbers
    if order == "class":
        return np.lexsort((-known.selectivity, known.preferred))
    return np.argsort(-np.asarray(getattr(known, order)), kind="stable")


def _values(place: Place, order: str, known: Statistics | None) -> list[str]:
    """Write for every unit what the wall is sorted by; nothing where it is sorted by number, or that is not known."""
    if order == "norm":
        return [f"{norm:.2g}" for norm in network_spec.norms(place.run, place.block.name)]
    if known is None or order not in MEASURED:
        return []
    if order == "class":
        emotions = [formatting.emotion(label) for label in range(len(EMOTIONS))]
        return [emotions[label] for label in known.preferred]
    return [f"{value:.2g}" for value in np.asarray(getattr(known, order)).tolist()]


def _caption(block: weights_header.Block, unit: int, marks: dict[int, str], values: list[str]) -> str:
    if unit in marks:
        return marks[unit].format(unit=unit)
    named = formatting.emotion(unit) if block.name == "logits" else str(unit)
    return f"{named}\n{values[unit]}" if values else named


def _tips(block: weights_header.Block, units: list[int], remarks: dict[int, str], known: Statistics | None) -> list[str]:
    """Tell of units; their language is looked up once, for there may be hundreds of them."""
    naming, apart = say(block.naming), say("; ")
    measured = say("selectivity {selectivity:.2f}, sparsity {sparsity:.2f}, mean {mean:.3g}, most for {emotion}")
    emotions = [formatting.emotion(label) for label in range(len(EMOTIONS))]
    tips = []
    for unit in units:
        told = [emotions[unit] if block.name == "logits" else naming.format(unit=unit, layer=block.name)]
        if known is not None:
            told.append(measured.format(selectivity=known.selectivity[unit], sparsity=known.sparsity[unit], mean=known.mean[unit],
                                        emotion=emotions[known.preferred[unit]]))
        if unit in remarks:
            told.append(say(remarks[unit]))
        tips.append(apart.join(told))
    return tips


def _dimmed(pictures: np.ndarray, dead: list[bool]) -> np.ndarray:
    """Strike dead units through."""
    if not any(dead):
        return pictures
    marked = pictures.copy()
    across = np.arange(pictures.shape[1])
    for row in np.flatnonzero(dead):
        marked[row] = 128 + (marked[row].astype(int) - 128) // 3
        marked[row, across, across] = marked[row, across, across[::-1]] = 40
    return marked


def _told(remarks: dict[int, str]) -> None:
    dead = {unit: text for unit, text in remarks.items() if text.startswith("Dead")}
    if len(dead) == len(remarks):
        label = say("{dead} dead: the evidence", dead=len(dead))
    elif dead:
        label = say("{dead} dead, {other} silent or even: the evidence", dead=len(dead), other=len(remarks) - len(dead))
    else:
        label = say("{other} silent or even: the evidence", other=len(remarks))
    with st.expander(label):
        for unit, text in sorted(remarks.items())[:60]:
            st.markdown(say("**{unit}**: {remark}", unit=unit, remark=formatting.literal(say(text))))
        if len(remarks) > 60:
            st.caption(say("and {n} more", n=len(remarks) - 60))


def sheet(wall: Wall) -> bytes:
    """Draw the whole wall as one picture, PNG."""
    from fer_core.cli import filters

    return png(filters.grid(np.asarray(wall.pictures)))
