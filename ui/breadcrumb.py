"""The thread through the pages: run, cell, face, question, filter. Every step is a link, and leaves out what comes after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from fer_core.emotions import EMOTIONS
from fer_core.runs import NAME, Run
from ui import cache, selection
from ui.language import say

MATRIX, SALIENCY, FILTERS = "pages/confusion_matrix.py", "pages/saliency_viewer.py", "pages/filter_explorer.py"
GROUND = ("data", "run", "split", "lang")
"""What every step keeps."""


@dataclass(frozen=True)
class Step:
    """One step: what it is called, and the page and query that show it."""

    label: str
    page: str
    query: dict[str, str]


def steps(params: Mapping[str, str], title: str = "") -> list[Step]:
    """Read the steps out of a page's query; `title` is what the run is called."""
    if "run" not in params:
        return []
    kept = {name: params[name] for name in GROUND if name in params}
    found = [Step(title or params["run"], MATRIX, dict(kept))]
    if cell := _cell(params):
        kept |= {name: params[name] for name in ("true", "pred", "cells") if name in params}
        found.append(Step(cell, MATRIX, dict(kept)))
    if params.get("image", "").isdigit():
        kept["image"] = params["image"]
        found.append(Step(say("Face {number}", number=params["image"]), SALIENCY, dict(kept)))
        if question := _question(params):
            kept |= {name: params[name] for name in ("p", "q") if name in params}
            found.append(Step(question, SALIENCY, dict(kept)))
    if params.get("layer") and params.get("unit", "").isdigit():
        kept |= {name: params[name] for name in ("layer", "unit")}
        found.append(Step(f"{params['layer']}, {params['unit']}", FILTERS, dict(kept)))
    return found


def draw() -> None:
    """Draw the steps that led here, where there are at least two; the place is kept free, so that nothing below is drawn anew."""
    place = st.empty()
    params = st.query_params.to_dict()
    found = steps(params, _title(params.get("run", "")))
    if len(found) < 2:
        return
    with place.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="thread"):
        for number, step in enumerate(found):
            if number:
                st.html("<span class='fer-then' aria-hidden='true'>›</span>", width="content")
            st.page_link(step.page, label=step.label, query_params=step.query, width="content")


def _title(id: str) -> str:
    if not NAME.fullmatch(id):
        return ""
    run = Run(cache.store().root / id)
    try:
        return run.title if run.path.is_dir() else ""
    except Exception:  # a damaged run is told by the page itself
        return ""


def _cell(params: Mapping[str, str]) -> str:
    if cells := params.get("cells"):
        number = len(cells.split(","))
        return say("{n} cells", n=number) if number > 1 else say("A cell")
    true, pred = (_emotion(params.get(name)) for name in ("true", "pred"))
    return f"{true or say('any')} → {pred or say('any')}" if true or pred else ""


def _question(params: Mapping[str, str]) -> str:
    p, q = (_emotion(params.get(name)) for name in ("p", "q"))
    if not p:
        return ""
    return say("Why {p} rather than {q}", p=p, q=q) if q else say("Why {p}", p=p)


def _emotion(text: str | None) -> str:
    number = selection.named(text)
    return "" if number is None else say(EMOTIONS[number].capitalize())
