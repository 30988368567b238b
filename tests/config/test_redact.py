"""What is said of a key, or of an address that holds one, before anything is sent."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from runner.config.redact import missing_key, remember
from runner.config.schema import Job, Single
from runner.errors import ConfigError
from runner.record.journal import to_line
from runner.record.outcomes import ToolCall
from tests.report.make import answered


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("", "needs a key"),
        ("  \n", "needs a key"),
        ('"sk-0123456789"', "quotes"),
        ("'sk-0123456789'", "quotes"),
        ("sk-01234\u201356789", "no header takes"),
        ("sk-0123\r\n456789", "no header takes"),
        ("sk 0123456789", "no header takes"),
        ("sk-0123456789\n", None),
    ],
)
def test_keys(
    make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, key: str, said: str | None
) -> None:
    """A key that can't be one is said in a line, at the start, and is not shown."""
    monkeypatch.setenv("LOOPBACK_API_KEY", key)
    model = make_job("http://127.0.0.1:9/v1").model
    assert isinstance(model, Single)
    found = missing_key(model, "model")
    assert (found is None) if said is None else (found is not None and said in found)
    assert not found or "0123" not in found


@pytest.mark.parametrize("who", ["user:secret@", "token@"])
def test_addresses(make_job: Callable[..., Any], who: str) -> None:
    """An api_base with a user or a password in it is refused."""
    with pytest.raises(ConfigError, match="api_base has a user"):
        make_job(f"http://{who}127.0.0.1:9/v1")


@pytest.mark.parametrize("tail", ["?key=0123456789", "/v1?api-version=1", "#0123456789"])
def test_queries_of_addresses(make_job: Callable[..., Any], tail: str) -> None:
    """Nor does one have a query, where keys are put; the refusal does not repeat it."""
    with pytest.raises(ConfigError, match="api_base ends before") as refused:
        make_job(f"http://127.0.0.1:9/v1{tail}")
    assert tail not in str(refused.value)


@pytest.mark.parametrize(
    ("key", "said"), [("short", "under 8 characters"), ("EMPTY", None), ("none", None)]
)
def test_short_keys(
    make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, key: str, said: str | None
) -> None:
    """What is too short to be scrubbed is refused, but for the words that stand for no key."""
    monkeypatch.setenv("LOOPBACK_API_KEY", key)
    model = make_job("http://127.0.0.1:9/v1").model
    assert isinstance(model, Single)
    found = missing_key(model, "model")
    assert (found is None) if said is None else (found is not None and said in found)
    assert not found or key not in found.replace("shorter", "")


def test_a_key_in_the_arguments_of_a_call() -> None:
    """JSON within JSON: a key stands in no line of a journal, however often it is quoted there."""
    key = 'sk-quoted"and\\slashed-0123'
    remember(key)
    call = ToolCall(id="1", name="log_in", arguments=json.dumps({"key": key}))
    line = to_line(answered(tool_calls=[call])).decode()
    assert "quoted" not in line and "slashed" not in line
    assert json.loads(json.loads(line)["tool_calls"][0]["arguments"]) == {"key": "[redacted]"}
