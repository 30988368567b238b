"""One bound held against one measured number.

It is met when the whole interval lies on its right side, missed when the whole interval lies on
its wrong side, and not proven in between. What nobody knows is unknown, which is not met.
"""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from runner.measure import formatting
from runner.record.outcomes import CONFIDENCE, Metric, Verdict

Side = Literal["min", "max"]
Word = Literal["met", "missed", "not proven"]

_SMALL = 200  # cases that everybody can have, however few there are now


class _Asked(NamedTuple):
    """What a verdict is asked for; see `verdict_on`."""

    name: str
    share: float | None
    repeats: int
    confidence: float


def verdict_on(
    requirement: str,
    name: str,
    metrics: Mapping[str, Metric | None],
    side: Side,
    limit: float,
    *,
    share: float | None = None,
    repeats: int = 1,
    confidence: float = CONFIDENCE,
    tail: float | None = None,
    hints: bool = True,
) -> Verdict:
    """One bound against one metric.

    `share` is the part of requests that must lie on the right side, where a proof takes a least
    number of them (`statistics.needed`); a percentile is one by its name. `repeats` is how often
    each case was asked, `confidence` that of the metrics' intervals, or of a race each of whose
    bounds is wrong as rarely as `tail` says (`Raced`).
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
            side=side,
        )
    word = word_for(metric.low, metric.high, side, limit)
    more, hint = None, ""
    if word == "not proven" and hints:
        sure = confidence if tail is None else 1 - tail  # at the last look
        asked = _Asked(name, share, repeats, sure)
        more, hint = _what_it_takes(metric, side, limit, asked)
    why = (
        f"{name} {formatting.show(metric.value, metric.unit)}, "
        f"{_evidence(metric, word, side, limit, confidence)}: "
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
        side=side,
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


def _evidence(metric: Metric, word: Word, side: Side, limit: float, confidence: float) -> str:
    if word == "met" and side == "max" and metric.most is not None and metric.most <= limit:
        verb = {"usd": "cost", "ms": "take"}.get(metric.unit, "use")
        return f"no request can {verb} more than {formatting.show(metric.most, metric.unit)}"
    lowest = (word == "missed") != (side == "min")  # the sentence quotes a lower bound
    edge = metric.low if lowest else metric.high
    if edge is None:
        return f"no {'lower' if lowest else 'upper'} bound can be given"
    if metric.low == metric.high:
        return "with certainty"
    where = "at least" if lowest else "at most"
    return f"{where} {formatting.show(edge, metric.unit)} with {100 * confidence:g} % confidence"


def _what_it_takes(
    metric: Metric, side: Side, limit: float, wanted: _Asked
) -> tuple[int | None, str]:
    """How many more cases would settle it and which way, or why no number of them is named."""
    from runner.measure.power import more_cases
    from runner.measure.statistics import needed

    assert metric.value is not None
    way = f"as measured it is {leaning(metric.value, side, limit)}"
    percentile = _percentile(wanted.name)
    more = more_cases(
        metric,
        limit,
        percentile=percentile,
        repeats=wanted.repeats,
        confidence=wanted.confidence,
    )
    if more is not None and reachable(metric.n // wanted.repeats, more):
        return more, f"; {about(more)} would settle it; {way}"
    share = percentile / 100 if percentile is not None else wanted.share
    least = 0 if share is None else needed(share, wanted.confidence)
    if metric.n < least:
        return None, f" ({least:,} observations are needed, {metric.n:,} are here); {way}"
    if more is None:
        return None, f"; {way}"
    return None, f"; {way}, by too little for ten times the cases to settle it"


def reachable(cases: int, more: int) -> bool:
    """Whether anybody would add so many: not where it takes more than ten times those here."""
    return cases + more <= max(10 * cases, _SMALL)


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
