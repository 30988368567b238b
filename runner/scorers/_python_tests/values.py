"""Values on the way from the code's process to the judge's, as text that is never more than values.

Runs in both processes. Nothing of the package is imported here, nor what is slow to import: json
and typing would take longer than Python does to start.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

# Lines that belong to no check have these numbers; KEEP is a check that only notes a function.
READY, END, ERROR, FAKE = -1, -2, -3, -4
KEEP = -1

_GROUPS: dict[str, Any] = {"[": list, "(": tuple, "{": set, "<": frozenset}
_TAGS = {kind: tag for tag, kind in _GROUPS.items()}
_SINGLE = {"n": None, "t": True, "f": False}
_PLAIN: tuple[Any, ...] = (str, int, float, tuple, list, dict, set, frozenset, bytes)
_COMPARED = (
    "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__contains__", "__hash__",
)  # fmt: skip
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "Eq": lambda a, b: a == b, "NotEq": lambda a, b: a != b, "Lt": lambda a, b: a < b,
    "LtE": lambda a, b: a <= b, "Gt": lambda a, b: a > b, "GtE": lambda a, b: a >= b,
    "Is": lambda a, b: a is b, "IsNot": lambda a, b: a is not b,
    "In": lambda a, b: a in b, "NotIn": lambda a, b: a not in b,
}  # fmt: skip


class NotPlain(Exception):
    """A value that only its own process knows how to compare."""


def _reduced(value: Any) -> tuple[Any, ...]:
    arguments: tuple[Any, ...] = value.__reduce_ex__(4)[1]
    return arguments


_ARGUMENTS: dict[str, Callable[[Any], Any]] = {  # of Python's own classes: what makes an equal one
    "datetime.date": _reduced,
    "datetime.datetime": _reduced,
    "datetime.time": _reduced,
    "datetime.timedelta": _reduced,
    "datetime.timezone": lambda value: value.__getinitargs__(),
    "decimal.Decimal": _reduced,
    "fractions.Fraction": lambda value: (value.numerator, value.denominator),
    "collections.Counter": lambda value: (dict(value),),
    "collections.OrderedDict": lambda value: ([*value.items()],),
    "collections.deque": lambda value: ([*value], value.maxlen),
    "builtins.range": _reduced,
    "builtins.complex": lambda value: (value.real, value.imag),
}


def encode(value: Any) -> str:
    """Words with blanks between them: a letter for the kind, then the value or how many follow.

    Raises NotPlain. What a class inherits from Python and compares as Python does is plain.
    """
    words: list[str] = []
    try:
        _write(value, words)
    except RecursionError:
        raise NotPlain from None
    return " ".join(words)


def _write(value: Any, words: list[str]) -> None:
    kind = type(value)
    if kind is int:
        words.append(f"i{value:x}")
    elif kind is str:
        words.append("s" + value.encode("utf-8", "surrogatepass").hex())
    elif kind is float:
        words.append("d" + value.hex())
    elif value is None or kind is bool:
        words.append("n" if value is None else "t" if value else "f")
    elif kind in _TAGS:
        words.append(f"{_TAGS[kind]}{len(value)}")
        for each in value:
            _write(each, words)
    elif kind is dict:
        words.append(f":{len(value)}")
        for pair in value.items():
            for each in pair:
                _write(each, words)
    elif kind is bytes:
        words.append("b" + value.hex())
    else:
        _write_other(value, words)


def _write_other(value: Any, words: list[str]) -> None:
    kind = type(value)
    name = f"{kind.__module__}.{kind.__name__}"
    if name in _ARGUMENTS and getattr(sys.modules[kind.__module__], kind.__name__) is kind:
        words.append(f"o{name}")
        return _write(_ARGUMENTS[name](value), words)
    for base in _PLAIN:
        if isinstance(value, base) and all(
            getattr(kind, each, None) is getattr(base, each, None) for each in _COMPARED
        ):
            return _write(str.__str__(value) if base is str else base(value), words)
    raise NotPlain


def decode(text: str) -> Any:
    """Raises ValueError, TypeError, LookupError or StopIteration for what is no such text."""
    words = iter(text.split())
    value = _read(words)
    if next(words, None) is not None:
        raise ValueError("more than one value")
    return value


def _read(words: Iterator[str]) -> Any:
    word = next(words)
    kind, held = word[0], word[1:]
    if kind == "i":
        return int(held, 16)
    if kind == "s":
        return bytes.fromhex(held).decode("utf-8", "surrogatepass")
    if kind == "d":
        return float.fromhex(held)
    if kind == "b":
        return bytes.fromhex(held)
    if kind == ":":
        return {_read(words): _read(words) for _ in range(int(held))}
    if kind == "o":
        if held not in _ARGUMENTS:
            raise ValueError(held)
        module, _, name = held.rpartition(".")
        __import__(module)
        made: Any = getattr(sys.modules[module], name)
        return made(*_read(words))
    if kind in _SINGLE:
        return _SINGLE[kind]
    return _GROUPS[kind]([_read(words) for _ in range(int(held))])


def holds(operators: list[str], operands: list[Any]) -> bool:
    return all(_OPERATORS[each](operands[n], operands[n + 1]) for n, each in enumerate(operators))


def fits(operators: list[str], operands: list[Any]) -> bool:
    """As `holds`; a class may well not know how to compare itself with all there is."""
    try:
        return bool(holds(operators, operands))
    except Exception:
        return False


def filled(judged: list[bool], known: Any, asked: Any) -> list[Any]:
    """The operands of a check in their order, from those of the judge and those of the code."""
    known, asked = iter(known), iter(asked)
    return [next(known) if has else next(asked) for has in judged]
