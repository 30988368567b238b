"""Intervals agree with published ones, and claim no more than the data can carry."""

from itertools import pairwise

import numpy as np
import pytest

from runner.measure.statistics import Estimate, mean, needed, percentile, rate, ratio


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


def test_nothing_says_nothing() -> None:
    """Without data there is neither a value nor an interval."""
    nothing = Estimate(None, None, None)
    assert rate(0, 0) == mean([]) == percentile([], 95) == ratio([], []) == nothing
    assert ratio([1.0], [0.0]) == nothing


def test_one_value_has_no_interval() -> None:
    """One observation says nothing about the next."""
    assert mean([0.5], share=True) == Estimate(0.5, None, None)
    assert percentile([100.0], 95) == Estimate(100.0, None, None)


def test_zeros_and_ones_are_exact() -> None:
    """The mean of a pass-or-fail score is a rate."""
    assert mean([1.0] * 24, share=True) == rate(24, 24)
    assert mean([1.0, 0.0, 1.0, 1.0], share=True) == rate(3, 4)


def test_equal_values_are_no_certainty() -> None:
    """Scores that are all equal keep an interval of some width; costs that are have none."""
    low, high = mean([2 / 3] * 24, share=True)[1:]
    assert low is not None and high is not None
    assert low < 0.6
    assert high > 0.7
    assert mean([0.25] * 24) == Estimate(0.25, None, None)
    assert ratio([0.25] * 24, [1.0] * 24) == Estimate(0.25, None, None)


def test_few_values_can_not_bound_a_mean() -> None:
    """Below six values even their whole range is no 95 % interval."""
    assert mean([1.0, 2.0, 3.0, 4.0, 5.0]).low is None
    assert mean([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).low is not None


def test_a_worse_score_never_proves_more() -> None:
    """The lower bound falls, from 24 perfect scores on, with each that is not quite perfect."""
    bounds = [mean([1.0] * (24 - k) + [0.67] * k, share=True).low for k in range(5)]
    assert all(a is not None and b is not None and a > b for a, b in pairwise(bounds))


def test_the_unseen_case_agrees_with_the_exact_binomial() -> None:
    """The bound for hardly varying scores comes to Clopper-Pearson as they come to 0 and 1."""
    almost = mean([0.9999999] + [1.0] * 22 + [0.0], share=True)
    exact = rate(23, 24)
    assert almost.low == pytest.approx(exact.low, abs=0.01)
    assert almost.high == pytest.approx(exact.high, abs=0.01)


def test_the_bootstrap_covers_what_it_says() -> None:
    """Of 200 samples of 40 skewed values about 95 in 100 intervals hold the true mean."""
    draw = np.random.default_rng(7)
    found = [mean(draw.gamma(4, 25, 40).tolist()) for _ in range(200)]
    held = sum(e.low <= 100 <= e.high for e in found if e.low is not None and e.high is not None)
    assert 180 <= held <= 199


def test_repeats_of_a_case_are_no_new_evidence() -> None:
    """Asking each case eight times, with equal answers, does not narrow the interval."""
    scores = [n / 16 for n in (3, 6, 9, 12, 16, 5, 8, 11, 14, 2, 4, 7)]
    cases = list(range(12))
    assert mean(scores * 8, cases * 8, share=True).low == mean(scores, share=True).low
    once, often = percentile(scores, 50), percentile(scores * 8, 50, cases * 8)
    assert (often.low, often.high) == (once.low, once.high)


def test_a_case_counts_once_however_often_it_was_answered() -> None:
    """A case with many answers weighs no more than one with a single answer."""
    assert mean([0.0, 1.0, 1.0, 1.0], [0, 1, 1, 1], share=True).value == 0.5


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
    value, low, high = ratio(costs, answers)
    assert value == pytest.approx(14 / 6)
    assert low is not None and high is not None
    assert value is not None
    assert low < value < high


def test_the_same_numbers_twice() -> None:
    """An interval computed again is the same to the last digit."""
    values = list(np.random.default_rng(0).random(50))
    assert mean(values) == mean(values)
    assert percentile(values, 95) == percentile(values, 95)
