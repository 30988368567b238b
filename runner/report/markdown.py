"""`report.md`, from the templates beside this file."""

import os
from collections.abc import Callable, Sequence
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
from runner.report import compare, contents
from runner.report.contents import Advice
from runner.report.table import LEGEND, Table
from runner.report.text import Markdown, clip, fenced, inline


def run(evidence: Evidence) -> str:
    result = evidence.result
    found = compare.of(result)
    baseline = found and Markdown(comparison(found))
    return _render("run.md.j2", evidence=evidence, result=result, baseline=baseline)


def comparison(found: RunComparison) -> str:
    """A run against its baseline: a section."""
    return _render("compare.md.j2", found=found)


def listed(lines: Sequence[str]) -> str:
    """As a list of its own; nothing where there is none."""
    return "".join(f"\n{line}" for line in [*(f"- {inline(each)}" for each in lines), ""] if lines)


def sweep(sweep: SweepResult) -> str:
    tasks = [
        (task, Advice.on_sweep(said, ranked), ranked)
        for task, said in sweep.recommendations.items()
        if (ranked := [run for run in sweep.runs if run.task == task and run.rank])
    ]
    return _render("sweep.md.j2", tasks=tasks, sweep=sweep)


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
