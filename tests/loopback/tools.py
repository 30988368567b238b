"""How tools are offered, called and answered, in the words of each provider."""

import json
from typing import Any

from tests.loopback.strict import BOOLEAN, OBJECT, STRING, object_of

Read = dict[str, Any]  # tools, calls and results of a ChatRequest
NAME = STRING | {"pattern": "^[A-Za-z0-9_-]{1,64}$"}


def _one_of(*kinds: dict[str, Any]) -> dict[str, Any]:
    return {"oneOf": list(kinds)}


def _list_of(kind: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": kind, "minItems": 1}


# OpenAI's.
_DECLARED = object_of(
    {"name": NAME, "description": STRING, "parameters": OBJECT, "strict": BOOLEAN}, ["name"]
)
_TOOL = object_of({"type": {"const": "function"}, "function": _DECLARED}, ["type", "function"])
_NAMED = object_of(
    {"type": {"const": "function"}, "function": object_of({"name": NAME}, ["name"])},
    ["type", "function"],
)
OPENAI_KEYS: dict[str, Any] = {
    "tools": _list_of(_TOOL),
    "tool_choice": _one_of({"enum": ["auto", "none", "required"]}, _NAMED),
    "parallel_tool_calls": BOOLEAN,
}
ANY_TOO = _one_of({"enum": ["auto", "none", "any", "required"]}, _NAMED)  # Mistral, Fireworks


def openai_messages(ids: str) -> list[dict[str, Any]]:
    """An assistant's that calls, and a result; the ids have the pattern `ids`."""
    id = STRING | {"pattern": ids}
    function = object_of({"name": NAME, "arguments": STRING}, ["name", "arguments"])
    call = object_of(
        {"id": id, "type": {"const": "function"}, "function": function}, ["id", "type", "function"]
    )
    said = {"type": ["string", "null"]}
    calling = {"role": {"const": "assistant"}, "content": said, "tool_calls": _list_of(call)}
    result = {"role": {"const": "tool"}, "tool_call_id": id, "content": STRING, "name": NAME}
    return [
        object_of(calling, ["role", "tool_calls"]),
        object_of(result, ["role", "tool_call_id", "content"]),
    ]


def openai_unpaired(body: Any) -> str | None:
    """What it says where a call and its result don't follow each other."""
    waiting = set[str]()
    for message in body["messages"]:
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                return "role 'tool' must be a response to a preceding message with 'tool_calls'"
            waiting.remove(message["tool_call_id"])
        elif waiting:
            break
        waiting |= {call["id"] for call in message.get("tool_calls") or ()}
    if waiting:
        return f"'tool_calls' must be followed by tool messages: no response to {sorted(waiting)}"
    return None


def of_openai(body: Any) -> Read:
    """Ollama's too, whose arguments are objects."""
    made = [call["function"] for m in body["messages"] for call in m.get("tool_calls") or ()]
    given = [(each["name"], each["arguments"]) for each in made]
    return {
        "tools": tuple(tool["function"]["name"] for tool in body.get("tools") or ()),
        "calls": tuple((name, json.loads(a) if isinstance(a, str) else a) for name, a in given),
        "results": tuple(m["content"] for m in body["messages"] if m["role"] == "tool"),
    }


# Ollama's.
_OLLAMA_CALL = object_of(
    {"function": object_of({"name": STRING, "arguments": OBJECT}, ["name", "arguments"])},
    ["function"],
)
OLLAMA_CALLS = _list_of(_OLLAMA_CALL)
OLLAMA_TOOLS = _list_of(_TOOL)

# Anthropic's.
ANTHROPIC_BLOCKS = [
    object_of(
        {
            "type": {"const": "tool_use"},
            "id": STRING | {"pattern": "^[a-zA-Z0-9_-]+$"},
            "name": NAME,
            "input": OBJECT,
            "cache_control": OBJECT,
        },
        ["type", "id", "name", "input"],
    ),
    object_of(
        {
            "type": {"const": "tool_result"},
            "tool_use_id": STRING | {"pattern": "^[a-zA-Z0-9_-]+$"},
            "content": _one_of(STRING, {"type": "array"}),
            "is_error": BOOLEAN,
            "cache_control": OBJECT,
        },
        ["type", "tool_use_id"],
    ),
]
_CUSTOM = {"name": NAME, "description": STRING, "input_schema": OBJECT, "type": {"const": "custom"}}
_SINGLY = {"disable_parallel_tool_use": BOOLEAN}
ANTHROPIC_KEYS = {
    "tools": _list_of(object_of(_CUSTOM | {"cache_control": OBJECT}, ["name", "input_schema"])),
    "tool_choice": _one_of(
        object_of({"type": {"enum": ["auto", "any"]}} | _SINGLY, ["type"]),
        object_of({"type": {"const": "none"}}, ["type"]),
        object_of({"type": {"const": "tool"}, "name": NAME} | _SINGLY, ["type", "name"]),
    ),
}


def anthropic_unpaired(body: Any) -> str | None:
    """The same: results stand in the very next message."""
    waiting = set[str]()
    for message in body["messages"]:
        blocks = message["content"] if isinstance(message["content"], list) else []
        given = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
        if given != waiting:
            return f"tool_use ids without tool_result, or the other way: {sorted(given ^ waiting)}"
        waiting = {block["id"] for block in blocks if block["type"] == "tool_use"}
    return f"tool_use ids were found without tool_result: {sorted(waiting)}" if waiting else None


def of_anthropic(body: Any) -> Read:
    blocks = [b for m in body["messages"] if isinstance(m["content"], list) for b in m["content"]]
    return {
        "tools": tuple(tool["name"] for tool in body.get("tools") or ()),
        "calls": tuple((b["name"], b["input"]) for b in blocks if b["type"] == "tool_use"),
        "results": tuple(b["content"] for b in blocks if b["type"] == "tool_result"),
    }


# Google's, whose keys come in two spellings: see gemini.py.
_ONE_DECLARED = {"name": NAME, "description": STRING, "parameters": OBJECT}
GEMINI_DECLARED = _one_of(object_of(_ONE_DECLARED | {"parametersJsonSchema": OBJECT}, ["name"]))
GEMINI_CALL = object_of({"name": NAME, "args": OBJECT, "id": STRING}, ["name"])
GEMINI_RESPONSE = object_of({"name": NAME, "response": OBJECT, "id": STRING}, ["name", "response"])
GEMINI_MODE = {"enum": ["AUTO", "ANY", "NONE"]}


def of_gemini(body: Any) -> Read:
    """Of a body in snake_case."""
    parts = [part for content in body["contents"] for part in content["parts"]]
    made = [part["function_call"] for part in parts if "function_call" in part]
    declared = [d for tool in body.get("tools") or () for d in tool["function_declarations"]]
    responses = [p["function_response"]["response"] for p in parts if "function_response" in p]
    return {
        "tools": tuple(each["name"] for each in declared),
        "calls": tuple((each["name"], each["args"]) for each in made),
        "results": tuple(each.get("content") or json.dumps(each) for each in responses),
    }


# Amazon's.
_ID = STRING | {"pattern": "^[a-zA-Z0-9_-]{1,64}$"}
_USE = object_of({"toolUseId": _ID, "name": NAME, "input": OBJECT}, ["toolUseId", "name", "input"])
_RESULT = object_of(
    {
        "toolUseId": _ID,
        "content": _list_of(_one_of(object_of({"text": STRING}), object_of({"json": OBJECT}))),
        "status": {"enum": ["success", "error"]},
    },
    ["toolUseId", "content"],
)
BEDROCK_PARTS = [object_of({"toolUse": _USE}), object_of({"toolResult": _RESULT})]
_SPEC = object_of(
    {
        "name": NAME,
        "description": STRING | {"minLength": 1},
        "inputSchema": object_of({"json": OBJECT}, ["json"]),
    },
    ["name", "inputSchema"],
)
BEDROCK_CONFIG = object_of(
    {
        "tools": _list_of(object_of({"toolSpec": _SPEC}, ["toolSpec"])),
        "toolChoice": _one_of(
            object_of({"auto": OBJECT}, ["auto"]),
            object_of({"any": OBJECT}, ["any"]),
            object_of({"tool": object_of({"name": NAME}, ["name"])}, ["tool"]),
        ),
    },
    ["tools"],
)


def of_bedrock(body: Any) -> Read:
    parts = [part for message in body["messages"] for part in message["content"]]
    made = [part["toolUse"] for part in parts if "toolUse" in part]
    results = [p["toolResult"]["content"] for p in parts if "toolResult" in p]
    specs = [tool["toolSpec"] for tool in (body.get("toolConfig") or {}).get("tools", ())]
    return {
        "tools": tuple(spec["name"] for spec in specs),
        "calls": tuple((each["name"], each["input"]) for each in made),
        "results": tuple("".join(part["text"] for part in each) for each in results),
    }
