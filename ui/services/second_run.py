"""The run that another one is compared with."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.errors import RunError
from fer_core.messages import Sentence
from fer_core.metrics.looks import named
from fer_core.runs.store import Run
from ui.services import cache
from ui.services.predictions import Answers, answers, fingerprint, predicted_splits


def others(run: Run, split: str) -> list[Run]:
    """List the runs that predicted the split too, be it of other faces."""
    return [other for other in cache.runs() if not other.damage and other.id != run.id and split in predicted_splits(other)]


def second(first: Answers, found: list[Run]) -> Answers | None:
    """Read the answers of the run that the URL compares with; RunError where they are of other faces."""
    asked = st.query_params.get("with")
    if not asked:
        return None
    run = next((run for run in found if run.id == asked), None)
    if run is None:
        raise RunError("There is no such run to compare with.", received=asked[:80],
                       expected=", ".join(run.id for run in found) or
                       Sentence("another run that predicted the {split} split", split=first.split))
    other = answers(run, first.split, first.kind)
    plain = other or answers(run, first.split)
    if plain is not None and plain.fingerprint == first.fingerprint and (other is None or other.looks != first.looks):
        raise RunError(
            Sentence("{run} was not asked with as many looks at each face, so the two are not compared.", run=run.title),
            received=named(other.kind, other.looks) if other else named("single", 1),
            expected=named(first.kind, first.looks),
            todo=_with_looks(run, first),
        )
    if other is None or other.fingerprint != first.fingerprint or not np.array_equal(other.labels, first.labels):
        raise RunError(Sentence("{run} predicted other faces, so the two are not mixed.", run=run.title),
                       received=other.fingerprint[:12] if other else "nothing",
                       expected=Sentence("fingerprint {data}", data=first.fingerprint[:12]),
                       todo=Sentence("{command}, with the faces of {first}", first=first.run,
                                     command=f"python -m fer_core evaluate {run.id} --split {first.split} --data PATH"))
    return other


def alike(run: Run, split: str) -> list[Run]:
    """List the runs that predicted the same faces."""
    return [other for other in others(run, split) if _same_faces(run, other, split)]


def _same_faces(run: Run, other: Run, split: str) -> bool:
    return fingerprint(run, split) in (None, fingerprint(other, split))


def _with_looks(run: Run, first: Answers) -> str:
    """Say how the second run can be asked with as many looks as the first, or what else can be compared."""
    if not run.has_network:
        return "compare the single looks"
    asked = f" --views {first.looks}" if first.kind == "views" else ""
    return Sentence(
        "compare the single looks, or: {command}", command=f"python -m fer_core evaluate {run.id} --split {first.split}{asked}"
    )
