"""What a reply says, read off the wire in each format that providers speak.

Text, reasoning, refusal, calls of tools, the model served, the ending, usage and errors, from the
provider's own JSON: one object for a whole reply, an object an event for a stream, and one reader
for both.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from runner.calls.calling import Calls, as_text, characters
from runner.record.outcomes import Usage

_MOST_TOKENS = 1_000_000_000  # of one request, beyond any context
_WORDS: dict[str, dict[str, str]] = yaml.safe_load(
    Path(__file__).with_name("finish_reasons.yaml").read_bytes()
)


@dataclass
class Said:
    """What was gathered from the events seen so far."""

    model: str | None = None
    ending: str | None = None  # in the provider's own word
    counts: dict[str, Any] = field(default_factory=dict)  # of tokens, in the provider's own words
    text: list[str] = field(default_factory=list)  # of the answer, in the pieces that it came in
    reasoning: list[str] = field(default_factory=list)  # which is no answer
    refusal: list[str] = field(default_factory=list)  # the words of one that came in its place
    calls: Calls = field(default_factory=Calls)  # of tools
    error: Any = None  # stated in a reply whose status was a success
    counted: bool = False  # something was said about usage, be it nonsense
    _words: Mapping[str, str] = field(default_factory=dict)
    _usage: "Callable[[dict[str, Any]], Usage | None] | None" = None

    @property
    def finish_reason(self) -> str | None:
        """stop, length, content_filter, tool_calls or error; a word that is new stays as it is."""
        return self._words.get(self.ending, self.ending) if self.ending else None

    @property
    def usage(self) -> Usage | None:
        """None when the provider did not say: no prompt is empty, so 0 input tokens is not said.

        Nor do counts say anything that can't be: 1.5 tokens, or more from the cache than in all.
        """
        try:
            usage = self._usage(self.counts) if self._usage and self.counts else None
        except ValueError:
            return None
        if usage is None or not usage.input_tokens:
            return None
        cached = usage.cached_input_tokens + usage.cache_write_tokens
        return usage if cached <= usage.input_tokens else None

    def count(self, usage: Any, *, zeros: bool = True) -> None:
        """Take in what an event says of usage, where it says something."""
        self.counted |= usage is not None
        if isinstance(usage, dict):
            self.counts |= {key: count for key, count in usage.items() if count or zeros}


Reader = Callable[[dict[str, Any], Said], None]


def reader(litellm: str) -> tuple[Said, Reader]:
    """A fresh account and what adds an event to it, for one of litellm's prefixes."""
    name = litellm if litellm in _DIALECTS else "openai"
    usage, read = _DIALECTS[name]
    return Said(_words=_WORDS["gemini" if name == "vertex_ai" else name], _usage=usage), read


def _openai(event: dict[str, Any], said: Said) -> None:
    said.model = _word(event.get("model")) or said.model
    said.error = event.get("error") or (event if event.get("object") == "error" else said.error)
    said.count(event.get("usage"))
    for choice in _objects(event.get("choices")):
        if choice.get("index"):  # one answer was asked for
            continue
        said.ending = _word(choice.get("finish_reason")) or said.ending
        part = choice.get("delta") or choice.get("message") or {}
        said.text += _texts(part.get("content"))
        said.reasoning += _texts(part.get("reasoning_content") or part.get("reasoning"))
        said.reasoning += [
            text
            for thought in _parts(part.get("content"), "thinking")
            for text in _texts(thought.get("thinking"))
        ]
        said.refusal += _texts(part.get("refusal"))
        _openai_calls(part, said, whole="message" in choice)


def _openai_calls(part: dict[str, Any], said: Said, *, whole: bool) -> None:
    """`function_call` is its older form."""
    for call in _objects(part.get("tool_calls")):
        function = call.get("function") or {}
        id, name, arguments = call.get("id"), function.get("name"), function.get("arguments")
        if whole:
            said.calls.whole(id, name, arguments)
        else:
            said.calls.add(_place(call.get("index")), id, name, arguments)
    if isinstance(function := part.get("function_call"), dict):
        said.calls.add("function_call", None, function.get("name"), function.get("arguments"))


def _texts(content: Any) -> list[str]:
    """Of a text, or of parts, of which some may be thoughts. Raises TypeError for anything else."""
    if not content:
        return []
    if isinstance(content, list):
        found = [part["text"] for part in _parts(content, "text", "output_text") if "text" in part]
    else:
        found = [content]
    if odd := [text for text in found if not isinstance(text, str)]:
        raise TypeError(f"no text: {odd[0]!r:.80}")
    return [text for text in found if text]


def _parts(content: Any, *kinds: str) -> list[dict[str, Any]]:
    parts = content if isinstance(content, list) else []
    return [part for part in _objects(parts) if part.get("type", "text") in kinds]


def _openai_usage(counts: dict[str, Any]) -> Usage | None:
    """The total has what was counted beside the two: reasoning, at xAI and Google."""
    prompt = _details(counts, "prompt_tokens_details")
    completion = _details(counts, "completion_tokens_details")
    sent, written = _tokens(counts, "prompt_tokens"), _tokens(counts, "completion_tokens")
    beside = max(0, _tokens(counts, "total_tokens") - sent - written)
    return Usage(
        input_tokens=sent,
        output_tokens=written + beside,
        cached_input_tokens=_tokens(prompt, "cached_tokens") or _cached(counts),
        cache_write_tokens=_tokens(prompt, "cache_write_tokens"),
        reasoning_tokens=max(_tokens(completion, "reasoning_tokens"), beside),
    )


def _cached(counts: dict[str, Any]) -> int:
    """Where it stands beside the other counts: at Together and Moonshot, Mistral, DeepSeek."""
    names = ("cached_tokens", "num_cached_tokens", "prompt_cache_hit_tokens")
    return next((count for name in names if (count := _tokens(counts, name))), 0)


def _anthropic(event: dict[str, Any], said: Said) -> None:
    kind = event.get("type")
    said.error = event.get("error") or said.error
    message = event.get("message") if kind == "message_start" else event
    if kind in ("message", "message_start") and isinstance(message, dict):
        said.model = _word(message.get("model")) or said.model
        said.ending = _word(message.get("stop_reason")) or said.ending
        blocks = _objects(message.get("content"))
    else:
        blocks = _objects([event.get("delta"), event.get("content_block")])
    at = _place(event.get("index"))
    for block in blocks:  # of a whole reply, or what is new of one in a stream
        said.ending = _word(block.get("stop_reason")) or said.ending
        said.text += _texts(block.get("text"))
        said.reasoning += _texts(block.get("thinking"))
        if block.get("type") == "tool_use":
            call = said.calls.add(at, block.get("id"), block.get("name"), None)
            call.else_arguments = as_text(block.get("input"))  # in a stream {}, and pieces follow
        elif block.get("type") == "input_json_delta":
            said.calls.add(at, None, None, block.get("partial_json"))
    if isinstance(message, dict):  # the end of a stream may repeat what its start counted, as 0
        said.count(message.get("usage"), zeros=False)


def _anthropic_usage(counts: dict[str, Any]) -> Usage | None:
    """Anthropic counts what it read from and wrote to its cache beside the other input."""
    read = _tokens(counts, "cache_read_input_tokens")
    written = _tokens(counts, "cache_creation_input_tokens")
    return Usage(
        input_tokens=_tokens(counts, "input_tokens") + read + written,
        output_tokens=_tokens(counts, "output_tokens"),
        cached_input_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=_tokens(_details(counts, "output_tokens_details"), "thinking_tokens"),
    )


def _gemini(event: dict[str, Any], said: Said) -> None:
    said.model = _word(event.get("modelVersion")) or said.model
    said.error = event.get("error") or said.error
    said.count(event.get("usageMetadata"))
    if (event.get("promptFeedback") or {}).get("blockReason"):
        said.ending = "PROHIBITED_CONTENT"  # the prompt was blocked, there are no candidates
    for candidate in _objects(event.get("candidates")):
        said.ending = _word(candidate.get("finishReason")) or said.ending
        for part in _objects((candidate.get("content") or {}).get("parts")):
            (said.reasoning if part.get("thought") else said.text).extend(_texts(part.get("text")))
            if isinstance(call := part.get("functionCall"), dict):
                arguments, signature = call.get("args") or {}, part.get("thoughtSignature")
                said.calls.whole(call.get("id"), call.get("name"), arguments, signature)


def _gemini_usage(counts: dict[str, Any]) -> Usage | None:
    """Google counts the reasoning, which it bills as output, beside the output."""
    thoughts = _tokens(counts, "thoughtsTokenCount")
    tools = _tokens(counts, "toolUsePromptTokenCount")
    return Usage(
        input_tokens=_tokens(counts, "promptTokenCount") + tools,
        output_tokens=_tokens(counts, "candidatesTokenCount") + thoughts,
        cached_input_tokens=_tokens(counts, "cachedContentTokenCount"),
        reasoning_tokens=thoughts,
    )


def _ollama(event: dict[str, Any], said: Said) -> None:
    said.model = _word(event.get("model")) or said.model
    said.error = event.get("error") or said.error
    message = event.get("message") or {}
    said.text += _texts(message.get("content"))
    said.reasoning += _texts(message.get("thinking"))
    for call in _objects(message.get("tool_calls")):
        function = call.get("function") or {}
        arguments = function.get("arguments") or {}
        said.calls.whole(call.get("id"), function.get("name"), arguments)
    if event.get("done"):
        said.ending = _word(event.get("done_reason")) or "stop"  # older servers give no reason
        counts = ("prompt_eval_count", "eval_count")
        said.count({key: event[key] for key in counts if key in event} or None)


def _ollama_usage(counts: dict[str, Any]) -> Usage | None:
    return Usage(
        input_tokens=_tokens(counts, "prompt_eval_count"),
        output_tokens=_tokens(counts, "eval_count"),
    )


def _bedrock(event: dict[str, Any], said: Said) -> None:
    """A whole reply of Converse, or an event of its stream under the name of its type."""
    for name, stated in event.items():
        if name.endswith("Exception"):  # an event that is an error
            said.error = {"type": name, **(stated if isinstance(stated, dict) else {})}
    stop = event.get("messageStop") or event
    said.ending = _word(stop.get("stopReason")) or said.ending
    said.count((event.get("metadata") or event).get("usage"))
    message = (event.get("output") or {}).get("message") or {}
    block = event.get("contentBlockStart") or event.get("contentBlockDelta") or {}
    new = [block.get("start"), block.get("delta")]
    for part in _objects([*message.get("content", ()), *new]):
        said.text += _texts(part.get("text"))
        thought = part.get("reasoningContent") or {}
        said.reasoning += _texts(thought.get("text"))  # in a stream
        said.reasoning += _texts((thought.get("reasoningText") or {}).get("text"))
        if isinstance(use := part.get("toolUse"), dict):
            at = _place(block.get("contentBlockIndex"))
            call = said.calls.add(at, use.get("toolUseId"), use.get("name"), use.get("input"))
            call.else_arguments = "{}"


def _bedrock_usage(counts: dict[str, Any]) -> Usage | None:
    """What it read from and wrote to its cache is counted beside the other input."""
    read = _tokens(counts, "cacheReadInputTokens")
    written = _tokens(counts, "cacheWriteInputTokens")
    return Usage(
        input_tokens=_tokens(counts, "inputTokens") + read + written,
        output_tokens=_tokens(counts, "outputTokens"),
        cached_input_tokens=read,
        cache_write_tokens=written,
    )


def _place(index: Any) -> int | None:
    return index if isinstance(index, int) else None


def _cohere(event: dict[str, Any], said: Said) -> None:
    """Its own chat API, version 2: a whole message, or an event of its stream."""
    said.error = event.get("error") or said.error
    new = event.get("delta") or event
    said.ending = _word(new.get("finish_reason")) or said.ending
    said.count((new.get("usage") or {}).get("tokens"))
    message = new.get("message") or {}
    content = message.get("content") or ()
    for part in _objects(content if isinstance(content, list) else [content]):
        said.text += _texts(part.get("text"))
        said.reasoning += _texts(part.get("thinking"))
    said.reasoning += _texts(message.get("tool_plan"))  # why it calls tools
    calls = message.get("tool_calls") or ()
    for call in _objects(calls if isinstance(calls, list) else [calls]):
        function = call.get("function") or {}
        id, name, arguments = call.get("id"), function.get("name"), function.get("arguments")
        said.calls.add(_place(event.get("index")), id, name, arguments)


def _cohere_usage(counts: dict[str, Any]) -> Usage | None:
    return Usage(
        input_tokens=_tokens(counts, "input_tokens"),
        output_tokens=_tokens(counts, "output_tokens"),
    )


def _word(value: Any) -> str | None:
    """Whatever else it is, it is no name. The longest that a record is to hold."""
    return characters(value)[:200] if isinstance(value, str) else None


def _tokens(counts: dict[str, Any], key: str) -> int:
    """Left out, it is 0. Raises ValueError for what is no number of tokens."""
    count = counts.get(key)
    if isinstance(count, float) and count.is_integer():
        count = int(count)
    if count is None or (type(count) is int and 0 <= count <= _MOST_TOKENS):
        return count or 0
    raise ValueError(f"{key}: no number of tokens")


def _details(counts: dict[str, Any], key: str) -> dict[str, Any]:
    """Raises ValueError."""
    details = counts.get(key)
    if details is None or isinstance(details, dict):
        return details or {}
    raise ValueError(f"{key}: no object")


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    yield from (item for item in value or () if isinstance(item, dict))


_DIALECTS: dict[str, tuple[Callable[[dict[str, Any]], Usage | None], Reader]] = {
    "openai": (_openai_usage, _openai),
    "anthropic": (_anthropic_usage, _anthropic),
    "gemini": (_gemini_usage, _gemini),
    "vertex_ai": (_gemini_usage, _gemini),
    "bedrock": (_bedrock_usage, _bedrock),
    "ollama_chat": (_ollama_usage, _ollama),
    "cohere_chat": (_cohere_usage, _cohere),
}
