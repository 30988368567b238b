"""What fails: each error in the provider's own words becomes one of our kinds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from runner.errors import CallFailed
from tests.loopback import answers
from tests.loopback.strict import Fault, Flow
from tests.providers.calls import SAYING, Bench, NotThere, failed
from tests.providers.table import KINDS, Hole, Row


async def _fault(row: Row, bench: Bench, fault: Fault) -> CallFailed:
    expected = row.facts.faults.get(fault, KINDS[fault])
    if isinstance(expected, Hole):
        raise NotThere(expected.reason)
    error = await failed(row, bench, row.speaks.fault(fault))
    assert error.kind == expected, f"{fault}: {error}"
    unbilled = (error.status or 0) >= 400 and error.kind != "timeout"
    assert error.unbilled == unbilled, fault
    streamed = await failed(row, bench, row.speaks.fault(fault), on_text=lambda _: None)
    assert (streamed.kind, streamed.status) == (error.kind, error.status)
    return error


async def statuses(row: Row, bench: Bench) -> str:
    faults = [fault for fault in KINDS if isinstance(fault, int)]
    for fault in faults:
        await _fault(row, bench, fault)
    return f"all {len(faults)}"


async def context_window(row: Row, bench: Bench) -> str:
    return f"{(await _fault(row, bench, 'context_window')).status}"


async def content_policy(row: Row, bench: Bench) -> str:
    return f"{(await _fault(row, bench, 'content_policy')).status}"


async def quota(row: Row, bench: Bench) -> str:
    return f"{(await _fault(row, bench, 'no_quota')).status}"


async def retry_after(row: Row, bench: Bench) -> str:
    """As seconds, as a date, and as Google has it in the body."""
    for listen in (None, lambda _: None):
        error = await failed(row, bench, row.speaks.fault(503, retry_after=7), on_text=listen)
        assert error.retry_after == 7.0
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    error = await failed(row, bench, row.speaks.fault(503, retry_after=soon))
    assert error.retry_after and 55 < error.retry_after <= 60
    error = await failed(row, bench, row.speaks.fault(429))
    if row.name in ("google", "vertex"):
        assert error.retry_after == 32.5
        return "header, body"
    assert error.retry_after is None
    return "header"


async def timeout(row: Row, bench: Bench) -> str:
    """In all, not between two bytes: also of a stream that keeps dripping."""
    error = await failed(row, bench, answers.hang(), timeout=60)
    assert (error.kind, error.unbilled) == ("timeout", False)
    assert error.seconds == pytest.approx(60, abs=1e-3)
    if row.facts.streams:
        return "ok"
    long = replace(SAYING, text="word " * 50)
    error = await failed(row, bench, long, flow=Flow(delay=2), timeout=15, on_text=lambda _: None)
    assert (error.kind, error.delivered, error.unbilled) == ("timeout", True, False)
    assert error.seconds == pytest.approx(15, abs=1e-3)
    return "ok"


async def connection(row: Row, bench: Bench) -> str:
    for answer, status in ((answers.reset(), None), (answers.closed(), None)):
        error = await failed(row, bench, answer)
        assert (error.kind, error.status, error.unbilled) == ("connection", status, False)
    return "ok"
