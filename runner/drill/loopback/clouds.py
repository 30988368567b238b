"""How the clouds answer: OpenAI's and Google's formats below other paths, and two of their own."""

import json
import re
from struct import pack
from typing import Any
from urllib.parse import unquote
from zlib import crc32

from runner.drill.loopback.dialect import Dialect, Events, Saying, halves, words
from runner.drill.loopback.dialects import Gemini, OpenAI
from runner.drill.loopback.exchange import HttpRequest
from runner.record.outcomes import ToolCall, Usage


class Vertex(Gemini):
    """The same of Google Cloud, where a model stands below a project and a location."""

    base_path = ""
    target = re.compile(
        r"/v1/projects/[\w.:-]+/locations/[\w-]+/publishers/google/models/(?P<model>[\w.-]+):"
        r"(generateContent|(?P<stream>streamGenerateContent\?alt=sse))"
    )


class Azure(OpenAI):
    """OpenAI's, below the name of a deployment."""

    base_path = ""
    target = re.compile(
        r"/openai/deployments/(?P<model>[\w.-]+)/chat/completions\?api-version=[\w-]+"
    )


class Bedrock(Dialect):
    """Converse, whose streams are Amazon's binary messages."""

    target = re.compile(r"/model/(?P<model>[\w.%-]+)/converse(?P<stream>-stream)?")
    stop = "end_turn"
    called = "tool_use"
    stream_type = "application/vnd.amazon.eventstream"

    def asked(self, request: HttpRequest) -> tuple[str, bool]:
        target = self.target.fullmatch(request.path)
        assert target
        return unquote(target["model"]), bool(target["stream"])

    def whole(self, saying: Saying) -> dict[str, Any]:
        content: list[dict[str, Any]] = [{"text": saying.text}] if saying.text else []
        for call in saying.calls:
            content.append({"toolUse": _use(call) | {"input": json.loads(call.arguments)}})
        said = {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": saying.finish_reason,
            "metrics": {"latencyMs": 10},
        }
        return said | self.counted(saying)

    def events(self, saying: Saying) -> Events:
        text = [delta(0, {"text": word}) for word in words(saying.text)]
        text += [event for n, call in enumerate(saying.calls, 1) for event in _uses(n, call)]
        closing: list[dict[str, Any]] = [
            {"contentBlockStop": {"contentBlockIndex": len(saying.calls)}},
            {"messageStop": {"stopReason": saying.finish_reason}},
        ]
        if saying.usage:
            closing.append({"metadata": {"metrics": {"latencyMs": 10}} | self.counted(saying)})
        return Events([{"messageStart": {"role": "assistant"}}], text, closing)

    def usage(self, usage: Usage) -> dict[str, Any]:
        return {
            "inputTokens": usage.input_tokens,
            "outputTokens": usage.output_tokens,
            "totalTokens": usage.input_tokens + usage.output_tokens,
        }

    def frame(self, event: Any) -> bytes:
        [(name, payload)] = event.items()
        return binary_message(name, json.dumps(payload).encode())

    def error(self, status: Any) -> tuple[int, Any]:
        return status, {"message": f"loopback: {status}"}


def delta(index: int, delta: dict[str, Any]) -> dict[str, Any]:
    """An event of Amazon's that brings a piece of an answer."""
    return {"contentBlockDelta": {"contentBlockIndex": index, "delta": delta}}


def _use(call: ToolCall) -> dict[str, Any]:
    return {"toolUseId": call.id, "name": call.name}


def _uses(index: int, call: ToolCall) -> list[dict[str, Any]]:
    """A call in events, after the end of the block before it."""
    return [
        {"contentBlockStop": {"contentBlockIndex": index - 1}},
        {"contentBlockStart": {"contentBlockIndex": index, "start": {"toolUse": _use(call)}}},
        *(delta(index, {"toolUse": {"input": piece}}) for piece in halves(call)),
    ]


def binary_message(name: str, payload: bytes) -> bytes:
    """An event of Amazon's, or an error in its place, as both go over the wire."""
    kind = "exception" if name.endswith("Exception") else "event"
    stated = {f":{kind}-type": name, ":content-type": "application/json", ":message-type": kind}
    headers = b"".join(
        pack(f">B{len(key)}sBH", len(key), key.encode(), 7, len(value)) + value.encode()
        for key, value in stated.items()
    )
    prelude = pack(">II", len(headers) + len(payload) + 16, len(headers))
    message = prelude + pack(">I", crc32(prelude)) + headers + payload
    return message + pack(">I", crc32(message))
