"""The requirements of a job, each held against the evidence for it."""

from collections.abc import Iterator, Mapping

from runner.bounds import Side, hold
from runner.errors import ConfigError, did_you_mean
from runner.metrics import UNITS
from runner.records import Metric, Verdict
from runner.schema import Data, Job, Privacy, Requirements, Task
from runner.tally import SCORE

_ALLOWED: dict[Privacy, tuple[Data, ...]] = {
    "standard": ("on_device", "self_hosted", "third_party"),
    "strict": ("on_device", "self_hosted"),
    "air_gapped": ("on_device",),
}


def known_metrics(task: Task) -> set[str]:
    """The names that `requirements.bounds` may use."""
    return set(UNITS) | {SCORE + scorer for scorer in task.scorers}


def check(requirements: Requirements, task: Task) -> None:
    """Raises ConfigError with a line for each bound on something that nobody measures."""
    known = known_metrics(task)
    problems = [
        f"requirements.bounds: no metric '{name}'{did_you_mean(name, known)}"
        for name in requirements.bounds
        if name not in known
    ]
    if problems:
        raise ConfigError(*problems)


def judge(job: Job, metrics: Mapping[str, Metric]) -> list[Verdict]:
    """A verdict on every requirement that is set.

    `requests_per_month` bounds nothing: it prices the month, in the metric monthly_cost_usd.
    """
    return list(_verdicts(job, metrics))


def _verdicts(job: Job, metrics: Mapping[str, Metric]) -> Iterator[Verdict]:
    wanted = job.requirements
    latency = f"latency_p{wanted.latency_percentile}_ms"
    if wanted.max_latency_ms is not None:
        share = wanted.latency_percentile / 100
        yield hold("max_latency_ms", latency, metrics, "max", wanted.max_latency_ms, share)
    if wanted.max_cost_per_request is not None:
        cost = wanted.max_cost_per_request
        yield hold("max_cost_per_request", "cost_per_request_usd", metrics, "max", cost)
    if wanted.min_quality_score is not None:
        yield hold("min_quality_score", "quality", metrics, "min", wanted.min_quality_score)
    if wanted.context_needed is not None:
        yield _context(job, wanted.context_needed)
    yield _privacy(job)
    if wanted.output_format is not None:
        yield _format(job, metrics)
    if wanted.availability is not None:
        evidence = {"availability": _complement(metrics.get("error_rate"))}
        share = wanted.availability
        yield hold("availability", "availability", evidence, "min", share, share)
    for name, limit in wanted.bounds.items():
        side: Side = "max" if limit.min is None else "min"
        value = limit.max if limit.min is None else limit.min
        assert value is not None  # the schema asks for exactly one
        yield hold(f"bounds.{name}", name, metrics, side, value)


def _complement(metric: Metric | None) -> Metric | None:
    """The share of what did not happen."""
    if metric is None:
        return None
    value, low, high = (
        None if share is None else 1 - share for share in (metric.value, metric.high, metric.low)
    )
    return metric.model_copy(update={"value": value, "low": low, "high": high})


def _context(job: Job, tokens: int) -> Verdict:
    holds = job.model.context_tokens
    return Verdict(
        requirement="context_needed",
        bound=tokens,
        value=holds,
        verdict="met" if holds >= tokens else "missed",
        why=f"{job.model.name} takes {holds:,} tokens, {tokens:,} are needed",
    )


def leaks(job: Job) -> list[str]:
    """The ways through the config by which a text would leave where it has to stay."""
    return [
        f"{path} goes to {model.provider.name} ({model.provider.data})"
        for path, model in job.models.items()
        if model.provider.data not in _ALLOWED[job.requirements.data_privacy]
    ]


def _privacy(job: Job) -> Verdict:
    """A fact about every model that a request may reach, the fallbacks included."""
    found = leaks(job)
    reached = sorted({model.provider.data for model in job.models.values()})
    return Verdict(
        requirement="data_privacy",
        bound=job.requirements.data_privacy,
        value=", ".join(reached),
        verdict="missed" if found else "met",
        why="; ".join(found) or f"requests reach nothing but: {', '.join(reached)}",
    )


def _format(job: Job, metrics: Mapping[str, Metric]) -> Verdict:
    wanted = job.requirements.output_format
    if wanted == "json":
        least = job.requirements.min_valid_output
        verdict = hold("output_format", "valid_output_rate", metrics, "min", least, least)
        return verdict.model_copy(update={"bound": f"json in {least:g} of answers"})
    return Verdict(
        requirement="output_format",
        bound=wanted,
        value=None,
        verdict="met" if wanted == "text" else "unknown",
        why="any answer is text"
        if wanted == "text"
        else "only a scorer of the task can tell code from text; bound its score instead",
    )
