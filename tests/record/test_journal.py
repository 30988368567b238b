"""The journal: whole lines, on disk, nothing secret."""

import asyncio
import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.errors import StorageError
from runner.record.journal import Journal, read_journal
from runner.record.outcomes import Failed


def outcome(case: str, error: str = "it failed") -> Failed:
    return Failed(
        case=case,
        repeat=0,
        model="demo-model",
        key="k",
        messages=[],
        request={},
        cost_usd=None,
        seconds=0.0,
        queued_seconds=0.0,
        attempts=[],
        error=error,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "cases.jsonl"


async def test_many_at_once(path: Path) -> None:
    """Outcomes that arrive together are each written once, and are there when append returns."""
    journal = Journal(path)

    async def one(number: int) -> None:
        await journal.append(outcome(f"c{number}"))
        assert f'"c{number}"' in path.read_text()

    await asyncio.gather(*map(one, range(200)))
    journal.close()
    assert sorted(line.case for line in read_journal(path)) == sorted(f"c{n}" for n in range(200))


async def test_cancelled_append_is_kept(path: Path) -> None:
    """An interrupt between an answer and its turn to be written loses nothing."""
    journal = Journal(path)
    tasks = [asyncio.create_task(journal.append(outcome(f"c{n}"))) for n in range(50)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    journal.close()
    assert len({line.case for line in read_journal(path)}) == 50


def test_torn_last_line(path: Path) -> None:
    """What a crash in mid-write leaves at the end is passed over."""
    path.parent.mkdir()
    line = outcome("whole").model_dump_json()
    path.write_text(f"{line}\n{line[:40]}")
    assert [found.case for found in read_journal(path)] == ["whole"]


def test_damaged_line(path: Path) -> None:
    """Damage elsewhere is reported with file and line, not passed over."""
    path.parent.mkdir()
    path.write_text(f"oops\n{outcome('whole').model_dump_json()}\n")
    with pytest.raises(StorageError, match=r"cases\.jsonl:1: can't be read"):
        list(read_journal(path))


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond 2 kB, which fails a write half-way as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_busy_pool(path: Path) -> None:
    """A line is written though the loop's own threads are all taken and the append is cancelled."""
    blocked = threading.Event()
    threads = [asyncio.create_task(asyncio.to_thread(blocked.wait)) for _ in range(64)]
    await asyncio.sleep(0.01)
    journal = Journal(path)
    task = asyncio.create_task(journal.append(outcome("c0")))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    journal.close()
    blocked.set()
    await asyncio.gather(*threads)
    assert [line.case for line in read_journal(path)] == ["c0"]


@pytest.mark.usefixtures("small_disk")
async def test_nothing_is_acknowledged_after_a_failed_write(path: Path) -> None:
    """Outcomes that were to be written together with the one that did not fit fail as well."""
    journal = Journal(path)
    names = ["a", "b", "c", "d"]
    appends = (journal.append(outcome(name, "x" * 800)) for name in names)
    results = await asyncio.gather(*appends, return_exceptions=True)
    written = {line.case for line in read_journal(path)}
    assert {name for name, end in zip(names, results, strict=True) if end is None} == written
    assert any(isinstance(end, StorageError) for end in results)


@pytest.mark.usefixtures("small_disk")
async def test_full_disk(path: Path) -> None:
    """When the disk is full the journal ends with a whole line, and the error names the file."""
    journal = Journal(path)
    await journal.append(outcome("fits"))
    with pytest.raises(StorageError, match=r"cases\.jsonl: File too large"):
        await journal.append(outcome("too long", "x" * 4000))
    assert path.read_bytes().endswith(b"\n")
    assert [line.case for line in read_journal(path)] == ["fits"]


def test_unwritable_directory(tmp_path: Path) -> None:
    """A directory that can't be made is named."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match=r"cases\.jsonl: "):
        Journal(tmp_path / "file" / "cases.jsonl")
