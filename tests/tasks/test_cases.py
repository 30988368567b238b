"""What holds for the cases of all shipped tasks: how many, how hard, one meaning a tag."""

from collections import Counter
from itertools import pairwise

import pytest

from tests.tasks import shipped

DIFFICULTIES = {"easy", "medium", "hard"}
LANGUAGES = frozenset(
    {"ar", "de", "en", "es", "fr", "hi", "hu", "is", "it"}
    | {"ja", "ko", "nl", "pl", "pt", "ru", "tr", "vi", "zh"}
)
SHORT, LONG = 150, 1500  # characters of the input
FEWER = {"tool_use": 60}  # cases than the 90 of the others


@pytest.mark.parametrize("name", shipped.TASKS)
def test_enough_of_each_difficulty(name: str) -> None:
    """At least 90 cases, of tool_use 60, about a third easy, a third medium and a third hard, each
    tagged once."""
    tagged = [DIFFICULTIES & set(case.tags) for case in shipped.load(name).values()]
    assert len(tagged) >= FEWER.get(name, 90)
    assert all(len(one) == 1 for one in tagged)
    counts = Counter(one for (one,) in tagged)
    assert min(counts.values()) >= 0.28 * len(tagged), counts


@pytest.mark.parametrize("name", shipped.TASKS)
def test_beginning(name: str) -> None:
    """A run with `limit=` meets every difficulty: the first nine cases hold three of each."""
    first = list(shipped.load(name).values())[:9]
    counts = Counter(tag for case in first for tag in case.tags if tag in DIFFICULTIES)
    assert counts == dict.fromkeys(DIFFICULTIES, 3)


@pytest.mark.parametrize("name", shipped.TASKS)
def test_tags(name: str) -> None:
    """One language a case, `multilingual` if it is not English; `short` and `long` by its length;
    an injection is adversarial."""
    for case in shipped.load(name).values():
        tags, length = set(case.tags), len(shipped.text(case))
        languages = LANGUAGES & tags
        assert len(languages) == 1, case.id
        assert ("multilingual" in tags) == (languages != {"en"}), case.id
        assert ("short" in tags) == (length <= SHORT), (case.id, length)
        assert ("long" in tags) == (length >= LONG), (case.id, length)
        assert "prompt_injection" not in tags or "adversarial" in tags, case.id
        assert len(tags) == len(case.tags), case.id


@pytest.mark.parametrize("name", shipped.TASKS)
def test_punctuation(name: str) -> None:
    """Chinese and Japanese are punctuated as they are written, full-width."""
    for case in shipped.load(name).values():
        if {"zh", "ja"} & set(case.tags):
            text = shipped.text(case)
            beside = pairwise(text)
            assert not [a + b for a, b in beside if a > "\u2fff" and b in ",?!;"], case.id


@pytest.mark.parametrize("name", shipped.TASKS)
def test_every_case_is_its_own(name: str) -> None:
    """No input stands twice, and none of them in the task's own examples."""
    texts = [" ".join(shipped.text(case).split()) for case in shipped.load(name).values()]
    assert len(set(texts)) == len(texts)
    of = shipped.task(name)
    shown = " ".join(f"{of.system or ''} {of.prompt}".split())
    assert not [text for text in texts if text in shown]
