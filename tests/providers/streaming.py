"""What is streamed, and how a stream breaks off."""

import json
from dataclasses import replace

import pytest

from runner.calls.calling import characters
from runner.drill.loopback.dialect import Saying
from runner.drill.loopback.exchange import HttpAnswer, HttpRequest, Piece
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
    """An answer of unknown cost, as a whole reply without usage is."""
    _streams(row)
    reply, _ = await answered(row, bench, replace(SAYING, usage=None), on_text=lambda _: None)
    assert (reply.text, reply.usage) == ("one two three", None)
    return "unknown"


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


# Ends of lines to Unicode, and to str.splitlines, but neither to JSON nor to events.
SEPARATED = "Pay 100\u2028EUR\u2029now\x85 \N{GRINNING FACE}\ud83d\ude00 ü"


async def cut_anywhere(row: Row, bench: Bench) -> str:
    """The same answer wherever its bytes are cut, with raw separators, and whatever ends lines.

    Also where the JSON of an event stands on several lines.
    """
    _streams(row)
    saying = replace(SAYING, text=SEPARATED)
    wanted = characters(SEPARATED)
    ways = [(size, b"\n", False) for size in (1, 2, 3, 7, 100_000)]
    if row.speaks.stream_type == "text/event-stream":
        ends = ((1, b"\r\n"), (5, b"\r\n"), (1, b"\r"), (6, b"\r"))
        ways += [(size, end, False) for size, end in ends]
        ways += [(size, end, True) for size, end in (*ends, (1, b"\n"))]
    for size, end, broken in ways:

        def cut(
            request: HttpRequest, size: int = size, end: bytes = end, broken: bool = broken
        ) -> HttpAnswer:
            whole = row.speaks.say(request, saying)
            data = b"".join(piece.data for piece in whole.pieces)
            data = (_on_several_lines(data) if broken else data).replace(b"\n", end)
            raw = () if "amazon" in row.speaks.stream_type else ("\u2028", "\u2029", "\x85", "ü")
            for character in raw:  # Amazon's messages state their lengths
                data = data.replace(json.dumps(character)[1:-1].encode(), character.encode())
            pieces = [Piece(data[i : i + size]) for i in range(0, len(data), size)]
            return replace(whole, pieces=tuple(pieces))

        heard: list[str] = []
        reply, _ = await answered(row, bench, cut, on_text=heard.append)
        assert (reply.text, "".join(heard)) == (wanted, wanted), (size, end, broken)
        assert reply.usage == counted(row), (size, end, broken)
    return f"{len(ways)} ways"


def _on_several_lines(data: bytes) -> bytes:
    lines = []
    for line in data.decode().split("\n"):
        head, _, event = line.partition("data: ")
        broken = [line] if head or not event.startswith("{") else _indented(event)
        lines += broken
    return "\n".join(lines).encode()


def _indented(event: str) -> list[str]:
    return [f"data: {line}" for line in json.dumps(json.loads(event), indent=1).split("\n")]


async def not_a_stream(row: Row, bench: Bench) -> str:
    """A whole reply in place of a stream is an answer."""
    _streams(row)

    def whole(request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(body=row.speaks.whole(replace(SAYING, finish_reason=_stops(row))))

    heard: list[str] = []
    reply, _ = await answered(row, bench, whole, on_text=heard.append)
    assert (reply.text, "".join(heard)) == ("one two three", "one two three")
    assert (reply.usage, reply.first_token_seconds) == (counted(row), None)
    return "ok"


def _stops(row: Row) -> str:
    return next(own for own, ours in row.speaks.finish_reasons.items() if ours == "stop")
