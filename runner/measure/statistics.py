"""How far a measured number may be from the true one: estimates with their intervals.

Each bound of an interval is wrong in at most half of what its confidence leaves: of 95 %, in 2.5
of 100 measurements. What the data can't bound at all has no bound there.

numpy takes a tenth of a second to import: import this module where a number is computed, not at
the top of one. scipy, which takes several, is not needed: what it would know of the beta and the
binomial distribution is a case of `chance_below`. The same numbers make the same interval, to the
last digit.

`clusters` names the case that each value came from. Answers to one case resemble each other, so
that a case counts once, however often it was asked. `anytime` bounds may be looked at after every
case: see `runner.measure.anytime`.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from runner.measure import anytime as at_any_time
from runner.measure.bounded import Floats, chance_below, counted_quantile, quantile
from runner.record.outcomes import CONFIDENCE, Metric

Clusters = Sequence[int] | None
Unseen = at_any_time.Unseen

_SEED = 0


class Estimate(NamedTuple):
    """A value and its interval; None where the data can't say."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def metric(self, n: int, unit: str, most: float | None = None) -> Metric:
        return Metric(**self._asdict(), n=n, unit=unit, most=most)


def rate(successes: int, n: int, confidence: float = CONFIDENCE) -> Estimate:
    """A share with its exact binomial interval (Clopper and Pearson 1934)."""
    if n == 0:
        return Estimate(None)
    tail, failures = (1 - confidence) / 2, n - successes
    low = _beta_quantile(successes, failures + 1, tail) if successes else 0.0
    high = _beta_quantile(successes + 1, failures, 1 - tail) if failures else 1.0
    return Estimate(successes / n, low, high)


def beta_below(x: float, a: float, b: float) -> float:
    """The chance that a number of the beta distribution of a and b is at most x."""
    return chance_below(np.array([1 - x, -x]), np.array([a, b]))


def _beta_quantile(a: int, b: int, share: float) -> float:
    if a > b:  # near 1 there are fewer digits than near 0
        return 1 - _beta_quantile(b, a, 1 - share)
    return counted_quantile(np.array([1.0, 0.0]), np.ones(2), np.array([a, b]), share)


def mean(
    values: Sequence[float],
    clusters: Clusters = None,
    *,
    most: float | None = None,
    confidence: float = CONFIDENCE,
    anytime: bool = False,
) -> Estimate:
    """The mean of values from 0 to `most`, which is 1 for scores (see `runner.measure.bounded`).

    None: nobody knows how large a value can be, so that there is no upper bound; nor is there one
    where a value turned out to be larger.
    """
    x = _per_case(values, clusters)
    highest = None if most is None or not len(x) or x.max() > most else (most, 1.0)
    return _between(x, np.ones(len(x)), (0.0, 1.0), highest, confidence, anytime)


def ratio(
    over: Sequence[float],
    under: Sequence[float],
    clusters: Clusters = None,
    *,
    most: float | None = None,
    most_under: float | None = 1.0,
    confidence: float = CONFIDENCE,
    anytime: bool = False,
) -> Estimate:
    """Sum over sum, as in dollars per answer: of 0 to `most` dollars, and 0 or 1 answers, a case.

    At the worst the case that nobody has seen costs all it can and has no answer; at the best it
    costs nothing and has one.
    """
    x, y = _per_case(over, clusters), _per_case(under, clusters)
    lowest = highest = None
    if most_under is not None and len(y) and y.max() <= most_under:
        lowest = 0.0, most_under
    if most is not None and len(x) and x.max() <= most:
        highest = most, 0.0
    return _between(x, y, lowest, highest, confidence, anytime)


def percentile(
    values: Sequence[float],
    q: float,
    clusters: Clusters = None,
    confidence: float = CONFIDENCE,
    anytime: bool = False,
) -> Estimate:
    """A percentile (`q` in 0..100) with the interval of the order statistics.

    It holds for any distribution (Conover 1999, section 3.2); where they can't bracket the
    percentile (`needed`) there is no bound. A bootstrap never looks past the largest value it saw:
    its upper bound of p95 is too low in 15 of 100 runs of 72 log-normal latencies. Of a case that
    was asked repeatedly one answer counts, any one: those are independent of each other.
    """
    x = np.asarray(values, dtype=np.float64)
    if not len(x):
        return Estimate(None)
    value = float(np.percentile(x, q))
    if clusters is not None:
        x = _one_a_case(x, clusters)
    x = np.sort(x)
    tail, n = (1 - confidence) / 2, len(x)
    # So many values lie below the percentile, but for half of what the confidence leaves.
    if anytime:
        most = at_any_time.successes_needed(n, 1 - q / 100, tail)
        least = at_any_time.successes_needed(n, q / 100, tail)
        low, high = 0 if most is None else n - most + 1, n if least is None else least - 1
    else:
        low, high = binomial_quantile(tail, n, q / 100), binomial_quantile(1 - tail, n, q / 100)
    return Estimate(
        value,
        _least(float(x[low - 1]) if low else math.nan, value),
        _most(float(x[high]) if high < n else math.nan, value),
    )


def binomial_quantile(share: float, n: int, p: float) -> int:
    """The least k with at least `share` of the binomial distribution of n and p at or below it."""
    if not 0 < p < 1:
        return round(n * p)

    def at_most(k: int) -> float:
        return 1 - beta_below(p, k + 1, n - k)

    return bisect_left(range(n), share * (1 - 1e-9), key=at_most)  # equal, but for rounding


def needed(share: float, confidence: float = CONFIDENCE) -> int:
    """How many observations it takes until all of them lying on one side proves something.

    That many latencies bound the percentile `share` from above; that many requests without a
    failure prove the availability `share`. It is the least n with share^n <= 2.5 %, at 95 %.
    """
    tail = (1 - confidence) / 2
    return math.ceil(math.log(tail) / math.log(share)) if 0 < share < 1 else 0


def _between(
    over: Floats,
    under: Floats,
    lowest: Unseen | None,
    highest: Unseen | None,
    confidence: float,
    anytime: bool,
) -> Estimate:
    if not under.any():
        return Estimate(None)
    tail = (1 - confidence) / 2
    if anytime:
        return Estimate(
            math.fsum(over) / math.fsum(under),
            None if lowest is None else at_any_time.lowest(over, under, lowest, tail),
            None if highest is None else at_any_time.highest(over, under, highest, tail),
        )

    def bound(unseen: Unseen, share: float) -> float:
        return quantile(np.append(over, unseen[0]), np.append(under, unseen[1]), share)

    return Estimate(
        math.fsum(over) / math.fsum(under),
        None if lowest is None else bound(lowest, tail),
        None if highest is None else bound(highest, 1 - tail),
    )


def _per_case(values: Sequence[float], clusters: Clusters) -> Floats:
    x = np.asarray(values, dtype=np.float64)
    if clusters is None or not len(x):
        return x
    _, case = np.unique(np.asarray(clusters), return_inverse=True)
    return np.asarray(np.bincount(case, weights=x) / np.bincount(case))


def _one_a_case(x: Floats, clusters: Sequence[int]) -> Floats:
    """Not the first, which is the fastest where the repeats of a case are asked at once."""
    order = np.random.default_rng(_SEED).permutation(len(x))
    _, first = np.unique(np.asarray(clusters)[order], return_index=True)
    return x[order][first]


def _least(bound: float, value: float) -> float | None:
    return min(float(bound), value) if math.isfinite(bound) else None


def _most(bound: float, value: float) -> float | None:
    return max(float(bound), value) if math.isfinite(bound) else None
