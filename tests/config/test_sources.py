"""Facts held against two lists: what differs is named, with what the file knows of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from typing import Any

import pytest

from runner.config import sources
from runner.config.schema import Single
from runner.config.sources import GENAI, LITELLM
from tests.config.test_pins import single
from tests.tree import CONSTRAINTS

DAY = date(2026, 11, 28)
PRICE = {
    "input_usd_per_mtok": 2.5,
    "output_usd_per_mtok": 10,
    "cached_input_usd_per_mtok": 1.25,
    "batch_discount": 0.5,
    "checked": "2026-11-23",
    "source": "made up for the tests",
}
GPT_4O: dict[str, Any] = {
    "price": PRICE,
    "context_tokens": 128000,
    "max_output_tokens": 16384,
    "retires": "2027-01-14",
    "vision": True,
}


def differences(model: Single, source: str = LITELLM, day: date = DAY, only: str = "") -> list[str]:
    """Those with one source, as lines."""
    return [
        str(replace(each, theirs={source: each.theirs[source]}))
        for each in sources.differences(model, day)
        if source in each.theirs and each.key.startswith(only)
    ]


def test_a_row_that_agrees_has_no_differences() -> None:
    """The same prices, limits, retirement and sight as in both lists are no difference."""
    assert sources.differences(single("openai", "gpt-4o-2024-08-06", **GPT_4O), DAY) == []
    own = single("openai", "gpt-4o-2024-08-06", data="self_hosted")
    assert not sources.differences(own, DAY) and not sources.unsourced(own, DAY)


def test_each_difference_is_named_with_both_values() -> None:
    """Each fact that differs is named with both values, and with the file's caveat of it."""
    price = {"input_usd_per_mtok": 3, "output_usd_per_mtok": None}
    model = single(
        "openai",
        "gpt-4o-2024-08-06",
        price=PRICE | price | {"cached_input_usd_per_mtok": None},
        retires="2027-01-15",
        caveats={"price": "a contract"},
        reasoning={"default": "low"},
    )
    assert differences(model) == [
        "context_tokens: is 8192, litellm says 128000",
        "max_output_tokens: is unknown, litellm says 16384",
        "retires: is 2027-01-15, litellm says 2027-01-14",
        "vision: is False, litellm says True",
        "price.input_usd_per_mtok: is 3.0, litellm says 2.5 (a contract)",
        "price.output_usd_per_mtok: is unknown, litellm says 10.0 (a contract)",
        "price.cached_input_usd_per_mtok: is unknown, litellm says 1.25 (a contract)",
    ]
    assert len(differences(model, GENAI)) == 4  # all but limits of output, days and sight
    assert sources.unsourced(model, DAY) == ["reasoning"]


def test_a_long_prompt_is_compared_rate_by_rate() -> None:
    """The bound and the four rates beyond it are held against the map's, as are cache writes."""
    longer = {
        "above_tokens": 200_000,
        "input_usd_per_mtok": 0.5,
        "output_usd_per_mtok": 2.5,
        "cached_input_usd_per_mtok": 0.01,
    }
    rates = {"input_usd_per_mtok": 0.1, "output_usd_per_mtok": 0.5}
    rates |= {"cached_input_usd_per_mtok": 0.01, "cache_write_usd_per_mtok": 0.1}
    price = PRICE | rates | {"long_prompt": longer}
    found = differences(single("anthropic", "claude-haiku-5-5", price=price), only="price")
    assert found == [
        "price.cache_write_usd_per_mtok: is 0.1, litellm says 0.125",
        "price.long_prompt.above_tokens: is 200000, litellm says 100000",
        "price.long_prompt.cached_input_usd_per_mtok: is 0.01, litellm says 0.05",
        "price.long_prompt.cache_write_usd_per_mtok: is unknown, litellm says 0.625",
    ]


def test_the_price_of_reasoning_is_compared() -> None:
    """What the map says of reasoning tokens is held against the file's."""
    price = PRICE | {"reasoning_usd_per_mtok": 3.0}
    found = differences(single("gemini", "gemini-3.8-flash", price=price), only="price.reasoning")
    assert found == ["price.reasoning_usd_per_mtok: is 3.0, litellm says 3.75"]


@pytest.mark.parametrize(
    ("day", "usd"), [(date(2026, 12, 31), 0.75), (date(2027, 1, 1), 1.5)], ids=str
)
def test_a_dated_price_is_held_against_that_of_the_day(day: date, usd: float) -> None:
    """genai-prices knows from when on another price holds, and so may a file."""
    right = single("gemini", "gemini-3.8-flash", price=PRICE | {"input_usd_per_mtok": usd})
    key = "price.input"
    assert differences(right, GENAI, day, only=key) == []
    rows = [
        PRICE | {"input_usd_per_mtok": 0.75},
        PRICE | {"input_usd_per_mtok": 1.5, "from": "2027-01-01"},
    ]
    assert differences(single("gemini", "gemini-3.8-flash", price=rows), GENAI, day, key) == []
    wrong = single("gemini", "gemini-3.8-flash", price=PRICE)
    assert differences(wrong, GENAI, day, key) == [
        f"price.input_usd_per_mtok: is 2.5, genai-prices says {usd}"
    ]


def test_an_id_that_a_list_lacks_is_pointed_out() -> None:
    """The map deletes what is retired, so that an absent id is worth a look."""
    [line] = differences(single("anthropic", "claude-sonnet-4-20250514"))
    assert line == "id: is claude-sonnet-4-20250514, litellm says no such model"


def test_the_same_id_at_another_provider_is_another_model() -> None:
    """Vertex AI's dates, which stand under the bare id, are not taken for the Gemini API's."""
    lines = differences(single("gemini", "gemini-2.5-flash-lite"))
    assert lines
    assert not [line for line in lines if line.startswith("retires")]


@pytest.fixture
def models(catalogue: Mapping[str, Single]) -> Mapping[str, Single]:
    """Ours, but for the old table."""
    return catalogue


_pinned = all(
    f"{name}=={version(name)}\n" in CONSTRAINTS.read_text() for name in ("litellm", "genai-prices")
)


@pytest.mark.skipif(not _pinned, reason="the facts are held against the lists of constraints.txt")
class TestOurFiles:
    def test_every_difference_is_explained(self, models: Mapping[str, Single]) -> None:
        """Where a file says something else than a list does, it says why."""
        ids = {option: model.id for option, model in models.items()}
        assert not [
            f"{option}: {each}"
            for option, model in models.items()
            for each in sources.differences(model, DAY, ids)
            if each.why is None
        ]

    def test_every_price_has_a_source(self, models: Mapping[str, Single]) -> None:
        """A price that neither list has is marked as such in its file."""
        assert not [
            (option, key)
            for option, model in models.items()
            for key in sources.unsourced(model, DAY)
            if key.startswith("price") and not {"id", "price", key} & set(model.caveats)
        ]

    def test_no_caveat_is_idle(self, models: Mapping[str, Single]) -> None:
        """What a file explains of a price, a window or an id is still so."""
        ids = {option: model.id for option, model in models.items()}
        for option, model in models.items():
            found = {each.key for each in sources.differences(model, DAY, ids)}
            found |= set(sources.unsourced(model, DAY, ids))
            for key in set(model.caveats) & {"id", "context_tokens", "max_input_tokens"}:
                assert key in found, (option, key)

    def test_every_fact_has_a_day_and_a_place(self, models: Mapping[str, Single]) -> None:
        """Whoever doubts a fact of a hosted model finds when it was looked up, and where."""
        hosted = [each for each in models.values() if each.provider.data == "third_party"]
        assert len(hosted) > 50
        assert not [each.name for each in hosted if not (each.checked and each.source)]
