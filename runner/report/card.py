"""The decision card: what a run or a sweep comes to on one task, for page, Markdown and terminal.

What is decided is decided elsewhere; here it is said in the fewest words that are still true.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from runner.decide.recommend import Recommendation
from runner.decide.sweep import SweepRow
from runner.measure import conclusion as said_of
from runner.record.outcomes import Result, Tier
from runner.report import compare, contents
from runner.report.table import MARKS, Cell, Table, coloured

_NUMBERS = ("quality", "monthly_cost_usd", "cost_per_request_usd", "latency_p95_ms")
_FEW = 2  # requirements not met that a short form gives a reason of


@dataclass(frozen=True)
class Number:
    name: str
    value: str
    interval: str  # empty where the value is unknown

    @property
    def text(self) -> str:
        return f"{self.value} ({self.interval})" if self.interval else self.value


@dataclass(frozen=True)
class Card:
    task: str
    line: str  # the answer
    tier: Tier | None  # of the choice of a sweep, or of the run
    because: str
    whose: str  # the candidate that the numbers are of
    numbers: Sequence[Number]
    caveat: str  # the first thing to know before acting on it; empty: there is none
    runner_up: str
    cases: str  # how many it rests on
    date: str
    confidence: str  # of the intervals, in per cent

    @property
    def word(self) -> str:
        """Its tier, where one may ship."""
        return self.tier if self.tier in ("proven", "supported") else "none"

    @classmethod
    def on_run(cls, result: Result, started: str) -> Card:
        found = said_of.tier(result)
        lines: dict[Tier | None, str] = {
            "proven": f"{result.candidate} is proven for {result.task}",
            "supported": f"{result.candidate} is supported, not proven, for {result.task}",
            "refused": f"{result.candidate} can't be recommended for {result.task}",
            None: said_of.conclusion(result),
        }
        line = lines[found]
        because = {"proven": "it provably meets every requirement"}.get(found or "", "")
        if found == "supported" and not said_of.thresholds(result):
            line = f"No threshold is set for {result.task}"
            because = f"{result.candidate} was measured, and held against nothing"
            found = None
        if found == "refused":
            short = said_of.shortfall(result) or "has no answer that was scored"
            because = f"it {short}"
        return cls(**_about(result, started), line=line, tier=found, because=because, runner_up="")

    @classmethod
    def on_sweep(cls, said: Recommendation, ranked: Sequence[SweepRow], started: str) -> Card:
        """`ranked` are those of its task that were measured, the best first."""
        of = next((run for run in ranked if run.label == said.choice), ranked[0])
        others = [run for run in ranked if run is not of and run.label in said.why_not]
        lines = {
            "proven": f"Ship {of.label} for {said.task}",
            "supported": f"{of.label} is supported, not proven, for {said.task}",
        }
        tier, because, line = said.tier, said.because, lines.get(said.tier or "")
        if said.tier == "supported" and not said_of.thresholds(of):
            line = f"No threshold is set for {said.task}"
            because = f"{of.label} comes first of those measured, and was held against nothing"
            tier = None
        if line is None:
            line = f"No candidate can be recommended for {said.task}"
            because = f"nearest: {reason(of, said)}".rstrip(". ")
        return cls(
            **_about(of, started, said),
            line=line,
            tier=tier,
            because=because,
            runner_up=reason(others[0], said) if others else "",
        )


def reason(run: SweepRow, said: Recommendation) -> str:
    """Why it was not chosen. Of much that it does not meet only the names: the rest is below."""
    unmet = [verdict for verdict in run.verdicts if verdict.verdict != "met"]
    if len(unmet) <= _FEW or run.race:
        return f"{run.label} {said.why_not.get(run.label, '')}"
    return f"{run.label} {said_of.shortfall(run)}."


def _about(result: Result, started: str, said: Recommendation | None = None) -> dict[str, Any]:
    return {
        "task": result.task,
        "whose": result.candidate,
        "numbers": [
            Number(name, contents.value(metric), contents.interval(metric))
            for key, name in _shown([result]).items()
            if (metric := result.metrics.get(key))
        ],
        "caveat": next(_caveats(result, said), ""),
        "cases": f"{result.counts.cases:,} cases" if result.counts else "no case",
        "date": started[:10],
        "confidence": contents.confidence(result),
    }


def _shown(results: Sequence[Result]) -> dict[str, str]:
    """Three metrics by name; a month's cost where anybody said how many requests that has."""
    monthly = any("monthly_cost_usd" in one.metrics for one in results)
    left_out = "cost_per_request_usd" if monthly else "monthly_cost_usd"
    return {key: contents.plain(key) for key in _NUMBERS if key != left_out}


def _caveats(result: Result, said: Recommendation | None) -> Iterator[str]:
    """What weighs most first."""
    baseline = compare.of(result)
    if baseline and baseline.regressed:
        yield compare.headline(baseline)
    if words := said_of.failed_calls(result):
        yield f"{words}."
    if said_of.tier(result) == "supported":
        first, *more = said_of.open_lines(result)
        yield f"Open: {first}{f', and {len(more)} more' if more else ''}."
    yield from map(contents.unlike, said.differences if said else result.notes)
    if said and said.ties:
        yield f"No difference in quality is proven from {', '.join(said.ties)}."


def candidates(ranked: Sequence[Result]) -> Table:
    """Each in five columns: its tier and what it does not meet, then the three numbers."""
    shown = _shown(ranked)
    rows: list[tuple[Cell, ...]] = [
        (
            f"{run.candidate}, {contents.asked(run)} cases" if run.race else run.candidate,
            verdict(run),
            *(_with_interval(run, key) for key in shown),
        )
        for run in ranked
    ]
    return Table(("candidate", "verdict", *shown.values()), rows, right=list(shown.values()))


def verdict(run: Result) -> Cell:
    """Its tier, and after it what is not met."""
    marks = [f"{MARKS[v.verdict]} {v.requirement}" for v in run.verdicts if v.verdict != "met"]
    return tier(run, ": ".join(filter(None, [_word(run), ", ".join(marks)])))


def tier(run: Result, text: str = "") -> Text:
    """Its tier, or another text, in the colour of its tier."""
    colours = {"proven": "met", "refused": "missed", "supported": "not proven"}
    return coloured(text or _word(run), colours.get(said_of.tier(run) or "", "unknown"))


def _word(run: Result) -> str:
    return said_of.tier(run) or "not complete"


def _with_interval(run: Result, key: str) -> str:
    metric = run.metrics.get(key)
    return Number(key, contents.value(metric), contents.interval(metric)).text


def chosen(cards: Sequence[Card]) -> Table:
    """A line a task, in five columns: who may ship, and the three numbers; or why nobody may."""
    names = list(dict.fromkeys(each.name for card in cards for each in card.numbers))
    rows = [
        (
            card.task,
            card.because if card.word == "none" else f"{card.whose}, {card.word}",
            *({each.name: each.text for each in card.numbers}.get(name, "") for name in names),
        )
        for card in cards
    ]
    return Table(("task", "ship", *names), rows, right=names)


def tasks(cards: Sequence[Card], ranked: Sequence[Sequence[Result]]) -> Table:
    """Task by candidate, a line a task: what to do, then each one's tier and quality."""
    names = list(dict.fromkeys(run.candidate for of_task in ranked for run in of_task))
    rows: list[list[Cell]] = []
    for card, of_task in zip(cards, ranked, strict=True):
        by_name = {run.candidate: run for run in of_task}
        found = [_in_short(by_name[name]) if name in by_name else "" for name in names]
        rows.append([card.task, card.whose if card.word != "none" else "none", card.word, *found])
    return Table(("task", "ship", "tier", *names), rows)


def _in_short(run: Result) -> Cell:
    return tier(run, f"{_word(run)}, {contents.value(run.metrics.get('quality'))}")
