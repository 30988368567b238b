"""`result.json` and `report.md` of a sweep: its runs, ranked."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runner.errors import RunnerError
from runner.outputs import REPORT, RESULT, RUN, SWEEP, read_json, write_json, write_text
from runner.records import Record, Result
from runner.report import markdown, words
from runner.report.result import build, load

_JOB = re.compile(r"(\d+)(?:_|$)")
UNNAMED = "?"  # the task of a job whose config could not even be read


class Candidate(Result):
    """A run in a sweep; `rank` counts from 1 within its task, None: there is nothing to rank."""

    dir: str
    rank: int | None = None


class SweepResult(Record):
    """`result.json` of a sweep."""

    runs: list[Candidate]  # task by task, the best first; what could not be measured last
    best: dict[str, str | None]  # the model to ship on each task; None: none is proven to fit
    gated: bool = False  # gate=true, and every candidate of some task misses a requirement


def build_sweep(directory: Path, *, anew: bool = False) -> SweepResult:
    """Rank the runs of a sweep and write its report; `anew` builds theirs from the journals, too.

    Raises StorageError.
    """
    found = [_candidate(path, anew=anew) for path in _jobs(directory)]
    ranked = sorted(found, key=lambda run: (run.task, _order(run)))
    runs: list[Candidate] = []
    best: dict[str, str | None] = {}
    for run in ranked:
        if run.task != UNNAMED:
            best.setdefault(run.task, run.model if words.proven(run) else None)
        rank = None
        if _ranks(run):
            rank = 1 + sum(other.task == run.task for other in runs)
        runs.append(run.model_copy(update={"rank": rank}))
    runs.sort(key=lambda run: run.rank is None)
    sweep = SweepResult(runs=runs, best=best, gated=_gate(directory, runs))
    write_text(directory / REPORT, markdown.sweep(sweep, _read(directory / SWEEP).get("command")))
    if all(run.complete or run.error for run in runs):  # else the same command goes on with it
        write_json(directory / RESULT, sweep.model_dump(mode="json"))
    return sweep


def is_sweep(directory: Path) -> bool:
    return (directory / SWEEP).is_file() or (directory.is_dir() and any(_jobs(directory)))


def _jobs(directory: Path) -> Iterator[Path]:
    """The jobs in their order; the name of each starts with its number."""
    numbered = [(match, path) for path in directory.iterdir() if (match := _JOB.match(path.name))]
    for _, path in sorted(numbered, key=lambda pair: (int(pair[0][1]), pair[1].name)):
        if (path / RUN).is_file() or (path / RESULT).is_file():
            yield path


def _candidate(path: Path, *, anew: bool) -> Candidate:
    """A job that left something unreadable is a failed job, and no end of the others."""
    try:
        result = build(path) if anew and (path / RUN).is_file() else load(path)
    except RunnerError as error:
        result = Result(task=UNNAMED, model=UNNAMED, id=UNNAMED, error=str(error))
    return Candidate(**dict(result), dir=path.name)


def _ranks(run: Result) -> bool:
    return run.error is None and run.complete


def _order(run: Result) -> tuple[bool, bool, int, int, float, float]:
    """What is disproved weighs more than what is open; then the better answers; then the price."""
    quality, cost = run.metrics.get("quality"), run.metrics.get("cost_per_request_usd")
    missed = len(words.named(run, "missed"))
    met = len(words.named(run, "met"))
    return (
        not _ranks(run),
        quality is None or quality.value is None,  # nothing is known that could recommend it
        missed,
        len(run.verdicts) - met - missed,
        math.inf if quality is None or quality.value is None else -quality.value,
        math.inf if cost is None or cost.value is None else cost.value,
    )


def _gate(directory: Path, runs: list[Candidate]) -> bool:
    """Whether the gate is shut: no candidate of some task is without a missed requirement."""
    shut: dict[str, bool] = {}
    for run in runs:
        config = _read(directory / run.dir / RUN).get("config") or {}
        refused = bool(words.named(run, "missed") and config.get("gate"))
        shut[run.task] = shut.get(run.task, True) and refused
    return any(shut.values())


def _read(path: Path) -> dict[str, Any]:
    """A JSON object that may be missing or damaged: the report does without it."""
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
