"""Intervals agree with published ones, and claim no more than the data can carry."""

import math

import numpy as np
import pytest
from scipy import stats

from runner.measure.statistics import (
    Estimate,
    binomial_quantile,
    mean,
    needed,
    percentile,
    rate,
    ratio,
)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0, 0.1684),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_exact_binomial(successes: int, n: int, low: float, high: float) -> None:
    """Intervals are those of Newcombe 1998, Statistics in Medicine 17, 857-872, table I."""
    found = rate(successes, n)
    assert found.value == successes / n
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.995])
@pytest.mark.parametrize("n", [1, 2, 5, 30, 72, 131])
def test_as_scipy_has_them(n: int, confidence: float) -> None:
    """Shares and percentiles have the intervals of scipy.stats, which nothing here imports."""
    for passed in range(n + 1):
        exact = stats.binomtest(passed, n).proportion_ci(confidence, method="exact")
        assert rate(passed, n, confidence)[1:] == pytest.approx((exact.low, exact.high))
    values = np.random.default_rng(n).lognormal(size=n)
    for q in (1, 5, 50, 90, 95, 99):
        value, low, high = percentile(list(values), q, confidence=confidence)
        there = stats.quantile_test(values, p=q / 100).confidence_interval(confidence)
        assert value is not None
        assert low == (None if math.isnan(there.low) else min(there.low, value))
        assert high == (None if math.isnan(there.high) else max(there.high, value))


@pytest.mark.parametrize("n", [1_000, 50_000, 10_000_000])
def test_however_many_there_are(n: int) -> None:
    """So have those of very many, at either end and in the middle."""
    for passed in (0, 1, n // 3, n - 1, n):
        exact = stats.binomtest(passed, n).proportion_ci(method="exact")
        found = rate(passed, n)
        assert found[1:] == pytest.approx((exact.low, exact.high), rel=1e-9)
        failed = rate(n - passed, n)
        assert (failed.low, failed.high) == pytest.approx((1 - exact.high, 1 - exact.low), rel=1e-9)
    for share in (0.025, 0.5, 0.975):
        for p in (0.01, 0.5, 0.95):
            assert binomial_quantile(share, n, p) == stats.binom.ppf(share, n, p)


def test_nothing_says_nothing() -> None:
    """Without data there is neither a value nor an interval."""
    nothing = Estimate(None, None, None)
    assert rate(0, 0) == mean([]) == percentile([], 95) == ratio([], []) == nothing
    assert ratio([1.0], [0.0]) == nothing


def test_one_value_says_little() -> None:
    """One observation says next to nothing about the next."""
    value, low, high = mean([0.5], most=1.0)
    assert (value, low, high) == pytest.approx((0.5, 0.0125, 0.9875))
    assert mean([0.5]).high is None
    assert percentile([100.0], 95) == Estimate(100.0, None, None)


def test_zeros_and_ones_are_exact() -> None:
    """The mean of a pass-or-fail score is a rate."""
    for passed, n in ((24, 24), (3, 4), (0, 7), (199, 200)):
        scores = [1.0] * passed + [0.0] * (n - passed)
        assert mean(scores, most=1.0) == pytest.approx(rate(passed, n), abs=1e-9)


def test_equal_values_are_no_certainty() -> None:
    """Values that are all equal keep an interval of some width, as wide as their range is."""
    low, high = mean([2 / 3] * 24, most=1.0)[1:]
    assert low is not None and high is not None
    assert low < 0.6
    assert high > 0.7
    for found in (mean([0.25] * 24, most=1.0), ratio([0.25] * 24, [1.0] * 24, most=1.0)):
        assert found.low is not None and found.high is not None
        assert found.low < 0.25 < found.high


def test_what_has_no_limit_has_no_upper_bound() -> None:
    """Nobody knows what the next value is, nor does anybody where one was above the limit."""
    values = [1.0, 2.0, 3.0, 4.0, 5.0]
    low = mean(values).low
    assert low is not None and 0 < low < 3
    assert mean(values).high is None
    assert mean(values, most=4.0).high is None
    assert ratio(values, [1.0] * 5, most=4.0).high is None


def test_repeats_of_a_case_are_no_new_evidence() -> None:
    """Asking each case eight times, with equal answers, does not narrow the interval."""
    scores = [n / 16 for n in (3, 6, 9, 12, 16, 5, 8, 11, 14, 2, 4, 7)]
    cases = list(range(12))
    assert mean(scores * 8, cases * 8, most=1.0).low == mean(scores, most=1.0).low
    once, often = percentile(scores, 50), percentile(scores * 8, 50, cases * 8)
    assert (often.low, often.high) == (once.low, once.high)


def test_a_case_counts_once_however_often_it_was_answered() -> None:
    """A case with many answers weighs no more than one with a single answer."""
    assert mean([0.0, 1.0, 1.0, 1.0], [0, 1, 1, 1], most=1.0).value == 0.5


def test_p95_needs_72_values_for_an_upper_bound() -> None:
    """Distribution-free, 0.95^n must fall to 2.5 %: at 71 values it has not, at 72 it has."""
    values = [float(value) for value in range(1, 73)]
    assert needed(0.95) == 72
    assert percentile(values[:71], 95).high is None
    assert percentile(values[:71], 95).low is not None
    assert percentile(values, 95).high == 72  # the largest: no other one is proven large enough


def test_the_median_of_six() -> None:
    """Six values bracket their median at 96.9 % by their range, five can't at 95 %."""
    assert percentile([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 50) == Estimate(3.5, 1.0, 6.0)
    assert percentile([1.0, 2.0, 3.0, 4.0, 5.0], 50) == Estimate(3.0, None, None)


def test_what_a_proof_takes() -> None:
    """3,688 requests without a failure, and no fewer, prove an availability of 0.999."""
    assert needed(0.999) == 3688
    assert rate(3688, 3688).low >= 0.999 > rate(3687, 3687).low  # type: ignore[operator]
    assert needed(1.0) == 0


def test_a_ratio_pays_for_what_failed() -> None:
    """Dollars per answer count the dollars of requests without an answer."""
    costs, answers = [1.0, 2.0, 3.0, 2.0, 1.0, 3.0, 2.0], [1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0]
    value, low, high = ratio(costs, answers, most=10.0)
    assert value == pytest.approx(14 / 6)
    assert low is not None and high is not None
    assert value is not None
    assert low < value < high


def test_more_confidence_is_wider() -> None:
    """At 99 % every interval holds the one at 95 %, and a proof takes more."""
    values = list(np.random.default_rng(0).random(100))
    for plain, sure in (
        (mean(values, most=1.0), mean(values, most=1.0, confidence=0.99)),
        (percentile(values, 50), percentile(values, 50, confidence=0.99)),
        (rate(90, 100), rate(90, 100, 0.99)),
    ):
        bounds = np.array([sure.low, plain.low, plain.value, plain.high, sure.high], float)
        assert (np.diff(bounds) > 0).all()
    assert needed(0.95, 0.99) > needed(0.95) == 72


def test_the_same_numbers_twice() -> None:
    """An interval computed again is the same to the last digit."""
    values = list(np.random.default_rng(0).random(50))
    assert mean(values, most=1.0) == mean(values, most=1.0)
    assert percentile(values, 95) == percentile(values, 95)
