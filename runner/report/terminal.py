"""A result on screen: short, and in the same words as the report."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from runner.decide.gate import Ruling
from runner.decide.sweep import SweepResult
from runner.measure.conclusion import conclusion
from runner.measure.observations import SCORE
from runner.record.files import PAGE, RUN
from runner.record.outcomes import Result
from runner.record.run import Run
from runner.report import compare, contents
from runner.report.console import note, pointer, title, uncut
from runner.report.contents import Advice, interval_at, unlike
from runner.report.table import LEGEND, Table
from runner.report.text import line

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
        yield contents.metrics(result, set(_shown(result))).drawn()
        yield contents.verdicts(result).only("", "requirement", "verdict", "why").drawn()
    if result.arms:
        yield contents.arms([(result.model, result)]).drawn()
    if baseline := compare.of(result):
        yield from compare.terminal(baseline)
    yield from map(note, contents.notes(result))
    yield title(conclusion(result))
    yield pointer("report", directory / PAGE)


def _shown(result: Result) -> Iterator[str]:
    """What most people ask for, and what else is worth a warning; the report has all of them."""
    scores = [name for name in result.metrics if name.startswith(SCORE)]
    for name, metric in result.metrics.items():
        several = name in scores and len(scores) > 1
        if name in _ALWAYS or several or (name in _NOT_ZERO and metric.value):
            yield name


def sweep(directory: Path, sweep: SweepResult) -> Iterator[RenderableType]:
    """All candidates of a sweep, the best first, and which of them to ship and why."""
    ranked = [run for run in sweep.runs if run.rank]
    advice = [Advice.on_sweep(one, ranked) for one in sweep.recommendations.values()]
    yield from map(note, _differences(advice))
    if ranked:
        yield _candidates(sweep).drawn()
        yield note(LEGEND)
    if composite := contents.with_arms(ranked):
        yield contents.arms(composite).drawn()
    for run in sweep.runs:
        if run.rank is None:
            yield Text(line(f"{run.dir}: {conclusion(run)}"), style="red")
    records = [Run(directory / run.dir) for run in sweep.runs]
    if sweep.command and any((run.directory / RUN).exists() and not run.ended for run in records):
        yield uncut(f"What was stopped goes on, and nothing is asked again, with: {sweep.command}")
    for one in advice:
        yield title(one.headline)
        yield from (Text(line(said)) for said in _said(one))
    for run in sweep.runs:
        if baseline := compare.of(run):
            yield Text(line(f"{run.label}: {compare.headline(baseline)}"))
    yield pointer("report", directory / PAGE)
    if sweep.gate:
        yield from gate(sweep.gate)


def gate(ruling: Ruling) -> Iterator[RenderableType]:
    """What a gate says, and why; nothing where nobody asked."""
    yield from (uncut(said, "red" if ruling.shut else "") for said in ruling.lines)


def _differences(advice: list[Advice]) -> Iterator[str]:
    """First of all: who was asked differently can't be compared without a thought."""
    found = list(dict.fromkeys(difference for one in advice for difference in one.differences))
    yield from map(unlike, found[:_MOST])
    if more := found[_MOST:]:
        yield unlike(f"{len(more)} more, in the report")


def _candidates(sweep: SweepResult) -> Table:
    several = ["task"] if len(sweep.best) > 1 else []
    ranked = [run for run in sweep.runs if run.rank]
    spread = interval_at(*ranked)
    shown = ("rank", "model", "quality", spread, "p95 latency", "per request", "errors")
    return contents.candidates(ranked).only(*several, *shown, "requirements")


def _said(advice: Advice) -> Iterator[str]:
    """What there is to say of one task, below its headline."""
    yield from advice.reasons
    for heading, lines in advice.more.items():
        yield from (f"{heading}: {said}" for said in lines)
