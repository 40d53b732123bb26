"""The runs as cards that live: one is looked at, any number are ticked for comparison; both stand in the URL."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer_core.plots import figures
from ui.services import cache, run_index
from ui.services.run_index import Reading
from ui.state import navigation, url_params
from ui.text import formatting
from ui.text.language import say
from ui.views.training import run_card
from ui.views.training.run_card import badge, pulse


@st.cache_resource(max_entries=4, show_spinner=False)
def shelf(root: str) -> run_index.Shelf:
    """Keep what was read of the runs between ticks."""
    return run_index.Shelf(Path(root))


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
    navigation.write(run=run, compare=",".join(rest) or None, epoch=None)


def tick(run: str) -> None:
    """Lay a run over the chosen one, or take it off."""
    now = ticked_ids()
    rest = [name for name in now if name != run]
    navigation.write(compare=",".join(rest if run in now else [*rest, run]) or None)
    st.session_state["ticked"] = True


def in_focus(readings: list[Reading]) -> Reading | None:
    """Return the run that the URL names, or the newest whole one."""
    wanted = url_params.param("run")
    named = [reading for reading in readings if reading.id == wanted]
    whole = [reading for reading in readings if not reading.damage and not reading.meta.archived]
    return next(iter([*named, *whole, *readings]), None)


def busy(readings: list[Reading]) -> tuple[str, ...]:
    """Name the runs that train now."""
    return tuple(reading.id for reading in readings
                 if not reading.damage and not reading.meta.archived and reading.status.alive and reading.status.process is not None)


def cards(archived: bool, known: tuple[str, ...]) -> None:
    """Draw the run list; it lives, and where others train than were `known` to, the whole page is drawn anew."""
    readings = all_runs()
    if busy(readings) != known:
        navigation.anew()
    focus = in_focus(readings)
    shown = [reading for reading in readings if reading.meta.archived == archived or (reading.damage and not archived)]
    if not shown:
        st.caption(say("No archived runs." if archived else "No runs yet."))
    style = "".join(f".st-key-card-{r.id.replace('.', '-')} {{ --run: {figures.run_colour(r.meta.colour)}; }}" for r in shown)
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
            opened = st.button(
                formatting.literal(reading.title),
                key=f"open-{reading.id}",
                type="tertiary",
                on_click=choose,
                args=(reading.id,),
                icon=":material/visibility:" if focus else None,
            )
            if not reading.damage and not focus:
                ticked = reading.id in ticked_ids()
                st.button(say("Compare"), key=f"tick-{reading.id}", type="tertiary", on_click=tick, args=(reading.id,),
                          icon=":material/check_box:" if ticked else ":material/check_box_outline_blank:")
        st.markdown(f"{badge(reading)} {'' if reading.damage else ':small[' + pulse(reading.status) + ']'}")
        st.html(run_card.card(reading, figures.run_colour(reading.meta.colour)))
    if opened:
        st.rerun()
