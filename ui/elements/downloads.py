"""A figure with what one can take along: PNG from the button in its corner, and its numbers as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from fer_core.plots.figures import to_table
from ui.elements.chart import chart
from ui.text.language import say

if TYPE_CHECKING:
    import plotly.graph_objects as go


def numbers(figure: go.Figure) -> str:
    """Write the numbers of a figure as CSV."""
    columns, text = to_table(figure), io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def as_csv(table: list[dict[str, Any]]) -> str:
    """Write rows, each {column: value}, as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, table[0])
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()


Pick = Callable[[dict[str, Any]], None]


def show(figure: go.Figure, key: str, *, height: int = 320, label: str = "", on_pick: Pick | None = None) -> None:
    """Draw a figure and, under it, the button that saves its numbers."""
    chart(figure, key, height=height, label=label, on_pick=on_pick)
    download(figure, key)


def download(figure: go.Figure, key: str) -> None:
    """Draw the button that saves the numbers of a figure."""
    st.download_button(say("Numbers (CSV)"), lambda: numbers(figure), f"fer-lens-{key}.csv", "text/csv", icon=":material/download:",
                       on_click="ignore", type="tertiary", key=f"numbers-{key}")
