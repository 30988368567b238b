"""Nothing answered is asked again: an interrupted run is taken over, a finished one replayed."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from runner.cases import Case
from runner.errors import ConfigError, StorageError
from runner.journal import to_line
from runner.outputs import JOURNAL, RESULT, RUN, SWEEP, read_journal, read_json
from runner.plan import Plan
from runner.records import Answered, Failed

Wanted = dict[tuple[str, int], tuple[str, Case]]  # (case, repeat): (key, case)


@contextmanager
def claim(plan: Plan, directory: Path) -> Iterator[None]:
    """Make `directory` this run's own, and move an interrupted run of the same identity there.

    While it is held, other processes see that the run is alive; the system drops the claim of a
    process that dies. Raises ConfigError when the directory can't be made.
    """
    try:
        lock = _take_over(plan, directory) or _begin(directory)
    except OSError as error:
        raise ConfigError(f"outputs: {error.filename}: {error.strerror}") from None
    try:
        yield
    finally:
        lock.release()


def _begin(directory: Path) -> FileLock:
    directory.mkdir(parents=True)
    lock = try_lock(directory)
    assert lock is not None
    return lock


def _take_over(plan: Plan, directory: Path) -> FileLock | None:
    in_sweep = (directory.parent / SWEEP).exists()
    for old in _interrupted(plan.job.outputs, in_sweep):
        lock = try_lock(old)
        if lock is None:
            continue
        # Looked at again, now that nobody else can: it may just have ended, or moved away.
        if _open(old, in_sweep) and _object(old / RUN).get("identity") == plan.identity:
            directory.parent.mkdir(parents=True, exist_ok=True)
            old.rename(directory)
            (directory / RESULT).unlink(missing_ok=True)
            _sweep_up(old.parent)
            return lock
        lock.release()
    return None


def _interrupted(outputs: Path, in_sweep: bool) -> list[Path]:
    """Runs that can be gone on with, the newest first."""
    found = [*outputs.glob(f"runs/*/{RUN}"), *outputs.glob(f"sweeps/*/*/{RUN}")]
    runs = sorted((path.parent for path in found), reverse=True)
    return [run for run in runs if _open(run, in_sweep)]


def _open(run: Path, in_sweep: bool) -> bool:
    """Whether a run has not ended; for a sweep also: whether it has, in a sweep that has not."""
    result = _object(run / RESULT)
    ended = bool(result) and result.get("error") is None
    return not ended or (in_sweep and _abandoned(run.parent))


def _abandoned(sweep: Path) -> bool:
    if not (sweep / SWEEP).exists() or (sweep / RESULT).exists():
        return False
    lock = try_lock(sweep)
    if lock:
        lock.release()
    return lock is not None


def try_lock(directory: Path) -> FileLock | None:
    """None when another process, or another run of this one, is at work there."""
    lock = FileLock(directory / ".lock")
    try:
        lock.acquire(timeout=0)
    except (Timeout, FileNotFoundError):
        return None
    return lock


def _object(path: Path) -> dict[str, Any]:
    """What a file holds; nothing when it is not there or no JSON object."""
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _sweep_up(parent: Path) -> None:
    """A sweep whose runs have all moved on has nothing left to say."""
    if (parent / SWEEP).exists() and not any(path.is_dir() for path in parent.iterdir()):
        shutil.rmtree(parent)


async def carry_over(plan: Plan, directory: Path) -> set[tuple[str, int]]:
    """Start the journal with the outcomes that need not be asked for, and say which these are.

    First come those of the interrupted run that was taken over, then the answers, and only these,
    of `reuse`, marked as replayed. All are scored anew: scorers and expected values may have
    changed. Raises StorageError, ScorerFailed.
    """
    journal = directory / JOURNAL
    wanted: Wanted = {(q.case.id, q.repeat): (q.key, q.case) for q in plan.questions()}
    count = len(wanted)
    scratch = journal.with_name(f".{JOURNAL}")
    try:
        with scratch.open("wb") as file:
            if journal.exists():
                async for outcome in _carried(plan, journal, wanted, replay=False):
                    file.write(to_line(outcome))
            if plan.job.reuse:
                async for outcome in _carried(plan, plan.job.reuse / JOURNAL, wanted, replay=True):
                    file.write(to_line(outcome))
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(journal)
    except OSError as error:
        raise StorageError(f"{journal}: {error.strerror}") from None
    if len(wanted) == count:
        return set()
    return {(q.case.id, q.repeat) for q in plan.questions() if (q.case.id, q.repeat) not in wanted}


async def _carried(
    plan: Plan, source: Path, wanted: Wanted, *, replay: bool
) -> AsyncIterator[Answered | Failed]:
    """The outcomes of a journal that are wanted; each is taken off the list."""
    for outcome in read_journal(source):
        key, case = wanted.get((outcome.case, outcome.repeat), (None, None))
        if case is None or outcome.key != key or (replay and isinstance(outcome, Failed)):
            continue
        del wanted[outcome.case, outcome.repeat]
        if isinstance(outcome, Failed):
            yield outcome
            continue
        scores = await plan.score(outcome, case)
        changes = {"scores": scores, "expected": case.expected}
        yield outcome.model_copy(update=changes | ({"replayed": True} if replay else {}))
