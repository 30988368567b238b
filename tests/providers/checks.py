"""All behaviours. A check returns what its cell of the table shows.

It raises AssertionError where the provider does not behave, and NotThere for a hole.
"""

import asyncio
from collections.abc import Awaitable, Callable

from runner.calls.transport import Transport
from runner.drill.loopback.server import Host
from tests.providers import answering, asking, compiling, failing, streaming, tooling
from tests.providers.calls import Bench
from tests.providers.table import Row

Check = Callable[[Row, Bench], Awaitable[str]]

GROUPS: dict[str, list[Check]] = {
    "What is asked": [
        asking.path,
        asking.key,
        asking.system,
        asking.max_tokens,
        asking.temperature,
        asking.stop,
        asking.seed,
    ],
    "What is asked besides": [
        asking.schema,
        asking.json_object,
        asking.extra_body,
        asking.unknown,
        asking.image,
        asking.document,
        asking.conversation,
    ],
    "What litellm compiles": [compiling.rendered, compiling.compiles],
    "What is answered": [
        answering.text,
        answering.endings,
        answering.usage,
        answering.no_usage,
        answering.not_json,
        answering.empty,
    ],
    "What fails": [
        failing.statuses,
        failing.context_window,
        failing.content_policy,
        failing.quota,
        failing.retry_after,
        failing.timeout,
        failing.connection,
    ],
    "What is streamed": [
        streaming.stream,
        streaming.stream_endings,
        streaming.first_token,
        streaming.broken_stream,
        streaming.stream_no_usage,
        streaming.stream_schema,
        streaming.cut_anywhere,
        streaming.not_a_stream,
    ],
    "Tools": [
        tooling.offered,
        tooling.call_whole,
        tooling.call_streamed,
        tooling.two_calls,
        tooling.results,
    ],
}


def name(check: Check) -> str:
    return check.__name__


CHECKS = {name(check): check for checks in GROUPS.values() for check in checks}


async def cell(row: Row, check: Check) -> str:
    """On a simulated loop."""
    clock = asyncio.get_running_loop().time
    async with Host() as host, Transport(unix_socket=host.socket, clock=clock) as transport:
        return await check(row, Bench(transport, host))
