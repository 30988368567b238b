"""What the outcomes of a run add up to: metrics with their intervals.

Quality and latency rest on answers of the model under test: a fallback's answer is never credited
to it, and a call that failed is counted, not scored. Costs rest on all that was paid.

Import it where it is computed (see `runner.measure.statistics`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from runner.config.schema import Job
from runner.measure.ceiling import Ceiling
from runner.measure.formatting import UNITS
from runner.measure.observations import SCORE, Observations
from runner.measure.repeats import flakiness, mean_pass_at_k
from runner.measure.statistics import Estimate, mean, percentile, ratio
from runner.record.outcomes import Arm, Counts, Line, Metric, Raced

_REPEATED = ("pass_at_1", "pass_at_k", "flaky_rate")
_STREAMED = ("ttft_p50_ms", "ttft_p95_ms", "tokens_per_second")
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
    skipped: dict[str, int]
    failures: dict[str, int]
    flaky_cases: dict[str, float]


def measure(lines: Iterable[Line], job: Job, race: Raced | None = None) -> Measured:
    """`race` has how often each bound may be wrong, and what no request exceeds."""
    tally = Observations(job, Ceiling(*race.most) if race and race.most else None)
    for line in lines:
        tally.add(line)
    return summed_up(tally, race)


def summed_up(tally: Observations, race: Raced | None = None) -> Measured:
    """What there is so far; more can be added."""
    computing = _Computing(tally, race)
    return Measured(
        metrics=computing.all(),
        counts=tally.counts(),
        spent_usd=tally.spent,
        arms=tally.arms.rows(),
        choices=dict(tally.arms.choices),
        skipped=dict(tally.skipped),
        failures=dict(tally.failures),
        flaky_cases=computing.flaky_cases,
    )


class _Computing:
    def __init__(self, tally: Observations, race: Raced | None) -> None:
        self._tally = tally
        self._sure, self._anytime = tally.job.requirements.confidence, False
        if race:
            self._sure = 1 - race.tail  # either way it is half of `tail`, and half for a look
            self._anytime = tally.counts().outcomes < race.outcomes
        self.flaky_cases: dict[str, float] = {}  # the flakiest

    def all(self) -> dict[str, Metric]:
        job, means = self._tally.job, ("rate", "tokens", "tokens/s", "attempts")
        scores = [SCORE + scorer for scorer in job.task.scorers]
        averaged = [name for name, unit in UNITS.items() if unit in means]
        found = {name: self._mean(name) for name in (*scores, *averaged, "quality_per_request")}
        if job.repeats > 1:
            found |= self._repeated()
        if not job.fallback.chain and found["fallback_rate"].value == 0:
            # There is nothing to fall back to: that is a fact and no estimate.
            fact = {"low": 0.0, "high": 0.0}
            found["fallback_rate"] = found["fallback_rate"].model_copy(update=fact)
        found["quality"] = found[SCORE + job.task.quality_scorer]
        for of, q in (("latency", 50), ("latency", 95), ("ttft", 50), ("ttft", 95)):
            found[f"{of}_p{q}_ms"] = self._percentile(of, q)
        found["latency_mean_ms"] = self._mean("latency", "latency_mean_ms")
        found["judge_latency_p50_ms"] = self._percentile("judge_latency", 50)
        found |= self._costs()
        wanted = {
            _REPEATED: job.repeats > 1,
            _STREAMED: job.stream,
            _JUDGED: job.judging,
        }
        left_out = {name for names, asked_for in wanted.items() if not asked_for for name in names}
        names = (name for name in ("quality", *scores, *UNITS) if name not in left_out)
        return {name: found[name] for name in names if name in found}

    def _repeated(self) -> dict[str, Metric]:
        """What the repeats of a case show."""
        scores, repeats = self._tally.scores, self._tally.job.repeats
        tries = {"pass_at_1": 1, "pass_at_k": repeats}
        how = self._sure, self._anytime
        found = {name: mean_pass_at_k(scores, k, *how) for name, k in tries.items()}
        if flaky := flakiness(scores, *how):
            found["flaky_rate"] = flaky.share
            self.flaky_cases = dict(list(flaky.cases.items())[:_FLAKIEST])
        return found

    def _mean(self, of: str, name: str = "") -> Metric:
        name = name or of
        values, clusters = self._tally.sample(of)
        most = self._most(UNITS.get(name, "score"))
        estimate = mean(values, clusters, most=most, confidence=self._sure, anytime=self._anytime)
        known = most if UNITS.get(name, "score") in ("tokens", "ms") else None
        return _metric(name, estimate, len(values), known)

    def _most(self, unit: str) -> float | None:
        """What no single value can exceed, by its nature or by what requests are limited to."""
        most = self._tally.most
        if unit in ("score", "rate"):
            return 1.0
        if most is None or unit not in ("tokens", "ms"):
            return None
        return most.tokens if unit == "tokens" else most.seconds and most.seconds * 1000

    def _percentile(self, of: str, q: int) -> Metric:
        values, clusters = self._tally.sample(of)
        estimate = percentile(values, q, clusters, self._sure, self._anytime)
        return _metric(f"{of}_p{q}_ms", estimate, len(values))

    def _costs(self) -> dict[str, Metric]:
        tally = self._tally
        sums = {
            "cost_total_usd": (tally.cost, "cost"),
            "judge_cost_usd": (tally.judge_cost, "judge_latency"),
        }
        found = {
            name: _metric(name, Estimate(*[usd] * 3), len(tally.sample(of)[0]))
            for name, (usd, of) in sums.items()
        }
        each = found["cost_per_request_usd"] = self._cost_per_request()
        found["cost_per_accepted_usd"] = _metric(
            "cost_per_accepted_usd", *self._cost_per("accepted", "cost_of_judged")
        )
        if requests := tally.job.requirements.requests_per_month:
            found["monthly_cost_usd"] = each.times(requests)
        return found

    def _cost_per_request(self) -> Metric:
        """While all were answered, or those that were not were free, `most` is a bound."""
        tally = self._tally
        estimate, n = self._cost_per("answered", "cost")
        costs, answers = tally.sample("cost")[0], tally.sample("answered")[0]
        wasted = any(cost and not answer for cost, answer in zip(costs, answers, strict=True))
        most = None if tally.most is None or wasted else tally.most.usd
        if most is None or max(costs, default=0.0) > most:
            return _metric("cost_per_request_usd", estimate, n)
        if estimate.high is not None:
            estimate = estimate._replace(high=min(estimate.high, most))
        return _metric("cost_per_request_usd", estimate, n, most)

    def _cost_per(self, of: str, costs: str) -> tuple[Estimate, int]:
        """All that was paid over the answers of a kind, and how many of them there are."""
        answers, clusters = self._tally.sample(of)
        n = int(sum(answers))
        if self._tally.cost is None or not n:
            return Estimate(None), n
        paid, most = self._tally.sample(costs)[0], self._tally.most and self._tally.most.usd
        sure, anytime = self._sure, self._anytime
        return ratio(paid, answers, clusters, most=most, confidence=sure, anytime=anytime), n


def _metric(name: str, estimate: Estimate, n: int, most: float | None = None) -> Metric:
    return estimate.metric(n, UNITS.get(name, "score"), most)
