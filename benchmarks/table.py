"""One table of all figures: every benchmark prints its rows as Markdown, and `python -m benchmarks` gathers them."""

from __future__ import annotations

import os
from pathlib import Path

from fer_core.runtime import ROOT

__all__ = ["ROOT", "machine", "row", "rows", "table_of", "with_table"]
HEAD = "| what | promised | measured | command |\n|---|---|---|---|"
BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"


def row(what: str, measured: str, command: str, promised: str = "") -> None:
    """Print a row: what was measured, the figure with its unit, the module that measures it, and what was promised."""
    print(f"| {what} | {promised or '-'} | {measured} | `python -m benchmarks.{command}` |", flush=True)


def rows(printed: str) -> list[str]:
    """Find the rows in what a benchmark printed, or in a table."""
    return [line for line in printed.splitlines() if line.startswith("| ") and "`python -m benchmarks." in line]


def machine() -> str:
    """Name the machine: processor, whether it multiplies bfloat16 matrices (which halves what a training takes), and cores."""
    from fer_core.machine import processor_name

    flags = Path("/proc/cpuinfo")
    amx = " with AMX" if flags.exists() and "amx_bf16" in flags.read_text(encoding="utf8") else ""
    return f"{processor_name()}{amx}, {os.cpu_count()} cores"


def table_of(text: str) -> str:
    """Give what stands between the two marks."""
    inside, mark, _ = text.partition(BEGIN)[2].partition(END)
    if not mark:
        raise SystemExit(f"The file has no place for the table: it needs the lines {BEGIN} and {END}.")
    return inside


def with_table(text: str, table: str) -> str:
    """Put a table in the place between the two marks."""
    return text.replace(f"{BEGIN}{table_of(text)}{END}", f"{BEGIN}\n{table}{END}")
