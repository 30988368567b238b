"""What can't be asked is refused before anything is sent; what is said to work is caught."""

from collections.abc import Callable
from typing import Any

import pytest

from runner.calls.compile import Template, check_once, compiled
from runner.calls.translate import Caught, caught
from runner.config import prefixes
from runner.config.schema import Single
from runner.errors import ConfigError
from tests.conftest import model as model_config
from tests.loopback import Loopback, echo
from tests.providers.table import FACTS, Row

OWN_ROWS = {Row(name).configured()["litellm"] for name in FACTS}
MESSAGES = [{"role": "user", "content": "hello"}]


def single(prefix: str, base_url: str = "http://127.0.0.1:9/v1", **changes: Any) -> Single:
    config = model_config(base_url) | changes
    config["provider"] |= {"litellm": prefix}
    return Single.model_validate(config)


@pytest.mark.parametrize("prefix", sorted(set(prefixes.working()) - OWN_ROWS))
@pytest.mark.parametrize("streamed", [False, True])
def test_those_without_a_file(prefix: str, streamed: bool) -> None:
    """What works though conf/ has no file of it speaks OpenAI's format, and is compiled."""
    model = single(prefix, id="some-model")
    request = caught(model, MESSAGES, {"max_tokens": 5}, "sk-of-a-user", streamed=streamed)
    assert request.url == "http://127.0.0.1:9/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-of-a-user"
    made = compiled(model, {"max_tokens": 5}, ("system", "user"), streamed=streamed)
    assert isinstance(made, Template), made


def test_those_with_a_file_work() -> None:
    """No provider of conf/ has a prefix that would be refused."""
    assert set(prefixes.working()) >= OWN_ROWS


@pytest.mark.parametrize("prefix", ["cohere", "huggingface"])
def test_what_cannot_be_seen(prefix: str) -> None:
    """What litellm would send over connections of its own goes nowhere, and is no template."""
    with Loopback(echo) as server:
        model = single(prefix, server.base_url, id="some-model")
        for streamed in (False, True):
            try:
                compiled(model, {}, ("user",), streamed=streamed)
            except ConfigError as error:
                assert "connections of its own" in str(error) and "hosted_vllm" in str(error)
        with pytest.raises(ConfigError):
            check_once(model, {"max_tokens": 5})
    assert server.requests == []


def refusing(model: Single, *_: Any, **__: Any) -> Caught:
    raise ValueError(
        "litellm.NotFoundError: BedrockException - Unknown provider=None\nTraceback: ..."
    )


def broken_for_streams(catch: Callable[..., Caught] = caught) -> Callable[..., Caught]:
    def catching(*args: Any, streamed: bool) -> Caught:
        if streamed:
            raise ValueError("no streams of it")
        return catch(*args, streamed=streamed)

    return catching


def test_what_litellm_makes_no_request_of() -> None:
    """It is refused in a line with litellm's own words; where streams are asked for, for them."""
    with pytest.raises(ConfigError) as raised:
        check_once(single("bedrock", id="nobody"), {}, refusing)
    assert str(raised.value).endswith("litellm makes no request of it: Unknown provider=None")
    with pytest.raises(ConfigError, match="no streams of it"):
        check_once(single("openai", id="some-model"), {"stop": ["x"]}, broken_for_streams())


def test_it_is_asked_once() -> None:
    """What has been found to work is not looked at again."""
    model = single("openai", id="some-model")
    check_once(model, {"max_tokens": 5, "seed": 7})
    check_once(model, {"max_tokens": 5, "seed": 7}, refusing)
