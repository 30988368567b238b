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

_ERROR = 0.05


def scores(pairs: Pairs, quality: str) -> Iterator[Change]:
    """Quality, the share of requests answered, and the other scorers, corrected for each other."""
    from runner.measure.paired import holm, paired

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
    found = {name: paired(*both) for name, both in columns.items()}
    p_values = {name: one.p_value for name, one in found.items()}
    p_values |= holm({name: p for name, p in p_values.items() if name.startswith(SCORE)})
    for name, one in found.items():
        values = [_mean(column, columns[name]) for column in columns[name]]
        unit = "rate" if name == ANSWERED else "score"
        yield _difference(name, unit, values, one, p_values[name])


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
    p_value: float | None,
) -> Change:
    from runner.measure.power import smallest_pass_difference, smallest_score_difference

    verdict: Verdict = "not proven"
    if p_value is None or one.difference is None:
        verdict = "unknown"
    elif p_value <= _ERROR and one.difference:
        verdict = "better" if one.difference > 0 else "worse"
    smallest = None
    if one.n and one.won is not None and one.lost is not None:
        smallest = smallest_pass_difference(one.n, (one.won + one.lost) / one.n)
    elif one.deviation is not None:
        smallest = smallest_score_difference(one.n, one.deviation)
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
        p_value=p_value,
        smallest=smallest,
    )
