"""Measure candidates on a task: one run, or with -m a sweep."""

import asyncio
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import uvloop
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from runner import config, hydra_door
from runner.errors import GATE_EXIT, INCOMPLETE_EXIT, RunnerError
from runner.outputs import RESULT, write_json
from runner.plan import Plan, prepare
from runner.records import Result
from runner.schema import Job

Planned = tuple[Plan, Path]  # and the directory for its record

# Hydra drops what its task function returns, and prints around what it raises.
_ended: list[tuple[Job, Path, Result] | Exception] = []


def main(argv: Sequence[str]) -> int:
    from runner.commands import sweep

    try:
        hydra_door.run(hydra_door.parse(argv), run_job, "config")
        if sweep.directory is not None:
            return sweep.finish(sweep.directory)
    finally:
        sweep.leave()
    if not _ended:
        return 0  # --cfg, --info: Hydra printed what was asked for
    ended = _ended.pop()
    if isinstance(ended, Exception):
        raise ended
    job, directory, result = ended
    from runner.report import print_run

    print_run(directory, result)
    return exit_code([result], gated=job.gate and missed(result))


def run_job(cfg: DictConfig) -> None:
    """Hydra's task function: a run of its own, or one job of a sweep under a foreign launcher.

    It never raises: Hydra would print the overrides, and lose the results of the other jobs.
    """
    hydra = HydraConfig.get()
    if hydra.mode != RunMode.MULTIRUN:
        try:
            _ended.append(_single(config.load(cfg)))
        except Exception as error:
            _ended.append(error)
        return
    directory = Path(hydra.sweep.dir) / f"{hydra.job.num}_invalid"
    try:
        job = config.load(cfg)
        directory = directory.with_name(f"{hydra.job.num}_{job.label}")
        [result] = evaluate([(prepare(job), directory)])
    except RunnerError as error:
        result = error
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
    """Say in its place why a job of a sweep has no result."""
    task, model, id = names
    result = Result(task=task, model=model, id=id, error=str(error))
    write_json(directory / RESULT, result.model_dump(mode="json"))


def evaluate(plans: Sequence[Planned]) -> list[Result | RunnerError]:
    """Run them all in one process; an error of one does not stop the others.

    Raises ConfigError, before anything is sent, when one of them can't be sent as it is.
    """
    from runner import resume
    from runner.report import build

    for plan, _ in plans:
        plan.make_ready()
    with ExitStack() as stack:
        for plan, directory in plans:
            stack.enter_context(resume.claim(plan, directory))
        try:
            errors = uvloop.run(_run_all(plans))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        results: list[Result | RunnerError] = []
        for _, directory in plans:
            try:
                results.append(errors.get(directory) or build(directory))
            except RunnerError as error:
                results.append(error)
    return results


async def _run_all(plans: Sequence[Planned]) -> dict[Path, RunnerError]:
    """Fill the journals, and return why some of them could not be."""
    from runner.ask import Throttle
    from runner.llm import Client
    from runner.pipeline import run
    from runner.progress import Progress

    errors: dict[Path, RunnerError] = {}
    async with Client() as client:
        throttle = Throttle(client)
        with _cancelled_by_sigterm(), Progress() as progress:

            async def one(plan: Plan, directory: Path) -> None:
                advance = progress.bar(plan.job.label, plan.count)
                try:
                    await run(plan, directory, throttle, advance)
                except RunnerError as error:
                    errors[directory] = error

            await asyncio.gather(*(one(*each) for each in plans if not each[0].job.on_device))
            # Models on this machine share its cores: together they would measure one another.
            for each in plans:
                if each[0].job.on_device:
                    await one(*each)
    return errors


@contextmanager
def _cancelled_by_sigterm() -> Iterator[None]:
    """Cancel the current task on SIGTERM, as asyncio does on Ctrl-C, so that it ends tidily."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is None or threading.current_thread() is not threading.main_thread():
        yield  # signals are delivered to the main thread only
        return
    before = signal.getsignal(signal.SIGTERM)
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, before)


def missed(result: Result) -> bool:
    return any(verdict.verdict == "missed" for verdict in result.verdicts)


def exit_code(results: Sequence[Result], *, gated: bool) -> int:
    """The gate first: it is what a caller has asked about."""
    if gated:
        return GATE_EXIT
    if all(result.complete and result.counts and not result.counts.failed for result in results):
        return 0
    print(
        "runner: some calls failed; what was answered is kept, and reuse=<the run's directory> "
        "asks only for the rest",
        file=sys.stderr,
    )
    return INCOMPLETE_EXIT
