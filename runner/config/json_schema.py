"""A task's JSON schema: read once, before anything is sent, then held against every answer.

The dialect is the schema's own `$schema`, 2020-12 unless said; `format` is held; patterns are of
ECMA-262 in its Unicode mode, and stop after a bounded number of steps. Nothing is ever fetched.
"""

import json
from functools import lru_cache
from typing import Any, NoReturn

import jsonschema_rs


def problem(schema: dict[str, Any]) -> str | None:
    """Why a schema is none, or can't be used: a `$ref` that leads nowhere, a pattern."""
    try:
        _validator(json.dumps(schema))
    except jsonschema_rs.ValidationError as error:
        message = error.message.partition(" and retrieving it failed")[0]
        return f"at {_place(error)}: " + message.replace('a "regex"', "a pattern of ECMA-262")
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
