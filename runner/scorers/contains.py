"""The share of the expected texts that the answer contains.

`expected` is one text or a list. An element of the list that is a list itself holds alternatives,
of which one is enough: `["refund", ["30 days", "thirty days"]]`. Case, white space and the width of
letters don't matter; a text is found inside a longer word too.
"""

from runner.cases.cases import Case
from runner.config.schema import Task
from runner.record.outcomes import Reply, Score
from runner.scorers import _expected
from runner.scorers._text import clip, fold


def score(reply: Reply, case: Case, task: Task, *, key: str | None = None) -> Score:
    wanted = _wanted(case, key)
    answer = fold(reply.text)
    missing = [texts for texts in wanted if not any(fold(text) in answer for text in texts)]
    found = len(wanted) - len(missing)
    why = f"found {found} of {len(wanted)} in '{clip(reply.text)}'"
    if missing:
        why += "; missing " + clip(", ".join(" or ".join(map(repr, each)) for each in missing), 160)
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
