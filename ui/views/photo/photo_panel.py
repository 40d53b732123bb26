"""A photo, the faces found in it, and the crop that the network gets."""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass

import numpy as np
import streamlit as st

from fer_core.emotions import SIDE
from fer_core.faces import photos
from fer_core.faces.photos import Crop, Face, Photo
from fer_core.messages import Sentence
from ui.elements import messages
from ui.elements.gallery import picture, png
from ui.state import navigation, url_params
from ui.streamlit_ext.component import component
from ui.text import formatting
from ui.text.language import say

EXAMPLES = {"three": "Three drawn faces", "phone": "A phone's photo, lying on its side", "wall": "No face at all"}

_component = component(__file__, "photo")


@dataclass(frozen=True, eq=False)
class Opened:
    """A photo in this tab's memory, with the faces found in it."""

    tag: str
    photo: Photo
    faces: list[Face]


def opened(content: bytes) -> Opened:
    """Decode a photo and find its faces, once per photo and tab; it is kept nowhere else. Raises `DataError`.

    What the URL says of the photo before is forgotten.
    """
    tag = hashlib.sha1(content, usedforsecurity=False).hexdigest()[:16]
    if st.session_state.get("photo-tag", tag) != tag:
        navigation.write(face=None, hand=None)
    st.session_state["photo-tag"] = tag
    known = st.session_state.get("photo")
    if known is None or known.tag != tag:
        st.session_state.pop("photo", None)
        with st.spinner(say("Looking for faces ...")):
            photo = photos.read(content)
            known = st.session_state["photo"] = Opened(tag, photo, photos.faces(photo))
    return known


def example(name: str) -> bytes:
    """Draw a photo of demo faces, on a wall, as PNG; `phone` lies on its side, as its note of the camera says."""
    from fer_core.data.demo.generator import draw, face_at

    numbers, size = {"three": (0, 1, 4), "phone": (0,), "wall": ()}[name], 260
    wall = np.full((size + 160, (size + 80) * max(1, len(numbers)) + 80), 120, np.uint8)
    if not numbers:  # a landscape
        x, y = np.arange(wall.shape[1]), np.arange(wall.shape[0])[:, None]
        wall = np.where(y > 300 + 40 * np.sin(x / 70), 70, np.where(y > 210 + 60 * np.cos(x / 90), 120, 235 - y // 4)).astype(np.uint8)
    for i, number in enumerate(numbers):
        left = 80 + i * (size + 80)
        wall[80 : 80 + size, left : left + size] = draw(face_at(3, number)[0], size=size)
    if name != "phone":
        return png(wall)
    from PIL import Image

    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.fromarray(np.ascontiguousarray(np.rot90(wall))).save(file, "PNG", exif=exif)
    return file.getvalue()


def square(text: str | None, photo: Photo) -> Face | None:
    """Read a square made by hand from the URL, `left,top,side`; `None` for anything else."""
    try:
        left, top, side = (float(value) for value in (text or "").split(","))
    except ValueError:
        return None
    return photos.by_hand(photo, left, top, side) if np.isfinite((left, top, side)).all() else None


def written(face: Face) -> str:
    """Write a square for the URL."""
    return f"{face.left:.0f},{face.top:.0f},{face.side:.0f}"


def chosen(found: Opened) -> tuple[Face, int | None]:
    """Give the face that is cut out, and its number; `None` for a square made by hand. Without a face the square begins in the middle."""
    hand = square(st.query_params.get("hand"), found.photo)
    if hand is not None:
        return photos.with_eyes(found.photo, hand), None
    if not found.faces:
        return photos.with_eyes(found.photo, photos.whole(found.photo)), None
    number = int(url_params.param("face", 1, cast=int, low=1, high=len(found.faces))) - 1
    return found.faces[number], number


def complaints(found: Opened) -> None:
    """Tell which values of the URL make no sense for this photo."""
    params, count = st.query_params, len(found.faces)
    told: list[str] = []
    if "hand" in params and square(params["hand"], found.photo) is None:
        told.append(Sentence("'{given}' was left aside: it should read like 120,80,260 (left, top, side in pixels).",
                             given=f"hand={params['hand'][:40]}"))
    told += url_params.strange(margin=range(51), **({"face": range(1, count + 1)} if count else {}))
    messages.left_aside(told)


def frame(found: Opened, face: Face, number: int | None) -> None:
    """Draw the photo with its boxes."""
    height, width = found.photo.grey.shape

    def picked() -> None:
        i = st.session_state["photo-frame"].get("pick")
        if i is not None and 0 <= int(i) < len(found.faces):
            navigation.write(face=int(i) + 1 if i else None, hand=None)

    def drawn() -> None:
        told = st.session_state["photo-frame"].get("square")
        if told is not None:
            navigation.write(hand=written(photos.by_hand(found.photo, *(float(told[name]) for name in ("left", "top", "side")))))

    data = {"tag": found.tag, "picture": _jpeg(found), "width": width, "height": height, "least": photos.LEAST_SIDE, "chosen": number,
            "boxes": [_box(one) for one in found.faces], "hand": _box(face) if number is None else None,
            "label": say("The photo, in grey; {n} faces found", n=len(found.faces)),
            "words": {"face": say("Face"), "square": say("The square cut out: arrows move it, plus and minus size it")}}
    with st.container(key="photo-place"):
        _component(key="photo-frame", data=data, on_pick_change=picked, on_square_change=drawn)
    with st.container(horizontal=True, key="hand-row"):
        if number is not None:
            st.button(say("Crop by hand"), icon=":material/crop:", key="by-hand", on_click=navigation.write, kwargs={"hand": written(face)})
        elif found.faces:
            st.button(say("Back to the faces found"), icon=":material/undo:", key="found", on_click=navigation.write,
                      kwargs={"hand": None})
    st.caption(said(found, number))


def ask_for_square(face: Face) -> None:
    """Say that a face has to be shown by hand, and offer the square that is drawn now."""
    messages.empty("No face found", "The network was not asked. If there is a face, draw a square around it on the photo.")
    st.button(say("Take the square as it is"), icon=":material/crop:", key="take", on_click=navigation.write,
              kwargs={"hand": written(face)})


def said(found: Opened, number: int | None) -> str:
    """Say what was found in the photo, and what was done to it."""
    count = len(found.faces)
    if not count:
        told = [say("No face was found. Faces in profile, tilted by more than some 20 degrees, covered or small are missed. Draw a square "
                    "around a face: drag on the photo, or drag the square and its corner.")]
    else:
        told = [say("One face was found.") if count == 1 else say("{n} faces were found, the largest first.", n=count)]
        told += [say("The square is yours: drag it, its corner, or draw a new one.")] if number is None else []
        told += [say("Click one to choose it.")] if count > 1 and number is not None else []
    return formatting.literal(formatting.prose([*told, *found.photo.notes]))


def settings() -> tuple[float, bool, bool]:
    """Draw how the crop is made; return margin (a share of the side), alignment, contrast."""
    margin = int(url_params.param("margin", 0, cast=int, low=0, high=50))
    st.session_state.update({"crop-margin": margin, "crop-align": st.query_params.get("align") != "0",
                             "crop-contrast": st.query_params.get("contrast") != "0"})

    def changed() -> None:
        state = st.session_state
        navigation.write(margin=state["crop-margin"] or None, align=None if state["crop-align"] else 0,
                        contrast=None if state["crop-contrast"] else 0)

    st.slider(say("Margin around it"), 0, 50, key="crop-margin", format="%d%%", on_change=changed)
    st.checkbox(say("Eyes level, where FER2013 has them"), key="crop-align", on_change=changed)
    st.checkbox(say("Contrast like FER2013's"), key="crop-contrast", on_change=changed)
    return margin / 100, bool(st.session_state["crop-align"]), bool(st.session_state["crop-contrast"])


def crop(found: Opened, face: Face) -> Crop:
    """Draw the crop with its parameters, and return it."""
    st.markdown(say("**What the network gets**"))
    with st.container(horizontal=True, key="crop-row"):
        place = st.container(width="content")
        with st.container(key="crop-settings"):
            margin, align, contrast = settings()
            made = photos.crop(found.photo, face, margin=margin, align=align, contrast=contrast)
    with place:
        picture(made.image, 4 * SIDE, "crop", label=say("The crop of 48 by 48 pixels that the network gets"))
    st.caption(parameters(made, face))
    return made


def parameters(made: Crop, face: Face) -> str:
    """Tell in words how a crop was made."""
    told = [say("A square of {side:.0f} × {side:.0f} pixels around ({x:.0f}, {y:.0f}), made 48 × 48.", side=made.side, x=made.centre[0],
                y=made.centre[1])]
    if made.aligned:
        turned, angle = abs(made.angle) >= 0.05, abs(made.angle)
        told.append(say("The eyes are level as they are.") if not turned else
                    say("Turned by {angle:.1f}° clockwise, so that the eyes are level.", angle=angle) if made.angle < 0 else
                    say("Turned by {angle:.1f}° counter-clockwise, so that the eyes are level.", angle=angle))
    elif not face.eyes:
        told.append(say("The eyes were not found, so the square is taken as it is."))
    gain, offset = made.contrast
    told.append(say("Grey levels as they are.") if made.contrast == (1.0, 0.0) else
                say("Grey levels: {gain:.2f} × old {sign} {offset:.0f}.", gain=gain, sign="+" if offset >= 0 else "−", offset=abs(offset)))
    if made.side < SIDE:
        told.append(say("The face is smaller than 48 pixels: it is blurred by the enlargement, and the answer worth less."))
    return formatting.prose(told)


def _jpeg(found: Opened) -> str:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(found.photo.grey).save(file, "JPEG", quality=88)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _box(face: Face) -> dict[str, float]:
    return {"left": face.left, "top": face.top, "side": face.side}
