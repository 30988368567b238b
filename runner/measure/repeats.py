"""What asking a case more than once shows: how steady a model is, and what several tries are worth.

Import it where it is computed (see `runner.measure.statistics`).
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from runner.measure.statistics import mean, rate
from runner.record.outcomes import CONFIDENCE, Metric

Scores = Mapping[str, Sequence[float]]  # of each case, by its id: one score for each repeat


class Flakiness(NamedTuple):
    """`share` is that of the repeated cases whose scores disagree.

    `cases` holds these cases, the flakiest first, each with the standard deviation of its scores.
    """

    share: Metric
    cases: dict[str, float]


def flakiness(
    scores: Scores, confidence: float = CONFIDENCE, anytime: bool = False
) -> Flakiness | None:
    """None where no case has two scores."""
    spreads = {case: float(np.std(found)) for case, found in scores.items() if len(found) > 1}
    if not spreads:
        return None
    flaky = {case: spread for case, spread in spreads.items() if len(set(scores[case])) > 1}
    flakiest = dict(sorted(flaky.items(), key=lambda item: (-item[1], item[0])))
    share = rate(len(flaky), len(spreads), confidence)
    if anytime:
        each = [float(case in flaky) for case in spreads]
        share = mean(each, most=1.0, confidence=confidence, anytime=True)
    return Flakiness(share.metric(len(spreads), "rate"), flakiest)


def pass_at_k(n: int, passed: int, k: int) -> float:
    """The chance that one of k tries passes, without bias, from n tries of which some passed.

    Chen et al. 2021, "Evaluating Large Language Models Trained on Code", equation 1. Raises
    ValueError where there are fewer than k tries.
    """
    if not 1 <= k <= n:
        raise ValueError(f"pass@{k} takes at least {max(k, 1)} tries, here are {n}")
    return 1 - math.comb(n - passed, k) / math.comb(n, k)


def mean_pass_at_k(
    scores: Scores, k: int, confidence: float = CONFIDENCE, anytime: bool = False
) -> Metric:
    """pass@k over the cases that have at least k scores; a score of 1 is a pass."""
    chances = [
        pass_at_k(len(found), sum(score == 1 for score in found), k)
        for found in scores.values()
        if len(found) >= k
    ]
    found = mean(chances, most=1.0, confidence=confidence, anytime=anytime)
    return found.metric(len(chances), "rate")
