"""What goes back and forth over the wire: a request as it came in, an answer as it goes out."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class HttpRequest:
    """One request as it came in; `number` counts from 1 in order of arrival."""

    number: int
    method: str
    path: str
    headers: Mapping[str, str]  # names in lower case
    body: Any  # the parsed JSON; None when it is none
    time: float  # of the event loop's clock, at its last byte

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
class Piece:
    """A piece of a streamed body, sent `delay` seconds after the one before."""

    data: bytes
    delay: float = 0.0


@dataclass(frozen=True)
class HttpAnswer:
    """What goes back over the wire, and how the connection ends.

    A `body` of bytes is sent as it is, anything else as JSON. `cut` sends only so many bytes of it;
    0: no head either. With `pieces` the body is streamed instead; any `ending` but "keep" then
    leaves it without its proper end.
    """

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    ending: Literal["keep", "hang", "reset", "close"] = "keep"
    cut: int | None = None
    pieces: tuple[Piece, ...] = ()

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


AnswerFunction = Callable[[HttpRequest], HttpAnswer]


class Speaks(Protocol):
    """A provider as the server needs to know it."""

    @property
    def base_path(self) -> str:
        """What the address that a client is configured with ends in: /v1."""

    def refuse(self, request: HttpRequest) -> HttpAnswer | None:
        """What the original says to a request that it does not take."""

    def complete(self, answer: HttpAnswer, request: HttpRequest) -> HttpAnswer:
        """An answer with what it leaves open filled in from the request."""


def resolve(answer: HttpAnswer | AnswerFunction, request: HttpRequest) -> HttpAnswer:
    return answer if isinstance(answer, HttpAnswer) else answer(request)
