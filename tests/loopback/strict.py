"""Providers as strict as the originals: what they refuse, how they err, how their streams break."""

import base64
import hashlib
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from jsonschema import Draft202012Validator, ValidationError

from runner.drill.loopback.dialect import Dialect, Events, Saying
from runner.drill.loopback.exchange import HttpAnswer, HttpRequest, Piece

# An error by its HTTP status, or one of three that share their status with others.
Fault = int | Literal["context_window", "content_policy", "no_quota"]


@dataclass(frozen=True)
class ChatRequest:
    """A request in words that all providers share; None: it does not say."""

    model: str
    text: str  # of the last message
    system: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    json_schema: dict[str, Any] | None = None
    stream: bool = False
    images: tuple[str, ...] = ()  # SHA-256 of each
    files: tuple[str, ...] = ()  # of PDFs, likewise
    said: tuple[tuple[str, str], ...] = ()  # by whom, and the text, of messages beside the system's
    tools: tuple[str, ...] = ()  # their names
    calls: tuple[tuple[str, Any], ...] = ()  # names and arguments of those that it has made
    results: tuple[str, ...] = ()  # of these, as it got them


@dataclass(frozen=True)
class Flow:
    """How fast a stream flows, in seconds, and how it breaks `after` so many pieces of text.

    cut: the connection closes. hang: nothing more comes. error: an event says so. garbage: a line
    is no JSON. unfinished: it ends in peace, without what should close it.
    """

    first_delay: float = 0.0
    delay: float = 0.0
    breaks: Literal["cut", "hang", "error", "garbage", "unfinished"] | None = None
    after: int = 1


STEADY = Flow()


class Format(Dialect):
    """One provider: strict about what it is sent, true in what it answers."""

    name: str  # as in conf/provider/
    litellm: str  # litellm's prefix
    path: str  # of a request, after base_path; a prefix of it where the model is a part of it
    key_header: str | None = "authorization"  # None: it takes no key
    headers: Mapping[str, str] = {}  # others that it insists on
    finish_reasons: Mapping[str, str]  # its own words, and ours for them
    schema: Mapping[str, Any]  # of a request's body

    @abstractmethod
    def read(self, request: HttpRequest) -> ChatRequest:
        """Only of a request that was not refused."""

    @abstractmethod
    def error(self, fault: Fault) -> tuple[int, Any]: ...

    @abstractmethod
    def refusal(self, problem: ValidationError) -> HttpAnswer:
        """What it says to a body that its schema does not allow."""

    def error_event(self, fault: Fault) -> Any:
        """An error in the midst of a stream."""
        return self.error(fault)[1]

    def say(self, request: HttpRequest, saying: Saying, flow: Flow = STEADY) -> HttpAnswer:
        """Whole or as a stream, whichever was asked for."""
        model, streamed = self.asked(request)
        reason = self._own_word(self.ending(saying))
        saying = replace(saying, finish_reason=reason, model=saying.model or model)
        if not streamed:
            return HttpAnswer(body=self.whole(saying), delay=flow.first_delay)
        return self._streamed(self.events(saying), flow)

    def _own_word(self, reason: str) -> str:
        if reason in self.finish_reasons:
            return reason
        same = (own for own, ours in self.finish_reasons.items() if ours == reason)
        return next(same, reason)

    def _streamed(self, events: Events, flow: Flow) -> HttpAnswer:
        text = events.text if flow.breaks in (None, "unfinished") else events.text[: flow.after]
        pieces = [Piece(self.frame(event)) for event in events.opening]
        for number, event in enumerate(text):
            pieces.append(Piece(self.frame(event), flow.delay if number else flow.first_delay))
        closing = [Piece(self.frame(event)) for event in events.closing]
        match flow.breaks:
            case None:
                pieces += closing
            case "garbage":
                broken = self.frame(events.text[0]).rstrip()[:-8] + b"\n\n"
                rest = [Piece(self.frame(event)) for event in events.text[flow.after :]]
                pieces += [Piece(broken), *rest, *closing]
            case "error":
                pieces.append(Piece(self.frame(self.error_event(503))))
        return HttpAnswer(
            headers={"content-type": self.stream_type},
            pieces=tuple(pieces),
            ending={"cut": "close", "hang": "hang"}.get(flow.breaks or "", "keep"),  # type: ignore[arg-type]
        )

    def refuse(self, request: HttpRequest) -> HttpAnswer | None:
        return self.refuse_head(request) or self._refuse_body(request)

    def refuse_head(self, request: HttpRequest) -> HttpAnswer | None:
        if request.method != "POST" or not self.takes(request.path):
            return self.fault(404)
        if self.key_header and not self.key_of(request):
            return self.fault(401)
        if any(request.headers.get(name) != value for name, value in self.headers.items()):
            return self.fault(400)
        return None

    def _refuse_body(self, request: HttpRequest) -> HttpAnswer | None:
        problem = next(Draft202012Validator(self.schema).iter_errors(request.body), None)
        if problem is None and (unpaired := self.unpaired(request.body)):
            problem = ValidationError(unpaired)
        return self.refusal(problem) if problem else None

    def unpaired(self, body: Any) -> str | None:
        """What is wrong with the calls of tools in a conversation, and their results."""
        return None

    def takes(self, path: str) -> bool:
        return path == self.base_path + self.path

    def key_of(self, request: HttpRequest) -> str:
        given = request.headers.get(self.key_header or "", "")
        if self.key_header == "authorization":
            return given.removeprefix("Bearer ") if given.startswith("Bearer ") else ""
        return given


@dataclass(frozen=True)
class AnyBody:
    """A provider that takes keys of a body which we have not heard of."""

    speaks: Format

    @property
    def base_path(self) -> str:
        return self.speaks.base_path

    def refuse(self, request: HttpRequest) -> HttpAnswer | None:
        return self.speaks.refuse_head(request)

    def complete(self, answer: HttpAnswer, request: HttpRequest) -> HttpAnswer:
        return answer


def unknown_keys(problem: ValidationError) -> list[str]:
    """Empty when something else is wrong with the body."""
    body: Any = problem.instance
    schema: Any = problem.schema
    if problem.validator != "additionalProperties":
        return []
    return sorted(body.keys() - schema["properties"].keys())


def where(problem: ValidationError) -> str:
    return ".".join(str(step) for step in problem.absolute_path)


def object_of(properties: Mapping[str, Any], required: Iterable[str] = ()) -> dict[str, Any]:
    """The schema of an object that takes these keys and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def sha256_of(encoded: str) -> str:
    """Of a file in base64, with or without the head of a data URL."""
    data = base64.b64decode(encoded.rpartition(",")[2], validate=True)
    return hashlib.sha256(data).hexdigest()


STRING = {"type": "string"}
NUMBER = {"type": "number"}
INTEGER = {"type": "integer"}
BOOLEAN = {"type": "boolean"}
OBJECT = {"type": "object"}
STRINGS = {"type": "array", "items": STRING}
