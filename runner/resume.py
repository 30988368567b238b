"""Nothing answered is asked again: an interrupted run is taken over, a finished one replayed."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from runner.errors import ConfigError, StorageError
from runner.journal import to_line
from runner.outputs import JOURNAL, RESULT, RUN, SWEEP, read_journal, read_json
from runner.plan import Plan, Question
from runner.records import Answered, Failed


def claim(plan: Plan, directory: Path) -> FileLock:
    """Make `directory` this run's own, and move an interrupted run of the same identity there.

    The lock says to other processes that the run is alive; the system drops it with the process.
    """
    try:
        for old in _interrupted(plan.job.outputs):
            lock = _lock(old)
            if lock is None:
                continue
            if _identity(old) == plan.identity:
                directory.parent.mkdir(parents=True, exist_ok=True)
                old.rename(directory)
                (directory / RESULT).unlink(missing_ok=True)
                _sweep_up(old.parent)
                return lock
            lock.release()
        directory.mkdir(parents=True)
    except OSError as error:
        raise ConfigError(f"outputs: {error.filename}: {error.strerror}") from None
    lock = _lock(directory)
    assert lock is not None
    return lock


async def carry_over(plan: Plan, directory: Path) -> set[tuple[str, int]]:
    """Start the journal with the outcomes that need not be asked for, and say which these are.

    They come from the interrupted run that was taken over, whole, or from `reuse`, answers only and
    marked `replayed`. All are scored anew: the scorers and the expected values may have changed.
    """
    journal = directory / JOURNAL
    source = plan.job.reuse / JOURNAL if plan.job.reuse and not journal.exists() else journal
    if not source.exists():
        return set()
    done: set[tuple[str, int]] = set()
    scratch = journal.with_name(f".{JOURNAL}")
    try:
        with scratch.open("wb") as file:
            async for outcome in _carried(plan, source, replay=source is not journal):
                file.write(to_line(outcome))
                done.add((outcome.case, outcome.repeat))
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(journal)
    except OSError as error:
        raise StorageError(f"{journal}: {error.strerror}") from None
    return done


async def _carried(plan: Plan, source: Path, *, replay: bool) -> AsyncIterator[Answered | Failed]:
    asked: dict[tuple[str, int], Question] = {
        (question.case.id, question.repeat): question for question in plan.questions()
    }
    for outcome in read_journal(source):
        question = asked.get((outcome.case, outcome.repeat))
        if question is None or outcome.key != question.key:
            continue
        if isinstance(outcome, Answered):
            del asked[outcome.case, outcome.repeat]  # each is carried over once
            scores = await plan.score(outcome, question.case)
            changes = {"scores": scores, "expected": question.case.expected}
            if replay:
                changes["replayed"] = True
            yield outcome.model_copy(update=changes)
        elif not replay:
            del asked[outcome.case, outcome.repeat]
            yield outcome


def _interrupted(outputs: Path) -> Iterator[Path]:
    """Runs without a result, newest first, and those with one in a sweep that never ended."""
    found = [*outputs.glob(f"runs/*/{RUN}"), *outputs.glob(f"sweeps/*/*/{RUN}")]
    for run in sorted((path.parent for path in found), reverse=True):
        if not (run / RESULT).exists() or _abandoned(run.parent):
            yield run


def _abandoned(sweep: Path) -> bool:
    if not (sweep / SWEEP).exists() or (sweep / RESULT).exists():
        return False
    lock = _lock(sweep)
    if lock:
        lock.release()
    return lock is not None


def _lock(directory: Path) -> FileLock | None:
    """None when another process, or another run of this one, is at work there."""
    lock = FileLock(directory / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock


def _identity(run: Path) -> str | None:
    try:
        identity = read_json(run / RUN).get("identity")
    except (OSError, ValueError):
        return None
    return str(identity)


def _sweep_up(parent: Path) -> None:
    """An abandoned sweep whose runs have all moved on has nothing left to say."""
    if (parent / SWEEP).exists() and not any(path.is_dir() for path in parent.iterdir()):
        shutil.rmtree(parent)
