"""The messages of a case: in the form of OpenAI's chat, or shorter; checked as they are read.

    {"messages": [{"role": "user", "content": "And in Lima?"}]}

Roles are system (the first alone), user, assistant and tool; the last is the user's or a tool's.
The content of a user's is a text or parts: {"type": "text", "text"}, {"type": "image", "path"},
{"type": "file", "path"}. An assistant's may have `tool_calls`, of a name and arguments each, or in
OpenAI's form; a tool's answers the call that its `tool_call_id` names, or else the next one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from runner.cases import attachments
from runner.errors import did_you_mean
from runner.record.outcomes import Message

LONGEST = 20_000_000  # characters of a message: more than any context holds
_KEYS = {
    "system": {"content"},
    "user": {"content"},
    "assistant": {"content", "tool_calls"},
    "tool": {"content", "tool_call_id", "name"},
}
_PARTS = {"text": "text", "image": "path", "file": "path"}  # and the key that each has


class Wrong(ValueError):
    """What is wrong with a message, and at which key."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(" ".join(f"{key}: {problem}".split()))


def checked(given: Iterable[Mapping[str, Any]], folder: Path) -> tuple[list[Message], list[str]]:
    """Messages as they are sent and recorded, with the paths of files beside those in `folder`;
    and a line for each problem.
    """
    found: list[Message] = []
    problems: list[str] = []
    for number, message in enumerate(given):
        try:
            found.append(_message(message, number, folder))
        except Wrong as problem:
            problems.append(str(problem))
    if not problems:
        try:
            _in_order(found)
        except Wrong as problem:
            problems.append(str(problem))
    return found, problems


def attached(text: str, images: Iterable[str], files: Iterable[str]) -> Any:
    """The content of a user's message: a text, or parts."""
    parts = [{"type": "image", "path": path} for path in images]
    parts += [{"type": "file", "path": path} for path in files]
    return [{"type": "text", "text": text}, *parts] if parts else text


def text_of(message: Message) -> str:
    content = message["content"]
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part["type"] == "text")


def last_text(messages: Iterable[Message]) -> str:
    """What the user said last."""
    return next((text_of(m) for m in reversed(list(messages)) if m["role"] == "user"), "")


def _message(given: Mapping[str, Any], number: int, folder: Path) -> Message:
    key, role = f"messages.{number}", given.get("role")
    if not isinstance(role, str) or role not in _KEYS:
        near = did_you_mean(str(role), _KEYS)
        raise Wrong(f"{key}.role", f"no role {role!r:.40}{near or ': ' + ', '.join(_KEYS)}")
    for name in given:
        if name not in _KEYS[role] | {"role"}:
            near = did_you_mean(name, _KEYS[role])
            raise Wrong(f"{key}.{name}", f"no such key of the role {role}{near}")
    content = given.get("content")
    message: Message = {"role": role, "content": "" if content is None else content}
    if calls := given.get("tool_calls"):
        message["tool_calls"] = list(_calls(calls, number))
    if "tool_call_id" in given:
        message["tool_call_id"] = _text(given["tool_call_id"], f"{key}.tool_call_id")
    message["content"] = _content(message, f"{key}.content", folder)
    return message


def _content(message: Message, key: str, folder: Path) -> Any:
    content, role = message["content"], message["role"]
    if content == [] and role != "tool":
        raise Wrong(key, "is empty")
    if isinstance(content, list) and role == "user":
        return [_part(part, f"{key}.{n}", folder) for n, part in enumerate(content)]
    if (
        isinstance(content, list)
        and content
        and all(isinstance(part, Mapping) and part.get("type") == "text" for part in content)
    ):
        content = "\n".join(_part(part, key, folder)["text"] for part in content)
    if not isinstance(content, str) and role == "tool":
        return json.dumps(content, ensure_ascii=False)  # a result is data
    if content == "" and (message.get("tool_calls") or role == "tool"):
        return content
    return _text(content, key)


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str):
        raise Wrong(key, "is no text")
    if not value.strip():
        raise Wrong(key, "is empty")
    if len(value) > LONGEST:
        raise Wrong(key, f"is longer than {LONGEST:,} characters")
    return value


def _part(part: Any, key: str, folder: Path) -> dict[str, str]:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if not isinstance(kind, str) or kind not in _PARTS:
        near = did_you_mean(str(kind), _PARTS)
        raise Wrong(f"{key}.type", f"no part {kind!r:.40}{near or ': ' + ', '.join(_PARTS)}")
    name = _PARTS[kind]
    for each in part:
        if each not in {"type", name}:
            raise Wrong(
                f"{key}.{each}", f"no such key of a part {kind}{did_you_mean(each, [name])}"
            )
    value = _text(part.get(name), f"{key}.{name}")
    if kind == "text":
        return {"type": "text", "text": value}
    wanted: attachments.Kind = "image" if kind == "image" else "file"
    try:
        return {"type": kind, "path": attachments.find(value, folder, wanted)}
    except attachments.Unusable as problem:
        raise Wrong(f"{key}.path", str(problem)) from None


def _calls(given: Any, message: int) -> Iterator[dict[str, Any]]:
    key = f"messages.{message}.tool_calls"
    if not isinstance(given, list):
        raise Wrong(key, "is no list")
    for number, call in enumerate(given):
        where = f"{key}.{number}"
        if not isinstance(call, Mapping):
            raise Wrong(where, "is no call: it has a name and arguments")
        inner = call.get("function", call)
        if not isinstance(inner, Mapping):
            raise Wrong(f"{where}.function", "is no function: it has a name and arguments")
        known = {"name", "arguments", *(("id", "type") if inner is call else ())}
        for name in inner:
            if name not in known:
                near = did_you_mean(name, known)
                raise Wrong(f"{where}.{name}", f"no such key of a call{near}")
        arguments = inner.get("arguments", {})
        if isinstance(arguments, Mapping):
            arguments = json.dumps(arguments, ensure_ascii=False)
        if not isinstance(arguments, str):
            raise Wrong(f"{where}.arguments", "is no object, nor the text of one")
        function = {"name": _text(inner.get("name"), f"{where}.name"), "arguments": arguments}
        # Letters and digits, nine of them: as the strictest of the providers wants an id.
        id = _text(call.get("id") or f"call{message:03}{number:02}", f"{where}.id")
        yield {"id": id, "type": "function", "function": function}


def _in_order(messages: list[Message]) -> None:
    """What providers would refuse, or nobody means. Names a result's call where it does not."""
    waiting: list[str] = []  # ids of calls without a result
    for number, message in enumerate(messages):
        key, role = f"messages.{number}", message["role"]
        if role == "system" and number:
            raise Wrong(f"{key}.role", "a system message stands first")
        if role == "assistant" and not any(m["role"] == "user" for m in messages[:number]):
            raise Wrong(f"{key}.role", "a conversation begins with the user")
        if role == "tool":
            id = message.setdefault("tool_call_id", waiting[0] if waiting else "")
            if id not in waiting:
                near = did_you_mean(id, waiting)
                raise Wrong(f"{key}.tool_call_id", f"no call '{id}' waits for a result{near}")
            waiting.remove(id)
        elif waiting:
            raise Wrong(key, f"the call '{waiting[0]}' before it has no result")
        waiting += [call["id"] for call in message.get("tool_calls", ())]
        if len(set(waiting)) < len(waiting):
            raise Wrong(f"{key}.tool_calls", "two calls have the same id")
    if not messages:
        raise Wrong("messages", "is empty")
    if messages[-1]["role"] not in ("user", "tool"):
        last = messages[-1]["role"]
        hint = "; what it should say is `expected`" if last == "assistant" else ""
        raise Wrong(
            f"messages.{len(messages) - 1}.role", f"the last is the user's, not {last}{hint}"
        )
