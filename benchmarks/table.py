"""One table of all figures: every benchmark prints its rows as Markdown, and `python -m benchmarks` gathers them."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAD = "| what | promised | measured | command |\n|---|---|---|---|"
BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"


def row(what: str, measured: str, command: str, promised: str = "") -> None:
    """Print a row: what was measured, the figure with its unit, the module that measures it, and what was promised."""
    print(f"| {what} | {promised or '-'} | {measured} | `python -m benchmarks.{command}` |", flush=True)


def rows(printed: str) -> list[str]:
    """Find the rows in what a benchmark printed."""
    return [line for line in printed.splitlines() if line.startswith("| ")]


def machine() -> str:
    """Name the machine: processor, cores, load."""
    from fer_core.learner import processor_name

    return f"{processor_name()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start"


def between(text: str, table: str) -> str:
    """Put a table in the place between the two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not rest or END not in rest:
        raise SystemExit(f"The file has no place for the table: it needs the lines {BEGIN} and {END}.")
    return f"{before}{BEGIN}\n{table}{END}{after}"
