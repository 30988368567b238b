"""What all providers' ways to answer have in common: a text, whole or as a stream, or an error.

A drill trusts the requests that it gets; that they are as a provider wants them is held by tests.
"""

import json
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

from runner.drill.loopback.exchange import HttpAnswer, HttpRequest, Piece
from runner.record.outcomes import ToolCall, Usage

_READING_SECONDS = 0.001
USAGE = Usage(input_tokens=10, output_tokens=5)


@dataclass(frozen=True)
class Saying:
    """What a provider is to answer; `usage` None: it does not say."""

    text: str | None
    finish_reason: str = "stop"
    usage: Usage | None = USAGE
    model: str | None = None  # None: the one asked for
    calls: tuple[ToolCall, ...] = ()
    reasoning: str = ""  # what a drill never has, and not all dialects here can say


@dataclass(frozen=True)
class Events:
    """A stream in the provider's own events."""

    opening: list[Any]
    text: list[Any]
    closing: list[Any]


class Dialect(ABC):
    base_path: str = ""  # what api_base ends in
    target: re.Pattern[str]  # the paths that take a request
    stop: str = "stop"  # its own word for an answer that came to its end
    called: str = "tool_calls"  # and for one that ends with calls of tools
    stream_type = "text/event-stream"
    streams = False  # where a request does not say
    usage_key = "usage"

    def takes(self, path: str) -> bool:
        return bool(self.target.fullmatch(path))

    def asked(self, request: HttpRequest) -> tuple[str, bool]:
        """Which model, and whether for a stream."""
        return str(request.body.get("model")), bool(request.body.get("stream", self.streams))

    @abstractmethod
    def whole(self, saying: Saying) -> dict[str, Any]: ...

    @abstractmethod
    def events(self, saying: Saying) -> Events: ...

    @abstractmethod
    def usage(self, usage: Usage) -> dict[str, Any]: ...

    def ending(self, saying: Saying) -> str:
        """In its own word, where the saying has ours for one that has come to its end."""
        if saying.finish_reason != "stop":
            return saying.finish_reason
        return self.called if saying.calls else self.stop

    def counted(self, saying: Saying) -> dict[str, Any]:
        return {self.usage_key: self.usage(saying.usage)} if saying.usage else {}

    @abstractmethod
    def error(self, status: Any) -> tuple[int, Any]:
        """Status and body of an error, as this provider states it."""

    def frame(self, event: Any) -> bytes:
        return sse(event)

    def refuse(self, request: HttpRequest) -> HttpAnswer | None:
        ours = request.method == "POST" and self.takes(request.path)
        return None if ours and isinstance(request.body, dict) else self.fault(404)

    def complete(self, answer: HttpAnswer, request: HttpRequest) -> HttpAnswer:
        return answer

    def answer(
        self, request: HttpRequest, saying: Saying, delay: float = 0.0, *, cut: bool = False
    ) -> HttpAnswer:
        """Whole or as a stream, whichever was asked for, its first text after `delay` seconds.

        With `cut` the connection closes in the midst of it.
        """
        model, streamed = self.asked(request)
        reason = self.ending(saying)
        saying = replace(saying, finish_reason=reason, model=saying.model or model)
        if not streamed:
            answer = HttpAnswer(body=self.whole(saying), delay=delay)
            short = len(answer.content) - 10
            return replace(answer, ending="close", cut=short) if cut else answer
        events = self.events(saying)
        opening = [Piece(self.frame(event)) for event in events.opening]
        first, *rest = [Piece(self.frame(event)) for event in (*events.text, *events.closing)]
        # A client drops what it has not yet read when the connection closes.
        after = [Piece(b"\n", _READING_SECONDS)] if cut else rest
        return HttpAnswer(
            headers={"content-type": self.stream_type},
            pieces=(*opening, replace(first, delay=delay), *after),
            ending="close" if cut else "keep",
        )

    def fault(self, status: Any, retry_after: float | str | None = None) -> HttpAnswer:
        """An error instead of an answer; `retry_after` in seconds, or as it is to stand there."""
        status, body = self.error(status)
        page = {"content-type": "text/html"} if isinstance(body, bytes) else {}
        wait = {} if retry_after is None else {"retry-after": str(retry_after)}
        return HttpAnswer(status, body, page | wait)


def sse(event: Any) -> bytes:
    """A server-sent event: an object as JSON, a text as it is."""
    data = event if isinstance(event, str) else json.dumps(event)
    return f"data: {data}\n\n".encode()


def words(text: str | None) -> list[str]:
    """A text in pieces as a model would stream it."""
    return re.findall(r"\s*\S+|\s+", text or "")


def halves(call: ToolCall) -> list[str]:
    """The arguments of a call in pieces as a model would stream them."""
    middle = len(call.arguments) // 2
    return list(filter(None, (call.arguments[:middle], call.arguments[middle:])))


# What an error of a status is called, for those who have a word for it.
_KINDS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def kind(status: int) -> str:
    return _KINDS.get(status, "invalid_request_error")
