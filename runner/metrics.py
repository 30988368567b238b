"""What the outcomes of a run add up to: one pass over the journal that keeps only numbers.

Quality and latency rest on answers of the model under test: a fallback's answer is never credited
to it, and a call that failed is counted, not scored. Costs rest on all that was paid.
"""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from runner.price import dollars
from runner.records import Answered, Counts, Failed, Metric
from runner.schema import Job

if TYPE_CHECKING:
    from runner.statistics import Estimate

Line = Answered | Failed

SCORE = "score."  # a metric for each scorer: score.<name>
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
    tally = _Tally(job)
    for line in lines:
        tally.add(line)
    return Measured(tally.metrics(), tally.counts(), tally.spent)


def own(line: Line, job: Job) -> bool:
    """Whether the model under test gave this answer."""
    return isinstance(line, Answered) and line.served_by == job.model.name


def valid_json(text: str) -> bool:
    """Whether a text is JSON as the standard has it: without NaN and Infinity."""
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


class _Sample:
    """Numbers of one kind, each with the number of the case it came from."""

    def __init__(self) -> None:
        self.values = array("d")
        self.cases = array("q")

    def add(self, case: int, value: float) -> None:
        self.values.append(value)
        self.cases.append(case)


class _Tally:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._cases: dict[str, int] = {}
        self._samples: defaultdict[str, _Sample] = defaultdict(_Sample)
        self._answered = self._replayed = 0
        self._cost: float | None = 0.0
        self.spent: float | None = 0.0

    def add(self, line: Line) -> None:
        case = self._cases.setdefault(line.case, len(self._cases))
        name = self._job.model.name
        asked = [attempt.model for attempt in line.attempts]
        answered = isinstance(line, Answered)
        elsewhere = any(model != name for model in asked) or (answered and not own(line, self._job))
        self._note("error_rate", case, not answered)
        self._note("fallback_rate", case, elsewhere)
        self._note("retry_rate", case, len(set(asked)) < len(asked))
        self._note("answered", case, answered)
        self._pay(line, case)
        self._answered += answered
        self._replayed += line.replayed
        if isinstance(line, Answered) and own(line, self._job):
            self._credit(line, case)

    def _note(self, name: str, case: int, value: float) -> None:
        self._samples[name].add(case, value)

    def _pay(self, line: Line, case: int) -> None:
        self._cost = _plus(self._cost, line.cost_usd)
        if not line.replayed:
            self.spent = _plus(self.spent, line.cost_usd)
        self._note("cost", case, line.cost_usd or 0.0)

    def _credit(self, line: Answered, case: int) -> None:
        for name, score in line.scores.items():
            self._note(SCORE + name, case, score.value)
        self._note("truncated_rate", case, line.finish_reason == "length")
        if "json" in (self._job.task.output, self._job.requirements.output_format):
            checked = line.scores.get("json_valid")
            valid = checked.value == 1 if checked else valid_json(line.reply)
            self._note("valid_output_rate", case, valid)
        if line.usage:
            self._note("input_tokens", case, line.usage.input_tokens)
            self._note("output_tokens", case, line.usage.output_tokens)
        if not line.replayed:
            self._note("latency", case, line.seconds * 1000)
            seconds = line.attempts[-1].seconds if line.attempts else line.seconds
            if line.usage and seconds > 0:
                rate = line.usage.output_tokens / seconds
                self._note("output_tokens_per_second", case, rate)

    def counts(self) -> Counts:
        outcomes = len(self._samples["answered"].values)
        return Counts(
            cases=len(self._cases),
            outcomes=outcomes,
            answered=self._answered,
            failed=outcomes - self._answered,
            replayed=self._replayed,
        )

    def metrics(self) -> dict[str, Metric]:
        scores = [SCORE + scorer for scorer in self._job.task.scorers]
        found = {name: self._mean(name) for name in scores}
        for name, unit in UNITS.items():
            if unit in ("rate", "tokens", "tokens/s"):
                found[name] = self._mean(name)
        if not self._job.fallback.chain and found["fallback_rate"].value == 0:
            # There is nothing to fall back to: that is a fact and no estimate.
            fact = {"low": 0.0, "high": 0.0}
            found["fallback_rate"] = found["fallback_rate"].model_copy(update=fact)
        found["quality"] = found[SCORE + self._job.task.quality_scorer]
        found["latency_p50_ms"] = self._percentile(50)
        found["latency_p95_ms"] = self._percentile(95)
        found |= self._costs()
        return {name: found[name] for name in ("quality", *scores, *UNITS) if name in found}

    def _mean(self, name: str) -> Metric:
        from runner.statistics import mean

        share = UNITS.get(name, "score") in ("score", "rate")
        values, clusters = self._sample(name)
        return _metric(name, mean(values, clusters, share=share), len(values))

    def _percentile(self, q: int) -> Metric:
        from runner.statistics import percentile

        values, clusters = self._sample("latency")
        return _metric(f"latency_p{q}_ms", percentile(values, q, clusters), len(values))

    def _costs(self) -> dict[str, Metric]:
        from runner.statistics import Estimate, ratio

        outcomes = len(self._samples["cost"].values)
        total = Estimate(self._cost, self._cost, self._cost)
        if self._cost is None:
            each = Estimate(None)
        elif all(dollars(model.price, None) == 0 for model in self._job.models.values()):
            each = Estimate(0.0, 0.0, 0.0) if self._answered else Estimate(None)
        else:
            costs, clusters = self._sample("cost")
            answers, _ = self._sample("answered")
            each = ratio(costs, answers, clusters)
        found = {
            "cost_per_request_usd": _metric("cost_per_request_usd", each, self._answered),
            "cost_total_usd": _metric("cost_total_usd", total, outcomes),
        }
        if requests := self._job.requirements.requests_per_month:
            month = Estimate(*(None if x is None else x * requests for x in each))
            found["monthly_cost_usd"] = _metric("monthly_cost_usd", month, self._answered)
        return found

    def _sample(self, name: str) -> tuple[array[float], array[int] | None]:
        sample = self._samples[name]
        return sample.values, sample.cases if self._job.repeats > 1 else None


def _metric(name: str, estimate: "Estimate", n: int) -> Metric:
    return Metric(**estimate._asdict(), n=n, unit=UNITS.get(name, "score"))


def _plus(known: float | None, more: float | None) -> float | None:
    return None if known is None or more is None else known + more


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
