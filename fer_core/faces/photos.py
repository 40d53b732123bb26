"""A person's own photo: decoded safely, faces found, and the crop of 48 x 48 made like FER2013's. Nothing is stored."""

from __future__ import annotations

import functools
import io
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core.emotions import SIDE
from fer_core.errors import DataError
from fer_core.faces.eye_detector import looking
from fer_core.messages import Sentence

MOST_BYTES = 10 * 2**20
MOST_PIXELS = 25_000_000
LEAST_SIDE = 24
WORK_SIDE = 1600
"""Longest side that a photo keeps, in pixels; a larger one is made smaller before faces are looked for."""

KINDS = ((b"\xff\xd8\xff", "JPEG"), (b"\x89PNG\r\n\x1a\n", "PNG"), (b"GIF87a", "GIF"), (b"GIF89a", "GIF"), (b"BM", "BMP"))
STRANGERS = (
    (0, b"%PDF", "a PDF"), (0, b"II*\0", "a TIFF"), (0, b"MM\0*", "a TIFF"), (0, b"PK\x03\x04", "a zip or an office document"),
    (4, b"ftyphei", "an HEIC picture of a phone"), (4, b"ftypmif", "an HEIC picture of a phone"), (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftyp", "a film"), (0, b"\x1aE\xdf\xa3", "a film"), (0, b"<svg", "an SVG drawing"), (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
)
READS = "a JPEG, PNG, WebP, GIF or BMP"


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photo: grey uint8 (h, w), its orientation put right, and what was done to it, in sentences."""

    grey: NDArray[np.uint8]
    kind: str
    size: tuple[int, int]
    """Width and height as the file has them, before turning and shrinking."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Face:
    """A square in a photo, in its pixels; `eyes` are their centres (x, y), the viewer's left one first, where both were found."""

    left: float
    top: float
    side: float
    eyes: tuple[tuple[float, float], tuple[float, float]] | None = None


@dataclass(frozen=True, eq=False)
class Crop:
    """The face as the network gets it: image uint8 (48, 48), and how it was made."""

    image: NDArray[np.uint8]
    centre: tuple[float, float]
    """Of the square that was cut out, in the photo's pixels."""
    side: float
    angle: float
    """Degrees by which the photo was turned (counter-clockwise) so that the eyes lie level."""
    aligned: bool
    """Whether place, size and angle follow the eyes, not the box."""
    contrast: tuple[float, float]
    """Gain and offset of the grey levels: new = gain x old + offset."""


def read(content: bytes) -> Photo:
    """Decode the bytes of an upload.

    Raises `DataError`, a sentence, for what is no picture (whatever its name), more than 10 MB or 25 megapixels (as told by the header,
    before decoding), too small, cut off or damaged.
    """
    if len(content) > MOST_BYTES:
        raise DataError("The photo is too large.", received=f"{len(content) / 2**20:.1f} MB",
                        expected=Sentence("at most {n} MB", n=MOST_BYTES // 2**20), todo="save it smaller")
    kind = _sniff(content)
    from PIL import Image, ImageFile

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own warning of a bomb; the limit below is stricter
            with Image.open(io.BytesIO(content), formats=[kind]) as picture:
                _check_size(picture.size)
                assert isinstance(picture, ImageFile.ImageFile)
                return _decoded(picture, kind)
    except Image.DecompressionBombError:
        raise DataError("The photo has too many pixels.", expected=Sentence("at most {n} megapixels", n=MOST_PIXELS // 10**6)) from None
    except DataError:
        raise
    except Exception as error:  # a damaged picture raises a dozen kinds of errors
        raise DataError(Sentence("The {kind} is cut off or damaged.", kind=kind), received=_said(error),
                        todo="save the picture again, or choose another") from None


def _said(error: Exception) -> str:
    """Say what a decoder complains of; one that names the memory in which it read says nothing to anyone."""
    text = str(error)[:120]
    return text if text and "object at 0x" not in text else "nothing that a decoder can read to its end"


def _sniff(content: bytes) -> str:
    if not content:
        raise DataError("The file is empty.", expected=READS)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    for start, kind in KINDS:
        if content.startswith(start):
            return kind
    guess = next((name for place, mark, name in STRANGERS if content[place : place + len(mark)] == mark), "")
    if not guess:
        printable = sum(32 <= byte < 127 or byte in (9, 10, 13) for byte in content[:256])
        guess = "text, whatever its name says" if printable > 0.9 * len(content[:256]) else "no picture that is known here"
    raise DataError("The file is not a photo that can be read.", received=guess, expected=READS, todo="save it as JPEG or PNG")


def _check_size(size: tuple[int, int], made: tuple[int, int] | None = None) -> None:
    """Refuse a photo of this size; `made` is what it was made smaller to."""
    width, height = size
    if width * height > MOST_PIXELS:
        raise DataError("The photo has too many pixels.", received=f"{width:,} x {height:,}",
                        expected=Sentence("at most {n} megapixels", n=MOST_PIXELS // 10**6), todo="save it smaller")
    if min(made or size) < LEAST_SIDE:
        raise DataError("The photo is too small to show a face." if made in (None, size) else
                        "The photo is too narrow: made smaller, it shows no face.", received=f"{width:,} x {height:,} pixels",
                        expected=Sentence("at least {n} to each side", n=LEAST_SIDE))


def _decoded(picture: Any, kind: str) -> Photo:
    from PIL import ImageOps

    notes, size = [], picture.size
    if getattr(picture, "is_animated", False):
        notes.append("The file holds several pictures; the first was taken.")
    picture.seek(0)
    if kind == "JPEG":
        picture.draft("RGB" if picture.mode == "RGB" else None, (WORK_SIDE, WORK_SIDE))  # decodes a large one at half its size or less
    orientation = picture.getexif().get(0x0112, 1)
    picture.load()
    mode = picture.mode
    if orientation in range(2, 9):
        picture = ImageOps.exif_transpose(picture)
        notes.append("The picture was turned upright, as its camera noted.")
    grey, said = _grey(picture)
    notes += said
    if mode == "CMYK":
        notes.append("Its printing colours (CMYK) were turned into grey.")
    longest = max(grey.shape)
    if longest > WORK_SIDE:
        import cv2

        scale = WORK_SIDE / longest
        grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    if grey.shape[0] * grey.shape[1] < size[0] * size[1]:
        notes.append(Sentence("It was made smaller: {width} x {height} pixels.", width=grey.shape[1], height=grey.shape[0]))
    _check_size(size, (grey.shape[1], grey.shape[0]))
    return Photo(grey, kind, size, tuple(notes))


def _grey(picture: Any) -> tuple[NDArray[np.uint8], list[str]]:
    """Turn any mode of Pillow's into grey levels; what is transparent becomes middle grey."""
    from PIL import Image

    if picture.mode.startswith("I") or picture.mode == "F":
        deep = np.asarray(picture, np.float64)
        return (deep / 257).round().clip(0, 255).astype(np.uint8), ["Its 16 bits of grey were reduced to 8."]
    if "A" in picture.mode or "a" in picture.mode or "transparency" in picture.info:
        seen = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", seen.size, (128, 128, 128, 255)), seen)
    return np.asarray(picture.convert("RGB").convert("L"), np.uint8), []


def faces(photo: Photo) -> list[Face]:
    """Find the faces that look at the camera, largest first, with their eyes where both are seen; an empty list when there is none.

    Source: OpenCV's Haar cascades (Viola, Jones 2001). They miss faces in profile, tilted by more than some 20 degrees, or covered.
    The contrast is evened out part by part, for one dark face beside bright ones is missed otherwise.
    """
    import cv2

    grey = cv2.createCLAHE(clipLimit=2.0, tileGridSize=(8, 8)).apply(photo.grey)
    least = max(LEAST_SIDE, min(grey.shape) // 12)
    with looking():
        boxes = _cascade("frontalface_default").detectMultiScale(grey, 1.1, 5, minSize=(least, least))
    boxes = _without_overlap(sorted((tuple(map(int, box)) for box in boxes), key=lambda box: -box[2]))
    return [Face(x, y, side, _eyes(photo.grey, (x, y, side))) for x, y, side, _ in boxes]


def _without_overlap(boxes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Drop a box whose centre lies in a larger one: a mouth or a nose taken for a face."""
    kept: list[tuple[int, ...]] = []
    for x, y, side, high in boxes:
        centre = x + side / 2, y + high / 2
        if not any(a < centre[0] < a + s and b < centre[1] < b + h for a, b, s, h in kept):
            kept.append((x, y, side, high))
    return kept


def _eyes(grey: NDArray[np.uint8], box: tuple[int, ...]) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Look for an eye in either half of a face's upper part, at one and the same size for every face."""
    import cv2

    x, y, side = box
    zoom = 160 / side
    part = cv2.resize(grey[y : y + side, x : x + side], (160, 160), interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC)
    centres = []
    for left in (0, 70):
        with looking():
            found = _cascade("eye").detectMultiScale(part[25:105, left : left + 90], 1.05, 4, minSize=(24, 24), maxSize=(70, 70))
        if not len(found):
            return None
        a, b, wide, high = max(found, key=lambda one: one[2])
        centres.append((float(x + (left + a + wide / 2) / zoom), float(y + (25 + b + high / 2) / zoom)))
    (ax, ay), (bx, by) = centres
    fits = 0.22 * side < bx - ax < 0.6 * side and abs(by - ay) < 0.35 * (bx - ax)
    return (centres[0], centres[1]) if fits else None


@functools.cache
def _cascade(name: str) -> Any:
    import cv2

    return cv2.CascadeClassifier(str(Path(cv2.__file__).with_name("data") / f"haarcascade_{name}.xml"))


def crop(photo: Photo, face: Face, *, margin: float = 0.0, align: bool = True, contrast: bool = True) -> Crop:
    """Cut a face out as FER2013 shows faces: the eyes level and at its mean place, the grey levels spread as widely as there.

    `margin` widens the square by this share of its side to all sides. Without eyes (or with `align` off) the box is taken as it is. What
    lies outside the photo continues its edge. A flat crop is left as it is.
    """
    import cv2

    centre, side, angle = _frame(face) if align and face.eyes else ((face.left + face.side / 2, face.top + face.side / 2), face.side, 0.0)
    side *= 1 + 2 * margin
    if not (np.isfinite((*centre, side)).all() and side >= 4):
        raise DataError("The square holds no face.", received=f"a side of {side:.1f} pixels", expected="at least 4")
    turn = cv2.getRotationMatrix2D(centre, angle, 1.0)
    turn = turn + np.array([[0, 0, side / 2 - centre[0]], [0, 0, side / 2 - centre[1]]])
    steps = max(1, round(side / SIDE))  # pixels of the photo per pixel of the crop; averaged, not skipped
    scale = np.diag([SIDE * steps / side, SIDE * steps / side])
    large = cv2.warpAffine(photo.grey, scale @ turn, (SIDE * steps, SIDE * steps), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    small = cv2.resize(large, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float64)
    gain, offset = _contrast(small) if contrast else (1.0, 0.0)
    image = (gain * small + offset).round().clip(0, 255).astype(np.uint8)
    return Crop(image, (float(centre[0]), float(centre[1])), float(side), angle, bool(align and face.eyes), (gain, offset))


def _frame(face: Face) -> tuple[tuple[float, float], float, float]:
    """Give centre, side and angle of the square in which the eyes stand where FER2013's stand on the mean."""
    assert face.eyes is not None
    first, second = (np.array(eye) for eye in face.eyes)
    along = second - first
    side = float(np.hypot(*along)) / EYE_DISTANCE
    down = np.array([-along[1], along[0]]) / np.hypot(*along)
    centre = (first + second) / 2 + down * side * (0.5 - EYE_HEIGHT)
    return (float(centre[0]), float(centre[1])), side, float(np.degrees(np.arctan2(along[1], along[0])))


def _contrast(small: NDArray[np.float64]) -> tuple[float, float]:
    """Give gain and offset that bring the 1st and 99th percentile to FER2013's usual ones; a gain of at most 4."""
    low, high = np.percentile(small, (1, 99))
    if high - low < 2:
        return 1.0, 0.0
    gain = min(4.0, (USUAL[1] - USUAL[0]) / (high - low))
    return float(gain), float(sum(USUAL) / 2 - gain * (low + high) / 2)


def by_hand(photo: Photo, left: float, top: float, side: float) -> Face:
    """Make a face of a square that a person drew; it is moved and shrunk into the photo."""
    height, width = photo.grey.shape
    side = float(np.clip(side, min(LEAST_SIDE, width, height), min(width, height)))
    return Face(float(np.clip(left, 0, width - side)), float(np.clip(top, 0, height - side)), side)


def whole(photo: Photo) -> Face:
    """Give the largest square in the middle: where a crop by hand begins when no face was found."""
    height, width = photo.grey.shape
    side = min(height, width)
    return Face((width - side) / 2, (height - side) / 2, side)


def with_eyes(photo: Photo, face: Face) -> Face:
    """Look for the eyes in a square made by hand."""
    return replace(face, eyes=_eyes(photo.grey, (int(face.left), int(face.top), int(face.side))))


EYE_DISTANCE, EYE_HEIGHT = 17.2 / SIDE, 18.3 / SIDE
"""Distance between the eyes, and how far below the upper edge they lie: FER2013's mean, as shares of the side."""
USUAL = (15.0, 228.0)
"""FER2013's usual 1st and 99th percentile of the grey levels: the medians over its training faces."""
