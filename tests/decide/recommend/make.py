"""Candidates with planted answers, as a sweep would have measured them."""

from collections.abc import Mapping, Sequence
from typing import Any

from runner.decide.recommend import Candidate
from runner.measure.formatting import UNITS
from runner.measure.requirements import judge
from runner.measure.statistics import mean
from runner.record.outcomes import Counts, Metric, Result
from tests.report.make import job


def metric(name: str, value: float | None) -> Metric:
    """A number that is certain."""
    return Metric(value=value, low=value, high=value, n=60, unit=UNITS.get(name, "score"))


def contender(
    label: str,
    scores: Sequence[float] | Mapping[str, Sequence[float]],
    *,
    cost_usd: float | None = 0.001,
    latency_ms: float | None = 500.0,
    requirements: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Candidate:
    """`scores` is one for each case."""
    if not isinstance(scores, Mapping):
        scores = {f"c{n:04}": [score] for n, score in enumerate(scores)}
    flat = [score for found in scores.values() for score in found]
    quality = mean(flat, most=1.0)
    metrics = {
        "quality": Metric(**quality._asdict(), n=len(flat), unit="score"),
        "cost_per_request_usd": metric("cost_per_request_usd", cost_usd),
        "latency_p95_ms": metric("latency_p95_ms", latency_ms),
    }
    wanted = {"min_quality_score": 0.8} if requirements is None else dict(requirements)
    known = {
        "task": "sorting",
        "model": label,
        "id": f"{label}-1",
        "complete": True,
        "counts": Counts(
            cases=len(scores), outcomes=len(flat), answered=len(flat), failed=0, replayed=0
        ),
        "metrics": metrics,
        "verdicts": judge(job(requirements=wanted), metrics),
    }
    return Candidate(label, Result.model_validate(known | changes), scores)


def passing(n: int, wrong: int, start: int = 0) -> list[float]:
    """n cases, of which so many are wrong, from the case `start` on."""
    return [float(not start <= case < start + wrong) for case in range(n)]
