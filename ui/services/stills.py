"""Pictures of filters that are kept, as a page draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fer_core.feature_vis.objectives import Objective
from fer_core.feature_vis.settings import Settings
from ui.services import jobs, models
from ui.text.language import say

if TYPE_CHECKING:
    pass


def stills(network: models.Name, objective: Objective, settings: Settings, seed: int, label: str,
           face: np.ndarray | None = None, *, height: int = 120) -> Any:
    """Paint without watching: (start, end) uint8 (n, 48, 48), and scores (n,); `None` while it is painted."""

    def work(job: jobs.Job) -> Any:
        model = models.network(network)
        from fer_core.feature_vis import ascent
        from fer_core.models import compute_lock

        told = job.part(0.0, 1.0)
        frames: list[Any] = []
        with compute_lock.COMPUTE_LOCK.low_priority():  # the living picture, and whatever else is looked at, goes first
            for frame in ascent.ascend(model, objective, preset=settings, seed=seed, face=face, every=max(1, settings.steps // 16)):
                frames = [*frames[:1], frame]
                told(frame.step / settings.steps)
        return _grey(frames[0].images), _grey(frames[-1].images), frames[-1].scores

    pixels = None if face is None else face.tobytes()
    return jobs.answer(("stills", network, objective, settings, seed, pixels), work, say(label), height=height)


def _grey(pictures: np.ndarray) -> np.ndarray:
    grey: np.ndarray = np.clip(np.rint(pictures), 0, 255).astype(np.uint8)
    return grey
