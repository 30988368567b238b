"""The journal of a run: one line an outcome, on disk before the next step is taken.

Its lines are written, mended and parsed here and nowhere else.
"""

import asyncio
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zlib import crc32

from pydantic import Field, TypeAdapter, ValidationError

from runner.config.redact import redact
from runner.errors import StorageError
from runner.record.files import SENT
from runner.record.outcomes import Line, Record, Sent

_SENT = TypeAdapter(Sent)
_LINE: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="status")])
sync = getattr(os, "fdatasync", os.fsync)  # macOS has only the second

_SUM = re.compile(rb',"crc32":"([0-9a-f]{8})"}\n\Z')  # of all that stands before it
_SUM_BYTES = 21
_READ = 1_048_576  # bytes at a time
Typed = TypeVar("Typed")


class Journal:
    """Appends outcomes to a file and returns once they would survive a power cut.

    Outcomes that arrive while the disk is busy are written and synced together, so that a slow
    disk costs latency and not throughput.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                mend(path)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror}") from None
        self._size = self._file.tell()
        self._waiting: list[bytes] = []
        self._accepted = self._durable = 0
        self._flushing: asyncio.Future[None] | None = None
        self._writing = threading.Lock()
        # Its own thread: in the loop's pool it would queue behind slow scorers.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")

    async def append(self, outcome: Record) -> None:
        """Raises StorageError; the file then ends with the last whole line.

        The line is taken before the first await: cancelled after that, it is written by `close`.
        """
        self._waiting.append(to_line(outcome))
        self._accepted += 1
        mine = self._accepted
        while self._durable < mine:
            if self._flushing is None or self._flushing.done():
                loop = asyncio.get_running_loop()
                self._flushing = loop.run_in_executor(self._thread, self._flush)
            # It may have begun before this line came. All who wait for it go on at once.
            await asyncio.shield(self._flushing)

    def close(self) -> None:
        """Write what an interrupt left waiting, and close. Raises StorageError."""
        self._thread.shutdown()
        try:
            self._flush()
        finally:
            self._file.close()

    def _flush(self) -> None:
        """Lines leave the queue only when they are on disk, so that a failure fails them all."""
        with self._writing:
            lines = self._waiting[:]
            data = b"".join(lines)
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[self._file.write(rest) :]
                sync(self._file.fileno())
            except OSError as error:
                self._file.truncate(self._size)
                raise StorageError(f"{self._path}: {error.strerror}") from None
            self._size += len(data)
            del self._waiting[: len(lines)]
            self._durable += len(lines)


def mend(journal: Path) -> int:
    """Cut off what a crash in mid-write left at the end; how many whole lines there are."""
    size = count = 0
    with journal.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                size += len(line)
                count += 1
    if size < journal.stat().st_size:
        os.truncate(journal, size)
    return count


def to_line(outcome: Record) -> bytes:
    body = redact(outcome.model_dump_json()).encode().removesuffix(b"}")
    return b'%s,"crc32":"%08x"}\n' % (body, crc32(body))


def set_aside(path: Path) -> int:
    """Move damaged lines to `<name>.bad` beside it; how many there were. Raises StorageError."""
    kind: TypeAdapter[Any] = _SENT if path.name.endswith(SENT) else _LINE
    damaged: list[str] = []
    for _ in _read(path, kind, damaged.append):
        pass
    if not damaged:
        return 0
    scratch = path.with_name(f".{path.name}")
    try:
        with (
            path.open("rb") as lines,
            scratch.open("wb") as whole,
            path.with_name(f"{path.name}.bad").open("ab") as bad,
        ):
            for line in lines:
                (whole if _sound(line, kind) else bad).write(line)
            for file in (bad, whole):
                file.flush()
                sync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from None
    return len(damaged)


def read_journal(path: Path, damaged: Callable[[str], None] | None = None) -> Iterator[Line]:
    """Stream the outcomes of a journal; none where there is no such file: nothing was asked.

    `damaged` is told of each line that can't be read; without it that raises StorageError.
    """
    return (line for _, line in read_placed(path, damaged))


def read_placed(
    path: Path, damaged: Callable[[str], None] | None = None
) -> Iterator[tuple[int, Line]]:
    """The same, each with the byte that its line begins at."""
    return _read(path, _LINE, damaged)


def read_at(path: Path, places: Iterable[int]) -> Iterator[Line]:
    """Some of the outcomes, by the bytes that their lines begin at. Raises StorageError."""
    try:
        with path.open("rb") as file:
            for place in places:
                file.seek(place)
                yield parsed(file.readline(), _LINE, f"{path}: byte {place}")
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from None


def read_sent(path: Path) -> Iterator[Sent]:
    """Stream what was sent, likewise."""
    return (sent for _, sent in _read(path, _SENT))


def _read(
    path: Path, kind: TypeAdapter[Typed], damaged: Callable[[str], None] | None = None
) -> Iterator[tuple[int, Typed]]:
    """The lines of a file, and where each begins.

    A last line without its end is what a crash in mid-write leaves: it is passed over, since the
    outcome was never acknowledged. Raises StorageError for any other line that can't be read.
    """
    try:
        with path.open("rb", buffering=_READ) as file:
            place, end, at = 0, 0, str(path)
            for number, line in enumerate(file, 1):
                place, end = end, end + len(line)
                if not line.endswith(b"\n"):
                    return
                try:
                    found = parsed(line, kind, f"{at}:{number}")
                except StorageError as error:
                    if damaged is None:
                        raise
                    damaged(str(error))
                else:
                    yield place, found
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from None


def parsed(line: bytes, kind: TypeAdapter[Typed], where: str) -> Typed:
    """A line that an older version wrote has no sum."""
    summed = _SUM.match(line, max(0, len(line) - _SUM_BYTES))
    if summed and crc32(line[: summed.start()]) != int(summed[1], 16):
        raise StorageError(f"{where}: can't be read: it is not what was written")
    try:
        return kind.validate_json(line)
    except ValidationError as error:
        reason = " ".join(error.errors()[0]["msg"].split())
        raise StorageError(f"{where}: can't be read: {reason}") from None


def _sound(line: bytes, kind: TypeAdapter[Any]) -> bool:
    """A last line without its end is no damage."""
    try:
        return not line.endswith(b"\n") or parsed(line, kind, "") is not None
    except StorageError:
        return False
