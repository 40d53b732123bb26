"""Maps as pictures: signed colours with the page's ground as zero, overlay, what remains of the strongest part, tinted regions.

A map is float32 (48, 48), signed and raw; only here is it scaled, and always by a limit that can be told.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_core.plots.theme import DIVERGING, GROUND, TEXT, Theme, rgb

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

SHARE = 99.0
"""The strongest colour is this percentile of |map|: one pixel must not pale all others."""


def limit(*maps: NDArray[np.floating]) -> float:
    """Give the value of the strongest colour, shared by maps of any shape: the 99th percentile of |map|; 0 for blank maps."""
    sizes = np.concatenate([np.abs(part).ravel() for part in maps]) if maps else np.zeros(1)
    top = float(np.percentile(sizes, SHARE))
    return top or float(sizes.max())


def strength(map_: NDArray[np.floating], top: float) -> Floats:
    """Scale a map to -1..1, what is beyond `top` cut off; zeros where `top` is 0."""
    return np.clip(map_ / top, -1, 1).astype(np.float32) if top > 0 else np.zeros(map_.shape, np.float32)


def signed(map_: NDArray[np.floating], top: float, theme: Theme) -> Bytes:
    """Colour a map (h, w): orange speaks for, purple against, the page's ground at zero; uint8 (h, w, 3)."""
    stops = np.array([rgb(colour) for colour in DIVERGING[theme]], float)
    place = (strength(map_, top).astype(float) + 1) / 2 * (len(stops) - 1)
    return np.stack([np.interp(place, np.arange(len(stops)), stops[:, i]) for i in range(3)], -1).round().astype(np.uint8)


def overlay(face: Bytes, map_: NDArray[np.floating], top: float, opacity: float, theme: Theme) -> Bytes:
    """Lay a map over a face (h, w): the stronger a pixel the more it covers, `opacity` (0 to 1) at the most; uint8 (h, w, 3)."""
    values = strength(map_, top)
    ends = np.array([rgb(DIVERGING[theme][0]), rgb(DIVERGING[theme][-1])], np.float32)
    colour = np.where(values[..., None] < 0, ends[0], ends[1])
    cover = (opacity * np.sqrt(np.abs(values)))[..., None]
    mixed: Bytes = (face[..., None] * (1 - cover) + colour * cover).round().astype(np.uint8)
    return mixed


def ranks(map_: NDArray[np.floating], *, by_size: bool) -> NDArray[np.uint16]:
    """Rank the pixels of a map (h, w), 0 being the strongest: by |map|, or by how much they speak for the class."""
    order = np.argsort(-(np.abs(map_) if by_size else map_), axis=None, kind="stable")
    result = np.empty(map_.size, np.uint16)
    result[order] = np.arange(map_.size)
    return result.reshape(map_.shape)


def remains(face: Bytes, map_: NDArray[np.floating], share: float, theme: Theme, *, by_size: bool) -> Bytes:
    """Show of a face (h, w) only the strongest share (0 to 1) of the pixels, the others in the page's ground; uint8 (h, w, 3)."""
    kept = ranks(map_, by_size=by_size) < round(share * map_.size)
    ground = np.array(rgb(GROUND[theme]), np.uint8)
    return np.where(kept[..., None], face[..., None], ground).astype(np.uint8)


def greyed(picture: Bytes, theme: Theme) -> Bytes:
    """Take the colour out of a picture (h, w, 3) and half of its strength, for a map that failed its test."""
    light = (picture @ np.array([0.299, 0.587, 0.114]))[..., None]
    ground = np.array(rgb(GROUND[theme]), float)
    return np.broadcast_to(0.5 * light + 0.5 * ground, picture.shape).round().astype(np.uint8)


def grey(face: Bytes) -> Bytes:
    """Give a face (h, w) three channels."""
    return np.repeat(np.asarray(face, np.uint8)[..., None], 3, -1)


def tinted(face: Bytes, masks: NDArray[np.bool_], preference: NDArray[np.floating], theme: Theme) -> Bytes:
    """Tint regions (r, h, w) of a face by their preference: orange above 1, purple below it; uint8 (h, w, 3).

    The scale is logarithmic: four times and a quarter have the strongest tint.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.clip(np.nan_to_num(np.log2(preference.astype(float)) / 2, nan=0, posinf=1, neginf=-1), -1, 1)
    values = (masks * power[:, None, None]).sum(0)
    return overlay(face, values.astype(np.float32), 1.0, 0.75, theme)


def enlarged(picture: Bytes, factor: int, *, smooth: bool = False) -> Bytes:
    """Enlarge a picture (h, w, 3) by a whole factor, its pixels crisp or smooth."""
    if not smooth:
        return np.repeat(np.repeat(picture, factor, 0), factor, 1)
    from PIL import Image

    size = picture.shape[1] * factor, picture.shape[0] * factor
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))


def strip(pictures: list[Bytes], captions: list[str], theme: Theme, *, side: int = 240, smooth: bool = False, title: str = "") -> Bytes:
    """Lay square pictures (48, 48, 3) side by side with captions and a title, on the page's ground: uint8 (h, w, 3)."""
    from PIL import Image, ImageDraw, ImageFont, ImageText

    def wrapped(text: str, size: int, width: int) -> tuple[ImageText.Text[str], int]:
        made = ImageText.Text(text, ImageFont.load_default(size), spacing=6)
        made.wrap(width)
        return made, round(made.get_bbox()[3])

    gap = 12
    width = len(pictures) * (side + gap) + gap
    heading, head = wrapped(title, 16, width - 2 * gap)
    told = [wrapped(caption, 14, side) for caption in captions]
    top = gap + head + gap * bool(title)
    sheet = Image.new("RGB", (width, top + side + gap // 2 + max((tall for _, tall in told), default=0) + gap), GROUND[theme])
    pen = ImageDraw.Draw(sheet)
    pen.text((gap, gap), heading, TEXT[theme])
    for i, (picture, (caption, _)) in enumerate(zip(pictures, told, strict=True)):
        left = gap + i * (side + gap)
        sheet.paste(Image.fromarray(enlarged(picture, side // picture.shape[0], smooth=smooth)), (left, top))
        pen.text((left, top + side + gap // 2), caption, TEXT[theme])
    return np.asarray(sheet)
