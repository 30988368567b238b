"""The outcomes of one task's candidates, side by side: what the page shows of every case."""

import heapq
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from runner.errors import StorageError
from runner.record.outcomes import Failed, Line
from runner.record.run import Run
from runner.report.page import cells
from runner.report.page.cells import Texts

ROWS = 10_000  # outcomes of each candidate on a page, the worst of them where there are more

_NONE = "null"  # in place of a cell

Key = tuple[str, int]  # case and repeat
Rows = dict[Key, dict[str, Any]]


class Gathered(NamedTuple):
    """`rows` are JSON; texts in them are numbers of `Texts`."""

    rows: list[str]
    tags: list[str]
    outcomes: int  # different ones, also those for which there was no room


class Gatherer:
    """Takes in the journals of one task's candidates as they are read; `most` rows come of it.

    A row is made at once as long as there is room for all. Where there is not, the page has those
    that went worst, and which they are is known at the end: they alone are fetched from where they
    stand.
    """

    def __init__(self, texts: Texts, most: int = ROWS) -> None:
        self._texts, self._most = texts, most
        self._before = texts.mark()
        self._runs: list[tuple[Run, dict[Key, int]]] = []  # and where each outcome stands
        self._worst: dict[Key, float] = {}  # how each went for whom it went worst
        self._rows: Rows | None = {}  # None: too many

    def lines(self, run: Run) -> Iterator[Line]:
        """The outcomes of the next candidate, taken in on their way. Raises StorageError."""
        candidate, quality = len(self._runs), run.quality_scorer
        places: dict[Key, int] = {}
        self._runs.append((run, places))
        if self._rows is not None:
            self._texts.next_share()
        for place, line in run.placed_outcomes():
            key, value = (line.case, line.repeat), _value(line, quality)
            places[key] = place
            self._worst[key] = min(self._worst.get(key, value), value)
            if self._rows is not None and len(self._worst) > self._most:
                self._rows = None
                self._texts.back_to(self._before)
            if self._rows is not None:
                self._put(line, candidate, quality, self._rows)
            yield line

    def finish(self) -> Gathered:
        rows = self._rows if self._rows is not None else self._of_the_worst()
        tags = sorted({tag for row in rows.values() for tag in row["tags"]})
        written = [_written(row, len(self._runs)) for row in rows.values()]
        return Gathered(written, tags, len(self._worst))

    def _put(self, line: Line, candidate: int, quality: str, rows: Rows) -> None:
        key = line.case, line.repeat
        if key not in rows:
            rows[key] = cells.row(line, self._texts)
        beside = rows[key]["cells"]
        beside += [_NONE] * (candidate + 1 - len(beside))
        # As text it takes a tenth of the memory.
        beside[-1] = cells.dense(cells.cell(line, quality, rows[key], self._texts))

    def _of_the_worst(self) -> Rows:
        chosen = set(heapq.nsmallest(self._most, self._worst, key=self._worst.__getitem__))
        rows: Rows = {}
        for candidate, (run, places) in enumerate(self._runs):
            self._texts.next_share()
            wanted = sorted(places[key] for key in chosen & places.keys())
            with suppress(StorageError):  # the file has gone meanwhile
                for line in run.outcomes_at(wanted):
                    self._put(line, candidate, run.quality_scorer, rows)
        return rows


def _written(row: dict[str, Any], candidates: int) -> str:
    known = {name: value for name, value in row.items() if name != "cells"}
    beside = row["cells"] + [_NONE] * (candidates - len(row["cells"]))
    return cells.joined(known, "cells", beside)


def _value(line: Line, quality: str) -> float:
    if isinstance(line, Failed):
        return -1.0
    score = line.scores.get(quality)
    return score.value if score else -0.5
