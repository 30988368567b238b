"""One request to one model: the only home of litellm.

`complete` sends exactly one HTTP request and either returns a Reply or raises CallFailed. What went
over the wire is observed at the socket (aiohttp's tracing), not taken from litellm's account of it:
the request body, the number of requests, the status, Retry-After and the time from the first byte
sent to the last byte received.
"""

import asyncio
import gc
import json
import os
import re
import ssl
import time
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import SimpleNamespace, TracebackType
from typing import Any, Self

import aiohttp
import certifi

from runner.errors import CallFailed, ConfigError, ErrorKind
from runner.records import Message, Reply, Usage
from runner.redact import api_key, redact
from runner.schema import Model

# How litellm must be told, before it is imported, to fetch nothing and to read no .env file.
_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
}
_BY_STATUS: dict[int, ErrorKind] = {
    401: "auth",
    403: "auth",
    404: "not_found",
    408: "timeout",
    409: "server_error",
    425: "server_error",
    429: "rate_limit",
    503: "overloaded",
    529: "overloaded",
}
# The same error under many names: providers word it, litellm's classes are matched by wording too.
_BY_WORDING: tuple[tuple[str, ErrorKind], ...] = (
    ("insufficient_quota", "insufficient_quota"),
    ("exceeded your current quota", "insufficient_quota"),
    ("context_length_exceeded", "context_window"),
    ("maximum context length", "context_window"),
    ("exceeds the available context size", "context_window"),
    ("prompt is too long", "context_window"),
    ("content_policy_violation", "content_policy"),
    ("content_filter", "content_policy"),
)


@dataclass
class _Wire:
    """What was seen of one call at the socket; times are of `time.perf_counter`."""

    http_requests: int = 0
    body: list[bytes] = field(default_factory=list)
    sent: float | None = None
    received: float | None = None
    status: int | None = None
    retry_after: str | None = None
    unreachable: bool = False

    @property
    def seconds(self) -> float:
        if self.sent is None:
            return 0.0
        return (self.received or time.perf_counter()) - self.sent

    def request(self, messages: list[Message]) -> dict[str, Any]:
        """The body that was sent; messages only where the provider wants another form of them."""
        try:
            body: dict[str, Any] = json.loads(b"".join(self.body) or b"{}")
        except ValueError:
            return {"unreadable": True}
        if body.get("messages") == messages:
            del body["messages"]
        return body


class _Broken(Exception):
    """The connection failed before there was a reply."""


_wire: ContextVar[_Wire | None] = ContextVar("wire", default=None)


def _tracing() -> aiohttp.TraceConfig:
    async def started(_s: Any, _c: SimpleNamespace, _p: aiohttp.TraceRequestStartParams) -> None:
        if wire := _wire.get():
            wire.http_requests += 1
            wire.body.clear()

    async def headers(_s: Any, _c: Any, _p: aiohttp.TraceRequestHeadersSentParams) -> None:
        if (wire := _wire.get()) and wire.sent is None:
            wire.sent = time.perf_counter()

    async def chunk(_s: Any, _c: Any, p: aiohttp.TraceRequestChunkSentParams) -> None:
        if wire := _wire.get():
            wire.body.append(p.chunk)

    async def answered(_s: Any, _c: Any, p: aiohttp.TraceRequestEndParams) -> None:
        if wire := _wire.get():
            wire.status = p.response.status
            wire.retry_after = p.response.headers.get("retry-after")
            p.response.content.on_eof(lambda: setattr(wire, "received", time.perf_counter()))

    async def broken(_s: Any, _c: Any, p: aiohttp.TraceRequestExceptionParams) -> None:
        if wire := _wire.get():
            wire.unreachable = isinstance(p.exception, aiohttp.ClientConnectorError)
            if isinstance(p.exception, aiohttp.ClientError):
                # litellm would post once more, unasked, on an exception that it knows.
                raise _Broken(str(p.exception))

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(started)
    trace.on_request_headers_sent.append(headers)
    trace.on_request_chunk_sent.append(chunk)
    trace.on_request_end.append(answered)
    trace.on_request_exception.append(broken)
    return trace


class Client:
    """The connection to all providers; one for a process, used as `async with Client() as client`."""

    async def __aenter__(self) -> Self:
        self._litellm = _import_litellm()
        context = ssl.create_default_context(
            cafile=os.environ.get("SSL_CERT_FILE") or certifi.where()
        )
        # litellm sets its own time-outs on each request; aiohttp's default of 5 minutes in all and
        # of 100 connections would come on top of them.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=context),
            timeout=aiohttp.ClientTimeout(total=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[_tracing()],
            trust_env=True,
        )
        # Most of litellm's providers take the session; these only its own client around one, which
        # costs half a millisecond more a call.
        from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

        self._handler = AsyncHTTPHandler(shared_session=self._session)
        return self

    def _transport(self, model: Model) -> dict[str, Any]:
        if model.provider.litellm in ("anthropic", "gemini"):
            return {"client": self._handler}
        return {"shared_session": self._session}

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    def check(self, model: Model, params: dict[str, Any]) -> None:
        """Raise ConfigError when litellm knows that this model does not take a parameter."""
        try:
            self._litellm.get_optional_params(
                model=model.id, custom_llm_provider=model.provider.litellm, **params
            )
        except self._litellm.UnsupportedParamsError as error:
            raise ConfigError(
                f"{model.name}: {_first_line(error)}; name what it does not take in the "
                "drop_params of its conf/model/ file"
            ) from None

    async def complete(
        self, model: Model, messages: list[Message], params: dict[str, Any]
    ) -> Reply:
        """Send one HTTP request. Raises CallFailed."""
        wire = _Wire()
        _wire.set(wire)
        timeout = model.provider.timeout
        try:
            async with asyncio.timeout(timeout):
                response = await self._litellm.acompletion(
                    model=model.litellm_id,
                    messages=messages,
                    api_base=model.provider.api_base,
                    # Never None: litellm would look for a key in the environment by itself.
                    api_key=api_key(model) or "none",
                    timeout=timeout,
                    num_retries=0,
                    max_retries=0,
                    drop_params=False,
                    **self._transport(model),
                    **({"extra_body": model.extra_body} if model.extra_body else {}),
                    **params,
                )
            return _reply(response, wire, messages, model)
        except CallFailed:
            raise
        except Exception as error:
            raise _failure(error, wire, messages, timeout) from None


def _import_litellm() -> Any:
    os.environ.update(_ENVIRONMENT)
    # Importing builds two million objects that live for ever: collecting among them is waste.
    gc.disable()
    import litellm

    litellm.suppress_debug_info = True
    litellm.disable_hf_tokenizer_download = True
    litellm.redact_messages_in_exceptions = True
    litellm.drop_params = False
    litellm.callbacks = []
    litellm.cache = None
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # a call makes thousands of objects that die young
    return litellm


def _reply(response: Any, wire: _Wire, messages: list[Message], model: Model) -> Reply:
    """Check that a success is one: litellm passes empty and filtered answers on as they are."""
    request = wire.request(messages)

    def unusable(kind: ErrorKind, message: str) -> CallFailed:
        return CallFailed(
            kind,
            message,
            wire.status,
            seconds=wire.seconds,
            http_requests=wire.http_requests,
            request=request,
        )

    if not response.choices:
        raise unusable("invalid_reply", "the reply has no choices")
    choice = response.choices[0]
    text, reason = choice.message.content, choice.finish_reason
    if text is None and reason == "content_filter":
        raise unusable("content_policy", "the provider's content filter held the answer back")
    return Reply(
        text=text or "",
        finish_reason=reason or "unknown",
        usage=_usage(getattr(response, "usage", None)),
        seconds=wire.seconds,
        model_served=(response.model or "").removeprefix(f"{model.provider.litellm}/") or None,
        request=request,
        http_requests=wire.http_requests,
    )


def _usage(usage: Any) -> Usage | None:
    """None when the provider did not say: litellm makes that zeros, but no prompt is empty."""
    if usage is None or not usage.prompt_tokens:
        return None
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    return Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens or 0,
        cached_input_tokens=getattr(prompt, "cached_tokens", None) or 0,
        reasoning_tokens=getattr(completion, "reasoning_tokens", None) or 0,
    )


def _failure(
    error: Exception, wire: _Wire, messages: list[Message], timeout: float
) -> CallFailed:
    kind = _kind(error, wire)
    message = f"no answer within {timeout:g} s" if kind == "timeout" else _first_line(error)
    return CallFailed(
        kind,
        message,
        wire.status,
        retry_after=_seconds(wire.retry_after),
        unbilled=(wire.status or 0) >= 400 or wire.unreachable or not wire.http_requests,
        seconds=wire.seconds,
        http_requests=wire.http_requests,
        request=wire.request(messages),
    )


def _kind(error: Exception, wire: _Wire) -> ErrorKind:
    """By the status on the wire; litellm's classes are guesses from the wording of a message."""
    name, text = type(error).__name__, str(error).lower()
    if name == "UnsupportedParamsError":
        return "unsupported_param"
    status = wire.status
    if status is None:
        if not wire.http_requests:
            return "bad_request"  # litellm refused it without sending anything
        timed_out = isinstance(error, TimeoutError) or name == "Timeout"
        return "timeout" if timed_out else "connection"
    if status < 400:
        if isinstance(error, TimeoutError) or name == "Timeout":
            return "timeout"
        return "connection" if wire.received is None else "invalid_reply"
    if name == "ContextWindowExceededError":
        return "context_window"
    if name == "ContentPolicyViolationError":
        return "content_policy"
    for wording, kind in _BY_WORDING:
        if wording in text:
            return kind
    return _BY_STATUS.get(status, "server_error" if status >= 500 else "bad_request")


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; its form as a date is as rare as it is easy to misread."""
    try:
        return max(0.0, float(retry_after)) if retry_after else None
    except ValueError:
        return None


def _first_line(error: Exception) -> str:
    """What the provider said, without the class names that litellm stacks before it."""
    line = next(iter(str(error).strip().splitlines()), "")
    said = re.sub(r"^((litellm\.)?\w+(Error|Timeout): )*(\w+Exception -? ?)?", "", line).strip()
    with suppress(ValueError, KeyError, TypeError):  # most providers say it in a JSON body
        said = json.loads(said)["error"]["message"]
    return redact(said or type(error).__name__)[:500]
