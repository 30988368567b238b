"""The result of a sweep, computed from its runs: ranked, and what to ship on each task."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from runner.config.schema import STRICTER, Gate
from runner.decide import gate, no_effect, raced, routers
from runner.decide.configuration import configurations
from runner.decide.gate import Ruling
from runner.decide.recommend import Candidate, Recommendation, ranked, recommend
from runner.decide.routers import RouterGain
from runner.errors import ConfigError, RunnerError, StorageError
from runner.measure import like_for_like
from runner.measure.result import load as load_run
from runner.record.files import RESULT, jobs, read_record, sweep_command
from runner.record.outcomes import Line, Record, Result
from runner.record.run import Run

UNNAMED = "?"  # the task of a job whose config could not even be read


class SweepRow(Result):
    """A run in a sweep; `rank` counts from 1 within its task, None: there is nothing to rank.

    `label` is the model's name and what else differs among the runs on the task, with its place
    where nothing tells it from another.
    """

    dir: str
    label: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)  # what differs, by key
    rank: int | None = None

    @property
    def candidate(self) -> str:
        return self.label or self.model


class SweepResult(Record):
    """`result.json` of a sweep."""

    runs: list[SweepRow]  # task by task, the best first; what could not be measured last
    best: dict[str, str | None]  # the candidate to ship on each task; None: none is proven to fit
    recommendations: dict[str, Recommendation] = Field(default_factory=dict)  # by task
    routing: dict[str, list[RouterGain]] = Field(default_factory=dict)  # by task
    gate: Ruling | None = None  # of all its tasks; None: of an earlier version
    command: str | None = None  # which asks all of it again; None: nobody knows


def compute(
    directory: Path,
    read: Callable[[Path], Result] = load_run,
    lines: Callable[[SweepRow], Iterable[Line]] | None = None,
) -> SweepResult:
    """Rank the runs of a sweep and choose; `read` gives the result of each, or a RunnerError.

    Each journal is read once, by `lines` where somebody else wants to see them.
    """
    found = [_candidate(path, read) for path in jobs(directory)]
    runs: list[SweepRow] = []
    recommendations, routing = {}, {}
    for task in sorted({run.task for run in found}):
        of_task = {str(n): run for n, run in enumerate(found) if run.task == task}
        in_order = ranked(Candidate(key, run) for key, run in of_task.items())
        rows = _labelled(directory, [of_task[one.label] for one in in_order])
        rows = raced.named(rows, {row.dir: row.label for row in rows})
        runs += rows
        if task != UNNAMED:
            recommendations[task], routing[task] = _decide(directory, task, rows, lines)
    runs.sort(key=lambda run: run.rank is None)
    return SweepResult(
        runs=runs,
        best={task: one.choice for task, one in recommendations.items()},
        recommendations=recommendations,
        routing=routing,
        gate=_gate(directory, runs, recommendations),
        command=sweep_command(directory),
    )


def load(directory: Path) -> SweepResult:
    """The result of a finished sweep as it was written. Raises ConfigError, also for an old one."""
    if not (directory / RESULT).is_file():
        raise ConfigError(f"{directory}: is no finished sweep: it has no {RESULT}")
    try:
        found = read_record(SweepResult, directory / RESULT)
    except ConfigError as error:
        raise ConfigError(f"{directory}: is no sweep: {error}") from None
    for row in found.runs:
        if not Run(directory / row.dir).is_of(row):
            anew = f"python -m runner report {directory}"
            raise ConfigError(f"{directory}: {row.dir} has changed since it was measured; {anew}")
    return found


def _candidate(path: Path, read: Callable[[Path], Result]) -> SweepRow:
    """A job that left something unreadable is a failed job, and no end of the others."""
    try:
        result = read(path)
    except RunnerError as error:
        result = Result(task=UNNAMED, model=UNNAMED, id=UNNAMED, error=str(error))
    return SweepRow(**dict(result), dir=path.name)


def _labelled(directory: Path, ranked: Sequence[SweepRow]) -> list[SweepRow]:
    """With the places of those that can have one, and names that tell them apart."""
    found = configurations([(run.model, Run(directory / run.dir).config) for run in ranked])
    measured = [bool(Candidate("", run).measured) for run in ranked]
    placed = []
    for n, (run, one, has_place) in enumerate(zip(ranked, found, measured, strict=True), 1):
        # Those with a place are told apart from each other only.
        others = (
            each.label for each, also in zip(found, measured, strict=True) if also or not has_place
        )
        label = f"{one.label} #{n}" if list(others).count(one.label) > 1 else one.label
        changes = {"rank": n if has_place else None, "settings": one.settings, "label": label}
        placed.append(run.model_copy(update=changes))
    return placed


def _decide(
    directory: Path,
    task: str,
    ranked: Sequence[SweepRow],
    lines: Callable[[SweepRow], Iterable[Line]] | None,
) -> tuple[Recommendation, list[RouterGain]]:
    """Which of them to ship, and what choosing among them for each case gains."""
    contenders, asked, tried, routed = [], [], [], []
    for run in ranked:
        record = Run(directory / run.dir)
        try:
            seen = like_for_like.look(record, lines(run) if lines else record.outcomes())
        except StorageError:  # its numbers stand in its result; nobody can be compared with it
            seen = like_for_like.JournalDigest(record.quality_scorer)
        contenders.append(Candidate(run.label, run, seen.scores))
        if run.rank:
            asked.append(like_for_like.asked(run.label, record.config, seen, run.settings))
            tried.append(no_effect.Tried(run.label, run.model, run.settings, seen))
            model = record.config.get("model") or {}
            routed.append(routers.Seen(run.label, model, run.settings, seen))
    unlike = [*_notes(ranked), *like_for_like.differences(asked)]
    said = recommend(task, contenders, unlike, no_effect.without_effect(tried))
    said = said.model_copy(update={"race": raced.told(ranked)})
    return said, routers.gains(routed, ranked[0].confidence)


def _notes(runs: Sequence[SweepRow]) -> list[str]:
    """How models are not asked as the task says; what holds for all of several is no difference."""
    notes = [(note.removeprefix(f"{run.model} "), note, run) for run in runs for note in run.notes]
    about = [{said for said, note, of in notes if of is run and said != note} for run in runs]
    shared = set.intersection(*about) if len(runs) > 1 else set()
    return list(dict.fromkeys(note for said, note, _ in notes if said not in shared))


def ruling(sweep: SweepResult, asked: Gate) -> Ruling:
    """What a gate says of a sweep that may have been measured without one."""
    return _together(dict.fromkeys(sweep.recommendations, asked), sweep.runs, sweep.recommendations)


def _gate(
    directory: Path, runs: Sequence[SweepRow], recommendations: Mapping[str, Recommendation]
) -> Ruling:
    """That of each task is the strictest that one of its jobs asked for."""
    asked: dict[str, Gate] = {}
    for run in runs:
        gates = asked.get(run.task, False), _asked(directory / run.dir)
        asked[run.task] = max(gates, key=STRICTER.index)
    return _together(asked, runs, recommendations)


def _together(
    asked: Mapping[str, Gate],
    runs: Sequence[SweepRow],
    recommendations: Mapping[str, Recommendation],
) -> Ruling:
    rulings = [
        gate.labelled(
            asked[task], said.choice, {run.label: run for run in runs if run.task == task}
        )
        for task, said in recommendations.items()
    ]
    return gate.together(max(asked.values(), key=STRICTER.index, default=False), rulings)


def _asked(directory: Path) -> Gate:
    found = Run(directory).config.get("gate")
    return found if found in STRICTER else False
