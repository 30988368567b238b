"""Measure candidates on a task: one run, or with -m a sweep."""

from collections.abc import Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from runner.commands import _shards
from runner.commands._arguments import Arguments, arguments
from runner.commands._evaluate import estimate, evaluate, exit_code, record_failure
from runner.config import loading
from runner.config.schema import Job
from runner.errors import ConfigError, RunnerError
from runner.pipeline import provenance
from runner.pipeline.plan import prepare
from runner.pipeline.shards import share
from runner.record import shards
from runner.record.files import RUN, dated, write_json


def main(argv: Sequence[str]) -> int:
    given = arguments("eval", None, argv)
    if given.show and given.multirun:
        raise ConfigError("-m, --cfg: take one of them")
    job = _job(given)
    return _sweep(given) if job is None else _run(job, given)


def _job(given: Arguments) -> Job | None:
    """What is to be run; None where it is a sweep. Raises ConfigError."""
    if given.multirun and not given.show:
        return None
    with given.conf() as config:
        # Values of several jobs would be too many for one: who asks for a sweep is looked at first.
        asking = [each for each in given.overrides if each.startswith(_SWEEPS)]
        if asking and not given.show and _is_sweep(config.only(asking).compose(Job, hydra=True)):
            return None
        composed = config.compose(Job, hydra=True)
        return None if _is_sweep(composed) else loading.validate(config.plain(composed))


_SWEEPS = ("sweep=", "hydra.mode=")


def _is_sweep(composed: DictConfig) -> bool:
    return bool(composed.hydra.mode == RunMode.MULTIRUN)


def _run(job: Job, given: Arguments) -> int:
    if job.race:
        raise ConfigError("race: it takes several candidates: -m model=a,b race=true")
    plan = prepare(job)
    if job.estimate:
        estimate([plan])
        return 0
    directory = dated(job.outputs, "runs", job.label)

    def in_shards() -> None:
        # Whoever goes on with it looks for this.
        found = shards.lines(directory, job.shards)
        write_json(directory / RUN, provenance.describe(plan, taken_over=found))
        _shards.place(given, job, directory, run_shard)

    [result] = evaluate([(plan, directory)], in_shards if job.shards > 1 else None)
    if isinstance(result, RunnerError):
        raise result
    from runner.decide import gate
    from runner.report import console, terminal, to_step_summary

    to_step_summary(directory)
    ruling = gate.rule(job.gate, gate.of_run(result))
    console.show([*terminal.run(directory, result, verbose=job.verbose), *terminal.gate(ruling)])
    if job.junit:
        from runner.report import junit

        junit.write(job.junit, result)
    return exit_code([result], ruling)


def run_shard(cfg: DictConfig) -> None:
    """Hydra's task function: one shard of a run."""

    from runner.pipeline import event_loop
    from runner.pipeline.together import run_all

    def work(job: Job, directory: Path) -> None:
        plan = prepare(share(job))
        plan.make_ready()
        if error := event_loop.run(run_all([(plan, directory)])).get(directory):
            raise error

    _shards.fill(cfg, Job, work)


def _sweep(given: Arguments) -> int:
    from runner.commands import _sweep as sweep
    from runner.config import hydra_app

    try:
        hydra_app.sweep(given.overrides, given.own, run_job)
        # The jobs of an estimate leave nothing behind.
        if sweep.directory is not None and any(sweep.directory.glob("*/")):
            return sweep.finish(sweep.directory)
    finally:
        sweep.leave()
    return 0  # an estimate: what was asked for is printed


def run_job(cfg: DictConfig) -> None:
    """Hydra's task function: one job of a sweep under a foreign launcher.

    It never raises: Hydra would print the overrides, and lose the results of the other jobs.
    """
    hydra = HydraConfig.get()
    directory = Path(hydra.sweep.dir) / f"{hydra.job.num}_invalid"
    try:
        job = loading.load(cfg, hydra.overrides.task)
        directory = directory.with_name(f"{hydra.job.num}_{job.label}")
        plan = prepare(job)
        if job.estimate:
            estimate([plan])
            return
        if job.budget_usd is not None and job.budget_dir is None:
            raise ConfigError(
                "budget_usd: one process keeps the cap of a sweep: use hydra/launcher=one_process, "
                "or name a budget_dir that its processes share"
            )
        [result] = evaluate([(plan, directory)])
    except RunnerError as error:
        result = error
    if isinstance(result, RunnerError):
        record_failure(directory, loading.names(cfg), result)
