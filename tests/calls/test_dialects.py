"""Calls of tools are read in every format: whole, in pieces, several at once."""

import json
from typing import Any

import pytest

from runner.calls.dialects import reader
from runner.calls.failures import success
from runner.calls.wire import Wire
from runner.errors import CallFailed
from runner.record.outcomes import Reply

Events = list[dict[str, Any]]
LISBON, OSLO = '{"city": "Lisbon"}', '{"city": "Oslo"}'
WANTED = [("a1", "weather", LISBON), ("b2", "weather", OSLO)]


def openai(*calls: dict[str, Any], whole: bool = False) -> Events:
    """An event a call, or one message with them all."""
    if whole:
        return [{"choices": [{"message": {"tool_calls": list(calls)}}]}]
    return [{"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]} for call in calls]


def function(name: str | None, arguments: Any, **more: Any) -> dict[str, Any]:
    return more | {"type": "function", "function": {"name": name, "arguments": arguments}}


def block(index: int, **what: Any) -> dict[str, Any]:
    kind = "start" if "content_block" in what else "delta"
    return {"type": f"content_block_{kind}", "index": index} | what


def delta(index: int, text: str) -> dict[str, Any]:
    return block(index, delta={"type": "input_json_delta", "partial_json": text})


def use(id: str, **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": "weather", "input": given}


def converse(index: int, **what: Any) -> dict[str, Any]:
    kind = "Start" if "start" in what else "Delta"
    return {f"contentBlock{kind}": {"contentBlockIndex": index} | what}


def cohere(step: str, index: int, **call: Any) -> dict[str, Any]:
    return {"type": step, "index": index, "delta": {"message": {"tool_calls": call}}}


def bedrock(*parts: dict[str, Any]) -> Events:
    return [{"output": {"message": {"role": "assistant", "content": list(parts)}}}]


def gemini(*parts: dict[str, Any]) -> Events:
    return [{"candidates": [{"content": {"parts": list(parts)}, "finishReason": "STOP"}]}]


def called(city: str, **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": "weather", "args": {"city": city}} | more}


def as_object(city: str) -> dict[str, Any]:
    return {"message": {"tool_calls": [{"function": {"name": "weather", "arguments": city}}]}}


FORMS: list[tuple[str, str, Events]] = [
    (
        "whole",
        "openai",
        openai(
            function("weather", LISBON, id="a1"), function("weather", OSLO, id="b2"), whole=True
        ),
    ),
    (
        "pieces that alternate",
        "openai",
        openai(
            function("weather", "", index=0, id="a1"),
            function("weather", '{"city"', index=1, id="b2"),
            function(None, '{"city": ', index=0),
            function(None, ': "Oslo"}', index=1),
            function(None, '"Lisbon"}', index=0),
        ),
    ),
    (
        "0 of each",
        "openai",
        openai(
            function("weather", LISBON, index=0, id="a1"),
            function("weather", OSLO, index=0, id="b2"),
        ),
    ),
    (
        "no place",
        "openai",
        openai(
            function("weather", LISBON[:5], id="a1"),
            function(None, LISBON[5:]),
            function("weather", OSLO, id="b2"),
        ),
    ),
    (
        "another id with each piece",
        "openai",
        openai(
            function("weather", LISBON[:5], index=0, id="a1"),
            function(None, LISBON[5:], index=0, id="x9"),
            function("weather", OSLO, index=1, id="b2"),
        ),
    ),
    (
        "objects for texts",
        "openai",
        openai(
            function("weather", {"city": "Lisbon"}, index=0, id="a1"),
            function("weather", {"city": "Oslo"}, index=1, id="b2"),
        ),
    ),
    (
        "whole",
        "anthropic",
        [{"type": "message", "content": [use("a1", city="Lisbon"), use("b2", city="Oslo")]}],
    ),
    (
        "pieces",
        "anthropic",
        [
            block(0, content_block={"type": "text", "text": ""}),
            block(1, content_block=use("a1")),
            delta(1, ""),
            delta(1, '{"city": "Lis'),
            delta(1, 'bon"}'),
            block(2, content_block=use("b2")),
            delta(2, OSLO),
        ],
    ),
    ("whole", "gemini", gemini(called("Lisbon", id="a1"), called("Oslo", id="b2"))),
    (
        "pieces",
        "vertex_ai",
        [*gemini(called("Lisbon", id="a1")), *gemini(called("Oslo", id="b2"))],
    ),
    (
        "whole",
        "bedrock",
        bedrock(
            {"toolUse": {"toolUseId": "a1", "name": "weather", "input": {"city": "Lisbon"}}},
            {"toolUse": {"toolUseId": "b2", "name": "weather", "input": {"city": "Oslo"}}},
        ),
    ),
    (
        "pieces",
        "bedrock",
        [
            converse(0, start={"toolUse": {"toolUseId": "a1", "name": "weather"}}),
            converse(0, delta={"toolUse": {"input": LISBON[:7]}}),
            converse(0, delta={"toolUse": {"input": LISBON[7:]}}),
            converse(1, start={"toolUse": {"toolUseId": "b2", "name": "weather"}}),
            converse(1, delta={"toolUse": {"input": OSLO}}),
        ],
    ),
    (
        "whole",
        "cohere_chat",
        [
            {
                "message": {
                    "tool_plan": "I look both up.",
                    "tool_calls": [
                        function("weather", LISBON, id="a1"),
                        function("weather", OSLO, id="b2"),
                    ],
                },
                "finish_reason": "TOOL_CALL",
            }
        ],
    ),
    (
        "pieces",
        "cohere_chat",
        [
            cohere("tool-call-start", 0, **function("weather", "", id="a1")),
            cohere("tool-call-delta", 0, function={"arguments": LISBON[:4]}),
            cohere("tool-call-delta", 0, function={"arguments": LISBON[4:]}),
            cohere("tool-call-start", 1, **function("weather", OSLO, id="b2")),
        ],
    ),
]
# Those that have no ids: one is made up, the same each time.
WITHOUT_IDS: list[tuple[str, Events]] = [
    ("gemini", gemini(called("Lisbon"), called("Oslo"))),
    ("ollama_chat", [as_object({"city": city}) for city in ("Lisbon", "Oslo")]),  # type: ignore[arg-type]
    ("openai", openai(function("weather", LISBON), function("weather", OSLO), whole=True)),
]


def read(litellm: str, events: Events) -> list[tuple[str, str, str]]:
    said, take = reader(litellm)
    for event in events:
        take(event, said)
    return [(call.id, call.name, call.arguments) for call in said.calls.made()]


@pytest.mark.parametrize(
    ("way", "litellm", "events"), FORMS, ids=[f"{f[1]}, {f[0]}" for f in FORMS]
)
def test_two_calls_at_once(way: str, litellm: str, events: Events) -> None:
    """Ids, names and arguments are those that were sent, in their order, however they came."""
    assert read(litellm, events) == WANTED


@pytest.mark.parametrize(("litellm", "events"), WITHOUT_IDS)
def test_ids_are_made_up(litellm: str, events: Events) -> None:
    """A call without an id gets one that all providers take, and the same the next time."""
    assert read(litellm, events) == [
        ("call00001", "weather", LISBON),
        ("call00002", "weather", OSLO),
    ]
    assert read(litellm, events) == read(litellm, events)


def test_the_older_form_of_a_call() -> None:
    """`function_call` is a call, whole and in pieces."""
    pieces = [
        {"choices": [{"delta": {"function_call": each}}]}
        for each in ({"name": "weather", "arguments": ""}, {"arguments": LISBON})
    ]
    whole = {"function_call": {"name": "weather", "arguments": LISBON}}
    wanted = [("call00001", "weather", LISBON)]
    assert read("openai", pieces) == wanted
    assert read("openai", [{"choices": [{"message": whole}]}]) == wanted


def test_a_signature_goes_along() -> None:
    """Google's signature of a thought stands in the id, where litellm looks when it sends it."""
    from litellm.litellm_core_utils.prompt_templates.factory import get_thought_signature_from_tool

    [(id, _, _)] = read("gemini", gemini(called("Lisbon") | {"thoughtSignature": "c2ln"}))
    assert id.startswith("call00001")
    assert get_thought_signature_from_tool({"id": id}) == "c2ln"


@pytest.mark.parametrize("arguments", [None, "", "{", [1], 7, "null", "\ud83d", {"a": None}])
def test_odd_arguments_are_on_record(arguments: Any) -> None:
    """Whatever stands for arguments is an answer, for whoever scores it to judge."""
    body = openai(function("weather", arguments, id="a"), whole=True)[0]
    [call] = answered(body).tool_calls
    assert call.name == "weather"
    assert isinstance(call.model_dump_json(), str)


def answered(body: dict[str, Any]) -> Reply:
    wire = Wire("openai", [], http_requests=1, status=200, sent=0.0, received=1.0)
    wire.reply += json.dumps(body).encode()
    return success(wire, 60)


def ended(reason: str | None, text: str | None, *, calls: bool) -> dict[str, Any]:
    message: dict[str, Any] = {"content": text}
    if calls:
        message["tool_calls"] = [function("weather", LISBON, id="a1")]
    return {"choices": [{"message": message, "finish_reason": reason}]}


@pytest.mark.parametrize(
    ("reason", "text", "calls", "wanted"),
    [
        ("tool_calls", None, True, "tool_calls"),
        ("stop", None, True, "tool_calls"),  # Ollama's, and OpenAI's where one is forced
        ("stop", "I look it up.", True, "tool_calls"),
        (None, None, True, "tool_calls"),
        ("length", None, True, "length"),
        ("tool_calls", "No.", False, "stop"),
        ("stop", "No.", False, "stop"),
    ],
)
def test_what_ends_with_calls(
    reason: str | None, text: str | None, calls: bool, wanted: str
) -> None:
    """An answer that calls a tool ends with it, text or none, unless it was cut off."""
    reply = answered(ended(reason, text, calls=calls))
    assert (reply.finish_reason, reply.text, bool(reply.tool_calls)) == (wanted, text or "", calls)


def test_calls_that_are_not_there() -> None:
    """An answer that ends with calls, and has neither one nor a text, is none."""
    with pytest.raises(CallFailed) as failed:
        answered(ended("tool_calls", None, calls=False))
    assert failed.value.kind == "invalid_reply"
