"""A task's JSON schema: read once, before anything is sent, then held against every answer.

The dialect is the schema's own `$schema`, 2020-12 unless said; `format` is held; patterns are of
ECMA-262 in its Unicode mode, and stop after a bounded number of steps. Nothing is ever fetched.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NoReturn

import jsonschema_rs

from runner.config import ecma

_DATA = ("const", "default", "enum", "example", "examples")  # no schema stands in these


def problem(schema: dict[str, Any]) -> str | None:
    """Why a schema is none, or can't be used: a `$ref` that leads nowhere, a pattern."""
    for place, pattern in _patterns(schema):
        if part := ecma.foreign(pattern):
            quoted = json.dumps(pattern)
            return f"at {place}: {quoted} is not a pattern of ECMA-262, which knows no '{part}'"
    try:
        _validator(json.dumps(schema))
    except jsonschema_rs.ValidationError as error:
        message = error.message.partition(" and retrieving it failed")[0]
        known = "a pattern of ECMA-262 that can be held"
        return f"at {_place(error)}: " + message.replace('a "regex"', known)
    return None


def misfit(schema: dict[str, Any], value: Any) -> str | None:
    """Where and why a value does not fit a schema that has no problem; None: it fits."""
    try:
        errors = list(_validator(json.dumps(schema)).iter_errors(value))
    except ValueError as error:  # a value that is nested too deeply
        return str(error)
    if not errors:
        return None
    worst = min(errors, key=lambda error: len(error.instance_path))
    return f"at {_place(worst)}: {worst.message}"


def _patterns(schema: Any, at: str = "$") -> Iterator[tuple[str, str]]:
    """Each with its place."""
    if isinstance(schema, list):
        for index, each in enumerate(schema):
            yield from _patterns(each, f"{at}[{index}]")
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        if key == "pattern" and isinstance(value, str):
            yield f"{at}.{key}", value
        elif key == "patternProperties" and isinstance(value, dict):
            yield from ((f"{at}.{key}", pattern) for pattern in value)
        if key not in _DATA:
            yield from _patterns(value, f"{at}.{key}")


@lru_cache(maxsize=64)
def _validator(schema: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(
        json.loads(schema), validate_formats=True, retriever=_fetch_nothing
    )


def _fetch_nothing(uri: str) -> NoReturn:
    raise LookupError(uri)


def _place(error: jsonschema_rs.ValidationError) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
    return "$" + "".join(steps)
