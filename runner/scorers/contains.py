"""The share of the expected texts that the answer contains.

`expected` is one text or a list. An element of the list that is a list itself holds alternatives,
of which one is enough: `["refund", ["30 days", "thirty days"]]`. Case, white space, the width of
letters and the kind of quotes and hyphens don't matter, nor do separators of thousands (10,000 is
10000). A text is found inside a longer word too, but no number inside a longer one: 100 is not in
1000, and "2 June" not in "12 June".
"""

import re

import regex

from runner.cases.cases import Case
from runner.config.schema import Task
from runner.record.outcomes import Reply, Score
from runner.scorers import _expected, _text
from runner.scorers._text import clip

PARTS = (_text,)
_THOUSANDS = re.compile(r"(?<!\d)(?<!\d[.,])\d{1,3}(?:([,' ])\d{3})(?:\1\d{3})*(?!\d)")
# Neither digits nor the other side of a decimal mark; but 2024 is a part of 01.02.2024.
_NO_NUMBER_BEFORE = r"(?<!\d)(?<!(?<!\d|\d[.,])\d{1,30}[.,])"
_NO_NUMBER_AFTER = r"(?!\d)(?![.,]\d+(?![.,]?\d))"
_PERCENT = re.compile(r"(?<=\d) (?=%)")


def score(reply: Reply, case: Case, task: Task, *, key: str | None = None) -> Score:
    wanted = _wanted(case, key)
    answer = _form(reply.text)
    missing = [texts for texts in wanted if not any(_holds(answer, text) for text in texts)]
    found = len(wanted) - len(missing)
    why = f"found {found} of {len(wanted)} in '{clip(reply.text)}'"
    if missing:
        why += "; missing " + clip(", ".join(map(_text.any_of, missing)), 160)
    return Score(value=found / len(wanted), why=why)


def check(case: Case, task: Task, *, key: str | None = None) -> str | None:
    return _expected.problem(lambda: _wanted(case, key))


def _wanted(case: Case, key: str | None) -> list[list[str]]:
    expected = _expected.value(case, key)
    elements = expected if isinstance(expected, list) else [expected]
    wanted = [each if isinstance(each, list) else [each] for each in elements]
    if not wanted or not all(wanted):
        raise ValueError("expected has an empty list")
    for text in (text for texts in wanted for text in texts):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"expected must be text or lists of texts, but has {text!r}")
    return wanted


def _holds(answer: str, text: str) -> bool:
    wanted = _form(text)
    before = _NO_NUMBER_BEFORE if wanted[:1].isdigit() else ""
    after = _NO_NUMBER_AFTER if wanted[-1:].isdigit() else ""
    return regex.search(before + regex.escape(wanted) + after, answer) is not None


def _form(text: str) -> str:
    plain = _PERCENT.sub("", _text.simplify(text))
    return _THOUSANDS.sub(lambda match: re.sub(r"\D", "", match[0]), plain)
