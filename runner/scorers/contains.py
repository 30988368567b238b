"""The share of the expected texts that the answer contains.

`expected` is one text or a list. An element of the list that is a list itself holds alternatives,
of which one is enough: `["refund", ["30 days", "thirty days"]]`. Case, white space, the width of
letters and the kind of quotes and hyphens don't matter, nor do separators of thousands or decimals
that are naught (10,000.00 is 10000). A text is found inside a longer word too, but no number inside
a longer one: 100 is not in 1000 or 100k, 5 not in -5, and "2 June" not in "12 June".
"""

from runner.cases.cases import Case
from runner.config.schema import Task
from runner.record.outcomes import Reply, Score
from runner.scorers import _digits, _expected, _text, _wording
from runner.scorers._text import clip

PARTS = (_text, _wording, _digits)


def score(reply: Reply, case: Case, task: Task, *, key: str | None = None) -> Score:
    wanted = _expected.wordings(case, key)
    answer = _wording.form(reply.text)
    missing = [texts for texts in wanted if not any(_has(answer, text) for text in texts)]
    found = len(wanted) - len(missing)
    why = f"found {found} of {len(wanted)} in '{clip(reply.text)}'"
    if missing:
        why += "; missing " + clip(", ".join(map(_text.any_of, missing)), 160)
    return Score(value=found / len(wanted), why=why)


def check(case: Case, task: Task, *, key: str | None = None) -> str | None:
    return _expected.problem(lambda: _expected.wordings(case, key))


def _has(answer: str, text: str) -> bool:
    return _wording.holds(answer, _wording.form(text))
