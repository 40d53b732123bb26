"""Scores against scikit-learn and SciPy, and what an Evaluation promises."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, t
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
    top_k_accuracy_score,
)

from fer_core.emotions import EMOTIONS
from fer_core.errors import FerError
from fer_core.metrics.evaluation import (
    accuracy_interval,
    entropy,
    evaluate,
    from_matrix,
    loss,
    margin,
    wilson,
)
from fer_core.metrics.scores import student

CLASSES = range(7)


def make(n: int, seed: int, skill: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 7, n)
    logits = random.normal(size=(n, 7))
    logits[np.arange(n), labels] += skill
    probabilities = np.exp(logits)
    return labels, probabilities / probabilities.sum(1, keepdims=True)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 200), seed=st.integers(0, 10_000), skill=st.floats(-2, 4))
def test_scores_equal_scikit_learn(n: int, seed: int, skill: float) -> None:
    labels, probabilities = make(n, seed, skill)
    predicted = probabilities.argmax(1)
    result = evaluate(labels, probabilities)
    assert np.array_equal(result.matrix, confusion_matrix(labels, predicted, labels=CLASSES))
    assert result.accuracy == pytest.approx(accuracy_score(labels, predicted))
    recalls = [np.mean(predicted[labels == c] == c) for c in np.unique(labels)]
    assert result.balanced_accuracy == pytest.approx(np.mean(recalls))
    assert result.macro_f1 == pytest.approx(f1_score(labels, predicted, average="macro", zero_division=0))
    precision, recall, f1, support = precision_recall_fscore_support(labels, predicted, labels=CLASSES, zero_division=np.nan)
    for score, *expected in zip(result.per_class, precision, recall, f1, support, strict=True):
        assert score.support == expected[3]
        assert [score.precision, score.recall] == pytest.approx(expected[:2], nan_ok=True)
        assert math.isnan(score.f1) if score.support + score.predicted == 0 else score.f1 == pytest.approx(np.nan_to_num(expected[2]))
    assert result.nll == pytest.approx(log_loss(labels, probabilities, labels=CLASSES))
    assert result.brier == pytest.approx(brier_score_loss(labels, probabilities, labels=CLASSES, scale_by_half=False))
    for k in (2, 3):
        assert result.top_k(k) == pytest.approx(top_k_accuracy_score(labels, probabilities, k=k, labels=CLASSES))
    assert result.top_k(1) == result.accuracy and result.top_k(7) == 1


def test_balanced_accuracy_equals_scikit_learn_where_all_classes_are_there() -> None:
    labels, probabilities = make(500, 3)
    assert evaluate(labels, probabilities).balanced_accuracy == pytest.approx(balanced_accuracy_score(labels, probabilities.argmax(1)))


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (0, 56), (56, 56), (31, 56), (2560, 3589), (500_000, 1_000_000)])
def test_wilson_equals_scipy(successes: int, n: int) -> None:
    expected = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    assert wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_of_nothing_knows_nothing_and_of_nonsense_complains() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    for successes, n in ((-1, 5), (6, 5), (0, -1)):
        with pytest.raises(FerError):
            wilson(successes, n)
    assert accuracy_interval(0.5, 100) == wilson(50, 100)
    with pytest.raises(FerError):
        accuracy_interval(math.nan, 5)


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 300), seed=st.integers(0, 10_000))
def test_calibration_error_equals_a_plain_loop(n: int, seed: int) -> None:
    labels, probabilities = make(n, seed)
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    error = 0.0
    for i in range(15):
        inside = (confidence > i / 15) & (confidence <= (i + 1) / 15)
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    result = evaluate(labels, probabilities)
    assert result.ece == pytest.approx(error)
    assert sum(part.n for part in result.bins) == n
    assert all(part.interval[0] <= part.accuracy <= part.interval[1] for part in result.bins if part.n)


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 300), seed=st.integers(0, 10_000))
def test_cells_hold_exactly_their_faces(n: int, seed: int) -> None:
    labels, probabilities = make(n, seed)
    predicted = probabilities.argmax(1)
    labels[::7] = -1
    if not (labels >= 0).any():
        return
    result = evaluate(labels, probabilities)
    assert result.n + result.unlabelled == n
    for true in (None, *CLASSES):
        for called in (None, *CLASSES):
            expected = (
                (labels >= 0) & ((labels == true) if true is not None else True) & ((predicted == called) if called is not None else True)
            )
            assert np.array_equal(result.cell(true, called), np.flatnonzero(expected))


def test_a_caller_cannot_spoil_the_cells() -> None:
    result = evaluate(*make(100, 0))
    result.cell(0, 0)[:] = -5
    assert np.array_equal(result.cell(None, None), np.arange(100))


def test_copies_are_left_out_and_keep_their_indices() -> None:
    labels, probabilities = make(400, 1)
    leaked = np.random.default_rng(0).random(400) < 0.2
    result = evaluate(labels, probabilities, leaked=leaked)
    alone = evaluate(labels[~leaked], probabilities[~leaked])
    assert result.copies == leaked.sum() and result.without_copies is not None
    assert result.without_copies.accuracy == alone.accuracy and result.without_copies.nll == pytest.approx(alone.nll)
    assert np.array_equal(result.without_copies.cell(None, None), np.flatnonzero(~leaked))
    assert evaluate(labels, probabilities).without_copies is None
    assert evaluate(labels, probabilities, leaked=np.ones(400, bool)).without_copies is None
    assert evaluate(labels, probabilities, leaked=np.zeros(400, bool)).without_copies.n == 400  # type: ignore[union-attr]


def test_confused_pairs_are_ranked_and_measured() -> None:
    matrix = np.diag([50] * 7)
    matrix[4, 6], matrix[1, 0], matrix[4, 3] = 30, 10, 10
    pairs = from_matrix(matrix).most_confused()
    assert [(pair.true, pair.predicted, pair.count) for pair in pairs] == [(4, 6, 30), (1, 0, 10), (4, 3, 10)]
    assert pairs[0].of_errors == pytest.approx(30 / 50) and pairs[0].of_class == pytest.approx(30 / 90)
    assert pairs[0].interval == wilson(30, 90)
    # sad has 40 errors; the classes named in error are neutral 30, angry 10, happy 10, so chance gives neutral 24
    assert pairs[0].growth == pytest.approx(30 / 24)
    assert len(from_matrix(matrix).most_confused(1)) == 1
    assert from_matrix(np.diag([3] * 7)).most_confused() == []


def test_growth_is_one_where_errors_fall_by_chance() -> None:
    matrix = np.full((7, 7), 10)
    assert [pair.growth for pair in from_matrix(matrix).most_confused()] == pytest.approx([1.0] * 42)


def test_measures_of_single_faces() -> None:
    labels = np.array([0, 1, 2, -1])
    probabilities = np.full((4, 7), 1 / 7)
    probabilities[1] = [0, 1, 0, 0, 0, 0, 0]
    probabilities[2] = [0.7, 0, 0.3, 0, 0, 0, 0]
    assert loss(labels, probabilities)[:3] == pytest.approx([math.log(7), 0, -math.log(0.3)], abs=1e-12)
    assert margin(labels, probabilities)[:3] == pytest.approx([0, 1, -0.4])
    assert np.isnan(loss(labels, probabilities)[3]) and np.isnan(margin(labels, probabilities)[3])
    assert entropy(probabilities)[:2] == pytest.approx([math.log(7), 0])
    assert np.isfinite(loss(np.array([1]), probabilities[2:3].astype(np.float32))).all()


@pytest.mark.parametrize("k", [0, 1, 5, 500])
def test_hardest_faces_have_the_highest_loss(k: int) -> None:
    labels, probabilities = make(200, 2)
    expected = np.lexsort((np.arange(200), -loss(labels, probabilities)))[:k]
    assert np.array_equal(evaluate(labels, probabilities).hardest(k), expected)


def test_exact_and_near_copies_are_left_out_together_and_counted_apart() -> None:
    labels, probabilities = make(400, 2)
    random = np.random.default_rng(1)
    leaked, near = random.random(400) < 0.2, random.random(400) < 0.2
    result = evaluate(labels, probabilities, leaked=leaked, near=near)
    fresh = ~(leaked | near)
    assert result.without_copies is not None
    assert result.without_copies.accuracy == evaluate(labels[fresh], probabilities[fresh]).accuracy
    assert (result.exact, result.near) == (leaked.sum(), (near & ~leaked).sum()) and result.copies == 400 - fresh.sum()
    before = evaluate(labels, probabilities, leaked=leaked)
    assert (before.exact, before.near, before.copies) == (leaked.sum(), None, leaked.sum())
    assert result.to_json()["exact"] == result.exact and before.to_json()["near"] is None
    with pytest.raises(FerError, match="copies"):
        evaluate(labels, probabilities, leaked=leaked, near=near[1:])


def test_matrix_alone_gives_the_same_scores_but_no_faces() -> None:
    labels, probabilities = make(300, 5)
    whole = evaluate(labels, probabilities)
    bare = from_matrix(whole.matrix)
    assert (bare.accuracy, bare.interval, bare.macro_f1, bare.balanced_accuracy) == (
        whole.accuracy,
        whole.interval,
        whole.macro_f1,
        whole.balanced_accuracy,
    )
    assert bare.per_class == whole.per_class and math.isnan(bare.nll) and math.isnan(bare.top2)
    for ask in (lambda: bare.cell(0, 0), bare.hardest):
        with pytest.raises(FerError, match="matrix"):
            ask()


@pytest.mark.parametrize("bad", [np.zeros((7, 7)), np.zeros((6, 7)), -np.eye(7), np.full((7, 7), 0.5), np.full((7, 7), np.nan)])
def test_what_is_no_matrix_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(FerError):
        from_matrix(bad)


def test_json_has_every_score_and_no_nan() -> None:
    labels, probabilities = make(30, 6)
    labels[:] = 3
    values = evaluate(labels, probabilities, leaked=np.arange(30) < 3).to_json()
    text = json.dumps(values, allow_nan=False)
    assert json.loads(text)["without_copies"]["n"] == 27
    assert values["per_class"][3]["name"] == EMOTIONS[3] and values["per_class"][0]["recall"] is None
    assert "_faces" not in values


def break_it(name: str) -> tuple[np.ndarray, np.ndarray]:
    labels, probabilities = make(10, 0)
    if name == "NaN":
        probabilities[3, 2] = np.nan
    elif name == "logits":
        probabilities = np.log(probabilities)
    elif name == "sum":
        probabilities *= 0.9
    elif name == "shape":
        labels = labels[:-1]
    elif name == "classes":
        probabilities = probabilities[:, :6]
    elif name == "label 7":
        labels[0] = 7
    elif name == "label -2":
        labels[0] = -2
    elif name == "float labels":
        return labels.astype(float), probabilities
    elif name == "whole":
        probabilities = np.eye(7, dtype=int)[labels]
    elif name == "unlabelled":
        labels[:] = -1
    elif name == "empty":
        return labels[:0], probabilities[:0]
    return labels, probabilities


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("NaN", "row 3"),
        ("logits", "no probability"),
        ("sum", "sum"),
        ("shape", "fit"),
        ("classes", "fit"),
        ("label 7", "to 7"),
        ("label -2", "from -2"),
        ("float labels", "float64"),
        ("whole", "floating"),
        ("unlabelled", "label"),
        ("empty", "label"),
    ],
)
def test_bad_input_is_told(name: str, word: str) -> None:
    with pytest.raises(FerError, match=word):
        evaluate(*break_it(name))


def test_a_mask_that_does_not_fit_is_refused() -> None:
    labels, probabilities = make(10, 0)
    for leaked in (np.zeros(9, bool), np.zeros(10, int)):
        with pytest.raises(FerError, match="copies"):
            evaluate(labels, probabilities, leaked=leaked)
    with pytest.raises(FerError, match="class"):
        evaluate(labels, probabilities).cell(7, None)


def test_a_label_that_ties_with_the_prediction_counts_as_the_prediction_does() -> None:
    result = evaluate(np.array([0, 1]), np.full((2, 7), 1 / 7))
    assert result.top_k(1) == result.accuracy == 0.5 and result.top2 == 1


def test_a_million_predictions_keep_their_cells() -> None:
    labels, probabilities = make(1_000_000, 0)
    result = evaluate(labels, probabilities.astype(np.float32))
    assert sum(len(result.cell(true, called)) for true in CLASSES for called in CLASSES) == 1_000_000


def test_students_t_against_scipy():
    degrees = np.arange(1, 300)
    np.testing.assert_allclose(student(degrees), t.ppf(0.975, degrees), rtol=2e-3)
    assert student(0) == student(1)  # of one face there is no interval anyway
