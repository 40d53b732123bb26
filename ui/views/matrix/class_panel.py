"""Numbers per class: precision, recall and F1 with their 95% intervals, sortable, and as a figure."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from fer_core.metrics.evaluation import Evaluation
from fer_core.plots import figures as charts
from fer_core.plots.figures import Theme
from ui.elements import downloads
from ui.services.matrix_view import View
from ui.text import formatting
from ui.text.language import say


def rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return a row per class, shares in percent; what has no face or was never called is empty."""
    result = []
    for score in evaluation.per_class:
        row: dict[str, Any] = {"class": score.name.capitalize(), "faces": score.support, "called": score.predicted}
        for names, value, interval in ((("recall %", "recall from", "recall to"), score.recall, score.recall_interval),
                                       (("precision %", "precision from", "precision to"), score.precision, score.precision_interval)):
            known = not math.isnan(value)
            row |= {name: round(100 * share, 1) if known else None for name, share in zip(names, (value, *interval), strict=True)}
        result.append({**row, "F1 %": None if math.isnan(score.f1) else round(100 * score.f1, 1)})
    return result


def panel(view: View, theme: Theme) -> None:
    """Draw the panel."""
    evaluation = view.shown.evaluation
    table = rows(evaluation)
    st.markdown(say("Balanced accuracy (mean recall) **{balanced:.1%}**, macro F1 **{f1:.1%}**, among the two highest **{top2:.1%}**, loss "
                    "{nll:.3g} nats. A click on a column sorts.", balanced=evaluation.balanced_accuracy, f1=evaluation.macro_f1,
                    top2=evaluation.top2, nll=evaluation.nll))
    columns = {name: st.column_config.Column(say(name)) if name in ("class", "faces", "called") else
               st.column_config.NumberColumn(say(name), format="%.1f") for name in table[0]}
    st.dataframe([{**row, "class": say(row["class"])} for row in table], hide_index=True, width="stretch", key="class-table",
                 column_config=columns)
    st.download_button(say("Table (CSV)"), downloads.as_csv(table), "fer-lens-classes.csv", "text/csv", icon=":material/download:",
                       on_click="ignore", type="tertiary")
    empty = [formatting.emotion(number) for number, score in enumerate(evaluation.per_class) if not score.support]
    if empty:
        st.caption(say("No face of this split is labelled {classes}: recall and F1 of a class without faces are unknown, not zero.",
                       classes=formatting.commas(empty)))
    compared = {view.a.title: view.a.evaluation, **({view.b.title: view.b.evaluation} if view.b is not None else {})}
    one, two = st.columns(2, gap="large")
    with one:
        st.markdown(say("**Recall**: of the faces with this label, how many were called so."))
        downloads.show(charts.class_scores(compared, "recall", colours=view.colours, theme=theme), "recall",
                     label="Recall per class with 95% intervals")
    with two:
        st.markdown(say("**Precision**: of the faces called so, how many have this label."))
        downloads.show(charts.class_scores(compared, "precision", colours=view.colours, theme=theme), "precision",
                     label="Precision per class with 95% intervals")
