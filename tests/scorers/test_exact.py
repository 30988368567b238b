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
    ],
)
def test_equality(text: str, expected: Any, options: dict[str, Any], value: float) -> None:
    """Only the same text counts, spaces around it and (when asked) case aside."""
    assert judge("exact", text, expected, **options).value == value


def test_why_shows_both() -> None:
    """The reason shows what was read and what was expected, long texts cut."""
    why = judge("exact", "x" * 500, "Paris").why
    assert why.startswith("read 'xxx")
    assert why.endswith("expected 'Paris'")
    assert len(why) < 200


@pytest.mark.parametrize(
    ("expected", "options", "message"),
    [
        ("Paris", {}, None),
        (None, {}, "expected is missing"),
        ("  ", {}, "expected is empty"),
        ({"city": "Paris"}, {}, "expected must be text, but is an object; name one of its keys"),
        (["Paris"], {}, "expected must be text, but is a list"),
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
