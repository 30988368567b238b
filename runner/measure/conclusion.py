"""How a run stands to its requirements, in words."""

from runner.record.outcomes import Result


def named(result: Result, word: str) -> list[str]:
    """The requirements with this verdict."""
    return [verdict.requirement for verdict in result.verdicts if verdict.verdict == word]


def scored(result: Result) -> bool:
    """Whether anything is known of how good its answers are."""
    quality = result.metrics.get("quality")
    return quality is not None and quality.value is not None


def conditions(result: Result) -> list[str]:
    """What no measurement can tell, but the account at a provider: the limits that it grants."""
    return [
        f"{verdict.requirement}: {verdict.why}"
        for verdict in result.verdicts
        if verdict.requirement == "requests_per_month" and verdict.verdict == "unknown"
    ]


def proven(result: Result) -> bool:
    """Whether the run is complete, and nothing is left open but `conditions`."""
    open_ = [verdict for verdict in result.verdicts if verdict.verdict != "met"]
    met = len(open_) == len(conditions(result))
    return result.complete and result.error is None and met and scored(result)


def conclusion(result: Result) -> str:
    if result.error is not None:
        return f"{result.model} could not be measured: {result.error}"
    if not result.complete:
        return f"The run of {result.model} is not complete: nothing is decided yet."
    if proven(result):
        words = (
            f"{result.model} provably meets every requirement: {', '.join(named(result, 'met'))}"
        )
        return f"{words}.{provided(result)}"
    return f"{result.model} {shortfall(result) or 'has no answer that was scored'}."


def provided(result: Result) -> str:
    """A sentence for each condition, to follow another one."""
    return "".join(
        f" Provided that your account allows it ({each})." for each in conditions(result)
    )


def shortfall(result: Result) -> str:
    """`misses max_latency_ms; is not proven to meet min_quality_score`."""
    words = {"missed": "misses", "not proven": "is not proven to meet", "unknown": "can't tell"}
    return "; ".join(
        f"{words[verdict]} {', '.join(found)}"
        for verdict in words
        if (found := named(result, verdict))
    )
