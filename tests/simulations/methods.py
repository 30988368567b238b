"""The interval of the runner, and those that it was chosen from."""

import math
from collections.abc import Callable

import numpy as np
from scipy import stats

from runner.measure.statistics import Estimate, mean, ratio
from tests.simulations.draws import Floats, Population, Sample


def ours(sample: Sample, population: Population) -> Estimate:
    values = sample.values.tolist()
    if sample.under is not None:
        return ratio(values, sample.under.tolist(), most=population.most)
    return mean(values, sample.cases, most=population.most)


def betting(sample: Sample, population: Population) -> Estimate:
    """Hedged betting with predictable plug-in bets, for a fixed n: Waudby-Smith and Ramdas 2023.

    "Estimating means of bounded random variables by betting", Journal of the Royal Statistical
    Society B 86, 1-27, section 4. There is none for a ratio.
    """
    if sample.under is not None:
        return Estimate(None)
    x = _per_case(sample) / population.most
    low, high = _won_against(x), 1 - _won_against(1 - x)
    return Estimate(*(population.most * bound for bound in (float(x.mean()), low, high)))


def _won_against(x: Floats, tail: float = 0.025) -> float:
    """The least mean that no bet on a larger one has multiplied its stake by 1 / tail against."""
    n, steps = len(x), np.arange(1, len(x) + 1)
    means = (0.5 + np.cumsum(x)) / (steps + 1)
    variances = (0.25 + np.cumsum((x - means) ** 2)) / (steps + 1)
    before = np.concatenate([[0.25], variances[:-1]])
    bets = np.sqrt(2 * math.log(1 / tail) / (n * before))
    grid = np.linspace(1e-6, 1 - 1e-6, 1000)[:, np.newaxis]
    stakes = np.cumsum(np.log1p(np.minimum(bets, 0.75 / grid) * (x - grid)), axis=1)
    possible = grid[stakes.max(axis=1) < math.log(1 / tail), 0]
    return float(possible.min())


def bootstrap(sample: Sample, population: Population) -> Estimate:
    """BCa, Efron 1987; equal values are taken for certain."""
    x = _per_case(sample)
    under = np.ones(len(x)) if sample.under is None else sample.under
    value = float(x.sum() / under.sum())
    if (x == x[0]).all() and (under == under[0]).all():
        return Estimate(value, value, value)
    found = stats.bootstrap(
        (x, under),
        lambda a, b, axis: a.sum(axis=axis) / b.sum(axis=axis),
        paired=True,
        n_resamples=1_000,
        rng=np.random.default_rng(0),
    ).confidence_interval
    return Estimate(value, float(found.low), float(found.high))


def _per_case(sample: Sample) -> Floats:
    if sample.cases is None:
        return sample.values
    return np.asarray(np.bincount(sample.cases, sample.values) / np.bincount(sample.cases))


Method = Callable[[Sample, Population], Estimate]
METHODS: dict[str, Method] = {"Gaffke": ours, "betting": betting, "BCa": bootstrap}
