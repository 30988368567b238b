"""`report.md`, from the templates beside this file."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined

from runner.config.paths import cache_dir
from runner.decide.sweep import SweepResult, SweepRow
from runner.measure.comparison import RunComparison
from runner.measure.conclusion import conclusion
from runner.measure.evidence import Evidence
from runner.record.files import REPORT
from runner.record.outcomes import Result
from runner.report import card as cards
from runner.report import compare, contents
from runner.report.card import Card
from runner.report.contents import Advice
from runner.report.origin import Origin
from runner.report.table import LEGEND, Table
from runner.report.text import Markdown, clip, fenced, inline

_FEW = 5  # candidates or tasks in what a pull request shows
_CHANGES = 2


def run(evidence: Evidence, origin: Origin) -> str:
    result = evidence.result
    found = compare.of(result)
    baseline = found and Markdown(comparison(found))
    rest = _render("run.md.j2", evidence=evidence, result=result, baseline=baseline)
    measured = [result] if result.metrics else []
    card = Card.on_run(result, origin.started)
    return _summary([card], cards.candidates(measured), [result], origin, rest)


def _summary(
    found: Sequence[Card], table: Table, results: Sequence[Result], origin: Origin, rest: str
) -> str:
    """What a reviewer reads: 25 lines at most; below it, folded, the rest."""
    if len(found) == 1:
        [card] = found
        title, said = card.line, [*_paragraphs(card)]
    else:
        title, said = contents.QUESTION, []
    several = len(found) > 1
    changed = contents.rescored(results) + [
        f"{_named(result, several)} against its baseline: {compare.headline(baseline)}"
        for result in results
        if (baseline := compare.of(result))
    ]
    few = replace(table, rows=table.rows[: _FEW - 1] if table.rows[_FEW:] else table.rows)
    return _render(
        "summary.md.j2",
        title=title,
        said=said,
        table=few,
        left_out=_more(len(table.rows) - len(few.rows)),
        changed=[*changed[:_CHANGES], *filter(None, [_more(len(changed) - _CHANGES)])],
        command=origin.command,
        rest=Markdown(rest),
    )


def _paragraphs(card: Card) -> Iterator[str]:
    word = Markdown(f"**{inline(card.word)}**")
    about = filter(None, [card.because, f"{card.cases}, {card.date}"])
    yield Markdown(f"{word}: {inline('; '.join(about))}")
    if card.caveat:
        yield card.caveat
    if card.runner_up:
        yield f"Runner-up: {card.runner_up}"


def _named(result: Result, several_tasks: bool) -> str:
    return f"{result.task}, {result.candidate}" if several_tasks else result.candidate


def _more(count: int) -> str:
    return f"And {count:,} more, below." if count > 0 else ""


def comparison(found: RunComparison) -> str:
    """A run against its baseline: a section."""
    return _render("compare.md.j2", found=found)


def migration(flips: RunComparison | None, months: Sequence[tuple[str, str]], **about: Any) -> str:
    """The text of a pull request that `watch` writes."""
    table = Table(("", "dollars a month"), months, right=("dollars a month",))
    section = flips and Markdown(comparison(flips))
    return _render("migration.md.j2", flips=section, months=table, **about)


def listed(lines: Sequence[str]) -> str:
    """As a list of its own; nothing where there is none."""
    return "".join(f"\n{line}" for line in [*(f"- {inline(each)}" for each in lines), ""] if lines)


def sweep(sweep: SweepResult, origin: Origin) -> str:
    tasks = [
        (task, Advice.on_sweep(said, ranked), ranked)
        for task, said in sweep.recommendations.items()
        if (ranked := [run for run in sweep.runs if run.task == task and run.rank])
    ]
    facts = Table(("fact", "value"), origin.facts)
    rest = _render("sweep.md.j2", tasks=tasks, sweep=sweep, facts=facts)
    found = [
        Card.on_sweep(sweep.recommendations[task], ranked, origin.started)
        for task, _, ranked in tasks
    ]
    table = cards.candidates(tasks[0][2]) if len(tasks) == 1 else cards.chosen(found)
    return _summary(found, table, sweep.runs, origin, rest)


def _render(template: str, **values: Any) -> str:
    text = _environment().get_template(template).render(values)
    return text.strip() + "\n"


def templates(finalize: Callable[[Any], str], *, autoescape: bool = False) -> Environment:
    """Those of this room; whatever one of them prints goes through `finalize`."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        bytecode_cache=_compiled(),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
    )


def _compiled() -> FileSystemBytecodeCache | None:
    """Templates as they were compiled before, which takes a tenth of a second."""
    directory = cache_dir() / "templates"
    with suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True)
    return FileSystemBytecodeCache(str(directory)) if os.access(directory, os.W_OK) else None


def _environment() -> Environment:
    """Whatever a template prints is escaped, unless a filter made it Markdown on purpose."""
    environment = templates(lambda v: v if isinstance(v, Markdown) else inline(str(v)))
    environment.filters |= {"fenced": fenced, "clip": clip, "table": Table.markdown}
    environment.globals |= {
        "candidates": _candidates,
        "compare": compare,
        "conclusion": conclusion,
        "contents": contents,
        "legend": LEGEND,
    }
    return environment


def _candidates(ranked: list[SweepRow]) -> Table:
    """With a way to the report of each."""
    found = contents.candidates(ranked)
    links = [Markdown(f"[{inline(run.dir)}]({quote(run.dir)}/{REPORT})") for run in ranked]
    rows = [[*row[1:], link] for row, link in zip(found.rows, links, strict=True)]
    return replace(found, columns=[*found.columns[1:], "report"], rows=rows)
