"""Reads the JSON of an answer."""

import json
from typing import Any, NoReturn

from runner.scorers._text import fences


def read(text: str, *, fenced: bool) -> tuple[Any, bool]:
    """The value, and whether it stood in a fence.

    `fenced` accepts an answer whose only Markdown code block is the JSON. Raises ValueError.
    """
    blocks = [body for _, body in fences(text)] if fenced else []
    if len(blocks) == 1:
        return _parse(blocks[0]), True
    return _parse(text), False


def valid_json(text: str) -> bool:
    """Whether a text is JSON as the standard has it: without NaN and Infinity."""
    try:
        _parse(text)
    except ValueError:
        return False
    return True


def _parse(text: str) -> Any:
    if not text.strip():
        raise ValueError("not JSON: the answer is empty")
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"not JSON: {error.msg} at {where}") from None
    except RecursionError:
        raise ValueError("not JSON: nested too deeply") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"not JSON: {constant} is no JSON number")
