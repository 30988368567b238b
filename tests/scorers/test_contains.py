"""The scorer `contains`."""

from typing import Any

import pytest

from tests.scorers.make import judge, problem


@pytest.mark.parametrize(
    ("text", "expected", "value"),
    [
        ("We refund within 30 days.", "refund", 1),
        ("We REFUND you.", "refund", 1),
        ("Nothing.", "refund", 0),
        ("We refund within 30 days.", ["refund", "30 days"], 1),
        ("We refund you.", ["refund", "30 days"], 0.5),
        ("We refund in thirty days.", ["refund", ["30 days", "thirty days"]], 1),
        ("We refund in a month.", ["refund", ["30 days", "thirty days"]], 0.5),
        ("30\n  days", "30 days", 1),
        ("ﬁnal ３０ days", "final 30 days", 1),  # noqa: RUF001 (a ligature and wide digits)
        ("", ["a", "b"], 0),
        ("Die Straße", "STRASSE", 1),
        ("返金は30日以内", ["返金", "30日"], 1),
    ],
)
def test_share_found(text: str, expected: Any, value: float) -> None:
    """The value is the share of texts found; one of several alternatives is enough."""
    assert judge("contains", text, expected).value == value


def test_key() -> None:
    """With `key` only that part of expected is looked for."""
    assert judge("contains", "blue", {"must": ["blue"], "tone": "kind"}, key="must").value == 1


def test_why_lists_what_is_missing() -> None:
    """The reason names each text that was not found, with its alternatives."""
    why = judge("contains", "We refund you.", ["refund", ["30 days", "a month"], "mail"]).why
    assert why == "found 1 of 3 in 'We refund you.'; missing '30 days' or 'a month', 'mail'"


@pytest.mark.parametrize("expected", [None, [], [[]], ["a", []], "", ["a", " "], [1], {"a": "b"}])
def test_check(expected: Any) -> None:
    """An expected value that would always or never be found is refused."""
    assert problem("contains", expected)
    assert problem("contains", ["a", ["b", "c"]]) is None
