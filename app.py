"""FER Lens: the overview, and the first page."""

from __future__ import annotations

import streamlit as st

from ui.services import cache
from ui.shell import page
from ui.streamlit_ext import rerun
from ui.text.language import say
from ui.views.overview import cards

ABOUT = """FER Lens trains classifiers of facial expressions, and shows which faces they get wrong and why. **CNN** is a network that looks
for small patterns everywhere in a face; **DNN** is one that weighs all pixels at once. Each is shown by its best epoch on validation faces,
which never took part in training."""


def main() -> None:
    """Draw the page."""
    page.setup("app.py")
    runs = cache.runs()
    results = [found for found in map(cards.result, runs) if found is not None]
    page.header("Overview", cards.sentence(results, len(runs)), ABOUT)
    rerun.again(cards.now_training, 2, tuple(run.id for run in cards.alive()))
    left, middle, right = st.columns(3)
    with left.container(border=True, height="stretch", key="card-data"):
        data_place = st.empty()
        data_place.html(
            f"<div class='fer-card fer-waits'><div class='fer-label'>{say('Data')}</div><div class='fer-number'>…</div>"
            f"<div class='fer-line'>{say('Reading the faces; the first time takes a few seconds.')}</div></div>"
        )
        page.link("pages/dataset.py", "Look at the faces")
    with middle.container(border=True, height="stretch", key="card-cnn"):
        found = cards.best(results, ("cnn", "small"))
        cards.result_card("Best CNN", found, "python -m fer_core train")
        if found:
            page.link("pages/training_monitor.py", "See it learn", run=found.run)
    with right.container(border=True, height="stretch", key="card-dnn"):
        found = cards.best(results, ("dnn",))
        cards.result_card("Best DNN", found, "python -m fer_core train \\\n    --arch dnn")
        if found:
            page.link("pages/training_monitor.py", "See it learn", run=found.run)
    cards.alone(runs)
    cards.next_step(results)
    cards.going_on()
    faces_place = st.container()
    damaged = [run for run in runs if run.damage]
    if damaged:
        with st.expander(say("{n} damaged run" if len(damaged) == 1 else "{n} damaged runs", n=len(damaged))):
            for run in damaged:
                st.text(f"{run.id}: {run.damage}")
    with data_place.container():  # last: the rest of the page does not wait for it
        cards.data_card(cards.source())
    with faces_place:
        cards.strip(cards.source())


main()
