"""What the page needs to give verdicts at other thresholds: the intervals, and what stays as it is.

Only what follows from the intervals alone is offered: not what an answer has to be worth to count,
nor what another part of the config says.
"""

from collections.abc import Sequence
from typing import Any

from runner.measure.conclusion import against, scored, thresholds
from runner.record.outcomes import Result, Verdict
from runner.report import contents

_DERIVED = "cost_per_accepted_usd"  # hangs on another threshold, too


def of(results: Sequence[Result]) -> dict[str, Any] | None:
    """None: there is no threshold to try, or a run is not complete."""
    if any(result.tier is None for result in results):
        return None
    found = [{verdict.requirement: verdict for verdict in result.verdicts} for result in results]
    bounds = [_bound(name, found, results) for name in found[0]]
    offered = [bound for bound in bounds if bound]
    taken = {bound["requirement"] for bound in offered}
    rest = [_rest(result, taken) for result in results]
    return {"bounds": offered, "rest": rest} if offered else None


def _bound(
    name: str, found: Sequence[dict[str, Verdict]], results: Sequence[Result]
) -> dict[str, Any] | None:
    verdicts = [each.get(name) for each in found]
    first = verdicts[0]
    if first is None or first.side is None or not isinstance(first.bound, int | float):
        return None
    if {(each.side, each.bound) if each else None for each in verdicts} != {
        (first.side, first.bound)
    }:
        return None
    if first.metric == _DERIVED:
        return None
    metrics = [result.metrics.get(first.metric or "") for result in results]
    known = [one if one and one.value is not None else None for one in metrics]
    if all(one is None or one.low == one.high is not None for one in known):
        return None  # certain
    key = f"{name}.{first.side}" if name.startswith("bounds.") else name
    return {
        "requirement": name,
        "key": f"requirements.{key}",
        "name": contents.plain(name),
        "side": first.side,
        "bound": first.bound,
        "unit": first.unit,
        "ends": [one and [one.low, one.high, one.value] for one in known],
    }


def _rest(result: Result, taken: set[str]) -> list[str]:
    """The verdicts that stay, as they count for its tier."""
    words: list[str] = [
        "missed" if against(verdict) else verdict.verdict
        for verdict in result.verdicts
        if verdict.requirement not in taken
    ]
    words += [] if scored(result) else ["missed"]
    return words if thresholds(result) else [*words, "unknown"]
