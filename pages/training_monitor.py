"""Training monitor: every run as a card, the ticked ones as living curves; start, stop, resume, duplicate."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fer_core import charts
from fer_core.errors import FerError, RunError
from fer_core.launch import launch
from ui import cache, page, run_detail, run_form, run_list, selection
from ui.run_list import Reading, badge, percent, pulse

ABOUT = """
Every training is a process of its own with a folder of its own: it goes on when this page is closed.

- **Solid** is validation (faces that the network is not trained on), **dashed** is training. A growing gap between them is *overfitting*.
- The dot is the **best epoch**: its weights are kept. A dashed upright line is where **early stopping** ended the run.
- **Stop** ends after the step under way. **Resume** goes on so that the result is the same as without the pause.
- An accuracy is counted on N faces; the range beside it holds the true value with 95% confidence.
"""


@st.cache_resource(max_entries=4, show_spinner=False)
def shelf(root: str) -> run_list.Shelf:
    """Keep what was read of the runs between ticks."""
    return run_list.Shelf(Path(root))


def all_runs() -> list[Reading]:
    """Read what changed since the last look."""
    return shelf(str(cache.store().root)).readings()


def ticked_ids() -> list[str]:
    """Return the runs ticked for comparison, as the URL has them."""
    return [name for name in str(st.query_params.get("compare", "")).split(",") if name]


def choose(run: str) -> None:
    """Look at a run: its own epoch range, the same comparison."""
    rest = [name for name in ticked_ids() if name != run]
    st.session_state.pop("run_problem", None)
    selection.write(run=run, compare=",".join(rest) or None, epoch=None)


def tick(run: str) -> None:
    """Lay a run over the chosen one, or take it off."""
    now = ticked_ids()
    rest = [name for name in now if name != run]
    selection.write(compare=",".join(rest if run in now else [*rest, run]) or None)
    st.session_state["ticked"] = True


def in_focus(readings: list[Reading]) -> Reading | None:
    """Return the run that the URL names, or the newest whole one."""
    wanted = selection.param("run")
    named = [reading for reading in readings if reading.id == wanted]
    whole = [reading for reading in readings if not reading.damage and not reading.meta.archived]
    return next(iter([*named, *whole, *readings]), None)


@st.fragment(run_every=1)
def cards(archived: bool) -> None:
    """Draw the run list; it lives."""
    readings = all_runs()
    focus = in_focus(readings)
    shown = [reading for reading in readings if reading.meta.archived == archived or (reading.damage and not archived)]
    if not shown:
        st.caption("No archived runs." if archived else "No runs yet.")
    style = "".join(f".st-key-card-{r.id.replace('.', '-')} {{ --run: {charts.run_colour(r.meta.colour)}; }}" for r in shown)
    if focus is not None:
        style += f".st-key-card-{focus.id.replace('.', '-')} {{ background: color-mix(in srgb, var(--run) 9%, transparent); }}"
    st.html(f"<style>{style}</style>")
    with st.container(key="run-list", gap="small"):
        for reading in shown:
            one_card(reading, focus is not None and reading.id == focus.id)
    if st.session_state.pop("ticked", False):
        st.rerun()


def one_card(reading: Reading, focus: bool) -> None:
    """Draw a run as a card: its name opens it, its tick lays it over the chosen one."""
    with st.container(border=True, key=f"card-{reading.id.replace('.', '-')}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            opened = st.button(reading.title, key=f"open-{reading.id}", type="tertiary", on_click=choose, args=(reading.id,),
                               icon=":material/visibility:" if focus else None)
            if not reading.damage and not focus:
                ticked = reading.id in ticked_ids()
                st.button("Compare", key=f"tick-{reading.id}", type="tertiary", on_click=tick, args=(reading.id,),
                          icon=":material/check_box:" if ticked else ":material/check_box_outline_blank:")
        st.markdown(f"{badge(reading)} {'' if reading.damage else ':small[' + pulse(reading.status) + ']'}")
        st.html(run_list.card(reading, charts.run_colour(reading.meta.colour)))
    if opened:
        st.rerun()


@st.fragment(run_every=1)
def detail(run: str) -> None:
    """Draw the chosen run and what is ticked beside it; it lives."""
    known = {reading.id: reading for reading in all_runs()}
    reading = known.get(run)
    if reading is None:
        page.problem(RunError(f"The run '{run}' is gone.", todo="choose another one on the left"))
        return
    if reading.damage:
        page.problem(RunError(f"{reading.title} is damaged; the other runs are not.", received=reading.damage))
        return
    ticked = [reading, *(known[name] for name in ticked_ids() if name in known and name != run and not known[name].damage)]
    run_detail.state_line(reading)
    run_detail.actions(reading)
    run_detail.facts(reading)
    with page.errors():
        run_detail.living_charts(ticked)
        run_detail.diagnosis(reading)
    run_detail.under(reading, ticked)


def names(reading: Reading) -> None:
    """Draw rename, note, archive and restore."""
    with st.popover("Name, note, archive", icon=":material/edit:"):
        with st.form("meta", border=False):
            title = st.text_input("Name", reading.title, max_chars=80)
            note = st.text_area("Note", reading.meta.note, max_chars=2000)
            saved = st.form_submit_button("Save", type="primary")
        moved = st.button("Restore" if reading.meta.archived else "Archive", key="archive",
                          icon=":material/unarchive:" if reading.meta.archived else ":material/archive:",
                          help="Archived runs leave the list; nothing is deleted.")
        with page.errors():
            if saved:
                reading.run.update_meta(title=title.strip() or reading.id, note=note)
                st.rerun()
            if moved:
                reading.run.update_meta(archived=not reading.meta.archived)
                st.rerun()


@st.dialog("New run", width="medium")
def new_run(base: Reading | None, turn: int) -> None:
    """Ask for data, network and preset; start the trainer."""
    try:
        config = run_form.form(cache.sources(), base.config if base else None, turn=turn)
        if config is None:
            return
        run = cache.store().create(config)
        launch(run)
    except FerError as error:
        page.problem(error)
        return
    choose(run.id)
    st.rerun()


def sentence(readings: list[Reading]) -> str:
    """Say in numbers what the page shows."""
    whole = [reading for reading in readings if not reading.damage and not reading.meta.archived]
    busy = sum(reading.status.alive and reading.status.process is not None for reading in whole)
    best = max((reading for reading in whole if reading.accuracy is not None), key=lambda reading: reading.accuracy or 0, default=None)
    words = f"{len(whole)} run{'' if len(whole) == 1 else 's'}, {busy} training now."
    damaged = sum(bool(reading.damage) for reading in readings)
    if best:
        words += f" Best: {best.title}, {percent(best.accuracy, best.interval)} of {best.faces:,} validation faces right."
    return words + (f" {damaged} damaged." if damaged else "")


def main() -> None:
    """Draw the page."""
    page.setup("pages/training_monitor.py")
    st.html(f"<style>{(Path(run_list.__file__).parent / 'runs.css').read_text(encoding='utf8')}</style>")
    readings = all_runs()
    page.header("Training", sentence(readings) if readings else "", ABOUT)
    focus = in_focus(readings)
    left, right = st.columns([1, 2.7], gap="medium")
    with left:
        if st.button("New run", icon=":material/add:", type="primary", width="stretch", key="new-run"):
            st.session_state["new_run"] = ""
        archived = any(reading.meta.archived for reading in readings) and st.toggle("Archived runs", key="archived")
        cards(bool(archived))
    with right:
        if focus is None:
            page.empty("No run yet", "A run is one training: choose data, network and preset, and watch it learn here. "
                       "The demo faces take a minute or two.", "python -m fer_core train --data demo --preset quick")
        else:
            if (wanted := selection.param("run")) and wanted != focus.id:
                st.info(f"There is no run '{str(wanted)[:80]}'; this is the newest one.", icon=":material/info:")
            with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
                st.subheader(focus.title, anchor=False, width="content")
                names(focus)
            if focus.meta.note:
                st.text(focus.meta.note)
            detail(focus.id)
    if (base := st.session_state.pop("new_run", None)) is not None:
        st.session_state["turn"] = st.session_state.get("turn", 0) + 1
        new_run(next((reading for reading in readings if reading.id == base and not reading.damage), None), st.session_state["turn"])


main()
