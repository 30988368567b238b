"""The scorer `regex`."""

import asyncio
from typing import Any

import pytest

from runner import scorers
from runner.errors import ConfigError
from runner.scorers import ScorerFailed
from tests.scorers.make import call, judge, problem, task


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
        ("Total: 17. No, Total: 18", 18, {"pattern": r"Total: (\d+)", "group": 1}, 1),
        ("Total: 18. No, Total: 17", 18, {"pattern": r"Total: (\d+)", "group": 1}, 0),
        ("Total: none", 18, {"pattern": r"Total: (\d+)", "group": 1}, 0),
        ("to PARIS", ["Lutetia", "Paris"], {"pattern": r"to (?P<city>\w+)", "group": "city"}, 0),
        (
            "to PARIS",
            ["Lutetia", "Paris"],
            {"pattern": r"to (?P<city>\w+)", "group": "city", "flags": ["ignorecase"]},
            1,
        ),
        ("b", "a", {"pattern": "(a)|b", "group": 1}, 0),
    ],
)
def test_search(text: str, expected: Any, options: dict[str, Any], value: float) -> None:
    """The pattern is searched anywhere; the option goes before the case's own, and what its
    group has last is held against the expected text.
    """
    assert judge("regex", text, expected, **options).value == value


def test_why() -> None:
    """The reason shows the pattern and what it found."""
    assert judge("regex", "order 4521", r"\d+").why == r"/\d+/ found '4521'"
    assert judge("regex", "order", r"\d+").why == r"/\d+/ not found in 'order'"
    group: dict[str, Any] = {"pattern": r"is (\w+)", "group": 1}
    assert judge("regex", "it is p\u0430ris", "paris", **group).why == (
        "/is (\\w+)/ read 'p\u0430ris', expected 'paris'; "
        "they differ at character 2: U+0430 CYRILLIC SMALL LETTER A for 'a'"
    )


def test_a_pattern_that_backtracks_for_ever() -> None:
    """It ends as the scorer's failure, which says what to mend, and others work meanwhile."""
    asked = task({"regex": {"pattern": "^(a|a)*$"}})
    scorer = scorers.load(asked, [])["regex"]

    async def main() -> bool:
        scoring = asyncio.create_task(call(scorer, "a" * 60 + "!", None, asked))
        await asyncio.sleep(0.5)
        meanwhile = not scoring.done()
        with pytest.raises(ScorerFailed, match=r"'\^\(a\|a\)\*\$' takes over 3 s on a text of 61"):
            await scoring
        return meanwhile

    assert asyncio.run(main())


@pytest.mark.parametrize("expected", [None, "(", ["a"], "*"])
def test_check(expected: Any) -> None:
    """A pattern that does not compile is found before anything is sent."""
    assert problem("regex", expected)
    assert problem("regex", expected, pattern="a") is None


@pytest.mark.parametrize(
    ("options", "expected", "message"),
    [
        ({"group": 1}, "a", "group: is a part of the option pattern, which is missing"),
        ({"group": 2, "pattern": "(a)"}, "a", "group: '(a)' has no group 2"),
        ({"group": "x", "pattern": "(?P<y>a)"}, "a", "group: '(?P<y>a)' has no group x"),
        ({"group": 1, "pattern": "(a)"}, None, "expected is missing"),
        ({"group": 1, "pattern": "(a)"}, ["a", "b"], None),
    ],
)
def test_check_of_a_group(options: dict[str, Any], expected: Any, message: str | None) -> None:
    """A group that is not there is found before anything is sent."""
    assert problem("regex", expected, **options) == message


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
