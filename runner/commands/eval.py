"""Measure candidates on a task: one run, or with -m a sweep."""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from runner.config import door, hydra_door
from runner.config.schema import Job
from runner.errors import GATE_EXIT, INCOMPLETE_EXIT, BudgetSpent, ConfigError, RunnerError
from runner.pipeline import event_loop
from runner.pipeline.plan import Plan, prepare
from runner.record.files import RESULT, write_json
from runner.record.outcomes import Result

Planned = tuple[Plan, Path]  # and the directory for its record

# Hydra drops what its task function returns, and prints around what it raises.
_ended: list[tuple[Job, Path, Result] | Exception] = []


def main(argv: Sequence[str]) -> int:
    from runner.commands import sweep

    try:
        hydra_door.run(hydra_door.parse(argv), run_job, "config")
        # The jobs of an estimate leave nothing behind.
        if sweep.directory is not None and any(sweep.directory.glob("*/")):
            return sweep.finish(sweep.directory)
    finally:
        sweep.leave()
    if not _ended:
        return 0  # an estimate, --cfg, --info: what was asked for is printed
    ended = _ended.pop()
    if isinstance(ended, Exception):
        raise ended
    job, directory, result = ended
    from runner.report import console, junit, terminal

    console.show(terminal.run(directory, result))
    if job.junit:
        junit.write(job.junit, [result])
    return exit_code([result], gated=job.gate and refused(result))


def run_job(cfg: DictConfig) -> None:
    """Hydra's task function: a run of its own, or one job of a sweep under a foreign launcher.

    It never raises: Hydra would print the overrides, and lose the results of the other jobs.
    """
    hydra = HydraConfig.get()
    if hydra.mode != RunMode.MULTIRUN:
        try:
            plan = prepare(door.load(cfg))
            if plan.job.estimate:
                estimate([plan])
            else:
                _ended.append(_single(plan))
        except Exception as error:
            _ended.append(error)
        return
    directory = Path(hydra.sweep.dir) / f"{hydra.job.num}_invalid"
    try:
        job = door.load(cfg)
        directory = directory.with_name(f"{hydra.job.num}_{job.label}")
        plan = prepare(job)
        if job.estimate:
            estimate([plan])
            return
        if job.budget_usd is not None:
            raise ConfigError(
                "budget_usd: one process keeps the cap of a sweep; use hydra/launcher=one_process"
            )
        [result] = evaluate([(plan, directory)])
    except RunnerError as error:
        result = error
    if isinstance(result, RunnerError):
        record_failure(directory, door.names(cfg), result)


def _single(plan: Plan) -> tuple[Job, Path, Result]:
    job = plan.job
    now = datetime.now().strftime("%Y-%m-%d_%H-%M-%S-%f")
    directory = job.outputs.absolute() / "runs" / f"{now}_{job.label}"
    [result] = evaluate([(plan, directory)])
    if isinstance(result, RunnerError):
        raise result
    return job, directory, result


def record_failure(directory: Path, names: tuple[str, str, str], error: RunnerError) -> None:
    """Say in its place why a job of a sweep has no result."""
    task, model, id = names
    result = Result(task=task, model=model, id=id, error=str(error))
    write_json(directory / RESULT, result.model_dump(mode="json"))


def estimate(plans: Sequence[Plan]) -> None:
    """Print what they would ask and cost together; nothing is sent."""
    from runner.decide.costs.estimate import of
    from runner.report import console
    from runner.report.estimate import terminal

    console.show(terminal([event_loop.run(of(plan)) for plan in plans], _cap_usd(plans)))


def _cap_usd(plans: Iterable[Plan]) -> float | None:
    caps = [plan.job.budget_usd for plan in plans if plan.job.budget_usd is not None]
    return min(caps, default=None)


def evaluate(plans: Sequence[Planned]) -> list[Result | RunnerError]:
    """Run them all in one process; an error of one does not stop the others.

    Raises ConfigError, before anything is sent, when one of them can't be sent as it is.
    """
    from runner.measure.compare.runs import check
    from runner.pipeline import resume
    from runner.report import build

    if len({plan.job.callbacks for plan, _ in plans}) > 1:
        raise ConfigError("callbacks: litellm has them once a process; name the same in each job")
    for plan, _ in plans:
        check(plan.job)
        plan.make_ready()
    with ExitStack() as stack:
        for plan, directory in plans:
            stack.enter_context(resume.claim(plan, directory))
        errors = event_loop.run(_run_all(plans))
        results: list[Result | RunnerError] = []
        for _, directory in plans:
            if isinstance(errors.get(directory), BudgetSpent):
                with suppress(RunnerError):
                    build(directory)  # what was measured until then
            try:
                results.append(errors.get(directory) or build(directory))
            except RunnerError as error:
                results.append(error)
    return results


async def _run_all(plans: Sequence[Planned]) -> dict[Path, RunnerError]:
    """Fill the journals, and return why some of them could not be."""
    from runner.pipeline import resume
    from runner.pipeline.progress import Progress
    from runner.pipeline.run import probe, run
    from runner.pipeline.session import connected

    errors: dict[Path, RunnerError] = {}
    limit_usd, spent_usd = _cap_usd(plan for plan, _ in plans), 0.0
    if limit_usd is not None:  # what interrupted runs have paid is paid from it, too
        spent_usd = sum(resume.recorded_usd(directory) for _, directory in plans)
    jobs = [plan.job for plan, _ in plans]
    async with connected(jobs, limit_usd=limit_usd, spent_usd=spent_usd) as dispatch:
        with Progress() as progress:

            async def one(plan: Plan, directory: Path) -> None:
                advance = progress.bar(plan.job.label, plan.count)
                try:
                    await run(plan, directory, dispatch, advance)
                except RunnerError as error:
                    errors[directory] = error

            await asyncio.gather(*(one(*each) for each in plans if not each[0].job.on_device))
            # Models on this machine share its cores: together they would measure one another.
            for each in plans:
                if each[0].job.on_device:
                    await one(*each)
            for plan, directory in plans:  # now that nothing else is under way
                try:
                    if plan.job.latency_probe and directory not in errors:
                        await probe(plan, directory, dispatch)
                except RunnerError as error:
                    errors[directory] = error
    return errors


def refused(result: Result) -> bool:
    """Whether a requirement is missed, or the run proven worse than its baseline."""
    missed = any(verdict.verdict == "missed" for verdict in result.verdicts)
    return missed or bool(result.baseline and result.baseline["regressed"])


def exit_code(results: Sequence[Result], *, gated: bool) -> int:
    """The gate first: it is what a caller has asked about."""
    if gated:
        return GATE_EXIT
    if all(result.complete and result.counts and not result.counts.failed for result in results):
        judged = (result.metrics.get("judge_failure_rate") for result in results)
        if not any(rate and rate.value for rate in judged):
            return 0
        print("runner: some answers could not be judged; the report says why", file=sys.stderr)
        return INCOMPLETE_EXIT
    print(
        "runner: some calls failed; what was answered is kept, and reuse=<the run's directory> "
        "asks only for the rest",
        file=sys.stderr,
    )
    return INCOMPLETE_EXIT
