"""Google's Gemini API."""

import re
from typing import Any

from runner.drill.loopback.dialect import Dialect, Events, Saying, words
from runner.drill.loopback.exchange import Request
from runner.record.outcomes import Usage

_STATUS = {
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


class Gemini(Dialect):
    litellm = "gemini"
    base_path = "/v1beta"
    stop = "STOP"

    target = re.compile(
        r"/v1beta/models/(?P<model>[\w.-]+):"
        r"(generateContent|(?P<stream>streamGenerateContent\?alt=sse))"
    )

    def takes(self, path: str) -> bool:
        return bool(self.target.fullmatch(path))

    def asked(self, request: Request) -> tuple[str, bool]:
        target = self.target.fullmatch(request.path)
        assert target
        return target["model"], bool(target["stream"])

    def whole(self, saying: Saying) -> dict[str, Any]:
        parts = [{"text": saying.text}] if saying.text else []
        return self.event(saying, parts, saying.finish_reason)

    def events(self, saying: Saying) -> Events:
        """Each carries the usage up to it and the model; the last one the ending."""
        text = [self.event(saying, [{"text": word}]) for word in words(saying.text or "")]
        return Events([], text, [self.event(saying, [{"text": ""}], saying.finish_reason)])

    def event(self, saying: Saying, parts: list[Any], end: str | None = None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
        if end:
            candidate["finishReason"] = end
            if not any(part["text"] for part in parts) and end not in ("STOP", "MAX_TOKENS"):
                del candidate["content"]
        usage = {"usageMetadata": self.usage(saying.usage)} if saying.usage else {}
        return {"candidates": [candidate], "modelVersion": saying.model, "responseId": "x"} | usage

    def usage(self, usage: Usage) -> dict[str, Any]:
        return {
            "promptTokenCount": usage.input_tokens,
            "candidatesTokenCount": usage.output_tokens,
            "totalTokenCount": usage.input_tokens + usage.output_tokens,
        }

    def error(self, status: Any) -> tuple[int, Any]:
        return error(status, f"loopback: {status}")


def error(status: int, message: str, *details: dict[str, Any]) -> tuple[int, Any]:
    stated = {
        "code": status,
        "message": message,
        "status": _STATUS.get(status, "INVALID_ARGUMENT"),
    }
    return status, {"error": stated | ({"details": list(details)} if details else {})}
