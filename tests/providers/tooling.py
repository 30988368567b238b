"""Tools: offered, called whole and in pieces, and answered."""

from dataclasses import replace
from typing import Any

from runner.calls.clouds import NO_KEY
from runner.calls.translate import caught, check_parameters
from runner.errors import ConfigError
from runner.record.outcomes import Message, Reply, ToolCall
from tests.providers.answering import counted
from tests.providers.calls import MESSAGES, SAYING, Bench, NotThere, answered
from tests.providers.table import Row

LISBON = ToolCall(id="call00001", name="weather", arguments='{"city": "Lisbon", "days": 2}')
NOON = ToolCall(id="call00002", name="local_time", arguments='{"city": "Zürich \\"Ost\\""}')
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [
    {
        "type": "function",
        "function": {"name": each.name, "description": "Look it up.", "parameters": CITY},
    }
    for each in (LISBON, NOON)
]
OFFERED: dict[str, Any] = {"tools": TOOLS}
CHOICES: dict[str, dict[str, Any]] = {
    "auto": {"tool_choice": "auto"},
    "required": {"tool_choice": "required"},
    "none": {"tool_choice": "none"},
    "named": {"tool_choice": {"type": "function", "function": {"name": "weather"}}},
    "one at a time": {"parallel_tool_calls": False},
}
CALLING = replace(SAYING, text=None, calls=(LISBON,))
BOTH = replace(CALLING, calls=(LISBON, NOON))


async def offered(row: Row, bench: Bench) -> str:
    """They arrive in the provider's form; a way to choose that it has not is refused beforehand."""
    _, request = await answered(row, bench, params=OFFERED)
    assert row.speaks.read(request).tools == ("weather", "local_time")
    taken = []
    for name, choice in CHOICES.items():
        wanted = {"max_tokens": 70} | OFFERED | choice
        try:
            check_parameters(row.model("http://nowhere"), wanted)
        except ConfigError as refused:
            assert "drop_params" in str(refused)
            continue
        _, request = await answered(row, bench, params=OFFERED | choice)
        [(key, value)] = choice.items()
        assert _said_of(request.body, key, value), (name, request.body)
        taken.append(name)
    return ", ".join(taken) or "no choice"


def _said_of(body: dict[str, Any], key: str, value: Any) -> bool:
    """Whether a request says anything of how tools may be called."""
    if key in body:
        return True
    if isinstance(value, bool):
        return body.get("tool_choice", {}).get("disable_parallel_tool_use") is (not value)
    return bool({"toolConfig", "tool_config"} & body.keys())


async def call_whole(row: Row, bench: Bench) -> str:
    """A call is an answer, with its text or without one."""
    reply, _ = await answered(row, bench, CALLING, params=OFFERED)
    assert_made(reply, LISBON)
    assert (reply.text, reply.usage) == ("", counted(row))
    both, _ = await answered(row, bench, replace(SAYING, calls=(LISBON,)), params=OFFERED)
    assert_made(both, LISBON)
    assert both.text == "one two three"
    return "ok"


async def call_streamed(row: Row, bench: Bench) -> str:
    """The same in a stream, its arguments in pieces where the provider cuts them."""
    heard: list[str] = []
    reply, _ = await answered(row, bench, CALLING, params=OFFERED, on_text=heard.append)
    assert_made(reply, LISBON)
    assert ("".join(heard), reply.usage) == ("", counted(row))
    if row.facts.streams:
        raise NotThere(row.facts.streams.reason)
    assert reply.first_token_seconds is not None
    both = replace(SAYING, calls=(LISBON,))
    reply, _ = await answered(row, bench, both, params=OFFERED, on_text=heard.append)
    assert_made(reply, LISBON)
    assert (reply.text, "".join(heard)) == ("one two three", "one two three")
    return "ok"


async def two_calls(row: Row, bench: Bench) -> str:
    """Both, in their order, whole and in a stream; asked for or not."""
    for on_text in (None, lambda _: None):
        for params in (OFFERED, {}):
            reply, _ = await answered(row, bench, BOTH, params=params, on_text=on_text)
            assert_made(reply, LISBON, NOON)
    return "ok"


async def results(row: Row, bench: Bench) -> str:
    """Calls and their results go back in the provider's own form, none of it changed.

    Where nothing was said beside the calls, nothing is put there.
    """
    reply, request = await answered(row, bench, messages=conversation(None), params=OFFERED)
    asked = row.speaks.read(request)
    assert asked.calls == (
        ("weather", {"city": "Lisbon", "days": 2}),
        ("local_time", {"city": 'Zürich "Ost"'}),
    )
    assert asked.results == ("21 °C", '{"time": "12:00"}')
    assert reply.text == "one two three"
    model, wanted = row.model("http://127.0.0.1:9"), {"max_tokens": 70} | OFFERED
    key = NO_KEY if model.provider.api_key_env is None else "sk-of-a-user"
    silent, empty = (
        caught(model, conversation(text), wanted, key, streamed=False) for text in (None, "")
    )
    assert silent.body == empty.body
    assert b"sanitised" not in silent.body
    return "ok"


def conversation(said: str | None) -> list[Message]:
    calls = [LISBON.message(), NOON.message()]
    return [
        *MESSAGES,
        {"role": "assistant", "content": said, "tool_calls": calls},
        {"role": "tool", "tool_call_id": LISBON.id, "content": "21 °C"},
        {"role": "tool", "tool_call_id": NOON.id, "content": '{"time": "12:00"}'},
    ]


def assert_made(reply: Reply, *wanted: ToolCall) -> None:
    """The very calls; where a provider has no ids, the made-up ones are these, too."""
    assert reply.tool_calls == list(wanted)
    assert reply.finish_reason == "tool_calls"
