"""Colours, ink and the plotly template of both themes; told apart by most colour-blind eyes, never the only carrier of a meaning."""

from __future__ import annotations

from functools import cache
from typing import Literal

import plotly.graph_objects as go

from fer_core.emotions import EMOTIONS
from fer_core.errors import FerError

Theme = Literal["light", "dark"]

EMOTION_COLOURS: dict[str, str] = dict(
    zip(EMOTIONS, ("#D55E00", "#009E73", "#8E6BBF", "#E69F00", "#0072B2", "#CC79A7", "#7F7F7F"), strict=True)
)
"""One colour per emotion in both themes. Source: after Okabe and Ito 2008."""

RUN_COLOURS: tuple[str, ...] = ("#1192B2", "#E51685", "#998F0F", "#8047B2", "#B24755", "#19720B", "#DC5BE5", "#BC16E5")
"""Colours of runs, no emotion's; each stands out 3 : 1 from the ground of both themes, and they stay apart for colour-blind eyes."""

GROUND: dict[Theme, str] = {"light": "#FBFCFE", "dark": "#10151D"}
TEXT: dict[Theme, str] = {"light": "#1D2733", "dark": "#E6EBF2"}
QUIET: dict[Theme, str] = {"light": "#5B6673", "dark": "#9AA7B5"}
GRID: dict[Theme, str] = {"light": "#E3E8EE", "dark": "#28313D"}
SEQUENTIAL: dict[Theme, tuple[str, ...]] = {
    "light": ("#F6F8FB", "#BFD3E6", "#6F9DC4", "#2F6499", "#10335C"),
    "dark": ("#171E29", "#23476B", "#3F78AD", "#88B4DC", "#E2EFFB"),
}
"""More is darker in the light theme and lighter in the dark one."""
CALM: dict[Theme, tuple[str, ...]] = {"light": ("#F6F8FB", "#D5DBE2"), "dark": ("#171E29", "#3A4552")}
"""For what is right: it must not shout over the errors."""
DIVERGING: dict[Theme, tuple[str, ...]] = {
    "light": ("#5E3C99", "#B2A1D0", GROUND["light"], "#F2B277", "#C05A00"),
    "dark": ("#B79AE6", "#5F4A8A", GROUND["dark"], "#8F5316", "#F5A04C"),
}
"""Purple to orange, with the page's own ground as zero."""

FONT = '"Source Sans", "Source Sans 3", "Source Sans Pro", "Noto Sans", "Noto Sans TC", system-ui, sans-serif'


def run_colour(number: int) -> str:
    """Return the colour of a run by its number, round and round."""
    return RUN_COLOURS[number % len(RUN_COLOURS)]


def rgb(colour: str) -> tuple[int, int, int]:
    """Read #RRGGBB."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def see_through(colour: str, opacity: float) -> str:
    """Write #RRGGBB as rgba() with an opacity from 0 to 1."""
    return "rgba({},{},{},{:g})".format(*rgb(colour), opacity)


def shade(scale: tuple[str, ...], share: float) -> str:
    """Return the colour at a share (0 to 1) of a scale, as plotly paints it: straight lines between its stops."""
    place = min(max(share, 0.0), 1.0) * (len(scale) - 1)
    low = min(int(place), len(scale) - 2)
    part = place - low
    return "#" + "".join(f"{round(a + (b - a) * part):02X}" for a, b in zip(rgb(scale[low]), rgb(scale[low + 1]), strict=True))


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours, 1 to 21. Source: WCAG 2.2, relative luminance."""
    lights = sorted(_luminance(colour) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def ink(ground: str) -> str:
    """Choose the colour of text on a ground: at least 4.5 : 1, soft where soft suffices."""
    best = max(("#000000", "#FFFFFF"), key=lambda colour: contrast(colour, ground))
    soft = TEXT["light"] if best == "#000000" else TEXT["dark"]
    return soft if contrast(soft, ground) >= 7 else best


def _luminance(colour: str) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (value / 255 for value in rgb(colour))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def blank(theme: Theme, x: str = "", y: str = "", ticks: str = "") -> go.Figure:
    """Make a figure without traces: axis titles with their units, and the format of the numbers up the side."""
    if theme not in ("light", "dark"):
        raise FerError("There is no such theme.", received=theme, expected="light or dark")
    import pandas as _  # noqa: F401  plotly looks into it where it finds it, be it half imported by another thread: wait for that

    return go.Figure(
        layout={"template": template(theme), "xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": y}, "tickformat": ticks}}
    )


@cache
def template(theme: Theme) -> go.layout.Template:
    """Return the look of every figure: the page shows through, one type, one kind of hover."""
    axis = {
        "gridcolor": GRID[theme],
        "linecolor": GRID[theme],
        "zerolinecolor": GRID[theme],
        "tickcolor": GRID[theme],
        "automargin": True,
        "title": {"standoff": 8, "font": {"size": 13, "color": QUIET[theme]}},
        "tickfont": {"size": 12, "color": QUIET[theme]},
    }
    ground = "#FFFFFF" if theme == "light" else "#1A222E"
    return go.layout.Template(
        layout={
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": RUN_COLOURS,
            "font": {"family": FONT, "size": 13, "color": TEXT[theme]},
            "title": {"font": {"size": 16}, "x": 0, "xanchor": "left", "xref": "container"},
            "margin": {"l": 8, "r": 12, "t": 36, "b": 8},
            "xaxis": axis | {"showgrid": False, "ticks": "outside", "zeroline": False, "autotickangles": [0, -45]},
            "yaxis": axis | {"zeroline": False},
            "hovermode": "x unified",
            "hoverlabel": {"bgcolor": ground, "bordercolor": GRID[theme], "font": {"size": 13, "color": TEXT[theme]}},
            "legend": {
                "orientation": "h",
                "x": 0,
                "y": 1.02,
                "yanchor": "bottom",
                "font": {"size": 13},
                "bgcolor": "rgba(0,0,0,0)",
                "traceorder": "normal",
            },
            "bargap": 0.25,
            "uirevision": "keep",
        }
    )
