"""Parts of the dataset page: the wall of one class, one face at large, copies as pairs, and faces as the trainer sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from fer_core.config import PRESETS, RunConfig
from fer_core.emotions import EMOTIONS, SIDE
from ui.elements import messages, pager
from ui.elements.gallery import gallery, picture
from ui.services import cache
from ui.state import bound_widgets, navigation, url_params
from ui.text import formatting
from ui.text.language import say

if TYPE_CHECKING:
    from fer_core.data.dataset import Dataset, Split
    from fer_core.data.near_copies import Alignment, NearCopies, Pair
    from fer_core.plots.figures import Theme
from ui.elements.gallery import colours

WALL = 240
PAIRS = 120
EXAMPLES = 24

Place = tuple[str, int]
"""A split and the index of a face in it."""




def chosen_faces(split: Split, label: int | None) -> np.ndarray:
    """Return the indices of the faces with a label, or of all."""
    return np.arange(len(split)) if label is None else np.flatnonzero(split.labels == label)


def wall(faces: Split, name: str, label: int | None) -> None:
    """Draw the faces of one class (or all), a wall at a time; the face clicked goes into the URL."""
    rows = chosen_faces(faces, label)
    image = url_params.param("image", cast=int, low=0, high=len(faces) - 1)
    first = pager.begin("from", len(rows), WALL)
    shown = rows[first : first + WALL]
    what = say("of all classes") if label is None else say("labelled {emotion}", emotion=formatting.emotion(label))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(say("**{faces}** {what}", faces=formatting.faces(len(rows)), what=what), width="stretch")
        factor = bound_widgets.choose("Size of the faces", "size", [1, 2], words=lambda n: f"× {n}", kind="segmented", hidden=True)
    tips = [say("{emotion}, {split} face {index}", emotion=formatting.emotion(faces.labels[i]), split=name, index=i) for i in shown]
    at = np.flatnonzero(shown == image)
    gallery(
        faces.images[shown],
        "gallery",
        colours=colours(faces.labels[shown]),
        tips=tips,
        selected=int(at[0]) if len(at) else None,
        on_pick=lambda i: navigation.write(image=int(shown[i])),
        height=480,
        size=SIDE * factor,
        label=say("{split} faces {what}", split=name, what=what),
    )
    pager.draw("from", first, len(rows), WALL)


def face(dataset: Dataset, split: str, index: int | None) -> None:
    """Draw one face at large with its label, its place in the source, and its copies."""
    if index is None or index >= len(dataset[split]):
        messages.empty(
            "No face chosen",
            "Click a face (or walk with the arrow keys and press Enter): it opens here with its label, its row in the file and its copies.",
        )
        return
    faces = dataset[split]
    smooth = st.session_state.get("smooth", False)
    named = {"emotion": formatting.emotion(faces.labels[index]), "split": split, "index": index}
    picture(faces.images[index], 4 * SIDE, "face", smooth=smooth, label=say("{emotion}, {split} face {index}", **named))
    st.toggle(say("Smooth pixels"), key="smooth")
    twins = [
        place for group in cache.copies(dataset.source).groups if (split, index) in group for place in group if place != (split, index)
    ]
    place = ("Labelled **{emotion}** · {split} face {index} · row `{id}`" if isinstance(faces.ids[index].item(), int) else
             "Labelled **{emotion}** · {split} face {index} · file `{id}`")
    st.markdown(say(place, id=str(faces.ids[index]), **named))
    if twins:
        said = formatting.listed(
            [
                say("{split} {index} ({emotion})", split=name, index=i, emotion=formatting.emotion(dataset[name].labels[i]))
                for name, i in twins[:6]
            ]
        )
        st.markdown(say("The very same pixels stand at {places} and {n} more places.", places=said, n=len(twins) - 6) if len(twins) > 6 else
                    say("The very same pixels stand at {places}.", places=said))
    else:
        st.markdown(say("No other face has the same pixels."))


def pair(dataset: Dataset, one: Place, other: Place) -> np.ndarray:
    """Put two faces side by side with a see-through gap: uint8 (48, 100, 4)."""
    sheet = np.zeros((SIDE, 2 * SIDE + 4, 4), np.uint8)
    for (split, index), left in ((one, 0), (other, SIDE + 4)):
        sheet[:, left : left + SIDE, :3] = dataset[split].images[index][..., None]
        sheet[:, left : left + SIDE, 3] = 255
    return sheet


def conflict_pairs(dataset: Dataset, groups: list[tuple[Place, ...]]) -> list[tuple[Place, Place]]:
    """Take from each group of copies two faces whose labels differ."""
    label = {place: int(dataset[place[0]].labels[place[1]]) for group in groups for place in group}
    return [(group[0], next(place for place in group if label[place] != label[group[0]])) for group in groups]


def leaked_pairs(dataset: Dataset, groups: list[tuple[Place, ...]]) -> list[tuple[Place, Place]]:
    """Pair each validation or test face with the training face of the same pixels."""
    pairs = []
    for group in groups:
        trained = [place for place in group if place[0] == "train"]
        pairs += [(place, trained[0]) for place in group if trained and place[0] != "train"]
    return pairs


def pair_wall(dataset: Dataset, pairs: list[tuple[Place, Place]], key: str) -> None:
    """Draw pairs of equal faces with both labels under them; a click opens the first of the two."""
    shown = pairs[:PAIRS]
    if not shown:
        return
    names = [[formatting.emotion(dataset[split].labels[index]) for split, index in both] for both in shown]
    places = [" | ".join(f"{say(split)} {index}" for split, index in both) for both in shown]
    captions = [f"{a} | {b}\n{where}" for (a, b), where in zip(names, places, strict=True)]
    gallery(
        np.stack([pair(dataset, *both) for both in shown]),
        key,
        captions=captions,
        size=96,
        height=420,
        label="Pairs of equal faces",
        on_pick=lambda i: navigation.write(split=shown[i][0][0], image=shown[i][0][1], class_=None, view="faces", **{"from": None}),
    )
    if len(pairs) > PAIRS:
        st.caption(say("The first {shown} of {n:,} pairs.", shown=PAIRS, n=len(pairs)))


def copies(dataset: Dataset) -> None:
    """Tell copies within and across splits, contradictions and blank faces, each with its pictures."""
    found = cache.copies(dataset.source)
    conflicts, leaks = conflict_pairs(dataset, found.conflicts), leaked_pairs(dataset, found.groups)
    surplus = formatting.listed([say("{n:,} in {split}", n=count, split=split) for split, count in found.surplus.items()])
    st.markdown(say("Exact copies, faces beyond the first of their kind: **{copies}**.", copies=surplus))
    st.markdown(say("#### {faces} with copies whose labels contradict each other", faces=formatting.faces(len(conflicts))))
    st.caption(say("The same pixels, labelled differently: no network can be right on both. "
                   "Both labels stand under the pair, with where each is found."))
    if conflicts:
        pair_wall(dataset, conflicts, "conflicts")
    else:
        st.success(say("None: wherever a face occurs again, it has the same label."), icon=":material/check:")
    held = [
        say(
            "{n:,} of {all:,} {split} faces ({share})", n=int(mask.sum()), all=len(mask), split=split, share=formatting.percent(mask.mean())
        )
        for split, mask in found.leaked.items()
        if len(mask)
    ]
    st.markdown(say("#### Faces that training has already shown"))
    st.caption(
        say("{faces} stand in the training split, pixel for pixel. Every accuracy is therefore also given without them.",
            faces=formatting.listed(held))
        if held
        else say("There is no other split than training.")
    )
    pair_wall(dataset, leaks, "leaks")
    blanks(dataset, found.blank)
    near(dataset)


def alteration(how: Alignment) -> str:
    """Say how one face becomes its near copy: `mirrored, 2 px right, 1.07 times as large`."""
    told = [say("mirrored")] if how.mirrored else []
    for pixels, ahead, back in ((how.right, "{n} px right", "{n} px left"), (how.down, "{n} px down", "{n} px up")):
        if round(abs(pixels)):
            told.append(say(ahead if pixels > 0 else back, n=round(abs(pixels))))
    if abs(how.scale - 1) >= 0.02:
        told.append(say("{scale:.2f} times as large", scale=how.scale))
    return formatting.commas(told) if told else say("lit or encoded anew")


def nearest_pairs(found: NearCopies) -> list[Pair]:
    """Pair each near copy of a training face with the training face most like it, the least alike pair first."""
    best: dict[Place, Pair] = {}
    for pair in found.across():  # the most alike first
        split, index = pair.other
        if found.near[split][index]:
            best.setdefault(pair.other, pair)
    return list(best.values())[::-1]


def near(dataset: Dataset) -> None:
    """Tell the near copies of training faces, and those inside the training split, as pairs."""
    if "train" not in dataset:
        return
    st.markdown(say("#### Near copies: faces that training has seen altered"))
    found = cache.near_copies(dataset.source)
    held = [
        say(
            "{n:,} of {all:,} {split} faces ({share})", n=int(mask.sum()), all=len(mask), split=split, share=formatting.percent(mask.mean())
        )
        for split, mask in found.near.items()
        if len(mask)
    ]
    if held:
        st.caption(say("{faces} are altered copies of training faces: mirrored, shifted, cropped, lit or encoded anew. A perceptual hash "
                       "proposes pairs; the correlation of their fine structure, one face laid upon the other, proves them. Runs that are "
                       "predicted from now on give every accuracy without exact and near copies, too. On the left the training face, on "
                       "the right its copy; of equal copies one is shown.", faces=formatting.listed(held)))
        near_wall(dataset, nearest_pairs(found), "near")
    inside = found.within("train")[::-1]
    sizes = np.bincount(found.groups) if len(found.groups) else np.zeros(1, np.int64)
    if not inside:
        st.caption(say("Inside the training split there is no near copy."))
        return
    st.markdown(say("**Inside the training split**: {pairs:,} pairs of near copies. Copies, exact and near, join {faces:,} of its faces to "
                    "{groups:,} groups, the largest of {most:,} faces.", pairs=len(inside), faces=int(sizes[sizes > 1].sum()),
                    groups=int((sizes > 1).sum()), most=int(sizes.max())))
    with st.expander(say("Pairs inside the training split")):
        near_wall(dataset, inside, "near-train")


def near_wall(dataset: Dataset, pairs: list[Pair], key: str) -> None:
    """Draw near copies beside what they are copies of, the least alike first; a click opens the copy."""
    shown = pairs[:PAIRS]
    if not shown:
        return
    captions, tips = [], []
    for both in shown:
        one, other = (formatting.emotion(dataset[split].labels[index]) for split, index in (both.one, both.other))
        places = " | ".join(f"{say(split)} {index}" for split, index in (both.one, both.other))
        how, r = alteration(both.alignment), both.alignment.correlation
        captions.append(f"{one} | {other}\n{places}\n{how}\n" + say("correlation {r:.2f}", r=r))
        tips.append(say("The right face is the left one {how}; correlation {r:.3f}", how=how, r=r))
    gallery(
        np.stack([pair(dataset, both.one, both.other) for both in shown]),
        key,
        captions=captions,
        tips=tips,
        size=96,
        height=420,
        label="Pairs of near copies, the least alike first",
        on_pick=lambda i: navigation.write(split=shown[i].other[0], image=shown[i].other[1], class_=None, view="faces", **{"from": None}),
    )
    if len(pairs) > PAIRS:
        st.caption(say("The first {shown} of {n:,} pairs.", shown=PAIRS, n=len(pairs)))


def blanks(dataset: Dataset, blank: dict[str, np.ndarray]) -> None:
    """Draw the faces of one constant value."""
    places = [(split, int(index)) for split, rows in blank.items() for index in rows]
    st.markdown(say("#### Blank images"))
    if not places:
        st.caption(say("None: no face is a single grey."))
        return
    st.caption(say("{faces} of one single grey, with a label all the same.", faces=formatting.faces(len(places))))
    gallery(
        np.stack([dataset[split].images[index] for split, index in places[:WALL]]),
        "blank",
        label="Blank images",
        captions=[f"{formatting.emotion(dataset[split].labels[index])}\n{say(split)} {index}" for split, index in places[:WALL]],
    )


def trained_view(dataset: Dataset, split: str, label: int | None) -> None:
    """Draw one face as the first epochs of a preset would see it, by the trainer's own code."""
    from fer_core.data.augmentation import Sampler, examples

    preset = bound_widgets.choose("As the trainer of this preset sees it", "preset", list(PRESETS), kind="segmented", default="strong")
    config = RunConfig.from_preset(preset)
    faces = dataset[split]
    rows = chosen_faces(faces, label)
    index = url_params.param("image", int(rows[0]) if len(rows) else 0, cast=int, low=0, high=len(faces) - 1)
    st.markdown(formatting.changes(config))
    left, right = st.columns([1, 3])
    with left:
        st.markdown(
            say("**The face** ({split} {index}, {emotion})", split=split, index=index, emotion=formatting.emotion(faces.labels[index]))
        )
        picture(faces.images[index], 4 * SIDE, "original", label="The face as it is stored")
    with right:
        st.markdown(say("**In the first {n} epochs** (seed {seed})", n=EXAMPLES, seed=config.seed))
        gallery(
            examples(faces.images[index], config, EXAMPLES),
            "examples",
            size=2 * SIDE,
            label="The face as the trainer sees it",
            captions=[say("epoch {epoch}", epoch=epoch + 1) for epoch in range(EXAMPLES)],
        )
    labels = dataset["train"].labels if "train" in dataset else faces.labels
    labels = np.asarray(labels[labels >= 0])
    if len(labels):
        size = len(EMOTIONS)
        drawn = labels[Sampler(labels, config).order(0)]
        st.caption(formatting.oversampled(np.bincount(labels, minlength=size), np.bincount(drawn, minlength=size)))


def class_panel(dataset: Dataset, split: str, label: int | None, theme: Theme) -> None:
    """Draw the bar per class, what the bars mean in words, and the mean face of each class; a click chooses the class."""
    from fer_core import data
    from fer_core.plots import figures
    from ui.elements.chart import chart

    counts = data.counts(dataset)[split]

    def choose(index: int) -> None:
        navigation.write(class_=None if index == label else EMOTIONS[index], image=None, **{"from": None})

    figure = figures.class_bars({split: counts.tolist()}, chosen=label, theme=theme)
    figure.update_traces(name=say("{split} ({faces:,})", split=split, faces=int(counts.sum())))
    left, right = st.columns([2, 1], gap="large")
    with left:
        chart(
            figure,
            "classes",
            height=310,
            label=say("Faces per class of the {split} split", split=split),
            on_pick=lambda point: choose(EMOTIONS.index(point["x"])),
        )
    with right:
        st.markdown(formatting.imbalance(counts))
        unlabelled = int((dataset[split].labels < 0).sum())
        if unlabelled:
            st.markdown(say("{faces} of this split have no label.", faces=formatting.faces(unlabelled)))
    st.caption(say("Mean face of each class: all its faces, averaged pixel by pixel."))
    gallery(
        cache.mean_faces(dataset.source, split),
        "means",
        size=SIDE * 2,
        selected=label,
        on_pick=choose,
        label="Mean faces",
        captions=[formatting.emotion(number) for number in range(len(EMOTIONS))],
        colours=colours(np.arange(len(EMOTIONS))),
    )
