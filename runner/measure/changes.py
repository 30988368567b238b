"""What changed between two runs: scores by a paired test, latency and cost as ratios.

Import it where a comparison is computed (see `runner.measure.statistics`). Latencies are those of
two times of day: what is proven of them holds for these two runs.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import fmean, median
from typing import Any

from runner.measure.comparison import (
    ANSWERED,
    COST,
    LATENCY,
    QUALITY,
    TAIL,
    TYPICAL_COST,
    CaseOutcomes,
    Change,
    Observed,
    Pairs,
    Verdict,
)
from runner.measure.observations import SCORE
from runner.measure.paired import PairedDifference, Scores, paired
from runner.measure.power import smallest_pass_difference, smallest_score_difference
from runner.measure.statistics import Estimate, percentile, ratio

Both = tuple[float | None, float | None]  # in the baseline and in the candidate

_NOISE = 9  # decimals beyond which sums of dollars differ by their rounding alone


def scores(baseline: Observed, candidate: Observed, pairs: Pairs) -> Iterator[Change]:
    """Quality, the share of requests answered, and the other scorers, corrected for each other."""
    quality, confidence = candidate.quality, candidate.confidence
    anytime = _anytime(baseline, candidate)
    kept = [seen.scores for pair in pairs.values() for seen in pair]
    names = sorted({name for given in kept for name in given} - {quality})
    columns: dict[str, Callable[[CaseOutcomes], list[float]]] = {
        QUALITY: partial(_scored, quality),
        ANSWERED: lambda seen: [1.0] * seen.answered + [0.0] * (seen.outcomes - seen.answered),
        **{SCORE + name: partial(_scored, name) for name in names},
    }
    for name, values in columns.items():
        before, after = ({case: values(pair[n]) for case, pair in pairs.items()} for n in (0, 1))
        among = len(names) if name.startswith(SCORE) else 1
        one = paired(before, after, confidence=confidence, among=among, anytime=anytime)
        change = Estimate(one.difference, one.low, one.high)
        known = one.low is not None and one.high is not None
        yield _change(
            name,
            "rate" if name == ANSWERED else "score",
            (_mean(before, after), _mean(after, before)),
            change,
            one.n,
            verdict=_verdict(change, even=0, more="better", less="worse") if known else "unknown",
            p_value=one.p_value,
            smallest=_smallest(one, (1 - confidence) / among / 2),
        )


def _anytime(*both: Observed) -> bool:
    return any(each.anytime for each in both)


def _scored(scorer: str, seen: CaseOutcomes) -> list[float]:
    return seen.scores.get(scorer, [])


def _smallest(one: PairedDifference, tail: float) -> float | None:
    if one.n and one.won is not None and one.lost is not None:
        return smallest_pass_difference(one.n, (one.won + one.lost) / one.n, tail=tail)
    if one.deviation is None:
        return None
    return smallest_score_difference(one.n, one.deviation, tail=tail)


def _mean(column: Scores, other: Scores) -> float | None:
    """Of the cases that have scores on both sides, each counting once."""
    means = [fmean(found) for case, found in column.items() if found and other[case]]
    return fmean(means) if means else None


def latencies(before: Observed, after: Observed, pairs: Pairs) -> Iterator[Change]:
    """By how much the typical case takes longer, and, from intervals that part, the slow ones.

    No bound of p95 is proven by few cases (see `statistics.percentile`), so that no change is.
    """
    sure, anytime = after.confidence, _anytime(before, after)
    timed = [pair for pair in pairs.values() if all(sum(seen.latency_ms) for seen in pair)]
    if not timed:
        return
    values = [[value for pair in timed for value in pair[n].latency_ms] for n in (0, 1)]
    cases = [[case for case, pair in enumerate(timed) for _ in pair[n].latency_ms] for n in (0, 1)]
    alike = before.timing == after.timing
    ratios = [fmean(late.latency_ms) / fmean(early.latency_ms) for early, late in timed]
    found = [percentile(values[n], 50, cases[n]).value for n in (0, 1)]
    typical = percentile(ratios, 50, None, sure, anytime) if alike else Estimate(None)
    yield _ratio(LATENCY, "ms", (found[0], found[1]), typical, len(timed))
    early, late = (percentile(values[n], 95, cases[n], sure, anytime) for n in (0, 1))
    slow = Estimate(
        _over(late.value, early.value), _over(late.low, early.high), _over(late.high, early.low)
    )
    both = early.value, late.value
    yield _ratio(TAIL, "ms", both, slow if alike else Estimate(None), len(timed))


def costs(baseline: Observed, candidate: Observed, pairs: Pairs) -> Iterator[Change]:
    """All that a case cost, calls that failed included; unknown where one of them is.

    The sums may be driven by a case that nobody has seen; the typical case is not, so that its
    change is proven sooner.
    """
    paid = [(_paid(early), _paid(late)) for early, late in pairs.values()]
    before = [early for early, late in paid if early is not None and late is not None]
    after = [late for early, late in paid if early is not None and late is not None]
    if not paid or len(before) < len(paid):
        yield _ratio(COST, "usd", (None, None), Estimate(None), len(paid))
        return
    each = [round(late / early, _NOISE) for early, late in zip(before, after, strict=True) if early]
    times = _times(before, after, each, baseline, candidate)
    change = _ratio(COST, "usd", (fmean(before), fmean(after)), times, len(paid))
    if not any(before) and any(after):
        change = change.model_copy(update={"verdict": "worse"})  # was free: there is no ratio
    yield change
    if all(before) and len(set(each)) > 1:
        anytime = _anytime(baseline, candidate)
        typical = percentile(each, 50, None, candidate.confidence, anytime)
        yield _ratio(TYPICAL_COST, "usd", (median(before), median(after)), typical, len(paid))


def _paid(seen: CaseOutcomes) -> float | None:
    known = [cost for cost in seen.cost_usd if cost is not None]
    return fmean(known) if known and len(known) == len(seen.cost_usd) else None


def _times(
    before: Sequence[float],
    after: Sequence[float],
    each: Sequence[float],
    baseline: Observed,
    candidate: Observed,
) -> Estimate:
    """The case that nobody has seen may cost all that it can on one side, and nothing else."""
    if not any(before):
        return Estimate(None) if any(after) else Estimate(1.0, 1.0, 1.0)
    sure, anytime = candidate.confidence, _anytime(baseline, candidate)
    if all(before) and len(set(each)) == 1:  # another price, the same tokens
        return percentile(each, 50, None, sure, anytime)
    most, most_under = candidate.most_usd, baseline.most_usd
    return ratio(after, before, most=most, most_under=most_under, confidence=sure, anytime=anytime)


def _over(value: float | None, other: float | None) -> float | None:
    return value / other if value is not None and other else None


def _ratio(name: str, unit: str, both: Both, times: Estimate, n: int) -> Change:
    known = times.value is not None
    verdict = _verdict(times, even=1, more="worse", less="better") if known else "unknown"
    return _change(name, unit, both, times, n, verdict=verdict)


def _verdict(change: Estimate, *, even: float, more: Verdict, less: Verdict) -> Verdict:
    if change.low is not None and change.low > even:
        return more
    return less if change.high is not None and change.high < even else "not proven"


def _change(name: str, unit: str, both: Both, change: Estimate, n: int, **more: Any) -> Change:
    return Change(
        name=name,
        unit=unit,
        before=both[0],
        after=both[1],
        change=change.value,
        low=change.low,
        high=change.high,
        n=n,
        **more,
    )
