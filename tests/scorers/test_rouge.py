"""The scorer `rouge`."""

import time
from typing import Any

import pytest

from runner.errors import ConfigError
from tests.scorers.make import judge, problem


@pytest.mark.parametrize(
    ("text", "expected", "options", "value"),
    [
        ("the cat sat", "the cat sat", {}, 1),
        ("The CAT, sat!", "the cat sat", {}, 1),
        ("a dog ran", "the cat sat", {}, 0),
        ("", "the cat sat", {}, 0),
        ("the cat", "the cat sat on", {"variant": "rouge1"}, 2 / 3),
        ("cat the", "the cat", {"variant": "rouge1"}, 1),
        ("cat the", "the cat", {"variant": "rougeL"}, 0.5),
        ("cat the", "the cat", {"variant": "rouge2"}, 0),
        ("東京は首都です", "東京は首都です", {}, 1),
        ("東京", "京都", {"variant": "rouge1"}, 0.5),
        ("Москва столица", "москва столица", {}, 1),
        ("हिन्दी भाषा", "हिन्दी भाषा", {"variant": "rouge2"}, 1),
        ("서울은 수도", "서울", {"variant": "rouge1"}, 4 / 7),
        ("καλημέρα κόσμε", "ΚΑΛΗΜΈΡΑ ΚΌΣΜΕ", {}, 1),
        ("the cat", ["a dog", "the cat"], {}, 1),
        ("the cat", {"summary": "the cat"}, {"key": "summary"}, 1),
    ],
)
def test_f_measure(text: str, expected: Any, options: dict[str, Any], value: float) -> None:
    """Words of any script count; of several references the closest."""
    assert judge("rouge", text, expected, **options).value == pytest.approx(value)


def test_why_and_details() -> None:
    """The reason and the details give precision and recall."""
    score = judge("rouge", "the cat", "the cat sat on", variant="rouge1")
    assert score.why == "rouge1 of 'the cat': precision 1.00, recall 0.50"
    assert score.details == {"precision": 1.0, "recall": 0.5}


def test_unknown_variant() -> None:
    """A variant that does not exist is refused, with the choices."""
    with pytest.raises(ConfigError, match=r"task\.scorers\.rouge\.variant: .*'rouge1', 'rouge2'"):
        judge("rouge", "a", "a", variant="rouge9")


def test_long_texts() -> None:
    """A thousand words on either side are compared in a moment."""
    start = time.process_time()
    assert judge("rouge", "a b c d e " * 200, "a c b e d " * 200).value > 0.5
    assert time.process_time() - start < 10


@pytest.mark.parametrize("expected", [None, "", "...", [], [""], [5], {"a": "b"}])
def test_check(expected: Any) -> None:
    """A reference without a word is found before anything is sent."""
    assert problem("rouge", expected)
    assert problem("rouge", ["a reference"]) is None
