"""The living picture: an ascent as it is painted, large and crisp, with its score curve, play, pause, and a slider over its steps.

Frames are made faster (50 to 100 a second) than a page is drawn anew (5 to 10 times), so they travel in handfuls, and the browser plays
them at an even pace. A handful also holds what the one before it held: one of two messages may be lost.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from fer_core.feature_vis.request import Goal
from ui.elements import messages
from ui.services import models
from ui.services.ascents import SHELF, Film, every
from ui.state import navigation
from ui.streamlit_ext import rerun
from ui.streamlit_ext.component import component
from ui.text.language import say

TICK = 0.25
"""Seconds between two handfuls."""
PATIENCE = 0.25
"""Seconds that the page waits for a first frame."""

SAID = {"play": "Play", "pause": "Pause", "replay": "Replay", "restart": "Restart", "seed": "Another seed", "smooth": "Smooth",
        "slider": "Step", "step": "step {step} of {total}", "steps": "{total} steps", "words": "{words}: {scores}",
        "score": "Score {scores} at step {step}", "loading": "The network is being loaded ...",
        "begins": "The first picture is on its way ..."}
"""What the browser writes."""

_component = component(__file__, "ascent_player", root="living")


@dataclass(frozen=True)
class Look:
    """How a film is shown: pixels of the picture's side, with controls or without, and the words over it."""

    size: int = 384
    controls: bool = True
    title: str = ""
    words: str = ""
    pace: int = 16
    """Frames a second."""


def name(network: models.Name, goal: Goal, face: np.ndarray | None) -> Hashable:
    """Name a film."""
    pixels = hashlib.sha1(np.ascontiguousarray(face).tobytes(), usedforsecurity=False).hexdigest() if face is not None and goal.face else ""
    return network, goal, pixels


def film(holder: str, network: models.Name, goal: Goal, face: np.ndarray | None = None) -> Film:
    """Give the film of a goal, under way."""
    total = goal.settings.steps
    start = face if goal.face else None

    def begin() -> Any:
        model = models.network(network)
        from fer_core.feature_vis import ascent

        return ascent.ascend(model, goal.objective, preset=goal.settings, seed=goal.seed, face=start, every=every(total))

    return SHELF.show(holder, name(network, goal, face), begin, total)


def living(shown: Film, tag: str, look: Look, *, key: str = "living", on_seed: Callable[[], None] | None = None) -> None:
    """Show a film while it is made, and afterwards; the page is drawn anew at its end. `tag` names the film to the browser."""
    if models.ready():
        rerun.wait(shown.first, PATIENCE)
    with st.container(key=f"{key}-place"):
        rerun.again(_draw, TICK if shown.running else None, shown, tag, look, key, on_seed, shown.running)


def _draw(shown: Film, tag: str, look: Look, key: str, on_seed: Callable[[], None] | None, ran: bool) -> None:
    if navigation.to_redraw() or ran != shown.running:  # it ended, was paused, or goes on: to tick or not to tick
        navigation.anew()
    shown.watch()
    present(shown, tag, look, key=key, on_seed=on_seed, ticking=ran)


def present(shown: Film, tag: str, look: Look, *, key: str, on_seed: Callable[[], None] | None = None, ticking: bool = True) -> None:
    """Draw a film as far as it is; where it is drawn again and again (`ticking`), only the newest frames are sent."""

    def acted() -> None:
        if (told := st.session_state[key].get("act")) is None:
            return
        st.session_state[f"heard-{key}"] = told["number"]
        if told["name"] == "pause":
            shown.pause()
        elif told["name"] == "play":
            shown.play()
        elif told["name"] == "seed" and on_seed is not None:
            on_seed()
            navigation.redraw()

    if shown.error is not None:
        messages.problem(shown.error)
        return
    _component(key=key, data=_data(shown, tag, look, key, ticking), on_act_change=acted)


def _data(shown: Film, tag: str, look: Look, key: str, ticking: bool) -> dict[str, Any]:
    count = len(shown.frames)
    sent = st.session_state.setdefault("_sent", {})
    before, last = sent.get(key, {}).get(tag, (0, 0)) if ticking else (0, 0)
    sent[key] = {tag: (last, count)}
    handful = shown.frames[before:count]
    return {
        "film": tag, "start": before, "count": count, "pictures": handful[0].shape[0] if handful else 1,
        "frames": base64.b64encode(np.stack(handful).tobytes()).decode("ascii") if handful else "",
        "steps": shown.steps[before:count], "scores": [list(map(_short, row)) for row in shown.scores[before:count]],
        "total": shown.total, "state": shown.state, "heard": st.session_state.get(f"heard-{key}", 0), "size": look.size,
        "controls": look.controls, "title": look.title, "words": look.words, "pace": look.pace,
        "said": {name: say(text) for name, text in SAID.items()}, "ready": models.ready(),
    }


def _short(value: float) -> float | None:
    return float(f"{value:.4g}") if np.isfinite(value) else None


def tag_of(name: Hashable) -> str:
    """Write a film's name short, for the browser."""
    return hashlib.sha1(repr(name).encode(), usedforsecurity=False).hexdigest()[:12]
