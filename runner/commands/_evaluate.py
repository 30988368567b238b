"""Runs measured together and reported on, and what they come to as an exit code."""

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from runner.decide.gate import Ruling
from runner.errors import GATE_EXIT, INCOMPLETE_EXIT, ConfigError, RunnerError, Stopped
from runner.pipeline import event_loop
from runner.pipeline.plan import Plan
from runner.record.files import RESULT, write_json
from runner.record.outcomes import Result

Planned = tuple[Plan, Path]  # and the directory for its record


def record_failure(directory: Path, names: tuple[str, str, str], error: RunnerError) -> None:
    """Say in its place why a job of a sweep has no result."""
    task, model, id = names
    result = Result(task=task, model=model, id=id, error=str(error))
    write_json(directory / RESULT, result.model_dump(mode="json"))


def estimate(plans: Sequence[Plan]) -> None:
    """Print what they would ask and cost together; nothing is sent."""
    from runner.decide.costs.estimate import of
    from runner.pipeline.session import cap_usd
    from runner.report import console
    from runner.report.estimate import terminal

    console.show(
        terminal([event_loop.run(of(plan)) for plan in plans], cap_usd(p.job for p in plans))
    )


def evaluate(
    plans: Sequence[Planned], before: Callable[[], None] | None = None
) -> list[Result | RunnerError]:
    """Run them all in one process; an error of one does not stop the others.

    What is done `before` finds the directories claimed. Raises ConfigError, before anything is
    sent, when one of them can't be sent as it is, and whatever `before` raises.
    """
    from runner.measure.compare import check
    from runner.pipeline import resume
    from runner.pipeline.together import run_all
    from runner.report import build

    if not before and any(plan.job.shards > 1 for plan, _ in plans):
        raise ConfigError("shards: divide one run; leave them out of what measures several")
    if len({plan.job.callbacks for plan, _ in plans}) > 1:
        raise ConfigError("callbacks: litellm has them once a process; name the same in each job")
    if len({plan.job.budget_dir for plan, _ in plans}) > 1:
        raise ConfigError("budget_dir: one process has one budget; name the same in each job")
    if any(plan.job.race for plan, _ in plans):
        from runner.pipeline import race

        race.check(plans)
    for plan, _ in plans:
        check(plan.job)
        plan.make_ready()
    with ExitStack() as stack:
        for plan, directory in plans:
            stack.enter_context(resume.claim(plan, directory))
        if before:
            before()
        errors = event_loop.run(run_all(plans))
        results: list[Result | RunnerError] = []
        for _, directory in plans:
            if isinstance(errors.get(directory), Stopped):
                with suppress(RunnerError):
                    build(directory)  # what was measured until then
            try:
                results.append(errors.get(directory) or build(directory))
            except RunnerError as error:
                results.append(error)
    return results


def exit_code(results: Sequence[Result], ruling: Ruling | None) -> int:
    """The gate first: it is what a caller has asked about."""
    if ruling and ruling.shut:
        return GATE_EXIT
    if all(result.complete and result.counts and not result.counts.failed for result in results):
        judged = (result.metrics.get("judge_failure_rate") for result in results)
        if not any(rate and rate.value for rate in judged):
            return 0
        print("runner: some answers could not be judged; the report says why", file=sys.stderr)
        return INCOMPLETE_EXIT
    if any(result.counts and result.counts.unsent for result in results):
        print(
            "runner: some requests never left this machine, which is no failure of the model's; "
            "the report says why, and the same command asks them",
            file=sys.stderr,
        )
        return INCOMPLETE_EXIT
    print(
        "runner: some calls failed; what was answered is kept, and reuse=<the run's directory> "
        "asks only for the rest",
        file=sys.stderr,
    )
    return INCOMPLETE_EXIT
