"""The number that the answer gives is the expected one.

Which number is read can change the ranking of models by several points, so `why` always shows it.
It is the number right after the last `Answer:`, `answer is`, `####` or `\\boxed{`, or the result of
the equation that starts there; or else the last number of the text. `marker` replaces those marks.
"""

import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from runner.cases.cases import Case
from runner.config.schema import Task
from runner.record.outcomes import Reply, Score
from runner.scorers import _expected
from runner.scorers._number import Number, clean, find, parse
from runner.scorers._text import clip

_MARKS = re.compile(
    r"\\boxed\s*\{"
    r"|^\#{4}[ ](?=\S*\d\S*\s*$)"  # a line of its own, not the heading of a step
    r"|\banswer\b[*_\s]*(?:is\b|would\ be\b|[:=])",
    re.IGNORECASE | re.MULTILINE,
)
# What may stand between a mark and its number: no prose.
_GAP = re.compile(
    r"(?:[\W_]|\\?\b(?:text|textbf|mathbf)\b|\b[a-z]\s*=|\b(?:about|approximately|around|roughly)\b)*",
    re.IGNORECASE,
)
_OPERATOR = re.compile(r"\s*(?:[-+*/×÷·=≈\u2212]|x\b|\\times|\\cdot|\\div)")  # noqa: RUF001
_EQUALS = re.compile("[=≈]")

Tolerance = Annotated[float, Field(ge=0)]


def score(
    reply: Reply,
    case: Case,
    task: Task,
    *,
    key: str | None = None,
    marker: str | None = None,
    tolerance: Tolerance = 1e-6,
    relative: Tolerance = 0.0,
) -> Score:
    expected = _wanted(case, key)
    text = clean(reply.text)
    marks = re.compile(re.escape(marker), re.IGNORECASE) if marker else _MARKS
    read = _read(text, marks)
    if read is None:
        return Score(value=0, why=f"no number in '{clip(text)}', expected {expected}")
    right = _close(read.values, expected.values, tolerance, relative)
    around = clip(text[max(0, read.start - 40) : read.end + 20])
    return Score(value=right, why=f"read {read} from '{around}', expected {expected}")


def check(case: Case, task: Task, *, key: str | None = None) -> str | None:
    return _expected.problem(lambda: _wanted(case, key))


def _wanted(case: Case, key: str | None) -> Number:
    expected = _expected.text(case, key)
    number = parse(expected)
    if number is None:
        raise ValueError(f"expected '{clip(expected)}' is no number")
    return number


def _read(text: str, marks: re.Pattern[str]) -> Number | None:
    numbers = list(find(text))
    for mark in reversed(list(marks.finditer(text))):
        after = [number for number in numbers if number.start >= mark.end()]
        if after and _GAP.fullmatch(text, mark.end(), after[0].start):
            return _result(text, after)
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


def _close(
    read: Sequence[float], expected: Sequence[float], tolerance: float, relative: float
) -> bool:
    return any(abs(a - b) <= max(tolerance, relative * abs(b)) for a in read for b in expected)
