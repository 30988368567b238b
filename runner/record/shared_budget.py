"""A budget of several processes: what each of them spends stands in one directory.

`spent.jsonl` has a line before each request, with the most that it can cost, and one after it, with
what it did cost. Whoever writes the first holds `.lock` and has read all others, so that no two
processes take the same cent. A process that is at work holds a lock of its own: only its requests
may still come cheaper; those of one that was killed stand at the most that they can have cost.
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import TypeAdapter

from runner.errors import StorageError
from runner.record.journal import parsed, sync, to_line
from runner.record.outcomes import Record

SPENT = "spent.jsonl"
_PATIENCE_SECONDS = 60.0  # with another process that writes one line


class Spending(Record):
    """Of one request, twice: before it, and once it has ended."""

    sent: str  # its id, which its attempt has as well
    process: str
    usd: float  # at most
    ended: bool


_LINE = TypeAdapter(Spending)


class SharedBudget:
    """Not for two threads at once. Raises StorageError, whatever it is asked."""

    def __init__(self, directory: Path) -> None:
        self.usd = 0.0  # what all have spent, at most, as far as it was read
        self._path = directory / SPENT
        self._process = secrets.token_hex(8)
        self._open: dict[str, Spending] = {}
        self._read = 0  # bytes
        with self._said():
            directory.mkdir(parents=True, exist_ok=True)
            self._turn = FileLock(directory / ".lock", thread_local=False, poll_interval=0.002)
            self._alive = FileLock(self._claim(self._process), thread_local=False)
            self._alive.acquire(timeout=0)

    def adopt(self, paid: Iterable[tuple[str, float]]) -> None:
        """Count what an interrupted run has paid, by request, where it is not counted yet."""
        with self._locked():
            known = {each.sent for each, _ in self._lines(0) if each.ended}
            self._write(*(self._ended(sent, usd) for sent, usd in paid if sent not in known))

    def take(self, sent: str, usd: float, limit_usd: float) -> bool:
        """Whether so much is left; if so, it stands on disk as taken."""
        self._catch_up()
        if self.usd + usd > limit_usd:
            return False
        with self._locked():
            if self.usd + usd > limit_usd:
                return False
            self._write(Spending(sent=sent, process=self._process, usd=usd, ended=False))
        return True

    def end(self, sent: str, usd: float) -> None:
        with self._locked():
            self._write(self._ended(sent, usd))

    def others(self) -> bool:
        """Whether requests of another process may still come cheaper, or just have."""
        before, processes = self.usd, {each.process for each in self._open.values()}
        with self._said():
            at_work = any(self._at_work(each) for each in processes - {self._process})
        self._catch_up()
        return at_work or self.usd != before

    def close(self) -> None:
        self._alive.release()
        self._claim(self._process).unlink(missing_ok=True)

    def _claim(self, process: str) -> Path:
        return self._path.with_name(f".{process}.lock")

    def _at_work(self, process: str) -> bool:
        claim = self._claim(process)
        if not claim.exists():
            return False
        try:
            with FileLock(claim, thread_local=False).acquire(timeout=0):
                claim.unlink(missing_ok=True)  # it was killed
        except Timeout:
            return True
        return False

    def _ended(self, sent: str, usd: float) -> Spending:
        return Spending(sent=sent, process=self._process, usd=usd, ended=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """With all lines read, and none half written."""
        try:
            with self._said(), self._turn.acquire(timeout=_PATIENCE_SECONDS):
                self._catch_up()
                yield
        except Timeout:
            raise StorageError(f"{self._path}: another process does not let go of it") from None

    def _write(self, *lines: Spending) -> None:
        data = b"".join(map(to_line, lines))
        with self._path.open("ab") as file:
            file.truncate(self._read)  # what a killed process wrote in part is no line
            file.write(data)
            file.flush()
            sync(file.fileno())
        self._catch_up()

    def _catch_up(self) -> None:
        for each, end in self._lines(self._read):
            self._read = end
            before = self._open.pop(each.sent, None)
            self.usd += each.usd - (before.usd if before else 0.0)
            if not each.ended:
                self._open[each.sent] = each

    def _lines(self, start: int) -> Iterator[tuple[Spending, int]]:
        """Each whole line, and where it ends."""
        with self._said():
            if not self._path.exists():
                return
            with self._path.open("rb") as file:
                file.seek(start)
                for line in file:
                    if not line.endswith(b"\n"):
                        return
                    start += len(line)
                    yield parsed(line, _LINE, f"{self._path}: to byte {start}"), start

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if isinstance(error, Timeout):
                raise
            raise StorageError(f"{error.filename or self._path}: {error.strerror}") from None
