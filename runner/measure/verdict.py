"""One bound held against one measured number.

It is met when the whole 95 % interval lies on its right side, missed when the whole interval lies
on its wrong side, and not proven in between. What nobody knows is unknown, which is not met.
"""

import re
from collections.abc import Mapping
from typing import Literal

from runner.measure import formatting
from runner.record.outcomes import Metric, Verdict

Side = Literal["min", "max"]
Word = Literal["met", "missed", "not proven"]


def hold(
    requirement: str,
    name: str,
    metrics: Mapping[str, Metric | None],
    side: Side,
    limit: float,
    *,
    share: float | None = None,
    repeats: int = 1,
) -> Verdict:
    """One bound against one metric.

    `share` is the part of requests that must lie on the right side, where a proof takes a least
    number of them (`statistics.needed`); a percentile is one by its name. `repeats` is how often
    each case was asked.
    """
    metric = metrics.get(name)
    if metric is None or metric.value is None:
        why = f"{name} is unknown: {_reason(metric)}"
        return Verdict(
            requirement=requirement,
            bound=limit,
            value=None,
            verdict="unknown",
            why=why,
            metric=name,
            unit=metric.unit if metric else None,
        )
    word = word_for(metric.low, metric.high, side, limit)
    lowest = (word == "missed") != (side == "min")  # the sentence quotes a lower bound
    more, hint = None, ""
    if word == "not proven":
        more, hint = _what_it_takes(metric, limit, _percentile(name), share, repeats)
    why = (
        f"{name} {formatting.show(metric.value, metric.unit)}, "
        f"{_confidence(metric, metric.low if lowest else metric.high, lowest)}: "
        f"{formatting.bound(limit, metric.unit)} is {word}{hint}"
    )
    return Verdict(
        requirement=requirement,
        bound=limit,
        value=metric.value,
        verdict=word,
        why=why,
        more_cases=more,
        leans=leaning(metric.value, side, limit) if word == "not proven" else None,
        metric=name,
        unit=metric.unit,
    )


def leaning(value: float, side: Side, limit: float) -> Literal["met", "missed"]:
    """What the number itself says, whatever its interval."""
    return "met" if (value >= limit if side == "min" else value <= limit) else "missed"


def word_for(low: float | None, high: float | None, side: Side, limit: float) -> Word:
    """What an interval says about a bound; None: nothing bounds it on that side."""
    if side == "min":
        if low is not None and low >= limit:
            return "met"
        return "missed" if high is not None and high < limit else "not proven"
    if high is not None and high <= limit:
        return "met"
    return "missed" if low is not None and low > limit else "not proven"


def _confidence(metric: Metric, edge: float | None, lowest: bool) -> str:
    if edge is None:
        return f"no {'lower' if lowest else 'upper'} bound can be given"
    if metric.low == metric.high:
        return "with certainty"
    side = "at least" if lowest else "at most"
    return f"{side} {formatting.show(edge, metric.unit)} with 95 % confidence"


def _what_it_takes(
    metric: Metric, limit: float, percentile: float | None, share: float | None, repeats: int
) -> tuple[int | None, str]:
    """How many more cases would settle it, or else what no outcome of so small a run can prove."""
    from runner.measure.power import more_cases
    from runner.measure.statistics import needed

    more = more_cases(metric, limit, percentile=percentile, repeats=repeats)
    if more is not None:
        return more, f"; {about(more)} would settle it"
    share = percentile / 100 if percentile is not None else share
    least = 0 if share is None else needed(share)
    if metric.n >= least:
        return None, ""
    return None, f" ({least:,} observations are needed, {metric.n:,} are here)"


def _percentile(name: str) -> float | None:
    match = re.search(r"_p(\d+)_ms$", name)
    return float(match[1]) if match else None


def about(count: int) -> str:
    """`about 210 more cases` for 207: rounded up, since fewer would not do."""
    unit = int(10 ** max(0, len(str(count)) - 2))
    cases = -(-count // unit) * unit
    return f"about {cases:,} more case{'s' * (cases > 1)}"


def _reason(metric: Metric | None) -> str:
    if metric is None:
        return "it was not measured"
    if metric.unit == "usd" and metric.n:
        return "a price or a token count is missing"
    return "there was nothing to measure it on"
