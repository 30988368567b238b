"""The requirements of a job, each held against the evidence for it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from runner.config.schema import Data, Job, Privacy, Requirements, Task
from runner.errors import ConfigError, did_you_mean
from runner.measure import formatting
from runner.measure.capacity import carries
from runner.measure.observations import SCORE
from runner.measure.verdict import Side, verdict_on
from runner.record.outcomes import Metric, Verdict

Held = Callable[..., Verdict]  # `verdict_on`, as it holds for a job

ALLOWED: dict[Privacy, tuple[Data, ...]] = {
    "standard": ("on_device", "self_hosted", "third_party"),
    "strict": ("on_device", "self_hosted"),
    "air_gapped": ("on_device",),
}


def known_metrics(task: Task) -> set[str]:
    """The names that `requirements.bounds` may use."""
    return set(formatting.UNITS) | {SCORE + scorer for scorer in task.scorers}


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


def judge(
    job: Job, metrics: Mapping[str, Metric], tail: float | None = None, *, hints: bool = True
) -> list[Verdict]:
    """A verdict on every requirement that is set; `tail` is that of the metrics of a race.

    Without `hints` none says what would settle it, which takes a while to compute.
    """
    sure = job.requirements.confidence
    held = partial(verdict_on, repeats=job.repeats, confidence=sure, tail=tail, hints=hints)
    return list(_verdicts(job, metrics, held))


def measured(job: Job) -> int:
    """How many of the requirements hang on what is measured."""
    return sum(verdict.verdict == "unknown" for verdict in judge(job, {}))


def _verdicts(job: Job, metrics: Mapping[str, Metric], held: Held) -> Iterator[Verdict]:
    wanted = job.requirements
    latency = f"latency_p{wanted.latency_percentile}_ms"
    if wanted.max_latency_ms is not None:
        yield held("max_latency_ms", latency, metrics, "max", wanted.max_latency_ms)
    if wanted.max_cost_per_request is not None:
        cost = wanted.max_cost_per_request
        verdict = held("max_cost_per_request", "cost_per_request_usd", metrics, "max", cost)
        if verdict.verdict == "unknown" and (unpriced := _unpriced(job)):
            fact = "; ".join(f"write the price into conf/model/{name}.yaml" for name in unpriced)
            verdict = verdict.model_copy(update={"fact": fact})
        yield _beside(verdict, metrics, "cost_per_accepted_usd", "{} per accepted answer")
    if wanted.min_quality_score is not None:
        yield held("min_quality_score", "quality", metrics, "min", wanted.min_quality_score)
    if wanted.context_needed is not None:
        yield _context(job, wanted.context_needed)
    yield _privacy(job)
    if wanted.certifications:
        yield _certified(job, wanted.certifications)
    if wanted.regions:
        yield _located(job, wanted.regions)
    if wanted.output_format is not None:
        yield _format(job, metrics, held)
    if wanted.requests_per_month is not None:
        yield carries(job, metrics, wanted.requests_per_month)
    if wanted.availability is not None:
        evidence = {"availability": _complement(metrics.get("error_rate"))}
        share = wanted.availability
        verdict = held("availability", "availability", evidence, "min", share, share=share)
        before = "{} before retries and fallback"
        yield _beside(verdict, metrics, "first_attempt_success_rate", before)
    for name, limit in wanted.bounds.items():
        side: Side = "max" if limit.min is None else "min"
        value = limit.max if limit.min is None else limit.min
        assert value is not None  # the schema asks for exactly one
        yield held(f"bounds.{name}", name, metrics, side, value)


def _beside(verdict: Verdict, metrics: Mapping[str, Metric], name: str, words: str) -> Verdict:
    """The verdict with another number that helps to read it."""
    metric = metrics.get(name)
    if metric is None or metric.value is None:
        return verdict
    said = words.format(formatting.show(metric.value, metric.unit))
    return verdict.model_copy(update={"why": f"{verdict.why}; {said}"})


def _complement(metric: Metric | None) -> Metric | None:
    """The share of what did not happen."""
    if metric is None:
        return None
    value, low, high = (
        None if share is None else 1 - share for share in (metric.value, metric.high, metric.low)
    )
    return metric.model_copy(update={"value": value, "low": low, "high": high})


def _unpriced(job: Job) -> list[str]:
    return list(dict.fromkeys(m.name for m in job.answering.values() if m.price is None))


def _context(job: Job, tokens: int) -> Verdict:
    holds = job.model.context_tokens
    return Verdict(
        requirement="context_needed",
        bound=tokens,
        value=holds,
        verdict="met" if holds >= tokens else "missed",
        why=f"{job.model.name} takes {holds:,} tokens, {tokens:,} are needed",
        unit="tokens",
    )


def leaks(job: Job) -> list[str]:
    """The ways through the config by which a text would leave where it has to stay."""
    goes: dict[str, tuple[str, Data]] = {
        path: (model.provider.name, model.provider.data) for path, model in job.models.items()
    }
    goes |= {f"callbacks.{one.name}": (one.name, one.data) for one in job.callbacks}
    if job.tracing is not None:
        goes["tracing.endpoint"] = job.tracing.endpoint, job.tracing.data
    allowed = ALLOWED[job.requirements.data_privacy]
    return [
        f"{path} goes to {where} ({data})"
        for path, (where, data) in goes.items()
        if data not in allowed
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


def _certified(job: Job, needed: Sequence[str]) -> Verdict:
    """Every provider that a request may reach has every certificate."""
    stated = _stated(job, "certifications")
    lacking = {
        name: missing
        for name, found in stated.items()
        if found and (missing := [one for one in needed if one not in found])
    }
    problems = [f"{name} does not state {', '.join(missing)}" for name, missing in lacking.items()]
    return _of_providers("certifications", needed, stated, problems)


def _located(job: Job, allowed: Sequence[str]) -> Verdict:
    """No provider that a request may reach works anywhere else."""
    stated = _stated(job, "regions")
    problems = [
        f"{name} works in {', '.join(elsewhere)}"
        for name, found in stated.items()
        if (elsewhere := [region for region in found if region not in allowed])
    ]
    return _of_providers("regions", allowed, stated, problems)


def _stated(job: Job, key: str) -> dict[str, tuple[str, ...]]:
    return {model.provider.name: getattr(model.provider, key) for model in job.models.values()}


def _of_providers(
    key: str, bound: Sequence[str], stated: Mapping[str, Sequence[str]], problems: list[str]
) -> Verdict:
    """A verdict on what providers state; who states nothing leaves it open."""
    silent = [name for name, found in stated.items() if not found]
    facts = [f"{name} states {', '.join(found)}" for name, found in stated.items()]
    open_ = [f"{name} states no {key}: fill in what your contract says" for name in silent]
    return Verdict(
        requirement=key,
        bound=", ".join(bound),
        value=", ".join(dict.fromkeys(one for found in stated.values() for one in found)) or None,
        verdict="missed" if problems else "unknown" if silent else "met",
        why="; ".join(problems or open_ or facts),
        fact="; ".join(f"write {key} into conf/provider/{name}.yaml" for name in silent) or None,
    )


def _format(job: Job, metrics: Mapping[str, Metric], held: Held) -> Verdict:
    wanted = job.requirements.output_format
    if wanted == "json":
        least = job.requirements.min_valid_output
        verdict = held("output_format", "valid_output_rate", metrics, "min", least, share=least)
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
