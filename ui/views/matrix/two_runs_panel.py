"""Two runs on the same faces: what B fixes and breaks of A, each with its faces, and whether chance explains the difference."""

from __future__ import annotations

import streamlit as st

from fer_core.annotations.face_filter import PARTS
from fer_core.messages import Sentence, signed
from fer_core.metrics.evaluation import McNemar, mcnemar
from fer_core.plots import figures as charts
from fer_core.plots.figures import Theme
from fer_core.runs.store import Run
from ui.elements import downloads, messages
from ui.services.matrix_view import View
from ui.services.second_run import _same_faces, alike, others
from ui.shell import page
from ui.state import bound_widgets, navigation
from ui.text import formatting
from ui.text.language import say


def choose(run: Run, split: str) -> None:
    """Draw the choice of the second run: those that predicted the same faces, and the one that the URL asks for."""
    asked = st.query_params.get("with", "")
    found = [other for other in others(run, split) if other.id == asked or _same_faces(run, other, split)]
    options = ["", *(other.id for other in found)]
    titles = bound_widgets.labels(options, {"": "no other run", **{other.id: other.title for other in found}}.__getitem__)

    def chosen(run: str) -> None:
        navigation.write(**{"with": run or None, "show": None, "part": None, "start": None})

    now = asked if asked in options else ""
    st.selectbox(say("Compare with (B)"), options, options.index(now), format_func=titles.__getitem__, disabled=not found,
                 **bound_widgets.mirror("with-run", now, chosen))


def test(view: View) -> McNemar:
    """Test whether A and B err equally often."""
    assert view.b is not None
    return mcnemar(view.a.labels, view.a.predicted, view.b.predicted)


def panel(view: View, theme: Theme) -> None:
    """Draw the panel."""
    if view.b is None:
        found = alike(view.run, view.a.split)
        messages.empty(
            "One run only",
            "Choose a second run above (Compare with): then its matrix, the difference of both, and the faces that "
            "one gets right and the other wrong stand here. A CNN against a DNN is a good first question."
            if found
            else "No other run has predicted these faces. Train another one, such as a DNN with as many parameters:",
            "" if found else "python -m fer_core train --arch dnn",
        )
        return
    tested = test(view)
    st.markdown(say("**A** is {a} ({right_a}), **B** is {b} ({right_b}; {points} points). {test}", a=formatting.literal(view.a.title),
                    right_a=formatting.percent(view.a.evaluation.accuracy), b=formatting.literal(view.b.title),
                    right_b=formatting.percent(view.b.evaluation.accuracy), points=signed(100 * tested.difference), test=tested.sentence))
    counts = {"fixes": tested.fixes, "breaks": tested.breaks, "both_wrong": tested.both_wrong, "both_right": tested.both_right}
    with st.container(horizontal=True, key="parts"):
        for name, faces in counts.items():
            on = view.choice.part == name
            st.button(say("{part}: {n:,}", part=PARTS[name], n=len(faces)), key=f"part-{name}", type="primary" if on else "secondary",
                      on_click=navigation.write, kwargs={"part": None if on else name, "start": None, "image": None})
    st.caption(say("Each opens its faces above; a cell of the matrix narrows it further."))
    group = "breaks" if view.choice.part == "breaks" else "fixes"
    rows = tested.breaks if group == "breaks" else tested.fixes
    everywhere = dict.fromkeys(("true", "pred", "cells", "class_", "part"))  # of all cells; the page's head shows one of them
    page.link("pages/saliency_viewer.py", "Fixed and broken: both maps, and how they move", why="changed", group=group,
              image=int(rows[0]) if len(rows) else None, **everywhere, **{"with": view.b.run})
    evaluations = {f"A {view.a.title}": view.a.evaluation, f"B {view.b.title}": view.b.evaluation}
    drawn = charts.compare_accuracy(evaluations, colours=view.colours, theme=theme)
    downloads.show(drawn, "compare", height=190, label="Accuracy of both runs")
    with st.expander(say("All three matrices")):
        columns = st.columns(3)
        shown = (("A", charts.matrix(view.a.evaluation.matrix, theme=theme)), ("B", charts.matrix(view.b.evaluation.matrix, theme=theme)),
                 ("B − A", charts.matrix_difference(view.a.evaluation.matrix, view.b.evaluation.matrix, theme=theme)))
        for column, (name, figure) in zip(columns, shown, strict=True):
            with column:
                st.markdown(f"**{name}**")
                downloads.show(figure, f"matrix-{name[0] if len(name) == 1 else 'difference'}", height=380,
                             label=Sentence("Confusion matrix {name}", name=name))
