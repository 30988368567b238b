"""Values on the way from the code's process to the judge's: JSON, which is never more than a value.

Runs in both processes. Nothing of the package is imported here.
"""

import importlib
import operator
import sys
from typing import Any

# Lines that belong to no check have these numbers; KEEP is a check that only notes a function.
READY, END, ERROR, FAKE = -1, -2, -3, -4
KEEP = -1

_BIG = 1 << 63
_SEQUENCES: dict[str, Any] = {kind.__name__: kind for kind in (tuple, set, frozenset)}
_PLAIN: tuple[Any, ...] = (str, int, float, tuple, list, dict, set, frozenset, bytes)
_COMPARED = (
    "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__contains__", "__hash__",
)  # fmt: skip
_OPERATORS: dict[str, Any] = {
    "Eq": operator.eq, "NotEq": operator.ne, "Lt": operator.lt, "LtE": operator.le,
    "Gt": operator.gt, "GtE": operator.ge, "Is": operator.is_, "IsNot": operator.is_not,
    "In": lambda item, whole: item in whole, "NotIn": lambda item, whole: item not in whole,
}  # fmt: skip


class NotPlain(Exception):
    """A value that only its own process knows how to compare."""


def _reduced(value: Any) -> tuple[Any, ...]:
    arguments: tuple[Any, ...] = value.__reduce_ex__(4)[1]
    return arguments


_ARGUMENTS: dict[str, Any] = {  # of Python's own classes: what makes an equal one
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


def encode(value: Any) -> Any:
    """Raises NotPlain. What a class inherits from Python and compares as Python does is plain."""
    kind = type(value)
    if value is None or kind is bool or kind is str or kind is float:
        return value
    if kind is int:
        return value if -_BIG < value < _BIG else {"int": hex(value)}
    if kind is list:
        return [encode(each) for each in value]
    if kind in _SEQUENCES.values():
        return {kind.__name__: [encode(each) for each in value]}
    if kind is dict:
        return {"dict": [[encode(key), encode(each)] for key, each in value.items()]}
    if kind is bytes:
        return {"bytes": value.hex()}
    name = f"{kind.__module__}.{kind.__name__}"
    if name in _ARGUMENTS and getattr(sys.modules[kind.__module__], kind.__name__) is kind:
        return {"of": [name, encode(_ARGUMENTS[name](value))]}
    for base in _PLAIN:
        if isinstance(value, base) and all(
            getattr(kind, each, None) is getattr(base, each, None) for each in _COMPARED
        ):
            return encode(base(value) if base is not str else str.__str__(value))
    raise NotPlain


def decode(value: Any) -> Any:
    """Raises ValueError, TypeError or LookupError for what `encode` did not write."""
    if isinstance(value, list):
        return [decode(each) for each in value]
    if not isinstance(value, dict):
        return value
    ((tag, held),) = value.items()
    if tag == "int":
        return int(held, 16)
    if tag == "bytes":
        return bytes.fromhex(held)
    if tag == "dict":
        return {decode(key): decode(each) for key, each in held}
    if tag == "of":
        name, arguments = held
        if name not in _ARGUMENTS:
            raise ValueError(name)
        module, _, kind = name.rpartition(".")
        made: Any = getattr(importlib.import_module(module), kind)
        return made(*decode(arguments))
    return _SEQUENCES[tag](decode(each) for each in held)


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
