"""McNemar's test against SciPy, and the faces that one run fixes and breaks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2

from fer_core.errors import FerError
from fer_core.metrics.mcnemar import mcnemar


@settings(max_examples=40, deadline=None)
@given(gained=st.integers(0, 60), lost=st.integers(0, 60))
def test_mcnemar_is_exact_for_few(gained: int, lost: int) -> None:
    labels = np.zeros(gained + lost + 5, np.int64)
    a = np.concatenate([np.ones(gained, int), np.zeros(lost, int), [0, 0, 0, 1, 1]])
    b = np.concatenate([np.zeros(gained, int), np.ones(lost, int), [0, 0, 0, 1, 1]])
    result = mcnemar(labels, a, b)
    assert (len(result.fixes), len(result.breaks), len(result.both_right), len(result.both_wrong)) == (gained, lost, 3, 2)
    assert result.exact and result.p == pytest.approx(binomtest(gained, gained + lost).pvalue if gained + lost else 1.0)
    assert result.difference == pytest.approx((gained - lost) / len(labels))


def test_mcnemar_of_many_is_chi_square() -> None:
    labels = np.zeros(2000, np.int64)
    a = (np.arange(2000) < 1100).astype(int)
    result = mcnemar(labels, a, 1 - a)
    assert not result.exact and result.p == pytest.approx(chi2.sf((200 - 1) ** 2 / 2000, 1))
    assert "1,100" in result.sentence and "more than chance" in result.sentence


def test_mcnemar_takes_probabilities_and_refuses_other_faces() -> None:
    random = np.random.default_rng(1)
    labels = random.integers(0, 7, 50)
    first, second = random.dirichlet(np.ones(7), (2, 50))
    assert mcnemar(labels, first, second).p == mcnemar(labels, first.argmax(1), second.argmax(1)).p
    with pytest.raises(FerError, match="same faces"):
        mcnemar(labels, first[:-1], second)
    with pytest.raises(FerError):
        mcnemar(np.full(50, -1), first, second)
