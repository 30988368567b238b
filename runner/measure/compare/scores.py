"""What changed in scores from 0 to 1: each case with itself, by a paired test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from runner.measure.compare.comparison import ANSWERED, QUALITY, Change, Verdict
from runner.measure.compare.observed import Pairs
from runner.measure.observations import SCORE

if TYPE_CHECKING:
    from runner.measure.paired import PairedDifference, Scores


def scores(pairs: Pairs, quality: str, confidence: float) -> Iterator[Change]:
    """Quality, the share of requests answered, and the other scorers, corrected for each other."""
    from runner.measure.paired import paired

    kept = [seen.scores for pair in pairs.values() for seen in pair]
    names = {name for given in kept for name in given} - {quality}
    columns = {
        QUALITY: (_scored(pairs, 0, quality), _scored(pairs, 1, quality)),
        ANSWERED: (_answered(pairs, 0), _answered(pairs, 1)),
        **{
            SCORE + name: (_scored(pairs, 0, name), _scored(pairs, 1, name))
            for name in sorted(names)
        },
    }
    for name, both in columns.items():
        among = len(names) if name.startswith(SCORE) else 1
        values = [_mean(column, both) for column in both]
        unit = "rate" if name == ANSWERED else "score"
        one = paired(*both, confidence=confidence, among=among)
        yield _difference(name, unit, values, one, (1 - confidence) / among)


def _scored(pairs: Pairs, side: int, scorer: str) -> Scores:
    return {case: pair[side].scores.get(scorer, []) for case, pair in pairs.items()}


def _answered(pairs: Pairs, side: int) -> Scores:
    return {
        case: [1.0] * pair[side].answered + [0.0] * (pair[side].outcomes - pair[side].answered)
        for case, pair in pairs.items()
    }


def _mean(column: Scores, both: Sequence[Scores]) -> float | None:
    """Of the cases that have scores on both sides, each counting once."""
    means = [fmean(column[case]) for case in column if all(one[case] for one in both)]
    return fmean(means) if means else None


def _difference(
    name: str,
    unit: str,
    values: Sequence[float | None],
    one: PairedDifference,
    error: float,
) -> Change:
    from runner.measure.power import smallest_pass_difference, smallest_score_difference

    verdict: Verdict = "not proven"
    if one.low is None or one.high is None:
        verdict = "unknown"
    elif one.low > 0 or one.high < 0:
        verdict = "better" if one.low > 0 else "worse"
    smallest = None
    if one.n and one.won is not None and one.lost is not None:
        differ = (one.won + one.lost) / one.n
        smallest = smallest_pass_difference(one.n, differ, tail=error / 2)
    elif one.deviation is not None:
        smallest = smallest_score_difference(one.n, one.deviation, tail=error / 2)
    return Change(
        name=name,
        unit=unit,
        before=values[0],
        after=values[1],
        change=one.difference,
        low=one.low,
        high=one.high,
        n=one.n,
        verdict=verdict,
        p_value=one.p_value,
        smallest=smallest,
    )
