"""What of a job the proxy is told, what it is refused, and when a fallback may be reached."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from runner.calls.translate import check_parameters
from runner.config.schema import Job, Model, Single
from runner.errors import ConfigError
from runner.production.gateway.config import environment, not_carried_over, proxy_config
from tests.conftest import KEY, model

URL = "http://127.0.0.1:9/v1"
ON = ["overloaded", "timeout"]

MakeJob = Callable[..., Job]


def chain(**models: dict[str, Any]) -> dict[str, Any]:
    return {"name": "chain", "chain": models, "on": ON}


def split(key: str = "case", **weights: float) -> dict[str, Any]:
    arms = {name: model(URL, name) for name in weights}
    return {"kind": "split", "name": "ab", "arms": arms, "weights": weights, "key": key}


def answered_by(job: Job, tree: dict[str, Any]) -> Job:
    return job.model_copy(update={"model": TypeAdapter(Model).validate_python(tree)})


def deployments(job: Job) -> dict[str, dict[str, Any]]:
    """By what the proxy calls the one that answered."""
    return {each["model_info"]["id"]: each for each in proxy_config(job, None)["model_list"]}


def test_single(make_job: MakeJob) -> None:
    """A single model is one deployment under the task's name, at its own address, unretried."""
    job = make_job(URL, **{"model.provider.timeout": 10})
    [deployment] = proxy_config(job, None)["model_list"]
    assert deployment["model_name"] == "demo"
    params = deployment["litellm_params"]
    assert params["model"] == "openai/demo-model-2026-01-01"
    assert (params["api_base"], params["timeout"], params["max_retries"]) == (URL, 10.0, 0)
    assert (params["temperature"], params["max_tokens"]) == (0.0, 64)


def test_keys_stay_names(make_job: MakeJob) -> None:
    """No key's value is in the config."""
    config = proxy_config(make_job(URL), "LOOPBACK_API_KEY")
    assert config["model_list"][0]["litellm_params"]["api_key"] == "os.environ/LOOPBACK_API_KEY"
    assert config["general_settings"]["master_key"] == "os.environ/LOOPBACK_API_KEY"
    assert KEY not in yaml.safe_dump(config)


def test_no_key(make_job: MakeJob) -> None:
    """A model without a key says so: litellm would look for one by itself."""
    job = make_job(URL, **{"model.provider.api_key_env": None})
    assert proxy_config(job, None)["model_list"][0]["litellm_params"]["api_key"] == "none"


def test_prices(make_job: MakeJob) -> None:
    """Prices are told in dollars per token; an unknown one is left out, and is not 0."""
    job = make_job(URL, **{"model.price.cached_input_usd_per_mtok": None})
    info = proxy_config(job, None)["model_list"][0]["model_info"]
    assert (info["input_cost_per_token"], info["output_cost_per_token"]) == (1e-6, 2e-6)
    assert "cache_read_input_token_cost" not in info


def test_schema_and_drop_params(make_job: MakeJob) -> None:
    """The schema is sent where a model takes one; what it does not take is dropped for clients."""
    schema = {"task.json_schema": {"type": "object"}}
    [sent] = proxy_config(make_job(URL, **schema), None)["model_list"]
    assert sent["litellm_params"]["response_format"]["json_schema"]["name"] == "demo"
    dropping = make_job(URL, **schema, **{"model.drop_params": ["temperature", "json_schema"]})
    [dropped] = proxy_config(dropping, None)["model_list"]
    assert not {"temperature", "response_format"} & set(dropped["litellm_params"])
    assert dropped["litellm_params"]["additional_drop_params"] == ["temperature", "response_format"]


def test_limits(make_job: MakeJob) -> None:
    """The provider's limits go along and are enforced."""
    config = proxy_config(make_job(URL, **{"model.provider.rpm": 60}), None)
    assert config["model_list"][0]["litellm_params"]["rpm"] == 60
    assert config["router_settings"]["optional_pre_call_checks"] == ["enforce_model_rate_limits"]


def test_no_limits(make_job: MakeJob) -> None:
    """Without limits nothing is counted."""
    assert "optional_pre_call_checks" not in proxy_config(make_job(URL), None)["router_settings"]


def test_retries(make_job: MakeJob) -> None:
    """Attempts count the first one, retries do not."""
    settings = proxy_config(make_job(URL, **{"retry.attempts": 3}), None)["router_settings"]
    assert settings["num_retries"] == 2
    assert settings["disable_cooldowns"]


def test_waits(make_job: MakeJob) -> None:
    """The waits between retries are told in litellm's variables, in seconds."""
    waits = environment(make_job(URL))
    assert waits == {"INITIAL_RETRY_DELAY": "0.001", "MAX_RETRY_DELAY": "0.002", "JITTER": "0"}


def test_fallbacks(make_job: MakeJob) -> None:
    """Each model of the chain is linked to the next one, and says which errors lead to it."""
    job = make_job(URL, fallback=chain(first=model(URL, "one"), second=model(URL, "two")))
    settings = proxy_config(job, None)["router_settings"]
    assert settings["fallbacks"] == [{"demo": ["demo__first"]}, {"demo__first": ["demo__second"]}]
    assert settings["max_fallbacks"] == 2
    reached = {id: each["model_info"].get("reached_after") for id, each in deployments(job).items()}
    assert reached == {
        "model=demo-model": None,
        "fallback.chain.first=one": ON,
        "fallback.chain.second=two": ON,
    }


def test_split(make_job: MakeJob) -> None:
    """A split's arms are weighted deployments of one group; one without weight is left out."""
    nested = split(a=3, b=1, out=0)
    nested["arms"]["b"] = split(c=1, d=1)
    job = answered_by(make_job(URL, **{"retry.attempts": 1}), nested)
    found = deployments(job)
    weights = {id: each["litellm_params"]["weight"] for id, each in found.items()}
    assert weights == {
        "model.arms.a=a": 0.75,
        "model.arms.b.arms.c=c": 0.125,
        "model.arms.b.arms.d=d": 0.125,
    }
    assert {each["model_name"] for each in found.values()} == {"demo"}


ARMS = {"cheap": model(URL, "cheap"), "dear": model(URL, "dear")}
REFUSED: dict[str, dict[str, Any]] = {
    "model: the proxy can't check an answer": {
        "kind": "cascade",
        "name": "c",
        "arms": ARMS,
        "checks": {"json_valid": {}},
    },
    "model.rules: ": {
        "kind": "router",
        "name": "r",
        "arms": ARMS,
        "system": "",
        "sampling": {"max_tokens": 5},
        "rules": [{"arm": "cheap", "max_chars": 9}],
        "otherwise": "dear",
    },
    "model.classifier: ": {
        "kind": "router",
        "name": "r",
        "arms": ARMS,
        "system": "",
        "sampling": {"max_tokens": 5},
        "classifier": model(URL, "judge"),
        "otherwise": "dear",
    },
    "model.key: ": split("user", a=1, b=1),
    "retry.attempts: ": split(a=1, b=1),
}


@pytest.mark.parametrize("said", REFUSED)
def test_refused_models(make_job: MakeJob, said: str) -> None:
    """What the proxy can't express is refused, and the line names its key."""
    job = answered_by(make_job(URL), REFUSED[said])
    with pytest.raises(ConfigError) as refused:
        proxy_config(job, None)
    assert any(problem.startswith(said) for problem in refused.value.problems)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"retry.breaker": {"failures": 3, "cooling": "1m"}}, "retry.breaker: "),
        ({"budget_usd": 1.0}, "budget_usd: "),
        ({"tracing": {"endpoint": "http://x", "data": "self_hosted"}}, "tracing: "),
        (
            {"fallback": {**chain(one=model(URL, "one")), "on": ["timeout", "truncated"]}},
            "fallback.on: the proxy does not see 'truncated'",
        ),
    ],
)
def test_refused_settings(make_job: MakeJob, changes: dict[str, Any], said: str) -> None:
    """A setting that would be dropped is refused."""
    with pytest.raises(ConfigError, match=said):
        proxy_config(make_job(URL, **changes), None)


def test_callbacks(make_job: MakeJob) -> None:
    """Callbacks go along by their names."""
    config = proxy_config(make_job(URL, callbacks=["langfuse"]), None)
    assert config["litellm_settings"]["callbacks"][1:] == ["langfuse"]


def test_not_carried_over(make_job: MakeJob) -> None:
    """A task's own words are said to be missing, and only where there are any."""
    assert not not_carried_over(make_job(URL, **{"retry.attempts": 1}))
    [note] = not_carried_over(make_job(URL, **{"task.system": "Be brief."}))
    assert "system" in note


class FakeError(Exception):
    """As litellm raises them; headers only where a provider has answered."""

    def __init__(self, said: str, status_code: int, answered: bool = True) -> None:
        super().__init__(f"litellm.SomeError: OpenAIException - {said}")
        self.status_code = status_code
        self.litellm_response_headers = {"server": "x"} if answered else None


class Timeout(FakeError):
    pass


class ContentPolicyViolationError(FakeError):
    pass


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FakeError("Overloaded", 503), "overloaded"),
        (FakeError("Bad gateway", 502), "server_error"),
        (FakeError("Incorrect API key", 401), "auth"),
        (FakeError("You exceeded your current quota, please check", 429), "insufficient_quota"),
        (FakeError("Rate limit reached", 429), "rate_limit"),
        (FakeError("Connection error.", 500, answered=False), "connection"),
        (Timeout("Request timed out.", 408, answered=False), "timeout"),
        (ContentPolicyViolationError("No.", 400), "content_policy"),
    ],
)
def test_kind(hooks: Any, error: Exception, expected: str) -> None:
    """An error of the proxy's is known by the provider's answer, and by our own names."""
    assert hooks.kind(error) == expected


@pytest.fixture(scope="module")
def hooks() -> Any:
    """Imported when litellm knows that it is to fetch nothing."""
    check_parameters(TypeAdapter(Single).validate_python(model(URL)), {})
    return import_module("runner.production.gateway.hooks")


def falling_back(name: str, *, retries: int = 0) -> dict[str, Any]:
    """What a fallback's attempt looks like to a hook of the proxy."""
    metadata = {"attempted_fallbacks": 1, "attempted_retries": retries}
    return {"metadata": {**metadata, "previous_models": [{"exception_type": name}]}}


OPEN = [{"model_info": {"id": "a"}}]
GUARDED = [{"model_info": {"id": "b", "reached_after": ON}}]


async def test_guard_opens(hooks: Any) -> None:
    """A fallback is reached after an error that it names."""
    request = falling_back("FakeError")
    error = FakeError("Overloaded", 503)
    await hooks.guard.async_post_call_failure_deployment_hook(request, error, None)
    assert await hooks.guard.async_filter_deployments("x", GUARDED, None, request) == GUARDED


@pytest.mark.parametrize(
    ("request_", "deployments"),
    [
        ({}, GUARDED),
        ({"metadata": {"attempted_fallbacks": 0}}, GUARDED),
        (falling_back("FakeError", retries=1), GUARDED),
        (falling_back("FakeError"), OPEN),
    ],
    ids=["direct", "first attempt", "retry", "not a fallback of ours"],
)
async def test_guard_stays_away(
    hooks: Any, request_: dict[str, Any], deployments: list[Any]
) -> None:
    """What is no first attempt of a fallback is none of its business."""
    found = await hooks.guard.async_filter_deployments("x", deployments, None, request_)
    assert found == deployments


@pytest.mark.parametrize("seen", ["FakeError", "RateLimitError", "SomethingNew"])
async def test_guard_closes(hooks: Any, seen: str) -> None:
    """A fallback is closed after any other error, also one that came before a request was sent."""
    request = falling_back(seen)
    error = FakeError("Incorrect API key", 401)
    await hooks.guard.async_post_call_failure_deployment_hook(request, error, None)
    with pytest.raises(Exception, match="is no fallback for"):
        await hooks.guard.async_filter_deployments("x", GUARDED, None, request)
