"""Anthropic's messages."""

from typing import Any

from runner.drill.loopback.dialect import Dialect, Events, Saying, kind, words
from runner.record.outcomes import Usage


class Anthropic(Dialect):
    litellm = "anthropic"
    base_path = ""
    stop = "end_turn"

    def takes(self, path: str) -> bool:
        return path == "/v1/messages"

    def whole(self, saying: Saying) -> dict[str, Any]:
        return {
            "id": "msg_loopback",
            "type": "message",
            "role": "assistant",
            "model": saying.model,
            "content": [{"type": "text", "text": saying.text}] if saying.text else [],
            "stop_reason": saying.finish_reason,
            "stop_sequence": None,
        } | ({"usage": self.usage(saying.usage)} if saying.usage else {})

    def events(self, saying: Saying) -> Events:
        """The usage comes in two halves: the input at the start, the output at the end."""
        message = self.whole(saying) | {"content": [], "stop_reason": None}
        delta = {"stop_reason": saying.finish_reason, "stop_sequence": None}
        end: dict[str, Any] = {"type": "message_delta", "delta": delta}
        if saying.usage:
            message["usage"] |= {"output_tokens": 1}
            end["usage"] = {"output_tokens": saying.usage.output_tokens}
        opening = [
            {"type": "message_start", "message": message},
            block(0, "start", content_block={"type": "text", "text": ""}),
            {"type": "ping"},
        ]
        text = [
            block(0, "delta", delta={"type": "text_delta", "text": word})
            for word in words(saying.text or "")
        ]
        return Events(opening, text, [block(0, "stop"), end, {"type": "message_stop"}])

    def usage(self, usage: Usage) -> dict[str, Any]:
        return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}

    def frame(self, event: Any) -> bytes:
        return f"event: {event['type']}\n".encode() + super().frame(event)

    def error(self, status: Any) -> tuple[int, Any]:
        return status, error_body(kind(status), f"loopback: {status}")


def block(index: int, step: str, **more: Any) -> dict[str, Any]:
    return {"type": f"content_block_{step}", "index": index} | more


def error_body(kind: str, message: str) -> dict[str, Any]:
    error = {"type": kind, "message": message}
    return {"type": "error", "error": error, "request_id": "req_loopback"}
