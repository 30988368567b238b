"""What fails: each error in the provider's own words becomes one of our kinds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from runner.calls.llm import Client
from runner.drill.loopback import Fault, Flow, answers
from runner.errors import CallFailed
from tests.providers.calls import SAYING, NotThere, answered, failed
from tests.providers.table import KINDS, Hole, Row


async def _fault(row: Row, client: Client, fault: Fault) -> CallFailed:
    expected = row.facts.faults.get(fault, KINDS[fault])
    if isinstance(expected, Hole):
        raise NotThere(expected.reason)
    error = await failed(row, client, row.speaks.fault(fault))
    assert error.kind == expected, f"{fault}: {error}"
    unbilled = (error.status or 0) >= 400 and error.kind != "timeout"
    assert error.unbilled == unbilled, fault
    streamed = await failed(row, client, row.speaks.fault(fault), on_text=lambda _: None)
    assert (streamed.kind, streamed.status) == (error.kind, error.status)
    return error


async def statuses(row: Row, client: Client) -> str:
    faults = [fault for fault in KINDS if isinstance(fault, int)]
    for fault in faults:
        await _fault(row, client, fault)
    return f"all {len(faults)}"


async def context_window(row: Row, client: Client) -> str:
    return f"{(await _fault(row, client, 'context_window')).status}"


async def content_policy(row: Row, client: Client) -> str:
    return f"{(await _fault(row, client, 'content_policy')).status}"


async def quota(row: Row, client: Client) -> str:
    return f"{(await _fault(row, client, 'no_quota')).status}"


async def retry_after(row: Row, client: Client) -> str:
    """As seconds, as a date, and as Google has it in the body."""
    for listen in (None, lambda _: None):
        error = await failed(row, client, row.speaks.fault(503, retry_after=7), on_text=listen)
        assert error.retry_after == 7.0
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    error = await failed(row, client, row.speaks.fault(503, retry_after=soon))
    assert error.retry_after and 55 < error.retry_after <= 60
    error = await failed(row, client, row.speaks.fault(429))
    if row.name == "google":
        assert error.retry_after == 32.5
        return "header, body"
    assert error.retry_after is None
    return "header"


async def timeout(row: Row, client: Client) -> str:
    """In all, not between two bytes: also of a stream that keeps dripping."""
    await answered(row, client, on_text=lambda _: None)  # imports on a first call count as well
    error = await failed(row, client, answers.hang(), timeout=0.1)
    assert (error.kind, error.unbilled) == ("timeout", False)
    long = replace(SAYING, text="word " * 50)
    error = await failed(
        row, client, long, flow=Flow(delay=0.02), timeout=0.15, on_text=lambda _: None
    )
    assert (error.kind, error.delivered, error.unbilled) == ("timeout", True, False)
    assert error.seconds < 0.6
    return "ok"


async def connection(row: Row, client: Client) -> str:
    for answer, status in ((answers.reset(), None), (answers.closed(), None)):
        error = await failed(row, client, answer)
        assert (error.kind, error.status, error.unbilled) == ("connection", status, False)
    return "ok"
