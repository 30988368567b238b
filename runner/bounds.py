"""One bound held against one measured number.

It is met when the whole 95 % interval lies on its right side, missed when the whole interval lies
on its wrong side, and not proven in between. What nobody knows is unknown, which is not met.
"""

from collections.abc import Mapping
from typing import Literal

from runner import numbers
from runner.records import Metric, Verdict

Side = Literal["min", "max"]
Word = Literal["met", "missed", "not proven"]


def hold(
    requirement: str,
    name: str,
    metrics: Mapping[str, Metric | None],
    side: Side,
    limit: float,
    share: float | None = None,
) -> Verdict:
    """One bound against one metric.

    `share` is the part of requests that must lie on the right side, where a proof takes a least
    number of them (`statistics.needed`).
    """
    metric = metrics.get(name)
    if metric is None or metric.value is None:
        why = f"{name} is unknown: {_reason(metric)}"
        return Verdict(requirement=requirement, bound=limit, value=None, verdict="unknown", why=why)
    proof, disproof = (metric.low, metric.high) if side == "min" else (metric.high, metric.low)
    sign = 1 if side == "min" else -1
    word: Word = "not proven"
    if proof is not None and sign * proof >= sign * limit:
        word = "met"
    elif disproof is not None and sign * disproof < sign * limit:
        word = "missed"
    edge = disproof if word == "missed" else proof
    lowest = (word == "missed") != (side == "min")  # the sentence quotes a lower bound
    why = (
        f"{name} {numbers.show(metric.value, metric.unit)}, {_confidence(metric, edge, lowest)}: "
        f"{numbers.bound(limit, metric.unit)} is {word}{_too_few(word, metric, share)}"
    )
    return Verdict(requirement=requirement, bound=limit, value=metric.value, verdict=word, why=why)


def _confidence(metric: Metric, edge: float | None, lowest: bool) -> str:
    if edge is None:
        return f"no {'lower' if lowest else 'upper'} bound can be given"
    if metric.low == metric.high:
        return "with certainty"
    side = "at least" if lowest else "at most"
    return f"{side} {numbers.show(edge, metric.unit)} with 95 % confidence"


def _too_few(word: Word, metric: Metric, share: float | None) -> str:
    """What it would take, where no outcome of so small a run could have been a proof."""
    if word != "not proven" or share is None:
        return ""
    from runner.statistics import needed

    least = needed(share)
    if metric.n >= least:
        return ""
    return f" ({least:,} observations are needed, {metric.n:,} are here)"


def _reason(metric: Metric | None) -> str:
    if metric is None:
        return "it was not measured"
    if metric.unit == "usd" and metric.n:
        return "a price or a token count is missing"
    return "there was nothing to measure it on"
