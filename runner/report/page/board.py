"""What a page shows of one task: its candidates side by side, the best first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from runner.decide.routers import RouterGain
from runner.measure.comparison import RunComparison
from runner.measure.evidence import PARTS, JournalSummary
from runner.record.outcomes import Result, Verdict
from runner.report import compare, contents
from runner.report.card import Card
from runner.report.contents import Advice
from runner.report.page import charts, whatif
from runner.report.page.rows import Gathered

_ALWAYS = ("quality", "error_rate", "latency_p95_ms", "cost_per_request_usd")


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

    @cached_property
    def data(self) -> dict[str, Any]:
        """For the script, beside the rows."""
        fell = sorted({flip.case for _, found in self.compared for flip in found.fell})
        known = {"suppose": whatif.of(self.results), "fell": fell}
        return {"task": self.task, "candidates": list(self.names)} | known

    @cached_property
    def compared(self) -> list[tuple[str, RunComparison]]:
        """Those that have a baseline, with it."""
        return [(name, found) for name, one in self.named if (found := compare.of(one))]

    @property
    def named(self) -> list[tuple[str, Result]]:
        return list(zip(self.names, self.results, strict=True))

    @property
    def columns(self) -> list[tuple[str, str]]:
        """What everyone asks for, whether it is bounded or not, then what else is required."""
        metrics = {verdict.requirement: verdict.metric for verdict in self._verdicts}
        asked = {metric: name for name, metric in metrics.items()}
        first = [asked.get(name, name) for name in _ALWAYS]
        more = [name for name in metrics if name not in (*first, *self.alike)]
        bounds = {verdict.requirement: contents.bound(verdict) for verdict in self._verdicts}
        return [(name, bounds.get(name, "")) for name in (*first, *more)]

    @property
    def alike(self) -> dict[str, Verdict]:
        """Of several, what all come to the same on, but for what everyone asks for."""
        found: dict[str, list[Verdict]] = {}
        for verdict in self._verdicts:
            found.setdefault(verdict.requirement, []).append(verdict)
        return {
            name: same[0]
            for name, same in found.items()
            if len(same) == len(self.results) > 1
            and len({(one.verdict, one.bound) for one in same}) == 1
            and same[0].metric not in _ALWAYS
        }

    @property
    def _verdicts(self) -> list[Verdict]:
        return [verdict for result in self.results for verdict in result.verdicts]

    def fact(self, result: Result, column: str) -> Fact:
        verdict = next((v for v in result.verdicts if v.requirement == column), None)
        metric = result.metrics.get((verdict.metric if verdict else column) or "")
        if metric is not None:
            text, interval = contents.value(metric), contents.interval(metric)
            return Fact(text, interval, verdict, metric.value)
        if verdict is None or verdict.value is None:
            return Fact("", verdict=verdict)
        return Fact(contents.held(verdict), verdict=verdict, sort=verdict.value)

    def words(self, text: str) -> str:
        """With what is required in plain words in place of its keys; settings stay as they are."""
        for name in {verdict.requirement for verdict in self._verdicts}:
            key = rf"(?<![\w.=/]){re.escape(name)}(?![\w=/]|\.\w)"
            text = re.sub(key, contents.plain(name), text)
        return text

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
        return self.gathered.tags
