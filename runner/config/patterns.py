"""Regular expressions that somebody else wrote: they are bounded in time.

The syntax is that of `re`, which the `regex` library shares and extends.
"""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any, Literal

import regex

Flag = Literal["ignorecase", "multiline", "dotall"]
Pattern = Any  # of `regex`, which has no types


class TooSlow(Exception):
    """A pattern that backtracks for ever, most likely."""


def compiled(pattern: str, flags: Sequence[Flag] = ()) -> Pattern:
    """Raises ValueError."""
    try:
        return regex.compile(pattern, reduce(or_, (regex.RegexFlag[f.upper()] for f in flags), 0))
    except (regex.error, OverflowError, RecursionError) as error:
        raise ValueError(f"'{pattern}' is no regular expression: {error}") from None


def matches(pattern: Pattern, text: str, *, seconds: float) -> list[Any]:
    """All matches in the order of the text; other threads run meanwhile. Raises TooSlow."""
    try:
        return list(pattern.finditer(text, timeout=seconds, concurrent=True))
    except TimeoutError:
        what = f"'{pattern.pattern}' takes over {seconds:g} s on a text of {len(text)} characters"
        raise TooSlow(what) from None


def found(pattern: str, text: str, *, seconds: float) -> bool:
    """Raises TooSlow."""
    try:
        return compiled(pattern).search(text, timeout=seconds, concurrent=True) is not None
    except TimeoutError:
        raise TooSlow(f"'{pattern}' takes over {seconds:g} s") from None
