"""The scorer `label`."""

from typing import Any

import pytest

from runner.errors import ConfigError
from runner.record.outcomes import Score
from runner.scorers import tables
from tests.scorers.make import judge, problem

LABELS = ["card_lost", "card_delivery", "card", "pin-help", "other"]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("card_lost", "card_lost"),
        ("  Card_Lost.\n", "card_lost"),
        ("Label: card_lost", "card_lost"),
        ("label = card_lost", "card_lost"),
        ("Label: other", "other"),
        ("**Label:** card_lost", "card_lost"),
        ("**card_lost**", "card_lost"),
        ("__card_lost__", "card_lost"),
        ("`card_lost`", "card_lost"),
        ('"card_lost"', "card_lost"),
        ("“card_lost”", "card_lost"),
        ("card\\_lost", "card_lost"),
        ("card lost", "card_lost"),
        ("card-lost", "card_lost"),
        ("CARD LOST", "card_lost"),
        ("ｃａｒｄ＿ｌｏｓｔ", "card_lost"),  # noqa: RUF001 (wide letters)
        ("pin help", "pin-help"),
        ("pin_help", "pin-help"),
        ('{"label": "card_lost"}', "card_lost"),
        ('```json\n{"label": "card_lost"}\n```', "card_lost"),
        ('{"label": "card_lost", "not": "card_delivery"}', "card_lost"),
        ('{"intent": "card_lost"}', "card_lost"),
        ('{"intent": "card_lost", "sure": true}', "card_lost"),
        ("The customer lost it, so the label is card_lost.", "card_lost"),
        ("card_lost: yes, it is card_lost", "card_lost"),
        ("I would say (card lost)", "card_lost"),
        ("ラベルはcard_lostです", "card_lost"),
        ("라벨은 card_lost입니다", "card_lost"),
        ("card", "card"),
        ("It is about a card.", "card"),
        ("card_lost or card_delivery", None),
        ("card_lost\n\nMessage: Where is it?\nLabel: card_delivery", None),
        ("card_lost_abroad", None),
        ("lost_card", None),
        ("cards", None),
        ("non-card", None),
        ("another", None),
        ("", None),
        ("   ", None),
        ("I can't say.", None),
        ("[]", None),
        ("{}", None),
    ],
)
def test_reading(text: str, read: str | None) -> None:
    """An answer is the label that it is, or the only one that it mentions as whole words."""
    score = judge("label", text, "card_lost", labels=LABELS)
    assert score.details == {"expected": "card_lost", "read": read}
    assert score.value == (read == "card_lost")


@pytest.mark.parametrize(
    ("text", "value", "read"),
    [
        ("positive", 1, "positive"),
        ("Label: **Positive**.", 1, "positive"),
        ("negative", 0, "negative"),
        ("It is positive", 0, "it is positive"),
        ("", 0, None),
    ],
)
def test_without_labels(text: str, value: float, read: str | None) -> None:
    """Without a list the whole answer has to be the label."""
    score = judge("label", text, "positive")
    assert (score.value, score.details["read"]) == (value, read)


def test_labels_of_other_kinds() -> None:
    """Labels may hold signs and other scripts."""
    assert judge("label", "I prefer C++ here", "C++", labels=["C", "C++", "C#"]).value == 1
    assert judge("label", "これは正面です", "正面", labels=["正面", "背面"]).value == 1
    assert judge("label", "3", "3", labels=["1", "2", "3"]).value == 1


def test_why() -> None:
    """The reason says what was read, also when that is two labels or none."""
    both = judge("label", "card_lost or other", "other", labels=LABELS)
    assert both.why == "read 'card_lost' and 'other' from 'card_lost or other', expected 'other'"
    none = judge("label", "hm", "other", labels=LABELS)
    assert none.why == "read no label from 'hm', expected 'other'"


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ("other", None),
        (None, "expected is missing"),
        ("card_lots", "expected 'card_lots' is no label; did you mean 'card_lost'?"),
        (["other"], "expected must be text, but is a list"),
    ],
)
def test_check(expected: Any, message: str | None) -> None:
    """An expected label that is not in the list is found before anything is sent."""
    assert problem("label", expected, labels=LABELS) == message


@pytest.mark.parametrize("labels", [["a b", "A_b"], ["a", ""], ["a", "..."], [1], "card"])
def test_labels_that_no_answer_can_tell_apart(labels: Any) -> None:
    """Labels that are empty, not text or alike are refused when the task is loaded."""
    with pytest.raises(ConfigError, match=r"^task\.scorers\.label\.labels"):
        judge("label", "a", "a", labels=labels)


def test_tables() -> None:
    """Confusion, precision, recall and support come from the details alone."""
    pairs = [("a", "a"), ("a", "a"), ("a", "b"), ("b", "b"), ("b", None), ("c", "z"), ("c", None)]
    scores = [
        Score(value=expected == read, why="", details={"expected": expected, "read": read})
        for expected, read in pairs
    ]
    confusion, rates = tables("label", scores, task="demo", tasks_dirs=[])
    assert confusion.columns == ("expected", "a", "b", "c", "another", "none")
    assert confusion.rows == (
        ("a", 2, 1, 0, 0, 0),
        ("b", 0, 1, 0, 0, 1),
        ("c", 0, 0, 0, 1, 1),
    )
    assert rates.columns == ("label", "precision", "recall", "support")
    assert rates.rows == (("a", 1.0, 2 / 3, 3), ("b", 0.5, 0.5, 2), ("c", None, 0.0, 2))
    assert tables("label", [], task="demo", tasks_dirs=[]) == []
