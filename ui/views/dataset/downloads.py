"""What of a data set can be taken along: the counts, the faces shown, and the command that describes the whole."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from fer_core.emotions import EMOTIONS
from ui.elements import downloads as figures
from ui.text import formatting
from ui.text.language import say
from ui.views.dataset import panels

if TYPE_CHECKING:
    from fer_core.data.dataset import Dataset


def faces_csv(dataset: Dataset, split: str, label: int | None) -> bytes:
    """Write the faces of one class (or all) of a split in Kaggle's form (emotion, pixels, Usage)."""
    from fer_core import data

    rows = panels.chosen_faces(dataset[split], label)
    part = data.Dataset({split: dataset[split].take(rows)}, dataset.name, dataset.source)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "faces.csv"
        data.write_csv(part, path)
        return path.read_bytes()


def downloads(dataset: Dataset, source: str, split: str, label: int | None) -> None:
    """Draw what can be taken along: the counts, the faces shown, and the command that does the whole set."""
    from fer_core import data

    rows = [{"split": name, **row} for name, counts in data.counts(dataset).items() for row in formatting.shares(counts)]
    which = EMOTIONS[label] if label is not None else "all"
    st.divider()
    with st.container(horizontal=True):
        st.download_button(say("Counts (CSV)"), figures.as_csv(rows), "fer-lens-counts.csv", "text/csv", icon=":material/download:",
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
            st.caption(formatting.kept(note, data.NOTES))
        st.caption(say("Fingerprint of pixels, labels and splits: {fingerprint}", fingerprint=dataset.fingerprint))
