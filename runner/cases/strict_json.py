"""JSON as the standard has it, and as all of its readers understand it alike."""

import json
import math
from typing import Any, NoReturn

_DEEPEST = 100  # readers of what we write stop at 200
_FLOATS_SKIP = 2**53  # from here on not every whole number has a float
_DIGITS = 1000  # Python's own limit is a setting


def loads(text: str) -> Any:
    """A value that can be written down again.

    Raises ValueError: JSONDecodeError where the text breaks the grammar, its own for what Python
    would let pass and others would not: a key that stands twice in an object, NaN and Infinity, a
    number beyond all floats or of thousands of digits, half a character (`"\\ud800"`), and values
    within values that no record could hold.
    """
    try:
        value = json.loads(
            text,
            parse_constant=_refuse,
            parse_float=_finite,
            parse_int=_whole,
            object_pairs_hook=_distinct,
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
        if text.count("[") + text.count("{") > _DEEPEST:
            _bound(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError("it holds half a character") from None
    return value


def _bound(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    if level:
        raise ValueError("nested too deeply")


def _whole(number: str) -> int:
    if len(number) > _DIGITS:
        raise ValueError(f"{number[:20]}… is too large a number")
    return int(number)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _finite(number: str) -> float | int:
    """A whole number that no float holds, such as 9007199254740993.0, stays what it is."""
    value = float(number)
    if math.isinf(value):
        raise ValueError(f"{number[:20]} is too large a number")
    whole, _, fraction = number.partition(".")
    if abs(value) < _FLOATS_SKIP or fraction.strip("0") or "e" in number.lower():
        return value
    exact = _whole(whole)
    return value if exact == value else exact


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise ValueError(f"the key '{twice}' stands twice")
    return found
