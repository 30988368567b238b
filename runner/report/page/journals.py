"""The journals of one task's candidates, side by side: what the page shows of every case."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from runner import scorers
from runner.errors import StorageError
from runner.measure.evidence import tables_of
from runner.measure.observations import own
from runner.price import total
from runner.record.outcomes import Answered, Failed, Line, Score
from runner.record.run import Run
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
    runs = [Run(directory) for directory in directories]
    worst = _worst(runs) if _more(runs, most) else {}
    chosen = set(heapq.nsmallest(most, worst, key=worst.__getitem__)) or None
    rows: dict[Key, dict[str, Any]] = {}
    journals = []
    for place, run in enumerate(runs):
        texts.next_share()
        journal, scores = Journal(), dict[str, list[Score]]()
        for line in _lines(run, journal.problems):
            _observe(line, journal, scores)
            key = line.case, line.repeat
            if chosen is None or key in chosen:
                if key not in rows:
                    rows[key] = cells.row(line, len(runs), texts)
                rows[key]["cells"][place] = cells.cell(line, run.quality_scorer, rows[key], texts)
        journal.tables, problems = tables_of(str(run.task.get("name", "")), scores)
        journal.problems += problems
        journals.append(journal)
    return Gathered(list(rows.values()), journals, len(worst) or len(rows))


def _lines(run: Run, problems: list[str] | None = None) -> Iterator[Line]:
    """As far as they can be read: one damaged journal costs its own rows, and says so."""
    try:
        yield from run.outcomes()
    except StorageError as error:
        if problems is not None:
            problems.append(str(error))


def _more(runs: Sequence[Run], most: int) -> bool:
    """Whether a journal has more outcomes than that."""
    return any(next(islice(_lines(run), most, None), None) for run in runs)


def _worst(runs: Sequence[Run]) -> dict[Key, float]:
    """How each outcome went for the candidate for which it went worst."""
    worst: dict[Key, float] = {}
    for run in runs:
        for line in _lines(run):
            key = line.case, line.repeat
            worst[key] = min(worst.get(key, 1.0), _value(line, run.quality_scorer))
    return worst


def _value(line: Line, quality: str) -> float:
    if isinstance(line, Failed):
        return -1.0
    score = line.scores.get(quality)
    return score.value if score else -0.5


def _observe(line: Line, journal: Journal, scores: dict[str, list[Score]]) -> None:
    for part, cost in _costs(line):
        journal.costs[part] = total((journal.costs[part], cost))
    if isinstance(line, Answered) and own(line):
        if not line.replayed:
            journal.latencies_ms.append(line.seconds * 1000)
        for name, score in line.scores.items():
            scores.setdefault(name, []).append(score)


def _costs(line: Line) -> Iterator[tuple[str, float | None]]:
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
