"""A provider on the loopback interface that speaks OpenAI's chat completions, for the tests.

What it answers is a plain function of the request:

    with Loopback(lambda request: text(request.text.upper())) as server:
        ...  # send to server.base_url
    assert server.requests[0].body["temperature"] == 0.0

It runs in a thread with an event loop of its own, so async tests and programs in subprocesses can
use it alike. Like the original it refuses what is no chat completion, with the original's words.
An exception in the answer function reaches the client as a 500 and is raised again on exit.
"""

import asyncio
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import responses
from types import TracebackType
from typing import Any, Literal, Self

MAX_HEAD = 64 * 1024
MAX_BODY = 16 * 1024 * 1024
ROLES = {"system", "developer", "user", "assistant", "tool"}


@dataclass(frozen=True)
class Request:
    """One request as it came in; `number` counts from 1 in order of arrival."""

    number: int
    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: Any  # the parsed JSON; None when it is none
    time: float  # time.monotonic() at its last byte

    @property
    def model(self) -> str:
        return str(self.body["model"])

    @property
    def text(self) -> str:
        """The content of the last message."""
        return str(self.body["messages"][-1]["content"])

    @property
    def key(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


@dataclass(frozen=True)
class Answer:
    """What goes back over the wire, and how the connection ends.

    A `body` of bytes is sent as it is, anything else as JSON; a chat completion that names no
    model gets the requested one. `cut` sends only so many bytes of the whole reply, head included.
    """

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    ending: Literal["keep", "hang", "reset", "close"] = "keep"
    cut: int | None = None


AnswerFunction = Callable[[Request], Answer]


class Loopback:
    """The server: a context manager. `answer` may be replaced while it runs."""

    def __init__(self, answer: Answer | AnswerFunction) -> None:
        self.answer = answer
        self.peak = 0  # most requests that were waiting for their answers at once
        self._requests: list[Request] = []
        self._arrival = threading.Condition()
        self._raised: BaseException | None = None
        self._connections: set[_Connection] = set()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._port: int = self._socket.getsockname()[1]
        # Named, because under uvloop's policy new_event_loop() would be uvloop's.
        self._loop = asyncio.SelectorEventLoop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="loopback", daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def requests(self) -> list[Request]:
        """All requests up to now, the refused ones too, in order of arrival."""
        with self._arrival:
            return list(self._requests)

    def wait_for(self, count: int, timeout: float = 10.0) -> list[Request]:
        """Block until `count` requests have arrived. Raises TimeoutError."""
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self._requests) >= count, timeout):
                raise TimeoutError(f"{len(self._requests)} of {count} requests in {timeout} s")
            return list(self._requests)

    def __enter__(self) -> Self:
        # The socket listens already: whoever connects before the thread runs just waits a little.
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=5)
        if self._thread.is_alive():
            raise RuntimeError("the loopback server did not stop; does its answer function block?")
        if self._raised is not None and kind is None:
            raise self._raised

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        server = await self._loop.create_server(
            lambda: _Connection(self), sock=self._socket, backlog=1024
        )
        await self._stop.wait()
        server.close()
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)  # lets the aborted transports close their sockets

    def _record(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> Request:
        with self._arrival:
            number = len(self._requests) + 1
            request = Request(number, method, path, headers, body, time.monotonic())
            self._requests.append(request)
            self._arrival.notify_all()
        self.peak = max(self.peak, sum(connection.busy for connection in self._connections))
        return request

    def _respond(self, request: Request) -> Answer:
        try:
            return _refusal(request) or _resolve(self.answer, request)
        except BaseException as error:  # pytest's own failures are no Exceptions
            self._raised = self._raised or error
            return error_reply(500, f"the answer function raised {error!r}")


class _Connection(asyncio.Protocol):
    """One keep-alive connection: one request at a time, answers in order."""

    def __init__(self, server: Loopback) -> None:
        self.busy = False
        self._server = server
        self._buffer = bytearray()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server._connections.discard(self)
        if self._timer:
            self._timer.cancel()

    def abort(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def _next(self) -> None:
        if self.busy or self._transport.is_closing():
            return
        try:
            parsed = _parse(self._buffer)
        except ValueError as error:
            refused = error_reply(400, str(error))
            self._transport.write(_wire(refused, None))
            self._transport.close()
            return
        if parsed is None:
            return
        self.busy = True
        request = self._server._record(*parsed)
        answer = self._server._respond(request)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(answer.delay, self._send, answer, request)

    def _send(self, answer: Answer, request: Request) -> None:
        if answer.ending == "hang":
            return
        self._transport.write(_wire(answer, request)[: answer.cut])
        if answer.ending == "reset":
            # Lingering for zero seconds makes the kernel send RST instead of FIN.
            linger = struct.pack("ii", 1, 0)
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._transport.abort()
        elif answer.ending == "close":
            self._transport.close()
        self.busy = False
        self._next()


def _parse(buffer: bytearray) -> tuple[str, str, dict[str, str], Any] | None:
    """Take one whole request off the buffer; None when it isn't all there yet.

    Raises ValueError for what is no HTTP, has no plain body, or is too big.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > MAX_HEAD:
            raise ValueError("the request's head is too large")
        return None
    first, *lines = buffer[:end].decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    path, _, version = rest.partition(" ")
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise ValueError("this is not HTTP")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    length = int(headers.get("content-length", "0"))
    if "transfer-encoding" in headers or not 0 <= length <= MAX_BODY:
        raise ValueError("a body needs a Content-Length of at most 16 MiB")
    if len(buffer) < end + 4 + length:
        return None
    raw = bytes(buffer[end + 4 : end + 4 + length])
    del buffer[: end + 4 + length]
    try:
        return method, path, headers, json.loads(raw)
    except ValueError:
        return method, path, headers, None


def _refusal(request: Request) -> Answer | None:
    """What the original would say to a request that is no chat completion."""
    if request.method != "POST" or not request.path.endswith("/chat/completions"):
        return error_reply(404, f"Invalid URL ({request.method} {request.path})")
    if not request.headers.get("content-type", "").startswith("application/json"):
        return error_reply(400, "Expected the header Content-Type: application/json.")
    if not isinstance(request.body, dict):
        return error_reply(400, "We could not parse the JSON body of your request.")
    if not (isinstance(request.body.get("model"), str) and request.body["model"]):
        return error_reply(400, "you must provide a model parameter")
    if problem := _problem_of(request.body.get("messages")):
        return error_reply(400, problem, param="messages")
    if request.body.get("stream"):
        return error_reply(400, "This server does not stream.", param="stream")
    return None


def _problem_of(messages: Any) -> str | None:
    if messages is None:
        return "Missing required parameter: 'messages'."
    if not isinstance(messages, list) or not messages:
        return "Invalid 'messages': expected an array with at least one message."
    for index, message in enumerate(messages):
        where = f"'messages[{index}]'"
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            return f"Invalid {where}: expected an object with a role of {sorted(ROLES)}."
        content = message.get("content")
        if not isinstance(content, str | list) and "tool_calls" not in message:
            return f"Invalid {where}: expected content as a string or an array."
    return None


def _wire(answer: Answer, request: Request | None) -> bytes:
    body = answer.body
    if request and isinstance(body, dict) and body.get("object") == "chat.completion":
        body = {"model": request.model} | body
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "application/json", "content-length": len(content)} | dict(
        answer.headers
    )
    head = f"HTTP/1.1 {answer.status} {responses.get(answer.status, 'Unknown')}\r\n"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{head}{lines}\r\n".encode("latin-1") + content


def _resolve(answer: Answer | AnswerFunction, request: Request) -> Answer:
    return answer if isinstance(answer, Answer) else answer(request)


def in_turn(*answers: Answer | AnswerFunction) -> AnswerFunction:
    """The first answer to the first request, and so on; the last one to all the rest."""
    left = list(answers)

    def answer(request: Request) -> Answer:
        return _resolve(left.pop(0) if len(left) > 1 else left[0], request)

    return answer


# Replies


def tokens(prompt: int, completion: int, *, cached: int = 0, reasoning: int = 0) -> dict[str, Any]:
    """A `usage`: `prompt` includes the cached tokens, `completion` those of the reasoning."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


USAGE = tokens(10, 5)


def completion(
    content: str | None,
    *,
    finish_reason: str = "stop",
    usage: dict[str, Any] | None = USAGE,
    model: str | None = None,
) -> dict[str, Any]:
    """The body of a chat completion; without `model` the server echoes the requested one."""
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}
    body = {
        "id": "chatcmpl-loopback",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "choices": [choice],
        "service_tier": "default",  # litellm fails on a reply of groq without it
    }
    return body | ({"model": model} if model else {}) | ({"usage": usage} if usage else {})


def text(
    content: str | None,
    *,
    finish_reason: str = "stop",
    usage: dict[str, Any] | None = USAGE,
    model: str | None = None,
    delay: float = 0.0,
) -> Answer:
    body = completion(content, finish_reason=finish_reason, usage=usage, model=model)
    return Answer(body=body, delay=delay)


def json_text(value: Any, *, usage: dict[str, Any] | None = USAGE, delay: float = 0.0) -> Answer:
    """A text reply whose text is JSON."""
    return text(json.dumps(value, ensure_ascii=False), usage=usage, delay=delay)


def echo(request: Request) -> Answer:
    return text(request.text)


def truncated(content: str = "The answer is") -> Answer:
    return text(content, finish_reason="length")


def filtered() -> Answer:
    """A success without content, which is how a filter on the output shows."""
    return text(None, finish_reason="content_filter")


def no_choices() -> Answer:
    return Answer(body=completion("") | {"choices": []})


def garbage() -> Answer:
    return Answer(body=b"<html>502 from some proxy</html>")


# Errors that the provider states


def error_reply(
    status: int,
    message: str,
    *,
    type: str = "invalid_request_error",
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    error = {"message": message, "type": type, "param": param, "code": code}
    return Answer(status=status, body={"error": error}, headers=headers or {})


def wrong_key(request: Request) -> Answer:
    """401 that quotes the key with its middle masked, as OpenAI does."""
    return _wrong_key(f"{request.key[:8]}{'*' * 12}{request.key[-4:]}")


def wrong_key_in_full(request: Request) -> Answer:
    """401 that quotes the key as it came, as careless servers do."""
    return _wrong_key(request.key)


def _wrong_key(shown: str) -> Answer:
    message = f"Incorrect API key provided: {shown}. You can find your API key in your account."
    return error_reply(401, message, code="invalid_api_key")


def rate_limited(retry_after: float | str | None = None) -> Answer:
    message = "Rate limit reached on requests per min (RPM): Limit 3, Used 3, Requested 1."
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return error_reply(429, message, type="requests", code="rate_limit_exceeded", headers=headers)


def no_quota() -> Answer:
    message = "You exceeded your current quota, please check your plan and billing details."
    return error_reply(429, message, type="insufficient_quota", code="insufficient_quota")


def too_long(limit: int = 8192, given: int = 9000) -> Answer:
    message = (
        f"This model's maximum context length is {limit} tokens. However, your messages resulted "
        f"in {given} tokens. Please reduce the length of the messages."
    )
    return error_reply(400, message, code="context_length_exceeded", param="messages")


def against_policy() -> Answer:
    message = "Your request was rejected as a result of our safety system."
    return error_reply(400, message, code="content_policy_violation")


def no_model(request: Request) -> Answer:
    message = f"The model `{request.model}` does not exist or you do not have access to it."
    return error_reply(404, message, code="model_not_found")


def server_error() -> Answer:
    message = "The server had an error while processing your request. Sorry about that!"
    return error_reply(500, message, type="server_error")


def overloaded(retry_after: float | str | None = None) -> Answer:
    message = "The engine is currently overloaded, please try again later."
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return error_reply(503, message, type="server_error", headers=headers)


# Errors of the connection


def hang() -> Answer:
    """Never answers; the connection stays open until one side closes it."""
    return Answer(ending="hang")


def reset() -> Answer:
    """RST before the first byte of a reply."""
    return Answer(ending="reset", cut=0)


def closed() -> Answer:
    """The connection is closed before the first byte of a reply."""
    return Answer(ending="close", cut=0)


def cut_off() -> Answer:
    """The connection is closed in the middle of the body: the answer was made, and billed."""
    return Answer(body=completion("The answer"), ending="close", cut=200)
