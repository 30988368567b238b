"""What a page shows of one task: its candidates side by side, the best first."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from runner.decide.routers import RouterGain
from runner.measure.evidence import PARTS, JournalSummary
from runner.record.outcomes import Result, Verdict
from runner.report import contents
from runner.report.card import Card
from runner.report.contents import Advice
from runner.report.page import charts
from runner.report.page.rows import Gathered

_ALWAYS = ("quality", "latency_p95_ms", "cost_per_request_usd", "error_rate")


@dataclass(frozen=True)
class Fact:
    """One cell of the table of candidates; `sort` is None where nothing is known."""

    text: str
    interval: str = ""
    verdict: Verdict | None = None
    sort: float | str | None = None


@dataclass(frozen=True)
class Board:
    card: Card
    names: Sequence[str]  # of the candidates, told apart
    results: Sequence[Result]
    advice: Advice
    gathered: Gathered
    journals: Sequence[JournalSummary]
    routing: Sequence[RouterGain] = ()

    @property
    def task(self) -> str:
        return self.card.task

    @property
    def data(self) -> dict[str, Any]:
        """For the script."""
        return {"candidates": list(self.names), "rows": self.gathered.rows}

    @property
    def named(self) -> list[tuple[str, Result]]:
        return list(zip(self.names, self.results, strict=True))

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Requirements and their bounds, then what else everyone asks for."""
        verdicts = [verdict for result in self.results for verdict in result.verdicts]
        bounds = {verdict.requirement: contents.bound(verdict) for verdict in verdicts}
        covered = {verdict.metric for verdict in verdicts}
        return [*bounds.items(), *((name, "") for name in _ALWAYS if name not in covered)]

    def fact(self, result: Result, column: str) -> Fact:
        verdict = next((v for v in result.verdicts if v.requirement == column), None)
        metric = result.metrics.get((verdict.metric if verdict else column) or "")
        if metric is not None:
            text, interval = contents.value(metric), contents.interval(metric)
            return Fact(text, interval, verdict, metric.value)
        if verdict is None or verdict.value is None:
            return Fact("", verdict=verdict)
        return Fact(contents.held(verdict), verdict=verdict, sort=verdict.value)

    @cached_property
    def scatter(self) -> charts.Scatter | None:
        return charts.scatter(self.names, self.results, self.advice.front)

    @cached_property
    def latencies(self) -> charts.Axis | None:
        return charts.latency_axis(self.results, [one.latencies_ms for one in self.journals])

    @cached_property
    def costs(self) -> list[dict[str, float | None]]:
        """Of an answer, in dollars, by what they were paid for."""
        both = zip(self.results, self.journals, strict=True)
        return [journal.cost_of_answer(result) for result, journal in both]

    @property
    def parts(self) -> list[str]:
        """What was paid for by anyone."""
        return [part for part in PARTS if any(one.costs[part] != 0 for one in self.journals)]

    @property
    def tags(self) -> list[str]:
        return sorted({tag for row in self.gathered.rows for tag in row["tags"]})
