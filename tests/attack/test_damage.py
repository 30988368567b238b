"""A journal is cut, or a bit of it flips: what is read is what was written, or it is set aside."""

import random
from pathlib import Path

import pytest

from runner.errors import StorageError
from runner.record.journal import read_journal, set_aside, to_line
from runner.record.outcomes import Line
from tests.report import make

LINES: list[Line] = [make.answered(case=f"c{n}", reply=f"text {n}") for n in range(3)]
WRITTEN = [to_line(line) for line in LINES]


def read(path: Path, data: bytes) -> list[Line]:
    """What whoever goes on after the damage has."""
    path.write_bytes(data)
    path.with_name("cases.jsonl.bad").unlink(missing_ok=True)
    set_aside(path)
    return list(read_journal(path))


def test_cut_at_every_byte(tmp_path: Path) -> None:
    """Whole lines are read, and what follows the last one is no damage."""
    data = b"".join(WRITTEN)
    for end in range(len(data) + 1):
        whole = data[:end].count(b"\n")
        assert read(tmp_path / "cases.jsonl", data[:end]) == LINES[:whole]
        assert not (tmp_path / "cases.jsonl.bad").exists()


def test_flipped_bits(tmp_path: Path) -> None:
    """No flipped bit changes what is read: its line is as it was, or away; the others stand."""
    draw, data = random.Random(7), b"".join(WRITTEN)
    for _ in range(400):
        place, bit = draw.randrange(len(data)), draw.randrange(8)
        flipped = bytearray(data)
        flipped[place] ^= 1 << bit
        found = read(tmp_path / "cases.jsonl", bytes(flipped))
        assert all(line in LINES for line in found)
        assert len(found) >= len(LINES) - (2 if data[place : place + 1] == b"\n" else 1)
        bad = tmp_path / "cases.jsonl.bad"
        ended = data[place : place + 1] == b"\n" and place == len(data) - 1  # torn, as by a crash
        assert len(found) == len(LINES) or bad.exists() or ended


def test_older_journals(tmp_path: Path) -> None:
    """Lines without a sum are read, and a damaged one among them is named, then set aside."""
    path = tmp_path / "cases.jsonl"
    older = [line.model_dump_json().encode() + b"\n" for line in LINES]
    assert read(path, b"".join(older)) == LINES
    path.write_bytes(older[0] + b"oops\n" + older[2])
    with pytest.raises(StorageError, match=r"cases\.jsonl:2: can't be read"):
        list(read_journal(path))
    assert set_aside(path) == 1
    assert list(read_journal(path)) == [LINES[0], LINES[2]]
    assert (tmp_path / "cases.jsonl.bad").read_bytes() == b"oops\n"
