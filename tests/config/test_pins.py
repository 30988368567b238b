"""Pins, retirements and prices, held against the price map that litellm carries."""

import subprocess
import sys
from datetime import date
from typing import Any

import pytest

from runner.config import pins
from runner.config.schema import Single
from runner.errors import ConfigError
from tests.conftest import model as model_config

DAY = date(2026, 12, 11)


def single(litellm: str, id: str, *, data: str = "third_party", **changes: Any) -> Single:
    config = model_config("http://127.0.0.1:9/v1") | {"id": id} | changes
    config["provider"] |= {"litellm": litellm, "data": data}
    return Single.model_validate(config)


@pytest.mark.parametrize(
    ("litellm", "id"),
    [
        ("mistral", "codestral-latest"),
        ("gemini", "gemini-flash-latest"),
        ("together_ai", "x:latest"),
    ],
)
def test_an_id_that_ends_in_latest_is_an_alias(litellm: str, id: str) -> None:
    """Whatever an id calls the latest is an alias, known to the price map or not."""
    assert f"'{id}' is an alias" in str(pins.unpinned(single(litellm, id)))


@pytest.mark.parametrize(
    ("litellm", "id", "snapshot"),
    [
        ("openai", "gpt-4o", "gpt-4o-2024-11-20"),
        ("anthropic", "claude-haiku-4-5", "claude-haiku-4-5-20251001"),
        ("mistral", "mistral-small", "mistral-small-2603"),
        ("mistral", "mistral-large", "mistral-large-2512"),  # an id the map itself does not have
    ],
)
def test_an_id_with_dated_snapshots_is_an_alias(litellm: str, id: str, snapshot: str) -> None:
    """An id beside which there are dated ones is an alias, and the newest of them is proposed."""
    problem = pins.unpinned(single(litellm, id))
    assert problem is not None
    assert f"pin it (id: {snapshot})" in problem


@pytest.mark.parametrize(
    ("litellm", "id"),
    [
        ("openai", "gpt-4o-2024-08-06"),
        ("openai", "gpt-6-luna"),
        ("anthropic", "claude-haiku-5-5"),
        ("mistral", "mistral-small-2603"),
        ("together_ai", "meta-llama/Llama-3.2-3B-Instruct"),
    ],
)
def test_an_id_without_snapshots_is_the_pin(litellm: str, id: str) -> None:
    """Where there is nothing more exact to write, the undated id is the pin."""
    assert pins.unpinned(single(litellm, id)) is None


@pytest.mark.parametrize("data", ["on_device", "self_hosted"])
def test_what_our_own_server_calls_its_model_is_up_to_us(data: str) -> None:
    """Ids of models that we serve ourselves are neither aliases nor on anybody's price list."""
    model = single("openai", "gpt-4o", data=data)
    assert pins.unpinned(model) is None
    assert pins.price_differences(model) == []


def test_a_model_runs_on_its_last_day_and_not_after() -> None:
    """A model is refused from the day after its retirement, and its successor is named."""
    model = single("openai", "o3-2025-04-16", retires="2026-12-11", successor="gpt-6.1-sol")
    assert pins.retired(model, DAY) is None
    assert pins.retired(model, date(2026, 12, 12)) == (
        "demo-model retired on 2026-12-11; use model=gpt-6.1-sol"
    )


def test_all_reasons_not_to_call_a_model_come_at_once() -> None:
    """An alias that is retired as well is refused for both."""
    model = single("openai", "o3", retires="2026-12-10")
    with pytest.raises(ConfigError) as refused:
        pins.check_callable(model, DAY)
    assert len(refused.value.problems) == 2


def test_an_alias_can_be_allowed_but_not_a_retired_model() -> None:
    """allow_unpinned lets an alias through, and nothing lets a retired model through."""
    pins.check_callable(single("openai", "gpt-4o", allow_unpinned=True), DAY)
    with pytest.raises(ConfigError, match="retired"):
        pins.check_callable(
            single("openai", "gpt-4o", allow_unpinned=True, retires="2026-12-10"), DAY
        )


def test_a_row_that_agrees_has_no_differences() -> None:
    """The same price, context, retirement and sight as in the map is no difference."""
    price = {
        "input_usd_per_mtok": 2.5,
        "output_usd_per_mtok": 10,
        "cached_input_usd_per_mtok": 1.25,
        "batch_discount": 0.5,
        "checked": "2026-11-23",
        "source": "made up for the tests",
    }
    model = single(
        "openai",
        "gpt-4o-2024-08-06",
        price=price,
        context_tokens=128000,
        retires="2027-01-14",
        vision=True,
    )
    assert pins.price_differences(model) == []


def test_each_difference_is_named_with_both_values() -> None:
    """Context, retirement, sight and each price that differ are named with both values."""
    price = {
        "input_usd_per_mtok": 3,
        "output_usd_per_mtok": None,
        "checked": "2026-11-23",
        "source": "made up for the tests",
    }
    model = single("openai", "gpt-4o-2024-08-06", price=price, retires="2027-01-15")
    assert pins.price_differences(model) == [
        "context_tokens: is 8192, litellm's price map says 128000",
        "retires: is 2027-01-15, litellm's price map says 2027-01-14",
        "vision: is False, litellm's price map says True",
        "price.input_usd_per_mtok: is 3.0, litellm's price map says 2.5",
        "price.output_usd_per_mtok: is unknown, litellm's price map says 10.0",
        "price.cached_input_usd_per_mtok: is unknown, litellm's price map says 1.25",
        "price.batch_discount: is unknown, litellm's price map says 0.5",
    ]


def test_a_long_prompt_is_compared_rate_by_rate() -> None:
    """The bound and the four rates beyond it are held against the map's, as are cache writes."""
    price = {
        "input_usd_per_mtok": 0.1,
        "output_usd_per_mtok": 0.5,
        "cached_input_usd_per_mtok": 0.01,
        "cache_write_usd_per_mtok": 0.1,
        "batch_discount": 0.5,
        "long_prompt": {
            "above_tokens": 200_000,
            "input_usd_per_mtok": 0.5,
            "output_usd_per_mtok": 2.5,
            "cached_input_usd_per_mtok": 0.01,
        },
        "checked": "2026-11-23",
        "source": "made up for the tests",
    }
    model = single(
        "anthropic", "claude-haiku-5-5", price=price, context_tokens=1_000_000, vision=True
    )
    assert pins.price_differences(model) == [
        "price.cache_write_usd_per_mtok: is 0.1, litellm's price map says 0.125",
        "price.long_prompt.above_tokens: is 200000, litellm's price map says 100000",
        "price.long_prompt.cached_input_usd_per_mtok: is 0.01, litellm's price map says 0.05",
        "price.long_prompt.cache_write_usd_per_mtok: is unknown, litellm's price map says 0.625",
    ]
    short = single("anthropic", "claude-haiku-5-5", price=price | {"long_prompt": None})
    assert "price.long_prompt.above_tokens: is unknown, litellm's price map says 100000" in (
        pins.price_differences(short)
    )


def test_the_price_of_reasoning_is_compared() -> None:
    """What the map says of reasoning tokens is held against the file's."""
    price = {
        "input_usd_per_mtok": 0.75,
        "output_usd_per_mtok": 3.75,
        "cached_input_usd_per_mtok": 0.075,
        "reasoning_usd_per_mtok": 3.0,
        "batch_discount": 0.5,
        "checked": "2026-11-23",
        "source": "made up for the tests",
    }
    model = single("gemini", "gemini-3.8-flash", price=price, context_tokens=1_048_576, vision=True)
    assert pins.price_differences(model) == [
        "price.reasoning_usd_per_mtok: is 3.0, litellm's price map says 3.75"
    ]


def test_an_unknown_price_is_no_price_of_zero() -> None:
    """Where our file has no price and the map has one, that is a difference."""
    model = single("mistral", "mistral-small-2603", price=None, context_tokens=262144, vision=True)
    assert pins.price_differences(model) == [
        "price: is unknown, litellm's price map says 0.15 and 0.6"
    ]


def test_an_id_that_the_map_lacks_is_pointed_out() -> None:
    """The map deletes what is retired, so that an absent id is worth a look."""
    [line] = pins.price_differences(single("anthropic", "claude-sonnet-4-20250514"))
    assert line.startswith("id: litellm's price map has no 'claude-sonnet-4-20250514'")


def test_the_same_id_at_another_provider_is_another_model() -> None:
    """Vertex AI's dates, which stand under the bare id, are not taken for the Gemini API's."""
    lines = pins.price_differences(single("gemini", "gemini-2.5-flash-lite"))
    assert lines
    assert not [line for line in lines if line.startswith("retires")]


def test_litellm_is_not_imported() -> None:
    """Looking at the map costs no import of litellm."""
    code = (
        "import sys; from runner.config import pins; assert pins._ids('openai'); "
        "assert 'litellm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
