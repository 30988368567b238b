"""What is on record of a decision: its runs, sweeps and drills, and its cases as they are now."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from runner.cases import cases
from runner.config import paths
from runner.config.identity import shape
from runner.config.schema import Job, Task, singles
from runner.decide.checklist.facts import Cases, Checklist, Contest, Drilled, MeasuredRun
from runner.decide.own_runs import OwnRun, newest_first
from runner.decide.sweep import SweepRow, load
from runner.drill.result import DrillResult, identity
from runner.errors import ConfigError
from runner.measure.observations import own
from runner.record.files import REPORT, RESULT, is_sweep, read_record, sha256
from runner.record.outcomes import Answered
from runner.record.run import Run


def present(task: Task) -> Cases:
    """The cases of the task. Raises ConfigError."""
    path = paths.cases_file(task.cases)
    count, tags = 0, Counter[str]()
    for case in cases.read(path):
        count += 1
        tags.update(set(case.tags))
    return Cases(path, sha256(path), count, tags)


def recorded(decision: Checklist) -> list[OwnRun]:
    """The complete runs on the task, the newest first.

    Raises ConfigError when `from` names none; what lies under outputs/ and can't be read is no
    evidence.
    """
    found = [
        each
        for each in newest_first(_places(decision))
        if each.result.task == decision.task.name and _is_a_job(each.run)
    ]
    if decision.from_record and not found:
        raise ConfigError(
            f"from: {decision.from_record} has no complete run on {decision.task.name}"
        )
    return found


def _places(decision: Checklist) -> Iterator[Path]:
    given = decision.from_record
    if given is None:
        yield from decision.outputs.glob("runs/*/")
        for sweep in decision.outputs.glob(f"sweeps/*/{RESULT}"):
            yield from sweep.parent.glob("*/")
    elif is_sweep(given):
        if not (given / RESULT).is_file():
            raise ConfigError(f"from: the sweep in {given} is not complete")
        yield from given.glob("*/")
    else:
        yield Run.open(given, at="from: ").directory


def _is_a_job(run: Run) -> bool:
    """Not so of an earlier version's, perhaps."""
    try:
        return bool(run.job)
    except ConfigError:
        return False


def measured(decision: Checklist, now: Cases, runs: Sequence[OwnRun]) -> MeasuredRun | None:
    """The newest run of the model that counts, one of all cases before one of some of them.

    Where none counts, the newest one with what speaks against it. Raises StorageError.
    """
    of_model = [
        (each, _objections(each, decision, now) + _exchanged(each.run.job, decision))
        for each in runs
        if each.run.measurement.model == decision.model.name
    ]
    if not of_model:
        return None
    found, objections = max(of_model, key=lambda pair: (not pair[1], pair[0].cases >= now.count))
    scores = {} if objections else _by_tag(found.run, decision.task.quality_scorer)
    return MeasuredRun(
        report=_report(found.run.directory),
        on=found.on,
        result=found.result,
        objections=objections,
        scores=scores,
        repriced=_repriced(found.run.job, decision),
    )


def contest(decision: Checklist, now: Cases, runs: Sequence[OwnRun]) -> Contest | None:
    """The newest sweep."""
    parents = dict.fromkeys(each.run.directory.parent for each in runs)  # in the order of the runs
    sweep = next((parent for parent in parents if is_sweep(parent)), None)
    if sweep is None:
        return None
    candidates, objected = set(), {}
    try:
        rows = {row.dir: row for row in load(sweep).runs if row.task == decision.task.name}
    except ConfigError:  # its runs are evidence all the same
        rows = {}
    tried = _tried(rows.values())
    found = [each for each in runs if each.run.directory.parent == sweep]
    for each in found:
        row = rows.get(each.run.directory.name)
        name = row.candidate if row else each.run.measurement.model
        if objections := _objections(each, decision, now, tried):
            objected[name] = objections
        else:
            candidates.add(name)
    return Contest(_report(sweep), found[0].on, sorted(candidates), objected)


def _tried(rows: Iterable[SweepRow]) -> set[str]:
    """The keys of the task that a sweep has varied: its candidates differ in them on purpose."""
    keys = {key.split(".")[1] for row in rows for key in row.settings if key.startswith("task.")}
    return keys | ({"system", "prompt"} if "prompt_name" in keys else set())


def _objections(
    found: OwnRun, decision: Checklist, now: Cases, tried: Collection[str] = ()
) -> list[str]:
    """Why a run is not on the task as it is now; `tried` may be otherwise."""
    said = (
        []
        if found.run.measurement.cases.get("sha256") == now.sha256
        else ["the cases have changed since"]
    )
    then, later = (dict(shape(task)) for task in (found.run.job.task, decision.task))
    # Where the cases lie does not matter, nor what a model is looked for by, nor a prompt's name.
    left_out = {"cases", "needs", "prompt_name", *tried}
    changed = [key for key in later if key not in left_out and then[key] != later[key]]
    return said + [f"the task had another {key}" for key in changed]


def _exchanged(then: Job, decision: Checklist) -> list[str]:
    if shape(then.model) == shape(decision.model):
        return []
    if then.model.id != decision.model.id:
        return [f"the model was {then.model.id}, it is {decision.model.id} now"]
    return ["the model was asked otherwise than it is now"]


def _repriced(then: Job, decision: Checklist) -> list[str]:
    before, now = _rates(then), _rates(decision)
    return [name for name in now if before.get(name) != now[name]]


def _rates(job: Job) -> dict[str, Any]:
    """What each model costs, whoever looked it up, and when."""
    return {
        model.name: model.price and model.price.model_dump(exclude={"checked", "source"})
        for _, model in singles(job.model, "model")
    }


def _by_tag(run: Run, scorer: str) -> Mapping[str, Sequence[float]]:
    """The quality of the model's own answers."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for outcome in run.outcomes():
        if isinstance(outcome, Answered) and own(outcome) and scorer in outcome.scores:
            for tag in set(outcome.tags):
                found[tag].append(outcome.scores[scorer].value)
    return found


def drilled(decision: Checklist) -> Drilled | None:
    """The newest drill of the decision as it is now, or else of the model on the task."""
    found = []
    for path in decision.outputs.glob(f"drills/*/{RESULT}"):
        try:
            result = read_record(DrillResult, path)
        except ConfigError:  # no evidence
            continue
        if (result.task, result.model) == (decision.task.name, decision.model.name):
            started = datetime.fromisoformat(result.started)
            found.append((result.identity == identity(decision), started, path, result))
    if not found:
        return None
    _, started, path, result = max(found, key=lambda each: each[:2])
    return Drilled(_report(path.parent), started.date(), result)


def _report(directory: Path) -> Path:
    report = directory / REPORT
    return report if report.is_file() else directory / RESULT
