"""Figures by what they draw: coordinates, colours, words, and the same numbers in the table."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from fer_core.emotions import EMOTIONS
from fer_core.errors import FerError
from fer_core.metrics.evaluation import evaluate, wilson
from fer_core.plots import figures
from fer_core.plots import theme as colours
from fer_core.plots.figures import Curve

THEMES: tuple[colours.Theme, ...] = ("light", "dark")


def history(n: int = 6, shift: float = 0.0) -> dict[str, np.ndarray]:
    epoch = np.arange(1.0, n + 1)
    rise = 1 - np.exp(-epoch / 3)
    columns = {
        "epoch": epoch,
        "accuracy": 0.2 + 0.6 * rise,
        "val_accuracy": 0.2 + 0.5 * rise + shift,
        "loss": 2 - rise,
        "val_loss": 2.1 - rise,
        "learning_rate": 1e-3 * (1 - rise),
        "images_per_second": np.full(n, 230.0),
    }
    return columns | {f"recall_{name}": np.clip(0.1 * index + 0.3 * rise, 0, 1) for index, name in enumerate(EMOTIONS)}


def predictions(n: int = 600) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = random.integers(0, 7, n)
    logits = random.normal(size=(n, 7))
    logits[np.arange(n), labels] += 1.5
    probabilities = np.exp(logits)
    return labels, probabilities / probabilities.sum(1, keepdims=True)


LABELS, PROBABILITIES = predictions()
EVALUATION = evaluate(LABELS, PROBABILITIES, leaked=np.arange(600) % 10 == 0)
COUNTS = {"train": [3995, 436, 4097, 7215, 4830, 3171, 4965]}
CONFIDENCE, RIGHT = PROBABILITIES.max(1), PROBABILITIES.argmax(1) == LABELS
FIGURES: dict[str, Callable[[colours.Theme], go.Figure]] = {
    "curves": lambda theme: figures.curves(
        [Curve("a", history(), best=5, stopped=6), Curve("b", history(4), figures.run_colour(1), best=4)], theme=theme
    ),
    "loss": lambda theme: figures.curves([Curve("a", history(), best=6)], "loss", theme=theme),
    "learning_rate": lambda theme: figures.learning_rate([Curve("a", history())], theme=theme),
    "images_per_second": lambda theme: figures.images_per_second([Curve("a", history()), Curve("b", history())], theme=theme),
    "recall": lambda theme: figures.recall_over_epochs(history(), support=[10] * 7, chosen=1, theme=theme),
    "matrix": lambda theme: figures.matrix(EVALUATION.matrix, theme=theme),
    "film": lambda theme: figures.matrix_film(np.stack([EVALUATION.matrix, EVALUATION.matrix + 1]), theme=theme),
    "difference": lambda theme: figures.matrix_difference(EVALUATION.matrix, EVALUATION.matrix.T, theme=theme),
    "class_bars": lambda theme: figures.class_bars(COUNTS, theme=theme),
    "class_bars of two": lambda theme: figures.class_bars(COUNTS | {"test": [1, 2, 3, 4, 5, 6, 7]}, theme=theme),
    "probability_bars": lambda theme: figures.probability_bars(PROBABILITIES[0], 3, theme=theme),
    "probe": lambda theme: figures.probe_over_epochs(PROBABILITIES[:5], 3, theme=theme),
    "seeds": lambda theme: figures.seed_band({"a": [history(), history(4, 0.1)]}, theme=theme),
    "class_scores": lambda theme: figures.class_scores({"a": EVALUATION}, theme=theme),
    "compare_accuracy": lambda theme: figures.compare_accuracy({"a": EVALUATION, "b": EVALUATION}, theme=theme),
    "reliability": lambda theme: figures.reliability(EVALUATION, theme=theme),
    "coverage": lambda theme: figures.coverage(CONFIDENCE, RIGHT, chosen=0.5, theme=theme),
    "confidence_bars": lambda theme: figures.confidence_bars(CONFIDENCE, RIGHT, theme=theme),
}


def traces(figure: go.Figure) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data}


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_shows_the_page_through_names_its_axes_and_has_a_table(name: str, theme: colours.Theme) -> None:
    figure = FIGURES[name](theme)
    look = figure.layout.template.layout
    assert look.paper_bgcolor == look.plot_bgcolor == "rgba(0,0,0,0)" and look.font.color == colours.TEXT[theme]
    assert figure.layout.xaxis.title.text or figure.layout.yaxis.title.text
    table = figures.to_table(figure)
    assert table and len({len(column) for column in table.values()}) == 1
    json.loads(figure.to_json())
    json.dumps(table)


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_functions_of_their_data(name: str) -> None:
    assert FIGURES[name]("light").to_json() == FIGURES[name]("light").to_json() != FIGURES[name]("dark").to_json()


def test_an_unknown_theme_is_refused() -> None:
    with pytest.raises(FerError, match="theme"):
        figures.class_bars(COUNTS, theme="sepia")  # type: ignore[arg-type]


def test_one_run_is_training_dashed_and_validation_solid() -> None:
    drawn = traces(figures.curves([Curve("a", history(), "#123456", best=5)]))
    assert drawn["training"].line.dash == "dash" and drawn["validation"].line.dash == "solid"
    assert drawn["training"].line.color == drawn["validation"].line.color == "#123456"
    assert np.array_equal(drawn["validation"].y, history()["val_accuracy"]) and np.array_equal(drawn["training"].y, history()["accuracy"])
    best = drawn["a, best epoch"]
    assert (
        list(best.x) == [5]
        and list(best.y) == [history()["val_accuracy"][4]]
        and best.text[0] == f"{history()['val_accuracy'][4]:.1%}, epoch 5"
    )


def test_several_runs_share_the_chart_and_a_click_hides_a_whole_run() -> None:
    runs = [Curve(name, history(shift=0.02 * place), figures.run_colour(place), best=3) for place, name in enumerate("abc")]
    figure = figures.curves(runs)
    drawn = traces(figure)
    for run in runs:
        assert (
            drawn[run.name].legendgroup
            == drawn[f"{run.name}, training"].legendgroup
            == drawn[f"{run.name}, best epoch"].legendgroup
            == run.name
        )
        assert drawn[run.name].showlegend and not drawn[f"{run.name}, training"].showlegend
    assert "dashed: training" in figure.layout.xaxis.title.text


def test_numbers_of_best_epochs_do_not_cover_each_other() -> None:
    figure = figures.curves([Curve(name, history(), best=5) for name in "abcd"])
    shown = [trace for trace in figure.data if trace.name.endswith("best epoch") and trace.mode == "markers+text"]
    assert len(shown) == len({trace.textposition for trace in shown}) == 2
    assert sum(trace.name.endswith("best epoch") for trace in figure.data) == 4


def test_early_stopping_is_a_dashed_line_at_its_epoch() -> None:
    figure = figures.curves([Curve("a", history(), stopped=6)])
    assert [(line.x0, line.x1, line.line.dash) for line in figure.layout.shapes] == [(6, 6, "dash")]
    assert figure.layout.annotations[0].text == "stopped after 6"
    assert not figures.curves([Curve("a", history())]).layout.shapes


def test_before_the_first_epoch_the_figure_says_so() -> None:
    empty = history(0)
    for figure in (
        figures.curves([Curve("a", empty, best=None)]),
        figures.curves([]),
        figures.learning_rate([Curve("a", empty)]),
        figures.recall_over_epochs(empty, support=[5] * 7, chosen=2),
        figures.probe_over_epochs(np.empty((0, 7))),
        figures.seed_band({"a": [empty]}),
    ):
        assert figure.layout.annotations[0].text == "No epoch is complete yet."


def test_a_single_epoch_is_a_visible_dot_and_nan_breaks_nothing() -> None:
    assert all("markers" in trace.mode for trace in figures.curves([Curve("a", history(1), best=1)]).data)
    broken = history() | {"loss": np.full(6, np.nan), "val_loss": np.array([1.5, 1.4, np.nan, np.inf, np.nan, np.nan])}
    low, high = figures.curves([Curve("a", broken, best=2)], "loss").layout.yaxis.range
    assert 0 <= low < 1.4 and 1.5 < high < 2


def test_the_band_of_the_chosen_class_is_wilson() -> None:
    drawn = traces(figures.recall_over_epochs(history(), support=[56] * 7, chosen=1))
    recall = history()["recall_disgust"]
    assert np.array_equal(drawn["Disgust (56)"].y, recall) and drawn["Disgust (56)"].line.color == figures.EMOTION_COLOURS["disgust"]
    expected = [wilson(round(value * 56), 56) for value in recall]
    assert np.allclose(np.stack([drawn["Disgust, 95% interval, low"].y, drawn["Disgust, 95% interval, high"].y], 1), expected)
    assert drawn["Happy (56)"].opacity < drawn["Disgust (56)"].opacity == 1


def test_repeated_seeds_are_mean_and_deviation_over_common_epochs() -> None:
    drawn = traces(figures.seed_band({"strong": [history(6), history(4, 0.1)]}))
    values = np.stack([history(6)["val_accuracy"][:4], history(4, 0.1)["val_accuracy"]])
    assert np.allclose(drawn["strong (2 seeds)"].y, values.mean(0))
    assert np.allclose(drawn["strong, high"].y, values.mean(0) + values.std(0, ddof=1))
    assert np.allclose(traces(figures.seed_band({"one": [history()]}))["one, low"].y, history()["val_accuracy"])


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("shading", figures.SHADINGS)
@pytest.mark.parametrize("kind", ["trained", "untrained", "one class", "perfect"])
def test_ink_stands_out_on_every_cell(theme: colours.Theme, shading: figures.Shading, kind: str) -> None:
    counts = {
        "trained": EVALUATION.matrix,
        "untrained": np.full((7, 7), 9),
        "one class": np.eye(7, dtype=int)[[3] * 7] * 500,
        "perfect": np.eye(7, dtype=int) * 80,
    }[kind]
    figure = figures.matrix(counts, shading=shading, theme=theme)
    ground = [[""] * 7 for _ in range(7)]
    for heat in (trace for trace in figure.data if trace.type == "heatmap"):
        scale = tuple(stop[1] for stop in heat.colorscale)
        for r, c in itertools.product(range(7), range(7)):
            if not np.isnan(heat.z[r][c]):
                ground[r][c] = colours.shade(scale, (heat.z[r][c] - heat.zmin) / (heat.zmax - heat.zmin))
    words = figure.data[-1]
    assert len(words.text) == 49
    for text, ink, fill in zip(words.text, words.textfont.color, [fill for row in ground for fill in row], strict=True):
        assert text == "" or colours.contrast(ink, fill) >= 4.5


def test_matrix_shows_counts_and_row_percent_with_the_true_class_down() -> None:
    counts = np.arange(49).reshape(7, 7)
    figure = figures.matrix(counts)
    words = figure.data[-1]
    cell = {(true, predicted): text for true, predicted, text in zip(words.y, words.x, words.text, strict=True)}
    assert cell["disgust", "happy"].startswith("10<br>") and f"{10 / counts[1].sum():.0%}" in cell["disgust", "happy"]
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("predicted", "true")
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # the first class stands on top
    table = figures.to_table(figure)
    assert len(table["count"]) == 49 and sum(table["count"]) == counts.sum()
    row = [(t, p) for t, p in zip(table["true"], table["predicted"], strict=True)].index(("disgust", "happy"))
    assert table["count"][row] == 10


def test_errors_only_hides_the_diagonal() -> None:
    figure = figures.matrix(EVALUATION.matrix, shading="errors")
    heats = [trace for trace in figure.data if trace.type == "heatmap"]
    assert len(heats) == 1 and np.isnan(np.diag(heats[0].z)).all()
    assert sum(not text for text in figure.data[-1].text) == 7
    assert np.nansum(heats[0].z) == pytest.approx(1)


def test_shadings_mean_what_they_say() -> None:
    counts = EVALUATION.matrix
    for shading, expected in (
        ("row", counts / counts.sum(1, keepdims=True)),
        ("column", counts / counts.sum(0)),
        ("all", counts / counts.sum()),
        ("log", np.log10(1 + counts)),
    ):
        loud, calm = figures.matrix(counts, shading=shading).data[:2]  # type: ignore[arg-type]
        assert np.allclose(np.where(np.isnan(loud.z), calm.z, loud.z), expected)
    with pytest.raises(FerError, match="shading"):
        figures.matrix(counts, shading="rainbow")  # type: ignore[arg-type]


def test_film_has_a_frame_per_epoch_and_one_scale() -> None:
    films = np.stack([EVALUATION.matrix, EVALUATION.matrix * 2, EVALUATION.matrix + 5])
    figure = figures.matrix_film(films)
    assert [frame.name for frame in figure.frames] == ["1", "2", "3"] and len(figure.layout.sliders[0].steps) == 3
    assert {frame.data[0].zmax for frame in figure.frames} == {figure.data[0].zmax}
    assert np.array_equal(figure.data[0].customdata[..., 0], films[-1])
    with pytest.raises(FerError, match="epoch"):
        figures.matrix_film(np.zeros((0, 7, 7), int))


@pytest.mark.parametrize("theme", THEMES)
def test_difference_is_zero_on_the_ground_of_the_page(theme: colours.Theme) -> None:
    a, b = EVALUATION.matrix, np.roll(EVALUATION.matrix, 1, axis=1)
    figure = figures.matrix_difference(a, b, theme=theme)
    heat = figure.data[0]
    assert heat.zmin == -heat.zmax and heat.colorscale[2][0] == 0.5 and heat.colorscale[2][1] == colours.GROUND[theme]
    assert np.allclose(heat.z, 100 * (b / b.sum(1, keepdims=True) - a / a.sum(1, keepdims=True)))
    assert np.array_equal(heat.customdata[..., 0], b - a)
    assert set(figures.matrix_difference(a, a).data[1].text) == {"0.0"}


def test_class_bars_have_counts_shares_and_the_emotions_colours() -> None:
    bar = figures.class_bars(COUNTS).data[0]
    assert list(bar.y) == COUNTS["train"] and list(bar.marker.color) == list(figures.EMOTION_COLOURS.values())
    assert sum(share for _, share in bar.customdata) == pytest.approx(1)
    both = figures.class_bars(COUNTS | {"test": [1] * 7})
    assert list(both.data[1].y) == [1 / 7] * 7 and both.data[0].marker.pattern.shape != both.data[1].marker.pattern.shape
    assert list(figures.class_bars({"none": [0] * 7}).data[0].y) == [0] * 7
    assert list(figures.class_bars(COUNTS, chosen=2).data[0].marker.opacity).count(1.0) == 1


def test_probability_bars_fill_the_predicted_and_outline_the_true() -> None:
    bar = figures.probability_bars(np.array([0.1, 0, 0, 0.6, 0.2, 0, 0.1]), 4).data[0]
    assert bar.marker.color[3] == figures.EMOTION_COLOURS["happy"] and bar.marker.color[4] != figures.EMOTION_COLOURS["sad"]
    assert [width > 0 for width in bar.marker.line.width] == [index == 4 for index in range(7)]
    assert figures.to_table(figures.probability_bars(PROBABILITIES[0], 4))["class"] == list(EMOTIONS)


def test_sparkline_is_bare_and_ends_in_a_dot() -> None:
    figure = figures.sparkline([0.1, 0.5, 0.4], "#1192B2")
    assert not figure.layout.xaxis.visible and not figure.layout.yaxis.visible and not figure.layout.showlegend
    assert list(figure.data[1].x) == [3] and list(figure.data[1].y) == [0.4]
    assert len(figures.sparkline([]).data[0].x) == 0


def test_class_scores_and_accuracies_carry_their_intervals() -> None:
    table = figures.to_table(figures.class_scores({"a": EVALUATION}))
    assert table["class"] == list(EMOTIONS) and table["recall"] == pytest.approx([score.recall for score in EVALUATION.per_class])
    assert table["low"] == pytest.approx([score.recall_interval[0] for score in EVALUATION.per_class])
    assert table["high"] == pytest.approx([score.recall_interval[1] for score in EVALUATION.per_class])
    table = figures.to_table(figures.compare_accuracy({"a": EVALUATION}))
    assert EVALUATION.without_copies is not None
    assert table["run"] == ["a", "a"] and table["accuracy"] == [EVALUATION.accuracy, EVALUATION.without_copies.accuracy]
    assert (table["low"][0], table["high"][0]) == pytest.approx(EVALUATION.interval)
    assert figures.to_table(figures.compare_accuracy({"a": evaluate(LABELS, PROBABILITIES)}))["accuracy"] == [EVALUATION.accuracy]


def test_reliability_draws_the_bins_that_have_faces() -> None:
    drawn = figures.reliability(EVALUATION).data[1]
    full = [part for part in EVALUATION.bins if part.n]
    assert list(drawn.y) == [part.accuracy for part in full] and f"{EVALUATION.ece:.1%}" in drawn.name


def test_coverage_ends_at_the_accuracy_of_all_and_ties_leave_together() -> None:
    line, dot = figures.coverage(CONFIDENCE, RIGHT, chosen=0.5).data
    assert line.x[-1] == 1 and line.y[-1] == pytest.approx(EVALUATION.accuracy)
    assert dot.x[0] == pytest.approx((CONFIDENCE >= 0.5).mean()) and dot.y[0] == pytest.approx(RIGHT[CONFIDENCE >= 0.5].mean())
    tied = figures.coverage(np.array([0.9, 0.9, 0.4]), np.array([True, False, True])).data[0]
    assert list(tied.x) == pytest.approx([2 / 3, 1]) and list(tied.y) == pytest.approx([0.5, 2 / 3])
    assert len(figures.coverage(np.empty(0), np.empty(0, bool)).data[0].x) == 0


def test_confidence_bars_count_every_face_once() -> None:
    right, wrong = figures.confidence_bars(CONFIDENCE, RIGHT).data
    assert sum(right.y) == RIGHT.sum() and sum(wrong.y) == (~RIGHT).sum()
