"""What a run comes down to: its tier, what is open and what would settle it, in words.

*Proven*: every requirement is met, and at least one is the user's own. *Supported*: nothing is
missed, nor would it be as measured, and what is open waits for more cases or for a fact that
somebody has to state. *Refused*: anything else. No word is stronger than the evidence.
"""

from collections.abc import Iterator

from runner.measure import formatting
from runner.measure.verdict import about
from runner.record.outcomes import Result, Tier, Verdict

SAME_PRICE = 1.05  # prices less than 5 % apart decide nothing

# They hold without anybody having set a threshold: see conf/requirements/base.yaml.
_BY_DEFAULT = ("data_privacy", "bounds.fallback_rate", "bounds.error_rate")


def named(result: Result, word: str) -> list[str]:
    """The requirements with this verdict."""
    return [verdict.requirement for verdict in result.verdicts if verdict.verdict == word]


def scored(result: Result) -> bool:
    """Whether anything is known of how good its answers are."""
    quality = result.metrics.get("quality")
    return quality is not None and quality.value is not None


def bounds_quality(result: Result) -> bool:
    """Whether a requirement asks for good answers."""
    words = ("min_quality_score", "bounds.quality", "bounds.score.", "bounds.pass_at_")
    return any(verdict.requirement.startswith(words) for verdict in result.verdicts)


def thresholds(result: Result) -> bool:
    """Whether anybody has set one."""
    return any(verdict.requirement not in _BY_DEFAULT for verdict in result.verdicts)


def tier(result: Result) -> Tier | None:
    """None: the run is not complete, so that nothing is decided yet."""
    if not result.complete or result.error is not None:
        return None
    if not scored(result) or any(map(against, result.verdicts)):
        return "refused"
    met = all(verdict.verdict == "met" for verdict in result.verdicts)
    return "proven" if met and thresholds(result) else "supported"


def against(verdict: Verdict) -> bool:
    """Whether it is missed, or would be as measured."""
    return verdict.verdict == "missed" or verdict.leans == "missed"


def proven(result: Result) -> bool:
    return tier(result) == "proven"


def open_lines(result: Result) -> list[str]:
    """What is open, each with what would settle it: in cases and dollars, or by a fact."""
    found = [
        f"{verdict.requirement} ({settles(result, verdict)})"
        for verdict in result.verdicts
        if verdict.verdict != "met"
    ]
    return found if thresholds(result) else ["no threshold is set", *found]


def settles(result: Result, verdict: Verdict) -> str:
    """`about 60 more cases, about $0.02, would settle it; as measured it is met`."""
    if verdict.verdict == "missed":
        return verdict.why
    if verdict.verdict == "unknown":
        return verdict.fact or verdict.why
    said = ["nothing but far more cases would settle it"]
    if verdict.more_cases:
        said = [f"{_cases(result, verdict.more_cases)} would settle it"]
    if verdict.leans:
        said.append(f"as measured it is {verdict.leans}")
    return "; ".join(said) or verdict.why


def _cases(result: Result, more: int) -> str:
    """So many more cases, and what asking them costs."""
    cost, counts = result.metrics.get("cost_per_request_usd"), result.counts
    if cost is None or not cost.value or counts is None or not counts.cases:
        return about(more)
    usd = cost.value * more * counts.outcomes / counts.cases
    return f"{about(more)}, about {formatting.show(usd, 'usd')},"


def failed_calls(result: Result) -> str:
    """`134 of 400 calls failed (120 server_error, 14 timeout)`; empty where none has."""
    if result.counts is None or not result.counts.failed:
        return ""
    kinds = sorted(result.failures.items(), key=lambda pair: -pair[1])
    said = ", ".join(f"{count} {kind}" for kind, count in kinds)
    calls = f"{result.counts.failed:,} of {result.counts.outcomes:,} calls failed"
    return f"{calls} ({said})" if said else calls


def conclusion(result: Result) -> str:
    """One or two sentences."""
    if result.error is not None:
        return f"{result.candidate} could not be measured: {result.error}"
    said = tier(result)
    if said is None:
        return f"The run of {result.candidate} is not complete: nothing is decided yet."
    return " ".join([_sentence(result, said), *_failures(result)])


def _sentence(result: Result, said: Tier) -> str:
    if said == "proven":
        met = ", ".join(named(result, "met"))
        return f"{result.candidate} provably meets every requirement: {met}."
    if said == "supported":
        return (
            f"{result.candidate} is supported, not proven. Open: {'; '.join(open_lines(result))}."
        )
    return f"{result.candidate} {shortfall(result) or 'has no answer that was scored'}."


def raced_out(result: Result) -> str:
    """`was asked 12 of 96 cases, since it misses max_latency_ms`; empty where no race did that."""
    race, counts = result.race, result.counts
    if race is None or race.stopped is None or counts is None or not counts.outcomes:
        return ""
    if counts.outcomes >= race.outcomes:  # the last look told, after which nobody is asked anyway
        return ""
    planned = race.outcomes * counts.cases // counts.outcomes
    by = f" ({race.beaten_by})" if race.beaten_by else ""
    then = ", as it was scored then" if result.rescored else ""
    return f"was asked {counts.cases:,} of {planned:,} cases, since it {race.stopped}{by}{then}"


def _failures(result: Result) -> Iterator[str]:
    if words := raced_out(result):
        yield f"In a race it {words}."
    if words := failed_calls(result):
        yield f"{words}."


def shortfall(result: Result) -> str:
    """`misses max_latency_ms; is not proven to meet min_quality_score`."""
    words = {"missed": "misses", "not proven": "is not proven to meet", "unknown": "can't tell"}
    return "; ".join(
        f"{words[verdict]} {', '.join(found)}"
        for verdict in words
        if (found := named(result, verdict))
    )
