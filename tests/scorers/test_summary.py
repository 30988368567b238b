"""The scorer `summary`."""

from typing import Any

import pytest

from runner.record.outcomes import Score
from tests.scorers import make

TEXT = (
    "At its meeting on 12 June the board of Marlow Ferries talked for two hours about the pier at "
    "Ostby, which the storm of last winter has left without a roof, and about who is to pay for "
    "it. The treasurer had first put the damage at 74,000 euros; the insurer has since found it to "
    "be 91,500. In the end the board decided to have the roof repaired by Holm & Sons, provided "
    "that the harbour authority agrees. The work is to begin within 30 days of that."
)
FACTS = ["Holm", "91,500", ["if the harbour", "provided"], ["30 days", "thirty days"]]
EXPECTED = {"facts": FACTS, "forbidden": ["74,000"]}
GOOD = (
    "Marlow Ferries will have the roof at Ostby repaired by Holm & Sons, a damage of 91,500 euros, "
    "if the harbour authority agrees. Work then begins within 30 days."
)


def judge(answer: str, expected: Any = EXPECTED, *, given: str = TEXT, **options: Any) -> Score:
    return make.judge("summary", answer, expected, given=given, **options)


def test_share_of_facts() -> None:
    """The value is the share of the facts that a summary has."""
    assert judge(GOOD).value == 1
    assert judge(GOOD.replace("30 days", "a month")).value == 0.75
    assert "missing '30 days' or 'thirty days'" in judge(GOOD.replace("30 days", "a month")).why


@pytest.mark.parametrize(
    ("said", "fact", "found"),
    [
        ("It starts on 2 June.", "2 June", True),
        ("It starts on June 2nd.", "2 June", True),
        ("It runs from June 2 to 4.", "4 June", True),
        ("It starts on the 2nd of June.", "2 June", True),
        ("It starts on 12 June.", "2 June", False),
        ("It starts on June 20.", "2 June", False),
        ("It starts in 2019.", "19", False),
        ("Kosten von 74.000 Euro", "74000", True),
        ("a cost of 74 000 euros", "74,000", True),
        ("a cost of 174,000 euros", "74,000", False),
        ("a saving of 74k", "74,000", True),
        ("Kosten von 74 Tsd. Euro", "74.000", True),
        ("740 тыс. рублей", "740 000", True),
        ("a cost of 1.14 million", "1,140,000", True),
        ("a bid of 3,900,000", "3.9 million", True),
        ("a saving of 7.4k", "74,000", False),
        ("a way of 74 km", "74,000", False),
        ("₹420000", "4,20,000", True),
        ("٣٫٦ مليون", "3.6", True),  # noqa: RUF001
        ("a 30-day notice", "30 day", True),
        ("8 per cent more", "8%", True),
        ("the current state", "rent", False),
        ("the rents rise", "rent", True),
        ("\u0667\u0660 يوما", "70 يوم", True),
        ("والمورد", "المورد", True),
        ("在12 个小区", "12个", True),
        ("7월 5일까지", "7월5일", True),
    ],
)
def test_wordings(said: str, fact: str, found: bool) -> None:
    """Figures and days are found as people write them, and neither in others nor within a word."""
    expected = {"facts": [fact], "allowed": [said]}
    options = {"max_share": None, "max_copied": None}
    assert judge(said, expected, given=said, **options).value == found


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (f"{GOOD} At first 74,000 were expected.", "says '74,000'"),
        (TEXT, "more than 0.75"),
        (TEXT[: TEXT.index("to be 91")], "in a row"),
        (f"{GOOD} It is so. We know. And they know. But who knows?", "5 sentences, more than 4"),
        (
            "Marlow Ferries lässt das Dach in Ostby durch Holm & Sons reparieren, Schaden 91,500,"
            " sofern die Hafenbehörde zustimmt, provided within 30 days.",
            "is in 'de', not in 'en'",
        ),
        ("Marlow Ferries Ostby Holm & Sons 91,500 If The Harbour 30 Days Begin", "is a list"),
    ],
)
def test_worth_nothing(answer: str, reason: str) -> None:
    """A forbidden text, an answer that is too long, a copy, another language and what is no
    sentences are worth 0 whatever else is there, and the reason says which.
    """
    score = judge(answer, max_sentences=4)
    assert score.value == 0
    assert reason in score.why


@pytest.mark.parametrize(
    ("more", "added"),
    [
        (" That costs 20,000 more.", "20,000"),
        (" The insurer, Brightwater Mutual, pays.", "Brightwater Mutual"),
        (" That leaves 17.5 %.", "17.5 %"),
        (" It was half of the 50 roofs there.", "50"),
        (" The office opens at 9.15 then.", "9.15"),
        (" It ends by 23:00 at most.", "23"),
        (" That is 19/7 at most.", "19/7"),
    ],
)
def test_nothing_added(more: str, added: str) -> None:
    """A figure or a name that the text does not have costs as much as a fact, unless a case allows
    it.
    """
    assert judge(GOOD + more).value == 0.75
    assert f"not in the text: {added}" in judge(GOOD + more).why
    assert judge(GOOD + more, {**EXPECTED, "allowed": [added]}).value == 1


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Der Umbau kostet 2,8 Millionen Euro.", "Gekostet hat er 2.800.000 Euro."),
        ("It was at 13:45 on 4 March 2026.", "That was on 4.3.2026 at 13h45."),
        ("Решение приняла Анна Иванова.", "Решено: так хочет и Анны Ивановой коллега."),
        ("The board and its three members.", "All 3 of the Board."),
        ("Quatre salons, 18\u202f700 euros.", "C'est 18 700 euros."),
        ("Een kas en dertig bomen.", "Een kas met 30 bomen."),
        ("La moitié est payée.", "Payée : 50 %."),
        ("Si parte alle 7:15.", "Si parte alle 7.15."),
        ("오후 10시에 닫습니다.", "22시에 닫습니다."),
        ("ngày 22 tháng 7", "Sáng 22/7."),
        ("Az ára 3 800 forint.", "Az ára 3800 Ft."),
        ("२,५०,००० रुपये", "कुल 250000 रुपये"),  # noqa: RUF001
    ],
)
def test_other_forms_are_not_added(text: str, answer: str) -> None:
    """A figure in another form and a name in another case are the text's own."""
    from runner.scorers import _added

    assert _added.figures(answer, text) == []
    assert _added.names(answer, text, "en") == []


def test_language_asked_for() -> None:
    """A case may ask for another language than that of its text."""
    german = "Marlow Ferries lässt das Dach von Holm & Sons reparieren."
    assert judge(german, {"facts": ["Holm"], "language": "de"}).value == 1
    assert judge(GOOD, {"facts": ["Holm"], "language": "de"}).value == 0


def test_own_limits() -> None:
    """A case's own limit stands before the task's."""
    assert judge(GOOD, {**EXPECTED, "max_words": 10}, max_words=90).value == 0
    assert judge(GOOD, {**EXPECTED, "max_words": 90}, max_words=10).value == 1


def test_copying_is_counted_by_script() -> None:
    """Where words have no spaces between them, two characters count as one."""
    text = "青禾市将从九月起在各个居民小区试行旧衣回收计划，居民可以扫码投放旧衣并获得奖励。" * 2  # noqa: RUF001
    assert judge(text[:30], {"facts": ["青禾"]}, given=text).value == 1
    assert judge(text[:70], {"facts": ["青禾"]}, given=text, max_share=1).value == 0


@pytest.mark.parametrize(
    "expected",
    [
        None,
        "blue",
        {},
        {"facts": []},
        {"facts": ["a", []]},
        {"facts": ["a"], "forbidden": "b"},
        {"facts": ["a"], "forbidden": [""]},
        {"facts": ["a"], "forbiden": ["b"]},
        {"facts": ["a"], "language": "English"},
        {"facts": ["a"], "max_words": 0},
    ],
)
def test_check(expected: Any) -> None:
    """What could not be judged by is refused before anything is sent."""
    assert make.problem("summary", expected)
    assert make.problem("summary", {**EXPECTED, "summary": GOOD}) is None


def test_table() -> None:
    """A run says in how many answers each reason cost something."""
    from runner.scorers import summary

    (table,) = summary.tables([judge(GOOD), judge(f"{GOOD} 74,000"), judge(TEXT)])
    assert ("forbidden", 2) in table.rows
    assert ("too long", 1) in table.rows
