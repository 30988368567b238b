"""Everything that a run has to show, gathered in one pass over its journal."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cases.query import differences
from runner.config import paths
from runner.config.schema import Job, answerers
from runner.config.self_judging import self_judging
from runner.measure.conclusion import tier
from runner.measure.metrics import measure
from runner.measure.observations import own
from runner.measure.requirements import judge
from runner.record.outcomes import Answered, Failed, Line, Result, Score
from runner.record.run import Measurement, Run

if TYPE_CHECKING:
    from runner.scorers import Table

_WORST = 10

Lines = Callable[[Run], Iterable[Line]]  # of a journal, each of which somebody else may look at


@dataclass
class Failure:
    """Calls that failed in the same way."""

    kind: str
    first: str  # message
    count: int = 0


@dataclass
class Evidence:
    run: Measurement
    job: Job
    result: Result
    failures: list[Failure]  # the most frequent first
    worst: list[tuple[Answered, Score]]  # the lowest quality first
    tables: "list[Table]"
    without_tables: list[str]  # why a scorer shows none


def read(directory: Path, lines: Lines = Run.outcomes) -> Evidence:
    """Read the journal, once: whoever wants to see it, too, gives its `lines`.

    Raises ConfigError for a run.json, StorageError for a journal, that can't be used.
    """
    record = Run(directory)
    run, job = record.measurement, record.job
    observer = _Observer(job)
    measured = measure(observer.watch(lines(record)), job, record.probes())
    result = Result(
        task=run.task,
        model=run.model,
        id=run.id,
        complete=measured.counts.outcomes == run.outcomes
        and measured.probes >= min(job.latency_probe, int(run.cases.get("count", 0))),
        counts=measured.counts,
        failures=measured.failures,
        confidence=job.requirements.confidence,
        metrics=measured.metrics,
        verdicts=judge(job, measured.metrics),
        arms=measured.arms,
        choices=measured.choices,
        skipped=measured.skipped,
        flaky_cases=measured.flaky_cases,
        notes=_notes(job, observer),
        spent_usd=measured.spent_usd,
    )
    result = result.model_copy(update={"tier": tier(result)})
    tables, problems = tables_of(job.task.name, observer.scores)
    failures = sorted(observer.failures.values(), key=lambda failure: -failure.count)
    return Evidence(run, job, result, failures, observer.worst(), tables, problems)


@dataclass
class _Observer:
    """Looks at the lines on their way to be measured, and keeps the few that are worth telling."""

    job: Job
    failures: dict[str, Failure] = field(default_factory=dict)
    scores: dict[str, list[Score]] = field(default_factory=dict)
    # Models, and the ids that their providers say answered.
    served: Counter[tuple[str, str]] = field(default_factory=Counter)
    _low: list[tuple[float, int, Answered, Score]] = field(default_factory=list)

    def watch(self, lines: Iterable[Line]) -> Iterator[Line]:
        for number, line in enumerate(lines):
            if isinstance(line, Failed):
                self._fail(line)
            elif own(line):
                self._answer(number, line)
            yield line

    def _fail(self, line: Failed) -> None:
        last = line.attempts[-1] if line.attempts else None
        kind = (last.error if last else None) or "error"
        failure = self.failures.setdefault(kind, Failure(kind, line.error))
        failure.count += 1

    def _answer(self, number: int, line: Answered) -> None:
        if line.model_served:
            self.served[line.served_by, line.model_served] += 1
        for name, score in line.scores.items():
            self.scores.setdefault(name, []).append(score)
        quality = line.scores.get(self.job.task.quality_scorer)
        if quality is not None and quality.value < 1:
            # A heap gives up its smallest: of the best of the worst, the last.
            heapq.heappush(self._low, (-quality.value, -number, line, quality))
            if len(self._low) > _WORST:
                heapq.heappop(self._low)

    def worst(self) -> list[tuple[Answered, Score]]:
        ordered = sorted(self._low, key=lambda entry: (-entry[0], entry[2].case, -entry[1]))
        return [(line, score) for _, _, line, score in ordered]


def _notes(job: Job, observer: _Observer) -> list[str]:
    asked = [model for _, model in answerers(job.model)]
    for candidate in job.fallback.chain.values():
        asked += [model for _, model in answerers(candidate)]
    notes = [note for model in asked for note in differences(model, job.task)]
    pins = {model.name: model.id for model in asked}
    for (name, served), count in observer.served.items():
        if served != pins.get(name):
            notes.append(f"{count} answers came from {served}, {pins.get(name)} was asked for")
    return list(dict.fromkeys([*notes, *self_judging(job, allowed=True)]))


def tables_of(task: str, scores: dict[str, list[Score]]) -> "tuple[list[Table], list[str]]":
    """What the scorers have to show; one that is gone or broken costs its tables, no more."""
    from runner import scorers

    found: list[Table] = []
    problems: list[str] = []
    for name, given in scores.items():
        try:
            found += scorers.tables(name, given, task=task, tasks_dirs=paths.tasks_dirs())
        except Exception as error:  # a user's scorer may raise anything when it is imported
            problems.append(f"{name}: {error}")
    return found, problems
