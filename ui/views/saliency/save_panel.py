"""What one can take along of an explanation: the picture, the raw map, the settings, and the command line that does it again."""

from __future__ import annotations

import io
import json
import shlex
from typing import Any

import numpy as np
import streamlit as st

from fer_core.attribution.request import DEFAULT_SAMPLES, KNOBS, Question
from fer_core.emotions import EMOTIONS
from fer_core.plots import saliency_images
from fer_core.plots.figures import Theme
from ui.elements import messages, squares
from ui.elements.gallery import png
from ui.text.language import say
from ui.views.saliency import explanation
from ui.views.saliency.explanation import Explained


def panel(explained: Explained | None, theme: Theme) -> None:
    """Draw the panel."""
    if explained is None:
        messages.empty("Nothing to save yet", "Picture, map and settings can be saved as soon as there is a map.")
        return
    name = "-".join([explained.subject.file, explained.asked.method, explained.asked.said.lower().replace(" ", "-")])
    with st.container(horizontal=True, key="save-row"):
        st.download_button(say("Picture (PNG)"), lambda: picture(explained, theme), f"{name}.png", "image/png", icon=":material/image:",
                           on_click="ignore")
        st.download_button(say("Map (NPY)"), lambda: array(explained), f"{name}.npy", "application/octet-stream",
                           icon=":material/download:", on_click="ignore")
        told = json.dumps(settings(explained, st.query_params.to_dict()), indent=1)  # now: a download has no address
        st.download_button(say("Settings (JSON)"), told, f"{name}.json", "application/json", icon=":material/data_object:",
                           on_click="ignore")
    st.caption(say("The map is saved raw: float32 48 × 48, signed, unscaled. The picture holds the four squares as they are shown now."))
    if explained.tested is None:
        st.caption(say("The map's test is not finished: picture and settings are saved without its verdict."))
    if (line := command(explained)) is not None:
        st.caption(say("The same on the command line:"))
        st.code(line, language="bash", wrap_lines=True)
    elif explained.subject.index >= 0:
        st.caption(say("The command line explains by each method's usual settings only: with settings of one's own there is no command."))


def picture(explained: Explained, theme: Theme) -> bytes:
    """Encode the four squares with their captions as PNG."""
    texts = explanation.captions(explained.subject, explained.asked, explained)
    look = explained.look
    parts = [explained.shown.picture(part, look, theme) for part in squares.PARTS]
    unit = f" {explained.asked.words.unit}" if explained.asked.words.unit else ""
    more = {"map": f"orange for, purple against\n±{explained.shown.top:.2g}{unit}", "overlay": f"opacity {look.opacity}%",
            "remains": f"strongest {look.keep}%"}
    words = ["\n".join(filter(None, (texts[part][0], more.get(part, texts[part][1])))) for part in squares.PARTS]
    tested = f" {explained.tested.verdict.reason}" if explained.tested else " Its test was not finished when this was saved."
    title = f"{explained.subject.sentence} {explained.asked.words.label}.{tested}"
    return png(saliency_images.strip(parts, words, theme, smooth=look.smooth, title=title))


def array(explained: Explained) -> bytes:
    """Encode the raw map as NPY."""
    file = io.BytesIO()
    np.save(file, explained.found.maps[0].astype(np.float32))
    return file.getvalue()


def settings(explained: Explained, link: dict[str, str]) -> dict[str, Any]:
    """Tell everything that makes the map again, and what was found of it; `link` is the page's query."""
    subject, asked, found, tested = explained.subject, explained.asked, explained.found, explained.tested
    assert subject.probabilities is not None
    return {
        "run": subject.run.id, "face": subject.title,
        "split": subject.split or None, "index": subject.index if subject.index >= 0 else None,
        "label": EMOTIONS[subject.label] if subject.label >= 0 else None, "called": EMOTIONS[subject.called],
        "probabilities": dict(zip(EMOTIONS, map(float, subject.probabilities), strict=True)),
        "method": asked.method, "target": EMOTIONS[asked.target], "versus": EMOTIONS[asked.versus] if asked.versus is not None else None,
        "settings": {**defaults(asked), **asked.settings}, "layer": found.layer, "grid": found.grid, "score": float(found.scores[0]),
        "gap": float(found.gap[0]) if found.gap is not None else None, "strongest_colour": explained.shown.top,
        "verdict": {"outcome": tested.verdict.outcome, "reason": tested.verdict.reason, "rule": tested.verdict.rule} if tested else None,
        "link": link,
    }


def defaults(asked: Question) -> dict[str, float]:
    """Give what the method's settings are where nothing else was told; a blank that is the face's own mean is left out."""
    usual = {name: KNOBS[name][3] for name in asked.words.knobs if name in KNOBS} | {"samples": DEFAULT_SAMPLES.get(asked.method)}
    return {name: value for name, value in usual.items() if value is not None}


def command(explained: Explained) -> str | None:
    """Write the command that explains the same face; `None` where the command line cannot (a photo, settings of one's own)."""
    subject, asked = explained.subject, explained.asked
    if subject.index < 0 or asked.knobs:
        return None
    parts = ["python", "-m", "fer_core", "explain", subject.run.id, "--split", subject.split, "--image", str(subject.index), "--method",
             asked.method, "--target", EMOTIONS[asked.target]]
    parts += ["--versus", EMOTIONS[asked.versus]] if asked.versus is not None else []
    parts += ["--layer", asked.layer] if asked.layer else []
    return shlex.join([*parts, "--out", "map.npz"])
