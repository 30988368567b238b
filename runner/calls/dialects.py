"""What a reply says of itself, read off the wire in each format that providers speak.

litellm's account is not enough: it calls every ending that it does not know `stop`, invents token
counts for a stream without any, and takes a stream that merely ends for a whole answer. So the
model served, the ending, the usage and an error are read from the provider's own JSON: one object
for a whole reply, an object an event for a stream.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from runner.record.outcomes import Usage

_WORDS: dict[str, dict[str, str]] = yaml.safe_load(
    Path(__file__).with_name("finish_reasons.yaml").read_bytes()
)


@dataclass
class Said:
    """What was gathered from the events seen so far."""

    model: str | None = None
    ending: str | None = None  # in the provider's own word
    counts: dict[str, Any] = field(default_factory=dict)  # of tokens, in the provider's own words
    text: bool = False  # some of the answer came
    reasoning: bool = False  # some reasoning came, which is no answer
    error: Any = None  # stated in a reply whose status was a success
    _words: Mapping[str, str] = field(default_factory=dict)
    _usage: "Callable[[dict[str, Any]], Usage | None] | None" = None

    @property
    def finish_reason(self) -> str | None:
        """stop, length, content_filter, tool_calls or error; a word that is new stays as it is."""
        return self._words.get(self.ending, self.ending) if self.ending else None

    @property
    def usage(self) -> Usage | None:
        """None when the provider did not say: no prompt is empty, so 0 input tokens is not said."""
        usage = self._usage(self.counts) if self._usage and self.counts else None
        return usage if usage and usage.input_tokens else None


Reader = Callable[[dict[str, Any], Said], None]


def reader(litellm: str) -> tuple[Said, Reader]:
    """A fresh account and what adds an event to it, for one of litellm's prefixes."""
    name = litellm if litellm in _DIALECTS else "openai"
    usage, read = _DIALECTS[name]
    return Said(_words=_WORDS[name], _usage=usage), read


def _openai(event: dict[str, Any], said: Said) -> None:
    said.model = event.get("model") or said.model
    said.error = event.get("error") or (event if event.get("object") == "error" else said.error)
    said.counts |= event.get("usage") or {}
    for choice in _objects(event.get("choices")):
        said.ending = choice.get("finish_reason") or said.ending
        part = choice.get("delta") or choice.get("message") or {}
        # A schema that litellm asks for by way of a tool is answered in the tool's arguments.
        said.text = said.text or _has_text(part.get("content")) or bool(part.get("tool_calls"))
        thought = part.get("reasoning_content") or part.get("reasoning")
        said.reasoning = said.reasoning or bool(thought)


def _has_text(content: Any) -> bool:
    """Mistral's reasoning models answer in parts, of which some are thoughts."""
    if isinstance(content, list):
        return any(part.get("text") for part in _objects(content))
    return bool(content)


def _openai_usage(counts: dict[str, Any]) -> Usage | None:
    prompt = counts.get("prompt_tokens_details") or {}
    completion = counts.get("completion_tokens_details") or {}
    return Usage(
        input_tokens=counts.get("prompt_tokens") or 0,
        output_tokens=counts.get("completion_tokens") or 0,
        cached_input_tokens=prompt.get("cached_tokens") or counts.get("cached_tokens") or 0,
        cache_write_tokens=prompt.get("cache_write_tokens") or 0,
        reasoning_tokens=completion.get("reasoning_tokens") or 0,
    )


def _anthropic(event: dict[str, Any], said: Said) -> None:
    kind = event.get("type")
    said.error = event.get("error") or said.error
    message = event.get("message") if kind == "message_start" else event
    if kind in ("message", "message_start") and isinstance(message, dict):
        said.model = message.get("model") or said.model
        said.ending = message.get("stop_reason") or said.ending
        blocks = _objects(message.get("content"))
    else:
        blocks = _objects([event.get("delta")])
    for block in blocks:  # of a whole reply, or what is new of one in a stream
        said.ending = block.get("stop_reason") or said.ending
        said.text = said.text or bool(
            block.get("text") or block.get("partial_json") or block.get("input")
        )
        said.reasoning = said.reasoning or bool(block.get("thinking"))
    usage = message.get("usage") if isinstance(message, dict) else None
    # The end of a stream may repeat what its start counted, as 0.
    said.counts |= {key: count for key, count in (usage or {}).items() if count}


def _anthropic_usage(counts: dict[str, Any]) -> Usage | None:
    """Anthropic counts what it read from and wrote to its cache beside the other input."""
    read = counts.get("cache_read_input_tokens") or 0
    written = counts.get("cache_creation_input_tokens") or 0
    details = counts.get("output_tokens_details") or {}
    return Usage(
        input_tokens=(counts.get("input_tokens") or 0) + read + written,
        output_tokens=counts.get("output_tokens") or 0,
        cached_input_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=details.get("thinking_tokens") or 0,
    )


def _gemini(event: dict[str, Any], said: Said) -> None:
    said.model = event.get("modelVersion") or said.model
    said.error = event.get("error") or said.error
    said.counts |= event.get("usageMetadata") or {}
    if (event.get("promptFeedback") or {}).get("blockReason"):
        said.ending = "PROHIBITED_CONTENT"  # the prompt was blocked, there are no candidates
    for candidate in _objects(event.get("candidates")):
        said.ending = candidate.get("finishReason") or said.ending
        for part in _objects((candidate.get("content") or {}).get("parts")):
            if part.get("text"):
                said.reasoning = said.reasoning or bool(part.get("thought"))
                said.text = said.text or not part.get("thought")


def _gemini_usage(counts: dict[str, Any]) -> Usage | None:
    """Google counts the reasoning, which it bills as output, beside the output."""
    thoughts = counts.get("thoughtsTokenCount") or 0
    tools = counts.get("toolUsePromptTokenCount") or 0
    return Usage(
        input_tokens=(counts.get("promptTokenCount") or 0) + tools,
        output_tokens=(counts.get("candidatesTokenCount") or 0) + thoughts,
        cached_input_tokens=counts.get("cachedContentTokenCount") or 0,
        reasoning_tokens=thoughts,
    )


def _ollama(event: dict[str, Any], said: Said) -> None:
    said.model = event.get("model") or said.model
    said.error = event.get("error") or said.error
    message = event.get("message") or {}
    said.text = said.text or bool(message.get("content"))
    said.reasoning = said.reasoning or bool(message.get("thinking"))
    if event.get("done"):
        said.ending = event.get("done_reason") or "stop"  # older servers give no reason
        counts = ("prompt_eval_count", "eval_count")
        said.counts |= {key: event[key] for key in counts if key in event}


def _ollama_usage(counts: dict[str, Any]) -> Usage | None:
    return Usage(
        input_tokens=counts.get("prompt_eval_count") or 0,
        output_tokens=counts.get("eval_count") or 0,
    )


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    yield from (item for item in value or () if isinstance(item, dict))


_DIALECTS: dict[str, tuple[Callable[[dict[str, Any]], Usage | None], Reader]] = {
    "openai": (_openai_usage, _openai),
    "anthropic": (_anthropic_usage, _anthropic),
    "gemini": (_gemini_usage, _gemini),
    "ollama_chat": (_ollama_usage, _ollama),
}
