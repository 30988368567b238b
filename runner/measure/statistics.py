"""How far a measured number may be from the true one: estimates with 95 % intervals.

scipy takes most of a second to import: import this module where a number is computed, not at the
top of one. Every random draw is seeded, so that a report built again is the same to the last digit.

`clusters` names the case that each value came from. Answers to one case resemble each other, so
that a case counts once, however often it was asked.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Clusters = Sequence[int] | None

CONFIDENCE = 0.95
_TAIL = (1 - CONFIDENCE) / 2
_SEED = 0
_MOST_JACKKNIFED = 1_000  # BCa takes n² steps, and past here corrects by less than it costs
_FEW = 10  # values from which a bootstrap of scores covers what it says it covers
_VARIED = 5  # values that must differ from the commonest score, likewise
_CHUNK = 500_000  # resampled numbers held at once: 8 MB with their indices


class Estimate(NamedTuple):
    """A value and its interval; None where the data can't say."""

    value: float | None
    low: float | None = None
    high: float | None = None


def rate(successes: int, n: int) -> Estimate:
    """A share with its exact binomial interval (Clopper and Pearson 1934)."""
    if n == 0:
        return Estimate(None)
    interval = stats.binomtest(successes, n).proportion_ci(CONFIDENCE, method="exact")
    return Estimate(successes / n, float(interval.low), float(interval.high))


def mean(values: Sequence[float], clusters: Clusters = None, *, share: bool = False) -> Estimate:
    """A mean with its bootstrap interval (BCa, Efron 1987).

    `share` says that values lie in 0..1 by nature, as scores do. Then the interval is exact where
    all are 0 or 1, and allows for what was not seen where too few of them vary for a bootstrap:
    equal values are no proof that the next one is equal. Without such limits nothing can be said
    from equal values, nor from so few that the range of all of them is no 95 % interval.
    """
    x = _per_case(values, clusters)
    n = len(x)
    if n < 2:
        return Estimate(float(x[0])) if n else Estimate(None)
    value = float(x.mean())
    if share and np.isin(x, (0.0, 1.0)).all():
        return rate(int(x.sum()), n)
    distinct, counts = np.unique(x, return_counts=True)
    if share and (n < _FEW or n - counts.max() < _VARIED):
        return Estimate(value, *_with_one_unseen(distinct, counts))
    if len(distinct) == 1 or n < needed(0.5):
        return Estimate(value)
    return Estimate(value, *_bootstrap((x,), np.mean))


def ratio(
    numerators: Sequence[float], denominators: Sequence[float], clusters: Clusters = None
) -> Estimate:
    """Sum over sum, as in dollars per answer, with the bootstrap interval of resampled pairs."""
    over, under = _per_case(numerators, clusters), _per_case(denominators, clusters)
    if not under.sum():
        return Estimate(None)
    value = float(sum(numerators) / sum(denominators))
    unvaried = bool((over == over[0]).all() and (under == under[0]).all())
    if unvaried or len(over) < needed(0.5):
        return Estimate(value)
    return Estimate(
        value,
        *_bootstrap((over, under), lambda a, b, axis: a.sum(axis=axis) / b.sum(axis=axis)),
    )


def percentile(values: Sequence[float], q: float, clusters: Clusters = None) -> Estimate:
    """A percentile (`q` in 0..100) with an interval that holds for any distribution.

    A bootstrap never looks past the largest value it saw: measured on log-normal latencies its
    upper bound of p95 was too low in 15 of 100 runs of 72 answers, instead of 2.5. So its interval
    is widened to the one of the order statistics (Conover 1999, section 3.2), and where those
    can't bracket the percentile (`needed`) there is no bound.
    """
    if not len(values):
        return Estimate(None)
    table = _table(np.asarray(values, dtype=np.float64), clusters)
    compute = np.percentile if table.shape[1] == 1 else np.nanpercentile
    value = float(compute(table, q))
    # One answer a case: those are independent of each other.
    exact = stats.quantile_test(table[:, 0], p=q / 100).confidence_interval(CONFIDENCE)
    if len(table) < 2:
        return Estimate(value)

    def statistic(index: NDArray[np.int64], axis: int) -> Floats:
        rows = table[index].reshape(*index.shape[:-1], -1)
        return np.asarray(compute(rows, q, axis=axis))

    low, high = _bootstrap((np.arange(len(table)),), statistic, "percentile")
    return Estimate(value, _widest(min, low, exact.low), _widest(max, high, exact.high))


def needed(share: float) -> int:
    """How many observations it takes until all of them lying on one side proves something.

    That many latencies bound the percentile `share` from above; that many requests without a
    failure prove the availability `share`. It is the least n with share^n <= 2.5 %.
    """
    return math.ceil(math.log(_TAIL) / math.log(share)) if 0 < share < 1 else 0


def _bootstrap(
    data: tuple[NDArray[Any], ...],
    statistic: Callable[..., Any],
    method: Literal["BCa", "percentile"] = "BCa",
) -> tuple[float | None, float | None]:
    n = len(data[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        interval = stats.bootstrap(
            data,
            statistic,
            paired=True,
            vectorized=True,
            n_resamples=min(9_999, max(1_000, 4_000_000 // n)),
            batch=max(1, _CHUNK // n),
            confidence_level=CONFIDENCE,
            method=method if n <= _MOST_JACKKNIFED else "percentile",
            rng=np.random.default_rng(_SEED),
        ).confidence_interval
    return _finite(interval.low), _finite(interval.high)


def _with_one_unseen(distinct: Floats, counts: NDArray[np.int64]) -> tuple[float, float]:
    """Bounds on the mean of values in 0..1, from few values or values that hardly vary.

    A Bayesian bootstrap that adds one case nobody has seen: a 0 for the lower bound, a 1 for the
    upper one. On zeros and ones it is the exact binomial interval. Gaffke's bound, after
    Learned-Miller and Thomas 2019, "A New Confidence Interval for the Mean of a Bounded Random
    Variable".
    """
    weights = np.random.default_rng(_SEED).dirichlet([*counts, 1], size=10_000)
    seen, unseen = weights[:, :-1] @ distinct, weights[:, -1]
    return float(np.quantile(seen, _TAIL)), float(np.quantile(seen + unseen, 1 - _TAIL))


def _per_case(values: Sequence[float], clusters: Clusters) -> Floats:
    x = np.asarray(values, dtype=np.float64)
    if clusters is None or not len(x):
        return x
    _, case = np.unique(np.asarray(clusters), return_inverse=True)
    return np.asarray(np.bincount(case, weights=x) / np.bincount(case))


def _table(x: Floats, clusters: Clusters) -> Floats:
    """One row a case, as wide as the case asked most often; NaN where there is no answer."""
    if clusters is None:
        return x[:, np.newaxis]
    rows: dict[int, list[float]] = {}
    for case, value in zip(clusters, x, strict=True):
        rows.setdefault(case, []).append(value)
    table = np.full((len(rows), max(map(len, rows.values()))), np.nan)
    for row, answers in zip(table, rows.values(), strict=True):
        row[: len(answers)] = answers
    return table


def _finite(bound: float) -> float | None:
    return float(bound) if math.isfinite(bound) else None


def _widest(
    pick: Callable[[float, float], float], bootstrapped: float | None, exact: float
) -> float | None:
    if not math.isfinite(exact) or bootstrapped is None:
        return None
    return float(pick(bootstrapped, exact))
