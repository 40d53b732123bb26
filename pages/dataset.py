"""Dataset: how many faces of which class, the faces themselves, their copies, and what the trainer makes of them."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from fer_core.errors import FerError
from fer_core.messages import Sentence
from ui.elements import messages
from ui.services import cache, predictions
from ui.shell import page
from ui.state import bound_widgets, navigation, url_params
from ui.text import formatting
from ui.text.language import say
from ui.views.dataset import downloads, panels

VIEWS = {"faces": "Faces", "copies": "Copies and contradictions", "trainer": "As the trainer sees them"}

ABOUT = """A data set is faces of 48 × 48 grey pixels, each with one of seven labels that people gave. **Training** faces teach the network,
**validation** faces choose its best epoch, **test** faces are for one last look.

Click a bar or a mean face to see the faces of that class; click a face to open it. A label is
what someone wrote down, not a person's feeling."""


def opened() -> None:
    """Take the path that a person named."""
    asked = st.session_state["path"].strip().strip("'\"")
    if asked:
        navigation.write(data=asked, split=None, class_=None, image=None, **{"from": None})


def of_run(found: list[str]) -> str | None:
    """Name the data set of the run that the URL names, so that a face's number means the same face on every page."""
    with suppress(FerError):
        known = predictions.located(cache.store().open(url_params.param("run", "")))
        return known if known in found else None
    return None


def controls(source: str, found: list[str], splits: list[str]) -> None:
    """Draw the row of choices: data set, another path, split."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        bound_widgets.choose("Data set", "data", found if source in found else [*found, source], words=formatting.source, default=source)
        with st.popover(say("Open a file"), icon=":material/folder_open:"):
            st.text_input(say("Path of a CSV, folder or zip of FER2013"), key="path", on_change=opened, placeholder="data/fer2013.zip")
            st.caption(say("Read where it lies; nothing is uploaded or copied. What lies in the folder data/ is listed by itself."))
        if splits:
            bound_widgets.choose("Split", "split", splits, words=str.capitalize, kind="segmented", default=splits[0])


def main() -> None:
    """Draw the page."""
    page.setup("pages/dataset.py")
    found = cache.sources()
    asked = url_params.param("data")
    source = asked or cache.default_source(found)
    head = st.empty()
    with head.container():  # at once; the numbers follow when the faces are read
        page.header("Dataset", Sentence("Reading {name} …", name=formatting.source(source)))
    source = asked or of_run(found) or source
    try:
        dataset = cache.dataset(source)
    except FerError as error:
        with head.container():
            page.header("Dataset", Sentence("{name} cannot be read.", name=formatting.source(source)), ABOUT)
            controls(source, found, [])
            messages.problem(error)
        return
    splits = list(dataset)
    split, label = url_params.split(splits[0], splits), url_params.emotion("class")
    with head.container():
        page.header("Dataset", formatting.dataset(formatting.source(source), {name: len(part) for name, part in dataset.items()}), ABOUT)
        controls(source, found, splits)
    panels.class_panel(dataset, split, label, messages.theme())
    messages.left_aside(url_params.strange(view=VIEWS))
    view = bound_widgets.choose(
        "What to look at", "view", list(VIEWS), words=lambda name: VIEWS[name], kind="segmented", default="faces", hidden=True
    )
    if view == "copies":
        panels.copies(dataset)
    elif view == "trainer":
        panels.trained_view(dataset, split, label)
    else:
        left, right = st.columns([3, 1], gap="large")
        with left:
            panels.wall(dataset[split], split, label)
        with right:
            messages.left_aside(url_params.strange(image=range(len(dataset[split]))))
            panels.face(dataset, split, url_params.param("image", cast=int, low=0))
    downloads.downloads(dataset, source, split, label)


main()
