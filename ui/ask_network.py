"""The choice of a run whose network can be asked: one that has weights."""

from __future__ import annotations

from fer_core.runs import Run
from ui import cache, networks, page, selection
from ui.answers import usual


def chosen_run(*, faces: bool = True) -> Run | None:
    """Draw the choice of the run; the URL's, or the usual one of those that have weights, its `faces` being wanted or not."""
    known = {run.id: run for run in cache.runs(archived=True) if not run.damage and (run.path / "weights.safetensors").exists()}
    known |= {run.id: run for run in cache.runs() if not run.damage and (run.path / "weights.safetensors").exists()}
    if not known:
        return None
    default = usual(list(known.values()), faces=faces)
    return known[selection.choose("Run", "run", list(known), words=lambda id: known[id].title, default=default.id)]


def problem_with_run(run: Run) -> None:
    """Tell why the run that the URL names is not the one shown."""
    asked = selection.param("run")
    if asked is not None and asked != run.id:
        with page.errors():
            networks.check(cache.store().open(asked))
