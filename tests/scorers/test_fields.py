"""The scorer `fields`."""

import json
from typing import Any

import pytest

from runner.record.outcomes import Score
from runner.scorers import tables
from tests.scorers.make import judge, problem

EXPECTED = {"name": "John Smith", "issue": "damaged order", "sentiment": "negative"}


def as_json(**changes: Any) -> str:
    return json.dumps(EXPECTED | changes)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (as_json(), 3),
        (as_json(name="JOHN SMITH"), 3),
        (as_json(name="John\n  Smith "), 3),
        (as_json(name="Jon Smith"), 2),
        (as_json(name="Jon", issue="late"), 1),
        (as_json(extra="x"), 3),
        ('{"name": "John Smith"}', 1),
        (f"```json\n{as_json()}\n```", 3),
        (f"Sure! {as_json()}", 0),
        ("[]", 0),
        ('"name"', 0),
        ("null", 0),
        ("", 0),
        ("{}", 0),
    ],
)
def test_equal_share_for_each_key(text: str, right: int) -> None:
    """Each expected key that is right adds the same share; what is no JSON object scores 0."""
    score = judge("fields", text, EXPECTED)
    assert score.value == right / 3
    assert sum(score.details.values()) == right
    assert list(score.details) == list(EXPECTED)


@pytest.mark.parametrize(
    ("expected", "answer", "equal"),
    [
        (5, "5", True),
        ("5", 5, True),
        (12, 12.0, True),
        (12.5, 12, False),
        (True, True, True),
        (True, "true", True),
        (True, 1, False),
        (None, None, True),
        (None, "unknown", False),
        (None, "None", False),
        (None, "null", False),
        ("None", None, False),
        ({"a": [12]}, {"a": [12.0]}, True),
        ([{"n": 12.0}], [{"n": 12}], True),
        ([None], ["None"], False),
        ({"a": "5"}, {"a": 5}, True),
        (9007199254740993, 9007199254740992, False),
        ("Tanaka-Hughes", "Tanaka\u2011Hughes", True),
        ("it's", "it\u2019s", True),
        ("佐藤美咲", "佐藤 美咲", True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ([1, 2], [2, 1], False),
        ("Zoë", "ZOË", True),
        ("Straße", "STRASSE", True),
        ("株式会社", "株式会社", True),
    ],
)
def test_comparison(expected: Any, answer: Any, equal: bool) -> None:
    """Values are the same when their text is, whatever their JSON type."""
    assert judge("fields", json.dumps({"x": answer}), {"x": expected}).value == equal


def test_why() -> None:
    """The reason shows each wrong field with what was read and what was expected."""
    text = '{"name": "Jon Smith", "issue": "Damaged order"}'
    assert judge("fields", text, EXPECTED).why == (
        '1 of 3 right; name: read "Jon Smith", expected "John Smith"; '
        'sentiment: is absent, expected "negative"'
    )
    look_alike = judge("fields", '{"a": "p\u0430ypal"}', {"a": "paypal"}).why
    assert look_alike.endswith("at character 2: U+0430 CYRILLIC SMALL LETTER A for 'a'")
    assert "(fenced)" in judge("fields", f"```json\n{text}\n```", EXPECTED).why
    assert judge("fields", f"```json\n{text}\n```", EXPECTED, fenced=False).value == 0


@pytest.mark.parametrize("expected", [None, {}, "name", ["name"], 5])
def test_check(expected: Any) -> None:
    """A case without an object of fields is found before anything is sent."""
    assert problem("fields", expected)
    assert problem("fields", EXPECTED) is None


def test_tables_count_each_field() -> None:
    """The table says how often each field was right, and how often all, from the details alone."""
    answers = [as_json(), "no", as_json(name="Jo"), as_json(issue="late")]
    scores = [judge("fields", answer, EXPECTED) for answer in answers]
    journal = [Score.model_validate_json(score.model_dump_json()) for score in scores]
    (table,) = tables("fields", journal, task="demo", tasks_dirs=[])
    assert table.columns == ("field", "right", "answers", "rate")
    right = {"name": 2, "issue": 2, "sentiment": 3, "all fields right": 1}
    assert table.rows == tuple((field, n, 4, n / 4) for field, n in right.items())
    assert tables("fields", [], task="demo", tasks_dirs=[]) == []


def test_empty_values_earn_nothing() -> None:
    """`count_empty: false`: rightly empty is no merit, an invention is an error."""
    expected: dict[str, Any] = {"name": "Ada", "amount": None, "ids": []}

    def value(**answer: Any) -> float:
        return judge("fields", json.dumps(answer), expected, count_empty=False).value

    assert value(name="Ada", amount=None, ids=[]) == 1
    assert value(name="Ada") == 1
    assert value(name="Bea", amount=None, ids=[]) == 0
    assert value(name="Ada", amount=3, ids=[]) == 0.5
    assert value(name="Ada", amount=0, ids=["7"]) == pytest.approx(1 / 3)
