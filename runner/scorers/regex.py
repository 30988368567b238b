"""The answer matches a pattern somewhere: the option `pattern`, or the case's own as `expected`.

A pattern is the task author's own: nothing interrupts one that backtracks for ever.
"""

import re
from functools import reduce
from operator import or_
from typing import Annotated, Literal

from pydantic import AfterValidator

from runner.cases.cases import Case
from runner.config.schema import Task
from runner.record.outcomes import Reply, Score
from runner.scorers import _expected
from runner.scorers._text import clip

Flag = Literal["ignorecase", "multiline", "dotall"]


def _compile(pattern: str, flags: tuple[Flag, ...] = ()) -> re.Pattern[str]:
    try:
        return re.compile(pattern, reduce(or_, (re.RegexFlag[flag.upper()] for flag in flags), 0))
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"'{clip(pattern)}' is no regular expression: {error}") from None


def _compiles(pattern: str) -> str:
    _compile(pattern)
    return pattern


def score(
    reply: Reply,
    case: Case,
    task: Task,
    *,
    pattern: Annotated[str, AfterValidator(_compiles)] | None = None,
    key: str | None = None,
    flags: tuple[Flag, ...] = (),
) -> Score:
    wanted = _compile(pattern or _expected.text(case, key), flags)
    if match := wanted.search(reply.text):
        return Score(value=1, why=f"/{clip(wanted.pattern)}/ found '{clip(match[0])}'")
    return Score(value=0, why=f"/{clip(wanted.pattern)}/ not found in '{clip(reply.text)}'")


def check(
    case: Case, task: Task, *, pattern: str | None = None, key: str | None = None
) -> str | None:
    return None if pattern else _expected.problem(lambda: _compile(_expected.text(case, key)))
