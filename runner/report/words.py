"""What a result comes down to, in a sentence; the same on screen and on paper."""

from collections.abc import Sequence

from runner import numbers
from runner.records import Result

MARKS = {"met": "✓", "missed": "✗", "not proven": "≈", "unknown": "?"}
LEGEND = ", ".join(f"{mark} {word}" for word, mark in MARKS.items())


def named(result: Result, word: str) -> list[str]:
    """The requirements with this verdict."""
    return [verdict.requirement for verdict in result.verdicts if verdict.verdict == word]


def proven(result: Result) -> bool:
    """Whether the run is complete and nothing required is left open."""
    met = all(verdict.verdict == "met" for verdict in result.verdicts)
    return result.complete and result.error is None and met


def conclusion(result: Result) -> str:
    if result.error is not None:
        return f"{result.model} could not be measured: {result.error}"
    if not result.complete:
        return f"The run of {result.model} is not complete: nothing is decided yet."
    if proven(result):
        names = ", ".join(verdict.requirement for verdict in result.verdicts)
        return f"{result.model} provably meets every requirement: {names}."
    words = {"missed": "misses", "not proven": "is not proven to meet", "unknown": "can't tell"}
    parts = [
        f"{words[verdict]} {', '.join(found)}"
        for verdict in words
        if (found := named(result, verdict))
    ]
    return f"{result.model} {'; '.join(parts)}."


def choice(task: str, ranked: Sequence[Result]) -> str:
    """Which candidate to ship on a task, if any; `ranked` has the best first."""
    fit = [result for result in ranked if proven(result)]
    if not fit:
        nearest = f" Nearest: {conclusion(ranked[0])}" if ranked else ""
        return f"{task}: no candidate provably meets every requirement.{nearest}"
    best = fit[0]
    quality, cost = best.metrics.get("quality"), best.metrics.get("cost_per_request_usd")
    facts = [
        f"quality {numbers.show(quality.value, quality.unit)}" if quality else "",
        f"{numbers.show(cost.value, cost.unit)} a request"
        if cost and cost.value is not None
        else "",
    ]
    of = f", first of the {len(fit)} that do" if len(fit) > 1 else ""
    measured = ", ".join(fact for fact in facts if fact)
    return f"{task}: ship {best.model}, which provably meets every requirement{of} ({measured})."
