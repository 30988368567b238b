"""The scorer `regex`."""

from typing import Any

import pytest

from runner.errors import ConfigError
from tests.scorers.make import judge, problem


@pytest.mark.parametrize(
    ("text", "expected", "options", "value"),
    [
        ("order 4521 arrived", r"\b\d{4}\b", {}, 1),
        ("order 45 arrived", r"\b\d{4}\b", {}, 0),
        ("YES", "yes", {}, 0),
        ("YES", "yes", {"flags": ["ignorecase"]}, 1),
        ("a\nyes", "^yes$", {}, 0),
        ("a\nyes", "^yes$", {"flags": ["multiline"]}, 1),
        ("a\nb", "a.b", {"flags": ["dotall", "ignorecase"]}, 1),
        ("anything", None, {"pattern": "thing$"}, 1),
        ("anything", "no such", {"pattern": "thing$"}, 1),
        ("x", {"shape": "^x$"}, {"key": "shape"}, 1),
    ],
)
def test_search(text: str, expected: Any, options: dict[str, Any], value: float) -> None:
    """The pattern is searched anywhere; the option goes before the case's own."""
    assert judge("regex", text, expected, **options).value == value


def test_why() -> None:
    """The reason shows the pattern and what it found."""
    assert judge("regex", "order 4521", r"\d+").why == r"/\d+/ found '4521'"
    assert judge("regex", "order", r"\d+").why == r"/\d+/ not found in 'order'"


@pytest.mark.parametrize("expected", [None, "(", ["a"], "*"])
def test_check(expected: Any) -> None:
    """A pattern that does not compile is found before anything is sent."""
    assert problem("regex", expected)
    assert problem("regex", expected, pattern="a") is None


@pytest.mark.parametrize(
    ("options", "start"),
    [
        ({"pattern": "("}, "task.scorers.regex.pattern: '(' is no regular expression"),
        ({"flags": ["verbose"]}, "task.scorers.regex.flags[0]: input should be 'ignorecase'"),
    ],
)
def test_wrong_options(options: dict[str, Any], start: str) -> None:
    """An option that can't be used is refused when the task is loaded."""
    with pytest.raises(ConfigError) as caught:
        judge("regex", "a", "a", **options)
    assert caught.value.problems[0].startswith(start)
