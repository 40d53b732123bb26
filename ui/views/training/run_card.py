"""What the monitor knows of every run, read again only where a file changed; and the run cards."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence

import numpy as np

from fer_core.runs.store import PHASES, Status
from ui.services.run_index import Reading
from ui.text import formatting
from ui.text.language import say

STATE_LOOKS: dict[str, tuple[str, str, str]] = {
    "queued": ("gray", ":material/schedule:", "Queued"),
    "running": ("blue", ":material/play_circle:", "Training"),
    "stopping": ("orange", ":material/pause_circle:", "Stopping"),
    "stopped": ("gray", ":material/stop_circle:", "Stopped"),
    "finished": ("green", ":material/check_circle:", "Finished"),
    "failed": ("red", ":material/error:", "Failed"),
    "lost": ("orange", ":material/help:", "Lost"),
    "damaged": ("red", ":material/broken_image:", "Damaged"),
}
"""Colour, icon and word of each state: never a colour alone."""



SILENT = 20.0
"""Seconds after which a living trainer's silence is worth a word."""














def span(seconds: float | None, *, rough: bool = False) -> str:
    """Say a time in at most two units: '45 s', '3 min 20 s', '2 h 5 min'; in the larger one alone where it is `rough`."""
    if seconds is None or not np.isfinite(seconds):
        return ""
    whole = round(max(0.0, seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if not minutes:
        return say("{seconds} s", seconds=whole)
    if not hours:
        alone = rough or minutes >= 10 or not whole % 60
        return say("{minutes} min", minutes=minutes) if alone else say("{minutes} min {seconds} s", minutes=minutes, seconds=whole % 60)
    if not days:
        alone = rough or not minutes % 60
        return say("{hours} h", hours=hours) if alone else say("{hours} h {minutes} min", hours=hours, minutes=minutes % 60)
    return say("{days} d", days=days) if rough else say("{days} d {hours} h", days=days, hours=hours % 24)


def percent(value: float | None, interval: tuple[float, float] | None = None) -> str:
    """Say a share with three digits at most, and its interval."""
    if value is None or not np.isfinite(value):
        return "-"
    text = f"{100 * value:.1f}%"
    return say("{share} ({low:.1f} to {high:.1f})", share=text, low=100 * interval[0], high=100 * interval[1]) if interval else text


def badge(reading: Reading) -> str:
    """Return the state as Markdown: colour, icon and word."""
    colour, icon, _ = STATE_LOOKS[reading.state]
    return f":{colour}-badge[{icon} {state_word(reading.state)}]"


def state_word(state: str) -> str:
    """Say a state; the state itself is looked up first, as the page Training has the word of one."""
    said = say(state)
    return say(STATE_LOOKS[state][2]) if said == state else said


def pulse(status: Status) -> str:
    """Say how old the last sign of life is, and what the trainer does."""
    if not status.alive:
        return say("ended {time} ago", time=span(status.age, rough=True)) if status.heartbeat else ""
    if status.state == "queued" and status.process is None:
        return say("waiting to be started")
    if status.age > SILENT:
        return say("no heartbeat for {time}", time=span(status.age, rough=True))
    return say("heartbeat just now") if status.age < 3 else say("heartbeat {time} ago", time=span(status.age))


def progress(status: Status) -> tuple[float, str]:
    """Return the share of the whole run that is done, and the same in words with the time left."""
    total = max(1, status.epochs)
    part = status.step / status.steps if status.steps else 0.0
    done = min(1.0, (status.epoch + part) / total)
    told = [say("epoch {epoch} of {epochs}", epoch=min(status.epoch + 1, total), epochs=total)]
    if status.steps:
        told.append(say("step {step:,} of {steps:,}", step=status.step, steps=status.steps))
    if status.loss is not None:
        told.append(say("loss {loss:.3g}", loss=status.loss))
    if status.images_per_second:
        told.append(say("{n:,.0f} images/s", n=status.images_per_second))
    if status.seconds_left is not None:
        told.append(say("{time} left", time=span(status.seconds_left)))
    if status.phase and not status.phase.startswith("epoch "):
        told.insert(0, formatting.kept(status.phase, PHASES))
    return done, formatting.clauses(told)


def sparkline(values: Sequence[float] | np.ndarray, colour: str, *, best: int | None = None) -> str:
    """Draw a small curve as an <img> that needs nothing else; the dot is the best epoch, counted from 1."""
    numbers = np.asarray(values, float)
    numbers = numbers[np.isfinite(numbers)]
    width, height, edge = 92, 32, 4
    if len(numbers) < 2:
        body = f'<path d="M{edge} {height - edge}H{width - edge}" stroke="{colour}" stroke-dasharray="2 4"/>'
    else:
        low, high = float(numbers.min()), float(numbers.max())
        x = edge + np.arange(len(numbers)) * (width - 2 * edge) / (len(numbers) - 1)
        y = height - edge - (numbers - low) / max(high - low, 1e-9) * (height - 2 * edge)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        body = f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"/>'
        if best and best <= len(numbers):
            body += f'<circle cx="{x[best - 1]:.1f}" cy="{y[best - 1]:.1f}" r="3.2" fill="{colour}"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">{body}</svg>'
    told = say("Validation accuracy over {n} epochs", n=len(numbers)) if len(numbers) else say("No epoch yet")
    return f'<img alt="{told}" width="{width}" height="{height}" src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">'


def card(reading: Reading, colour: str) -> str:
    """Return the lower part of a run card as HTML: sparkline, best accuracy, epochs."""
    if reading.damage:
        return f'<div class="run-card"><span class="run-why">{html.escape(reading.damage)}</span></div>'
    best = reading.best
    number = percent(reading.accuracy) if best or reading.alone else "-"
    if best:
        where = say("epoch {epoch} of {epochs}", epoch=best[0], epochs=reading.epochs)
    elif reading.alone:
        where = say("predictions alone, {split} faces", split=formatting.SPLIT_WORDS[reading.split])
    else:
        where = say("no epoch yet")
    alone = bool(reading.alone) and not best  # the words take the place of the curve
    curve = "" if alone else sparkline(reading.history.get("val_accuracy", ()), colour, best=best[0] if best else None)
    return (f'<div class="run-card">{curve}<span class="run-best"><b>{number}</b><small>{html.escape(where)}</small></span></div>')

