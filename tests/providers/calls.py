"""One call to one provider, as the checks of all behaviours make it."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from runner.calls.translate import check_parameters
from runner.calls.transport import Transport
from runner.drill.loopback.dialect import Saying
from runner.drill.loopback.exchange import AnswerFunction, HttpAnswer, HttpRequest
from runner.drill.loopback.server import Host, LoopbackProvider
from runner.errors import CallFailed, ConfigError
from runner.record.outcomes import Message, Reply, Usage
from tests.loopback.strict import Flow
from tests.providers.table import Hole, Row

MESSAGES: list[Message] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "hello"},
]
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
ENFORCED = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}}
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.4\n1 0 obj <</Type /Catalog>> endobj\ntrailer <</Root 1 0 R>>\n%%EOF\n"
USAGE = Usage(
    input_tokens=100,
    output_tokens=20,
    cached_input_tokens=40,
    cache_write_tokens=10,
    reasoning_tokens=8,
)
SAYING = Saying("one two three", usage=USAGE, model="served-1")


class NotThere(Exception):
    """A hole, and its reason."""


@dataclass(frozen=True)
class Bench:
    """Our transport, and where the providers are played that it asks; time on it is simulated."""

    transport: Transport
    host: Host


async def ask(
    row: Row,
    bench: Bench,
    answer: Saying | HttpAnswer | AnswerFunction = SAYING,
    *,
    messages: list[Message] = MESSAGES,
    flow: Flow | None = None,
    on_text: Callable[[str], None] | None = None,
    params: dict[str, Any] | None = None,
    **changes: Any,
) -> tuple[Reply | CallFailed, HttpRequest]:
    """One call to a server that speaks like the provider, and the one request that it got."""

    def said(request: HttpRequest) -> HttpAnswer:
        if isinstance(answer, Saying):
            return row.speaks.say(request, answer, flow or Flow())
        return answer if isinstance(answer, HttpAnswer) else answer(request)

    provider = LoopbackProvider(said, row.speaks)
    model = row.model("http://" + urlsplit(bench.host.add(provider)).netloc, **changes)
    ended: Reply | CallFailed
    try:
        ended = await bench.transport.complete(
            model, messages, {"max_tokens": 70} | (params or {}), on_text
        )
    except CallFailed as error:
        ended = error
    assert provider.requests, ended
    [request] = provider.requests
    assert ended.http_requests == 1
    return ended, request


async def answered(row: Row, bench: Bench, *args: Any, **how: Any) -> tuple[Reply, HttpRequest]:
    ended, request = await ask(row, bench, *args, **how)
    assert isinstance(ended, Reply), ended
    return ended, request


async def failed(row: Row, bench: Bench, *args: Any, **how: Any) -> CallFailed:
    ended, _ = await ask(row, bench, *args, **how)
    assert isinstance(ended, CallFailed), ended
    assert "\n" not in ended.message and ended.message
    return ended


def place(body: Any, path: str) -> Any:
    for step in path.split("."):
        body = body[int(step)] if isinstance(body, list) else body[step]
    return body


async def sent(row: Row, bench: Bench, fact: str | Hole, value: Any, **params: Any) -> str:
    """A parameter arrives where the provider wants it; a hole is refused before it is sent."""
    if isinstance(fact, Hole):
        if fact.refused:
            try:
                check_parameters(row.model("http://nowhere"), params)
            except ConfigError as error:
                assert "drop_params" in str(error)
            else:
                raise AssertionError(f"{params} is not refused")
        raise NotThere(fact.reason)
    check_parameters(row.model("http://nowhere"), {"max_tokens": 70} | params)
    reply, request = await answered(row, bench, params=params)
    assert place(request.body, fact) == value
    assert reply.text == "one two three"
    return fact
