"""The records of a run's shards, each in a directory of its own, and how one record comes of them.

Below the run's lies `shards-8/`, with `0` to `7`: each has a journal, and a result once it is
through. Merged, their lines stand in the run's own journal in the order of its input, and they go:
what is left is what a run without shards would have left.
"""

import heapq
import shutil
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from runner.errors import ConfigError, StorageError
from runner.record.files import JOURNAL, RESULT, SENT, UNSCORED, whole, write_json
from runner.record.journal import mend
from runner.record.outcomes import Record, Result
from runner.record.run import Run

_SENT = Path(JOURNAL).with_suffix(SENT).name
Item = TypeVar("Item")


class _Numbered(Record):
    line: int | None = None


_NUMBERED = TypeAdapter(_Numbered)


def folder(run: Path, shards: int) -> Path:
    return run / f"shards-{shards}"


def check(run: Path, shards: int) -> None:
    """Raises ConfigError where a run was begun in another number of shards."""
    for begun in run.glob("shards-*"):
        number = begun.name.removeprefix("shards-")
        if begun != folder(run, shards) and number.isdecimal():
            raise ConfigError(
                f"shards: {run} was begun with shards={number}; say so to go on with it, or remove "
                "that directory to begin anew"
            )


def end(shard: Path, names: tuple[str, str, str], error: str | None = None) -> None:
    """Write down that a shard is through, or why it is not. Raises StorageError.

    `names` are those of its task and its model, and the id of that.
    """
    task, model, id = names
    stamp = Run(shard).stamp
    result = Result(task=task, model=model, id=id, error=error, complete=error is None, stamp=stamp)
    write_json(shard / RESULT, result.model_dump(mode="json"))


def ended(shard: Path) -> bool:
    """Whether it is through; one whose journal has changed since is not. Raises ConfigError."""
    found = Run(shard).result
    return found is not None and found.complete


def why(shard: Path) -> str | None:
    """Why it is not, where it could say so."""
    found = Run(shard).result
    return found.error if found else None


def in_order(lines: Iterable[tuple[int, Item]], ahead: int) -> Iterator[tuple[int, int, Item]]:
    """Numbered items by their number, where none is more than `ahead` places from its own.

    Each has its number and the place that it came at.
    """
    heap: list[tuple[int, int, Item]] = []
    for place, (number, item) in enumerate(lines):
        heapq.heappush(heap, (number, place, item))
        if len(heap) > ahead:
            yield heapq.heappop(heap)
    while heap:
        yield heapq.heappop(heap)


def lines(run: Path, shards: int) -> int:
    """How many outcomes their journals have, all together; somebody may still be writing them."""
    found = 0
    for journal in folder(run, shards).glob(f"*/{JOURNAL}"):
        with journal.open("rb") as file:
            found += sum(line.endswith(b"\n") for line in file)
    return found


def merge(run: Path, shards: int, ahead: int) -> None:
    """Make one record of those of all shards, which are through; what is there twice is one's own.

    Outcomes that name no line of an input are dealt out as the questions were. Raises StorageError.
    """
    own = [folder(run, shards) / str(number) for number in range(shards)]
    try:
        for name in (_SENT, UNSCORED):
            if any((shard / name).exists() for shard in own):
                with whole(run / name) as file:
                    file.writelines(line for shard in own for line in _lines(shard / name))
        with whole(run / JOURNAL) as file:
            ordered = (in_order(_numbered(shard / JOURNAL), ahead) for shard in own)
            file.writelines(line for _, _, line in heapq.merge(*ordered, key=lambda each: each[0]))
        drop(run, shards)
    except OSError as error:
        raise StorageError(f"{error.filename or run}: {error.strerror}") from None


def drop(run: Path, shards: int) -> None:
    """The record that was made of them holds all that they had."""
    shutil.rmtree(folder(run, shards), ignore_errors=True)


def _numbered(journal: Path) -> Iterator[tuple[int, bytes]]:
    for place, line in zip(count(1), _lines(journal)):
        yield _NUMBERED.validate_json(line).line or place, line


def _lines(file: Path) -> Iterator[bytes]:
    """Whole ones: what a crash left in mid-line is cut off."""
    if file.exists():
        mend(file)
        with file.open("rb") as lines:
            yield from lines
