"""The share of the expected keys whose value the JSON answer has right.

Values are compared as text, without regard to case and white space. An answer that isn't a JSON
object scores 0; keys that nobody expects don't matter. `fenced` is as in `json_valid`.
"""

import json
from collections.abc import Sequence
from typing import Any

from runner.cases.cases import Case
from runner.config.schema import Task
from runner.record.outcomes import Reply, Score
from runner.scorers import Table, _expected, _json
from runner.scorers._text import clip, fold

_ABSENT = object()


def score(reply: Reply, case: Case, task: Task, *, fenced: bool = True) -> Score:
    expected = _wanted(case)
    try:
        answer, in_fence = _json.read(reply.text, fenced=fenced)
    except ValueError as error:
        return _nothing(expected, f"{error}: '{clip(reply.text)}'")
    if not isinstance(answer, dict):
        return _nothing(expected, f"no JSON object: '{clip(reply.text)}'")
    wrong = {
        key: answer.get(key, _ABSENT)
        for key, value in expected.items()
        if key not in answer or _text(answer[key]) != _text(value)
    }
    right = len(expected) - len(wrong)
    why = f"{right} of {len(expected)} right" + (" (fenced)" if in_fence else "")
    for key, read in wrong.items():
        what = "is absent" if read is _ABSENT else f"read {clip(_text(read))!r}"
        why += f"; {key}: {what}, expected {clip(_text(expected[key]))!r}"
    details = {key: float(key not in wrong) for key in expected}
    return Score(value=right / len(expected), why=why, details=details)


def check(case: Case, task: Task) -> str | None:
    return _expected.problem(lambda: _wanted(case))


def tables(scores: Sequence[Score]) -> list[Table]:
    seen: dict[str, list[float]] = {}
    for each in scores:
        for key, value in each.details.items():
            seen.setdefault(key, []).append(value)
    rows = tuple(
        (key, int(sum(values)), len(values), sum(values) / len(values))
        for key, values in seen.items()
    )
    return [Table("Fields", ("field", "right", "answers", "rate"), rows)] if rows else []


def _wanted(case: Case) -> dict[str, Any]:
    expected = _expected.value(case)
    if not isinstance(expected, dict) or not expected:
        raise ValueError("expected must be an object with a key for each field")
    return expected


def _nothing(expected: dict[str, Any], why: str) -> Score:
    return Score(value=0, why=why, details=dict.fromkeys(expected, 0.0))


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        return fold(json.dumps(value, sort_keys=True, ensure_ascii=False))
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON knows no difference between 12 and 12.0
    return fold(str(value))
