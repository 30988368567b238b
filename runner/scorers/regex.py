"""The answer matches a pattern somewhere: the option `pattern`, or the case's own as `expected`.

With `group`, a number or a name in `pattern`, what the last match has there is held against
`expected`, a text or a list of texts that are as good: so `pattern: "Total: (\\\\d+)"`, `group: 1`.
`flags`: ignorecase (of that comparison, too), multiline, dotall. The syntax is that of Python's
`re`. A pattern that takes over 3 s on an answer stops the run: it is to be mended.
"""

import asyncio
from typing import Annotated

from pydantic import AfterValidator

from runner.cases.cases import Case
from runner.config import patterns
from runner.config.patterns import Flag
from runner.config.schema import Task
from runner.record.outcomes import Reply, Score
from runner.scorers import _expected, _text
from runner.scorers._text import clip

PARTS = (patterns,)
_SECONDS = 3.0


def _compiles(pattern: str) -> str:
    patterns.compiled(pattern)
    return pattern


async def score(
    reply: Reply,
    case: Case,
    task: Task,
    *,
    pattern: Annotated[str, AfterValidator(_compiles)] | None = None,
    group: int | str | None = None,
    key: str | None = None,
    flags: tuple[Flag, ...] = (),
) -> Score:
    wanted = patterns.compiled(pattern or _expected.text(case, key), flags)
    # Off the loop: whatever it takes, Ctrl-C is heard.
    found = await asyncio.to_thread(patterns.matches, wanted, reply.text, seconds=_SECONDS)
    shown = f"/{clip(wanted.pattern)}/"
    if not found:
        return Score(value=0, why=f"{shown} not found in '{clip(reply.text)}'")
    if group is None:
        return Score(value=1, why=f"{shown} found '{clip(found[0][0])}'")
    read = found[-1][group]
    if read is None:
        return Score(value=0, why=f"{shown} found no group {group} in '{clip(found[-1][0])}'")
    return _compare(read, _expected.texts(case, key), shown, folded="ignorecase" in flags)


def check(
    case: Case,
    task: Task,
    *,
    pattern: str | None = None,
    group: int | str | None = None,
    key: str | None = None,
) -> str | None:
    if group is None:
        return None if pattern else _expected.problem(lambda: _own(case, key))
    if pattern is None:
        return "group: is a part of the option pattern, which is missing"
    compiled = patterns.compiled(pattern)
    there = group <= compiled.groups if isinstance(group, int) else group in compiled.groupindex
    if not there:
        return f"group: '{clip(pattern)}' has no group {group}"
    return _expected.problem(lambda: _expected.texts(case, key))


def _own(case: Case, key: str | None) -> None:
    patterns.compiled(_expected.text(case, key))


def _compare(read: str, accepted: list[str], shown: str, *, folded: bool) -> Score:
    def form(text: str) -> str:
        return _text.fold(text) if folded else text.strip()

    why = f"{shown} read '{clip(read)}'"
    if any(form(read) == form(text) for text in accepted):
        return Score(value=1, why=f"{why}, as expected")
    differs = next(filter(None, (_text.difference(form(read), form(t)) for t in accepted)), "")
    return Score(value=0, why=f"{why}, expected {_text.any_of(accepted)}{differs}")
