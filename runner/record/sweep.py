"""A sweep on disk: a directory of runs, and the command that asked for them."""

from collections.abc import Iterator
from pathlib import Path

from runner.errors import ConfigError
from runner.record.files import RESULT, RUN, SWEEP, read_json


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


def command(sweep: Path) -> str | None:
    """Its command line, where it is on record."""
    try:
        found = read_json(sweep / SWEEP).get("command")
    except ConfigError:
        return None
    return found if isinstance(found, str) else None


def _number(path: Path) -> int | None:
    digits = path.name.partition("_")[0]
    return int(digits) if digits.isdecimal() and digits.isascii() else None
