"""A result on screen: short, and in the same words as the report."""

from collections.abc import Iterable
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner import numbers
from runner.outputs import REPORT
from runner.records import Metric, Result
from runner.report import words
from runner.report.sweep import Candidate, SweepResult
from runner.report.text import line
from runner.tally import SCORE

_STYLES = {"met": "green", "missed": "bold red", "not proven": "yellow", "unknown": "magenta"}
_ALWAYS = (
    "quality",
    "error_rate",
    "latency_p50_ms",
    "latency_p95_ms",
    "cost_per_request_usd",
    "monthly_cost_usd",
)
_NOT_ZERO = ("fallback_rate", "retry_rate", "truncated_rate")
_WIDTH = 120  # where nobody's terminal says: a pipe, a log of CI


def print_run(directory: Path, result: Result, console: Console | None = None) -> None:
    """The numbers of a run, the verdicts, and where the rest of it lies."""
    console = console or _console()
    counts = result.counts
    title = f"{result.task} · {result.model} ({result.id})"
    if counts:
        title += f" · {counts.answered} of {counts.outcomes} outcomes answered"
    console.print(Text(line(title), style="bold"))
    if result.metrics:
        console.print(_metrics(result))
        console.print(_verdicts(result))
    for note in result.notes:
        console.print(Text(line(f"not like for like: {note}"), style="dim"))
    console.print(Text(line(words.conclusion(result)), style="bold"))
    console.print(Text(f"report: {_near(directory / REPORT)}", style="dim"), soft_wrap=True)


def print_sweep(directory: Path, sweep: SweepResult, console: Console | None = None) -> None:
    """All candidates of a sweep, the best first, and which of them to ship."""
    console = console or _console()
    if any(run.rank for run in sweep.runs):
        console.print(_candidates(sweep))
        console.print(Text(words.LEGEND, style="dim"))
    for note in dict.fromkeys(note for run in sweep.runs for note in run.notes):
        console.print(Text(line(f"not like for like: {note}"), style="dim"))
    for run in sweep.runs:
        if run.rank is None:
            reason = line(f"{run.dir}: {words.conclusion(run)}")
            console.print(Text(reason, style="red"))
    for task in sweep.best:
        ranked = [run for run in sweep.runs if run.task == task and run.rank]
        console.print(Text(line(words.choice(task, ranked)), style="bold"))
    console.print(Text(f"report: {_near(directory / REPORT)}", style="dim"), soft_wrap=True)


def _near(path: Path) -> Path:
    """As one would type it from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH)


def _table(*columns: str, right: Iterable[str] = ()) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left")
    return table


def _metrics(result: Result) -> Table:
    table = _table("metric", "value", "95 % interval", "n", right=("value", "n"))
    for name, metric in _shown(result):
        interval = numbers.interval(metric.low, metric.high, metric.unit)
        value = numbers.show(metric.value, metric.unit)
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


def _row(run: Candidate) -> list[Text]:
    quality = run.metrics["quality"]
    interval = numbers.interval(quality.low, quality.high, quality.unit)
    marks = Text(" ").join(
        Text(words.MARKS[v.verdict] + v.requirement, style=_STYLES[v.verdict])
        for v in run.verdicts
        if v.verdict != "met"
    )
    values = (
        numbers.show(run.metrics[name].value, run.metrics[name].unit)
        for name in ("latency_p95_ms", "cost_per_request_usd", "error_rate")
    )
    return [
        Text(str(run.rank)),
        Text(line(run.model)),
        Text(f"{numbers.show(quality.value, quality.unit)} ({interval})"),
        *map(Text, values),
        marks or Text(f"{words.MARKS['met']} all met", style=_STYLES["met"]),
    ]
