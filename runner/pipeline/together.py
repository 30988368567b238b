"""Several runs in one process: side by side, or in turn where they share this machine's cores."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

from runner.errors import RunnerError
from runner.pipeline import resume
from runner.pipeline.plan import Plan
from runner.pipeline.progress import progress
from runner.pipeline.run import probe, run
from runner.pipeline.session import connected

Planned = tuple[Plan, Path]  # and the directory for its record


def cap_usd(plans: Iterable[Plan]) -> float | None:
    """The budget that they share: the smallest that one of them names."""
    caps = [plan.job.budget_usd for plan in plans if plan.job.budget_usd is not None]
    return min(caps, default=None)


async def run_all(plans: Sequence[Planned]) -> dict[Path, RunnerError]:
    """Fill the journals, and return why some of them could not be."""
    errors: dict[Path, RunnerError] = {}
    limit_usd, spent_usd = cap_usd(plan for plan, _ in plans), 0.0
    if limit_usd is not None:  # what interrupted runs have paid is paid from it, too
        spent_usd = sum(resume.recorded_usd(directory) for _, directory in plans)
    jobs = [plan.job for plan, _ in plans]
    async with connected(jobs, limit_usd=limit_usd, spent_usd=spent_usd) as dispatch:
        with progress() as bar:

            async def one(plan: Plan, directory: Path) -> None:
                advance = bar(plan.job.label, plan.count)
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
