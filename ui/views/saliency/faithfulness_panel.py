"""The tests of a map at length: deletion and insertion against random maps, and what is left when the network forgets."""

from __future__ import annotations

import html

import numpy as np
import streamlit as st

from fer_core.emotions import EMOTIONS
from fer_core.messages import Sentence
from fer_core.plots import figures as charts
from fer_core.plots.figures import Theme
from ui.elements import bars, downloads, messages
from ui.text import formatting
from ui.text.language import say
from ui.views.saliency.explanation import Explained, Tested

ABOUT_CURVES = """Deletion: the face's pixels are put to its mean grey, the strongest of the map first. Insertion: they come back, the
strongest first, into a strongly blurred face. A map that finds what the network leans on falls fast and rises fast. A random map is the
same map mirrored or moved to a random place, so that it is the places that are tested and not the grain."""
ABOUT_FORGETTING = """The weights of the layers are shuffled one after the other, the last first, and the map is made again. A map that
stays the same shows the face, not what the network has learned (Adebayo et al. 2018)."""


def panel(explained: Explained | None, theme: Theme) -> None:
    """Draw the panel."""
    if explained is None:
        messages.empty("No map to test", "The tests stand here as soon as there is a map.")
        return
    tested = explained.tested
    if tested is None:
        st.caption(say("The test is under way: its verdict comes beside the probabilities, and its curves here."))
        return
    left, right = st.columns([1.35, 1], gap="large")
    with left:
        _curves(explained, tested, theme)
    with right:
        _forgetting(tested, theme)
    st.html(f"<p class='fer-verdict {tested.verdict.outcome}'>{html.escape(say(tested.verdict.reason))}</p>")
    st.caption(formatting.literal(say("The rule. {rule}", rule=tested.verdict.rule)))


def _curves(explained: Explained, tested: Tested, theme: Theme) -> None:
    asked, found = explained.asked, tested.curves
    name = EMOTIONS[asked.target].capitalize()
    score = Sentence("probability of {emotion}", emotion=name) if asked.versus is None else \
        Sentence("{emotion}'s share of both", emotion=name)
    st.markdown(say("**Deletion and insertion**"), help=say(ABOUT_CURVES))
    figure = charts.map_curves({"deletion": found.deletion, "insertion": found.insertion},
                               {"deletion": found.random_deletion, "insertion": found.random_insertion}, score, theme=theme)
    downloads.show(figure, "map-curves", height=300, label="Deletion and insertion curves of the map, and of random maps")
    n = len(found.random_values)
    st.caption(say("Area under insertion minus that under deletion: {value:+.2f}; random maps {mean:+.2f} on the mean. "
                   "{worse} of {n} random maps do worse.", value=round(found.value, 2) + 0.0,
                   mean=round(float(found.random_values.mean()), 2) + 0.0, worse=round(found.beaten * n), n=n))


def _forgetting(tested: Tested, theme: Theme) -> None:
    left = tested.randomisation
    st.markdown(say("**When the network forgets**"), help=say(ABOUT_FORGETTING))
    rows = []
    for stage, (name, value) in enumerate(zip(left.layers, left.correlation[:, 0], strict=True)):
        told = say("no structure left") if np.isnan(value) else f"{float(value):.2f}"
        rows.append(bars.Row(("▸ " if stage == left.head - 1 else "") + name, float(value), told,
                             say("Random from the last layer down to {layer}", layer=name)))
    bars.signed(rows, theme, label="Rank correlation with the map of the trained network")
    st.caption(say("Rank correlation of |map| with that of the trained network, after so many layers are shuffled, the last first. "
                   "▸ is where all layers above the last convolution are random: there the verdict looks."))
