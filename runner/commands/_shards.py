"""A run in shards: an engine of Hydra's places them, and one record is made of theirs.

Each shard is a job of a sweep over `shard`, under whichever launcher: joblib, Ray, Slurm, or one
after the other in this process. It takes over its own rest where the same command is given again.
"""

from collections.abc import Callable
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import TaskFunction
from omegaconf import DictConfig

from runner.commands import _sweep
from runner.commands._arguments import Arguments
from runner.config import hydra_app, loading, override_grammar
from runner.config.schema import Job
from runner.config.terminal import say
from runner.config.validation import Typed, validated
from runner.errors import ConfigError, RunnerError, Stopped
from runner.pipeline.resume import try_lock
from runner.pipeline.shards import told
from runner.production.journal_order import AHEAD
from runner.record import shards
from runner.record.files import JOURNAL

_DIR = "hydra.sweep.dir"


def place(given: Arguments, job: Job, directory: Path, task: TaskFunction) -> None:
    """Have all shards answer their part, and make one record of theirs in `directory`.

    Raises ConfigError, StorageError, and Stopped where a shard has not come to its end.
    """
    if job.shard is not None:
        raise ConfigError(f"shard: is set for each of them; say shards={job.shards}")
    below = shards.folder(directory, job.shards)
    if (directory / JOURNAL).exists():
        say("shards: this run began in one process, or is merged, and goes on in one")
        shards.drop(directory, job.shards)
        return
    say(told(job))
    try:
        overrides = [f"+shard=range({job.shards})", override_grammar.literal(_DIR, str(below))]
        hydra_app.sweep(
            [*given.overrides, *overrides],
            given.own,
            task,
            config="config" if given.command == "eval" else given.command,
            kind=type(job),
        )
    except hydra_app.Died as error:
        say(f"shards: {error}")
    finally:
        _sweep.leave()
    _check(directory, job.shards)
    shards.merge(directory, job.shards, 2 * AHEAD)


def _check(directory: Path, count: int) -> None:
    """Raises Stopped where not every shard is through."""
    left = []
    for number in range(count):
        shard = shards.folder(directory, count) / str(number)
        if not shards.ended(shard):
            left.append(number)
            if why := shards.why(shard):
                say(f"shard {number}: {why}")
    if left:
        raise Stopped(
            f"{len(left)} of {count} shards have not come to their end "
            f"({', '.join(map(str, left))}): nothing is merged, and the same command goes on"
        )


def fill(cfg: DictConfig, kind: type[Typed], work: Callable[[Typed, Path], None]) -> None:
    """One shard, wherever it was placed; why it is not through stands in its result.

    It never raises what can be said in a line: Hydra would print the overrides.
    """
    hydra = HydraConfig.get()
    directory = Path(hydra.sweep.dir) / str(cfg.shard)
    directory.mkdir(parents=True, exist_ok=True)
    lock = try_lock(directory)
    if lock is None:
        return  # a worker is at work on it whose launcher has gone
    error = None
    try:
        if shards.ended(directory):
            return
        try:
            work(validated(kind, loading.plain(cfg, hydra.overrides.task)), directory)
        except RunnerError as found:
            error = " ".join(str(found).splitlines())
        shards.end(directory, loading.names(cfg), error)
    finally:
        lock.release()
