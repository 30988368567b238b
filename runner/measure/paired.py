"""Two models on the same cases: how much better one is, and whether that could be chance.

Import it where a comparison is computed (see `runner.measure.statistics`). The scores of one case
resemble each other, whoever answers it, and so do repeats of one answer: what is compared is each
case with itself, once. A p value alone decides nothing where several candidates are compared:
`holm` first.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import optimize, stats

from runner.measure.statistics import CONFIDENCE, Floats, mean

Scores = Mapping[str, Sequence[float]]  # of each case, by its id: one score for each repeat

_SEED = 0
_HELD = 500_000  # resampled numbers held at once
_NEXT_TO = 1e-9


@dataclass(frozen=True)
class PairedDifference:
    """A candidate held against a baseline; None where the data can't say.

    `difference` is the candidate's mean score less the baseline's, with its 95 % interval. `n` is
    the cases that both answered, `left_out` those that only one did. `won` and `lost` are the
    cases that only the candidate passed, and only the baseline, where each case was passed or
    failed once; elsewhere `deviation` is that of the differences from case to case.
    """

    method: str
    n: int
    left_out: int
    difference: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    won: int | None = None
    lost: int | None = None
    deviation: float | None = None


def paired(baseline: Scores, candidate: Scores) -> PairedDifference:
    """The two on the cases that both have scores for, in 0..1.

    Pass or fail once a case: McNemar's exact test. Else the means of the cases are permuted within
    each case; up to 13 cases in every possible way.
    """
    answered = [
        {case for case, found in scores.items() if len(found)} for scores in (baseline, candidate)
    ]
    common = sorted(answered[0] & answered[1])
    left_out = len(answered[0] | answered[1]) - len(common)
    values = [
        value for scores in (baseline, candidate) for case in common for value in scores[case]
    ]
    before = np.array([np.mean(baseline[case]) for case in common])
    after = np.array([np.mean(candidate[case]) for case in common])
    once = len(values) == 2 * len(common)
    if once and np.isin(values, (0.0, 1.0)).all():
        won, lost = int((after > before).sum()), int((after < before).sum())
        return _mcnemar(won, lost, len(common), left_out)
    method = "paired permutation" if once else "clustered paired permutation"
    return _permuted(before, after, method, left_out)


def holm(p_values: Mapping[str, float | None]) -> dict[str, float | None]:
    """P values of as many comparisons, each corrected for the others (Holm 1979).

    What was not tested (None) stays so and corrects nothing.
    """
    tested = sorted((p, name) for name, p in p_values.items() if p is not None)
    adjusted: dict[str, float | None] = dict.fromkeys(p_values)
    largest = 0.0
    for rank, (p, name) in enumerate(tested):
        largest = adjusted[name] = min(1.0, max(largest, p * (len(tested) - rank)))
    return adjusted


def score_interval(won: int, lost: int, n: int) -> tuple[float, float]:
    """The 95 % interval of (won - lost) / n, by the score test of Tango 1998.

    "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design", Statistics in Medicine 17, 891-908.
    """
    z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))
    seen = (won - lost) / n

    def excess(difference: float, sign: int) -> float:
        linear = (2 * n - won + lost) * difference - won - lost
        constant = -lost * difference * (1 - difference)
        only_lost = (math.sqrt(linear**2 - 8 * n * constant) - linear) / (4 * n)
        variance = n * (2 * only_lost + difference * (1 - difference))
        return n * (seen - difference) - sign * z * math.sqrt(max(0.0, variance))

    # What was seen solves the equation too where the variance vanishes there.
    low = optimize.brentq(excess, -1, seen - _NEXT_TO, args=(1,)) if lost < n else -1
    high = optimize.brentq(excess, seen + _NEXT_TO, 1, args=(-1,)) if won < n else 1
    return float(low), float(high)


def _mcnemar(won: int, lost: int, n: int, left_out: int) -> PairedDifference:
    """The score interval, widened to the one of the exact test, so that the two never disagree."""
    seen = PairedDifference("exact McNemar", n, left_out, None, won=won, lost=lost)
    if n < 2:
        return replace(seen, difference=float(won - lost) if n else None)
    low, high = score_interval(won, lost, n)
    p_value = 1.0
    if differ := won + lost:
        test = stats.binomtest(won, differ)
        exact = test.proportion_ci(CONFIDENCE, method="exact")
        p_value = float(test.pvalue)
        low = min(low, (2 * exact.low - 1) * differ / n)
        high = max(high, (2 * exact.high - 1) * differ / n)
    return replace(seen, difference=(won - lost) / n, low=low, high=high, p_value=p_value)


def _permuted(before: Floats, after: Floats, method: str, left_out: int) -> PairedDifference:
    n = len(before)
    differences = after - before
    seen = PairedDifference(method, n, left_out, None)
    if n < 2:
        return replace(seen, difference=float(differences[0]) if n else None)
    p_value = stats.permutation_test(
        (after, before),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=min(9_999, max(2_000, 4_000_000 // n)),
        batch=max(1, _HELD // n),
        rng=np.random.default_rng(_SEED),
    ).pvalue
    # As a share of the way from -1 to 1, so that few or equal differences prove no more than such
    # scores would.
    _, low, high = mean(((differences + 1) / 2).tolist(), share=True)
    return replace(
        seen,
        difference=float(differences.mean()),
        low=None if low is None else 2 * low - 1,
        high=None if high is None else 2 * high - 1,
        p_value=float(p_value),
        deviation=float(differences.std(ddof=1)),
    )
