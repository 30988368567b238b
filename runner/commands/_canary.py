"""The canary cases of a decision, asked again: what `drift` and `watch` share."""

from datetime import date
from pathlib import Path

from runner.commands._evaluate import evaluate
from runner.config.schema import Job
from runner.decide.promote import canary
from runner.decide.promote.decision_record import DecisionRecord
from runner.decide.promote.drift import Finding, asked_again
from runner.errors import ConfigError, RunnerError
from runner.measure.comparison import RunComparison
from runner.pipeline.plan import Plan, prepare
from runner.record.run import Run

_CASES = "canary.jsonl"
_RUN = "run"  # below the directory of a drift


def plan(record: DecisionRecord, job: Job, directory: Path, today: date) -> Plan:
    """To ask the cases on record once more, in `directory`. Raises ConfigError."""
    source = prepare(job, today).cases_file
    if not canary.write_cases(record, source, directory / _CASES):
        raise ConfigError(f"{source}: has none of the cases on record; measure again")
    task = job.task.model_copy(update={"cases": str(directory / _CASES)})
    # With outputs of its own: no interrupted run may lend it answers of another day.
    changes = {"task": task, "limit": None, "tags": (), "outputs": directory}
    return prepare(job.model_copy(update=changes), today)


def ask(
    record: DecisionRecord, job: Job, directory: Path, today: date
) -> tuple[int, RunComparison, list[Finding]]:
    """How many calls failed, how the answers compare with those on record, what has moved.

    Raises ConfigError before anything is sent; later Stopped, StorageError.
    """
    from runner.measure.compare import compare, look

    run = directory / _RUN
    [result] = evaluate([(plan(record, job, directory, today), run)])
    if isinstance(result, RunnerError):
        raise result
    now = look(run, "now").observed
    # As if with its prompt: a question that reads otherwise is no longer the same case.
    found = compare(canary.observed(record, now.prompt), now)
    assert result.counts is not None
    return result.counts.failed, found, list(asked_again(record, list(Run(run).outcomes()), found))
