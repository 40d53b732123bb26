"""Colours as agreed, and told apart from the page and from each other by computed contrast."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import pytest

from fer_core.emotions import EMOTIONS
from fer_core.plots import theme as colours

THEMES: tuple[colours.Theme, ...] = ("light", "dark")


def test_colours_are_as_agreed_and_runs_have_their_own() -> None:
    assert (
        dict(zip(EMOTIONS, ["#D55E00", "#009E73", "#8E6BBF", "#E69F00", "#0072B2", "#CC79A7", "#7F7F7F"], strict=True))
        == colours.EMOTION_COLOURS
    )
    assert len(set(colours.RUN_COLOURS) | set(colours.EMOTION_COLOURS.values())) == len(colours.RUN_COLOURS) + 7
    assert colours.run_colour(0) == colours.run_colour(len(colours.RUN_COLOURS))


@pytest.mark.parametrize("theme", THEMES)
def test_lines_and_text_stand_out_from_the_page(theme: colours.Theme) -> None:
    assert all(colours.contrast(colour, colours.GROUND[theme]) >= 3 for colour in colours.RUN_COLOURS)
    assert all(colours.contrast(colour[theme], colours.GROUND[theme]) >= 4.5 for colour in (colours.TEXT, colours.QUIET))


def test_contrast_and_ink_of_known_colours() -> None:
    assert colours.contrast("#000000", "#FFFFFF") == pytest.approx(21) and colours.contrast("#777777", "#777777") == 1
    assert colours.contrast("#FFFFFF", "#767676") == pytest.approx(4.54, abs=0.005)
    random = np.random.default_rng(0)
    for part in random.integers(0, 256, (2000, 3)):
        ground = "#{:02X}{:02X}{:02X}".format(*part)
        assert colours.contrast(colours.ink(ground), ground) >= 4.5


def test_the_sequential_scale_grows_one_way() -> None:
    for theme, towards in (("light", 1), ("dark", -1)):
        lights = [colours.contrast(colours.shade(colours.SEQUENTIAL[theme], share), "#000000") for share in np.linspace(0, 1, 30)]  # type: ignore[index]
        assert all(towards * (a - b) > 0 for a, b in itertools.pairwise(lights))


def test_shade_meets_the_stops_and_clips() -> None:
    scale = ("#000000", "#FF0000", "#FFFFFF")
    assert [colours.shade(scale, share) for share in (-1, 0, 0.25, 0.5, 1, 2)] == [
        "#000000",
        "#000000",
        "#800000",
        "#FF0000",
        "#FFFFFF",
        "#FFFFFF",
    ]


def test_a_figure_is_drawn_while_another_thread_imports_pandas(root):
    code = """
import sys, threading
from fer_core.plots.theme import blank
assert "pandas" not in sys.modules, "the test could not fail"
thread = threading.Thread(target=__import__, args=("pandas",))
thread.start()
while "pandas" not in sys.modules:
    pass
blank("light", "epoch", "loss")
thread.join()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1500:]
