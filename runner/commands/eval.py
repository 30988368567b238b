"""Measure candidates on a task: one run, or with -m a sweep."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import uvloop
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from runner import config, hydra_door
from runner.errors import GATE_EXIT, INCOMPLETE_EXIT, ConfigError, RunnerError
from runner.outputs import RESULT, write_json
from runner.plan import Plan, prepare
from runner.records import Result
from runner.schema import Job

# Hydra drops what its task function returns, and prints around what it raises.
_ended: list[tuple[Job, Path, Result] | RunnerError] = []


def main(argv: Sequence[str]) -> int:
    from runner.commands import sweep

    hydra_door.run(hydra_door.parse(argv), run_job, "config")
    if sweep.directory is not None:
        return sweep.finish(sweep.directory)
    if not _ended:
        return 0  # --cfg, --info: Hydra printed what was asked for
    ended = _ended.pop()
    if isinstance(ended, RunnerError):
        raise ended
    job, directory, result = ended
    from runner.report import print_run

    print_run(directory)
    return exit_code(result, gate=job.gate)


def run_job(cfg: DictConfig) -> None:
    """Hydra's task function: a run of its own, or one job of a sweep under a foreign launcher.

    A job of a sweep never raises: Hydra would lose the results of the others.
    """
    hydra = HydraConfig.get()
    if hydra.mode != RunMode.MULTIRUN:
        try:
            _ended.append(_single(config.load(cfg)))
        except RunnerError as error:
            _ended.append(error)
        return
    parent, number = Path(hydra.sweep.dir), hydra.job.num
    try:
        job = config.load(cfg)
        directory = parent / f"{number}_{job.label}"
        plan = prepare(job)
    except ConfigError as error:
        record_failure(parent / f"{number}_invalid", config.names(cfg), error)
        return
    [result] = evaluate([(plan, directory)])
    if isinstance(result, RunnerError):
        record_failure(directory, config.names(cfg), result)


def _single(job: Job) -> tuple[Job, Path, Result]:
    now = datetime.now().strftime("%Y-%m-%d_%H-%M-%S-%f")
    directory = job.outputs.absolute() / "runs" / f"{now}_{job.label}"
    [result] = evaluate([(prepare(job), directory)])
    if isinstance(result, RunnerError):
        raise result
    return job, directory, result


def record_failure(directory: Path, names: tuple[str, str, str], error: RunnerError) -> None:
    task, model, id = names
    result = Result(task=task, model=model, id=id, error=str(error))
    write_json(directory / RESULT, result.model_dump(mode="json"))


def evaluate(plans: Sequence[tuple[Plan, Path]]) -> list[Result | RunnerError]:
    """Run them all in one process; an error of one does not stop the others.

    Raises ConfigError, before anything is sent, when one of them can't be sent as it is.
    """
    return uvloop.run(_evaluate(plans))


async def _evaluate(plans: Sequence[tuple[Plan, Path]]) -> list[Result | RunnerError]:
    from runner.ask import Throttle
    from runner.llm import Client
    from runner.pipeline import run
    from runner.progress import Progress

    async with Client() as client:
        throttle = Throttle(client)
        for plan, _ in plans:
            plan.check_parameters(client)
        with Progress() as progress:

            async def one(plan: Plan, directory: Path) -> Result | RunnerError:
                advance = progress.bar(plan.job.label, plan.count)
                try:
                    return await run(plan, directory, throttle, advance)
                except RunnerError as error:
                    return error

            # Models on this machine share its cores: together they would measure one another.
            hosted = [plan for plan in plans if not plan[0].job.on_device]
            answers = await asyncio.gather(*(one(*plan) for plan in hosted))
            results = {plan[1]: answer for plan, answer in zip(hosted, answers, strict=True)}
            for plan, directory in plans:
                if directory not in results:
                    results[directory] = await one(plan, directory)
        return [results[directory] for _, directory in plans]


def exit_code(result: Result, *, gate: bool) -> int:
    if gate and any(verdict.verdict == "missed" for verdict in result.verdicts):
        return GATE_EXIT
    if not result.complete or (result.counts and result.counts.failed):
        print(
            "runner: some calls failed; the run is kept, and reuse=<its directory> asks only them",
            file=sys.stderr,
        )
        return INCOMPLETE_EXIT
    return 0
