"""The photo page without a browser: squares in the URL, what is said of a crop, examples, and bad files told in words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest
from test_photos import HOSTILE
from test_saliency_page import runs, told, until, working  # noqa: F401

from fer_core.faces import photos
from fer_core.faces.photos import Face, Photo
from ui.views.photo import photo_panel
from ui.views.photo.photo_panel import Opened

PHOTO = Photo(np.zeros((300, 400), np.uint8), "PNG", (400, 300))


@given(st.text(max_size=30) | st.lists(st.floats(), min_size=3, max_size=3).map(lambda values: ",".join(map(str, values))))
def test_any_text_of_a_square_lies_in_the_photo_or_is_none(text):
    face = photo_panel.square(text, PHOTO)
    if face is not None:
        assert 0 <= face.left <= face.left + face.side <= 400 + 1e-6 and 0 <= face.top <= face.top + face.side <= 300 + 1e-6
        assert face.side >= photos.LEAST_SIDE


@given(st.integers(0, 300), st.integers(0, 200), st.integers(24, 100))
def test_a_square_survives_the_url(left, top, side):
    assert photo_panel.square(photo_panel.written(Face(left, top, side)), PHOTO) == Face(left, top, side)


def test_examples_show_three_faces_one_and_none():
    counts = {}
    for name in photo_panel.EXAMPLES:
        photo = photos.read(photo_panel.example(name))
        counts[name] = len(photos.faces(photo))
        assert any("turned upright" in note for note in photo.notes) == (name == "phone")
    assert counts == {"three": 3, "phone": 1, "wall": 0}


def test_a_crop_is_told_in_words():
    face = Face(100, 50, 96)
    plain = photos.crop(PHOTO, face, contrast=False)
    said = photo_panel.parameters(plain, face)
    assert said == ("A square of 96 × 96 pixels around (148, 98), made 48 × 48. The eyes were not found, so the square is taken as it is. "
                    "Grey levels as they are.")
    assert "smaller than 48 pixels" in photo_panel.parameters(photos.crop(PHOTO, Face(0, 0, 30)), Face(0, 0, 30))
    photo = photos.read(photo_panel.example("three"))
    face = photos.faces(photo)[0]
    made = photos.crop(photo, face)
    said = photo_panel.parameters(made, face)
    assert f"Turned by {abs(made.angle):.1f}°" in said and f"Grey levels: {made.contrast[0]:.2f} × old" in said


def test_what_was_found_is_said():
    def said(count, number):
        return photo_panel.said(Opened("", PHOTO, [Face(0, 0, 50)] * count), number).replace("\\", "")

    assert said(3, 0) == "3 faces were found, the largest first. Click one to choose it."
    assert said(1, 0) == "One face was found."
    assert "drag it" in said(1, None)
    assert said(0, None).startswith("No face was found. Faces in profile")


# the page over the demo run

@pytest.fixture
def page(root, runs, monkeypatch):  # noqa: F811
    """Open the page by a link, with the bytes of an upload."""
    monkeypatch.setenv("FER_LENS_RUNS", str(runs))

    def opener(content=None, **params):
        app = AppTest.from_file(str(root / "app.py"), default_timeout=120)
        app.switch_page("pages/try_photo.py")
        for name, value in {"run": "demo", "method": "gradient", **params}.items():
            app.query_params[name.rstrip("_")] = value
        app.run()
        if content is not None:
            app.file_uploader[0].upload("me.png", content, "image/png")
            app.run()
        return until(app, lambda app: not working(app))

    return opener


def test_without_a_photo_the_page_says_what_it_is_for(page):
    app = page()
    assert "No photo yet" in told(app) and "never what a person feels" in told(app)


@pytest.mark.parametrize("name", ["nothing", "text", "truncated jpeg", "bomb", "heic", "one pixel"])
def test_a_bad_file_is_told_and_the_page_goes_on(page, name):
    content, _ = HOSTILE[name]
    app = page(content)
    assert "fer-problem" in told(app) and not app.exception
    if content:  # the page takes the next photo after it
        app.file_uploader[0].upload("me.png", photo_panel.example("phone"), "image/png")
        until(app.run(), lambda app: "called" in told(app))
        assert "One face was found" in told(app)


def test_a_face_found_is_answered_and_explained(page):
    app = until(page(from_="example", example="three", face="2"), lambda app: "How to read it" in told(app))
    text = told(app).replace("\\", "")
    assert "photo face 2: called" in text and "3 faces were found" in text
    assert "How to read it" in text and "never what a person feels" in text
    assert not any("Portrait" in str(one.options) for one in app.get("button_group"))


def test_where_no_face_is_found_the_network_is_asked_only_of_a_square_drawn_by_hand(page):
    app = page(from_="example", example="wall")
    assert "The network was not asked" in told(app) and "How to read it" not in told(app)
    next(one for one in app.button if one.label == "Take the square as it is").click()
    until(app.run(), lambda app: "a square of the photo: called" in told(app))
    assert "hand" in app.query_params


@pytest.mark.parametrize("params", [{"face": "9"}, {"face": "x"}, {"hand": "a,b"}, {"hand": "1,2,nan"}, {"margin": "500"}])
def test_a_broken_link_is_told(page, params):
    app = until(page(from_="example", **params), lambda app: "photo face 1: called" in told(app))
    assert len(app.info) == 1 and next(iter(params)) in app.info[0].value


def test_another_photo_forgets_the_square_of_the_one_before(page):
    app = page(photo_panel.example("three"), hand="80,80,200")
    until(app, lambda app: "a square of the photo: called" in told(app))
    app.file_uploader[0].upload("other.png", photo_panel.example("phone"), "image/png")
    until(app.run(), lambda app: "photo face 1: called" in told(app))
    assert "hand" not in app.query_params
