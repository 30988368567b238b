"""One run on disk: the only place that opens `run.json`, walks a journal and reads a result.

What a damaged, older or foreign record means is decided here, and said in one line: ConfigError
for what is not what it is taken for, StorageError for a journal that can't be read to its end.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from itertools import islice
from operator import eq
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

from runner.config.schema import Job
from runner.errors import ConfigError, StorageError
from runner.record.files import (
    JOURNAL,
    RESULT,
    RUN,
    SENT,
    UNSCORED,
    is_sweep,
    jobs,
    read_json,
    read_record,
    typed,
)
from runner.record.journal import read_at, read_journal, read_placed, read_sent, set_aside
from runner.record.outcomes import Attempt, Failed, Line, Result, Sent
from runner.record.run_json import Measurement, Provenance

_NAMED = 5  # runs that a message lists
_READ = 1_048_576  # bytes at a time
_OUTDATED: dict[str, Any] = {"complete": False, "tier": None, "stamp": None}

_GONE = {"latency_probe"}  # keys that jobs of earlier versions had, and that shaped no answer

Kind = Literal["run", "production", "sweep"]


class Run:
    """The record in a directory; each file is read when it is asked for."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.journal = directory / JOURNAL

    @classmethod
    def open(cls, directory: Path, at: str = "", *, production: bool = False) -> Run:
        """A run with a journal that measures, or that is at work where `production` runs will do.

        Raises ConfigError, which starts with `at`, and says what the directory is instead.
        """
        run = cls(directory)
        if why := run._is_none(production):
            raise ConfigError(f"{at}{directory}: {why}")
        return run

    @property
    def kind(self) -> Kind | None:
        """What the directory holds; None: neither a run nor a sweep."""
        if (self.directory / RUN).is_file():
            return "production" if self.about.get("kind") == "production" else "run"
        return "sweep" if is_sweep(self.directory) else None

    @cached_property
    def provenance(self) -> Provenance:
        """Raises ConfigError for a run.json that is missing or damaged."""
        return typed(Provenance, self._read, f"{self.directory / RUN}: ")

    @cached_property
    def measurement(self) -> Measurement:
        """Raises ConfigError, also for the record of a production run."""
        if self._read.get("kind") == "production":
            raise ConfigError(f"{self.directory}: is of the command run, which measures nothing")
        return typed(Measurement, self._read, f"{self.directory / RUN}: ")

    @cached_property
    def job(self) -> Job:
        """What was measured, typed. Raises ConfigError for a config that is no job any more."""
        at = f"{self.directory / RUN}: config."
        kept = {k: v for k, v in self.measurement.config.items() if k not in _GONE}
        return typed(Job, kept, at, self.measurement.other_version)

    @property
    def about(self) -> dict[str, Any]:
        """run.json as it stands; empty where nobody can read it."""
        try:
            return self._read
        except ConfigError:
            return {}

    @property
    def identity(self) -> str | None:
        """Hash of all that shapes its answers; None where nobody can tell."""
        found = self.about.get("identity")
        return found if isinstance(found, str) else None

    @property
    def config(self) -> dict[str, Any]:
        """As it was composed, for reports that do without what is missing in it."""
        found = self.about.get("config")
        return found if isinstance(found, dict) else {}

    def section(self, name: str) -> dict[str, Any]:
        """Of the config; empty likewise."""
        found = self.config.get(name)
        return found if isinstance(found, dict) else {}

    @property
    def task(self) -> dict[str, Any]:
        return self.section("task")

    @property
    def quality_scorer(self) -> str:
        """Whose mean is the quality; empty where that is not on record."""
        return str(self.task.get("quality") or next(iter(self.task.get("scorers") or ()), ""))

    @property
    def result(self) -> Result | None:
        """As it was written; None: it was not. Raises ConfigError.

        Where the record has changed since, it is outdated, and so it is not complete.
        """
        path = self.directory / RESULT
        if not path.exists():
            return None
        found = read_record(Result, path)
        return found if self.is_of(found) else found.model_copy(update=_OUTDATED)

    def is_of(self, result: Result) -> bool:
        """Whether what a result says, where it says that it is complete, is of this very record."""
        return not result.complete or result.stamp == self.stamp

    @property
    def stamp(self) -> str:
        """Of its files as they stand: another once one is cut, goes on or has other bytes."""
        found = hashlib.sha256()
        for name in (RUN, JOURNAL, UNSCORED):
            with suppress(OSError), (self.directory / name).open("rb") as file:
                size = checksum = 0
                while part := file.read(_READ):
                    size, checksum = size + len(part), crc32(part, checksum)
                found.update(f"{name} {size} {checksum:08x} ".encode())
        return found.hexdigest()[:16]

    @property
    def ended(self) -> bool:
        """Whether a result was written, by whichever version; an error is no end."""
        try:
            found = read_json(self.directory / RESULT)
        except ConfigError:
            return False
        return bool(found) and found.get("error") is None

    def outcomes(self) -> Iterator[Line]:
        """Stream the journal. Raises StorageError; what stands twice would count twice."""
        return (line for _, line in self.placed_outcomes())

    def placed_outcomes(self) -> Iterator[tuple[int, Line]]:
        """The same, each with its place in the journal.

        Of each its hash is kept; whether something stands twice is known once all were seen.
        """
        hashes = array("q")
        for place, line in read_placed(self.journal):
            hashes.append(hash((line.case, line.repeat, line.line)))
            yield place, line
        ordered = sorted(hashes)
        if any(map(eq, ordered, islice(ordered, 1, None))):
            self._check_doubles()

    def _check_doubles(self) -> None:
        """Raises StorageError; equal hashes may be of others."""
        seen: set[tuple[str, int, int | None]] = set()
        for line in read_journal(self.journal):
            where = line.case, line.repeat, line.line
            if where in seen and not (isinstance(line, Failed) and line.open):
                raise StorageError(
                    f"{self.journal}: case '{line.case}', repeat {line.repeat} stands twice"
                )
            seen.add(where)

    def outcomes_at(self, places: Iterable[int]) -> Iterator[Line]:
        """Some outcomes once more. Raises StorageError."""
        return read_at(self.journal, places)

    def as_written(self, damaged: Callable[[str], None] | None = None) -> Iterator[Line]:
        """The journal line by line, whatever stands there. StorageError but for `damaged` lines."""
        return read_journal(self.journal, damaged)

    def set_aside(self) -> Iterator[str]:
        """Take damaged lines out of its files, and say so. Raises StorageError."""
        for name in (JOURNAL, UNSCORED):
            for path in (self.directory / name, (self.directory / name).with_suffix(SENT)):
                if count := set_aside(path):
                    lines = f"{count} damaged line{'s' if count > 1 else ''}"
                    yield f"{path}: {lines} set aside in {path.name}.bad; asked again"

    def unscored(self) -> Iterator[Line]:
        """What waits for its judge, or for its answer; the journal's is later. StorageError."""
        return read_journal(self.directory / UNSCORED)

    def paid(self) -> Iterator[Attempt]:
        """Every attempt that this run itself has paid for, once. Raises StorageError.

        Also what was in flight when it stopped, for the most that it can have cost. Memory does not
        grow with the cases, but with those that wait, and with what a run that has not ended sent.
        """
        yield from self._outcomes_paid()
        yield from (each.attempt for each in self.unfinished(JOURNAL, self.lines(JOURNAL)))

    def lines(self, name: str) -> Iterator[Line]:
        """What is on record by way of one journal. Raises StorageError."""
        yield from read_journal(self.directory / name)
        if name == JOURNAL:
            yield from self.unscored()

    def unfinished(self, name: str, on_record: Iterable[Line]) -> list[Sent]:
        """What was sent on the way to one journal and is in no line `on_record`. StorageError."""
        path = (self.directory / name).with_suffix(SENT)
        found = {each.attempt.sent: each for each in read_sent(path)}  # the later one says more
        for line in on_record if found else ():
            for attempt in (*line.attempts, *line.judging):
                found.pop(attempt.sent, None)
        return list(found.values())

    def _outcomes_paid(self) -> Iterator[Attempt]:
        waiting = {(each.case, each.repeat) for each in self.unscored()}
        left_open = set[str | None]()  # attempts whose replies were taken when it was asked again
        for line in self.as_written():
            waiting.discard((line.case, line.repeat))
            yield from (each for each in line.paid if each.sent not in left_open)
            if isinstance(line, Failed) and line.open:
                left_open |= {each.sent for each in line.paid if each.sent}
        for line in self.unscored():
            if (line.case, line.repeat) in waiting:
                yield from line.paid

    @property
    def begun(self) -> bool:
        """Whether there is something to go on with."""
        return any((self.directory / name).exists() for name in (JOURNAL, UNSCORED))

    @cached_property
    def _read(self) -> dict[str, Any]:
        return read_json(self.directory / RUN)

    def _is_none(self, production: bool) -> str | None:
        if not self.directory.is_dir():
            return "is no run: there is no such directory"
        if self.kind == "sweep":
            names = [str(job) for job in jobs(self.directory)]
            more = f" … ({len(names)})" if len(names) > _NAMED else ""
            return f"is no run but a sweep; name one of its runs: {', '.join(names[:_NAMED])}{more}"
        for name in (RUN, JOURNAL):
            if not (self.directory / name).is_file():
                return f"is no run: it has no {name}{nearest(self.directory)}"
        if self.kind == "production" and not production:
            return "is of the command run, which measures nothing"
        return None


def nearest(directory: Path) -> str:
    """The tail of a message: the newest run or sweep below a directory, where there is one."""
    folders = directory, directory / "runs", directory / "sweeps"
    children = [child for folder in folders if folder.is_dir() for child in folder.iterdir()]
    records = [child for child in children if Run(child).kind]
    newest = max(records, key=lambda child: child.stat().st_mtime, default=None)
    return f"; did you mean {newest}?" if newest else ""
