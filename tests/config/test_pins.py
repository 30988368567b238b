"""Pins and retirements, held against the price map that litellm carries."""

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
    """Ids of models that we serve ourselves are no aliases."""
    assert pins.unpinned(single("openai", "gpt-4o", data=data)) is None


def test_an_id_behind_which_models_change_is_no_pin() -> None:
    """Where a provider moves what its ids name, none of them stands for one model."""
    model = single("deepseek", "deepseek-flash")
    moving = model.model_copy(
        update={"provider": model.provider.model_copy(update={"ids_move": True})}
    )
    assert pins.unpinned(model) is None
    assert "'deepseek-flash' is no pin, loopback puts new models" in str(pins.unpinned(moving))


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


@pytest.mark.parametrize("data", ["third_party", "self_hosted"])
def test_a_prefix_that_does_not_work_here(data: str) -> None:
    """It is refused with the nearest that does, and with all of them."""
    with pytest.raises(ConfigError) as refused:
        pins.check_callable(single("togther_ai", "x", data=data), DAY)
    [line] = refused.value.problems
    assert "'togther_ai' is none of litellm's prefixes that work here" in line
    assert "did you mean 'together_ai'?" in line
    assert "there is: anthropic, azure, bedrock, cerebras" in line and "\n" not in line


@pytest.mark.parametrize(
    ("litellm", "id", "why"),
    [
        ("openai", "o1-pro-2025-03-19", "by the Responses API alone"),
        ("openai", "gpt-5-pro-2025-10-06", "by the Responses API alone"),
        ("openai", "gpt-5.3-codex", "by the Responses API alone"),
        ("azure", "gpt-5.4-pro-2026-03-05", "by the Responses API alone"),
        ("openai", "text-embedding-3-small", "for embedding alone"),
        ("openai", "gpt-4o-2024-08-06", None),
        ("openai", "an-id-that-nobody-knows", None),
    ],
)
def test_models_that_answer_no_chat_completions(litellm: str, id: str, why: str | None) -> None:
    """What another API alone serves is refused, with the reason."""
    problem = pins.unaskable(single(litellm, id))
    assert (why in str(problem)) if why else problem is None


def test_litellm_is_not_imported() -> None:
    """Looking at the map costs no import of litellm."""
    code = (
        "import sys; from runner.config import pins; assert pins._ids('openai'); "
        "assert 'litellm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
