"""Several runs in one process: side by side, or in turn where they share this machine's cores."""

import asyncio
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from runner.config.terminal import say
from runner.errors import RunnerError
from runner.pipeline.plan import Plan
from runner.pipeline.progress import progress
from runner.pipeline.run import run
from runner.pipeline.session import connected
from runner.record.run import Run

Planned = tuple[Plan, Path]  # and the directory for its record


async def run_all(plans: Sequence[Planned]) -> dict[Path, RunnerError]:
    """Fill the journals, and return why some of them could not be."""
    errors: dict[Path, RunnerError] = {}
    jobs = [plan.job for plan, _ in plans]
    earlier = chain.from_iterable(Run(directory).paid() for _, directory in plans)
    async with connected(jobs, earlier=earlier, stops=True, say=say) as dispatch:
        with progress() as bar:
            if any(job.race for job in jobs):
                from runner.pipeline.race import race

                return await race(plans, dispatch, bar)

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
    return errors
