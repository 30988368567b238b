"""Where runs and sweeps live on disk, and how their files are read and written.

A run is a directory with `run.json` (what was asked), `cases.jsonl` (the journal: one line an
outcome) and, once every case has an outcome,
`result.json`, `report.md` and `report.html`. A sweep is a directory of runs with a `result.json`
and reports of its own.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from runner.config.redact import redact
from runner.config.validation import validated
from runner.errors import ConfigError, StorageError

RUN = "run.json"
JOURNAL = "cases.jsonl"
UNSCORED = "unscored.jsonl"  # answers that wait for a judge
SENT = ".sent.jsonl"  # in place of a journal's .jsonl: what was sent, before it was
RESULT = "result.json"
REPORT = "report.md"
PAGE = "report.html"
SWEEP = "sweep.json"

_OBJECT = TypeAdapter(dict[str, Any])
Typed = TypeVar("Typed", bound=BaseModel)


def dated(outputs: Path, kind: str, label: str) -> Path:
    """A directory of its own for a record: outputs/<kind>/<local time>_<label>; nothing is made."""
    now = datetime.now().strftime("%Y-%m-%d_%H-%M-%S-%f")
    return outputs.absolute() / kind / f"{now}_{label}"


def utc_now() -> str:
    """ISO 8601, fine enough to tell in which order runs have begun."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises StorageError."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch.open("w", encoding="utf-8") as file:
            file.write(redact(text))
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        with suppress(OSError):  # the first error is the one to tell
            scratch.unlink(missing_ok=True)
        raise StorageError(f"{path}: {error.strerror}") from None


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that is there with all that was written to it, or as it was before."""
    scratch = path.with_name(f".{path.name}")
    with scratch.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises ConfigError, in one line."""
    try:
        return _OBJECT.validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        reason = message.removeprefix("Invalid JSON: ")
        said = "is no JSON object" if reason == message else f"is not JSON: {reason}"
        raise ConfigError(f"{path}: {said}") from None


def read_record(kind: type[Typed], path: Path) -> Typed:
    """Raises ConfigError, in one line."""
    return typed(kind, read_json(path), f"{path}: ")


def typed(kind: type[Typed], tree: dict[str, Any], at: str, also: str = "") -> Typed:
    """What was recorded once, as it is understood now.

    Raises ConfigError with one line between `at` and `also`, and how many more problems there are.
    """
    try:
        return validated(kind, tree)
    except ConfigError as error:
        first, *others = error.problems
        more = f" (and {len(others)} more)" if others else ""
        raise ConfigError(f"{at}{' '.join(first.split())}{more}{also}") from None


def sha256(path: Path) -> str:
    """Raises ConfigError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None


def is_sweep(directory: Path) -> bool:
    return (directory / SWEEP).is_file() or any(jobs(directory))


def jobs(sweep: Path) -> Iterator[Path]:
    """The directories of its jobs in their order: the name of each starts with its number.

    A job that could not even start has left a result, which says why, and no run.json.
    """
    found = sweep.iterdir() if sweep.is_dir() else ()
    numbered = [(number, path) for path in found if (number := _number(path)) is not None]
    for _, path in sorted(numbered, key=lambda pair: (pair[0], pair[1].name)):
        if (path / RUN).is_file() or (path / RESULT).is_file():
            yield path


def sweep_command(sweep: Path) -> str | None:
    """Its command line, where it is on record."""
    found = _about(sweep).get("command")
    return found if isinstance(found, str) else None


def sweep_keys(sweep: Path) -> list[str]:
    """The keys that it has set, to one value or to several, where they are on record."""
    found = _about(sweep).get("given")
    return [str(key) for key in found] if isinstance(found, list) else []


def _about(sweep: Path) -> dict[str, Any]:
    try:
        return read_json(sweep / SWEEP)
    except ConfigError:
        return {}


def _number(path: Path) -> int | None:
    digits = path.name.partition("_")[0]
    return int(digits) if digits.isdecimal() and digits.isascii() else None
