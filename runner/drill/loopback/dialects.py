"""How providers answer, each in its own format; most speak like OpenAI."""

import json
import re
from collections.abc import Sequence
from typing import Any

from runner.drill.loopback.dialect import Dialect, Events, Saying, halves, kind, words
from runner.drill.loopback.exchange import HttpRequest
from runner.record.outcomes import ToolCall, Usage

_GOOGLE_STATUS = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "CANCELLED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}


class OpenAI(Dialect):
    base_path = "/v1"
    target = re.compile(".*/chat/completions")

    def whole(self, saying: Saying) -> dict[str, Any]:
        body = completion(saying.text, saying.finish_reason, saying.model)
        if saying.calls:
            calls = [call.message() for call in saying.calls]
            body["choices"][0]["message"]["tool_calls"] = calls
        return body | self.counted(saying)

    def events(self, saying: Saying) -> Events:
        """The usage comes last, asked for or not: some never have to be asked."""
        body = self.whole(saying)
        opening, *text, closing = chunks(body)
        return Events([opening], text, [closing, *usage_chunks(body), "[DONE]"])

    def usage(self, usage: Usage) -> dict[str, Any]:
        return {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.input_tokens + usage.output_tokens,
        }

    def error(self, status: Any) -> tuple[int, Any]:
        stated = {"message": f"loopback: {status}", "type": kind(status), "param": None}
        return status, {"error": stated | {"code": None}}


class Anthropic(Dialect):
    target = re.compile("/v1/messages")
    stop = "end_turn"
    called = "tool_use"

    def whole(self, saying: Saying) -> dict[str, Any]:
        return {
            "id": "msg_loopback",
            "type": "message",
            "role": "assistant",
            "model": saying.model,
            "content": [
                *([{"type": "text", "text": saying.text}] if saying.text else []),
                *(_use(call, json.loads(call.arguments)) for call in saying.calls),
            ],
            "stop_reason": saying.finish_reason,
            "stop_sequence": None,
        } | self.counted(saying)

    def events(self, saying: Saying) -> Events:
        """The usage comes in two halves: the input at the start, the output at the end."""
        message = self.whole(saying) | {"content": [], "stop_reason": None}
        delta = {"stop_reason": saying.finish_reason, "stop_sequence": None}
        end: dict[str, Any] = {"type": "message_delta", "delta": delta}
        if saying.usage:
            message["usage"] |= {"output_tokens": 1}
            end["usage"] = {"output_tokens": saying.usage.output_tokens}
        start, last = {"type": "message_start", "message": message}, {"type": "message_stop"}
        if saying.calls:
            return Events([start, {"type": "ping"}], _parts(saying), [end, last])
        opening = [
            start,
            block(0, "start", content_block={"type": "text", "text": ""}),
            {"type": "ping"},
        ]
        deltas = [{"type": "text_delta", "text": word} for word in words(saying.text)]
        text = [block(0, "delta", delta=each) for each in deltas]
        return Events(opening, text, [block(0, "stop"), end, last])

    def usage(self, usage: Usage) -> dict[str, Any]:
        return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}

    def frame(self, event: Any) -> bytes:
        return f"event: {event['type']}\n".encode() + super().frame(event)

    def error(self, status: Any) -> tuple[int, Any]:
        return status, anthropic_error(kind(status), f"loopback: {status}")


class Gemini(Dialect):
    base_path = "/v1beta"
    stop = called = "STOP"
    usage_key = "usageMetadata"
    target = re.compile(
        r"/v1beta/models/(?P<model>[\w.-]+):"
        r"(generateContent|(?P<stream>streamGenerateContent\?alt=sse))"
    )

    def asked(self, request: HttpRequest) -> tuple[str, bool]:
        target = self.target.fullmatch(request.path)
        assert target
        return target["model"], bool(target["stream"])

    def whole(self, saying: Saying) -> dict[str, Any]:
        parts = [{"text": saying.text}] if saying.text else []
        return self.event(saying, [*parts, *map(_called, saying.calls)], saying.finish_reason)

    def events(self, saying: Saying) -> Events:
        """Each carries the usage up to it and the model; the last one the ending."""
        text = [self.event(saying, [{"text": word}]) for word in words(saying.text)]
        text += [self.event(saying, [_called(call)]) for call in saying.calls]
        return Events([], text, [self.event(saying, [{"text": ""}], saying.finish_reason)])

    def event(self, saying: Saying, parts: list[Any], end: str | None = None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
        if end:
            candidate["finishReason"] = end
            if not any(part.get("text", True) for part in parts) and end not in (
                "STOP",
                "MAX_TOKENS",
            ):
                del candidate["content"]
        said = {"candidates": [candidate], "modelVersion": saying.model, "responseId": "x"}
        return said | self.counted(saying)

    def usage(self, usage: Usage) -> dict[str, Any]:
        return {
            "promptTokenCount": usage.input_tokens,
            "candidatesTokenCount": usage.output_tokens,
            "totalTokenCount": usage.input_tokens + usage.output_tokens,
        }

    def error(self, status: Any) -> tuple[int, Any]:
        return google_error(status, f"loopback: {status}")


class Ollama(Dialect):
    """Its own chat API, a line of JSON for each event of a stream."""

    target = re.compile("/api/chat")
    stream_type = "application/x-ndjson"
    called = "stop"
    streams = True  # unasked it does

    def whole(self, saying: Saying) -> dict[str, Any]:
        said = message(saying, saying.text or "", calls=saying.calls)
        return self._last(saying) | {"message": said["message"]}

    def events(self, saying: Saying) -> Events:
        text = [message(saying, word) for word in words(saying.text)]
        text += [message(saying, "", calls=(call,)) for call in saying.calls]
        return Events([], text, [self._last(saying)])

    def _last(self, saying: Saying) -> dict[str, Any]:
        event = message(saying, "") | {"done": True, "done_reason": saying.finish_reason}
        counts = self.usage(saying.usage) if saying.usage else {}
        return event | counts | {"total_duration": 1_000_000}

    def usage(self, usage: Usage) -> dict[str, Any]:
        return {"prompt_eval_count": usage.input_tokens, "eval_count": usage.output_tokens}

    def frame(self, event: Any) -> bytes:
        return json.dumps(event).encode() + b"\n"

    def error(self, status: Any) -> tuple[int, Any]:
        return status, {"error": f"loopback: {status}"}


def completion(content: str | None, finish_reason: str, model: str | None) -> dict[str, Any]:
    """The body of a chat completion; without `model` the server fills in the requested one."""
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}
    body = {
        "id": "chatcmpl-loopback",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "choices": [choice],
        "service_tier": "default",  # litellm fails on a reply of groq without it
    }
    return body | ({"model": model} if model else {})


def chunks(completion: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of a stream that says the same as a whole completion, a word at a time."""
    kept = ("id", "created", "model", "service_tier")
    frame = {key: completion[key] for key in kept if key in completion}
    frame |= {"object": "chat.completion.chunk"}
    found = []
    for choice in completion["choices"]:
        message = choice["message"]
        deltas: list[dict[str, Any]] = [{"content": word} for word in words(message["content"])]
        deltas = [{"role": "assistant", "content": ""}, *deltas]
        calls = message.get("tool_calls", ())
        deltas += [
            {"tool_calls": [each]} for n, call in enumerate(calls) for each in _pieces(n, call)
        ]
        ends = [*[None] * len(deltas), choice["finish_reason"]]
        found += [
            frame | {"choices": [{"index": choice["index"], "delta": delta, "finish_reason": end}]}
            for delta, end in zip([*deltas, {}], ends, strict=True)
        ]
    return found


def _pieces(index: int, call: dict[str, Any]) -> list[dict[str, Any]]:
    """A call as a stream has it: its name first, then the arguments."""
    function = call["function"]
    begun = call | {"index": index, "function": {"name": function["name"], "arguments": ""}}
    given = ToolCall(id=call["id"], name=function["name"], arguments=function["arguments"])
    return [begun, *({"index": index, "function": {"arguments": a}} for a in halves(given))]


def usage_chunks(completion: dict[str, Any]) -> list[dict[str, Any]]:
    """None where the completion has no usage."""
    chunk = completion | {"object": "chat.completion.chunk", "choices": []}
    return [chunk] if "usage" in completion else []


def block(index: int, step: str, **more: Any) -> dict[str, Any]:
    """An event of Anthropic's about a part of an answer."""
    return {"type": f"content_block_{step}", "index": index} | more


def _use(call: ToolCall, given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": given}


def _parts(saying: Saying) -> list[dict[str, Any]]:
    """The blocks of an answer with calls: its text, then each call, in events."""
    text = [{"type": "text_delta", "text": word} for word in words(saying.text)]
    whole = [({"type": "text", "text": ""}, text)] if text else []
    for call in saying.calls:
        given = [{"type": "input_json_delta", "partial_json": piece} for piece in halves(call)]
        whole.append((_use(call, {}), given))
    return [
        event
        for n, (start, deltas) in enumerate(whole)
        for event in (
            block(n, "start", content_block=start),
            *(block(n, "delta", delta=delta) for delta in deltas),
            block(n, "stop"),
        )
    ]


def _called(call: ToolCall) -> dict[str, Any]:
    """A part of Google's: whole, and without an id."""
    return {"functionCall": {"name": call.name, "args": json.loads(call.arguments)}}


def anthropic_error(kind: str, message: str) -> dict[str, Any]:
    error = {"type": kind, "message": message}
    return {"type": "error", "error": error, "request_id": "req_loopback"}


def google_error(status: int, message: str, *details: dict[str, Any]) -> tuple[int, Any]:
    word = _GOOGLE_STATUS.get(status, "INVALID_ARGUMENT")
    stated = {"code": status, "message": message, "status": word}
    return status, {"error": stated | ({"details": list(details)} if details else {})}


def message(
    saying: Saying, content: str, thinking: str = "", calls: Sequence[ToolCall] = ()
) -> dict[str, Any]:
    """An event of Ollama's."""
    said: dict[str, Any] = {"role": "assistant", "content": content}
    if calls:
        named = [{"name": each.name, "arguments": json.loads(each.arguments)} for each in calls]
        said["tool_calls"] = [{"function": function} for function in named]
    return {
        "model": saying.model,
        "created_at": "2026-11-23T12:00:00Z",
        "message": said | ({"thinking": thinking} if thinking else {}),
        "done": False,
    }
