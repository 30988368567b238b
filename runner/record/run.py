"""One run on disk: the only place that opens `run.json`, walks a journal and reads a result.

What a damaged, older or foreign record means is decided here, and said in one line: ConfigError
for what is not what it is taken for, StorageError for a journal that can't be read to its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from runner.config.schema import Job
from runner.config.validation import validated
from runner.errors import ConfigError, StorageError
from runner.record.files import JOURNAL, PROBE, RESULT, RUN, SWEEP, UNSCORED, read_journal
from runner.record.outcomes import Answered, Attempt, Failed, Iso, Record, Result

_PACKAGE = "llm-decision-runner"
_NAMED = 5  # runs that a message lists
_OBJECT = TypeAdapter(dict[str, Any])

Kind = Literal["run", "production", "sweep"]
Typed = TypeVar("Typed", bound=BaseModel)


class Provenance(Record):
    """`run.json` of any run, of a production run too: who was asked, when, and with what."""

    kind: Literal["production"] | None = None
    task: str
    started: Iso  # UTC
    config: dict[str, Any]
    versions: dict[str, str | None] = Field(default_factory=dict)

    @property
    def started_at(self) -> datetime:
        return datetime.fromisoformat(self.started)


class Measurement(Provenance):
    """`run.json` of a run that measures."""

    identity: str
    model: str
    id: str
    command: str
    outcomes: int  # that there will be
    cases: dict[str, Any]
    git: dict[str, Any] | None = None
    prices: dict[str, dict[str, Any] | None] = Field(default_factory=dict)
    taken_over: int = 0


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
        return kind_of(self.directory)

    @cached_property
    def provenance(self) -> Provenance:
        """Raises ConfigError for a run.json that is missing or damaged."""
        return _typed(Provenance, self._read, self.directory / RUN)

    @cached_property
    def measurement(self) -> Measurement:
        """Raises ConfigError, also for the record of a production run."""
        if self._read.get("kind") == "production":
            raise ConfigError(f"{self.directory}: is of the command run, which measures nothing")
        return _typed(Measurement, self._read, self.directory / RUN)

    @cached_property
    def job(self) -> Job:
        """What was measured, typed. Raises ConfigError for a config that is no job any more."""
        try:
            return validated(Job, self.measurement.config)
        except ConfigError as error:
            first, *others = error.problems
            more = f" (and {len(others)} more)" if others else ""
            raise ConfigError(
                f"{self.directory / RUN}: config.{first}{more}{_other_version(self.measurement)}"
            ) from None

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

    @property
    def result(self) -> Result | None:
        """As it was written; None: it was not. Raises ConfigError."""
        path = self.directory / RESULT
        try:
            return Result.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from None
        except ValidationError as error:
            raise ConfigError(f"{path}: can't be read: {_first(error)}") from None

    @property
    def ended(self) -> bool:
        """Whether a result was written, by whichever version; an error is no end."""
        try:
            found = _object(self.directory / RESULT)
        except ConfigError:
            return False
        return bool(found) and found.get("error") is None

    def outcomes(self) -> Iterator[Answered | Failed]:
        """Stream the journal. Raises StorageError; what stands twice would count twice."""
        seen: set[tuple[str, int, int | None]] = set()
        for line in self.as_written():
            where = line.case, line.repeat, line.line
            if where in seen and not (isinstance(line, Failed) and line.open):
                raise StorageError(
                    f"{self.journal}: case '{line.case}', repeat {line.repeat} stands twice"
                )
            seen.add(where)
            yield line

    def as_written(self) -> Iterator[Answered | Failed]:
        """The journal line by line, whatever stands there. Raises StorageError."""
        return _lines(self.journal)

    def probes(self) -> Iterator[Answered | Failed]:
        """Streamed answers; what the budget stopped may stand there twice. Raises StorageError."""
        return _lines(self.directory / PROBE)

    def unscored(self) -> Iterator[Answered | Failed]:
        """What waits for its judge, or for its answer; the journal's is later. StorageError."""
        return _lines(self.directory / UNSCORED)

    def paid(self) -> Iterator[Attempt]:
        """Every attempt that this run itself has paid for, once. Raises StorageError.

        Memory does not grow with the cases, but with those that wait.
        """
        yield from _own(self.probes())
        waiting = {(each.case, each.repeat) for each in self.unscored()}
        for line in self.as_written():
            waiting.discard((line.case, line.repeat))
            yield from _own([line])
        yield from _own(line for line in self.unscored() if (line.case, line.repeat) in waiting)

    @property
    def asked(self) -> bool:
        """Whether a question was asked, or a probe."""
        return self.begun or (self.directory / PROBE).exists()

    @property
    def begun(self) -> bool:
        """Whether there is something to go on with."""
        return any((self.directory / name).exists() for name in (JOURNAL, UNSCORED))

    @cached_property
    def _read(self) -> dict[str, Any]:
        return _object(self.directory / RUN)

    def _is_none(self, production: bool) -> str | None:
        if not self.directory.is_dir():
            return "is no run: there is no such directory"
        if self.kind == "sweep":
            names = [str(job) for job in jobs(self.directory)]
            more = f" … ({len(names)})" if len(names) > _NAMED else ""
            return f"is no run but a sweep; name one of its runs: {', '.join(names[:_NAMED])}{more}"
        for name in (RUN, JOURNAL):
            if not (self.directory / name).is_file():
                return f"is no run: it has no {name}"
        if self.kind == "production" and not production:
            return "is of the command run, which measures nothing"
        return None


def kind_of(directory: Path) -> Kind | None:
    """What a directory holds; None: neither a run nor a sweep."""
    if (directory / RUN).is_file():
        return "production" if Run(directory).about.get("kind") == "production" else "run"
    return "sweep" if (directory / SWEEP).is_file() or any(jobs(directory)) else None


def jobs(sweep: Path) -> Iterator[Path]:
    """The directories of a sweep's jobs in their order: the name of each starts with its number.

    A job that could not even start has left a result, which says why, and no run.json.
    """
    found = sweep.iterdir() if sweep.is_dir() else ()
    numbered = [(number, path) for path in found if (number := _number(path)) is not None]
    for _, path in sorted(numbered, key=lambda pair: (pair[0], pair[1].name)):
        if (path / RUN).is_file() or (path / RESULT).is_file():
            yield path


def sweep_command(sweep: Path) -> str | None:
    """The command line of a sweep, where it is on record."""
    try:
        found = _object(sweep / SWEEP).get("command")
    except ConfigError:
        return None
    return found if isinstance(found, str) else None


def _number(path: Path) -> int | None:
    digits = path.name.partition("_")[0]
    return int(digits) if digits.isdecimal() and digits.isascii() else None


def _own(lines: Iterator[Answered | Failed] | list[Answered | Failed]) -> Iterator[Attempt]:
    """What is replayed was paid for where it was made."""
    for line in lines:
        yield from (each for each in (*line.attempts, *line.judging) if not each.replayed)


def _lines(path: Path) -> Iterator[Answered | Failed]:
    """None where there is no such file: nothing was asked."""
    try:
        yield from read_journal(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from None


def _object(path: Path) -> dict[str, Any]:
    """Raises ConfigError."""
    try:
        return _OBJECT.validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        reason = message.removeprefix("Invalid JSON: ")
        said = "is no JSON object" if reason == message else f"is not JSON: {reason}"
        raise ConfigError(f"{path}: {said}") from None


def _typed(kind: type[Typed], tree: dict[str, Any], path: Path) -> Typed:
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(map(str, first["loc"]))
    message = " ".join(first["msg"].removeprefix("Value error, ").split())
    return f"{key}: {message[0].lower()}{message[1:]}" if key else message


def _other_version(run: Provenance) -> str:
    then = run.versions.get(_PACKAGE)
    try:
        now = version(_PACKAGE)
    except PackageNotFoundError:
        return ""
    return f"; it is of version {then}, this is {now}" if then and then != now else ""
