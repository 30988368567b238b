"""What there is to say of a run and of a sweep: the tables and sentences of every form.

The terminal shows some of it, report.md and report.html nearly all; none has words of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.text import Text

from runner import scorers
from runner.config.paths import shown
from runner.decide.recommend import Compared, Recommendation
from runner.decide.recommend.reasons import chance
from runner.decide.routers import RouterGain
from runner.decide.sweep import SweepRow
from runner.measure import formatting
from runner.measure.comparison import RunComparison
from runner.measure.conclusion import conclusion
from runner.measure.evidence import Evidence, JournalSummary
from runner.measure.observations import SCORE
from runner.record.outcomes import Counts, Metric, Result, Verdict
from runner.report.table import MARKS, Cell, Table, coloured
from runner.report.text import clip

QUESTION = "Which model meets the requirements?"  # that a sweep answers

_WORDS = {  # what else than the key without its underscores
    "max_latency_ms": "latency",
    "max_cost_per_request": "cost a request",
    "min_quality_score": "quality",
    "data_privacy": "privacy",
    "latency_p50_ms": "median latency",
    "latency_p95_ms": "p95 latency",
    "latency_mean_ms": "mean latency",
    "ttft_p50_ms": "median time to first token",
    "ttft_p95_ms": "p95 time to first token",
    "judge_latency_p50_ms": "median latency of the judge",
    "cost_per_request_usd": "cost a request",
    "cost_per_accepted_usd": "cost of an accepted answer",
    "cost_total_usd": "cost in all",
    "monthly_cost_usd": "cost a month",
}


def value(metric: Metric | None) -> str:
    return formatting.show(metric.value, metric.unit) if metric else "unknown"


def interval(metric: Metric | None) -> str:
    """Empty where the value itself is unknown."""
    if metric is None or metric.value is None:
        return ""
    return formatting.interval(metric.low, metric.high, metric.unit)


def interval_at(*results: Result | RunComparison | Compared) -> str:
    """The heading of a column of intervals: `95 % interval`, `90 or 95 % interval`."""
    return f"{confidence(*results)} % interval"


def confidence(*results: Result | RunComparison | Compared) -> str:
    """Of the intervals, in per cent: as the requirements of each want it."""
    return " or ".join(f"{100 * one:g}" for one in sorted({each.confidence for each in results}))


def _with_interval(metric: Metric | None) -> tuple[str, str]:
    return value(metric), interval(metric)


def cell(value: str | int | float | None) -> str:
    """A number without a unit; empty where there is none."""
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def plain(key: str) -> str:
    """A key of the config or of a result, in words."""
    name = key.removeprefix("bounds.")
    if name.startswith(SCORE):
        return f"score of {name.removeprefix(SCORE)}"
    return _WORDS.get(name) or name.removesuffix("_usd").removesuffix("_ms").replace("_", " ")


def unlike(difference: str) -> str:
    return f"not like for like: {difference}"


# A run.


def question(evidence: Evidence) -> str:
    result, wanted = evidence.result, evidence.job.requirements.name
    return (
        f"Does {result.model} ({result.id}) meet the requirements of {wanted} on the cases of "
        f"{result.task}?"
    )


def counted(evidence: Evidence) -> str:
    """What became of the questions, and what it cost."""
    result, outcomes = evidence.result, evidence.run.outcomes
    counts = result.counts or Counts(cases=0, outcomes=0, answered=0, failed=0, replayed=0)
    ours = f"{counts.unsent:,} never sent, which is our own fault, " if counts.unsent else ""
    return (
        f"{counts.answered:,} of {outcomes:,} outcomes answered, {counts.failed:,} failed, {ours}"
        f"{counts.replayed:,} replayed; spent {formatting.show(result.spent_usd, 'usd')} now, "
        f"all answers together cost {value(result.metrics.get('cost_total_usd'))}."
    )


def notes(result: Result) -> list[str]:
    """What to know before comparing it with another."""
    said = [result.request] if result.request else []
    return [*said, *map(unlike, result.notes), *passed_over(result)]


def rescored(results: Sequence[Result]) -> list[str]:
    """What scoring anew has changed; how it was done once, where it was the same for several."""
    told = [(one.candidate, one.rescored) for one in results if one.rescored]
    several = len(results) > 1
    how = dict.fromkeys(said[0] for _, said in told)
    if several:
        return [*how, *(f"{name}: {'; '.join(said[1:])}" for name, said in told)]
    return [*how, *(what for _, said in told for what in said[1:])]


def passed_over(result: Result) -> Iterator[str]:
    for model, count in result.skipped.items():
        yield f"{model} was not asked {count} times although its turn had come"


def metrics(result: Result, shown: Collection[str] | None = None) -> Table:
    """All of them, or those that are `shown`."""
    rows = [
        (name, value(one), interval(one), f"{one.n:,}")
        for name, one in result.metrics.items()
        if shown is None or name in shown
    ]
    return Table(("metric", "value", interval_at(result), "n"), rows, right=("value", "n"))


def verdicts(result: Result) -> Table:
    rows = [
        (
            coloured(MARKS[one.verdict], one.verdict),
            one.requirement,
            bound(one),
            coloured(one.verdict),
            one.why,
        )
        for one in result.verdicts
    ]
    return Table(("", "requirement", "bound", "verdict", "why"), rows)


def bound(verdict: Verdict) -> str:
    """The threshold, in its unit: `at most 2,000 ms`."""
    amount = _amount(verdict.bound, verdict.unit, formatting.bound)
    if verdict.side is None or not isinstance(verdict.bound, int | float):
        return amount
    return f"{'at least' if verdict.side == 'min' else 'at most'} {amount}"


def held(verdict: Verdict) -> str:
    """What was held against it."""
    return _amount(verdict.value, verdict.unit, formatting.show)


def _amount(amount: float | str | None, unit: str | None, show: Callable[[float, str], str]) -> str:
    if amount is None or isinstance(amount, str):
        return amount or ""
    return f"{amount:,.10g}" if unit is None else show(amount, unit)


def arms(results: Sequence[tuple[str, Result]]) -> Table:
    """What the arms of composite models did; a row for each arm of each."""
    spread = interval_at(*(result for _, result in results))
    names = ("asked", "answers", "quality", spread, "p50 latency", "cost")
    rows = [
        (
            *(label, arm.arm, arm.model, f"{arm.requests:,}", f"{arm.answers:,}"),
            *_with_interval(arm.metrics.get("quality")),
            *(value(arm.metrics.get(name)) for name in ("latency_p50_ms", "cost_total_usd")),
        )
        for label, result in results
        for arm in result.arms
    ]
    right = set(names) - {spread}
    return Table(("candidate", "arm", "model", *names), rows, right)


def with_arms(runs: Iterable[SweepRow]) -> list[tuple[str, Result]]:
    return [(run.label, run) for run in runs if run.arms]


def judged_fairly(result: Result) -> str:
    """Of a composite model alone: what it takes to say whether its choice is worth anything."""
    arms = dict.fromkeys(arm.model for arm in result.arms if arm.answers)
    swept = ",".join([result.model, *arms])
    return f"Whether choosing pays shows beside its arms alone, on the same cases: -m model={swept}"


def routing(gain: RouterGain) -> Table:
    """A router, and what chooses among its arms without it, on the same cases."""
    rows: list[tuple[Cell, ...]] = [
        (
            *(one.name, formatting.show(one.quality, "score"), formatting.show(one.usd, "usd")),
            ", ".join(f"{name} {share:.0%}" for name, share in one.arms.items() if share),
        )
        for one in gain.alternatives
    ]
    numbers = ("quality", "cost a request")
    columns = (f"on {gain.n:,} cases", *numbers, "who answers")
    return Table(columns, rows, right=numbers)


def choices(result: Result) -> str:
    """How often a composite model decided how."""
    return ", ".join(f"{how} {count:,}" for how, count in result.choices.items())


def by_tag(named: Sequence[tuple[str, Result]], journals: Sequence[JournalSummary]) -> Table:
    """The quality of each candidate on the cases of each tag, its interval below it.

    How many they are stands beside the tag, or with those that differ in it.
    """
    found = [
        journal.by_tag(result.confidence)
        for (_, result), journal in zip(named, journals, strict=True)
    ]
    rows = []
    for tag in dict.fromkeys(tag for each in found for tag in each):
        metrics = [each.get(tag) for each in found]
        most = max(metric.n for metric in metrics if metric)
        rows.append((tag, f"{most:,}", *(_counted(metric, most) for metric in metrics)))
    return Table(("tag", "n", *(name for name, _ in named)), rows, right=("n",))


def _counted(metric: Metric | None, most: int) -> str:
    if metric is None:
        return ""
    fewer = f", n {metric.n:,}" if metric.n < most else ""
    return f"{value(metric)}\n{interval(metric)}{fewer}"


def failed_calls(named: Sequence[tuple[str, Result]]) -> Table:
    """How many calls of each candidate failed in which way."""
    kinds = dict.fromkeys(kind for _, result in named for kind in result.failures)
    rows = [
        (plain(kind), *(f"{result.failures.get(kind, 0):,}" for _, result in named))
        for kind in kinds
    ]
    names = [name for name, _ in named]
    return Table(("failed calls", *names), rows, right=names)


def flaky(result: Result) -> Table:
    rows = [(case, cell(deviation)) for case, deviation in result.flaky_cases.items()]
    return Table(("case", "deviation of its scores"), rows, right=("deviation of its scores",))


def failures(evidence: Evidence) -> Table:
    rows = [(one.kind, f"{one.count:,}", clip(one.first)) for one in evidence.failures]
    return Table(("error", "count", "the first one"), rows, right=("count",))


def of_scorer(table: scorers.ScorerTable) -> Table:
    return Table(table.columns, [[cell(each) for each in row] for row in table.rows])


def left_out(problem: str) -> str:
    return f"The tables of a scorer are left out: {problem}"


def facts(evidence: Evidence) -> Table:
    """What the numbers rest on, so that a reader can ask for them again."""
    return Table(("fact", "value"), list(_facts(evidence)))


def _facts(evidence: Evidence) -> Iterator[tuple[str, str]]:
    run, job = evidence.run, evidence.job
    yield "started", run.started
    yield "identity", run.identity
    cases = shown(Path(str(run.cases.get("path"))))
    yield "cases", f"{cases}, sha256 {run.cases.get('sha256')}"
    yield "repeats", str(job.repeats)
    yield "sampling", job.task.sampling.model_dump_json(exclude_none=True)
    yield "taken over from an interrupted run or replayed", f"{run.taken_over} outcomes"
    for path, model in job.models.items():
        yield path, f"{model.name}: {model.id} at {model.provider.name}"
    for name, price in run.prices.items():
        known = ((key, one) for key, one in (price or {}).items() if one is not None)
        yield f"price of {name}", ", ".join(f"{key} {one}" for key, one in known) or "unknown"
    if run.git:
        dirty = ", with changes that are not committed" if run.git.get("dirty") else ""
        yield "git", f"{run.git.get('commit')}{dirty}"
    packages = (f"{name} {version}" for name, version in run.versions.items() if version)
    yield "versions", ", ".join(packages)


# A sweep.


def candidates(ranked: Sequence[SweepRow]) -> Table:
    """The best first; of the requirements those that are not met."""
    shown = {
        "p95 latency": "latency_p95_ms",
        "per request": "cost_per_request_usd",
        "per accepted answer": "cost_per_accepted_usd",
        "errors": "error_rate",
    }
    cases = cases_column(ranked)
    rows: list[tuple[Cell, ...]] = [
        (
            *(run.task, str(run.rank), run.label, run.id, *(asked(run) for _ in cases)),
            *_with_interval(run.metrics.get("quality")),
            *(value(run.metrics.get(name)) for name in shown.values()),
            _open(run),
        )
        for run in ranked
    ]
    about, spread = ("task", "rank", "model", "id", *cases), interval_at(*ranked)
    columns = (*about, "quality", spread, *shown, "requirements")
    return Table(columns, rows, right=(*cases, "quality", *shown))


def cases_column(ranked: Sequence[Result]) -> tuple[str, ...]:
    """There is one where a race has not given everybody all of them."""
    return ("cases",) if any(run.race for run in ranked) else ()


def asked(run: Result) -> str:
    return f"{run.counts.cases:,}" if run.counts else ""


def _open(run: SweepRow) -> Text:
    marks = [
        coloured(f"{MARKS[one.verdict]}{one.requirement}", one.verdict)
        for one in run.verdicts
        if one.verdict != "met"
    ]
    return Text(" ").join(marks) if marks else coloured(f"{MARKS['met']} all met", "met")


def not_met(run: SweepRow) -> list[str]:
    """A sentence for each requirement that is open or missed."""
    found = [
        f"{MARKS[one.verdict]} {one.requirement}: {one.why}"
        for one in run.verdicts
        if one.verdict != "met"
    ]
    return found or ["all is met"]


def compared(advice: Advice) -> Table:
    """Each of the other candidates with the one that it is compared with."""
    rows: list[tuple[Cell, ...]] = [
        (
            *(label, _signed(one.difference), f"{_signed(one.low)} to {_signed(one.high)}"),
            *(chance(one.p_value), f"{one.n:,}", one.method, coloured(one.verdict)),
        )
        for label, one in advice.compared.items()
    ]
    spread = interval_at(*advice.compared.values())
    numbers = ("difference in quality", spread, "p, corrected for all pairs", "cases")
    columns = (f"compared with {advice.compared_with}", *numbers, "test", "verdict")
    return Table(columns, rows, right=numbers)


def _signed(value: float | None) -> str:
    return "?" if value is None else f"{value:+.3f}"


def not_measured(runs: Iterable[SweepRow]) -> Table:
    rows = [(run.dir, run.task, run.candidate, conclusion(run)) for run in runs if run.rank is None]
    return Table(("job", "task", "model", "why"), rows)


@dataclass(frozen=True)
class Advice:
    """What to do on one task, and why."""

    headline: str
    reasons: Sequence[str]
    more: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by their headings
    differences: Sequence[str] = ()  # where it is not like for like
    compared_with: str | None = None
    compared: Mapping[str, Compared] = field(default_factory=dict)
    front: Sequence[str] = ()  # who is dominated by nobody
    race: Sequence[str] = ()

    @classmethod
    def on_run(cls, result: Result) -> Advice:
        reasons = [verdict.why for verdict in result.verdicts]
        front = [result.model]
        return cls(conclusion(result), reasons, differences=result.notes, front=front)

    @classmethod
    def on_sweep(cls, said: Recommendation, ranked: Sequence[SweepRow]) -> Advice:
        """`ranked` are those that were measured; of others `not_measured` says why."""
        of_task = [run.label for run in ranked if run.task == said.task]
        others = [label for label in of_task if label in said.why_not]
        more = {
            "Why not the others": [f"{label} {said.why_not[label]}" for label in others],
            "What would change the answer": said.would_change,
            "What to do next": said.next_steps,
        }
        smallest = [said.smallest_difference] if said.smallest_difference else []
        return cls(
            said.headline,
            [*said.race, *said.reasons, *smallest],
            {heading: lines for heading, lines in more.items() if lines},
            list(dict.fromkeys(said.differences)),
            said.compared_with,
            said.compared,
            said.front,
            said.race,
        )
