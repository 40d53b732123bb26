"""The figure that explains a page: each page has one, it is a picture that browsers read, and what it shows is so."""

import base64
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from fer_core.data.demo.anatomy import masks
from fer_core.data.demo.canvas import FEATURES
from fer_core.plots.theme import GROUND, TEXT, contrast
from ui.shell import page_figures
from ui.shell.page import PAGES
from ui.text.language import CHINESE


def svg(page, theme="light"):
    source = re.search(r"base64,([^']+)'", page_figures.figure(page, theme))[1]
    return ElementTree.fromstring(base64.b64decode(source))


@pytest.mark.parametrize("page", list(PAGES))
def test_every_page_has_a_figure_whose_words_stay_inside(page):
    drawn = svg(page)
    wide, high = map(float, drawn.attrib["viewBox"].split()[2:])
    words = [one for one in drawn.iter() if one.tag.endswith("text")]
    assert words
    for one in words:
        size, x, y = (float(one.attrib[name]) for name in ("font-size", "x", "y"))
        long = 0.56 * size * len(one.text)  # letters are about half as wide as high
        left = x - {"start": 0, "middle": long / 2, "end": long}[one.attrib["text-anchor"]]
        assert left > -2 and left + long < wide + 2 and size * 0.8 <= y <= high, one.text
    assert all(one.text in CHINESE or not re.search("[A-Za-z]{2}", one.text) or one.text.startswith("Label: ") for one in words)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_its_ink_is_that_of_the_theme(theme):
    assert svg("app.py", theme).attrib["color"] == TEXT[theme] and contrast(TEXT[theme], GROUND[theme]) > 7


def test_the_filter_that_is_climbed_answers_more_with_every_frame():
    frames, answers = page_figures.climb()
    assert len(frames) == 4 and answers[-1] == 1 and np.all(np.diff(answers) > 0) and answers[0] < 0.2


def test_the_pixels_shown_are_those_of_the_face():
    drawn, face = svg("pages/dataset.py"), page_figures.face("happy")
    told = [int(one.text) for one in drawn.iter() if one.tag.endswith("text") and one.text.isdigit()]
    block = np.array(told).reshape(6, 6)
    windows = np.lib.stride_tricks.sliding_window_view(face, (6, 6))
    assert (windows == block).all((2, 3)).any()


def test_what_is_hidden_is_the_mouth():
    rows, columns = page_figures.mouth("sad")
    mouth = masks(page_figures.person("sad"))[FEATURES.index("mouth")]
    assert mouth[rows, columns].sum() == mouth.sum() > 0 and mouth[rows, columns].mean() > 0.3
    said = page_figures.evidence()[rows, columns]
    assert said[said > 0].sum() > -5 * said[said < 0].sum()  # what is hidden speaks for Sad: without it there is less evidence
