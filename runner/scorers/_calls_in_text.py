"""Calls that a model has written out as text, where it should have made them.

JSON with a name and arguments, alone or within words, fences or tags of any family; a tag that has
the name; Python. Only what names a tool that was offered counts: other JSON may be an answer.
"""

import ast
import json
import re
from collections.abc import Collection, Iterator
from typing import Any

_LONGEST = 20_000  # characters that are looked at
_MOST = 100  # places where JSON or a call may begin
_NAMES = ("name", "function", "function_name", "tool", "tool_name", "action")
_ARGUMENTS = ("arguments", "parameters", "args", "params", "input", "action_input", "kwargs")
_DECODER = json.JSONDecoder()


def found(text: str, offered: Collection[str]) -> list[tuple[str, Any]]:
    """Name and arguments of each, in their order; the arguments as far as they can be read."""
    text = text[:_LONGEST]
    if not any(name in text for name in offered):
        return []
    return [*_json(text, offered)] or [*_tagged(text, offered)] or [*_python(text, offered)]


def _json(text: str, offered: Collection[str]) -> Iterator[tuple[str, Any]]:
    end = 0
    for start in [match.start() for match in re.finditer(r"[{\[]", text)][:_MOST]:
        if start < end:
            continue
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        yield from _calls(value, offered)


def _calls(value: Any, offered: Collection[str], deep: int = 4) -> Iterator[tuple[str, Any]]:
    """Those in a JSON value: an object that is one, or has one, or a list of them."""
    if isinstance(value, list) and deep:
        for each in value[:_MOST]:
            yield from _calls(each, offered, deep - 1)
    if not isinstance(value, dict):
        return
    name = next((value[key] for key in _NAMES if isinstance(value.get(key), str)), None)
    if name is not None and name in offered:
        yield name, _read(next((value[key] for key in _ARGUMENTS if key in value), {}))
        return
    [only, *others] = value.items() or [("", None)]
    if only[0] in offered and isinstance(only[1], dict) and not others:
        yield only
        return
    for each in value.values() if deep else ():
        yield from _calls(each, offered, deep - 1)


def _tagged(text: str, offered: Collection[str]) -> Iterator[tuple[str, Any]]:
    for match in re.finditer(r"<(?:function|tool)=[\"']?([\w-]+)[\"']?>", text):
        if match[1] in offered:
            body = text[match.end() :].partition("</")[0]
            yield match[1], _read(body.strip())


def _python(text: str, offered: Collection[str]) -> Iterator[tuple[str, Any]]:
    """A call with arguments by name; one with none only where there is nothing else."""
    names = "|".join(map(re.escape, offered))
    alone = re.fullmatch(rf"[\s`\[(]*(?:{names})\(\s*\)[\s`\])]*", text)
    for match in [*re.finditer(rf"(?<![\w.])({names})\(", text)][:_MOST]:
        if (given := _keywords(text, match.start(), match.end())) or (given == {} and alone):
            yield match[1], given


def _keywords(text: str, start: int, opened: int) -> dict[str, Any] | None:
    """The arguments by name of the call that starts there; None: it is none."""
    for end in [match.end() for match in re.finditer(r"\)", text[opened : opened + 2000])][:20]:
        try:
            tree = ast.parse(text[start : opened + end].strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if not isinstance(tree, ast.Call) or tree.args:
            return None
        return {each.arg: _value(each.value) for each in tree.keywords if each.arg}
    return None


def _value(node: ast.expr) -> Any:
    try:
        value = ast.literal_eval(node)
        json.dumps(value)
        return value
    except (ValueError, TypeError, RecursionError, MemoryError):
        return ast.unparse(node)


def _read(arguments: Any) -> Any:
    if isinstance(arguments, str):
        try:
            return json.loads(arguments)
        except (ValueError, RecursionError):
            return arguments
    return arguments
