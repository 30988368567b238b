"""What is streamed, and how a stream breaks off."""

from dataclasses import replace

import pytest

from runner.drill.loopback.dialect import Saying
from runner.errors import ErrorKind
from tests.loopback.strict import Flow
from tests.providers.answering import counted, each_ending
from tests.providers.calls import ENFORCED, SAYING, SCHEMA, USAGE, Bench, NotThere, answered, failed
from tests.providers.table import Hole, Row


def _streams(row: Row) -> None:
    if row.facts.streams:
        raise NotThere(row.facts.streams.reason)


async def stream(row: Row, bench: Bench) -> str:
    """Its pieces are the answer; its usage, model and ending are those of the whole reply."""
    pieces: list[str] = []
    reply, request = await answered(row, bench, on_text=pieces.append)
    assert row.speaks.read(request).stream == (row.facts.streams is None)
    if row.facts.streams:
        assert (pieces, reply.first_token_seconds) == (["one two three"], None)
        raise NotThere(row.facts.streams.reason)
    assert (reply.text, "".join(pieces)) == ("one two three", "one two three")
    assert len(pieces) == 3
    assert reply.usage == counted(row)
    assert reply.model_served == (None if row.facts.model else "served-1")
    assert reply.first_token_seconds is not None
    assert 0 < reply.first_token_seconds <= reply.seconds
    return "ok"


async def stream_endings(row: Row, bench: Bench) -> str:
    _streams(row)
    await each_ending(row, bench, lambda _: None)
    return "ok"


async def first_token(row: Row, bench: Bench) -> str:
    """Reasoning is no answer: the first token is the first of the text."""
    _streams(row)
    thinking = replace(SAYING, reasoning="hm")
    reply, _ = await answered(
        row, bench, thinking, flow=Flow(first_delay=3), on_text=lambda _: None
    )
    assert reply.first_token_seconds == pytest.approx(3, abs=1e-3)
    none = Saying(None, "length", USAGE, reasoning="hm")
    reply, _ = await answered(row, bench, none, on_text=lambda _: None)
    assert (reply.text, reply.first_token_seconds) == ("", None)
    return "ok"


_BREAKS: dict[str, ErrorKind] = {
    "cut": "connection",
    "hang": "timeout",
    "garbage": "invalid_reply",
    "unfinished": "invalid_reply",
    "error": "overloaded",
}


async def broken_stream(row: Row, bench: Bench) -> str:
    """However it breaks off, the call has failed, and says that some text had come."""
    _streams(row)
    for way, kind in _BREAKS.items():
        flow = Flow(breaks=way, after=2)  # type: ignore[arg-type]
        pieces: list[str] = []
        error = await failed(row, bench, flow=flow, timeout=5, on_text=pieces.append)
        said = {kind, "server_error"} if way == "error" else {kind}
        assert error.kind in said, f"{way}: {error}"
        assert (error.delivered, error.unbilled) == (bool(pieces), False), way
        assert way == "garbage" or pieces, way
    return " ".join(_BREAKS)


async def stream_no_usage(row: Row, bench: Bench) -> str:
    _streams(row)
    error = await failed(row, bench, replace(SAYING, usage=None), on_text=lambda _: None)
    assert (error.kind, error.delivered) == ("invalid_reply", True)
    assert "usage" in error.message
    return "failure"


async def stream_schema(row: Row, bench: Bench) -> str:
    _streams(row)
    if isinstance(row.facts.schema, Hole):
        raise NotThere(row.facts.schema.reason)
    reply, request = await answered(
        row, bench, on_text=lambda _: None, params={"response_format": ENFORCED}
    )
    assert row.speaks.read(request).json_schema == SCHEMA
    assert (reply.text, reply.usage) == ("one two three", counted(row))
    if row.facts.schema_streams:
        assert reply.first_token_seconds is None
        raise NotThere(row.facts.schema_streams.reason)
    assert reply.first_token_seconds
    return "ok"
