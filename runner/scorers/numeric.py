"""The number that the answer gives is the expected one.

Which number is read can change the ranking of models by several points, so `why` always shows it.
It is the number right after the last mark (`Answer:`, `the answer is` and the like in other
languages, `####`, `\\boxed{`, `<answer>`, a heading), or the result of the equation that starts
there; or else the last number of the text. `marker` replaces those marks. Numbers are compared
exactly, within `tolerance` (absolute) or `relative`; what reads 18 % as 0.18 is held to a hundredth
of the tolerance. A comma before three digits separates thousands and a point is decimal, unless
`decimal` says `comma` or `point` is the decimal mark of all numbers; without it an expected text
such as "1,234" is refused as ambiguous. A case may have a tolerance of its own, as in
`expected: {"value": 99.832, "tolerance": 0.0005}`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

import regex
from pydantic import Field

from runner.cases.cases import Case
from runner.config.schema import Task
from runner.record.outcomes import Reply, Score
from runner.scorers import _digits, _expected, _marks, _number
from runner.scorers._number import Mark, Number, find, is_ambiguous, parse
from runner.scorers._text import clip

PARTS = (_number, _digits, _marks)

_MARKS = regex.compile(
    rf"^\#{{4}}[ ](?=\S*\d\S*\s*$)"  # a line of its own, not the heading of a step
    rf"|{_marks.PLACE}|{_marks.ANSWER}",
    _marks.FLAGS,
)
# What may stand between a mark and its number: no prose.
_GAP = regex.compile(
    r"(?:[\W_]|\\?\b(?:text|textbf|mathbf|mathrm)\b|\b[a-z]\s*=|\b(?:about|approximately|around|"
    r"roughly|exactly|environ|etwa|ungefähr|genau|circa|cerca\ de|aproximadamente|unos|"
    r"ca)\b|約|约)*",
    _marks.FLAGS,
)
_OPERATOR = regex.compile(r"\s*(?:[-+*/×÷·=≈\u2212]|x\b|\\times|\\cdot|\\div)")  # noqa: RUF001
_EQUALS = regex.compile("[=≈]")

Tolerance = Annotated[float, Field(ge=0)]


@dataclass(frozen=True)
class _Expected:
    number: Number
    tolerance: float | None  # of this case


def score(
    reply: Reply,
    case: Case,
    task: Task,
    *,
    key: str | None = None,
    marker: str | None = None,
    tolerance: Tolerance = 1e-6,
    relative: Tolerance = 0.0,
    decimal: Mark | None = None,
) -> Score:
    wanted = _wanted(case, key, decimal)
    expected = wanted.number
    text = _digits.clean(reply.text)
    marks = regex.compile(regex.escape(marker), regex.IGNORECASE) if marker else _MARKS
    read = _read(text, marks, decimal)
    if read is None:
        return Score(value=0, why=f"no number in '{clip(text)}', expected {expected}")
    allowed = tolerance if wanted.tolerance is None else wanted.tolerance
    right = _close(read, expected, _exact(allowed), _exact(relative))
    around = clip(text[max(0, read.start - 40) : read.end + 20])
    why = f"read {read} from '{around}', expected {expected}"
    if not right and str(read) == str(expected):
        off = abs(read.values[0] - expected.values[0])
        why += f"; they differ by {float(off):.3g}"
    return Score(value=right, why=why)


def check(
    case: Case, task: Task, *, key: str | None = None, decimal: Mark | None = None
) -> str | None:
    return _expected.problem(lambda: _wanted(case, key, decimal))


def _wanted(case: Case, key: str | None, decimal: Mark | None) -> _Expected:
    found: Any = _expected.value(case, key)
    tolerance = None
    if isinstance(found, dict) and found.keys() == {"value", "tolerance"}:
        tolerance = found["tolerance"]
        if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or tolerance < 0:
            raise ValueError(f"expected has the tolerance {tolerance!r}, which is no number from 0")
        found = found["value"]
    text = _expected.text(case.model_copy(update={"expected": found}))
    number = parse(text, decimal if isinstance(found, str) else None)
    if number is None:
        raise ValueError(f"expected '{clip(text)}' is no number")
    if isinstance(found, str) and decimal is None and is_ambiguous(text):
        readings = " or ".join(str(parse(text, mark)) for mark in ("point", "comma"))
        raise ValueError(
            f"expected '{clip(text)}' is {readings}: write it as a number of JSON, or say which "
            "by the option decimal"
        )
    return _Expected(number, tolerance)


def _read(text: str, marks: Any, decimal: Mark | None) -> Number | None:
    if (whole := parse(text, decimal)) is not None:
        return whole
    numbers = list(find(text, decimal))
    index = len(numbers)
    for mark in reversed(list(marks.finditer(text))):
        while index and numbers[index - 1].start >= mark.end():
            index -= 1
        near = index < len(numbers) and numbers[index].start - mark.end() < 200
        if near and _GAP.fullmatch(text, mark.end(), numbers[index].start):
            return _result(text, numbers[index:])
    return numbers[-1] if numbers else None


def _result(text: str, numbers: Sequence[Number]) -> Number:
    """The first number, or what it adds up to: 18 in '9 * 2 = 18 dollars'."""
    first = numbers[0]
    if not _OPERATOR.match(text, first.end):
        return first
    end = text.find("\n", first.end)
    line_end = len(text) if end < 0 else end
    equals = list(_EQUALS.finditer(text, first.end, line_end))
    for sign in reversed(equals):
        for number in numbers:
            if sign.end() <= number.start < line_end:
                return number
    return first


def _close(read: Number, expected: Number, tolerance: Fraction, relative: Fraction) -> bool:
    return any(
        abs(a - b) <= max(tolerance * min(Fraction(1), a_scale, b_scale), relative * abs(b))
        for a, a_scale in read.readings
        for b, b_scale in expected.readings
    )


def _exact(number: float) -> Fraction:
    return Fraction(str(number))
