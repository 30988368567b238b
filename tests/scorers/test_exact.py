"""The scorer `exact`."""

from typing import Any

import pytest

from tests.scorers.make import judge, problem


@pytest.mark.parametrize(
    ("text", "expected", "options", "value"),
    [
        ("Paris", "Paris", {}, 1),
        ("  Paris\n", "Paris", {}, 1),
        ("Paris", " Paris ", {}, 1),
        ("paris", "Paris", {}, 0),
        ("paris", "Paris", {"case_sensitive": False}, 1),
        ("STRASSE", "Straße", {"case_sensitive": False}, 1),
        ("Paris.", "Paris", {}, 0),
        ("Paris is the capital", "Paris", {}, 0),
        ("cafe\u0301", "caf\u00e9", {}, 1),
        ("東京", "東京", {}, 1),
        ("18", 18, {}, 1),
        ("true", True, {}, 1),
        ("", "Paris", {}, 0),
        ("Paris", {"city": "Paris"}, {"key": "city"}, 1),
        ("Rome", {"city": "Paris"}, {"key": "city"}, 0),
        ("Lutetia", ["Paris", "Lutetia"], {}, 1),
        ("Rome", ["Paris", "Lutetia"], {}, 0),
        ("18", {"n": [17, 18]}, {"key": "n"}, 1),
        ("Well-known, U.S.!", "well known US", {"punctuation": False}, 0),
        ("Well-known, U.S.!", "Well known US", {"punctuation": False}, 1),
        ("3.14.", "3.14", {"punctuation": False}, 1),
        ("3.14", "314", {"punctuation": False}, 0),
        ("-5", "5", {"punctuation": False}, 0),
        ("50%", "50", {"punctuation": False}, 0),
        ("“it’s”", "it's", {}, 0),  # noqa: RUF001
        ("“it’s”", "it's", {"quotes": False}, 1),  # noqa: RUF001
        ("«a “b”»", "a 'b'", {"quotes": False}, 1),
        ("a\u00a0\u200b b\r\nc", "a b c", {}, 0),
        ("a\u00a0\u200b b\r\nc", "a b c", {"spaces": False}, 1),
        ("ab", "a b", {"spaces": False}, 0),
    ],
)
def test_equality(text: str, expected: Any, options: dict[str, Any], value: float) -> None:
    """Only one of the texts counts, spaces around it and what an option names aside."""
    assert judge("exact", text, expected, **options).value == value


def test_why_shows_both() -> None:
    """The reason shows what was read and what was expected, long texts cut."""
    why = judge("exact", "x" * 500, "Paris").why
    assert why.startswith("read 'xxx")
    assert why.endswith("expected 'Paris'")
    assert len(why) < 200


@pytest.mark.parametrize(
    ("read", "expected", "seen"),
    [
        ("a\u00a0b", "a b", "at character 2: U+00A0 NO-BREAK SPACE for U+0020 SPACE"),
        ("it\u2019s", "it's", "U+2019 RIGHT SINGLE QUOTATION MARK for"),
        ("a\u200bb", "ab", "U+200B ZERO WIDTH SPACE for 'b'"),
        ("a\r\nb", "a\nb", "U+000D (a control character) for U+000A"),
        ("a  b", "a b", "at character 3: U+0020 SPACE for 'b'"),
        ("\ufb01n", "fin", "U+FB01 LATIN SMALL LIGATURE FI for 'f'"),
        ("p\u0430ypal", "paypal", "U+0430 CYRILLIC SMALL LETTER A for 'a'"),
        ("1" * 200 + "3", "1" * 200 + "4", "at character 201 after '…11111"),
    ],
)
def test_why_shows_what_nobody_sees(read: str, expected: str, seen: str) -> None:
    """Where two texts look alike, the reason names the place and the characters that differ."""
    assert seen in judge("exact", read, expected).why


@pytest.mark.parametrize(("read", "expected"), [("Rome", "Paris"), ("yes", "Yes"), ("a.", "a")])
def test_why_is_short_where_anybody_sees_it(read: str, expected: str) -> None:
    """A difference that is plain to see is shown by the texts themselves."""
    assert judge("exact", read, expected).why == f"read '{read}', expected '{expected}'"


@pytest.mark.parametrize(
    ("expected", "options", "message"),
    [
        ("Paris", {}, None),
        (None, {}, "expected is missing"),
        ("  ", {}, "expected is empty"),
        ({"city": "Paris"}, {}, "expected must be text, but is an object; name one of its keys"),
        (["Paris", "Lutetia"], {}, None),
        ([], {}, "expected is an empty list"),
        ([["Paris"]], {}, 'expected must be text, but holds ["Paris"]'),
        ([None], {}, "expected must be text, but holds null"),
        ("Paris", {"key": "city"}, "expected is no object, so it has no key 'city'"),
        ({"city": "Paris"}, {"key": "town"}, "expected has no 'town'; there is: city"),
        ({"city": "Paris"}, {"key": "citty"}, "expected has no 'citty'; did you mean 'city'?"),
        ({"city": None}, {"key": "city"}, "expected has no 'city'"),
    ],
)
def test_check(expected: Any, options: dict[str, Any], message: str | None) -> None:
    """A case without a text to compare with is found before anything is sent."""
    found = problem("exact", expected, **options)
    assert (found or "").startswith(message or "")
    assert (found is None) == (message is None)
