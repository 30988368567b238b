"""The scorer `assertions`."""

from typing import Any

import pytest

from tests.scorers.make import judge, problem

SCHEMA = {"type": "object", "required": ["a"]}


@pytest.mark.parametrize(
    ("text", "check"),
    [
        (" Yes \n", {"equals": "Yes"}),
        ('{"b": [1], "a": 2}', {"equals": {"a": 2, "b": [1]}}),
        ("A refund.", {"contains": "refund"}),
        ("A REFUND.", {"icontains": "refund"}),
        ("30 days", {"contains_any": ["x", "30"]}),
        ("30 days", {"contains_all": ["days", "30"]}),
        ("a B", {"icontains_any": ["x", "b"]}),
        ("a B", {"icontains_all": ["A", "b"]}),
        ("Hello you", {"starts_with": "Hello"}),
        ("no 12 here", {"regex": r"\d{2}"}),
        ('{"a": 1}', {"json": SCHEMA}),
        ("[1]", {"json": True}),
        ('Here: {"b": 1}, or {"a": 1}.', {"contains_json": SCHEMA}),
        ("see [{1}] or [1]", {"contains_json": True}),
    ],
    ids=str,
)
def test_each_kind(text: str, check: dict[str, Any]) -> None:
    """A check holds, what is denied does not, and neither holds of another text."""
    [(kind, wanted)] = check.items()
    denied = {f"not_{kind}": wanted}
    assert [judge("assertions", text, [each]).value for each in (check, denied)] == [1, 0]
    assert [judge("assertions", "other", [each]).value for each in (check, denied)] == [0, 1]


def test_share_and_all() -> None:
    """By weight without `all`, nothing or everything with it; why names what does not hold."""
    checks = [{"contains": "a", "weight": 3, "name": "first"}, {"contains": "z"}]
    assert judge("assertions", "abc", checks).value == 0.75
    scored = judge("assertions", "abc", checks, all=True)
    assert (scored.value, scored.details) == (0, {"held": [["first", True], ["contains", False]]})
    assert scored.why == "1 of 2 hold in 'abc'; not: contains \"z\""


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ("x", "a list of checks"),
        ([], "a list of checks"),
        ([{"contians": "x"}], "no check 'contians'; did you mean 'contains'"),
        ([{"contains": "x", "regex": "y"}], "not one kind"),
        ([{"contains": ""}], "contains: takes a text"),
        ([{"contains_any": "a,b"}], "takes a list of texts"),
        ([{"regex": "("}], "is no regular expression"),
        ([{"json": {"type": "objekt"}}], "json: at"),
        ([{"json": False}], "takes a schema, or true"),
        ([{"contains": "x", "weight": -1}], "the weight -1"),
        ([{"contains": "x", "weight": 0}], "of weight 0 alone"),
    ],
)
def test_wrong_checks(expected: Any, said: str) -> None:
    """What can't be asked is said before anything is sent."""
    assert said in str(problem("assertions", expected))
