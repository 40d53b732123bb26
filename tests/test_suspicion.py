"""Label suspicion against cleanlab's own numbers, and its properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.errors import FerError
from fer_core.metrics.label_quality import (
    CHUNK,
    agreement,
    combined,
    from_margins,
    self_confidence,
    suspicion,
    thresholds,
)


def drawn(n, seed=0):
    """Labels and probabilities of n faces, random."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(7), n)
    return np.arange(n) % 7, probabilities


def test_suspicion_is_one_minus_cleanlabs_adjusted_normalized_margin():
    labels, probabilities = drawn(14)
    # cleanlab 2.9.0: 1 - cleanlab.rank.get_label_quality_scores(labels, probabilities, method="normalized_margin",
    # adjust_pred_probs=True)
    expected = CLEANLAB_MARGIN
    assert np.allclose(suspicion(labels, probabilities), expected, atol=1e-6)


def test_self_confidence_is_cleanlabs():
    labels, probabilities = drawn(14)
    # cleanlab 2.9.0: get_label_quality_scores(labels, probabilities, method="self_confidence")
    assert np.allclose(self_confidence(labels, probabilities), CLEANLAB_SELF, atol=1e-6)


def test_a_class_without_faces_is_as_cleanlab_takes_it():
    labels, probabilities = drawn(12, seed=3)
    labels = np.where(labels == 1, 0, labels)
    assert thresholds(labels, probabilities)[1] == 2
    assert np.allclose(suspicion(labels, probabilities), CLEANLAB_ABSENT, atol=1e-6)


def test_margins_are_suspicious_where_another_class_won_on_average():
    found = from_margins(np.array([-3.0, 0.0, 3.0, np.nan]))
    assert found[:3] == pytest.approx([0.9526, 0.5, 0.0474], abs=1e-4)
    assert np.isnan(found[3])


def test_folds_and_margins_count_alike_and_what_is_missing_leaves_the_other_alone():
    answers = np.array([0.8, 0.2, np.nan, np.nan])
    margin = np.array([0.0, np.nan, 0.0, np.nan])
    assert combined(answers, margin)[:3] == pytest.approx([0.65, 0.2, 0.5])
    assert np.isnan(combined(answers, margin)[3])


@given(st.integers(0, 10_000))
def test_above_a_half_exactly_where_another_class_fits_better(seed):
    labels, probabilities = drawn(35, seed)
    adjusted = probabilities - thresholds(labels, probabilities)
    better = adjusted.argmax(1) != labels
    values = suspicion(labels, probabilities)
    assert ((values >= 0) & (values <= 1)).all()
    assert np.array_equal(values > 0.5, better)


def test_a_class_of_which_the_network_is_never_sure_is_not_suspected_as_a_whole():
    labels = np.repeat([2, 3], 50)
    probabilities = np.full((100, 7), 0.02)
    probabilities[:50, 2], probabilities[:50, 3] = 0.42, 0.48  # fear: always a little less than happy
    probabilities[50:, 3] = 0.88
    assert (suspicion(labels, probabilities)[:50] < 0.5).all()


def test_faces_without_a_label_have_no_suspicion_and_change_none():
    labels, probabilities = drawn(21)
    more, mixed = np.concatenate([labels, [-1, -1]]), np.concatenate([probabilities, probabilities[:2]])
    values = suspicion(more, mixed)
    assert np.isnan(values[-2:]).all() and np.isnan(self_confidence(more, mixed)[-2:]).all()
    assert np.allclose(values[:-2], suspicion(labels, probabilities))
    with pytest.raises(FerError, match="No face has a label"):
        suspicion(np.full(3, -1), probabilities[:3])


def test_chunks_change_nothing():
    labels, probabilities = drawn(CHUNK + 7)
    values = suspicion(labels, probabilities)
    limits = thresholds(labels, probabilities)
    last = probabilities[-3:] - limits + limits.max()
    last /= last.sum(1, keepdims=True)
    expected = [1 - (row[y] - np.delete(row, y).max() + 1) / 2 for row, y in zip(last, labels[-3:], strict=True)]
    assert np.allclose(values[-3:], expected, atol=1e-6)


def test_agreement_counts_the_calls():
    called = np.array([[0, 6], [0, 5], [1, 6]])
    assert agreement(called).tolist() == [[2, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 2]]


CLEANLAB_MARGIN = [
    0.5261485, 0.5184373, 0.4554154, 0.5080481, 0.5456299, 0.5815643, 0.4561419, 0.6323176, 0.5843131, 0.6317487, 0.6007712,
    0.5610087, 0.4994138, 0.5924821,
]
CLEANLAB_SELF = [
    0.1486037, 0.1845965, 0.4339562, 0.2718636, 0.0908647, 0.2018963, 0.3601642, 0.0905289, 0.0287172, 0.0812550, 0.1290507,
    0.0517370, 0.3359309, 0.0229065,
]
CLEANLAB_ABSENT = [
    0.5148697, 0.5159799, 0.5031179, 0.5057279, 0.5091831, 0.5055382, 0.5067781, 0.5127912, 0.5061214, 0.5107294, 0.5029042,
    0.5010004,
]
