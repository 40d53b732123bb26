"""The choice of a run whose network can be asked: one that has weights."""

from __future__ import annotations

from fer_core.runs.store import Run
from ui.controls.run_picker import choose_run
from ui.elements import messages
from ui.services import cache, models
from ui.state import url_params


def chosen_run(*, faces: bool = True) -> Run | None:
    """Draw the choice of a run that has weights."""
    known = {run.id: run for run in cache.runs(archived=True) if not run.damage and run.has_network}
    known |= {run.id: run for run in cache.runs() if not run.damage and run.has_network}
    return choose_run(list(known.values()), faces=faces) if known else None


def problem_with_run(run: Run) -> None:
    """Tell why the run that the URL names is not the one shown."""
    asked = url_params.param("run")
    if asked is not None and asked != run.id:
        with messages.errors():
            models.check(cache.store().open(asked))
