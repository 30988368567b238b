"""`report.md`, from the templates beside this file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from runner import numbers
from runner.outputs import REPORT
from runner.records import Metric
from runner.report import words
from runner.report.evidence import Evidence
from runner.report.text import Markdown, clip, fenced, inline, line

if TYPE_CHECKING:
    from runner.report.sweep import SweepResult


def run(evidence: Evidence) -> str:
    return _render(
        "run.md.j2",
        evidence=evidence,
        result=evidence.result,
        facts=_facts(evidence),
        conclusion=words.conclusion(evidence.result),
        spent=numbers.show(evidence.result.spent_usd, "usd"),
    )


def sweep(sweep: "SweepResult", command: str | None) -> str:
    tasks = [
        (task, words.choice(task, ranked), ranked)
        for task in sweep.best
        if (ranked := [run for run in sweep.runs if run.task == task and run.rank])
    ]
    failed = [run for run in sweep.runs if run.rank is None]
    return _render("sweep.md.j2", tasks=tasks, failed=failed, command=command)


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
    environment.filters["clip"] = clip
    environment.filters["report_link"] = _report_link
    environment.filters["interval"] = _interval
    environment.filters["value"] = _value
    environment.filters["bound"] = _bound
    environment.filters["cell"] = _cell
    environment.globals["marks"] = words.MARKS
    environment.globals["legend"] = words.LEGEND
    return environment


def _value(metric: Metric | None) -> str:
    return numbers.show(metric.value, metric.unit) if metric else "unknown"


def _interval(metric: Metric | None) -> str:
    return numbers.interval(metric.low, metric.high, metric.unit) if metric else "unknown"


def _bound(bound: float | str | None) -> str:
    return f"{bound:,.10g}" if isinstance(bound, int | float) else str(bound or "")


def _cell(value: str | int | float | None) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def _report_link(directory: str) -> Markdown:
    return Markdown(f"[{inline(directory)}]({quote(directory)}/{REPORT})")


def _facts(evidence: Evidence) -> list[tuple[str, str]]:
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
