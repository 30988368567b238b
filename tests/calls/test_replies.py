"""What replies say in the odd forms that providers have, whole and in pieces."""

import json
from typing import Any

import pytest

from runner.calls.failures import success
from runner.calls.wire import Wire
from runner.errors import CallFailed
from runner.record.outcomes import Reply, Usage

Json = dict[str, Any]


def said(body: Json, *, litellm: str = "openai", streamed: bool = False) -> Reply:
    """Of a whole reply, or of a stream whose one event it is. Raises CallFailed."""
    wire = Wire(litellm, [], streamed, http_requests=1, status=200, sent=0.0, received=1.0)
    if streamed:
        wire.streamed = True
        wire.saw(b"data: " + json.dumps(body).encode() + b"\n\n")
    else:
        wire.reply += json.dumps(body).encode()
    return success(wire, 60)


def message(content: Any, streamed: bool = False, **more: Any) -> Json:
    part = {"role": "assistant", "content": content} | more
    choice = {"index": 0, "finish_reason": "stop", "delta" if streamed else "message": part}
    return {"model": "served-1", "choices": [choice]}


def usage(prompt: int, completion: int, total: int, **more: Any) -> Json:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total} | more


COUNTS: dict[str, tuple[Json, Usage]] = {
    "Mistral's cache": (
        usage(100, 20, 120, num_cached_tokens=64),
        Usage(input_tokens=100, output_tokens=20, cached_input_tokens=64),
    ),
    "DeepSeek's": (
        usage(100, 20, 120, prompt_cache_hit_tokens=64, prompt_cache_miss_tokens=36),
        Usage(input_tokens=100, output_tokens=20, cached_input_tokens=64),
    ),
    "Moonshot's": (
        usage(100, 20, 120, cached_tokens=64),
        Usage(input_tokens=100, output_tokens=20, cached_input_tokens=64),
    ),
    "xAI's reasoning, beside the answer": (
        usage(100, 20, 150, completion_tokens_details={"reasoning_tokens": 30}),
        Usage(input_tokens=100, output_tokens=50, reasoning_tokens=30),
    ),
    "OpenAI's, within it": (
        usage(100, 50, 150, completion_tokens_details={"reasoning_tokens": 30}),
        Usage(input_tokens=100, output_tokens=50, reasoning_tokens=30),
    ),
    "what only the total has": (
        usage(66, 6, 100),
        Usage(input_tokens=66, output_tokens=34, reasoning_tokens=28),
    ),
    "a total that is too small": (usage(66, 6, 60), Usage(input_tokens=66, output_tokens=6)),
    "a total of nothing": (usage(66, 6, 0), Usage(input_tokens=66, output_tokens=6)),
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", COUNTS)
def test_counts(name: str, streamed: bool) -> None:
    """Tokens are counted once, wherever a provider states them, and all that are billed."""
    stated, meant = COUNTS[name]
    reply = said(message("hi", streamed=streamed) | {"usage": stated}, streamed=streamed)
    assert reply.usage == meant


PARTS = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
    {"type": "text", "text": "Pay "},
    {"type": "text", "text": "100 EUR"},
    {"type": "reference", "reference_ids": [1]},
    {"type": "text", "text": " now"},
]


@pytest.mark.parametrize("streamed", [False, True])
def test_parts(streamed: bool) -> None:
    """Mistral's text comes in parts, all of which are the answer but what it thought."""
    reply = said(message(PARTS, streamed=streamed), litellm="mistral", streamed=streamed)
    assert (reply.text, reply.reasoning) == ("Pay 100 EUR now", "hm")


@pytest.mark.parametrize("key", ["reasoning", "reasoning_content"])
def test_reasoning_beside_the_text(key: str) -> None:
    """Reasoning that a server has taken off the text is kept, and is no answer."""
    reply = said(message("yes", False, **{key: "hm"}))
    assert (reply.text, reply.reasoning) == ("yes", "hm")


@pytest.mark.parametrize("litellm", ["groq", "openai"])
@pytest.mark.parametrize("tier", [{}, {"service_tier": None}, {"service_tier": "on_demand"}])
def test_service_tier(litellm: str, tier: Json) -> None:
    """A reply is an answer with a service tier and without one."""
    assert said(message("hi") | tier, litellm=litellm).text == "hi"


@pytest.mark.parametrize("streamed", [False, True])
def test_refusal(streamed: bool) -> None:
    """A refusal in place of an answer is kept, as one of policy."""
    refused = message(None, streamed=streamed, refusal="I can't help with that.")
    with pytest.raises(CallFailed, match="I can't help with that") as raised:
        said(refused, streamed=streamed)
    assert raised.value.kind == "content_policy"


def test_no_usage() -> None:
    """An answer whose cost nobody states is one of unknown cost, not a free one."""
    assert said(message("hi")).usage is None
    assert said(message("hi") | {"usage": None}).usage is None
