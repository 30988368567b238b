"""Comparisons agree with published ones, and call few differences proven that are none."""

from collections.abc import Iterable

import numpy as np
import pytest
from scipy import stats

from runner.measure.paired import Scores, paired


def once(values: Iterable[float]) -> dict[str, list[float]]:
    return {f"c{n:04}": [float(value)] for n, value in enumerate(values)}


def table(both: int, won: int, lost: int, neither: int) -> tuple[Scores, Scores]:
    """Baseline and candidate of a fourfold table."""
    baseline = [1.0] * both + [0.0] * won + [1.0] * lost + [0.0] * neither
    candidate = [1.0] * both + [1.0] * won + [0.0] * lost + [0.0] * neither
    return once(baseline), once(candidate)


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (20, 0), (0, 20), (1, 0), (10, 10)])
def test_the_interval_at_the_edges(won: int, lost: int) -> None:
    """Where all or none of the cases differ, the interval has some width and stays in -1..1."""
    found = paired(*table(0, won, lost, 20 - won - lost))
    assert found.low is not None and found.high is not None
    assert -1 <= found.low < found.high <= 1
    assert found.low <= (won - lost) / 20 <= found.high


def test_mcnemar() -> None:
    """Approval of a prime minister, asked twice: Agresti 2013, Categorical Data Analysis, 11.1."""
    found = paired(*table(794, 86, 150, 570))
    assert (found.method, found.n, found.won, found.lost) == ("exact McNemar", 1600, 86, 150)
    assert found.difference == pytest.approx(-0.04)
    assert found.p_value == pytest.approx(3.716e-5, rel=1e-3)
    assert (found.low, found.high) == pytest.approx((-0.059, -0.021), abs=1e-3)


def test_passes_and_failures_are_mcnemars() -> None:
    """The p value is that of the exact binomial test on the cases that only one of them passed."""
    for won in range(12):
        for lost in range(12):
            found = paired(*table(5, won, lost, 3))
            exact = stats.binomtest(won, won + lost).pvalue if won + lost else 1.0
            assert found.p_value == pytest.approx(exact), (won, lost)


@pytest.mark.parametrize(("confidence", "among"), [(0.95, 1), (0.95, 6), (0.8, 3)])
def test_an_interval_never_disagrees_with_its_test(confidence: float, among: int) -> None:
    """Zero is outside of the interval where the corrected p is small enough, and only there."""
    draw = np.random.default_rng(2)
    steps = [0.0, 0.25, 0.5, 0.75, 1.0]
    graded = [(once(draw.choice(steps, 9)), once(draw.choice(steps, 9))) for _ in range(40)]
    passed = [table(0, won, lost, 31 - won - lost) for won in range(16) for lost in range(won + 1)]
    for pair in [*graded, *passed]:
        found = paired(*pair, confidence=confidence, among=among)
        assert found.low is not None and found.high is not None and found.p_value is not None
        apart = found.low > 0 or found.high < 0
        assert apart == (found.p_value <= 1 - confidence), found


def test_more_comparisons_prove_less() -> None:
    """Of six comparisons the p value is six times as large, and the interval wider."""
    alone, among = (paired(*table(60, 12, 1, 17), among=count) for count in (1, 6))
    assert alone.p_value is not None and among.p_value is not None
    assert among.p_value == pytest.approx(6 * alone.p_value)
    assert alone.low is not None and among.low is not None
    assert among.low < alone.low


def test_graded_scores_are_bounded_differences() -> None:
    """Darwin's 15 pairs of maize, in eighths of an inch: not proven (Fisher 1935, 21).

    His test, p = 1726 / 32768, takes differences to be symmetric; here they lie in -1..1 at most.
    """
    taller = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    candidate = once([0.5 + eighths / 200 for eighths in taller])
    found = paired(once([0.5] * 15), candidate)
    assert found.method == "bounded differences"
    assert found.difference == pytest.approx(sum(taller) / 15 / 200)
    assert found.p_value is not None and found.p_value > 1726 / 32768
    assert found.won is None
    assert found.low is not None and found.high is not None
    assert found.low < 0 < found.difference < found.high  # type: ignore[operator]


def test_repeats_are_no_new_evidence() -> None:
    """A case asked five times counts once: p and interval are those of the cases' means."""
    before, after = (
        [0.2, 0.4, 0.6, 0.3, 0.5, 0.1, 0.7, 0.4],
        [0.3, 0.6, 0.5, 0.6, 0.6, 0.2, 0.9, 0.8],
    )
    single = paired(once(before), once(after))
    often = paired(
        {case: values * 5 for case, values in once(before).items()},
        {case: values * 5 for case, values in once(after).items()},
    )
    assert often.method == "clustered bounded differences"
    assert often.n == 8
    assert (often.p_value, often.low, often.high) == pytest.approx(
        (single.p_value, single.low, single.high)
    )


def test_repeated_passes_are_clustered() -> None:
    """Pass or fail more than once a case is no McNemar test."""
    baseline = {"a": [1.0, 0.0], "b": [0.0, 0.0], "c": [1.0, 1.0]}
    candidate = {"a": [1.0, 1.0], "b": [1.0, 0.0], "c": [1.0, 1.0]}
    found = paired(baseline, candidate)
    assert found.method == "clustered bounded differences"
    assert found.difference == pytest.approx(1 / 3)


def test_only_common_cases_count() -> None:
    """A case that one of them has no score for is left out, and counted."""
    found = paired(
        {"a": [1.0], "b": [1.0], "c": [0.0], "d": []},
        {"b": [1.0], "c": [1.0], "d": [1.0], "e": [1.0]},
    )
    assert (found.n, found.left_out, found.difference) == (2, 3, 0.5)


def test_nothing_says_nothing() -> None:
    """No case gives no difference, and one case neither an interval nor a p value."""
    assert paired({}, {}).difference is None
    for score in (1.0, 0.3):
        alone = paired({"a": [0.0]}, {"a": [score]})
        assert alone.difference == score
        assert (alone.low, alone.high, alone.p_value) == (None, None, None)


@pytest.mark.parametrize("score", [0.5, 1.0])
def test_no_difference_is_no_proof_of_equality(score: float) -> None:
    """Two that never differed have p = 1 and an interval around zero."""
    found = paired(once([score] * 24), once([score] * 24))
    assert (found.difference, found.p_value) == (0, 1)
    assert found.low is not None and found.high is not None
    assert -0.25 < found.low < -0.05
    assert 0.05 < found.high < 0.25


def test_the_sign_says_who_is_better() -> None:
    """Changing sides changes the sign, and nothing else."""
    forth, back = (paired(*pair) for pair in (table(10, 8, 2, 4), table(10, 2, 8, 4)))
    assert forth.difference == 0.25
    assert back.difference == -0.25
    assert back.p_value == pytest.approx(forth.p_value)
    assert back.high == pytest.approx(-forth.low)  # type: ignore[operator]


def test_the_same_numbers_twice() -> None:
    """A comparison computed again is the same to the last digit."""
    draw = np.random.default_rng(3)
    before, after = once(draw.random(40).tolist()), once(draw.random(40).tolist())
    assert paired(before, after) == paired(before, after)


def test_few_differences_are_proven_where_there_is_none() -> None:
    """Three candidates as good as the baseline on 60 cases: one is called different in <= 5 %."""
    draw = np.random.default_rng(11)
    wrong, runs = 0, 200
    for _ in range(runs):
        hard = draw.random(60)  # cases that are hard for one are hard for the others
        answers = [((hard + draw.random(60)) / 2 < 0.7).astype(float) for _ in range(4)]
        baseline, *candidates = (once(found.tolist()) for found in answers)
        p_values = [paired(baseline, found, among=3).p_value for found in candidates]
        wrong += any(p is not None and p <= 0.05 for p in p_values)
    assert stats.binomtest(wrong, runs, 0.05, alternative="greater").pvalue > 0.05
    assert wrong <= 0.05 * runs


def test_graded_differences_are_rarely_proven_where_there_is_none() -> None:
    """Of 200 pairs equal in truth, with 24 graded cases, at most one in twenty has p <= 5 %."""
    draw = np.random.default_rng(5)
    steps = [0.0, 0.33, 0.67, 1.0]
    found = [
        paired(once(draw.choice(steps, 24).tolist()), once(draw.choice(steps, 24).tolist()))
        for _ in range(200)
    ]
    assert sum(one.p_value is not None and one.p_value <= 0.05 for one in found) <= 16


def test_a_real_difference_is_found() -> None:
    """A candidate that passes 95 of 100 cases, against 70, is better beyond chance."""
    found = paired(*table(68, 27, 2, 3))
    assert found.p_value is not None and found.p_value < 0.001
    assert found.low is not None and found.low > 0.1
