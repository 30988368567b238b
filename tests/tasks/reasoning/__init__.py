"""The answers of the reasoning cases, each computed by a function with the case's name.

It is given the case's text, for tables; other numbers stand in it again, in a second hand.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

Answer = Any  # an int or a Fraction; sums of Fractions are not typed


def rows(text: str, separator: str, begin: str, end: str, first: int = 1) -> list[list[str]]:
    """The cells of a table's lines, from the first that begins so to the last that begins with
    `end`, from the `first` column on."""
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(begin))
    stop = max(n for n, line in enumerate(lines) if line.startswith(end))
    return [
        [cell.strip() for cell in line.split(separator)][first:] for line in lines[start : stop + 1]
    ]


def only(found: set[Any]) -> Any:
    """The one there is: a puzzle with two solutions is none."""
    (one,) = found
    return one


def answers(module: ModuleType) -> dict[str, Callable[[str], Answer]]:
    """A module's functions, by the name of their case."""
    mine = {name: one for name, one in vars(module).items() if callable(one)}
    return {name: one for name, one in mine.items() if one.__module__ == module.__name__}
