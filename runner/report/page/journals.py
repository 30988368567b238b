"""The journals of one task's candidates, side by side: what the page shows of every case."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner import scorers
from runner.errors import StorageError
from runner.measure.evidence import tables_of
from runner.measure.observations import own
from runner.price import total
from runner.record.files import JOURNAL, RUN, read_journal, read_json
from runner.record.outcomes import Answered, Failed, Score
from runner.report.page import cells
from runner.report.page.cells import Texts

ROWS = 10_000  # outcomes of each candidate on a page, the worst of them where there are more

Key = tuple[str, int]  # case and repeat
PARTS = ("answers", "other answers", "retries", "fallbacks", "classifier", "judge")


@dataclass
class Journal:
    """What one candidate's journal comes down to; `costs` are dollars, None where unknown."""

    latencies_ms: array[float] = field(default_factory=lambda: array("d"))
    costs: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    tables: list[scorers.Table] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # why something is missing


@dataclass
class Gathered:
    """`rows` are ready for JSON; texts in them are numbers of `texts`."""

    rows: list[dict[str, Any]]
    journals: list[Journal]
    outcomes: int  # different ones, also those for which there was no room


def gather(directories: Sequence[Path], texts: Texts, most: int = ROWS) -> Gathered:
    """Read the journals of runs on one task; `most` rows come of it."""
    tasks = [_task(directory) for directory in directories]
    qualities = [_quality_scorer(task) for task in tasks]
    worst = _worst(directories, qualities) if _more(directories, most) else {}
    chosen = set(heapq.nsmallest(most, worst, key=worst.__getitem__)) or None
    rows: dict[Key, dict[str, Any]] = {}
    journals = []
    for place, (directory, quality) in enumerate(zip(directories, qualities, strict=True)):
        texts.next_share()
        journal, scores = Journal(), dict[str, list[Score]]()
        for line in _lines(directory, journal.problems):
            _observe(line, journal, scores)
            key = line.case, line.repeat
            if chosen is None or key in chosen:
                if key not in rows:
                    rows[key] = cells.row(line, len(directories), texts)
                rows[key]["cells"][place] = cells.cell(line, quality, rows[key], texts)
        journal.tables, problems = tables_of(tasks[place].get("name", ""), scores)
        journal.problems += problems
        journals.append(journal)
    return Gathered(list(rows.values()), journals, len(worst) or len(rows))


def _lines(directory: Path, problems: list[str] | None = None) -> Iterator[Answered | Failed]:
    """As far as they can be read: one damaged journal costs its own rows, and says so."""
    path = directory / JOURNAL
    try:
        yield from read_journal(path) if path.exists() else ()
    except StorageError as error:
        if problems is not None:
            problems.append(str(error))


def _task(directory: Path) -> dict[str, Any]:
    """As it was configured; a page does without it where run.json is gone or damaged."""
    try:
        return dict(read_json(directory / RUN)["config"]["task"])
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def _quality_scorer(task: dict[str, Any]) -> str:
    return str(task.get("quality") or next(iter(task.get("scorers", ())), ""))


def _more(directories: Sequence[Path], most: int) -> bool:
    """Whether a journal has more outcomes than that."""
    for directory in directories:
        path = directory / JOURNAL
        if path.exists():
            with path.open("rb") as file:
                if sum(1 for _ in file) > most:
                    return True
    return False


def _worst(directories: Sequence[Path], qualities: Sequence[str]) -> dict[Key, float]:
    """How each outcome went for the candidate for which it went worst."""
    worst: dict[Key, float] = {}
    for directory, quality in zip(directories, qualities, strict=True):
        for line in _lines(directory):
            key = line.case, line.repeat
            worst[key] = min(worst.get(key, 1.0), _value(line, quality))
    return worst


def _value(line: Answered | Failed, quality: str) -> float:
    if isinstance(line, Failed):
        return -1.0
    score = line.scores.get(quality)
    return score.value if score else -0.5


def _observe(line: Answered | Failed, journal: Journal, scores: dict[str, list[Score]]) -> None:
    for part, cost in _costs(line):
        journal.costs[part] = total((journal.costs[part], cost))
    if isinstance(line, Answered) and own(line):
        if not line.replayed:
            journal.latencies_ms.append(line.seconds * 1000)
        for name, score in line.scores.items():
            scores.setdefault(name, []).append(score)


def _costs(line: Answered | Failed) -> Iterator[tuple[str, float | None]]:
    """What each attempt was paid for. The other answers are samples, and those of arms
    whose answer did not stand."""
    stood = isinstance(line, Answered)
    for attempt in reversed(line.attempts):
        if attempt.fallback is not None:
            yield "fallbacks", attempt.cost_usd
        elif attempt.role != "answer":
            yield attempt.role, attempt.cost_usd
        elif attempt.error:
            yield "retries", attempt.cost_usd
        else:
            yield ("answers" if stood else "other answers"), attempt.cost_usd
        if attempt.role == "answer" and not attempt.error:
            stood = False
    for attempt in line.judging:
        yield "judge", attempt.cost_usd
