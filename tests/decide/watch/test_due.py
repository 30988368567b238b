"""What is due: every retirement that conf/ knows, on every day before it."""

from collections.abc import Mapping
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.config.schema import Single
from runner.decide.watch import due

AHEAD = timedelta(60)
TODAY = date(2026, 12, 1)


def test_every_retirement(every_model: Mapping[str, Single]) -> None:
    """Day by day: none before its 60 days unless a list says so, all from then on, past its end."""
    ending = {option: model for option, model in every_model.items() if model.retires}
    assert len(ending) > 15
    for option, model in ending.items():
        assert model.retires is not None
        for left in range(120, -10, -1):
            day = model.retires - timedelta(left)
            found = list(due.retirement(model, day, AHEAD))
            assert bool(found) == (left <= 60), (option, day)
            assert all(each.on == model.retires for each in found)


@given(st.lists(st.integers(-30, 400) | st.none(), min_size=2, max_size=2), st.integers(0, 90))
def test_the_first_word_counts(days: list[int | None], ahead: int) -> None:
    """Of a file and a provider's list the earlier day is it, whoever says it, or neither."""
    told = [None if each is None else TODAY + timedelta(each) for each in days]
    model = ONE.model_copy(update={"retires": told[0]})
    found = list(due.retirement(model, TODAY, timedelta(ahead), told[1]))
    known = [each for each in told if each is not None]
    soon = bool(known) and min(known) - TODAY <= timedelta(ahead)
    assert [each.on for each in found] == ([min(known)] if soon else [])


ONE = Single.model_validate(
    {
        "kind": "single",
        "name": "one",
        "id": "one-1",
        "provider": {"name": "p", "litellm": "hosted_vllm", "api_base": "http://127.0.0.1:9/v1"},
        "context_tokens": 1000,
    }
)


@pytest.mark.parametrize(
    ("id", "family"),
    [
        ("gpt-6.1-sol", ("gpt", "sol")),
        ("claude-haiku-4-5-20251001", ("claude", "haiku")),
        ("global.anthropic.claude-haiku-5-5", ("claude", "haiku")),
        ("accounts/fireworks/models/glm-5p3-flash", ("glm", "flash")),
        ("openai/gpt-oss-120b", ("gpt", "oss")),
        ("mistral-small-2603", ("mistral", "small")),
        ("7b", ("one",)),
    ],
)
def test_families(id: str, family: tuple[str, ...]) -> None:
    """A family is the words of an id, whoever serves it; no word in it: the model's own name."""
    assert due.family(ONE.model_copy(update={"id": id})) == family


def test_prices_that_come(catalogue: Mapping[str, Single]) -> None:
    """gemini-flash doubles on 2027-01-01: due from 60 days before, and no more from that day on."""
    model = catalogue["gemini-flash"]
    rises = date(2027, 1, 1)
    for left, said in ((61, False), (60, True), (1, True), (0, False)):
        day = rises - timedelta(left)
        assert bool(list(due.dearer(model.on(day), day, AHEAD))) == said


def test_lists(catalogue: Mapping[str, Single]) -> None:
    """A price that another list has is due, unless a file explains it or a record had it."""
    model = catalogue["gpt-4o"]
    assert model.price is not None
    assert not list(due.in_lists(model, TODAY))
    other = model.price.model_copy(update={"output_usd_per_mtok": 11.0})
    changed = model.model_copy(update={"price": other})
    [found] = due.in_lists(changed, TODAY)
    assert "price.output_usd_per_mtok: is 11.0, litellm says 10.0" in found.why
    assert not found.measured
    known = found.why.removesuffix(": look it up")
    assert not list(due.in_lists(changed, TODAY, [known]))
    explained = changed.model_copy(update={"caveats": {"price": "ours is newer"}})
    assert not list(due.in_lists(explained, TODAY))


def test_served() -> None:
    """Where nothing is on record, an answer of another id than the pin is due."""
    assert not list(due.served(["one-1"], ["one-1"]))
    [found] = due.served(["one-1"], ["one-1", "one-2"])
    assert str(found) == "served model: one-1 was asked for, one-2 answered"


def test_cheaper(catalogue: Mapping[str, Single]) -> None:
    """In both prices no dearer, in one cheaper; what ends soon itself is no way out."""
    family = due.relatives(catalogue["haiku-4-5"], catalogue, TODAY, AHEAD, {})
    assert "haiku" in due.cheaper(catalogue["haiku-4-5"], family, TODAY, None)
    assert "haiku-4-5" not in due.cheaper(catalogue["haiku"], family, TODAY, None)
    mini = due.relatives(catalogue["gpt-5.4-mini"], catalogue, TODAY, AHEAD, {})
    assert "gpt-4o-mini" not in mini  # 44 days left
    haiku = catalogue["haiku"]
    listed = {(haiku.provider.name, haiku.id): TODAY}
    family = due.relatives(catalogue["haiku-4-5"], catalogue, TODAY, AHEAD, listed)
    assert "haiku" not in family
