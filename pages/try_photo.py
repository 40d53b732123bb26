"""Try a photo: a person's own photo before a network, with the crop it gets, its probabilities and why."""

from __future__ import annotations

import html
from dataclasses import replace

import streamlit as st

from fer_core.errors import FerError
from fer_core.messages import Sentence
from fer_core.runs.store import Run
from ui.controls import network_picker
from ui.elements import messages
from ui.services import jobs
from ui.services.explained_face import Subject, predicted
from ui.shell import page
from ui.state import bound_widgets
from ui.text.language import say
from ui.views.photo import photo_panel
from ui.views.photo.photo_panel import EXAMPLES, Opened
from ui.views.saliency import explanation, panels

ABOUT = """Your photo is decoded in this process's memory and stored nowhere; it is gone when the tab is closed, and it is not in the link.
Every face found is boxed. The one chosen is cut out as FER2013 shows faces: eyes level at their usual place, grey, 48 × 48 pixels.

Then the network is asked, and its answer explained, as for any other face."""
LIMITS = """**What this is not.** The network sees 48 × 48 grey pixels and knows only the labels of the faces that it was trained on: in
FER2013, those that annotators gave to faces from the web. What it says is which of these labels it would give,
never what a person feels. It is often wrong, and more often for faces unlike those it learned from: other light, ages, angles, glasses.
Use it to study the network, not the person."""
WAYS = {"photo": "A photo", "camera": "The camera", "example": "A drawn example"}


def content(way: str) -> bytes | None:
    """Draw the way in; return the bytes of a photo once there is one."""
    if way == "example":
        name = bound_widgets.choose("Example", "example", list(EXAMPLES), words=EXAMPLES.__getitem__, kind="pills", hidden=True)
        return photo_panel.example(name)
    if way == "camera":
        found = st.camera_input(say("The camera"), label_visibility="collapsed", key="camera", width=640)
    else:
        found = st.file_uploader(say("A photo: JPEG, PNG, WebP, GIF or BMP, at most 10 MB and 25 megapixels"), key="upload")
    return found.getvalue() if found is not None else None


def face_of(run: Run, found: Opened, way: str) -> Subject | None:
    """Draw the photo and the crop; return the face as the network gets it, `None` while none is chosen. Raises `FerError`."""
    photo_panel.complaints(found)
    face, number = photo_panel.chosen(found)
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        photo_panel.frame(found, face, number)
    with right:
        if number is None and photo_panel.square(st.query_params.get("hand"), found.photo) is None:
            photo_panel.ask_for_square(face)
            return None
        made = photo_panel.crop(found, face)
    title = "a square of the photo" if number is None else Sentence("photo face {number}", number=number + 1)
    return Subject(run, made.image, title, drawn=way == "example")


def main() -> None:
    """Draw the page."""
    page.setup("pages/try_photo.py")
    page.header("Try a photo", "", ABOUT)
    head = st.empty()
    jobs.begin()
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        run = network_picker.chosen_run(faces=False)
        way = (
            bound_widgets.choose("From", "from", list(WAYS), words=WAYS.__getitem__, kind="segmented", default="photo") if run else "photo"
        )
    if run is None:
        messages.empty("No network to ask", "A run is one training of a network.", "python -m fer_core train --data demo --preset quick")
        return
    network_picker.problem_with_run(run)
    try:
        taken = content(way)
        if taken is None:
            messages.empty(
                "No photo yet", "Choose a photo, take one with the camera, or try a drawn example. It stays in this tab's memory."
            )
            st.markdown(say(LIMITS))
            return
        face = face_of(run, photo_panel.opened(taken), way)
    except FerError as error:
        messages.problem(error)
        return
    probabilities = predicted(face) if face is not None else None
    if face is not None and probabilities is not None:
        face = replace(face, probabilities=probabilities)
        head.html(f"<p class='fer-sentence'>{html.escape(say(face.sentence))}</p>")
        st.divider()
        explained = explanation.draw(face, messages.theme())
        panels.draw(face, explained, None, messages.theme())
    st.markdown(say(LIMITS))
    jobs.finish()


main()
