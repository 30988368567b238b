"""What spans say of a case and of its attempts, out of the record of its outcome.

Names are those of the semantic conventions for generative AI
(https://github.com/open-telemetry/semantic-conventions-genai); what they have no name for stands
under `runner.`. What is not known has no attribute.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from runner.config.redact import redact
from runner.config.schema import Single
from runner.record.outcomes import Answered, Attempt, Failed, Message, ToolCall

Attributes = dict[str, Any]

# What the conventions call a provider, by litellm's prefix; any other goes by its name in conf/.
_PROVIDERS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "groq": "groq",
}
# Sampling as each provider spells it in the body of a request.
_SAMPLING = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "num_predict": "max_tokens",
    "seed": "seed",
    "random_seed": "seed",
    "stop": "stop_sequences",
    "stop_sequences": "stop_sequences",
}


@dataclass(frozen=True)
class Described:
    """All of a span but its place in a trace; `start` and `end` in nanoseconds since 1970."""

    name: str
    attributes: Attributes
    start: int
    end: int
    error: str | None = None  # its kind
    message: str | None = None


def describe(
    outcome: Answered | Failed, task: str, models: Mapping[str, Single], content: bool
) -> tuple[Described, list[Described]]:
    """The span of a case, and those of its attempts with the judges' ones at the end.

    `models` are those that the job may ask, by name; `content` adds prompts and answers.
    """
    stood = _stood(outcome)
    asked = []
    for attempt, start, end in _timed([*outcome.attempts, *outcome.judging]):
        model = models.get(attempt.model)
        attributes = _of_attempt(attempt, model)
        if attempt is stood:
            attributes |= _of_request(outcome.request) | _of_answer(outcome)
        if content:
            attributes |= _texts(outcome, attempt, stood)
        name = f"chat {model.id if model else attempt.model}"
        error, message = attempt.error, attempt.message
        asked.append(Described(name, _known(attributes), start, end, error, message))
    start = min((span.start for span in asked), default=time.time_ns())
    end = max((span.end for span in asked), default=start)
    case = f"case {task}", _known({"runner.task": task} | _of_case(outcome)), start, end
    if isinstance(outcome, Answered):
        return Described(*case), asked
    return Described(*case, outcome.kind or "_OTHER", outcome.error), asked


def _timed(attempts: Sequence[Attempt]) -> Iterator[tuple[Attempt, int, int]]:
    """Each attempt with its start and end in nanoseconds since 1970.

    One that was never sent has no time on record: it stands where the one before it ended.
    """
    starts = [_nanoseconds(attempt.at) if attempt.at else None for attempt in attempts]
    end = min((start for start in starts if start is not None), default=time.time_ns())
    for attempt, start in zip(attempts, starts, strict=True):
        start = end if start is None else start
        end = start + int(attempt.seconds * 1e9)
        yield attempt, start, end


def _nanoseconds(at: str) -> int:
    since = datetime.fromisoformat(at) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1) * 1000  # whole numbers: a float would round


def _stood(outcome: Answered | Failed) -> Attempt | None:
    """The attempt that the outcome's request and answer are those of."""
    asked = [attempt for attempt in reversed(outcome.attempts) if attempt.role == "answer"]
    if isinstance(outcome, Failed):
        return next(iter(asked), None)
    mine = outcome.served_by, outcome.arm, outcome.usage
    same = (a for a in asked if not a.error and (a.model, a.arm, a.usage) == mine)
    return next(same, None)


def _of_case(outcome: Answered | Failed) -> Attributes:
    common: Attributes = {
        "runner.case": outcome.case,
        "runner.repeat": outcome.repeat,
        "runner.model": outcome.model,
        "runner.tags": outcome.tags or None,
        "runner.status": outcome.status,
        "runner.cost_usd": outcome.cost_usd,
        "runner.queued_seconds": outcome.queued_seconds,
        "runner.choices": [f"{choice.model}: {choice.arm}" for choice in outcome.choices] or None,
        "runner.skipped": [skipped.model for skipped in outcome.skipped] or None,
        "runner.replayed": outcome.replayed,
    }
    if isinstance(outcome, Failed):
        return common
    scores = {f"runner.score.{name}": score.value for name, score in outcome.scores.items()}
    return (
        common
        | scores
        | {
            "runner.served_by": outcome.served_by,
            "runner.arm": outcome.arm or None,
            "runner.fallback": outcome.fallback,
        }
    )


def _of_attempt(attempt: Attempt, model: Single | None) -> Attributes:
    provider = model.provider if model else None
    usage = attempt.usage
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": (
            _PROVIDERS.get(provider.litellm, provider.name) if provider else attempt.provider
        ),
        "gen_ai.request.model": model.id if model else attempt.model,
        "gen_ai.usage.input_tokens": usage and usage.input_tokens,
        "gen_ai.usage.output_tokens": usage and usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage and usage.cached_input_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage and usage.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage and usage.reasoning_tokens,
        "gen_ai.response.time_to_first_chunk": attempt.first_token_seconds,
        "http.response.status_code": attempt.status,
        "runner.model": attempt.model,
        "runner.provider": attempt.provider or None,
        "runner.role": attempt.role,
        "runner.arm": attempt.arm or None,
        "runner.cost_usd": attempt.cost_usd,
        "runner.waited_seconds": attempt.waited_seconds,
        "runner.http_requests": attempt.http_requests,
        "runner.by_litellm": attempt.by_litellm or None,
    } | _server(provider.api_base if provider else None)


def _server(url: str | None) -> Attributes:
    try:
        parts = urlsplit(url or "")
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:  # then its requests failed too, and their errors say why
        return {}
    return {"server.address": parts.hostname, "server.port": port}


def _of_request(body: Mapping[str, Any]) -> Attributes:
    """The sampling that really went over the wire, in whatever place the provider wants it."""
    nested = [body.get("generationConfig"), body.get("options")]
    flat = dict(body) | {k: v for part in nested if isinstance(part, dict) for k, v in part.items()}
    found = {
        f"gen_ai.request.{name}": flat.get(key) for key, name in _SAMPLING.items() if key in flat
    }
    stop = found.get("gen_ai.request.stop_sequences")
    return found | ({"gen_ai.request.stop_sequences": [stop]} if isinstance(stop, str) else {})


def _of_answer(outcome: Answered | Failed) -> Attributes:
    if isinstance(outcome, Failed):
        return {}
    return {
        "gen_ai.response.model": outcome.model_served,
        "gen_ai.response.finish_reasons": [outcome.finish_reason],
    }


def _texts(outcome: Answered | Failed, attempt: Attempt, stood: Attempt | None) -> Attributes:
    """Of classifiers and judges no texts are on record."""
    if attempt.role != "answer":
        return {}
    asked = outcome.asked_in(attempt.exchange)
    texts = {"gen_ai.input.messages": _json([_message(message) for message in asked])}
    if attempt is stood and isinstance(outcome, Answered):
        answer = _message({"role": "assistant", "content": outcome.reply})
        answer["parts"] += map(_tool_call, outcome.tool_calls)
        answer["finish_reason"] = outcome.finish_reason
        texts["gen_ai.output.messages"] = _json([answer])
    return texts


def _message(message: Message) -> dict[str, Any]:
    """Role and parts, as the conventions' JSON schema of messages has them."""
    content = message["content"]
    if message["role"] == "tool":
        result = {"id": message.get("tool_call_id"), "response": content}
        return {"role": "tool", "parts": [{"type": "tool_call_response", **result}]}
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    calls = ((call["id"], call["function"]) for call in message.get("tool_calls") or ())
    return {
        "role": message["role"],
        "parts": [
            *(
                {"type": "text", "content": part["text"]} if part["type"] == "text" else part
                for part in parts
            ),
            *({"type": "tool_call", "id": id, **function} for id, function in calls),
        ],
    }


def _tool_call(call: ToolCall) -> dict[str, Any]:
    return {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _known(attributes: Attributes) -> Attributes:
    """Those that have a value, without keys in it."""
    return {
        name: redact(value) if isinstance(value, str) else value
        for name, value in attributes.items()
        if value is not None
    }
