"""The record of an interrupted run is read in the order of its lines, whole lines only."""

import random
from pathlib import Path

import pytest

from runner.errors import ErrorKind
from runner.price import paid_at_most
from runner.production import journal_order
from runner.production.journal_order import Recorded
from runner.record.files import JOURNAL
from runner.record.journal import to_line
from runner.record.outcomes import Attempt, Failed


def failed(line: int, kind: ErrorKind = "timeout", cost_usd: float | None = 0.5) -> Failed:
    attempt = Attempt(
        model="m", seconds=1, waited_seconds=0, cost_usd=cost_usd, http_requests=1, error="timeout"
    )
    return Failed(
        case=str(line),
        line=line,
        repeat=0,
        model="m",
        key="k",
        messages=[],
        request={},
        cost_usd=cost_usd,
        seconds=1,
        queued_seconds=0,
        attempts=[attempt],
        kind=kind,
        error="late",
    )


def write(directory: Path, outcomes: list[Failed], torn: bytes = b"") -> Path:
    (directory / JOURNAL).write_bytes(b"".join(map(to_line, outcomes)) + torn)
    return directory


def test_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that were written out of order come in order, those without an outcome as None."""
    monkeypatch.setattr(journal_order, "AHEAD", 8)
    lines = [n for n in range(1, 200) if n % 7]
    shuffled = sorted(lines, key=lambda n: n + random.Random(n).random() * 8)
    assert shuffled != lines
    recorded = Recorded(write(tmp_path, [failed(n) for n in shuffled]))
    taken = [recorded.take(n) for n in range(1, 200)]
    assert [each and each.line for each in taken] == [n if n % 7 else None for n in range(1, 200)]
    assert not recorded.more


def test_torn(tmp_path: Path) -> None:
    """What a crash left in mid-line is cut off, so that what is appended starts a line."""
    whole = [failed(1), failed(2)]
    recorded = Recorded(write(tmp_path, whole, torn=b'{"case": "3'))
    assert (tmp_path / JOURNAL).read_bytes() == b"".join(map(to_line, whole))
    assert [bool(recorded.take(n)) for n in (1, 2, 3)] == [True, True, False]


def test_left_by_the_budget(tmp_path: Path) -> None:
    """A line that the budget left is not done until it has an outcome; what it cost is counted."""
    outcomes = [failed(1, "budget"), failed(2, "budget", None), failed(1)]
    recorded = Recorded(write(tmp_path, outcomes))
    assert paid_at_most(recorded.paid()) == 1.0
    first = recorded.take(1)
    assert isinstance(first, Failed)
    assert first.kind == "timeout"
    assert recorded.take(2) is None


def test_grows(tmp_path: Path) -> None:
    """What is appended after the record was opened is none of its lines."""
    recorded = Recorded(write(tmp_path, [failed(1)]))
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(to_line(failed(2)))
    assert recorded.take(1)
    assert recorded.take(2) is None


def test_nothing(tmp_path: Path) -> None:
    """A new run has nothing on record."""
    recorded = Recorded(tmp_path)
    assert (recorded.take(1), recorded.more, [*recorded.paid()]) == (None, False, [])
