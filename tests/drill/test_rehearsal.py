"""What a chain does under each fault that conf/drill.yaml has, at two providers' formats."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.config import paths
from runner.config.loading import validate
from runner.config.schema import Job
from runner.drill.clock import simulate
from runner.drill.faults import Fault
from runner.drill.rehearsal import rehearse
from runner.drill.result import Faulted, faulted
from runner.drill.stage import offline
from runner.errors import ConfigError
from runner.pipeline.plan import prepare
from tests.conftest import model

MakeJob = Callable[..., Job]
FAULTS = {
    name: Fault.model_validate(fault)
    for name, fault in yaml.safe_load((paths.builtin("conf") / "drill.yaml").read_text())[
        "faults"
    ].items()
}
ELSEWHERE = "https://api.example.com/v1"  # where nothing may arrive
TIMES = {
    "limit": 1,
    "retry.initial_wait": "1s",
    "retry.max_wait": "30s",
    "retry.total": "10m",
    "model.provider.timeout": "100s",
}


def chain(on: list[str], litellm: str = "openai") -> dict[str, Any]:
    second = model(ELSEWHERE, "second-model")
    second["provider"] |= {"name": "other", "litellm": litellm}
    return {"name": "test", "chain": {"first": second}, "on": on}


def drilled(job: Job, faults: dict[str, Fault] = FAULTS) -> dict[str, Faulted]:
    plan = prepare(offline(job))
    seen = simulate(rehearse(plan, faults, lambda: None))
    return {each.name: each for each in faulted(job.requirements, faults, seen)}


def row(faulted: Faulted) -> tuple[dict[str, int], int, float, list[str]]:
    waited = round(faulted.waited_seconds, 3)
    return faulted.outcomes, faulted.attempts, waited, list(faulted.served_by)


FIRST, SECOND = ["demo-model"], ["second-model"]
ANSWERED = {"answered": 1}
MENDED = {  # by the model itself: outcomes, attempts, seconds waited, who served
    "healthy": (ANSWERED, 1, 0, FIRST),
    "hang": (ANSWERED, 2, 1, FIRST),
    "rate_limited": (ANSWERED, 3, 3, FIRST),
    "retry_after": (ANSWERED, 2, 2, FIRST),
    "server_error": (ANSWERED, 2, 1, FIRST),
    "overloaded": (ANSWERED, 2, 1, FIRST),
    "reset": (ANSWERED, 2, 1, FIRST),
    "cut": (ANSWERED, 2, 1, FIRST),
    "wrong_key": ({"auth": 1}, 1, 0, []),
}


@pytest.mark.parametrize("litellm", ["openai", "anthropic", "gemini", "ollama_chat"])
def test_alone(make_job: MakeJob, litellm: str) -> None:
    """Without a fallback an outage and a cut stream stay unmended, and an odd answer stands."""
    found = drilled(make_job(ELSEWHERE, **TIMES, **{"model.provider.litellm": litellm}))
    assert {name: row(each) for name, each in found.items()} == MENDED | {
        "cut_stream": ({"connection": 1}, 1, 0, []),
        "invalid_json": (ANSWERED, 1, 0, FIRST),
        "outage": ({"overloaded": 1}, 3, 3, []),
    }


@pytest.mark.parametrize("litellm", ["openai", "anthropic"])
def test_with_a_fallback(make_job: MakeJob, litellm: str) -> None:
    """A fallback mends an outage and an odd answer, and never a wrong key or half a stream."""
    on = ["rate_limit", "overloaded", "server_error", "timeout", "connection", "invalid_output"]
    fallback = {"fallback": chain(on, litellm)}
    job = make_job(ELSEWHERE, **TIMES, **fallback, **{"model.provider.litellm": litellm})
    found = drilled(job)
    assert {name: row(each) for name, each in found.items()} == MENDED | {
        "cut_stream": ({"connection": 1}, 1, 0, []),
        "invalid_json": (ANSWERED, 2, 0, SECOND),
        "outage": (ANSWERED, 4, 3, SECOND),
    }


@pytest.mark.parametrize("litellm", ["openai", "anthropic"])
def test_times_and_costs_are_those_of_the_config(make_job: MakeJob, litellm: str) -> None:
    """A time-out takes what it is set to, an answer its typical time, each costs its tokens."""
    typical = {"model.typical": {"ttft_ms": 500, "tokens_per_second": 1}}
    faults = {name: FAULTS[name] for name in ("healthy", "hang", "overloaded")}
    changes = {**TIMES, **typical, "model.provider.litellm": litellm}
    found = drilled(make_job(ELSEWHERE, **changes), faults)
    assert found["healthy"].seconds == pytest.approx(1.5, abs=1e-3)  # "text 0" is one token
    assert found["hang"].seconds == pytest.approx(100 + 1 + 1.5, abs=1e-3)
    assert found["overloaded"].cost_usd == found["healthy"].cost_usd == pytest.approx(3e-6)
    assert row(found["hang"]) == (ANSWERED, 2, 1, FIRST)
    assert found["hang"].cost_usd is None


def test_a_busy_machine_is_not_the_chain(make_job: MakeJob) -> None:
    """With other threads at work all the time a drill has the same figures to the millisecond."""
    typical = {"model.typical": {"ttft_ms": 500, "tokens_per_second": 1}}
    job = make_job(ELSEWHERE, **TIMES, **typical, fallback=chain(["overloaded"]))
    faults = {name: FAULTS[name] for name in ("healthy", "overloaded", "hang", "cut_stream")}
    alone, over = drilled(job, faults), threading.Event()

    def spin() -> None:
        while not over.is_set():
            sum(range(1000))

    threads = [threading.Thread(target=spin, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        assert drilled(job, faults) == alone
    finally:
        over.set()


def test_the_circuit_spares_a_chain_the_waits(make_job: MakeJob) -> None:
    """With a breaker, cases after the first few of an outage go to the fallback at once."""
    breaker = {"retry.breaker": {"failures": 3, "cooling": "100s"}}
    changes = TIMES | breaker | {"limit": 3, "fallback": chain(["overloaded"])}
    plan = prepare(offline(make_job(ELSEWHERE, **changes)))
    seen = simulate(rehearse(plan, {"outage": FAULTS["outage"]}, lambda: None))
    assert [case.attempts for case in seen["outage"]] == [4, 2, 1]
    assert {case.served_by for case in seen["outage"]} == {"second-model"}


def test_the_fault_hits_who_answers(make_job: MakeJob, config: dict[str, Any]) -> None:
    """A router's classifier is well and names an arm; that arm fails, case by case."""
    router = {
        "kind": "router",
        "name": "routed",
        "classifier": model(ELSEWHERE, "classifier"),
        "system": "Say simple or complex.",
        "sampling": {"temperature": 0.0, "max_tokens": 8},
        "otherwise": "complex",
        "arms": {"simple": config["model"], "complex": model(ELSEWHERE, "big")},
    }
    job = make_job(ELSEWHERE, **TIMES).model_dump(mode="json") | {"model": router}
    found = drilled(Job.model_validate(job), {"rate_limited": FAULTS["rate_limited"]})
    assert found["rate_limited"].served_by == {"demo-model": 1}
    assert found["rate_limited"].attempts == 4


def test_nothing_leaves_the_machine(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """No name is looked up and no address is connected to but a socket in the file system."""
    monkeypatch.delenv("LOOPBACK_API_KEY")
    job = make_job(ELSEWHERE, **TIMES, fallback=chain(["overloaded"]))
    with contacts() as found:
        drilled(job, {"outage": FAULTS["outage"]})
    assert found and all(Path(where).is_absolute() for where in found)


def test_embedded_weights_are_not_needed(make_job: MakeJob, config: dict[str, Any]) -> None:
    """A model that we would serve ourselves is played like any other, without its weights."""
    weights = {"path": "/nowhere.gguf", "context_tokens": 8192}
    config["model"]["provider"]["api_base"] = None
    job = validate(config | {"limit": 1, "model": config["model"] | {"artifact": weights}})
    found = drilled(job, {"healthy": FAULTS["healthy"]})
    assert found["healthy"].served_by == {"demo-model": 1}


def test_a_case_without_a_good_answer(make_job: MakeJob) -> None:
    """A drill does not play a healthy provider with an answer that the task calls malformed."""
    schema = {"type": "object", "required": ["name"]}
    job = make_job(ELSEWHERE, **TIMES, **{"task.output": "json", "task.json_schema": schema})
    with pytest.raises(ConfigError, match="case 'c0'"):
        drilled(job)


_contacted: list[str] | None = None


def _note(event: str, details: tuple[Any, ...]) -> None:
    if _contacted is not None and event == "socket.connect":
        where = details[1]
        _contacted.append(where if isinstance(where, str) else where[0])
    if _contacted is not None and event == "socket.getaddrinfo":
        _contacted.append(str(details[0]))


sys.addaudithook(_note)  # which can't be removed


@contextmanager
def contacts() -> Iterator[list[str]]:
    """The hosts that are connected to or looked up meanwhile."""
    global _contacted
    found: list[str] = []
    _contacted = found
    try:
        yield found
    finally:
        _contacted = None
