"""Training monitor: every run as a card, the ticked ones as living curves; start, stop, resume, duplicate."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fer_core.errors import RunError
from fer_core.messages import Sentence
from ui.elements import messages
from ui.services.run_index import Reading
from ui.shell import page
from ui.state import url_params
from ui.streamlit_ext import rerun
from ui.text import formatting
from ui.text.language import say
from ui.views.training import run_card, run_detail
from ui.views.training.run_card import percent
from ui.views.training.run_cards import all_runs, busy, cards, in_focus, ticked_ids
from ui.views.training.run_form import new_run

ABOUT = """
Every training is a process of its own with a folder of its own: it goes on when this page is closed.

- **Solid** is validation (faces that the network is not trained on), **dashed** is training. A growing gap between them is *overfitting*.
- The dot is the **best epoch**: its weights are kept. A dashed upright line is where **early stopping** ended the run.
- **Stop** ends after the step under way. **Resume** goes on so that the result is the same as without the pause.
- An accuracy is counted on N faces; the range beside it holds the true value with 95% confidence.
"""


def detail(run: str) -> None:
    """Draw the chosen run and what is ticked beside it; it lives."""
    known = {reading.id: reading for reading in all_runs()}
    reading = known.get(run)
    if reading is None:
        messages.problem(RunError(Sentence("The run '{run}' is gone.", run=run), todo="choose another one on the left"))
        return
    if reading.damage:
        messages.problem(RunError(Sentence("{run} is damaged; the other runs are not.", run=reading.title), received=reading.damage))
        return
    ticked = [reading, *(known[name] for name in ticked_ids() if name in known and name != run and not known[name].damage)]
    run_detail.state_line(reading)
    if reading.alone and not reading.epochs:
        with messages.errors():
            run_detail.predictions_alone(reading)
            if len(ticked) > 1:
                run_detail.compare(ticked)
        return
    run_detail.actions(reading)
    run_detail.facts(reading)
    with messages.errors():
        run_detail.living_charts(ticked)
        run_detail.diagnosis(reading)
    run_detail.under(reading, ticked)


def names(reading: Reading) -> None:
    """Draw rename, note, archive and restore."""
    with st.popover(say("Name, note, archive"), icon=":material/edit:"):
        with st.form("meta", border=False):
            title = st.text_input(say("Name"), reading.title, max_chars=80)
            note = st.text_area(say("Note"), reading.meta.note, max_chars=2000)
            saved = st.form_submit_button(say("Save"), type="primary")
        moved = st.button(say("Restore" if reading.meta.archived else "Archive"), key="archive",
                          icon=":material/unarchive:" if reading.meta.archived else ":material/archive:",
                          help=say("Archived runs leave the list; nothing is deleted."))
        with messages.errors():
            if saved:
                reading.run.update_meta(title=title.strip() or reading.id, note=note)
                st.rerun()
            if moved:
                reading.run.update_meta(archived=not reading.meta.archived)
                st.rerun()




def sentence(readings: list[Reading]) -> str:
    """Say in numbers what the page shows."""
    whole = [reading for reading in readings if not reading.damage and not reading.meta.archived]
    rated = [reading for reading in whole if reading.accuracy is not None and reading.split == "validation"]
    best = max(rated, default=None,
               key=lambda reading: (not reading.config.data.startswith("demo"), reading.accuracy or 0))  # drawn faces are easier
    damaged = sum(bool(reading.damage) for reading in readings)
    return formatting.prose([
        say("{n} run, {busy} training now." if len(whole) == 1 else "{n} runs, {busy} training now.", n=len(whole), busy=len(busy(whole))),
        say("Best: {run}, {share} of {n:,} validation faces right.",
            run=best.title, share=percent(best.accuracy, best.interval), n=best.faces) if best else "",
        say("{n} damaged.", n=damaged) if damaged else "",
    ])


def main() -> None:
    """Draw the page."""
    page.setup("pages/training_monitor.py")
    st.html(f"<style>{(Path(run_card.__file__).parent / 'runs.css').read_text(encoding='utf8')}</style>")
    readings = all_runs()
    page.header("Training", sentence(readings) if readings else "", ABOUT)
    focus = in_focus(readings)
    left, right = st.columns([1, 2.7], gap="medium")
    with left:
        if st.button(say("New run"), icon=":material/add:", type="primary", width="stretch", key="new-run"):
            st.session_state["new_run"] = ""
        archived = any(reading.meta.archived for reading in readings) and st.toggle(say("Archived runs"), key="archived")
        rerun.again(cards, 1, bool(archived), busy(readings))
    with right:
        if focus is None:
            messages.empty("No run yet", "A run is one training: choose data, network and preset, and watch it learn here. "
                       "The demo faces take a minute or two.", "python -m fer_core train --data demo --preset quick")
        else:
            if (wanted := url_params.param("run")) and wanted != focus.id:
                st.info(say("There is no run '{run}'; this is the newest one.", run=str(wanted)[:80]), icon=":material/info:")
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                st.subheader(formatting.literal(focus.title), anchor=False, width="content")
                names(focus)
            if focus.meta.note:
                st.text(focus.meta.note)
            rerun.again(detail, 1, focus.id)
    if (base := st.session_state.pop("new_run", None)) is not None:
        st.session_state["turn"] = st.session_state.get("turn", 0) + 1
        known = next((reading for reading in readings if reading.id == base and not reading.damage), None)
        st.dialog(say("New run"), width="medium")(new_run)(known, st.session_state["turn"])


main()
