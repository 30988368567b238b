"""Two models on the same cases: how much better one is, and whether that could be chance.

Import it where a comparison is computed (see `runner.measure.statistics`). The scores of one case
resemble each other, whoever answers it, and so do repeats of one answer: what is compared is each
case with itself, once.

Test and interval are one: 0 lies outside of the interval where p is at most what the confidence
leaves, and only there. Both are corrected for all comparisons that are made (Bonferroni). Holm's
correction shows a little more, but leaves no interval to say how much better the better one is
(Strassburger and Bretz 2008, Statistics in Medicine 27, 4914-4927).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from runner.measure.anytime import above, log_capital, stakes
from runner.measure.bounded import Floats, chance_below
from runner.measure.statistics import mean
from runner.record.outcomes import CONFIDENCE

Scores = Mapping[str, Sequence[float]]  # of each case, by its id: one score for each repeat


@dataclass(frozen=True)
class PairedDifference:
    """A candidate held against a baseline; None where the data can't say.

    `difference` is the candidate's mean score less the baseline's, with its interval. `n` is
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


def paired(
    baseline: Scores,
    candidate: Scores,
    *,
    confidence: float = CONFIDENCE,
    among: int = 1,
    anytime: bool = False,
) -> PairedDifference:
    """The two on the cases that both have scores for, in 0..1; `among` so many comparisons.

    `anytime` is for a race, which was over when enough was seen: see `runner.measure.anytime`.

    The mean of the differences, which lie in -1..1, is bounded as any other mean. Where each case
    is passed or failed once that makes the exact test of McNemar.
    """
    answered = [
        {case for case, found in scores.items() if len(found)} for scores in (baseline, candidate)
    ]
    common = sorted(answered[0] & answered[1])
    left_out = len(answered[0] | answered[1]) - len(common)
    values = [
        value for scores in (baseline, candidate) for case in common for value in scores[case]
    ]
    before, after = (
        np.array([found[0] if len(found := scores[case]) == 1 else fmean(found) for case in common])
        for scores in (baseline, candidate)
    )
    once = len(values) == 2 * len(common)
    method = "bounded differences" if once else "clustered bounded differences"
    seen = PairedDifference(method, len(common), left_out, None)
    if once and np.isin(values, (0.0, 1.0)).all():
        won, lost = int((after > before).sum()), int((after < before).sum())
        seen = replace(seen, method="exact McNemar", won=won, lost=lost)
    elif len(common) > 1:
        seen = replace(seen, deviation=float((after - before).std(ddof=1)))
    if anytime:
        seen = replace(seen, method="bets on the differences")
    return _bounded(seen, after - before, confidence, among, anytime) if common else seen


def _bounded(
    seen: PairedDifference, differences: Floats, confidence: float, among: int, anytime: bool
) -> PairedDifference:
    seen = replace(seen, difference=float(differences.mean()))
    if len(differences) < 2:
        return seen
    sure = 1 - (1 - confidence) / among
    halves = ((differences + 1) / 2).tolist()
    _, low, high = mean(halves, most=1.0, confidence=sure, anytime=anytime)
    none = _chance_at_any_time if anytime else _chance_of_none
    tail = min(none(differences), none(-differences))
    return replace(
        seen,
        low=None if low is None else 2 * low - 1,
        high=None if high is None else 2 * high - 1,
        p_value=min(1.0, 2 * tail * among),
    )


def _chance_at_any_time(differences: Floats) -> float:
    """That one who bets on it ever comes to have as much."""
    gains = above((differences + 1) / 2, 1.0, 0.5, (0.0, 1.0))
    return float(np.exp(-log_capital(stakes(gains))))


def _chance_of_none(differences: Floats) -> float:
    """Of differences at least as far above 0 in the mean, where there is none in truth."""
    return chance_below(*np.unique(np.append(differences, -1.0), return_counts=True))
