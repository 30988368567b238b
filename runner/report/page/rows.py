"""The outcomes of one task's candidates, side by side: what the page shows of every case."""

from array import array
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
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


@dataclass
class _Taken:
    """A journal, as little of each outcome as says which are the worst: there may be millions."""

    run: Run
    keys: "array[int]" = field(default_factory=lambda: array("q"))  # hashes of `Key`
    places: "array[int]" = field(default_factory=lambda: array("q"))  # bytes
    values: "array[float]" = field(default_factory=lambda: array("d"))  # how each went


class Gatherer:
    """Takes in the journals of one task's candidates as they are read; `most` rows come of it.

    A row is made at once as long as there is room for all. Where there is not, the page has those
    that went worst, and which they are is known at the end: they alone are fetched from where they
    stand.
    """

    def __init__(self, texts: Texts, most: int = ROWS) -> None:
        self._texts, self._most = texts, most
        self._before = texts.mark()
        self._runs: list[_Taken] = []
        self._rows: Rows | None = {}  # None: too many

    def lines(self, run: Run) -> Iterator[Line]:
        """The outcomes of the next candidate, taken in on their way. Raises StorageError."""
        candidate, quality = len(self._runs), run.quality_scorer
        taken = _Taken(run)
        self._runs.append(taken)
        if self._rows is not None:
            self._texts.next_share()
        for place, line in run.placed_outcomes():
            taken.keys.append(hash((line.case, line.repeat)))
            taken.places.append(place)
            taken.values.append(_value(line, quality))
            if self._rows is not None:
                self._put(line, candidate, quality, self._rows)
                if len(self._rows) > self._most:
                    self._rows = None
                    self._texts.back_to(self._before)
            yield line

    def finish(self) -> Gathered:
        if self._rows is None:
            rows, count = self._of_the_worst()
        else:
            rows, count = self._rows, len(self._rows)
        tags = sorted({tag for row in rows.values() for tag in row["tags"]})
        written = [_written(row, len(self._runs)) for row in rows.values()]
        return Gathered(written, tags, count)

    def _put(self, line: Line, candidate: int, quality: str, rows: Rows) -> None:
        key = line.case, line.repeat
        if key not in rows:
            rows[key] = cells.row(line, self._texts)
        beside = rows[key]["cells"]
        beside += [_NONE] * (candidate + 1 - len(beside))
        # As text it takes a tenth of the memory.
        beside[-1] = cells.dense(cells.cell(line, quality, rows[key], self._texts))

    def _of_the_worst(self) -> tuple[Rows, int]:
        """Their rows, and how many there would be of all."""
        import numpy as np  # no command waits for it that writes no page

        keys, first, place = np.unique(
            np.concatenate([each.keys for each in self._runs]),
            return_index=True,
            return_inverse=True,
        )
        worst = np.full(len(keys), np.inf)  # how each went for whom it went worst
        np.minimum.at(worst, place, np.concatenate([each.values for each in self._runs]))
        chosen = keys[np.lexsort((first, worst))[: self._most]]
        rows: Rows = {}
        for candidate, each in enumerate(self._runs):
            self._texts.next_share()
            wanted = np.sort(np.asarray(each.places)[np.isin(each.keys, chosen)]).tolist()
            with suppress(StorageError):  # the file has gone meanwhile
                for line in each.run.outcomes_at(wanted):
                    self._put(line, candidate, each.run.quality_scorer, rows)
        return rows, len(keys)


def _written(row: dict[str, Any], candidates: int) -> str:
    known = {name: value for name, value in row.items() if name != "cells"}
    beside = row["cells"] + [_NONE] * (candidates - len(row["cells"]))
    return cells.joined(known, "cells", beside)


def _value(line: Line, quality: str) -> float:
    if isinstance(line, Failed):
        return -1.0
    score = line.scores.get(quality)
    return score.value if score else -0.5
