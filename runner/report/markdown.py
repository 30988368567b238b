"""`report.md`, from the templates beside this file."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from runner.decide.recommend import Compared
from runner.decide.recommend.reasons import chance
from runner.decide.sweep import SweepResult, SweepRow
from runner.measure import formatting
from runner.measure.compare import RunComparison
from runner.measure.evidence import Evidence
from runner.record.files import REPORT
from runner.record.outcomes import Metric
from runner.report import compare, words
from runner.report.text import Markdown, clip, fenced, inline, line


def run(evidence: Evidence) -> str:
    baseline = evidence.result.baseline
    return _render(
        "run.md.j2",
        evidence=evidence,
        result=evidence.result,
        facts=facts(evidence),
        conclusion=words.conclusion(evidence.result),
        spent=formatting.show(evidence.result.spent_usd, "usd"),
        baseline=baseline and Markdown(comparison(RunComparison.model_validate(baseline))),
    )


def comparison(found: RunComparison) -> str:
    """A run against its baseline: a section."""
    return _render(
        "compare.md.j2",
        found=found,
        title=compare.title(found),
        headline=compare.headline(found),
        columns=compare.COLUMNS,
        rows=[compare.row(change) for change in found.changes],
        sentences=list(compare.sentences(found)),
    )


def sweep(sweep: SweepResult) -> str:
    tasks = [
        (task, said, ranked)
        for task, said in sweep.recommendations.items()
        if (ranked := [run for run in sweep.runs if run.task == task and run.rank])
    ]
    failed = [run for run in sweep.runs if run.rank is None]
    return _render("sweep.md.j2", tasks=tasks, failed=failed, command=sweep.command)


def _render(template: str, **values: Any) -> str:
    text = _environment().get_template(template).render(values)
    return text.strip() + "\n"


def _environment() -> Environment:
    """Whatever a template prints is escaped, unless a filter made it Markdown on purpose."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markdown) else inline(str(value)),
    )
    environment.filters["fenced"] = fenced
    environment.filters["markdown"] = Markdown  # a macro's own, which is escaped already
    environment.filters["with_arms"] = _with_arms
    environment.filters["span"] = _span
    environment.filters["chance"] = chance
    environment.filters["clip"] = clip
    environment.filters["report_link"] = _report_link
    environment.filters["interval"] = _interval
    environment.filters["value"] = _value
    environment.filters["against"] = _against
    environment.filters["bound"] = _bound
    environment.filters["cell"] = _cell
    environment.globals["marks"] = words.MARKS
    environment.globals["legend"] = words.LEGEND
    return environment


def _value(metric: Metric | None) -> str:
    return formatting.show(metric.value, metric.unit) if metric else "unknown"


def _interval(metric: Metric | None) -> str:
    return formatting.interval(metric.low, metric.high, metric.unit) if metric else "unknown"


def _against(baseline: dict[str, Any]) -> str:
    return compare.headline(RunComparison.model_validate(baseline))


def _span(one: Compared) -> str:
    return "unknown" if one.low is None or one.high is None else f"{one.low:.3f} to {one.high:.3f}"


def _with_arms(runs: Iterable[SweepRow]) -> list[tuple[str, SweepRow]]:
    return [(run.label, run) for run in runs if run.arms]


def _bound(bound: float | str | None) -> str:
    return f"{bound:,.10g}" if isinstance(bound, int | float) else str(bound or "")


def _cell(value: str | int | float | None) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def _report_link(directory: str) -> Markdown:
    return Markdown(f"[{inline(directory)}]({quote(directory)}/{REPORT})")


def facts(evidence: Evidence) -> list[tuple[str, str]]:
    """What the numbers rest on, so that a reader can ask for them again."""
    run, job = evidence.run, evidence.job
    facts = [
        ("started", run.started),
        ("identity", run.identity),
        ("cases", f"{run.cases.get('path')}, sha256 {run.cases.get('sha256')}"),
        ("repeats", str(job.repeats)),
        ("sampling", job.task.sampling.model_dump_json(exclude_none=True)),
        ("taken over from an interrupted run or replayed", f"{run.taken_over} outcomes"),
    ]
    for path, model in job.models.items():
        facts.append((path, f"{model.name}: {model.id} at {model.provider.name}"))
    for name, price in run.prices.items():
        known = ((key, value) for key, value in (price or {}).items() if value is not None)
        row = ", ".join(f"{key} {value}" for key, value in known) or "unknown"
        facts.append((f"price of {name}", row))
    if run.git:
        dirty = ", with changes that are not committed" if run.git.get("dirty") else ""
        facts.append(("git", f"{run.git.get('commit')}{dirty}"))
    packages = (f"{name} {version}" for name, version in run.versions.items() if version)
    facts.append(("versions", ", ".join(packages)))
    return [(name, line(value)) for name, value in facts]
