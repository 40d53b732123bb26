"""Small bars in HTML: the seven probabilities of a face with what changed, and signed bars. No chart has to load."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from fer_core import messages
from fer_core.emotions import EMOTIONS
from fer_core.plots.theme import DIVERGING, EMOTION_COLOURS, Theme
from ui.text import formatting
from ui.text.language import say

STYLE = """<style>
.fer-bars { display: grid; grid-template-columns: max-content minmax(60px, 1fr) max-content; gap: 7px 10px; align-items: center;
  font-size: 0.92rem; font-variant-numeric: tabular-nums; }
.fer-bars .track { position: relative; height: 18px; border-radius: 3px; background: rgba(128, 136, 150, 0.14); }
.fer-bars .bar { position: absolute; left: 0; top: 0; bottom: 0; border-radius: 3px; min-width: 2px; }
.fer-bars .true .track { outline: 2px solid currentColor; outline-offset: 1px; }
.fer-bars .row { display: contents; }
.fer-bars .was { position: absolute; top: -3px; bottom: -3px; width: 2px; background: currentColor; opacity: 0.75; }
.fer-bars .named { font-weight: 650; }
.fer-bars .value { text-align: right; min-width: 3.2em; white-space: nowrap; }
.fer-bars .value small { opacity: 0.75; margin-left: 0.4em; display: inline-block; min-width: 3em; text-align: right; }
.fer-bars .middle { position: absolute; top: -2px; bottom: -2px; width: 1px; background: currentColor; opacity: 0.55; }
</style>"""


def seven(probabilities: np.ndarray, label: int = -1, *, before: np.ndarray | None = None) -> None:
    """Draw the seven probabilities (7,): the highest filled, the others pale, the label outlined; `before` as a tick, with the change."""
    called, rows, told = int(probabilities.argmax()), [], []
    for i, name in enumerate(EMOTIONS):
        p = float(probabilities[i])
        classes = " ".join(["row"] + (["true"] if i == label else []))
        fill = f"background:{EMOTION_COLOURS[name]};opacity:{1 if i == called else 0.4};width:{100 * p:.2f}%"
        tick = f"<span class='was' style='left:{100 * float(before[i]):.2f}%'></span>" if before is not None else ""
        change = f"<small>{messages.signed(100 * (p - float(before[i])))}</small>" if before is not None else ""
        heavy = "named" if i in (called, label) else ""
        rows.append(
            f"<div class='{classes}'><span class='{heavy}'>{formatting.emotion(i)}</span><span class='track'>"
            f"<span class='bar' style='{fill}'></span>{tick}</span><span class='value'>{formatting.percent(p)}{change}</span></div>"
        )
        told.append(f"{say(name)} {100 * p:.0f}%")
    st.html(f"{STYLE}<div class='fer-bars' role='img' aria-label='{', '.join(told)}'>{''.join(rows)}</div>")


@dataclass(frozen=True)
class Row:
    """A signed bar: its name, value in -1..1 of the track's half, what is written beside it, a tip."""

    name: str
    value: float
    text: str
    tip: str = ""


def signed(rows: Sequence[Row], theme: Theme, *, label: str) -> None:
    """Draw bars that go left (purple, below) and right (orange, above) from the middle."""
    parts = []
    for row in rows:
        share = min(max(row.value, -1.0), 1.0) * 50 if np.isfinite(row.value) else 0.0
        colour = DIVERGING[theme][0 if share < 0 else -1]
        fill = f"background:{colour};left:{50 + min(share, 0):.2f}%;width:{abs(share):.2f}%"
        parts.append(f"<div class='row' title='{html.escape(row.tip, quote=True)}'><span>{html.escape(row.name)}</span><span class='track'>"
                     f"<span class='bar' style='{fill}'></span><span class='middle' style='left:50%'></span></span>"
                     f"<span class='value'>{html.escape(row.text)}</span></div>")
    told = f"{say(label)}: {'; '.join(f'{row.name} {row.text}' for row in rows)}"
    st.html(f"{STYLE}<div class='fer-bars' role='img' aria-label='{html.escape(told, quote=True)}'>{''.join(parts)}</div>")
