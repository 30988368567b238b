"""What each arm of a composite model did: asked how often, how well, how fast, at what cost."""

from __future__ import annotations

from array import array
from collections import Counter

from runner.config.schema import Job
from runner.price import total
from runner.record.outcomes import Answered, Arm, Attempt, Failed, Metric


class _Arm:
    def __init__(self, model: str) -> None:
        self.model = model
        self.requests = self.answers = 0
        self.costs: list[float | None] = [0.0]  # one running sum: unknown stays unknown
        self.latencies_ms = array("d")
        self.qualities = array("d")

    def ask(self, attempts: list[Attempt]) -> None:
        self.requests += 1
        self.costs = [total([*self.costs, *(attempt.cost_usd for attempt in attempts)])]
        self.latencies_ms.append(1000 * sum(attempt.seconds for attempt in attempts))

    def row(self, arm: str, confidence: float) -> Arm:
        from runner.measure.statistics import mean, percentile

        cost, n = self.costs[0], self.requests
        quality = mean(self.qualities, most=1.0, confidence=confidence)
        latency = percentile(self.latencies_ms, 50, confidence=confidence)
        return Arm(
            arm=arm,
            model=self.model,
            requests=n,
            answers=self.answers,
            metrics={
                "quality": quality.metric(len(self.qualities), "score"),
                "latency_p50_ms": latency.metric(n, "ms"),
                "cost_total_usd": Metric(value=cost, low=cost, high=cost, n=n, unit="usd"),
            },
        )


class Arms:
    """A row for each arm that was asked, the classifiers' among them, in the order of first use."""

    def __init__(self, job: Job) -> None:
        self._quality = job.task.quality_scorer
        self._confidence = job.requirements.confidence
        self._arms: dict[str, _Arm] = {}
        self.choices: Counter[str] = Counter()  # "<model>: <how>"

    def add(self, line: Answered | Failed) -> None:
        for choice in line.choices:
            self.choices[f"{choice.model}: {choice.how}"] += 1
        asked: dict[str, list[Attempt]] = {}
        for attempt in line.attempts:
            mine = attempt.role != "judge" and attempt.fallback is None
            if attempt.arm and mine and not line.replayed:
                asked.setdefault(attempt.arm, []).append(attempt)
        for arm, attempts in asked.items():
            self._arms.setdefault(arm, _Arm(attempts[0].model)).ask(attempts)
        if isinstance(line, Answered) and line.fallback is None and line.arm in self._arms:
            served = self._arms[line.arm]
            served.answers += 1
            if score := line.scores.get(self._quality):
                served.qualities.append(score.value)

    def rows(self) -> list[Arm]:
        return [arm.row(name, self._confidence) for name, arm in self._arms.items()]
