"""Several runs side by side: the settings that differ, the results, and repeated seeds as one."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ui.services.run_index import Reading
from ui.text import formatting
from ui.text.language import say
from ui.views.training.run_card import STATE_LOOKS, percent

NAMES_ONLY = {"note", "preset"}
"""Settings that change nothing of what is trained."""


def differing(readings: Sequence[Reading]) -> dict[str, list[Any]]:
    """Return the settings whose values differ: name to one value per run."""
    configs = [reading.config.model_dump() for reading in readings]
    names = [name for name in type(readings[0].config).model_fields if name not in NAMES_ONLY] if configs else []
    return {name: [config[name] for config in configs] for name in names if len({repr(config[name]) for config in configs}) > 1}


def changes(reading: Reading, base: Reading) -> dict[str, tuple[Any, Any]]:
    """Return what `reading` sets otherwise than `base`."""
    return {name: (pair[1], pair[0]) for name, pair in differing([reading, base]).items()}


def value_in_words(value: Any) -> str:
    """Write a setting's value."""
    if isinstance(value, bool):
        return say("yes" if value else "no")
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, (tuple, list)):
        return " ".join(value_in_words(part) for part in value)
    return say(str(value))


def seeds(readings: Sequence[Reading]) -> list[list[Reading]]:
    """Group the runs that differ in nothing but the seed, on the same faces; in the order of their first run."""
    groups: dict[str, list[Reading]] = {}
    for reading in readings:
        values = reading.config.model_dump(exclude={"seed", *NAMES_ONLY})
        key = json.dumps([values, reading.facts.get("data", {}).get("fingerprint")], sort_keys=True, default=str)
        groups.setdefault(key, []).append(reading)
    return list(groups.values())


def results(readings: Sequence[Reading]) -> list[dict[str, Any]]:
    """Return a row per run: what it reached, how long it took, how large it is."""
    rows = []
    for reading in readings:
        seconds = float(np.nansum(reading.history["seconds"])) if reading.epochs else None
        low, high = reading.interval or (None, None)
        rows.append({
            "Run": reading.title, "State": STATE_LOOKS[reading.state][2], "Network": reading.config.arch, "Seed": reading.config.seed,
            "Best epoch": reading.best[0] if reading.best else None, "Epochs": reading.epochs,
            "Accuracy %": None if reading.accuracy is None else round(100 * reading.accuracy, 1),
            "from %": None if low is None else round(100 * low, 1), "to %": None if high is None else round(100 * high, 1),
            "N": reading.faces or None, "Seconds": None if seconds is None else round(seconds),
            "Parameters": reading.facts.get("model", {}).get("parameters"),
            "Precision": reading.facts.get("model", {}).get("precision", ""),
        })
    return rows


def repeated(group: Sequence[Reading]) -> str:
    """Say in a sentence what repeated seeds reached."""
    values = np.array([reading.accuracy for reading in group if reading.accuracy is not None])
    if len(values) < 2:
        return ""
    return say("{network} on {data}, {n} seeds: {mean} right on average, standard deviation {spread:.1f} points ({each}).",
               network=group[0].config.arch, data=group[0].config.data, n=len(values), mean=percent(float(values.mean())),
               spread=100 * values.std(ddof=1), each=formatting.commas([percent(float(v)) for v in values]))


def same_faces(readings: Sequence[Reading]) -> bool:
    """Tell whether all runs that know their data were trained on the very same faces."""
    return len({reading.facts["data"]["fingerprint"] for reading in readings if "data" in reading.facts}) <= 1


def shown(value: Any) -> str:
    """Write a cell of the results."""
    if value is None or value == "":
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.1f}" if isinstance(value, float) else say(str(value))


def table(rows: Sequence[dict[str, str]], colours: Sequence[str] = ()) -> str:
    """Return rows as an HTML table; numbers are right-aligned, a colour marks the first cell of its row."""
    if not rows:
        return ""
    numeric = {name for name in rows[0] if all(_numeric(row[name]) for row in rows)}
    head = "".join(f'<th{_class(name in numeric)}>{html.escape(name)}</th>' for name in rows[0])
    body = ""
    for place, row in enumerate(rows):
        mark = f'<i style="background:{colours[place]}"></i>' if place < len(colours) else ""
        cells = [f"<td{_class(name in numeric)}>{html.escape(value)}</td>" for name, value in row.items()]
        body += f"<tr>{''.join(cells).replace('>', '>' + mark, 1)}</tr>"
    return f'<div class="runs-table" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _class(number: bool) -> str:
    return ' class="number"' if number else ""


def _numeric(text: str) -> bool:
    return text == "-" or text.replace(",", "").replace(".", "", 1).isdigit()
