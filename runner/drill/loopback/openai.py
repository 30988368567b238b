"""OpenAI's chat completions, which most providers have taken over."""

from typing import Any

from runner.drill.loopback.dialect import Dialect, Events, Saying, kind, words
from runner.record.outcomes import Usage


class OpenAI(Dialect):
    litellm = "openai"
    base_path = "/v1"

    def takes(self, path: str) -> bool:
        return path.endswith("/chat/completions")

    def whole(self, saying: Saying) -> dict[str, Any]:
        body = completion(saying.text, saying.finish_reason, saying.model)
        return body | ({"usage": self.usage(saying.usage)} if saying.usage else {})

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
    frame = {
        key: value
        for key, value in completion.items()
        if key in ("id", "created", "model", "service_tier")
    } | {"object": "chat.completion.chunk"}
    found = []
    for choice in completion["choices"]:
        message, index = choice["message"], choice["index"]
        deltas = [{"role": "assistant", "content": ""}]
        deltas += [{"content": word} for word in words(message["content"] or "")]
        ends = [*[None] * len(deltas), choice["finish_reason"]]
        found += [
            frame | {"choices": [{"index": index, "delta": delta, "finish_reason": end}]}
            for delta, end in zip([*deltas, {}], ends, strict=True)
        ]
    return found


def usage_chunks(completion: dict[str, Any]) -> list[dict[str, Any]]:
    """None where the completion has no usage."""
    chunk = completion | {"object": "chat.completion.chunk", "choices": []}
    return [chunk] if "usage" in completion else []
