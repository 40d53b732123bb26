"""The thread through the pages: run, cell, face, question, panel, filter. Every step is a link, and leaves out what comes after it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import streamlit as st

from fer_core.annotations.face_filter import parse
from fer_core.emotions import EMOTIONS, SPLITS, class_of
from fer_core.errors import FerError
from fer_core.runs.store import NAME, Run
from ui.services import cache, network_spec, predictions
from ui.state import url_params
from ui.text import formatting
from ui.text.language import say

MATRIX, SALIENCY, FILTERS = "pages/confusion_matrix.py", "pages/saliency_viewer.py", "pages/filter_explorer.py"
GROUND = ("data", "run", "split", "lang")
"""What every step keeps."""
PANELS = {"regions": "Regions", "filters": "Its filters", "compare": "Compare", "test": "Test of the map", "paint": "Paint on it",
          "many": "Portrait", "changed": "Fixed and broken", "save": "Save"}
"""What can be looked at of a face that is explained."""
OF_MANY = ("many", "changed")
"""Those that are of many faces, whichever one is chosen."""


@dataclass(frozen=True)
class Step:
    """One step: what it is called, and the page and query that show it."""

    label: str
    page: str
    query: dict[str, str]


@dataclass(frozen=True)
class Known:
    """What is known of the run that a query names: what does not exist is no step, and a run that does not, no thread."""

    title: str
    faces: int | None = None
    """How many faces the split has; `None` where that is not known."""
    units: Mapping[str, int] = field(default_factory=dict)
    """How many units each layer has; none where the network is not known."""
    usual: tuple[str, ...] = ()
    """What the face is asked as long as nobody asks anything else: the class called, and its label where that is another one."""


def steps(params: Mapping[str, str], known: Known | None) -> list[Step]:
    """Read the steps out of a page's query."""
    if "run" not in params or known is None:
        return []
    kept = {name: params[name] for name in GROUND if name in params}
    found = [Step(known.title, MATRIX, dict(kept))]
    if cell := _cell(params):
        kept |= {name: params[name] for name in ("true", "pred", "cells") if name in params}
        found.append(Step(cell, MATRIX, dict(kept)))
    unit, number = _unit(params, known), face(params, known.faces)
    panel = params["why"] if params.get("why") in (PANELS if number is not None else OF_MANY) else ""
    if number is not None:
        kept["image"] = params["image"]
        found.append(Step(say("Face {number}", number=number), SALIENCY, dict(kept)))
        if question := _question(params, known.usual if panel or unit else ()):
            kept |= dict(zip(("p", "q"), question, strict=False))
            found.append(Step(_why(question), SALIENCY, dict(kept)))
    if panel:
        kept |= {name: params[name] for name in ("why", "block") if name in params}
        found.append(Step(say(PANELS[panel]), SALIENCY, dict(kept)))
    if unit:
        kept |= {name: params[name] for name in ("layer", "unit")}
        found.append(Step(unit, FILTERS, dict(kept)))
        if params.get("off") == "1":
            found.append(Step(say("Switched off"), FILTERS, {**kept, "off": "1"}))
    return found


def known(params: Mapping[str, str]) -> Known | None:
    """Look up what is known of the run that a query names; `None` where there is none such."""
    id, split = params.get("run", ""), params["split"] if params.get("split") in SPLITS else SPLITS[1]
    if not NAME.fullmatch(id):
        return None
    run = Run(cache.store().root / id)
    try:
        if not run.path.is_dir():
            return None
        title = run.title
    except Exception:  # a damaged run is told by the page itself
        return None
    units: dict[str, int] = {}
    found = None
    with suppress(FerError):  # the page itself tells what is wrong with them
        units = {block.name: block.units for block in network_spec.blocks(run)}
        found = predictions.answers(run, split) if "image" in params else None
    if found is None:
        return Known(title, None, units)
    number = face(params, len(found))
    usual = () if number is None else dict.fromkeys((int(found.predicted[number]), int(found.labels[number])))
    return Known(title, len(found), units, tuple(EMOTIONS[one] for one in usual if one >= 0))


def face(params: Mapping[str, str], faces: int | None) -> int | None:
    """Read the number of a face, where there can be one such."""
    number: int | None = url_params.parse(params.get("image"), int, low=0, high=(faces or 10**6) - 1)
    return number


def draw(known: Known | None) -> None:
    """Draw the steps that led here, where there are at least two; the place is kept free, so that nothing below moves or is drawn anew."""
    with st.container(key="thread-place"):
        place = st.empty()
    found = steps(st.query_params.to_dict(), known)
    if len(found) < 2:
        return
    with place.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="thread"):
        for number, step in enumerate(found):
            if number:
                st.html("<span class='fer-then' aria-hidden='true'>›</span>", width="content")
            st.page_link(step.page, label=formatting.literal(step.label), query_params=step.query, width="content")


def _unit(params: Mapping[str, str], known: Known) -> str:
    """Name the unit that a query chooses; nothing where there is no such."""
    layer, number = params.get("layer", ""), url_params.parse(params.get("unit"), int, low=0)
    count = known.units.get(layer, 0 if known.units else 10**6)
    return f"{layer}, {number}" if layer and number is not None and number < count else ""


def _cell(params: Mapping[str, str]) -> str:
    cells = parse(params)[0].cells
    if len(cells) > 1:
        return say("{n} cells", n=len(cells))
    return " → ".join(say("any") if one is None else formatting.emotion(one) for one in cells[0]) if cells else ""


def _question(params: Mapping[str, str], usual: tuple[str, ...]) -> tuple[str, ...]:
    """Give the class asked for, and the one that it is asked against, as the query writes them."""
    if not _emotion(params.get("p")):
        return usual
    return (params["p"], params["q"]) if _emotion(params.get("q")) else (params["p"],)


def _why(question: tuple[str, ...]) -> str:
    names = dict(zip("pq", map(_emotion, question), strict=False))
    return say("Why {p} rather than {q}", **names) if len(names) == 2 else say("Why {p}", **names)


def _emotion(text: str | None) -> str:
    number = class_of(text)
    return "" if number is None else say(EMOTIONS[number].capitalize())
