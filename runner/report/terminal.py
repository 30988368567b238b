"""A result on screen: short, and in the same words as the report."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from runner.decide.recommend import Recommendation
from runner.decide.sweep import SweepResult, SweepRow
from runner.measure import formatting
from runner.measure.compare import RunComparison
from runner.measure.observations import SCORE
from runner.record.files import PAGE
from runner.record.outcomes import Metric, Result
from runner.report import compare, words
from runner.report.console import note, pointer, title
from runner.report.text import line

_STYLES = {"met": "green", "missed": "bold red", "not proven": "yellow", "unknown": "magenta"}
_ALWAYS = (
    "quality",
    "pass_at_k",
    "flaky_rate",
    "error_rate",
    "latency_p50_ms",
    "latency_p95_ms",
    "cost_per_request_usd",
    "judge_cost_usd",
)
_NOT_ZERO = ("fallback_rate", "retry_rate", "truncated_rate", "judge_failure_rate")
_MOST = 4  # lines on how the candidates of a sweep were not asked alike


def run(directory: Path, result: Result) -> Iterator[RenderableType]:
    """The numbers of a run, the verdicts, and where the rest of it lies."""
    about = f"{result.task} · {result.model} ({result.id})"
    if counts := result.counts:
        about += f" · {counts.answered} of {counts.outcomes} outcomes answered"
    yield title(about)
    if result.metrics:
        yield _metrics(result)
        yield _verdicts(result)
    if result.arms:
        yield _arms([(result.model, result)])
    if result.baseline:
        yield from compare.terminal(RunComparison.model_validate(result.baseline))
    yield from map(note, [*map(_unlike, result.notes), *_not_asked(result)])
    yield title(words.conclusion(result))
    yield pointer("report", directory / PAGE)


def sweep(directory: Path, sweep: SweepResult) -> Iterator[RenderableType]:
    """All candidates of a sweep, the best first, and which of them to ship and why."""
    yield from map(note, _differences(sweep))
    if any(run.rank for run in sweep.runs):
        yield _candidates(sweep)
        yield note(words.LEGEND)
    if composite := [(run.label, run) for run in sweep.runs if run.rank and run.arms]:
        yield _arms(composite)
    for run in sweep.runs:
        if run.rank is None:
            yield Text(line(f"{run.dir}: {words.conclusion(run)}"), style="red")
    measured = {run.label for run in sweep.runs if run.rank}
    for recommendation in sweep.recommendations.values():
        yield title(recommendation.headline)
        yield from (Text(line(said)) for said in _said(recommendation, measured))
    for run in sweep.runs:
        if run.baseline:
            said = compare.headline(RunComparison.model_validate(run.baseline))
            yield Text(line(f"{run.label}: {said}"))
    yield pointer("report", directory / PAGE)


def _differences(sweep: SweepResult) -> Iterator[str]:
    """First of all: who was asked differently can't be compared without a thought."""
    found = [difference for one in sweep.recommendations.values() for difference in one.differences]
    found = list(dict.fromkeys(found))
    yield from map(_unlike, found[:_MOST])
    if more := found[_MOST:]:
        yield f"not like for like: {len(more)} more, in the report"


def _said(recommendation: Recommendation, measured: Collection[str]) -> Iterator[str]:
    """What there is to say of one task, below its headline."""
    yield from recommendation.reasons
    if recommendation.smallest_difference:
        yield recommendation.smallest_difference
    for label, why in recommendation.why_not.items():
        if label in measured:
            yield f"- {label} {why}"
    yield from (f"would change it: {change}" for change in recommendation.would_change)
    yield from (f"next: {step}" for step in recommendation.next_steps)


def _unlike(difference: str) -> str:
    return f"not like for like: {difference}"


def _not_asked(result: Result) -> Iterator[str]:
    for model, count in result.skipped.items():
        yield f"{model} was not asked {count} times although its turn had come"


def _table(*columns: str, right: Iterable[str] = ()) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left")
    return table


def _metrics(result: Result) -> Table:
    table = _table("metric", "value", "95 % interval", "n", right=("value", "n"))
    for name, metric in _shown(result):
        interval = formatting.interval(metric.low, metric.high, metric.unit)
        value = formatting.show(metric.value, metric.unit)
        table.add_row(Text(line(name)), Text(value), Text(interval), Text(f"{metric.n:,}"))
    return table


def _shown(result: Result) -> Iterable[tuple[str, Metric]]:
    """What most people ask for, and what else is worth a warning; the report has all of them."""
    scores = [name for name in result.metrics if name.startswith(SCORE)]
    for name, metric in result.metrics.items():
        several = name in scores and len(scores) > 1
        if name in _ALWAYS or several or (name in _NOT_ZERO and metric.value):
            yield name, metric


def _verdicts(result: Result) -> Table:
    table = _table("", "requirement", "verdict", "why")
    for verdict in result.verdicts:
        style = _STYLES[verdict.verdict]
        table.add_row(
            Text(words.MARKS[verdict.verdict], style=style),
            Text(line(verdict.requirement)),
            Text(verdict.verdict, style=style),
            Text(line(verdict.why)),
        )
    return table


def _arms(results: Sequence[tuple[str, Result]]) -> Table:
    """What the arms of composite models did."""
    numeric = ("asked", "answers", "quality", "p50 latency", "cost")
    table = _table("candidate", "arm", "model", *numeric, right=numeric)
    for label, result in results:
        for arm in result.arms:
            named = ("quality", "latency_p50_ms", "cost_total_usd")
            metrics = (arm.metrics.get(name) for name in named)
            values = (formatting.show(one.value, one.unit) if one else "unknown" for one in metrics)
            counts = (f"{arm.requests:,}", f"{arm.answers:,}")
            texts = (label, arm.arm, arm.model, *counts, *values)
            table.add_row(*(Text(line(text)) for text in texts))
    return table


def _candidates(sweep: SweepResult) -> Table:
    several = len(sweep.best) > 1
    table = _table(
        *(["task"] if several else []),
        *("", "model", "quality", "p95 latency", "per request", "errors", "requirements"),
        right=("quality", "p95 latency", "per request", "errors"),
    )
    for run in sweep.runs:
        if run.rank:
            first = [Text(line(run.task))] if several else []
            table.add_row(*first, *_row(run))
    return table


def _row(run: SweepRow) -> list[Text]:
    quality = run.metrics["quality"]
    interval = formatting.interval(quality.low, quality.high, quality.unit)
    marks = Text(" ").join(
        Text(words.MARKS[v.verdict] + v.requirement, style=_STYLES[v.verdict])
        for v in run.verdicts
        if v.verdict != "met"
    )
    values = (
        formatting.show(run.metrics[name].value, run.metrics[name].unit)
        for name in ("latency_p95_ms", "cost_per_request_usd", "error_rate")
    )
    return [
        Text(str(run.rank)),
        Text(line(run.label)),
        Text(f"{formatting.show(quality.value, quality.unit)} ({interval})"),
        *map(Text, values),
        marks or Text(f"{words.MARKS['met']} all met", style=_STYLES["met"]),
    ]
