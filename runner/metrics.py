"""What the outcomes of a run add up to: metrics with their intervals.

Quality and latency rest on answers of the model under test: a fallback's answer is never credited
to it, and a call that failed is counted, not scored. Costs rest on all that was paid.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.price import dollars
from runner.records import Counts, Metric
from runner.schema import Job
from runner.tally import SCORE, Line, Tally

if TYPE_CHECKING:
    from runner.statistics import Estimate

# Every metric but those of the scorers, which are score.<name>.
UNITS = {
    "quality": "score",
    "valid_output_rate": "rate",
    "error_rate": "rate",
    "fallback_rate": "rate",
    "retry_rate": "rate",
    "truncated_rate": "rate",
    "latency_p50_ms": "ms",
    "latency_p95_ms": "ms",
    "cost_per_request_usd": "usd",
    "cost_total_usd": "usd",
    "monthly_cost_usd": "usd",
    "input_tokens": "tokens",
    "output_tokens": "tokens",
    "output_tokens_per_second": "tokens/s",
}


@dataclass(frozen=True)
class Measured:
    """`spent_usd` was paid by this run itself; the metric cost_total_usd counts replays too."""

    metrics: dict[str, Metric]
    counts: Counts
    spent_usd: float | None


def measure(lines: Iterable[Line], job: Job) -> Measured:
    tally = Tally(job)
    for line in lines:
        tally.add(line)
    return Measured(_compute(tally), tally.counts(), tally.spent)


def _compute(tally: Tally) -> dict[str, Metric]:
    job = tally.job
    scores = [SCORE + scorer for scorer in job.task.scorers]
    found = {name: _mean(tally, name) for name in scores}
    for name, unit in UNITS.items():
        if unit in ("rate", "tokens", "tokens/s"):
            found[name] = _mean(tally, name)
    if not job.fallback.chain and found["fallback_rate"].value == 0:
        # There is nothing to fall back to: that is a fact and no estimate.
        fact = {"low": 0.0, "high": 0.0}
        found["fallback_rate"] = found["fallback_rate"].model_copy(update=fact)
    found["quality"] = found[SCORE + job.task.quality_scorer]
    found["latency_p50_ms"] = _percentile(tally, 50)
    found["latency_p95_ms"] = _percentile(tally, 95)
    found |= _costs(tally)
    return {name: found[name] for name in ("quality", *scores, *UNITS) if name in found}


def _mean(tally: Tally, name: str) -> Metric:
    from runner.statistics import mean

    share = UNITS.get(name, "score") in ("score", "rate")
    values, clusters = tally.sample(name)
    return _metric(name, mean(values, clusters, share=share), len(values))


def _percentile(tally: Tally, q: int) -> Metric:
    from runner.statistics import percentile

    values, clusters = tally.sample("latency")
    return _metric(f"latency_p{q}_ms", percentile(values, q, clusters), len(values))


def _costs(tally: Tally) -> dict[str, Metric]:
    from runner.statistics import Estimate

    costs, _ = tally.sample("cost")
    each, total = _cost_per_request(tally), Estimate(tally.cost, tally.cost, tally.cost)
    found = {
        "cost_per_request_usd": _metric("cost_per_request_usd", each, tally.answered),
        "cost_total_usd": _metric("cost_total_usd", total, len(costs)),
    }
    if requests := tally.job.requirements.requests_per_month:
        month = Estimate(*(None if bound is None else bound * requests for bound in each))
        found["monthly_cost_usd"] = _metric("monthly_cost_usd", month, tally.answered)
    return found


def _cost_per_request(tally: Tally) -> Estimate:
    from runner.statistics import Estimate, ratio

    if tally.cost is None or not tally.answered:
        return Estimate(None)
    if all(dollars(model.price, None) == 0 for model in tally.job.models.values()):
        return Estimate(0.0, 0.0, 0.0)  # by its price, and not by luck
    costs, clusters = tally.sample("cost")
    answers, _ = tally.sample("answered")
    return ratio(costs, answers, clusters)


def _metric(name: str, estimate: Estimate, n: int) -> Metric:
    return Metric(**estimate._asdict(), n=n, unit=UNITS.get(name, "score"))
