"""The answer is the expected text, spaces around it aside."""

import unicodedata

from runner.cases.cases import Case
from runner.config.schema import Task
from runner.record.outcomes import Reply, Score
from runner.scorers import _expected
from runner.scorers._text import clip


def score(
    reply: Reply, case: Case, task: Task, *, key: str | None = None, case_sensitive: bool = True
) -> Score:
    expected = _expected.text(case, key)
    equal = _form(reply.text, case_sensitive) == _form(expected, case_sensitive)
    return Score(value=equal, why=f"read '{clip(reply.text)}', expected '{clip(expected)}'")


def check(case: Case, task: Task, *, key: str | None = None) -> str | None:
    return _expected.problem(lambda: _expected.text(case, key))


def _form(text: str, case_sensitive: bool) -> str:
    # NFC: the same letter on screen may be one code point or two.
    text = unicodedata.normalize("NFC", text.strip())
    return text if case_sensitive else text.casefold()
