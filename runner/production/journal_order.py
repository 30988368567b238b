"""The record of a production run: claimed, gone on with after an interrupt, read in order."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path

from filelock import FileLock

from runner.errors import ConfigError
from runner.pipeline import provenance
from runner.pipeline.resume import begin, set_aside, sole, try_lock
from runner.production.inputs import Source
from runner.production.job import BatchJob
from runner.record.files import RESULT, RUN, dated, write_json
from runner.record.journal import mend
from runner.record.outcomes import Answered, Attempt, Failed
from runner.record.run import Run
from runner.record.shards import check, in_order

AHEAD = 1024  # lines that may be asked beyond the oldest one that has no answer


@contextmanager
def claim(job: BatchJob, source: Source) -> Iterator[Path]:
    """The directory for the record: that of an interrupted run of the same, or a new one.

    The same is: the same decision, the same input and the same first line of it. Raises ConfigError
    when the output is there and none of its making, and when another process is at work on the
    same file.
    """
    identity = _identity(job, source)
    with ExitStack() as held:
        if source.file and source.name != "-":  # what comes through a pipe nobody knows
            held.enter_context(sole(job, identity))
        directory, lock = _claimed(job, source, identity)
        held.callback(lock.release)
        yield directory


def _claimed(job: BatchJob, source: Source, identity: str) -> tuple[Path, FileLock]:
    found = _interrupted(job.outputs.absolute(), identity)
    try:
        _check_output(job, source, found[0] if found else None)
        directory, lock = found = found or _begin(job)
        check(directory, job.shards)
        about = {
            "kind": "production",
            "identity": identity,
            "input": source.name,
            "output": str(job.output_file or job.output),
        }
        write_json(directory / RUN, about | provenance.about(job))
    except BaseException as error:
        if found:
            found[1].release()
        if isinstance(error, OSError):
            raise ConfigError(f"outputs: {error.filename}: {error.strerror}") from None
        raise
    return directory, lock


def _identity(job: BatchJob, source: Source) -> str:
    start = [job.fingerprint().encode(), source.name.encode(), source.first or b""]
    return hashlib.sha256(b"\0".join(start)).hexdigest()


def _interrupted(outputs: Path, identity: str) -> tuple[Path, FileLock] | None:
    """The newest run of that identity that has not ended, and that nobody is at work on."""
    for file in sorted(outputs.glob(f"runs/*_run_*/{RUN}"), reverse=True):
        if Run(file.parent).identity != identity:
            continue
        lock = try_lock(file.parent)
        if lock is None:
            continue
        if not (file.parent / RESULT).exists():
            return file.parent, lock
        lock.release()
    return None


def _begin(job: BatchJob) -> tuple[Path, FileLock]:
    directory = dated(job.outputs, "runs", f"run_{job.label}")
    return directory, begin(directory, job.outputs)


def _check_output(job: BatchJob, source: Source, interrupted: Path | None) -> None:
    path = job.output_file
    if path is None:
        return
    if not path.parent.is_dir():
        raise ConfigError(f"output: no directory '{path.parent}'")
    if path.is_dir():
        raise ConfigError(f"output: {job.output} is a directory")
    if not path.is_file():
        return
    if source.file and source.name != "-" and path.samefile(source.name):
        raise ConfigError(f"output: {job.output} is the input")
    written = Run(interrupted).about.get("output") if interrupted else None
    if not job.overwrite and written != str(path):
        raise ConfigError(
            f"output: {job.output} is there, and no interrupted run of this decision on this "
            "input wrote it; remove it, or say overwrite=true"
        )


class Recorded:
    """The outcomes of an interrupted run, one after the other in the order of their lines.

    A journal is in that order but for AHEAD lines, so that no more are held in memory. It is cut
    back to its last whole line: what comes after that was never acknowledged.
    """

    def __init__(self, directory: Path) -> None:
        self._run = Run(directory)
        set_aside(directory)
        self._count = mend(self._run.journal) if self._run.journal.exists() else 0
        self._outcomes = self._in_order()
        self._next = next(self._outcomes, None)

    def take(self, number: int) -> Answered | Failed | None:
        """The outcome of a line, if there is one; lines are asked for in ascending order."""
        found = None
        while self._next is not None and self._next[0] <= number:
            if not _unasked(self._next[-1]):
                found = self._next[-1]
            self._next = next(self._outcomes, None)
        return found

    @property
    def more(self) -> bool:
        """Whether there are lines beyond those asked for."""
        return self._next is not None

    def paid(self) -> Iterator[Attempt]:
        """By the interrupted run."""
        return self._run.paid()

    def _all(self) -> Iterator[Answered | Failed]:
        """Not those that are added from now on."""
        return islice(self._run.as_written(), self._count)

    def _in_order(self) -> Iterator[tuple[int, int, Answered | Failed]]:
        numbered = ((outcome.line or 0, outcome) for outcome in self._all())
        # Twice: the budget may have left lines there more than once.
        return in_order(numbered, 2 * AHEAD)


def _unasked(outcome: Answered | Failed) -> bool:
    """Paid for in part, and left by the budget without an end."""
    return isinstance(outcome, Failed) and outcome.open
