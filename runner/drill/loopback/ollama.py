"""Ollama's own chat API, a line of JSON for each event of a stream."""

import json
from typing import Any

from runner.drill.loopback.dialect import Dialect, Events, Saying, words
from runner.drill.loopback.exchange import Request
from runner.record.outcomes import Usage


class Ollama(Dialect):
    litellm = "ollama_chat"
    base_path = ""
    stream_type = "application/x-ndjson"

    def takes(self, path: str) -> bool:
        return path == "/api/chat"

    def asked(self, request: Request) -> tuple[str, bool]:
        return str(request.body.get("model")), request.body.get("stream", True)  # unasked it does

    def whole(self, saying: Saying) -> dict[str, Any]:
        return self._last(saying) | {"message": message(saying, saying.text or "")["message"]}

    def events(self, saying: Saying) -> Events:
        text = [message(saying, word) for word in words(saying.text or "")]
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


def message(saying: Saying, content: str, thinking: str = "") -> dict[str, Any]:
    said = {"role": "assistant", "content": content}
    return {
        "model": saying.model,
        "created_at": "2026-11-23T12:00:00Z",
        "message": said | ({"thinking": thinking} if thinking else {}),
        "done": False,
    }
