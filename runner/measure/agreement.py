"""Scorers beside people, who scored some of the same answers and knew neither scores nor names.

Kappa is Cohen's with quadratic weights (Psychological Bulletin 70, 1968): 1 less the mean squared
difference of the two scores of an answer over that of the scores of any two answers. Where scores
are 0 or 1 it is his of 1960. Its interval is a bootstrap over cases.

Quality is corrected by prediction-powered inference (Angelopoulos and others, Science 382, 2023):
what people give beyond a share of the scorer's, and that share of its mean over all answers. The
share is tuned, so that a poor scorer does no harm (PPI++, Angelopoulos, Duchi and Zrnic, 2023).
Both means have intervals that hold at every size (`runner.measure.bounded`); that of their sum
squares and adds them (Zou and Donner, Statistics in Medicine 27, 2008): by simulation, from 15
labels on, it is wrong in at most 2.5 of 100 on either side, and no wider than by people alone.
Rogan and Gladen's correction (1978) knows right and wrong alone, and divides by what a scorer that
knows little makes zero.
"""

import math
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean, pvariance
from typing import TYPE_CHECKING, Any

from runner.measure.formatting import interval, show
from runner.measure.observations import Sample
from runner.record.outcomes import Answered
from runner.scorers import ScorerTable

if TYPE_CHECKING:
    from runner.measure.statistics import Estimate

Both = Sequence[tuple[int, float, float]]  # the case of an answer, by people, by the scorer


@dataclass
class People:
    """What people and scorers gave, gathered line by line."""

    scored: dict[str, Sample] = field(default_factory=lambda: defaultdict(Sample))
    both: dict[str, list[tuple[int, float, float]]] = field(default_factory=dict)

    def add(self, line: Answered, case: int) -> None:
        """An answer of the model under test; `case` is the number of its case."""
        for name, score in line.scores.items():
            self.scored[name].add(case, score.by_scorer)
            if line.human is not None:
                self.both.setdefault(name, []).append((case, line.human, score.by_scorer))

    def agreements(self, confidence: float) -> "list[Agreement]":
        found = []
        for name, both in self.both.items():
            scored = list(zip(self.scored[name].cases, self.scored[name].values, strict=True))
            found.append(Agreement(name, len(both), *_of(both, scored, confidence)))
        return found


@dataclass(frozen=True)
class Agreement:
    scorer: str
    n: int  # answers that people scored
    kappa: "Estimate"
    people: "Estimate"  # their mean
    corrected: "Estimate"  # of all answers, by the scorer and people together

    @property
    def said(self) -> str:
        why = "" if self.kappa.value is not None else ": people gave all of them the same score"
        return (
            f"{self.scorer} beside people, on {self.n} answers: kappa {_shown(self.kappa)}{why}; "
            f"quality corrected for its error {_shown(self.corrected)}"
        )


def tables(found: Sequence[Agreement]) -> Iterator[ScorerTable]:
    columns = "scorer", "answers", "kappa", "people's mean", "quality, corrected by people"
    rows = [
        (each.scorer, each.n, _shown(each.kappa), _shown(each.people), _shown(each.corrected))
        for each in found
    ]
    if rows:
        yield ScorerTable("Scorers beside people", columns, tuple(rows))


def _shown(estimate: "Estimate") -> str:
    if estimate.value is None:
        return "unknown"
    known = estimate.low is not None and interval(estimate.low, estimate.high, "score")
    return f"{show(estimate.value, 'score')} ({known or 'interval unknown'})"


def _of(
    both: Both, scored: Sequence[tuple[int, float]], confidence: float
) -> tuple["Estimate", "Estimate", "Estimate"]:
    from runner.measure.statistics import mean

    cases, humans, _ = zip(*both, strict=True)
    people = mean(humans, cases, most=1.0, confidence=confidence)
    return kappa(both, confidence), people, corrected(both, scored, confidence)


def corrected(both: Both, scored: Sequence[tuple[int, float]], confidence: float) -> "Estimate":
    """The mean of what people would give to all answers; see above."""
    from runner.measure.statistics import Estimate, mean

    cases, human, scorer = (list(each) for each in zip(*both, strict=True))
    of, everything = (list(each) for each in zip(*scored, strict=True))
    variance = pvariance(scorer) * (1 + len(both) / len(scored))
    covariance = fmean(h * s for _, h, s in both) - fmean(human) * fmean(scorer)
    share = min(1.0, max(0.0, covariance / variance)) if variance else 0.0
    # What people give beyond it lies between -share and 1: here as a number from 0 to 1.
    beyond = [min(1.0, (h - share * s + share) / (1 + share)) for _, h, s in both]
    of_all = mean(everything, of, most=1.0, confidence=confidence)
    of_both = mean(beyond, cases, most=1.0, confidence=confidence)
    parts = [(share, of_all), (1 + share, of_both)]
    value = sum(weight * (part.value or 0.0) for weight, part in parts) - share

    def reach(end: str) -> float:
        ends = [(w, part.value, getattr(part, end)) for w, part in parts]
        return math.hypot(*(w * (b - a) for w, a, b in ends))

    return Estimate(
        *(min(1.0, max(0.0, x)) for x in (value, value - reach("low"), value + reach("high")))
    )


def kappa(both: Both, confidence: float) -> "Estimate":
    """Unknown where people gave all answers the same; no interval where no case tells apart."""
    import numpy as np
    from scipy import stats

    from runner.measure.statistics import Estimate

    if len({human for _, human, _ in both}) < 2:
        return Estimate(None)
    cases = {case: place for place, case in enumerate(dict.fromkeys(case for case, *_ in both))}
    sums = np.zeros((len(cases), 5))
    for case, h, s in both:
        sums[cases[case]] += 1, h, s, h * h + s * s, h * s

    def of(chosen: Any, axis: int = -1) -> Any:
        n, h, s, squares, products = np.moveaxis(sums[chosen].sum(axis=axis - 1), -1, 0)
        with np.errstate(invalid="ignore"):
            return 1 - (squares - 2 * products) / (squares - 2 * h * s / n)

    places = np.arange(len(cases))
    value = float(of(places))
    if len(cases) < 2:
        return Estimate(value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scipy, that there is no interval; that is said below
        drawn = stats.bootstrap(
            (places,), of, vectorized=True, batch=500, method="percentile", rng=0
        ).bootstrap_distribution
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])  # some have nothing to tell apart
    return Estimate(value) if low == high else Estimate(value, float(low), float(high))
