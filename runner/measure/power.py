"""How many cases it takes: what these can show, and how many more would settle a verdict.

Import it where it is computed (see `runner.measure.statistics`); scipy, which takes most of a
second, comes for the distributions that are known nowhere else.
"""

import math
from bisect import bisect_left
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from runner.measure.bounded import root
from runner.measure.statistics import beta_below, binomial_quantile, rate
from runner.record.outcomes import CONFIDENCE, Metric

Settled = Callable[[int], bool]  # whether so many cases in all would do

_NORMAL = NormalDist()
POWER = 0.8
_PRECISION = 1e-9
_NEVER = 1e-18  # of each number of cases: all such together are below the precision
_TAIL = (1 - CONFIDENCE) / 2
# An interval that would just clear a limit if the new cases came out as those before them clears
# it in every second run. They are taken to come out a little worse, as in 3 runs of 10 they do.
_CAUTION = _NORMAL.inv_cdf(0.7)
_MOST = 1_000_000  # cases: who needs more needs another question


def smallest_pass_difference(
    n: int, discordant: float, *, tail: float = _TAIL, power: float = POWER
) -> float | None:
    """The smallest true difference in pass rates that n paired cases show in 80 of 100 runs.

    `discordant` is the share of cases that only one of the two passes; `tail` is the error allowed
    on each side. By McNemar's exact test, its power taken over all numbers of discordant cases.
    None where not even all of them on one side would show.
    """
    from scipy import stats

    differ = np.arange(n + 1)
    likely = stats.binom.pmf(differ, n, discordant)
    differ, likely = differ[likely > _NEVER], likely[likely > _NEVER]
    least = stats.binom.isf(tail, differ, 0.5) + 1  # wins out of so many that are no chance

    def excess(difference: float) -> float:
        win = (1 + difference / discordant) / 2
        shown = stats.binom.sf(least - 1, differ, win) + stats.binom.cdf(
            differ - least, differ, win
        )
        return float(likely @ shown) - power

    if discordant <= 0 or excess(discordant) < 0:
        return None
    return root(excess, 0, discordant, _PRECISION)


def smallest_score_difference(n: int, deviation: float, *, tail: float = _TAIL) -> float | None:
    """The smallest true difference in mean scores that n paired cases show in 80 of 100 runs.

    `deviation` is that of the differences from case to case; `tail` is the error allowed on each
    side. None where not even the largest shows, or nothing is known of how they vary.
    """
    if n < 2 or deviation <= 0:
        return None

    def shown(difference: float) -> float:
        unlucky = _NORMAL.inv_cdf(POWER) * deviation / math.sqrt(n)
        return float(difference - unlucky - _reach(n, deviation, 1 + difference, tail))

    return root(shown, 0, 1, _PRECISION) if shown(1) > 0 else None


def more_cases(
    metric: Metric,
    limit: float,
    *,
    percentile: float | None = None,
    repeats: int = 1,
    confidence: float = CONFIDENCE,
) -> int | None:
    """How many more cases, if they are like those here, move the interval off a limit inside it.

    They do in about 7 runs of 10. `percentile` (in 0..100) is which one the metric is, if it is
    one. None where the value is on the limit, where nothing shows the spread of the values, and
    beyond a million.
    """
    if metric.value is None or metric.value == limit:
        return None
    n, tail = math.ceil(metric.n / repeats), (1 - confidence) / 2
    settled: Settled | None
    if percentile is not None:
        settled = _percentile_settled(metric, metric.value, limit, percentile / 100, n, tail)
    elif metric.unit in ("rate", "score") and _is_share(metric, metric.value, n, confidence):
        settled = _share_settled(metric.value, limit, n, tail)
    else:
        settled = _mean_settled(metric, metric.value, limit, n, tail)
    if settled is None:
        return None
    more = 1 + bisect_left(range(1, _MOST + 1), True, key=lambda more: settled(n + more))
    return more if more <= _MOST else None


def _is_share(metric: Metric, value: float, n: int, confidence: float) -> bool:
    """Whether the interval is that of cases which passed or failed, or there is none to go by."""
    if metric.low is None or metric.high is None:
        return True
    exact = rate(round(value * n), n, confidence)
    return bool(np.allclose(np.array(exact, float), (value, metric.low, metric.high)))


def _share_settled(value: float, limit: float, n: int, tail: float) -> Settled:
    """By the bounds of Clopper and Pearson, at successes that need not be whole numbers."""

    def settled(total: int) -> bool:
        slip = _CAUTION * math.sqrt((total - n) * value * (1 - value))
        if value > limit:
            passed = max(0.0, total * value - slip)
            return beta_below(limit, passed, total - passed + 1) <= tail
        passed = min(float(total), total * value + slip)
        return 1 - beta_below(limit, passed + 1, total - passed) < tail

    return settled


def _mean_settled(
    metric: Metric, value: float, limit: float, n: int, tail: float
) -> Settled | None:
    """By the interval that would be there: its bounds say how much the values vary."""
    edge = metric.low if limit < value else metric.high
    if edge is None or edge == value:
        return None
    gap, below = abs(edge - value), limit < value
    share = metric.unit in ("rate", "score")
    if not below and not share and metric.low is not None:
        # How far up the range goes is the other thing that nobody has told.
        deviation = _deviation(n, value - metric.low, value, tail)
        distance = _solved(lambda far: _reach(n, deviation, far, tail), gap)
    else:
        distance = value if below else 1 - value
        deviation = _deviation(n, gap, distance, tail)

    def settled(total: int) -> bool:
        slip = _CAUTION * deviation * math.sqrt(total - n) / total
        return _reach(total, deviation, distance, tail) + slip < abs(value - limit)

    return settled


def _reach(n: int, deviation: float, distance: float, tail: float) -> float:
    """How far the bound of a mean lies from it (see `runner.measure.bounded`), nearly.

    The mean of random weights spreads as the mean of so many values does, and is drawn to the end
    of the range, at this distance, by the weight of the case that nobody has seen. That weight has
    a Beta(1, n) distribution, which is nearly an exponential one.
    """
    drawn = distance * (1 - tail ** (1 / n)) / -math.log(tail)
    spread = max(deviation / math.sqrt(n), drawn / 100)
    if not spread:
        return 0.0
    from scipy import stats

    return float(stats.exponnorm.ppf(1 - tail, max(drawn / spread, 1e-6), scale=spread))


def _deviation(n: int, gap: float, distance: float, tail: float) -> float:
    return _solved(lambda deviation: _reach(n, deviation, distance, tail), gap)


def _solved(reach: Callable[[float], float], gap: float) -> float:
    """Where a reach that grows is as long as the gap; 0 where it is longer from the start."""
    high = gap
    while reach(high) < gap:
        high *= 2
    return root(lambda x: reach(x) - gap, 0, high, _PRECISION) if reach(0.0) < gap else 0.0


def _percentile_settled(
    metric: Metric, value: float, limit: float, share: float, n: int, tail: float
) -> Settled | None:
    """A percentile is proven below a limit where a large enough share of the values is.

    How large that share is says a log-normal distribution through the percentile and its bound on
    the side of the limit, which is a value of known rank (see `statistics.percentile`).
    """
    bound, rank = metric.high, binomial_quantile(1 - tail, n, share) + 1
    if bound is None or limit < value:
        bound, rank = metric.low, binomial_quantile(tail, n, share)
    if bound is None or bound == value:  # nothing shows a spread: they are all on the same side
        return _share_settled(1.0, share, n, tail) if value < limit else None
    if not bound > 0 or limit <= 0 or not 0 < rank <= n:
        return None
    # In few values the percentile itself lies nearer to the middle than it should.
    seen, there = (_NORMAL.inv_cdf(x / (n + 1)) for x in (share * (n - 1) + 1, rank))
    spread = math.log(bound / value) / (there - seen)
    if not spread > 0:  # calls that failed leave fewer values than the bound was taken from
        return None
    below = _NORMAL.cdf(_NORMAL.inv_cdf(share) + math.log(limit / value) / spread)
    return _share_settled(below, share, n, tail)
