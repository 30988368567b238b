"""Scorers beside people: how they agree, and quality corrected for what they do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.measure.agreement import Agreement, corrected, kappa, tables

SCORES = st.sampled_from([0.0, 0.5, 1.0])
PAIRS = st.lists(st.tuples(SCORES, SCORES), min_size=2, max_size=12)


def both(*pairs: tuple[float, float]) -> list[tuple[int, float, float]]:
    return [(case, human, scorer) for case, (human, scorer) in enumerate(pairs)]


def test_kappa_of_a_table() -> None:
    """Of right and wrong it is Cohen's of 1960: 35 of 50 alike, half of them by chance, is 0.4."""
    pairs = [(1, 1)] * 20 + [(0, 0)] * 15 + [(1, 0)] * 5 + [(0, 1)] * 10
    found = kappa(both(*pairs), 0.95)
    assert found.value == pytest.approx(0.4)
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < 0.4 < found.high < 0.75


@given(pairs=PAIRS)
def test_kappa_weighs_by_squares(pairs: list[tuple[float, float]]) -> None:
    """It is 1 less the mean squared difference over that of answers paired at random."""
    humans, scores = np.array(pairs).T
    found = kappa(both(*pairs), 0.95).value
    if len(set(humans)) == 1:
        assert found is None
        return
    by_chance = np.mean((humans[:, None] - scores[None, :]) ** 2)
    assert found == pytest.approx(1 - np.mean((humans - scores) ** 2) / by_chance)


def test_what_can_not_be_known() -> None:
    """People who gave all the same tell nothing; full agreement of a few has no interval."""
    alike = both(*[(1, 1)] * 5, (1, 0))
    unknown = kappa(alike, 0.95)
    assert tuple(unknown) == (None, None, None)
    full = kappa(both((1, 1), (0, 0), (1, 1)), 0.95)
    assert tuple(full) == (1.0, None, None)
    agreement = Agreement("judge", 6, unknown, full, full)
    assert "kappa unknown: people gave all of them the same score" in agreement.said
    assert list(tables([])) == []
    [table] = tables([agreement])
    assert "unknown" in table.rows[0]


def test_a_lenient_scorer_is_corrected() -> None:
    """One that takes half of what is wrong for right is brought back to what people say."""
    truth = [1.0, 1.0, 0.0, 0.0] * 50
    given_ = [1.0, 1.0, 1.0, 0.0] * 50
    labelled = both(*zip(truth, given_, strict=True))[:80]
    found = corrected(labelled, list(enumerate(given_)), 0.95)
    assert found.value == pytest.approx(0.5)
    assert found.low is not None
    assert found.high is not None
    assert 0.35 < found.low < 0.5 < found.high < 0.65


@given(pairs=PAIRS, more=st.lists(SCORES, max_size=20))
def test_corrected_quality_is_a_share(pairs: list[tuple[float, float]], more: list[float]) -> None:
    """It lies within its interval, and that from 0 to 1, whatever was given."""
    labelled = both(*pairs)
    scored = list(enumerate([*(scorer for _, scorer in pairs), *more]))
    value, low, high = corrected(labelled, scored, 0.95)
    assert value is not None
    assert low is not None
    assert high is not None
    assert 0 <= low <= value <= high <= 1
