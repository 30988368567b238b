"""Does a promoted decision still hold? A few of its cases are asked again, and what moved is said.

    python -m runner drift task=extraction
    python -m runner drift task=extraction gate=true budget_usd=0.01

The record that `promote` wrote is enough: the runs it came from may be gone. With gate=true the
exit code is 3 when something is proven to have moved, or no case could be compared; with
gate=proven also when something may have moved or is not proven to be as good: a larger canary shows
more. All keys of a run apply: conf/drift.yaml.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from runner.commands import _canary
from runner.commands._arguments import Arguments, arguments
from runner.commands._evaluate import estimate
from runner.commands.command_line import explain
from runner.config import loading, paths, pins
from runner.config.schema import Job, singles
from runner.decide import traffic
from runner.decide.gate import rule
from runner.decide.promote import decision_record
from runner.decide.promote.drift import (
    Drift,
    in_production,
    points,
    proposal,
    stated,
    told,
)
from runner.errors import GATE_EXIT, INCOMPLETE_EXIT, ConfigError, RunnerError
from runner.record.files import dated, write_json

DRIFT = "drift.json"


def main(argv: Sequence[str], today: date | None = None) -> int:
    from runner.report import console
    from runner.report.drift import conclusion, terminal
    from runner.report.terminal import gate

    given = arguments("drift", __doc__, argv)
    mapping, job = _composed(given)
    today = today or date.today()
    record = decision_record.find(paths.tasks_dirs(), job.task.name, mapping)
    if job.estimate:
        with TemporaryDirectory() as scratch:
            estimate([_canary.plan(record, job, Path(scratch), today)])
        return 0
    seen = traffic.of(job.outputs, record.task, job.model, record.promoted)
    known = [*stated(record, job.model, today), *told(record, job), *in_production(record, seen)]
    findings, failed, again = known, 0, None
    directory = dated(job.outputs, "drift", job.label)
    if not any(pins.retired(single, today) for _, single in singles(job.model, "model")):
        failed, again, seen_again = _canary.ask(record, job, directory, today)
        findings = [*seen_again, *findings]
    found = Drift(
        task=record.task,
        mapping=mapping,
        model=record.candidate or record.model,
        promoted=record.promoted,
        findings=findings,
        proposal=None,
    )
    if found.moved:
        own = given.config_dir
        said = proposal(
            record,
            sweep_is_there=Path(record.evidence.sweep).is_dir(),
            options=f" --config-dir {own}" if own else "",
        )
        found = found.model_copy(update={"proposal": said})
    tree = found.model_dump(mode="json") | {"conclusion": conclusion(found)}
    write_json(directory / DRIFT, tree)
    ruling = rule(job.gate, points(found, again))
    console.show([*terminal(found, directory), *gate(ruling)])
    if ruling.shut:
        return GATE_EXIT
    if failed:
        return explain(RunnerError(f"{failed} calls failed; see {directory}"), INCOMPLETE_EXIT)
    return 0


def _composed(given: Arguments) -> tuple[str, Job]:
    """The mapping's name, and the job that it makes of the task. Raises ConfigError."""
    tree = given.plain(Job)
    mapping = str(tree.pop("decided_in"))
    job = loading.validate(tree)
    for key in ("reuse", "baseline", "junit"):
        if getattr(job, key):
            raise ConfigError(f"{key}: has no meaning for drift, which asks anew and compares")
    return mapping, job
