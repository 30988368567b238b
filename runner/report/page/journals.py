"""The journals of one task's candidates, side by side: what the page shows of every case."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
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


class Gatherer:
    """Takes in the journals of one task's candidates as they are read; `most` rows come of it.

    A row is made at once as long as there is room for all. Where there is not, the page has those
    that went worst, and which they are is known at the end: only then a journal is read again.
    """

    def __init__(self, texts: Texts, most: int = ROWS) -> None:
        self._texts, self._most = texts, most
        self._before = texts.mark()
        self._candidates: list[_Candidate] = []
        self._worst: dict[Key, float] = {}  # how each went for whom it went worst
        self._rows: dict[Key, dict[str, Any]] | None = {}  # None: too many

    def lines(self, run: Run) -> Iterator[Line]:
        """The outcomes of the next candidate, which are taken in on their way.

        Raises StorageError: a damaged journal costs its own rows, and the page says so.
        """
        candidate = _Candidate(run, len(self._candidates))
        self._candidates.append(candidate)
        if self._rows is not None:
            self._texts.next_share()
        try:
            for line in run.outcomes():
                candidate.observe(line)
                self._take(line, candidate)
                yield line
        except StorageError as error:
            candidate.journal.problems.append(str(error))
            raise

    def finish(self) -> Gathered:
        rows = self._rows if self._rows is not None else self._of_the_worst()
        for row in rows.values():
            row["cells"] += [None] * (len(self._candidates) - len(row["cells"]))
        journals = [candidate.finish() for candidate in self._candidates]
        return Gathered(list(rows.values()), journals, len(self._worst))

    def _take(self, line: Line, candidate: _Candidate) -> None:
        key, value = (line.case, line.repeat), _value(line, candidate.quality)
        self._worst[key] = min(self._worst.get(key, value), value)
        if self._rows is None:
            return
        if len(self._worst) > self._most:
            self._rows = None
            self._texts.back_to(self._before)
            return
        self._put(line, candidate, self._rows)

    def _put(self, line: Line, candidate: _Candidate, rows: dict[Key, dict[str, Any]]) -> None:
        key = line.case, line.repeat
        if key not in rows:
            rows[key] = cells.row(line, self._texts)
        beside = rows[key]["cells"]
        beside += [None] * (candidate.place + 1 - len(beside))
        beside[-1] = cells.cell(line, candidate.quality, rows[key], self._texts)

    def _of_the_worst(self) -> dict[Key, dict[str, Any]]:
        chosen = set(heapq.nsmallest(self._most, self._worst, key=self._worst.__getitem__))
        rows: dict[Key, dict[str, Any]] = {}
        for candidate in self._candidates:
            self._texts.next_share()
            with suppress(StorageError):  # that was said before
                for line in candidate.run.outcomes():
                    if (line.case, line.repeat) in chosen:
                        self._put(line, candidate, rows)
        return rows


@dataclass
class _Candidate:
    run: Run
    place: int  # from 0
    journal: Journal = field(default_factory=Journal)
    scores: dict[str, list[Score]] = field(default_factory=dict)

    @cached_property
    def quality(self) -> str:
        return self.run.quality_scorer

    def observe(self, line: Line) -> None:
        for part, cost in _costs(line):
            self.journal.costs[part] = total((self.journal.costs[part], cost))
        if isinstance(line, Answered) and own(line):
            if not line.replayed:
                self.journal.latencies_ms.append(line.seconds * 1000)
            for name, score in line.scores.items():
                self.scores.setdefault(name, []).append(score)

    def finish(self) -> Journal:
        tables, problems = tables_of(str(self.run.task.get("name", "")), self.scores)
        self.journal.tables = tables
        self.journal.problems += problems
        return self.journal


def _value(line: Line, quality: str) -> float:
    if isinstance(line, Failed):
        return -1.0
    score = line.scores.get(quality)
    return score.value if score else -0.5


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
