"""However far a run has come, there is a report of it."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from runner.config.schema import Job
from runner.errors import BudgetSpent
from runner.record.files import JOURNAL, RESULT, RUN
from runner.report import build, terminal
from tests import loopback
from tests.conftest import model, write_cases
from tests.loopback import Loopback, Request
from tests.pipeline.test_run import MakeJob, execute, interrupted, two_steps

CASES = 9
PRICE = {"checked": "2026-11-23", "source": "tests"}
REQUIREMENTS: dict[str, Any] = {
    "requirements.max_latency_ms": 3000,
    "requirements.max_cost_per_request": 0.0001,
    "requirements.min_quality_score": 0.85,
    "requirements.requests_per_month": 10_000,
    "requirements.availability": 0.9,
}
Make = Callable[[MakeJob, Loopback, Path], Awaitable[None]]


def unlike(request: Request) -> loopback.Answer:
    """Right, wrong and failed in turn; a judge finds it middling, or can't be understood."""
    if request.model.startswith("judge"):
        score = '{"reasoning": "well", "score": 3}'
        return loopback.text(score if request.number % 3 else "hm")
    if request.number % 4 == 3:
        return loopback.server_error()
    return loopback.text(request.text if request.number % 2 else "something else")


async def plain(make_job: MakeJob, server: Loopback, directory: Path) -> None:
    await execute(make_job(server.base_url, repeats=2, **{"retry.attempts": 1}), directory)


async def stopped_by_its_budget(make_job: MakeJob, server: Loopback, directory: Path) -> None:
    server.answer = loopback.echo
    # The next request has to fit in at its worst, of 64 tokens.
    free = {"input_usd_per_mtok": 0.0, "output_usd_per_mtok": 2.0}
    changes = {"model.price": PRICE | free, "concurrency": 1}
    job = make_job(server.base_url, budget_usd=(64 + 7 * 5) * 2e-6, **changes)
    with pytest.raises(BudgetSpent):
        await execute(job, directory)


async def cut_off(make_job: MakeJob, server: Loopback, directory: Path) -> None:
    server.answer = lambda r: loopback.echo(r) if r.number < 14 else loopback.hang()
    steps = two_steps(server.base_url)
    await interrupted(make_job(server.base_url, model=steps), directory, server, 14)


async def judged(make_job: MakeJob, server: Loopback, directory: Path) -> None:
    """The budget ends while an answer waits for its judge, who may be the dearer one."""
    dear = PRICE | {"input_usd_per_mtok": 0.0, "output_usd_per_mtok": 10.0}
    asked = model(server.base_url, "judge") | {"price": dear}
    judge = {"model": asked, "rubric": "good?", "max_tokens": 100}
    changes = {"task.scorers": {"exact": {}, "judge": judge}, "task.quality": "judge"}
    budget_usd = 100 * 10e-6 + 7 * (20e-6 + 5 * 10e-6)
    job = make_job(server.base_url, budget_usd=budget_usd, concurrency=1, **changes)
    with pytest.raises(BudgetSpent):
        await execute(job, directory)


async def in_steps(make_job: MakeJob, server: Loopback, directory: Path) -> None:
    await execute(make_job(server.base_url, model=two_steps(server.base_url)), directory)


async def fallen_back(make_job: MakeJob, server: Loopback, directory: Path) -> None:
    chain = {"other": model(server.base_url, "other") | {"price": None}}
    fallback = {"name": "chain", "chain": chain, "on": ["server_error"]}
    changes = {"fallback": fallback, "retry.attempts": 1}
    await execute(make_job(server.base_url, **changes), directory)


@pytest.mark.parametrize(
    "make", [plain, stopped_by_its_budget, cut_off, judged, in_steps, fallen_back]
)
async def test_every_prefix_of_a_journal_gives_a_report(
    make: Make, make_job: MakeJob, tmp_path: Path
) -> None:
    """Line by line, and where the last one is torn, a journal has numbers, verdicts and reports."""
    cases = {"task.cases": str(write_cases(tmp_path / "cases.jsonl", CASES))}

    def job(base_url: str, **changes: Any) -> Job:
        return make_job(base_url, **(REQUIREMENTS | cases | changes))

    with Loopback(unlike) as server:
        await make(job, server, tmp_path / "whole")
    lines = (tmp_path / "whole" / JOURNAL).read_bytes().splitlines(keepends=True)
    ends = [0, *accumulate(map(len, lines))]
    assert len(lines) > 6
    part = tmp_path / "part"
    part.mkdir()
    (part / RUN).write_bytes((tmp_path / "whole" / RUN).read_bytes())
    for number, end in enumerate([*ends, ends[-1] - 40]):
        (part / JOURNAL).write_bytes(b"".join(lines)[:end])
        (part / RESULT).unlink(missing_ok=True)  # what was killed has none
        result = await asyncio.to_thread(build, part)
        assert result.counts is not None
        assert result.counts.outcomes <= number
        assert list(terminal.run(part, result))
