# ruff: noqa: RUF001, E501 (signs of other scripts and long answers are meant)
"""The scorer `label`."""

import time
from typing import Any

import pytest

from runner.errors import ConfigError
from runner.record.outcomes import Score
from runner.scorers import tables
from tests.scorers.make import judge, problem

MC = list("ABCD")
TEN = list("ABCDEFGHIJ")
SENTIMENT = ["positive", "negative", "neutral"]
NLI = ["entailment", "contradiction", "neutral"]
YES_NO = ["yes", "no"]
TRUE_FALSE = ["true", "false"]
RATING = ["1", "2", "3", "4", "5"]
SPAM = ["spam", "not spam", "ham"]
SPAM_HAM = ["spam", "ham"]
ARMS = ["simple", "complex"]
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
        ("ｃａｒｄ＿ｌｏｓｔ", "card_lost"),
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
        ("card_lost\n\nMessage: Where is it?\nLabel: card_delivery", "card_delivery"),
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
    ("labels", "text", "read"),
    [
        (MC, "The best answer is B.", "B"),
        (MC, "Answer: The correct answer is B.", "B"),
        (
            MC,
            "The correct answer is **B) Mercury**\n\nHere's why:\n\n* **A) Venus** is incorrect because it is hotter.\n* **C) Earth** is wrong.\n* **D) Mars** is incorrect.",
            "B",
        ),
        (MC, "A is the only option that works. Options B, C and D are all wrong.", "A"),
        (MC, "Let's analyze:\nA) wrong\nB) wrong\nC) right\nD) wrong", "C"),
        (MC, "The answer is D) All of the above.", "D"),
        (MC, "D) All of the above", "D"),
        (MC, "Option B: The cell membrane.", "B"),
        (MC, "I believe the correct option is B, because A refers to plants.", "B"),
        (MC, "A dog is a mammal, so the answer is C.", "C"),
        (MC, "A mammal.", None),
        (MC, "I'd say a mammal", None),
        (MC, "Both A and B are correct.", None),
        (MC, "The answer is A and B.", None),
        (MC, "The answer is either A or C.", None),
        (MC, "Choice (B).", "B"),
        (MC, "The answer: B", "B"),
        (MC, "ans: C", "C"),
        (MC, "Final: D", "D"),
        (MC, "La respuesta correcta es B.", "B"),
        (MC, "Die richtige Antwort ist C.", "C"),
        (MC, "La bonne réponse est D.", "D"),
        (MC, "A resposta correta é B.", "B"),
        (MC, "La risposta corretta è C.", "C"),
        (MC, "答案是B。", "B"),
        (MC, "正确答案：C", "C"),
        (MC, "答えはDです。", "D"),
        (MC, "正解はBです", "B"),
        (MC, "Правильный ответ: B", "B"),
        (MC, "정답은 C입니다.", "C"),
        (MC, "Antwort: B", "B"),
        (MC, "Het juiste antwoord is A.", "A"),
        (MC, "Question: which? A. x B. y C. z D. w. Answer: B", "B"),
        (MC, "A. Paris\nB. London\nC. Rome\nD. Berlin", None),
        (MC, "A. Paris\nB. London\nC. Rome\nD. Berlin\n\nThe correct answer is A. Paris", "A"),
        (MC, "The answer is A. Paris.\n\nOptions:\nA. Paris\nB. London", "A"),
        (MC, "Since the reaction is exothermic, C is incorrect; thus D.", "D"),
        (MC, "It can't be A. It can't be B. It can't be C. So D it is.", "D"),
        (MC, "Eliminating A, B, and D leaves us with C.", "C"),
        (MC, "We can rule out A and B. Between C and D, C is more plausible. Answer - C", "C"),
        (MC, "Statement B is false, statement C is false, A is false. D remains.", "D"),
        (MC, "The answer is (B).\n\nExplanation: (A) is wrong since... (C) is wrong since...", "B"),
        (MC, "\\boxed{B}.\n\nLet me double check A: no.", "B"),
        (MC, "The vitamin C content is highest in option B.", "B"),
        (MC, "Answer: B (Vitamin C)", "B"),
        (MC, "Answer: Vitamin C", None),
        (MC, "I choose option A", "A"),
        (MC, "My final answer: option D.", "D"),
        (MC, "Answer: $\\boxed{\\text{A}}$", "A"),
        (MC, "**Answer**\n\nC", "C"),
        (MC, "The answer is:\n\nB", "B"),
        (MC, "The answer is\n**D**", "D"),
        (MC, "C, because plants need light.", "C"),
        (MC, "B - the liver", "B"),
        (MC, "B: the liver", "B"),
        (MC, "Answer: A, B", None),
        (MC, "A/B", None),
        (MC, "Answer:", None),
        (MC, "", None),
        (MC, "None of the above", None),
        (MC, "Answer: E", None),
        (MC, "The correct answer isn't listed.", None),
        (MC, "Is it B? Yes, B is right.", "B"),
        (MC, "Could it be B? No. C? Yes: C.", "C"),
        (MC, "In conclusion, D.", "D"),
        (MC, "Thus, the correct choice is B", "B"),
        (MC, "The answer is not C.", None),
        (MC, "I would not choose A.", None),
        (MC, "Not B.", None),
        (
            MC,
            "I would have said A, but the key word is 'always', which makes B the right one.",
            "B",
        ),
        (MC, "The answer is B, not A.", "B"),
        (MC, "The answer is B rather than A.", "B"),
        (MC, "B, not C.", "B"),
        (MC, "A is tempting, but it ignores the tax. The answer is B because of the tax.", "B"),
        (MC, "Let A be the event. P(A) = 0.5, so P(B) = 0.25.\n\nThe answer is C.", "C"),
        (MC, "Selected answer: D", "D"),
        (MC, '{"answer": "D"} is my answer', "D"),
        (MC, "answer = 'B'", "B"),
        (MC, "Answer:B", "B"),
        (MC, "Answer is C", "C"),
        (TEN, "The answer is (I).", "I"),
        (TEN, "I think the answer is (J).", "J"),
        (TEN, "I would pick I.", "I"),
        (TEN, "I am confident. The answer is H", "H"),
        (TEN, "I", "I"),
        (TEN, "The answer is I. I checked it twice.", "I"),
        (TEN, "I don't know.", None),
        (TEN, "Answer: I don't know", None),
        (TEN, "Answer: I'd go with J", "J"),
        (SENTIMENT, "The sentiment is negative.", "negative"),
        (SENTIMENT, "The review is not positive, it is negative.", "negative"),
        (SENTIMENT, "Positive.", "positive"),
        (SENTIMENT, "Sentiment: Neutral", "neutral"),
        (SENTIMENT, "This review is mostly positive with some negative aspects.", None),
        (SENTIMENT, "Overall sentiment: **Negative**", "negative"),
        (SENTIMENT, "I would classify this review as negative.", "negative"),
        (
            SENTIMENT,
            "The text should be classified as neutral, since it is neither positive nor negative.",
            "neutral",
        ),
        (NLI, "This is neither entailment nor contradiction, so neutral", "neutral"),
        (NLI, "The hypothesis does not contradict the premise: entailment.", "entailment"),
        (NLI, "contradiction", "contradiction"),
        (YES_NO, "No, there is no evidence.", "no"),
        (YES_NO, "Yes, there is no doubt.", "yes"),
        (YES_NO, "Yes.", "yes"),
        (YES_NO, "NO", "no"),
        (YES_NO, "The answer is No.", "no"),
        (YES_NO, "The answer is no, because not all birds fly.", "no"),
        (YES_NO, "Answer: Yes", "yes"),
        (YES_NO, "**No**", "no"),
        (YES_NO, "Maybe.", None),
        (YES_NO, "yes/no", None),
        (TRUE_FALSE, "True", "true"),
        (TRUE_FALSE, "The statement is false.", "false"),
        (TRUE_FALSE, "This is not true.", None),
        (TRUE_FALSE, "It's true that birds fly, so the claim is false.", None),
        (TRUE_FALSE, "Answer: True.", "true"),
        (RATING, "4/5", "4"),
        (RATING, "I rate it 4 out of 5.", "4"),
        (RATING, "Rating: 3", "3"),
        (RATING, "3", "3"),
        (RATING, "Score: 2.5", None),
        (RATING, "I'd give this a 5.", "5"),
        (RATING, "**5** stars", "5"),
        (SPAM, "No, this is definitely not spam.", "not spam"),
        (SPAM, "This isn't spam", None),
        (SPAM, "I cannot tell whether it is spam", None),
        (SPAM, "Neither spam nor ham", None),
        (SPAM, "It might be spam?", None),
        (SPAM, "non-spam", None),
        (SPAM, "Label: ham. Not spam.", "ham"),
        (SPAM, "Spam (confidence: 10%)", "spam"),
        (SPAM, '{"label":"ham","confidence":0.9}', "ham"),
        (SPAM, '{"category":"ham","reason":"not spam"}', "ham"),
        (SPAM, '["ham"]', "ham"),
        (SPAM, "Final answer: **ham**", "ham"),
        (SPAM, "1. ham", "ham"),
        (SPAM, "Ham\n\nExplanation: the mail does not try to sell, so no spam.", "ham"),
        (SPAM_HAM, "This is not spam.", None),
        (SPAM_HAM, "The label is spam, not ham.", "spam"),
        (SPAM_HAM, "ham - not spam", "ham"),
        (SPAM_HAM, "It is spam, although it looks like ham.", None),
        (SPAM_HAM, "It's ham because it isn't spam", "ham"),
        (SPAM_HAM, "Label: undecided (spam or ham)", None),
        (SPAM_HAM, "There is no doubt that this is spam", "spam"),
        (SPAM_HAM, "spam!!!", "spam"),
        (SPAM_HAM, "If it is spam, delete it.", None),
        (SPAM_HAM, "Das ist kein Spam.", None),
        (SPAM_HAM, "Ce n'est pas du spam", None),
        (SPAM_HAM, "これはspamではありません", None),
        (SPAM_HAM, "这不是spam", None),
        (SPAM_HAM, "Not ham; spam.", "spam"),
        (SPAM_HAM, "Spam. I am sure that it isn't ham.", "spam"),
        (ARMS, "simple", "simple"),
        (ARMS, "Not simple: complex.", "complex"),
        (ARMS, "Complexity: simple", "simple"),
        (ARMS, "This query is complex.", "complex"),
    ],
)
def test_what_an_answer_decides_on(labels: list[str], text: str, read: str | None) -> None:
    """A label that is denied, in doubt, a word of the language or one of two is not read; what is
    decided on is, in whatever words and language.
    """
    score = judge("label", text, read or labels[0], labels=labels)
    assert score.details["read"] == read, score.why


@pytest.mark.parametrize(
    "text", ["answer: ", "answer is ", "A, ", "so ", "(", "A\n", "\\text{", "A "]
)
def test_hostile_text(text: str) -> None:
    """No text makes the reading slow."""
    start = time.perf_counter()
    judge("label", text * 40_000, "A", labels=MC)
    assert time.perf_counter() - start < 30


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
    assert both.why == (
        "read no label (it names 'card_lost' and 'other') from 'card_lost or other', "
        "expected 'other'"
    )
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


@pytest.mark.parametrize(
    "text",
    [
        "I doubt it is spam",
        "It is hardly spam.",
        "Unlikely to be spam",
        "This is anything but spam",
        "Far from being spam, it is a newsletter",
        "It is rarely spam",
        "It fails to qualify as spam",
    ],
)
def test_a_label_that_is_doubted_is_none(text: str) -> None:
    """A label that an answer doubts or denies in other words than `not` is not its answer."""
    assert judge("label", text, "spam", labels=SPAM_HAM).value == 0


@pytest.mark.parametrize("text", ["No doubt it is spam", "There is no doubt that this is spam"])
def test_a_label_beyond_doubt(text: str) -> None:
    """To have no doubt is to affirm."""
    assert judge("label", text, "spam", labels=SPAM_HAM).value == 1
