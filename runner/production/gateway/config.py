"""A job as the config of litellm's proxy. Keys stay names: `os.environ/NAME`.

The task's name is the model that a client asks for. Arms of a split are deployments of one group
with weights; the models of a fallback chain are groups of their own, each linked to the next, so
that every step is judged by the error just before it (hooks.py).
"""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from runner.cases.cases import Case
from runner.cases.query import parameters, query
from runner.config.schema import Cascade, Job, Model, Price, Provider, Router, Single, Split
from runner.errors import ConfigError

HOOKS = "runner.production.gateway.hooks"
Json = dict[str, Any]

# Errors that show in an answer, or before a request: only the runner looks for them.
_NOT_SEEN = {"truncated", "invalid_output", "invalid_reply", "circuit_open", "budget"}


def proxy_config(job: Job, master_key_env: str | None) -> Json:
    """The config as plain data; without `master_key_env` the proxy asks for no key.

    Raises ConfigError with a line for each setting that the proxy can't follow.
    """
    if problems := [*_refused(job)]:
        raise ConfigError(*problems)
    groups = _groups(job)
    names = list(groups)
    deployments = [
        _deployment(job, group, where, model, weight)
        for group, (key, whole) in groups.items()
        for where, model, weight in _arms(whole, key)
    ]
    limits = any({"rpm", "tpm"} & set(each["litellm_params"]) for each in deployments)
    access: Json = {"dangerously_permit_weak_or_unset_master_key": True}
    if master_key_env:
        access = {
            "master_key": f"os.environ/{master_key_env}",
            "custom_auth": f"{HOOKS}.authenticate",
        }
    return {
        "model_list": deployments,
        "router_settings": {
            "routing_strategy": "simple-shuffle",
            "num_retries": job.retry.attempts - 1,
            "disable_cooldowns": True,  # a failing provider is asked on, as retry says
            "fallbacks": [{one: [after]} for one, after in pairwise(names)],
            "max_fallbacks": len(names) - 1,
            **({"optional_pre_call_checks": ["enforce_model_rate_limits"]} if limits else {}),
        },
        "litellm_settings": {
            "callbacks": [f"{HOOKS}.guard", *(callback.name for callback in job.callbacks)],
            "drop_params": False,
            "redact_messages_in_exceptions": True,
            "disable_hf_tokenizer_download": True,
            "expose_router_debug_in_errors": False,
            "telemetry": False,
        },
        "general_settings": access,
    }


def environment(job: Job) -> dict[str, str]:
    """The waits between retries, which litellm takes from the environment alone; in seconds."""
    waits = {
        "INITIAL_RETRY_DELAY": job.retry.initial_wait,
        "MAX_RETRY_DELAY": job.retry.max_wait,
        "JITTER": job.retry.jitter,
    }
    return {name: f"{wait:g}" for name, wait in waits.items()}


def defaults(job: Job, model: Single) -> Json:
    """The task's sampling and schema, as sent to `model` for what a client does not say itself."""
    return parameters(model, query(job.task, Case(id="gateway", input=""), [], job.seed))


def not_carried_over(job: Job) -> list[str]:
    """What a client of the gateway has to know: what the runner does and the proxy does not."""
    found = []
    if job.task.system or job.task.prompt.strip() != "{{ input }}":
        found.append("a client sends its own messages: the task's system and prompt are not added")
    if job.retry.attempts > 1:
        found.append("retry.total does not hold: a model is asked retry.attempts times")
    if any(model.provider.max_concurrency for model in job.answering.values()):
        found.append("a request above provider.max_concurrency gets a 429, it does not wait")
    limited = [m.provider.name for m in job.answering.values() if m.provider.rpm or m.provider.tpm]
    if max(Counter(limited).values(), default=0) > 1:
        found.append("rpm and tpm of a provider hold for each of its models by itself")
    if any(isinstance(whole, Split) for _, whole in _groups(job).values()):
        found.append("a split draws an arm for each request by its weights")
    return found


def _groups(job: Job) -> dict[str, tuple[str, Model]]:
    """The model's key and the model, by the name that the proxy knows it under; in order."""
    name = job.task.name
    chain = {
        f"{name}__{key}": (f"fallback.chain.{key}", model)
        for key, model in job.fallback.chain.items()
    }
    return {name: ("model", job.model), **chain}


def _arms(model: Model, key: str, share: float = 1.0) -> Iterator[tuple[str, Single, float]]:
    """Each single model with its key and its share of the requests; a share of 0 is left out."""
    if isinstance(model, Single):
        yield key, model, share
    elif isinstance(model, Split):
        total = sum(model.weights.values())
        for name, weight in model.weights.items():
            if weight:
                yield from _arms(model.arms[name], f"{key}.arms.{name}", share * weight / total)


def _deployment(job: Job, group: str, where: str, model: Single, weight: float) -> Json:
    provider = model.provider
    limits = {
        "rpm": provider.rpm,
        "tpm": provider.tpm,
        "max_parallel_requests": provider.max_concurrency,
    }
    params: Json = {
        "model": model.litellm_id,
        "api_base": provider.api_base,
        **_proof(provider),
        "timeout": provider.timeout,
        "max_retries": 0,  # of the client below the proxy, whose own would multiply them
        "weight": weight,
        **{name: limit for name, limit in limits.items() if limit is not None},
        **defaults(job, model),
    }
    if model.drop_params:
        unsent = ["response_format" if n == "json_schema" else n for n in model.drop_params]
        params["additional_drop_params"] = list(dict.fromkeys(unsent))
    if model.extra_body:
        params["extra_body"] = model.extra_body
    info: Json = {"id": f"{where}={model.name}", **_prices(model)}
    if group != job.task.name:
        info["reached_after"] = list(job.fallback.on)
    return {"model_name": group, "litellm_params": params, "model_info": info}


def _proof(provider: Provider) -> Json:
    """What proves who asks, and what a cloud wants besides."""
    places = {
        "azure": {"api_version": provider.api_version},
        "bedrock": {"aws_region_name": provider.region},
        "vertex_ai": {"vertex_project": provider.project, "vertex_location": provider.region},
    }
    place = {name: value for name, value in places.get(provider.litellm, {}).items() if value}
    if provider.credentials and not provider.api_key_env:
        return place  # the proxy asks for them by itself
    # Never left out: litellm would look for a key in the environment by itself.
    return place | {
        "api_key": f"os.environ/{provider.api_key_env}" if provider.api_key_env else "none"
    }


def _prices(model: Single) -> dict[str, float]:
    """In dollars per token; a price that nobody knows is left out, and so is one by the hour."""
    if not isinstance(model.price, Price):
        return {}
    rows = {
        "input_cost_per_token": model.price.input_usd_per_mtok,
        "output_cost_per_token": model.price.output_usd_per_mtok,
        "cache_read_input_token_cost": model.price.cached_input_usd_per_mtok,
    }
    return {name: round(usd / 1e6, 15) for name, usd in rows.items() if usd is not None}


def _refused(job: Job) -> Iterator[str]:
    """A line for each setting that would have to be dropped."""
    for key, model in _groups(job).values():
        yield from _unroutable(model, key)
        if isinstance(model, Split) and job.retry.attempts > 1:
            yield (
                f"retry.attempts: among the arms of {key} the proxy retries without waiting, on "
                "any of them; say retry=none"
            )
    for error in job.fallback.on:
        if job.fallback.chain and error in _NOT_SEEN:
            yield f"fallback.on: the proxy does not see '{error}'; leave it out"
    if job.retry.breaker:
        yield (
            "retry.breaker: the proxy counts failures of a minute, not in a row; "
            "say retry.breaker=null"
        )
    if job.budget_usd is not None:
        yield "budget_usd: it ends a run, and a gateway has no end; set a limit at the provider"
    if job.tracing:
        yield "tracing: its spans are the runner's; name a tracer of the proxy in callbacks"


def _unroutable(model: Model, key: str) -> Iterator[str]:
    match model:
        case Cascade():
            yield f"{key}: the proxy can't check an answer and escalate; serve one of its arms"
        case Router(classifier=None):
            yield f"{key}.rules: the proxy picks no arm by a rule; serve one of its arms"
        case Router():
            yield f"{key}.classifier: the proxy asks no classifier of ours; serve one of its arms"
        case Split(key="user"):
            yield f"{key}.key: the proxy can't keep a user with an arm; say {key}.key=case"
    if isinstance(model, Split):
        for name, arm in model.arms.items():
            yield from _unroutable(arm, f"{key}.arms.{name}")
