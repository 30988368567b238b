"""The one way of a question to its record."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.cases.cases import Case
from runner.cases.query import Question, query
from runner.config.schema import Job
from runner.pipeline.session import connected, opened
from runner.record.journal import read_journal
from runner.record.outcomes import Failed
from tests import loopback
from tests.conftest import model
from tests.loopback import Loopback

MakeJob = Callable[..., Job]


def question(job: Job) -> Question:
    messages = [{"role": "user", "content": "hello"}]
    return Question(
        query(job.task, Case(id="c0", input="hello"), messages, job.seed), "key", line=7
    )


async def test_what_was_paid_survives_a_cancellation(make_job: MakeJob, tmp_path: Path) -> None:
    """A cancelled question leaves its ended attempts on record, each with who made it."""
    file, failing, hanging = tmp_path / "journal.jsonl", loopback.overloaded(), loopback.hang()
    with Loopback(failing) as a, Loopback(failing) as b, Loopback(hanging) as c:
        chain = {"first": model(b.base_url, "second-model"), "last": model(c.base_url, "third")}
        fallback = {"name": "test", "chain": chain, "on": ["overloaded"]}
        job = make_job(a.base_url, fallback=fallback, **{"retry.attempts": 1})
        async with connected() as dispatch, opened(job, dispatch, file) as session:
            asking = asyncio.create_task(session.ask(question(job)))
            await asyncio.to_thread(c.wait_for, 1)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
    [line] = read_journal(file)
    assert isinstance(line, Failed)
    assert (line.kind, line.line, line.open) == ("interrupted", 7, True)
    made = [(attempt.model, attempt.fallback) for attempt in line.attempts]
    assert made == [("demo-model", None), ("second-model", "first")]


async def test_what_cost_nothing_leaves_no_line(make_job: MakeJob, tmp_path: Path) -> None:
    """A question that the budget left open before any request is not on record."""
    file = tmp_path / "journal.jsonl"
    with Loopback(loopback.echo) as server:
        job = make_job(server.base_url, budget_usd=1e-7)
        async with connected([job]) as dispatch, opened(job, dispatch, file) as session:
            found = await session.ask(question(job))
            await session.keep(found)
    assert isinstance(found, Failed)
    assert found.kind == "budget"
    assert list(read_journal(file)) == []
