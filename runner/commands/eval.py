"""Measure candidates on a task: one run, or with -m a sweep."""

from collections.abc import Sequence
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from runner.commands._arguments import arguments
from runner.commands._evaluate import estimate, evaluate, exit_code, record_failure
from runner.config import hydra_app, loading
from runner.config.schema import Job
from runner.errors import ConfigError, RunnerError
from runner.pipeline.plan import Plan, prepare
from runner.record.files import dated
from runner.record.outcomes import Result

# Hydra drops what its task function returns, and prints around what it raises.
_ended: list[tuple[Job, Path, Result] | Exception] = []


def main(argv: Sequence[str]) -> int:
    from runner.commands import _sweep as sweep

    given = arguments("eval", None, argv)
    if given.show:
        if given.multirun:
            raise ConfigError("-m, --cfg: take one of them")
        with given.conf() as config:
            config.compose(Job)
    try:
        hydra_app.run(given.overrides, given.own, run_job, multirun=given.multirun)
        # The jobs of an estimate leave nothing behind.
        if sweep.directory is not None and any(sweep.directory.glob("*/")):
            return sweep.finish(sweep.directory)
    finally:
        sweep.leave()
    if not _ended:
        return 0  # an estimate: what was asked for is printed
    ended = _ended.pop()
    if isinstance(ended, Exception):
        raise ended
    job, directory, result = ended
    from runner.decide import gate
    from runner.report import console, junit, terminal

    ruling = gate.rule(job.gate, gate.of_run(result))
    console.show([*terminal.run(directory, result), *terminal.gate(ruling)])
    if job.junit:
        junit.write(job.junit, result)
    return exit_code([result], ruling)


def run_job(cfg: DictConfig) -> None:
    """Hydra's task function: a run of its own, or one job of a sweep under a foreign launcher.

    It never raises: Hydra would print the overrides, and lose the results of the other jobs.
    """
    hydra = HydraConfig.get()
    if hydra.mode != RunMode.MULTIRUN:
        try:
            plan = prepare(loading.load(cfg, hydra.overrides.task))
            if plan.job.estimate:
                estimate([plan])
            else:
                _ended.append(_single(plan))
        except Exception as error:
            _ended.append(error)
        return
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


def _single(plan: Plan) -> tuple[Job, Path, Result]:
    job = plan.job
    directory = dated(job.outputs, "runs", job.label)
    [result] = evaluate([(plan, directory)])
    if isinstance(result, RunnerError):
        raise result
    return job, directory, result
