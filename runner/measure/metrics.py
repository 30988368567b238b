"""What the outcomes of a run add up to: metrics with their intervals.

Quality and latency rest on answers of the model under test: a fallback's answer is never credited
to it, and a call that failed is counted, not scored. Costs rest on all that was paid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.config.schema import Job
from runner.measure.observations import SCORE, Observations
from runner.price import total
from runner.record.outcomes import Arm, Counts, Line, Metric

if TYPE_CHECKING:
    from runner.measure.statistics import Estimate

# Every metric but those of the scorers, which are score.<name>.
UNITS = {
    "quality": "score",
    "quality_per_request": "score",  # over all requests: an unanswered one is worth 0
    "valid_output_rate": "rate",
    "pass_at_1": "rate",  # of cases that are asked repeatedly, like the next two; 1 is a pass
    "pass_at_k": "rate",  # one of `repeats` tries passes
    "flaky_rate": "rate",  # cases whose repeats have different scores
    "error_rate": "rate",
    "first_attempt_success_rate": "rate",  # what availability would be without retry and fallback
    "fallback_rate": "rate",
    "retry_rate": "rate",
    "truncated_rate": "rate",
    "latency_p50_ms": "ms",
    "latency_p95_ms": "ms",
    "latency_mean_ms": "ms",
    "ttft_p50_ms": "ms",  # of the streaming probe, like the next two
    "ttft_p95_ms": "ms",
    "tokens_per_second": "tokens/s",
    "cost_per_request_usd": "usd",
    "cost_per_accepted_usd": "usd",  # over answers of min_quality_score at least, or else of 1
    "cost_total_usd": "usd",
    "monthly_cost_usd": "usd",
    "attempts_per_request": "attempts",
    "tokens_per_request": "tokens",  # of all its attempts, in and out
    "input_tokens": "tokens",
    "output_tokens": "tokens",
    "output_tokens_per_second": "tokens/s",
    "judge_failure_rate": "rate",  # answers that a judge could not judge
    "judge_latency_p50_ms": "ms",
    "judge_cost_usd": "usd",  # of all judgements; no part of the costs above
}
_REPEATED = ("pass_at_1", "pass_at_k", "flaky_rate")
_PROBED = ("ttft_p50_ms", "ttft_p95_ms", "tokens_per_second")
_JUDGED = ("judge_failure_rate", "judge_latency_p50_ms", "judge_cost_usd")
_FLAKIEST = 10  # cases that a result names


@dataclass(frozen=True)
class Measured:
    """`spent_usd` was paid by this run itself; the metric cost_total_usd counts replays too."""

    metrics: dict[str, Metric]
    counts: Counts
    spent_usd: float | None
    arms: list[Arm]
    choices: dict[str, int]
    probes: int  # cases that were streamed
    skipped: dict[str, int]
    failures: dict[str, int]
    flaky_cases: dict[str, float]


def measure(lines: Iterable[Line], job: Job, probe: Iterable[Line] = ()) -> Measured:
    """`probe` are the outcomes of the streaming probe, which count for nothing else."""
    tally = Observations(job)
    for line in lines:
        tally.add(line)
    for line in probe:
        tally.probed(line)
        tally.spent = total((tally.spent, line.cost_usd))
    metrics, flaky_cases = _repeated(tally)
    return Measured(
        metrics=_compute(tally, metrics),
        counts=tally.counts(),
        spent_usd=tally.spent,
        arms=tally.arms.rows(),
        choices=dict(tally.arms.choices),
        probes=tally.probes,
        skipped=dict(tally.skipped),
        failures=dict(tally.failures),
        flaky_cases=flaky_cases,
    )


def _compute(tally: Observations, repeated: dict[str, Metric]) -> dict[str, Metric]:
    job = tally.job
    scores = [SCORE + scorer for scorer in job.task.scorers]
    found = {name: _mean(tally, name) for name in scores}
    for name, unit in UNITS.items():
        if unit in ("rate", "tokens", "tokens/s", "attempts"):
            found[name] = _mean(tally, name)
    found |= repeated
    if not job.fallback.chain and found["fallback_rate"].value == 0:
        # There is nothing to fall back to: that is a fact and no estimate.
        fact = {"low": 0.0, "high": 0.0}
        found["fallback_rate"] = found["fallback_rate"].model_copy(update=fact)
    found["quality"] = found[SCORE + job.task.quality_scorer]
    for q in (50, 95):
        found[f"latency_p{q}_ms"] = _percentile(tally, "latency", q)
        found[f"ttft_p{q}_ms"] = _percentile(tally, "ttft", q)
    found["quality_per_request"] = _mean(tally, "quality_per_request")
    found["latency_mean_ms"] = _mean(tally, "latency", "latency_mean_ms")
    found["judge_latency_p50_ms"] = _percentile(tally, "judge_latency", 50)
    found |= _costs(tally)
    wanted = {_REPEATED: job.repeats > 1, _PROBED: job.latency_probe, _JUDGED: job.judging}
    left_out = {name for names, asked_for in wanted.items() if not asked_for for name in names}
    names = (name for name in ("quality", *scores, *UNITS) if name not in left_out)
    return {name: found[name] for name in names if name in found}


def _repeated(tally: Observations) -> tuple[dict[str, Metric], dict[str, float]]:
    """What the repeats of a case show, and the flakiest cases."""
    from runner.measure.repeats import flakiness, mean_pass_at_k

    scores, repeats = tally.scores(), tally.job.repeats
    if repeats == 1:
        return {}, {}
    sure = _confidence(tally)
    found = {
        "pass_at_1": mean_pass_at_k(scores, 1, sure),
        "pass_at_k": mean_pass_at_k(scores, repeats, sure),
    }
    flaky = flakiness(scores, sure)
    if flaky is None:
        return found, {}
    return {**found, "flaky_rate": flaky.share}, dict(list(flaky.cases.items())[:_FLAKIEST])


def _mean(tally: Observations, of: str, name: str = "") -> Metric:
    from runner.measure.statistics import mean

    name = name or of
    values, clusters = tally.sample(of)
    most = _most(tally, name)
    estimate = mean(values, clusters, most=most, confidence=_confidence(tally))
    known = most if UNITS.get(name, "score") in ("tokens", "ms") else None
    return _metric(name, estimate, len(values), known)


def _most(tally: Observations, name: str) -> float | None:
    """What no single value can exceed, by its nature or by what requests are limited to."""
    unit, most = UNITS.get(name, "score"), tally.most
    if unit in ("score", "rate"):
        return 1.0
    if unit == "tokens":
        return most and most.tokens
    if unit == "ms":
        return None if most is None or most.seconds is None else most.seconds * 1000
    return None


def _percentile(tally: Observations, of: str, q: int) -> Metric:
    from runner.measure.statistics import percentile

    values, clusters = tally.sample(of)
    estimate = percentile(values, q, clusters, _confidence(tally))
    return _metric(f"{of}_p{q}_ms", estimate, len(values))


def _costs(tally: Observations) -> dict[str, Metric]:
    from runner.measure.statistics import Estimate

    sums = {
        "cost_total_usd": (tally.cost, "cost"),
        "judge_cost_usd": (tally.judge_cost, "judge_latency"),
    }
    found = {
        name: _metric(name, Estimate(*[usd] * 3), len(tally.sample(of)[0]))
        for name, (usd, of) in sums.items()
    }
    each = found["cost_per_request_usd"] = _cost_per_request(tally)
    estimate, n = _cost_per(tally, "accepted", "cost_of_judged")
    found["cost_per_accepted_usd"] = _metric("cost_per_accepted_usd", estimate, n)
    if requests := tally.job.requirements.requests_per_month:
        amounts = ("value", "low", "high", "most")
        month = {name: _times(getattr(each, name), requests) for name in amounts}
        found["monthly_cost_usd"] = each.model_copy(update=month)
    return found


def _cost_per_request(tally: Observations) -> Metric:
    """While all were answered, or those that were not were free, none can cost more than `most`."""
    estimate, n = _cost_per(tally, "answered", "cost")
    costs, answers = tally.sample("cost")[0], tally.sample("answered")[0]
    wasted = any(cost and not answer for cost, answer in zip(costs, answers, strict=True))
    most = None if tally.most is None or wasted else tally.most.usd
    if most is None or max(costs, default=0.0) > most:
        return _metric("cost_per_request_usd", estimate, n)
    if estimate.high is not None:
        estimate = estimate._replace(high=min(estimate.high, most))
    return _metric("cost_per_request_usd", estimate, n, most)


def _cost_per(tally: Observations, of: str, costs: str) -> tuple[Estimate, int]:
    """All that was paid over the answers of a kind, and how many of them there are."""
    from runner.measure.statistics import Estimate, ratio

    answers, clusters = tally.sample(of)
    n = int(sum(answers))
    if tally.cost is None or not n:
        return Estimate(None), n
    paid, most = tally.sample(costs)[0], tally.most and tally.most.usd
    return ratio(paid, answers, clusters, most=most, confidence=_confidence(tally)), n


def _times(amount: float | None, factor: float) -> float | None:
    return None if amount is None else amount * factor


def _confidence(tally: Observations) -> float:
    return tally.job.requirements.confidence


def _metric(name: str, estimate: Estimate, n: int, most: float | None = None) -> Metric:
    unit = UNITS.get(name, "score")
    return Metric(**estimate._asdict(), n=n, unit=unit, most=most)
