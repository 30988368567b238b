"""Proofs for callbacks: a watcher that would watch nothing is an error."""

import asyncio
import logging
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec
from typing import Any

import pytest

from runner.calls.callbacks import check_callbacks, flush, started
from runner.calls.translate import _import_litellm
from runner.calls.transport import Transport
from runner.config.schema import Job, Single
from runner.errors import ConfigError
from tests.loopback import Answer, Loopback, text
from tests.loopback.answers import Anything

MakeJob = Callable[..., Job]

KNOWN = ["langfuse", "mlflow", "otel", "dotprompt"]


def failing(error: Exception) -> Any:
    """A start like litellm's: it logs why it failed and returns None."""

    def start(name: str) -> None:
        try:
            raise error
        except Exception:
            logging.getLogger("LiteLLM").exception("[Non-Blocking Error] starting %s", name)

    return start


def test_unknown_names_are_refused() -> None:
    """Every name that litellm would ignore is named, with the nearest that it knows."""
    with pytest.raises(ConfigError) as error:
        check_callbacks(["langfuse", "langfus", "sentry"], KNOWN)
    assert error.value.problems == (
        "callbacks: litellm knows no 'langfus'; did you mean 'langfuse'?",
        "callbacks: litellm knows no 'sentry'; there is: langfuse, mlflow, otel",
    )


def test_a_plain_install_is_refused() -> None:
    """Without the packages of litellm's proxy nobody would be told: a line says what to install."""
    check_callbacks([], ["langfuse"], lambda name: None)
    with pytest.raises(ConfigError, match=r"callbacks: .*pip install 'llm-decision-runner\[callb"):
        check_callbacks(["langfuse"], ["langfuse"], lambda name: None)


def test_what_changes_requests_watches_none() -> None:
    """A hook of litellm's that alters the prompt is no callback here."""
    with pytest.raises(ConfigError, match="knows no 'dotprompt'"):
        check_callbacks(["dotprompt"], KNOWN)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PackageNotFoundError("langfuse"), "needs its package: pip install langfuse"),
        (
            ModuleNotFoundError("No module named 'mlflow.tracing'", name="mlflow.tracing"),
            "needs its package: pip install mlflow",
        ),
        (ValueError("LOGFIRE_TOKEN not found\nin environment"), "can't start: LOGFIRE_TOKEN not"),
    ],
    ids=["no distribution", "no module", "no key"],
)
def test_a_failed_start_says_why(
    error: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason that litellm only logs is the error, and it is not logged as well."""
    with pytest.raises(ConfigError) as raised:
        started(["it"], failing(error))
    assert str(raised.value).startswith(f"callbacks: it {said}")
    assert "\n" not in str(raised.value)
    assert not caplog.records


def test_started_loggers_are_returned() -> None:
    """What started is handed on, in order."""
    assert started(["a", "b"], str.upper) == ["A", "B"]


@pytest.mark.skipif(find_spec("langfuse") is not None, reason="langfuse is installed")
def test_litellm_without_the_package() -> None:
    """What litellm itself does for a callback that isn't installed ends in our error."""
    litellm = _import_litellm()
    from litellm.litellm_core_utils.litellm_logging import _init_custom_logger_compatible_class

    check_callbacks(["langfuse"], litellm._known_custom_logger_compatible_callbacks)
    with pytest.raises(ConfigError, match="langfuse needs its package: pip install langfuse"):
        started(["langfuse"], lambda name: _init_custom_logger_compatible_class(name, None, None))


async def test_told_of_calls(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """An integration of litellm's hears of each call, which litellm makes; the record says so."""
    heard: list[str] = []
    messages = [{"role": "user", "content": "hello"}]
    with (
        Loopback(lambda _: Answer(body={}), Anything()) as collector,
        Loopback(text("one two")) as server,
    ):
        monkeypatch.setenv("GENERIC_LOGGER_ENDPOINT", collector.base_url)
        model = make_job(server.base_url).model
        assert isinstance(model, Single)
        async with Transport(["generic_api"]) as transport:
            replies = [
                await transport.complete(model, messages, {}, hear) for hear in (None, heard.append)
            ]
    assert [reply.text for reply in replies] == ["one two", "".join(heard)] == ["one two"] * 2
    why = "callbacks are told of litellm's own calls"
    assert [reply.by_litellm for reply in replies] == [why] * 2
    told = [entry for request in collector.requests for entry in request.body]
    assert [(entry["status"], entry["model"]) for entry in told] == [("success", model.id)] * 2
    assert len(server.requests) == 2


async def test_the_last_batch_is_sent() -> None:
    """What waits for a batch to fill up is sent at the end, once litellm has handed it over."""
    steps: list[str] = []

    class Batching:
        async def flush_queue(self) -> None:
            steps.append("sent")

    async def handed_over() -> None:
        steps.append("handed over")

    await flush([object(), Batching()], handed_over)
    assert steps == ["handed over", "sent"]


async def test_a_dead_collector_is_not_waited_for() -> None:
    """A logger that never gets rid of its batch does not keep the run from ending."""

    class Dead:
        async def flush_queue(self) -> None:
            await asyncio.Event().wait()

    async def handed_over() -> None:
        pass

    await flush([Dead()], handed_over, seconds=0.01)
