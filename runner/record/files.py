"""Where runs and sweeps live on disk, and how their files are read and written.

A run is a directory with `run.json` (what was asked), `cases.jsonl` (the journal: one line an
outcome), perhaps `probe.jsonl` (streamed answers, timed), and, once every case has an outcome,
`result.json`, `report.md` and `report.html`. A sweep is a directory of runs with a `result.json`
and reports of its own.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from runner.config.redact import redact
from runner.errors import StorageError
from runner.record.outcomes import Answered, Failed, Line

RUN = "run.json"
JOURNAL = "cases.jsonl"
PROBE = "probe.jsonl"
UNSCORED = "unscored.jsonl"  # answers that wait for a judge
RESULT = "result.json"
REPORT = "report.md"
PAGE = "report.html"
SWEEP = "sweep.json"


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


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def read_journal(path: Path) -> Iterator[Answered | Failed]:
    """Stream the outcomes of a journal.

    A last line without its end is what a crash in mid-write leaves: it is passed over, since the
    outcome was never acknowledged. Raises StorageError for any other line that can't be read.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield Line.validate_json(line)
            except ValidationError as error:
                reason = error.errors()[0]["msg"]
                raise StorageError(f"{path}:{number}: can't be read: {reason}") from None
