"""What changed in latency and cost: how many times as much, with an interval."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean, median
from typing import TYPE_CHECKING

from runner.measure.compare.comparison import (
    COST,
    LATENCY,
    TAIL,
    TYPICAL_COST,
    Change,
    Verdict,
)
from runner.measure.compare.observed import Observed, Pairs, Seen

if TYPE_CHECKING:
    from runner.measure.statistics import Estimate

_NOISE = 9  # decimals beyond which sums of dollars differ by their rounding alone


def latencies(before: Observed, after: Observed, pairs: Pairs) -> Iterator[Change]:
    """By how much the typical case takes longer, and, from intervals that part, the slow ones.

    No bound of p95 is proven by few cases (see `statistics.percentile`), so that no change is.
    """
    from runner.measure.statistics import Estimate, percentile

    sure = after.confidence
    timed = [pair for pair in pairs.values() if all(sum(seen.latency_ms) for seen in pair)]
    if not timed:
        return
    values = [[value for pair in timed for value in pair[n].latency_ms] for n in (0, 1)]
    cases = [[case for case, pair in enumerate(timed) for _ in pair[n].latency_ms] for n in (0, 1)]
    alike = before.timing == after.timing
    ratios = [fmean(late.latency_ms) / fmean(early.latency_ms) for early, late in timed]
    found = [percentile(values[n], 50, cases[n]).value for n in (0, 1)]
    typical = percentile(ratios, 50, confidence=sure) if alike else Estimate(None)
    yield _ratio(LATENCY, "ms", found[0], found[1], typical, len(timed))
    early, late = (percentile(values[n], 95, cases[n], sure) for n in (0, 1))
    slow = Estimate(
        _over(late.value, early.value), _over(late.low, early.high), _over(late.high, early.low)
    )
    yield _ratio(TAIL, "ms", early.value, late.value, slow if alike else Estimate(None), len(timed))


def costs(baseline: Observed, candidate: Observed, pairs: Pairs) -> Iterator[Change]:
    """All that a case cost, calls that failed included; unknown where one of them is.

    The sums may be driven by a case that nobody has seen; the typical case is not, so that its
    change is proven sooner.
    """
    from runner.measure.statistics import Estimate, percentile

    paid = [(_paid(early), _paid(late)) for early, late in pairs.values()]
    before = [early for early, late in paid if early is not None and late is not None]
    after = [late for early, late in paid if early is not None and late is not None]
    if not paid or len(before) < len(paid):
        yield _ratio(COST, "usd", None, None, Estimate(None), len(paid))
        return
    times = _times(before, after, baseline, candidate)
    change = _ratio(COST, "usd", fmean(before), fmean(after), times, len(paid))
    if not any(before) and any(after):
        change = change.model_copy(update={"verdict": "worse"})  # was free: there is no ratio
    yield change
    each = [round(late / early, _NOISE) for early, late in zip(before, after, strict=True) if early]
    if all(before) and len(set(each)) > 1:
        typical = percentile(each, 50, confidence=candidate.confidence)
        yield _ratio(TYPICAL_COST, "usd", median(before), median(after), typical, len(paid))


def _paid(seen: Seen) -> float | None:
    known = [cost for cost in seen.cost_usd if cost is not None]
    return fmean(known) if known and len(known) == len(seen.cost_usd) else None


def _times(
    before: Sequence[float], after: Sequence[float], baseline: Observed, candidate: Observed
) -> Estimate:
    """The case that nobody has seen may cost all that it can on one side, and nothing else."""
    from runner.measure.statistics import Estimate, percentile, ratio

    if not any(before):
        return Estimate(None) if any(after) else Estimate(1.0, 1.0, 1.0)
    if all(before):
        each = {round(late / early, _NOISE) for early, late in zip(before, after, strict=True)}
        if len(each) == 1:  # another price, the same tokens
            return percentile([*each] * len(before), 50, confidence=candidate.confidence)
    return ratio(
        after,
        before,
        most=candidate.most_usd,
        most_under=baseline.most_usd,
        confidence=candidate.confidence,
    )


def _ratio(
    name: str, unit: str, before: float | None, after: float | None, times: Estimate, n: int
) -> Change:
    verdict: Verdict = "unknown" if times.value is None else "not proven"
    if times.low is not None and times.low > 1:
        verdict = "worse"
    elif times.high is not None and times.high < 1:
        verdict = "better"
    return Change(
        name=name,
        unit=unit,
        before=before,
        after=after,
        change=times.value,
        low=times.low,
        high=times.high,
        n=n,
        verdict=verdict,
    )


def _over(value: float | None, other: float | None) -> float | None:
    return value / other if value is not None and other else None
