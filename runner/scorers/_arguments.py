"""Whether the arguments of a call are those that a case expects, and where they are not.

An expected argument is its value, or an object that says what may vary: `one_of` (a list of values
that are as good), `type` (of JSON schema), `schema` (a whole one), `optional: true` (it may be left
out) or, where the value itself is an object with such keys, `value`. Signs don't count in texts, so
that 1,5 is 15 and /a/b is /ab: `{"schema": {"const": "/a/b"}}` holds one to the letter.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from runner.config import json_schema
from runner.config.schema import Tool
from runner.errors import did_you_mean
from runner.scorers import _text
from runner.scorers._text import clip

PARTS = (json_schema, _text)
_ABSENT = object()
_KEYS = {"value", "one_of", "type", "schema", "optional"}
# Left out of texts, but for a point within a number and a minus before one.
_SIGNS = re.compile(r"(?<!\d)\.|\.(?!\d)|(?<=\w)-|-(?!\d)|[\s,/_*^()]")


def differences(tool: Tool, wanted: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[str]:
    """A line for each argument that is not as expected."""
    properties = tool.parameters.get("properties", {})
    for name, expected in wanted.items():
        if why := _misfit(expected, given.get(name, _ABSENT)):
            yield f"{name}: {why}"
    for name in given.keys() - wanted.keys():
        about = properties.get(name)
        if about is None and not isinstance(about, dict):
            yield f"{name}: is no parameter of {tool.name}{did_you_mean(name, properties)}"
        elif not ("default" in about and _same(about["default"], given[name])):
            yield f"{name}: is {shown(given[name])}, expected to be left out"


def example(wanted: Any) -> Any:
    """Arguments, or a value among them, that are as expected; what need not be there is not.

    Of a value that may be any of a type or fit a schema nobody knows one: it is null.
    """
    if isinstance(wanted, list):
        return list(map(example, wanted))
    if not isinstance(wanted, dict):
        return wanted
    if _may_vary(wanted):
        return example(next(iter(wanted.get("one_of", [])), wanted.get("value")))
    kept = {k: v for k, v in wanted.items() if not (_may_vary(v) and v.get("optional"))}
    return {name: example(value) for name, value in kept.items()}


def problem(tool: Tool, wanted: Mapping[str, Any]) -> str | None:
    """What is wrong with what a case expects, held against what the tool takes."""
    properties = tool.parameters.get("properties", {})
    for name, expected in wanted.items():
        if name not in properties:
            return f"{tool.name} has no parameter '{name}'{did_you_mean(name, properties)}"
        if why := _unclear(expected, properties[name]):
            return f"{tool.name}: {name}: {why}"
    for name in tool.parameters.get("required", ()):
        if name not in wanted or (_may_vary(wanted[name]) and wanted[name].get("optional")):
            return f"{tool.name}: {name}: the tool requires it, so that it can't be left out"
    return None


def _unclear(expected: Any, schema: Any) -> str | None:
    if not _may_vary(expected):
        return _unfit(expected, schema)
    own = schema.get("properties", {}) if isinstance(schema, dict) else {}
    if clash := next((key for key in expected if key in own), None):
        return f"is '{clash}' of the argument meant? Write it as {{\"value\": {{…}}}}"
    if not isinstance(expected.get("optional", True), bool):
        return "optional: say true or false"
    if len(expected.keys() - {"optional"}) > 1:
        return f"say one of {', '.join(sorted(_KEYS - {'optional'}))}"
    if "type" in expected or "schema" in expected:
        why = json_schema.problem(_schema(expected))
        return f"is no JSON schema: {why}" if why else None
    values = expected.get("one_of", [expected["value"]] if "value" in expected else [])
    if not isinstance(values, list) or ("one_of" in expected and not values):
        return "one_of: is a list of values"
    return next(filter(None, (_unfit(value, schema) for value in values)), None)


def _unfit(value: Any, schema: Any) -> str | None:
    if why := json_schema.misfit(schema, value) if isinstance(schema, dict) else None:
        return f"{shown(value)} is nothing that the tool takes: {why}"
    return None


def _may_vary(expected: Any) -> bool:
    return isinstance(expected, dict) and bool(expected) and expected.keys() <= _KEYS


def _schema(expected: Mapping[str, Any]) -> dict[str, Any]:
    given = expected.get("schema", {"type": expected.get("type")})
    return given if isinstance(given, dict) else {"type": given}


def _misfit(expected: Any, value: Any) -> str | None:
    """Why a value is not the expected one; either may be left out."""
    if expected is _ABSENT:
        return f"is {shown(value)}, expected to be left out"
    if not _may_vary(expected):
        return None if _same(expected, value) else _not(value, shown(expected))
    if expected.get("optional") and value in (_ABSENT, None):
        return None
    if "type" in expected or "schema" in expected:
        if value is _ABSENT:
            return "is left out"
        return json_schema.misfit(_schema(expected), value)
    if "one_of" in expected or "value" in expected:
        values = expected.get("one_of", [expected.get("value")])
        if not any(_same(each, value) for each in values):
            return _not(value, " or ".join(map(shown, values)))
    return None


def _not(value: Any, expected: str) -> str:
    return f"is {'left out' if value is _ABSENT else shown(value)}, expected {expected}"


def _same(expected: Any, value: Any) -> bool:
    if isinstance(expected, str) and isinstance(value, str):
        return _plain(expected) == _plain(value)
    if isinstance(expected, list) and isinstance(value, list):
        return len(expected) == len(value) and all(map(_same, expected, value))
    if isinstance(expected, dict) and isinstance(value, dict):
        keys = expected.keys() | value.keys()
        return not any(_misfit(expected.get(k, _ABSENT), value.get(k, _ABSENT)) for k in keys)
    if isinstance(expected, bool) or isinstance(value, bool):
        return expected is value
    return bool(expected == value)


def _plain(text: str) -> str:
    """What is left when case, blanks and punctuation don't matter."""
    simple = _text.simplify(text)
    return _SIGNS.sub("", simple) or simple


def shown(value: Any) -> str:
    return clip(json.dumps(value, ensure_ascii=False, default=str))
