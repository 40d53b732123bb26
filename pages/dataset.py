"""Dataset: how many faces of which class, the faces themselves, their copies, and what the trainer makes of them."""

from __future__ import annotations

import csv
import io
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from fer_core.emotions import EMOTIONS
from fer_core.errors import FerError
from fer_core.sentences import Sentence
from ui import cache, faces, page, selection, words
from ui.language import say

if TYPE_CHECKING:
    from fer_core.data import Dataset

VIEWS = {"faces": "Faces", "copies": "Copies and contradictions", "trainer": "As the trainer sees them"}

ABOUT = """A data set is faces of 48 × 48 grey pixels, each with one of seven labels that people gave. **Training** faces teach the network,
**validation** faces choose its best epoch, **test** faces are for one last look.

Click a bar or a mean face to see the faces of that class; click a face to open it. A label is
what someone wrote down, not a person's feeling."""


def csv_text(rows: list[dict[str, object]]) -> str:
    """Write rows as CSV."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def faces_csv(dataset: Dataset, split: str, label: int | None) -> bytes:
    """Write the faces of one class (or all) of a split in Kaggle's form (emotion, pixels, Usage)."""
    from fer_core import data

    rows = faces.chosen_faces(dataset[split], label)
    part = data.Dataset({split: dataset[split].take(rows)}, dataset.name, dataset.source)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "faces.csv"
        data.write_csv(part, path)
        return path.read_bytes()


def opened() -> None:
    """Take the path that a person named."""
    asked = st.session_state["path"].strip().strip("'\"")
    if asked:
        selection.write(data=asked, split=None, class_=None, image=None, **{"from": None})


def controls(source: str, found: list[str], splits: list[str]) -> None:
    """Draw the row of choices: data set, another path, split."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="controls"):
        selection.choose("Data set", "data", found if source in found else [*found, source], words=words.source, default=source)
        with st.popover(say("Open a file"), icon=":material/folder_open:"):
            st.text_input(say("Path of a CSV, folder or zip of FER2013"), key="path", on_change=opened, placeholder="data/fer2013.zip")
            st.caption(say("Read where it lies; nothing is uploaded or copied. What lies in the folder data/ is listed by itself."))
        if splits:
            selection.choose("Split", "split", splits, words=str.capitalize, kind="segmented", default=splits[0])


def downloads(dataset: Dataset, source: str, split: str, label: int | None) -> None:
    """Draw what can be taken along: the counts, the faces shown, and the command that does the whole set."""
    from fer_core import data

    rows = [{"split": name, **row} for name, counts in data.counts(dataset).items() for row in words.shares(counts)]
    which = EMOTIONS[label] if label is not None else "all"
    st.divider()
    with st.container(horizontal=True):
        st.download_button(say("Counts (CSV)"), csv_text(rows), "fer-lens-counts.csv", "text/csv", icon=":material/download:",
                           on_click="ignore")
        st.download_button(
            say("These faces: {split}, {emotion} (CSV)", split=split, emotion=which),
            lambda: faces_csv(dataset, split, label),
            f"fer-lens-{split}-{which}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
    st.code(f"python -m fer_core data describe {shlex.quote(source)}", language="bash")
    with st.expander(say("Counts as a table, and notes on the reading")):
        table = [
            {say("split"): say(name), **{say(EMOTIONS[i]): int(n) for i, n in enumerate(counts)}, say("together"): int(counts.sum())}
            for name, counts in data.counts(dataset).items()
        ]
        st.dataframe(table, hide_index=True, width="stretch")
        for note in dataset.notes:
            st.caption(words.kept(note, data.NOTES))
        st.caption(say("Fingerprint of pixels, labels and splits: {fingerprint}", fingerprint=dataset.fingerprint))


def main() -> None:
    """Draw the page."""
    page.setup("pages/dataset.py")
    found = cache.sources()
    source = selection.param("data", cache.default_source(found))
    head = st.empty()
    with head.container():  # at once; the numbers follow when the faces are read
        page.header("Dataset", Sentence("Reading {name} …", name=words.source(source)))
    try:
        dataset = cache.dataset(source)
    except FerError as error:
        with head.container():
            page.header("Dataset", Sentence("{name} cannot be read.", name=words.source(source)), ABOUT)
            controls(source, found, [])
            page.problem(error)
        return
    splits = list(dataset)
    split, label = selection.split(splits[0], splits), selection.emotion("class")
    with head.container():
        page.header("Dataset", words.dataset(words.source(source), {name: len(part) for name, part in dataset.items()}), ABOUT)
        controls(source, found, splits)
    faces.class_panel(dataset, split, label, page.theme())
    view = selection.choose(
        "What to look at", "view", list(VIEWS), words=lambda name: VIEWS[name], kind="segmented", default="faces", hidden=True
    )
    if view == "copies":
        faces.copies(dataset)
    elif view == "trainer":
        faces.trained_view(dataset, split, label)
    else:
        left, right = st.columns([3, 1], gap="large")
        with left:
            faces.wall(dataset[split], split, label)
        with right:
            faces.face(dataset, split, selection.param("image", cast=int, low=0))
    downloads(dataset, source, split, label)


main()
