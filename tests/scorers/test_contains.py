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
        ("It's done", "It\u2019s done", 1),
        ("\u201cyes\u201d, 3\u20135 days", '"yes", 3-5 days', 1),
        ("It costs 10,000.", "10000", 1),
        ("It costs 10000.", "10,000", 1),
        ("18 700 clients", "18,700", 1),
        ("2'140 and 1,234,567.5", ["2140", "1234567.5"], 1),
        ("12 %", "12%", 1),
        ("in 01.02.2024, about", "2024", 1),
        ("born 2 June", "2 June", 1),
        ("1000", "100", 0),
        ("2100", "100", 0),
        ("10,000", "10", 0),
        ("100.5", "100", 0),
        ("2.5", "5", 0),
        ("It is 2.5.", "2", 0),
        ("12 June", "2 June", 0),
        ("in 2019", "19", 0),
        ("3.10", "3.1", 0),
        ("It costs 10,000.00.", "10000", 1),
        ("10.000,00 €", "10000", 1),
        ("10 000,50 €", "10000.5", 1),
        ("1,234.50", "1234.5", 1),
        ("10000", "10,000.00", 1),
        ("$1.50", "$1.5", 1),
        ("5.00", "5", 1),
        ("100.00 %", "100%", 1),
        ("1,00,000", "100000", 1),
        ("١٠٬٠٠٠", "10000", 1),  # noqa: RUF001 (Arabic digits)
        ("10{,}000", "10000", 1),
        ("½ cup", "1/2 cup", 1),
        ("2½", "2 1/2", 1),
        ("1.000.000,00", "1000000", 1),
        ("10,000.01", "10000", 0),
        ("110,000.00", "10000", 0),
        ("10,000,000", "10000", 0),
        ("-5 °C", "5", 0),
        ("\u22125 °C", "-5", 1),
        ("3-5 days", "5 days", 1),
        ("- 5 apples", "5", 1),
        ("10^5", "10", 0),
        ("10^5", "5", 0),
        ("100k", "100", 0),
        ("1e5", "1", 0),
        ("5kg", "5", 1),
        ("In 5 million years", "5 million", 1),
    ],
)
def test_share_found(text: str, expected: Any, value: float) -> None:
    """The value is the share of texts found; one of several alternatives is enough, and a number
    is found however its thousands are written, but not inside of another.
    """
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
