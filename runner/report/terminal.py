"""A result on screen: short, and in the same words as the report."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from runner.decide.gate import Ruling
from runner.decide.recommend import Recommendation
from runner.decide.sweep import SweepResult, SweepRow
from runner.measure.conclusion import conclusion, failed_calls, thresholds
from runner.measure.observations import SCORE
from runner.record.files import PAGE, RUN
from runner.record.outcomes import Result
from runner.record.run import Run
from runner.report import compare, contents
from runner.report.card import Card, reason, tier
from runner.report.console import note, pointer, title, uncut
from runner.report.contents import Advice, interval_at, unlike
from runner.report.table import LEGEND, MARKS, Table, coloured
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
_MOST = 4  # reasons why others of a sweep were not chosen


def run(directory: Path, result: Result, *, verbose: bool = False) -> Iterator[RenderableType]:
    """What a run comes to, its numbers, what it does not meet and why; `verbose`: all verdicts."""
    card = Card.on_run(result, str(Run(directory).about.get("started", "")))
    yield title(card.line)
    about = f"{result.task} · {result.model} ({result.id})"
    if counts := result.counts:
        about += f" · {counts.answered} of {counts.outcomes} outcomes answered"
    yield note(f"{about} · {card.date}" if card.date else about)
    if words := failed_calls(result):
        yield Text(line(words), style="red")
    yield from (Text(line(each)) for each in contents.rescored([result]))
    if result.metrics:
        yield contents.metrics(result, set(_shown(result))).drawn()
        yield from _verdicts(result, verbose)
    if result.arms:
        yield _arms([(result.model, result)], verbose).drawn()
    if baseline := compare.of(result):
        yield from compare.terminal(baseline)
    yield from map(note, contents.notes(result))
    if verbose:
        yield title(conclusion(result))
    yield pointer("report", directory / PAGE)


def _verdicts(result: Result, verbose: bool) -> Iterator[RenderableType]:
    columns = "", "requirement", "verdict", "why"
    if verbose:
        yield contents.verdicts(result).only(*columns).drawn()
        return
    met = [verdict.requirement for verdict in result.verdicts if verdict.verdict == "met"]
    if len(met) < len(result.verdicts):
        few = result.model_copy(
            update={"verdicts": [v for v in result.verdicts if v.requirement not in met]}
        )
        yield contents.verdicts(few).only(*columns).drawn()
    if met:
        yield coloured(f"{MARKS['met']} met: {', '.join(met)}", "met")
    if result.complete and not thresholds(result):
        yield note(f"no threshold is set; they belong into conf/requirements/{result.task}.yaml")


def _arms(results: Sequence[tuple[str, Result]], verbose: bool) -> Table:
    found = contents.arms(results)
    few = "candidate", "arm", "model", "asked", "answers", "quality", "cost"
    return found if verbose else found.only(*few)


def _shown(result: Result) -> Iterator[str]:
    """What most people ask for, and what else is worth a warning; the report has all of them."""
    scores = [name for name in result.metrics if name.startswith(SCORE)]
    for name, metric in result.metrics.items():
        several = name in scores and len(scores) > 1
        if name in _ALWAYS or several or (name in _NOT_ZERO and metric.value):
            yield name


def sweep(
    directory: Path, sweep: SweepResult, *, verbose: bool = False
) -> Iterator[RenderableType]:
    """What to ship on each task and why, then its candidates; `verbose`: all there is to say."""
    started = str(Run(directory / sweep.runs[0].dir).about.get("started", "")) if sweep.runs else ""
    tasks = [
        (said, ranked)
        for task, said in sweep.recommendations.items()
        if (ranked := [run for run in sweep.runs if run.task == task and run.rank])
    ]
    found = [Card.on_sweep(said, ranked, started) for said, ranked in tasks]
    yield from (title(": ".join(filter(None, [one.line, one.because]))) for one in found)
    for card, (said, ranked) in zip(found, tasks, strict=True):
        basis = f"{card.task}: {card.cases}, {card.date}, {card.confidence} % intervals."
        yield Text(line(f"{basis} {card.caveat}"))
        yield from _task(card, said, ranked, verbose)
        for gain in sweep.routing.get(card.task, []):
            if gain.label or verbose:  # of single models alone, what could be is no answer
                yield from (Text(line(each)) for each in (gain.said if verbose else gain.said[-2:]))
    told = contents.rescored(sweep.runs)
    yield from (Text(line(each)) for each in (told if verbose else told[: _MOST + 1]))
    if not verbose and told[_MOST + 1 :]:
        yield note(f"{len(told) - _MOST - 1} more on what scoring anew has changed: verbose=true")
    for run in sweep.runs:
        if run.rank is None:
            yield Text(line(f"{run.dir}: {conclusion(run)}"), style="red")
    records = [Run(directory / run.dir) for run in sweep.runs]
    if sweep.command and any((run.directory / RUN).exists() and not run.ended for run in records):
        yield uncut(f"What was stopped goes on, and nothing is asked again, with: {sweep.command}")
    for run in sweep.runs:
        if baseline := compare.of(run):
            yield Text(line(f"{run.label}: {compare.headline(baseline)}"))
    more = "" if verbose else "; all reasons and numbers here: verbose=true"
    yield pointer("report", directory / PAGE, more)
    if sweep.gate:
        yield from gate(sweep.gate)


def _task(
    card: Card, said: Recommendation, ranked: Sequence[SweepRow], verbose: bool
) -> Iterator[RenderableType]:
    if verbose:
        advice = Advice.on_sweep(said, ranked)
        yield from map(note, map(unlike, advice.differences))
        yield _candidates(ranked).drawn()
        yield note(LEGEND)
        if composite := contents.with_arms(ranked):
            yield _arms(composite, verbose).drawn()
        yield title(advice.headline)
        yield from (Text(line(each)) for each in _said(advice))
        return
    yield _few(ranked).drawn()
    yield from map(note, said.race)
    told = {said.choice or card.whose}
    reasons = [reason(run, said) for run in ranked if run.label not in told]
    yield from (Text(line(each)) for each in reasons[:_MOST])
    if others := reasons[_MOST:]:
        yield note(f"why {len(others)} more are not chosen: verbose=true")


def _few(ranked: Sequence[SweepRow]) -> Table:
    """Narrow enough for 80 columns: what is not met stands in the reasons."""
    cases = contents.cases_column(ranked)
    shown = *cases, "quality", interval_at(*ranked), "p95 latency", "per request"
    numbers = contents.candidates(ranked).only("model", *shown).rows
    rows = [(row[0], tier(run), *row[1:]) for row, run in zip(numbers, ranked, strict=True)]
    return Table(("candidate", "verdict", *shown), rows, right=shown)


def gate(ruling: Ruling) -> Iterator[RenderableType]:
    """What a gate says, and why; nothing where nobody asked."""
    yield from (uncut(said, "red" if ruling.shut else "") for said in ruling.lines)


def _candidates(ranked: Sequence[SweepRow]) -> Table:
    shown = (
        "rank",
        "model",
        *contents.cases_column(ranked),
        "quality",
        interval_at(*ranked),
        "p95 latency",
        "per request",
        "errors",
    )
    return contents.candidates(ranked).only(*shown, "requirements")


def _said(advice: Advice) -> Iterator[str]:
    """What there is to say of one task, below its headline."""
    yield from advice.reasons
    for heading, lines in advice.more.items():
        yield from (f"{heading}: {said}" for said in lines)
