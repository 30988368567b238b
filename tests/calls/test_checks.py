"""A cascade's checks look at an answer and need no expected one."""

from typing import Any

import pytest

from runner.calls import checks
from runner.cases.call_log import CallLog
from runner.cases.query import Query
from runner.config.schema import Cascade, Model
from runner.errors import ConfigError
from runner.record.outcomes import Reply
from tests.calls.test_route import TASK, cascade, query


async def nobody(_model: Model, _query: Query) -> CallLog:
    raise AssertionError("these checks ask nobody")


def reply(text: str, reason: str = "stop") -> Reply:
    return Reply(
        text=text, finish_reason=reason, usage=None, seconds=1, model_served=None, request={}
    )


def steps(**changes: Any) -> Cascade:
    made = cascade(**changes)
    assert isinstance(made, Cascade)
    return made


@pytest.mark.parametrize(
    ("changes", "answer", "objection"),
    [
        ({"checks": {"json_valid": {}}}, reply('{"a": 1}'), None),
        ({"checks": {"json_valid": {}}}, reply("no"), "json_valid: "),
        ({"checks": {"regex": {"pattern": "^yes", "min_score": 0.5}}}, reply("yes"), None),
        ({"checks": {"regex": {"pattern": "^yes"}}}, reply("no"), "regex: "),
        ({"finish_reasons": ["stop"]}, reply("cut", "length"), "finish_reason: length"),
    ],
)
async def test_objections(changes: dict[str, Any], answer: Reply, objection: str | None) -> None:
    """An answer that fails a check gets a reason, one that passes all gets none."""
    found = await checks.objection(steps(**changes), answer, query(), nobody)
    assert found is None if objection is None else found is not None and objection in found


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"exact": {}}, "a check has no expected value"),
        ({"regx": {}}, "did you mean 'regex'"),
        ({"regex": {"patern": "x"}}, "did you mean 'pattern'"),
    ],
)
def test_mistakes_are_found_beforehand(given: dict[str, Any], line: str) -> None:
    """A check that can't work is refused before anything is sent."""
    with pytest.raises(ConfigError) as caught:
        checks.check_cascade(steps(checks=given), TASK)
    assert line in str(caught.value)
