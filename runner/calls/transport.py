"""One request to one model: `complete` sends exactly one and gives a Reply or raises CallFailed.

litellm says what is sent (compile.py), or sends it by itself where it can't be said beforehand
(translate.py). Either way the request goes over our session, and what goes over the wire and what
comes back is read at the socket (wire.py): of litellm's own account of a reply nothing is used.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from math import inf
from types import TracebackType
from typing import Any, Self

from yarl import URL

from runner.calls import clouds, connections, translate
from runner.calls import wire as on_the_wire
from runner.calls.calling import characters
from runner.calls.compile import MOST, Template, Templates, named, ordinary, origin
from runner.calls.deadline import deadline
from runner.calls.failures import failure, success
from runner.calls.wire import Clock, Wire
from runner.cases import attachments, reading
from runner.config.schema import Single
from runner.record.outcomes import Message, Reply

_CHUNK_BYTES = 65536


class Transport:
    """The connection to all providers, one for a process: `async with Transport() as transport`.

    `callbacks` are those of litellm's integrations that are told of every call, which litellm then
    makes itself. A drill has a `clock` (in seconds) of its own, and all its providers behind one
    `unix_socket`.
    """

    def __init__(
        self,
        callbacks: Sequence[str] = (),
        *,
        unix_socket: str | None = None,
        clock: Clock = time.perf_counter,
        templates: Templates | None = None,
    ) -> None:
        self._callbacks, self._unix_socket, self._clock = callbacks, unix_socket, clock
        self._templates = templates or Templates()
        self._names: dict[tuple[Any, ...], tuple[str, Single]] = {}
        self._calls: translate.Calls | None = None
        self._ending = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as ending:
            self._session = connections.session(self._unix_socket)
            ending.push_async_callback(self._close)
            if self._callbacks:
                told = ending.enter_context(translate.told(self._callbacks))
                ending.push_async_callback(translate.flush, told)
            self._ending = ending.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._ending.aclose()

    async def _close(self) -> None:
        await self._session.close()
        if self._calls:
            translate.forget_clients()

    async def complete(
        self,
        model: Single,
        messages: list[Message],
        params: dict[str, Any],
        on_text: Callable[[str], None] | None = None,
        on_start: Callable[[], None] | None = None,
        *,
        stream: bool = False,
    ) -> Reply:
        """Send one HTTP request; `on_start` is called when it is at the socket. Raises CallFailed.

        With `stream` the answer is streamed, where the provider's are, and so it is with `on_text`,
        which gets each piece of text as it comes. The reply's `first_token_seconds` is None when no
        answer came, as when reasoning took all the tokens.
        """
        if on_text and not model.provider.streams:
            reply = await self.complete(model, messages, params, None, on_start)
            on_text(reply.text)
            return reply
        streamed = bool(on_text or stream) and model.provider.streams
        sent, hashes = messages, dict[str, str]()
        if special := _special(messages):
            sent, hashes = await asyncio.to_thread(attachments.load, messages)
        key = await clouds.secret(model)
        way = special or await self._way(model, sent, params, key, streamed=streamed)
        wire = Wire(
            model.provider.litellm,
            sent,
            streamed,
            hashes,
            self._clock,
            by_litellm=way if isinstance(way, str) else "",
            max_reply_bytes=model.provider.max_reply_bytes,
            most_tokens=(model.context_tokens, params.get("max_tokens", inf)),
        )
        on_the_wire.current.set(wire)
        listener = _Listener(on_text, model, wire) if streamed else None
        timeout = model.provider.timeout
        try:
            async with deadline(timeout) as start:
                wire.starts = [start, *([on_start] if on_start else [])]
                if isinstance(way, Template):
                    await self._send(way, model, sent, key, listener)
                else:
                    await self._have_sent(model, sent, params, key, listener)
            if listener:
                listener.end()
        except _ListenerFailed as failed:
            raise failed.error from None
        except Exception as error:
            raise failure(error, wire, timeout) from None
        if not wire.http_requests:
            raise RuntimeError("litellm sent this over a connection that is not ours")
        reply = success(wire, timeout)
        text, thought = reading.without_reasoning(reply.text, model.reasoning_tags)
        if text == reply.text and not thought:
            return reply
        reasoning = "\n\n".join(filter(None, [reply.reasoning, thought]))
        return reply.model_copy(update={"text": text, "reasoning": reasoning})

    async def get_ready(
        self, model: Single, messages: list[Message], params: dict[str, Any], *, streamed: bool
    ) -> None:
        """Do what the first request of such would have to wait for; nothing is sent."""
        key = await clouds.secret(model)
        streamed = streamed and model.provider.streams
        await self._way(model, messages, params, key, streamed=streamed)

    async def _way(
        self,
        model: Single,
        messages: list[Message],
        params: dict[str, Any],
        key: str,
        *,
        streamed: bool,
    ) -> Template | str:
        """The template of this request, or why litellm is to send it."""
        if self._callbacks:
            return "callbacks are told of litellm's own calls"
        if model.provider.signs:
            return "each is signed"
        if not (model.compiled and model.provider.compiled):
            return "compiled: false"
        if not ordinary(key):
            return "the key is of a kind that changes more than its header"
        roles = tuple(message["role"] for message in messages)
        # Equal settings, equal name: worked out once for a model, which is kept alive with it.
        asked = hashlib.sha256(json.dumps([params, roles]).encode()).digest()
        shape = (id(model), asked, streamed)
        if shape not in self._names:
            if len(self._names) >= 4 * MOST:  # who asks in ever other ways fills no memory
                self._names.clear()
            self._names[shape] = named(model, params, roles, streamed), model
        name, _ = self._names[shape]
        template = self._templates.known(name)
        if template is None and self._templates.full:
            return "it is one of too many kinds"
        if template is None:
            template = await asyncio.to_thread(
                self._templates.get, name, model, params, roles, streamed
            )
        texts = (message["content"] for message in messages)
        if isinstance(template, Template) and not template.takes(texts):
            return "litellm treats an empty text, or white space around one, in its own way"
        return template

    async def _send(
        self,
        template: Template,
        model: Single,
        messages: list[Message],
        key: str,
        listener: "_Listener | None",
    ) -> None:
        texts = [message["content"] for message in messages]
        request = template.filled(texts, key, origin(model))
        async with self._session.request(
            request.method,
            URL(request.url, encoded=True),
            data=request.body,
            headers=request.headers,
            allow_redirects=False,
            auto_decompress=False,  # the wire does it
        ) as response:
            async for _ in response.content.iter_chunked(_CHUNK_BYTES):
                if listener:
                    listener.hear()

    async def _have_sent(
        self,
        model: Single,
        messages: list[Message],
        params: dict[str, Any],
        key: str,
        listener: "_Listener | None",
    ) -> None:
        if self._calls is None:
            self._calls = translate.Calls(self._session)
        hear = listener.hear if listener else None
        wire = on_the_wire.current.get()
        try:
            await self._calls.send(model, messages, params, key, hear)
        except (_ListenerFailed, TimeoutError):
            raise
        except Exception:
            # What litellm can't make sense of, we may.
            if wire is None or not await wire.drained():
                raise


def _special(messages: list[Message]) -> str:
    """Why there is no template for such messages; empty: there may be one."""
    for message in messages:
        if not isinstance(message["content"], str):
            return "images or files go with it"
        if message["role"] == "tool" or "tool_calls" in message:
            return "calls of tools go with it"
    return "it begins the answer" if messages and messages[-1]["role"] == "assistant" else ""


class _ListenerFailed(Exception):
    def __init__(self, error: Exception) -> None:
        self.error = error


class _Listener:
    """Hands on a streamed answer, less its reasoning, in pieces that are whole characters."""

    def __init__(self, on_text: Callable[[str], None] | None, model: Single, wire: Wire) -> None:
        self._on_text, self._wire = on_text, wire
        self._answer = reading.Pieces(model.reasoning_tags)
        self._heard = 0
        self._half = ""  # of a character, whose other half the next piece may bring

    def hear(self) -> None:
        """What has come since the last time."""
        if self._on_text is None:  # the wire has timed it, and nobody waits for it
            return
        text = self._wire.said.text
        new, self._heard = text[self._heard :], len(text)
        for piece in new:
            whole, self._half = _halved(self._half + piece)
            self._hand_on(self._answer.feed(whole))

    def end(self) -> None:
        self._wire.read()
        self.hear()
        self._hand_on(self._answer.feed(characters(self._half)) + self._answer.end())

    def _hand_on(self, piece: str) -> None:
        """Its errors are not the provider's: a closed pipe is no broken connection."""
        if not (piece and self._on_text):
            return
        self._wire.delivered = True
        try:
            self._on_text(piece)
        except Exception as error:
            raise _ListenerFailed(error) from None


def _halved(text: str) -> tuple[str, str]:
    """Whole characters, and the half that stands at the end of them."""
    end = len(text) - ("\ud800" <= text[-1:] <= "\udbff")
    return characters(text[:end]), text[end:]
