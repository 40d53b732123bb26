"""Where on the face a map lies, region by region, and what hiding each region does; the regions can be moved."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import numpy as np
import streamlit as st

from fer_core.attribution import region_occlusion, region_shares
from fer_core.attribution.region_occlusion import Hidden
from fer_core.attribution.region_shares import Ledger
from fer_core.attribution.request import Question
from fer_core.emotions import SIDE
from fer_core.errors import FerError
from fer_core.faces import regions
from fer_core.faces.regions import FEATURES, NAMES, Box, Regions
from fer_core.messages import Sentence
from fer_core.plots import saliency_images
from fer_core.plots.figures import Theme
from ui.elements import bars
from ui.elements.gallery import picture
from ui.services import jobs, models
from ui.services.explained_face import Subject
from ui.state import bound_widgets, navigation, url_params
from ui.streamlit_ext.component import component
from ui.text import formatting
from ui.text.language import say
from ui.views.saliency.explanation import Explained

ABOUT = """**Share**: how much of |map| lies in the region. **× area**: that share over the region's share of the face; 1 is no preference.
The ground of every claim like "it looks at the mouth"."""
FILLS = {"blur": "Blur", "mean": "Grey"}
LEAST = 0.02
"""Change of a probability that a full bar stands for, or more: noise is no long bar."""
SPOKEN = {"left_eye": "Left eye", "right_eye": "Right eye", "brows": "Brows", "nose": "Nose", "mouth": "Mouth", "rest": "Rest"}

_component = component(__file__, "regions")


def spoken(name: str) -> str:
    """Write the name of a region."""
    return say(SPOKEN[name])


def written(now: Regions, usual: Regions) -> str | None:
    """Write the boxes that were moved for the URL, such as `mouth.0:12,30,36,41`; `None` when none was."""
    parts = []
    for name in FEATURES:
        for i, (box, was) in enumerate(zip(now.boxes[name], usual.boxes[name], strict=True)):
            values, before = ([round(v, 1) for v in (one.left, one.top, one.right, one.bottom)] for one in (box, was))
            if values != before:
                parts.append(f"{name}.{i}:" + ",".join(f"{value:g}" for value in values))
    return ";".join(parts) or None


def read(text: str | None, usual: Regions) -> tuple[Regions, str]:
    """Read moved boxes from the URL; what makes no sense is left aside, and told."""
    now, wrong = usual, []
    for part in filter(None, (text or "").split(";")[:20]):
        try:
            name, _, values = part.partition(":")
            region, _, index = name.partition(".")
            left, top, right, bottom = (float(value) for value in values.split(","))
            if not (0 <= left < right <= SIDE and 0 <= top < bottom <= SIDE and 0 <= int(index) < len(usual.boxes[region])):
                raise ValueError(part)
            now = now.with_box(region, int(index), Box(left, top, right, bottom))
        except (ValueError, KeyError):
            wrong.append(part[:30])
    return now, Sentence("The region '{given}' was left aside: it should read like mouth.0:12,30,36,41.", given=wrong[0]) if wrong else ""


@st.cache_data(max_entries=200, show_spinner=False)
def _located(image: np.ndarray, drawn: bool) -> dict[str, list[list[float]]] | None:
    found = regions.located(image[None], drawn=drawn)[0]
    return found.to_json() if found.eyes_found else None


def placed(subject: Subject) -> tuple[Regions, Regions, bool]:
    """Give the regions of a face as they are now, as they were found, and whether its eyes were."""
    found = _located(subject.image, subject.drawn)
    usual = Regions.from_json(found) if found else regions.fixed(drawn=subject.drawn)
    now, wrong = read(st.query_params.get("boxes"), usual)
    if wrong:
        st.info(say(wrong), icon=":material/info:")
    return now, usual, found is not None


def hiding(subject: Subject, where: Regions, fill: str) -> tuple[tuple[object, ...], jobs.Work]:
    """Name the job that hides each region in turn, and give its work."""

    def work(job: jobs.Job) -> Hidden:
        model = models.network(subject.network)
        return region_occlusion.hide(model, subject.image[None], where, fill="mean" if fill == "mean" else "blur", beat=job.tell)

    return ("hide", *subject.key, repr(where.to_json()), fill), work


def panel(subject: Subject, question: Question, explained: Explained | None, theme: Theme) -> None:
    """Draw the panel."""
    now, usual, eyes = placed(subject)
    fill = "mean" if st.query_params.get("fill") == "mean" else "blur"
    hidden = url_params.param("hide", options=NAMES)
    ledger = region_shares.ledger(explained.found.maps, now) if explained else None
    left, middle, right = st.columns([1, 1, 1.1], gap="large")
    with left:
        _face(subject, (now, usual), ledger, (hidden, explained is not None and explained.shown.failed), theme)
        if now != usual:
            st.caption(say("The regions were moved by hand."))
        elif eyes:
            st.caption(say("The eyes were found on this face, and the regions laid upon it; drag one that lies beside its feature."))
        else:
            st.caption(say("The eyes were not found, so the regions lie where they do on the average face; drag one that lies beside its "
                           "feature."))
    with middle:
        _ledger(ledger, question, theme)
        if explained is not None and explained.shown.failed:
            st.caption(say(":orange[**This map fails its test**]: where it lies says little of what the network looks at."))
    with right:
        found = _hidden(subject, question, (now, fill, hidden), theme)
    if found is not None and hidden is not None:
        _without(subject, found, now, fill, hidden)


def _face(subject: Subject, where: tuple[Regions, Regions], ledger: Ledger | None, marked: tuple[str | None, bool], theme: Theme) -> None:
    (now, usual), (hidden, failed) = where, marked
    shown = saliency_images.grey(subject.image)
    tips: dict[str, str] = {name: say("Hide: {region}", region=spoken(name).lower()) for name in FEATURES}
    if ledger is not None:
        shown = saliency_images.tinted(subject.image, now.masks, ledger.preference[0], theme)
        shown = saliency_images.greyed(shown, theme) if failed else shown
        tips = {name: say("{region}: {share:.0%} of the map on {area:.0%} of the face", region=spoken(name),
                          share=ledger.shares[0][i], area=ledger.areas[0][i]) for i, name in enumerate(FEATURES)}

    def moved() -> None:
        told = st.session_state["regions"].get("move")
        if told is not None:
            navigation.write(boxes=_checked(told["boxes"], usual))

    def picked() -> None:
        if (name := st.session_state["regions"].get("pick")) in NAMES:
            navigation.write(hide=None if name == hidden else name)

    data = {"picture": base64.b64encode(shown.tobytes()).decode("ascii"), "boxes": now.to_json(), "tips": tips, "hidden": hidden,
            "moved": "boxes" in st.query_params, "label": say("The face, its regions tinted by the map's preference"),
            "words": {"move": say("Move the regions"), "back": say("Back to where they were")}}
    with st.container(key="ledger-face"):
        _component(key="regions", data=data, on_move_change=moved, on_pick_change=picked)


def _checked(boxes: Mapping[str, list[list[float]]] | None, usual: Regions) -> str | None:
    if boxes is None:
        return None
    try:
        return written(Regions.from_json(boxes), usual)
    except (FerError, ValueError):
        return None


def _ledger(ledger: Ledger | None, question: Question, theme: Theme) -> None:
    st.markdown(say("**Where the map lies** · {method}", method=question.words.name), help=say(ABOUT))
    if ledger is None:
        st.caption(say("The ledger comes with the map."))
        return
    if ledger.blank:
        st.caption(say("The map is blank: it lies nowhere."))
        return
    rows = []
    for i, name in enumerate(ledger.names):
        preference, share, area = (float(table[0][i]) for table in (ledger.preference, ledger.shares, ledger.areas))
        rows.append(
            bars.Row(
                spoken(name),
                float(np.log2(max(preference, 1e-3))) / 2,
                say("{times:.2f} × area", times=preference),
                say("{share} of the map on {area} of the face", share=formatting.percent(share), area=formatting.percent(area)),
            )
        )
    bars.signed(rows, theme, label="Share of the map over share of the area")
    features = float(ledger.shares[0][:-1].sum())
    st.caption(say("{share} of the map lies on eyes, brows, nose and mouth, which are {area} of the face. The middle line is 1, no "
                   "preference; each half of a bar doubles twice, to 4 times and to a quarter.", share=formatting.percent(features),
                   area=formatting.percent(float(ledger.areas[0][:-1].sum()))))


def _hidden(subject: Subject, question: Question, how: tuple[Regions, str, str | None], theme: Theme) -> Hidden | None:
    where, fill, chosen = how
    target = formatting.emotion(question.target)
    st.markdown(say("**What hiding a region does** to the probability of {emotion}", emotion=target),
                help=say("The region is put under a strong blur, or the face's mean grey, and the network is asked again: an experiment "
                         "that needs no map."))
    bound_widgets.choose("Hide under", "fill", list(FILLS), words=FILLS.__getitem__, kind="segmented",
                     default="blur", hidden=True)
    found: Hidden | None = jobs.answer(*hiding(subject, where, fill), "Hiding region after region")
    if found is None:
        return None
    before = float(found.before[0][question.target])
    rows = []
    widest = max(LEAST, float(np.abs(found.after[0][:, question.target] - before).max()))
    for i, name in enumerate(found.names):
        after = float(found.after[0][i][question.target])
        called = int(found.after[0][i].argmax())
        turned = called != int(found.before[0].argmax())
        rows.append(bars.Row(("▸ " if name == chosen else "") + spoken(name), (after - before) / widest,
                             formatting.percent(after) + (f" → {formatting.emotion(called)}" if turned else ""),
                             say("{emotion} {before} before, {after} when hidden; called {called}", emotion=target,
                                 before=formatting.percent(before), after=formatting.percent(after), called=formatting.emotion(called))))
    bars.signed(rows, theme, label=Sentence("Probability of {emotion} when hidden", emotion=target))
    st.caption(say("{emotion} {p} with nothing hidden; a full bar is {points:.1f} points. → names the call where hiding changes it. "
                   "The rest is {area:.0%} of the face.", emotion=target, p=formatting.percent(before), points=100 * widest,
                   area=float(where.masks[-1].mean())))
    selection_row(chosen)
    return found


def _without(subject: Subject, found: Hidden, where: Regions, fill: str, chosen: str) -> None:
    """Draw the face without a region, and what the network says of it."""
    at = found.names.index(chosen)
    covered = region_occlusion.cover(subject.image, where.masks[at : at + 1], "mean" if fill == "mean" else "blur")[0]
    st.markdown(say("**Without {region}**", region=spoken(chosen).lower()))
    left, right = st.columns([1, 2.1], gap="large")
    with left:
        picture(covered.round().astype(np.uint8), 4 * SIDE, "covered",
                label=say("The face without its {region}", region=spoken(chosen).lower()))
    with right, st.container(key="without"):
        bars.seven(found.after[0][at], subject.label, before=found.before[0])
        st.caption(say("The ticks show the whole face, the small numbers the change in points."))


def selection_row(chosen: str | None) -> None:
    """Draw the choice of the region that is hidden."""
    st.pills(say("Hide"), NAMES, default=chosen, format_func=bound_widgets.labels(NAMES, SPOKEN.__getitem__).__getitem__, wrap=True,
             **bound_widgets.mirror("choose_hide", chosen, lambda name: navigation.write(hide=name)))
