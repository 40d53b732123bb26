"""When the network is sure, is it right? The threshold, coverage, calibration, and the histogram whose bars open their faces."""

from __future__ import annotations

from typing import Any

import streamlit as st

from fer_core.plots import figures as charts
from fer_core.plots.figures import Theme
from ui.elements import downloads
from ui.services.matrix_view import View
from ui.state import bound_widgets, navigation
from ui.text import formatting
from ui.text.language import say

BARS = 20


def bar(point: dict[str, Any]) -> dict[str, str]:
    """Return the query parameters that a bar of the histogram stands for."""
    number = min(BARS - 1, max(0, int(float(point["x"]) * BARS)))
    side = "wrong" if point.get("curve") == 1 or str(point.get("name", "")).startswith("wrong") else "right"
    return {"bin": f"{number / BARS:.2f}-{(number + 1) / BARS:.2f}", "side": side}


def picked(point: dict[str, Any], view: View) -> None:
    """Open the faces of a bar; a second click closes it."""
    told = bar(point)
    same = all(st.query_params.get(name) == value for name, value in told.items())
    navigation.write(**({"bin": None, "side": None} if same else told), start=None)


def moved(value: int) -> None:
    """Take the threshold of the slider, in percent."""
    navigation.write(min=f"{value / 100:.2f}" if value else None, start=None)


def threshold(view: View) -> None:
    """Draw the slider that leaves unsure predictions out, beside the matrix that it changes."""
    now = round(100 * view.choice.least)
    st.slider(say("Only predictions with p of at least (%)"), 0, 100, now, step=1, **bound_widgets.mirror("least", now, moved),
              help=say("p is the highest of the seven probabilities. The matrix, the faces and all sentences then hold for what is kept; "
                       "the panel Confidence below shows what is gained."))


def panel(view: View, theme: Theme) -> None:
    """Draw the panel."""
    answers, least = view.shown, view.choice.least
    known = answers.labels >= 0
    confidence, right = answers.confidence[known], ~answers.wrong[known]
    kept = confidence >= least
    if kept.any():
        st.markdown(say("At p of at least {least:.0f}% it answers for **{kept}** of the faces ({n:,} of {total:,}) and is right on "
                        "**{right}** of these; on all faces it is right on {everywhere}.", least=100 * least,
                        kept=formatting.percent(float(kept.mean())), n=int(kept.sum()), total=len(kept),
                        right=formatting.percent(float(right[kept].mean())), everywhere=formatting.percent(float(right.mean()))))
    else:
        st.markdown(say("No prediction has p of {least:.0f}% or more.", least=100 * least))
    one, two = st.columns(2, gap="large")
    with one:
        st.markdown(say("**Accuracy against coverage**: what is gained by leaving the unsure out."))
        downloads.show(charts.coverage(confidence, right, chosen=least or None, theme=theme), "coverage", label="Accuracy against coverage")
    with two:
        st.markdown(say("**Reliability**: when it says 80%, is it right on 80%? Calibration error {ece}.",
                        ece=formatting.percent(answers.evaluation.ece)))
        downloads.show(charts.reliability(answers.evaluation, theme=theme), "reliability", label="Reliability diagram")
    st.markdown(say("**How sure it is when right and when wrong.** Click a bar to open its faces above."))
    downloads.show(charts.confidence_bars(confidence, right, theme=theme), "confidence", label="Histogram of the highest probability",
                 on_pick=lambda point: picked(point, view))
