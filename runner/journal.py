"""The journal of a run: one line an outcome, on disk before the next step is taken."""

import asyncio
import os
import threading
from pathlib import Path

from runner.errors import StorageError
from runner.records import Answered, Failed
from runner.redact import redact


class Journal:
    """Appends outcomes to a file and returns once they would survive a power cut.

    Outcomes that arrive while the disk is busy are written and synced together, so that a slow
    disk costs latency and not throughput.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror}") from None
        self._size = self._file.tell()
        self._waiting: list[bytes] = []
        self._accepted = self._durable = 0
        self._turn = asyncio.Lock()
        self._writing = threading.Lock()

    async def append(self, outcome: Answered | Failed) -> None:
        """Raises StorageError; the file then ends with the last whole line."""
        self._waiting.append(to_line(outcome))
        self._accepted += 1
        mine = self._accepted
        async with self._turn:
            if self._durable < mine:  # else the one before took this line along
                lines, self._waiting = self._waiting, []
                last = self._accepted
                await asyncio.to_thread(self._write, b"".join(lines))
                self._durable = last

    def close(self) -> None:
        """Write what an interrupt left waiting, and close."""
        try:
            self._write(b"".join(self._waiting))
        finally:
            self._file.close()

    def _write(self, data: bytes) -> None:
        with self._writing:
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[self._file.write(rest) :]
                os.fdatasync(self._file.fileno())
            except OSError as error:
                self._file.truncate(self._size)
                raise StorageError(f"{self._path}: {error.strerror}") from None
            self._size += len(data)


def to_line(outcome: Answered | Failed) -> bytes:
    return redact(outcome.model_dump_json()).encode() + b"\n"
