"""Nothing answered is asked again: an interrupted run is taken over, a finished one replayed."""

import shutil
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from runner.cases.call_log import CallLog
from runner.cases.cases import Case
from runner.cases.query import Query
from runner.config.schema import Job, Model
from runner.config.terminal import say
from runner.errors import ConfigError, StorageError
from runner.pipeline.plan import Plan
from runner.record import shards
from runner.record.files import RESULT, RUN, SWEEP, UNSCORED, whole
from runner.record.journal import to_line
from runner.record.outcomes import Answered, Attempt, Failed, Outcome
from runner.record.run import Run

Paid = TypeVar("Paid", bound=Outcome)
Wanted = dict[tuple[str, int], tuple[str, Case]]  # (case, repeat): (key, case)


@contextmanager
def claim(plan: Plan, directory: Path) -> Iterator[None]:
    """Make `directory` this run's own, and move an interrupted run of the same identity there.

    While it is held, other processes see that the run is alive; the system drops the claim of a
    process that dies. Raises ConfigError when the directory can't be made, and when another
    process is at work on the very same.
    """
    with ExitStack() as held:
        try:
            held.enter_context(sole(plan.job, plan.identity))
            lock = _take_over(plan, directory) or begin(directory, plan.job.outputs)
            held.callback(lock.release)
        except OSError as error:
            raise ConfigError(f"outputs: {error.filename}: {error.strerror}") from None
        shards.check(directory, plan.job.shards)
        yield


@contextmanager
def sole(job: Job, identity: str) -> Iterator[None]:
    """While it is held no other process begins a run of this identity, unless it is told to.

    Within one process it may be held more than once. Raises ConfigError.
    """
    if job.duplicate:
        yield
        return
    claims = job.outputs.absolute() / ".claims"
    lock = FileLock(claims / identity[:16], is_singleton=True, thread_local=False)
    try:
        claims.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigError(
            f"{job.label}: another process is at work on the very same; wait for it, or say "
            "duplicate=true to pay for it twice"
        ) from None
    except OSError as error:
        raise ConfigError(f"outputs: {error.filename}: {error.strerror}") from None
    try:
        yield
    finally:
        lock.release()


def set_aside(directory: Path) -> None:
    """A damaged line locks no run: it is taken out, its case is asked again, and that is said."""
    for said in Run(directory).set_aside():
        say(said)


def begin(directory: Path, outputs: Path) -> FileLock:
    """Make the directory of a new record, and hold it; git leaves all of `outputs` alone."""
    directory.mkdir(parents=True)
    with suppress(OSError), (outputs / ".gitignore").open("x") as file:
        file.write("*\n")
    lock = try_lock(directory)
    assert lock is not None
    return lock


def _take_over(plan: Plan, directory: Path) -> FileLock | None:
    in_sweep = (directory.parent / SWEEP).exists()
    asked_for = {each and each.absolute() for each in (plan.job.baseline, plan.job.reuse)}
    for old in _interrupted(plan, in_sweep):
        if old.absolute() in asked_for:  # it is to be read, and not to be gone on with
            continue
        lock = try_lock(old)
        if lock is None:
            continue
        # Looked at again, now that nobody else can: it may just have ended, or moved away.
        if _open(old, in_sweep) and Run(old).identity == plan.identity:
            directory.parent.mkdir(parents=True, exist_ok=True)
            old.rename(directory)
            (directory / RESULT).unlink(missing_ok=True)
            if (old.parent / SWEEP).exists():  # its others, too, may be gone on with
                (old.parent / RESULT).unlink(missing_ok=True)
            _sweep_up(old.parent)
            set_aside(directory)
            return lock
        lock.release()
    return None


def _interrupted(plan: Plan, in_sweep: bool) -> list[Path]:
    """Runs that can be gone on with, the newest first.

    The locks of all others are left alone: who tries one keeps its owner from it for a moment.
    """
    outputs = plan.job.outputs
    found = [*outputs.glob(f"runs/*/{RUN}"), *outputs.glob(f"sweeps/*/*/{RUN}")]
    runs = sorted((path.parent for path in found), reverse=True)
    return [run for run in runs if Run(run).identity == plan.identity and _open(run, in_sweep)]


def _open(run: Path, in_sweep: bool) -> bool:
    """Whether a run has not ended; for a sweep also: whether it has, in a sweep that has not."""
    return not Run(run).ended or (in_sweep and _abandoned(run.parent))


def _abandoned(sweep: Path) -> bool:
    if not (sweep / SWEEP).exists():
        return False
    begun = (path.parent for path in sweep.glob(f"*/{RUN}"))
    if (sweep / RESULT).exists() and all(Run(run).ended for run in begun):
        return False  # one of whose runs was stopped has not ended either
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


def _sweep_up(parent: Path) -> None:
    """A sweep whose runs have all moved on has nothing left to say."""
    if (parent / SWEEP).exists() and not any(path.is_dir() for path in parent.iterdir()):
        shutil.rmtree(parent, ignore_errors=True)  # another may be looking into it just now


@dataclass
class Carried:
    """What an earlier run has done of this one, by (case, repeat)."""

    done: set[tuple[str, int]] = field(default_factory=set)
    # Answers that a model has yet to judge; they lie in UNSCORED until that is on record.
    answers: dict[tuple[str, int], Answered] = field(default_factory=dict)
    # What was paid for a question that has no outcome yet; it lies in UNSCORED likewise.
    attempts: dict[tuple[str, int], list[Attempt]] = field(default_factory=dict)


async def carry_over(plan: Plan, directory: Path) -> Carried:
    """Start the journal with the outcomes that need not be asked for, and say which these are.

    First come those of the interrupted run that was taken over, then the answers, and only these,
    of `reuse`, marked as replayed. Answers are scored anew where scorers or expected values have
    changed; what takes asking a model is left to the caller. Raises StorageError, ScorerFailed.
    """
    earlier = [run for run in (directory, plan.job.reuse) if run and Run(run).begun]
    carried = Carried()
    if not earlier:
        return carried
    journal, unscored = Run(directory).journal, directory / UNSCORED
    wanted: Wanted = {(q.case.id, q.repeat): (q.key, q.case) for q in plan.questions()}
    try:
        with whole(journal) as scored, whole(unscored) as left:
            for run in map(Run, earlier):
                replay = run.directory != directory
                for source in (run.as_written(say if replay else None), run.unscored()):
                    async for outcome in _carried(plan, source, wanted, carried, replay=replay):
                        waits = (outcome.case, outcome.repeat) not in carried.done
                        (left if waits else scored).write(to_line(outcome))
    except OSError as error:
        raise StorageError(f"{journal}: {error.strerror}") from None
    if not (carried.answers or carried.attempts):
        unscored.unlink()
    return carried


async def _carried(
    plan: Plan,
    source: Iterable[Answered | Failed],
    wanted: Wanted,
    carried: Carried,
    *,
    replay: bool,
) -> AsyncIterator[Answered | Failed]:
    """The outcomes of a journal that are wanted; each is taken off the list."""
    for outcome in source:
        where = outcome.case, outcome.repeat
        key, case = wanted.get(where, (None, None))
        if case is None or outcome.key != key or (replay and isinstance(outcome, Failed)):
            continue
        if isinstance(outcome, Failed) and outcome.open:
            if where not in carried.attempts:  # the journal's is the later one, and has them all
                carried.attempts[where] = outcome.attempts
                yield outcome
            continue
        del wanted[where]
        if isinstance(outcome, Failed):
            carried.done.add(where)
            yield outcome
            continue
        answer = outcome
        if replay:
            answer = paid_before(outcome).model_copy(update={"replayed": True})
        if plan.job.judging and not plan.holds(answer, case):
            carried.answers[where] = answer
            yield answer
        else:
            carried.done.add(where)
            yield await plan.score(answer, case, _nobody, [], {})


def paid_before(outcome: Paid) -> Paid:
    """The same, whose attempts another run has paid for."""

    def before(attempts: list[Attempt]) -> list[Attempt]:
        return [attempt.model_copy(update={"replayed": True}) for attempt in attempts]

    paid = {"attempts": before(outcome.attempts), "judging": before(outcome.judging)}
    return outcome.model_copy(update=paid)


async def _nobody(_model: Model, _query: Query) -> CallLog:
    raise AssertionError("only a scorer with a model of its own asks one")
