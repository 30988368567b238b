"""The share of the expected keys whose value the JSON answer has right.

Values are compared as text at every depth: case, white space, the width of letters and the kind of
hyphens and quotes don't matter; 12 is 12.0 and "12", true is "true", and null is only null. An
answer that isn't a JSON object scores 0; keys that nobody expects don't matter. The task's `fenced`
says whether a Markdown code block around the JSON counts. `count_empty: false` leaves out the keys
that are rightly empty (null, "", [] or {}): no credit for saying nothing, while a value that was
made up is as wrong as one that was missed.
"""

import json
from collections.abc import Sequence
from typing import Any

from runner.cases import reading
from runner.cases.cases import Case
from runner.config.schema import Task
from runner.record.outcomes import Reply, Score
from runner.scorers import ScorerTable, _expected, _text
from runner.scorers._text import clip

PARTS = (reading, _text)
_ABSENT = object()


def score(reply: Reply, case: Case, task: Task, *, count_empty: bool = True) -> Score:
    expected = _wanted(case)
    try:
        answer, in_fence = reading.as_json(reply.text, fenced=task.fenced)
    except ValueError as error:
        return _nothing(expected, f"{error}: '{clip(reply.text)}'")
    if not isinstance(answer, dict):
        return _nothing(expected, f"no JSON object: '{clip(reply.text)}'")
    if not count_empty:
        told = {key for key in expected if not (_empty(expected[key]) and _empty(answer.get(key)))}
        expected = {key: expected[key] for key in expected if key in told} or expected
    wrong = {
        key: answer.get(key, _ABSENT)
        for key, value in expected.items()
        if key not in answer or _plain(answer[key]) != _plain(value)
    }
    right = len(expected) - len(wrong)
    why = f"{right} of {len(expected)} right" + (" (fenced)" if in_fence else "")
    why += "".join(f"; {key}: {_differs(read, expected[key])}" for key, read in wrong.items())
    details = {key: float(key not in wrong) for key in expected}
    return Score(value=right / len(expected), why=why, details=details)


def check(case: Case, task: Task) -> str | None:
    return _expected.problem(lambda: _wanted(case))


def tables(scores: Sequence[Score]) -> list[ScorerTable]:
    seen: dict[str, list[float]] = {}
    for each in scores:
        for key, value in each.details.items():
            seen.setdefault(key, []).append(value)
    rows = tuple(
        (key, int(sum(values)), len(values), sum(values) / len(values))
        for key, values in seen.items()
    )
    whole = [all(each.details.values()) for each in scores if each.details]
    if not whole:
        return []
    # One wrong field sends the whole record astray, which no rate of a field shows.
    record = ("all fields right", sum(whole), len(whole), sum(whole) / len(whole))
    return [ScorerTable("Fields", ("field", "right", "answers", "rate"), (*rows, record))]


def _wanted(case: Case) -> dict[str, Any]:
    expected = _expected.value(case)
    if not isinstance(expected, dict) or not expected:
        raise ValueError("expected must be an object with a key for each field")
    return expected


def _nothing(expected: dict[str, Any], why: str) -> Score:
    return Score(value=0, why=why, details=dict.fromkeys(expected, 0.0))


def _empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _plain(value: Any) -> Any:
    """Equal for values that are the same."""
    match value:
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case float() if value.is_integer():
            return str(int(value))  # JSON knows no difference between 12 and 12.0
        case str() | None:
            return value if value is None else _text.simplify(value)
        case _:
            return json.dumps(value)


def _differs(read: Any, expected: Any) -> str:
    if read is _ABSENT:
        return f"is absent, expected {_shown(expected)}"
    what = f"read {_shown(read)}, expected {_shown(expected)}"
    if isinstance(read, str) and isinstance(expected, str):
        what += _text.difference(_text.simplify(read), _text.simplify(expected))
    return what


def _shown(value: Any) -> str:
    return clip(json.dumps(value, ensure_ascii=False))
