"""`serve` answers any OpenAI client as its decision says, or refuses before anything starts."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import openai
import pytest
import yaml

from runner.commands.command_line import main
from runner.production.gateway.proxy import missing
from tests import loopback
from tests.commands.test_command_line import RETRY, TASK
from tests.conftest import KEY
from tests.loopback import AnswerFunction, Loopback

GATEWAY_KEY = "sk-gateway-0123456789"
PROVIDER = """
defaults: [/base/provider@_here_, _self_]
name: {name}
litellm: openai
api_base: {base_url}
api_key_env: LOOPBACK_API_KEY
data: third_party
timeout: 5s
"""
MODEL = """
defaults: [/base/model@_here_, /provider: {name}, _self_]
name: {name}
id: {name}-2026-01-01
context_tokens: 8192
"""
FALLBACK = """
defaults: [/model@chain.first: second, /model@chain.second: third, _self_]
name: chain
"on": [overloaded, server_error, connection]
"""
BAD_GATEWAY = loopback.error_reply(502, "Bad gateway")  # to litellm a BadRequestError
MODELS = ["first", "second", "third"]


def write_conf(directory: Path, base_urls: list[str]) -> None:
    files = {"task/demo": TASK, "retry/quick": RETRY, "fallback/chain": FALLBACK}
    for name, base_url in zip(MODELS, base_urls, strict=True):
        files[f"provider/{name}"] = PROVIDER.format(name=name, base_url=base_url)
        files[f"model/{name}"] = MODEL.format(name=name)
    for name, text in files.items():
        path = directory / "conf" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The command with a user's own conf/, which a test adds overrides to."""
    write_conf(tmp_path, ["http://127.0.0.1:9/v1"] * 3)
    monkeypatch.chdir(tmp_path)
    yield ["serve", "--config-dir", "conf", *OVERRIDES]


OVERRIDES = [f"{key}={value}" for key, value in {
    "task": "demo", "model": "first", "requirements": "base", "retry": "quick", "fallback": "chain",
}.items()]  # fmt: skip


def test_dry_run(serve: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run prints a config without a key's value, and starts and writes nothing."""
    assert main([*serve, "dry_run=true"]) == 0
    printed = capsys.readouterr().out
    assert [each["model_name"] for each in yaml.safe_load(printed)["model_list"]] == [
        "demo",
        "demo__first",
        "demo__second",
    ]
    assert KEY not in printed
    assert not Path("outputs").exists()


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["dry_run=true", "host=0.0.0.0", "master_key_env=null"], "master_key_env: a gateway on"),
        (["dry_run=true", "requirements.data_privacy=strict"], "model goes to first (third_party)"),
        (["dry_run=true", "+callbacks=[langfuse]", "port=0"], "port: "),
        (["dry_run=true", "+budget_usd=1"], "budget_usd: "),
        (["-m", "model=first,second"], "leave the sweep out"),
        (["sweep=local"], "leave the sweep out"),
        ([], "master_key_env: set RUNNER_GATEWAY_KEY"),
    ],
)
def test_refused(
    serve: list[str], capsys: pytest.CaptureFixture[str], overrides: list[str], said: str
) -> None:
    """What can't be served as it is said ends with a line and exit code 2."""
    assert main([*serve, *overrides]) == 2
    assert said in capsys.readouterr().err


needs_gateway = pytest.mark.skipif(bool(missing()), reason="needs the extra: '.[gateway]'")


@dataclass
class Gateway:
    """A gateway that runs, and the providers behind it."""

    client: openai.OpenAI
    providers: list[Loopback]
    base_url: str

    def ask(self) -> str:
        messages = [{"role": "user", "content": "Hello?"}]
        reply = self.client.chat.completions.create(model="demo", messages=messages)  # type: ignore[arg-type]
        return str(reply.choices[0].message.content)

    def answers(self, *answers: loopback.Answer | AnswerFunction) -> None:
        for provider, answer in zip(self.providers, answers, strict=True):
            provider.answer = answer

    def counts(self) -> list[int]:
        return [len(provider.requests) for provider in self.providers]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Started once: it takes seconds. Whatever a test does to it, it ends well."""
    directory = tmp_path_factory.mktemp("gateway")
    with (
        Loopback(loopback.echo) as one,
        Loopback(loopback.echo) as two,
        Loopback(loopback.echo) as three,
    ):
        providers = [one, two, three]
        write_conf(directory, [provider.base_url for provider in providers])
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "runner", "serve", "--config-dir", "conf"),
                *(*OVERRIDES, f"port={port}"),
            ],
            cwd=directory,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parent.parent.parent),
                "LOOPBACK_API_KEY": KEY,
                "RUNNER_GATEWAY_KEY": GATEWAY_KEY,
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        try:
            introduction = process.stdout.readline()  # once it is ready; empty when it has ended
            base_url = f"http://127.0.0.1:{port}/v1"
            assert base_url in introduction
            client = openai.OpenAI(base_url=base_url, api_key=GATEWAY_KEY, max_retries=0)
            yield Gateway(client, providers, base_url)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=120)
        assert process.returncode == 0
        [config] = (directory / "outputs" / "gateway").glob("*/config.yaml")
        assert config.stat().st_mode & 0o777 == 0o600
        for file in config.parent.iterdir():
            assert KEY not in file.read_text()


@needs_gateway
def test_answers(gateway: Gateway) -> None:
    """A client gets the primary's answer, and the task's sampling is sent along."""
    gateway.answers(loopback.text("one"), loopback.text("two"), loopback.text("three"))
    assert gateway.ask() == "one"
    sent = gateway.providers[0].requests[-1]
    assert sent.key == KEY
    assert sent.body["temperature"] == 0.0


@needs_gateway
@pytest.mark.parametrize(
    ("answers", "content", "asked"),
    [
        ((loopback.overloaded(), loopback.text("two")), "two", [2, 1, 0]),
        ((loopback.overloaded(), loopback.overloaded()), "three", [2, 2, 1]),
        ((BAD_GATEWAY, loopback.text("two")), "two", [2, 1, 0]),
        ((loopback.reset(), loopback.text("two")), "two", [2, 1, 0]),
    ],
    ids=["overloaded", "both overloaded", "bad gateway", "connection"],
)
def test_fallback_takes_over(
    gateway: Gateway,
    answers: tuple[loopback.Answer | AnswerFunction, ...],
    content: str,
    asked: list[int],
) -> None:
    """After its attempts a model that fails as `on` says is followed by the next of the chain."""
    gateway.answers(*answers, loopback.text("three"))
    before = gateway.counts()
    assert gateway.ask() == content
    assert [now - then for now, then in zip(gateway.counts(), before, strict=True)] == asked


@needs_gateway
@pytest.mark.parametrize(
    ("answers", "status", "asked"),
    [
        ((loopback.wrong_key, loopback.echo), 401, [1, 0, 0]),
        ((loopback.against_policy(), loopback.echo), 400, [1, 0, 0]),
        ((loopback.no_model, loopback.echo), 404, [1, 0, 0]),
        ((loopback.rate_limited(), loopback.echo), 429, [2, 0, 0]),
        ((loopback.no_quota(), loopback.echo), 429, [2, 0, 0]),
        ((loopback.overloaded(), loopback.wrong_key), 503, [2, 1, 0]),
    ],
    ids=["wrong key", "policy", "no model", "rate limit", "quota", "wrong key in the chain"],
)
def test_fallback_is_not_reached(
    gateway: Gateway,
    answers: tuple[loopback.Answer | AnswerFunction, ...],
    status: int,
    asked: list[int],
) -> None:
    """An error that `on` does not name reaches the client, and no other vendor is asked."""
    gateway.answers(*answers, loopback.echo)
    before = gateway.counts()
    with pytest.raises(openai.APIStatusError) as failed:
        gateway.ask()
    assert failed.value.status_code == status
    assert KEY not in str(failed.value)
    assert [now - then for now, then in zip(gateway.counts(), before, strict=True)] == asked


@needs_gateway
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer sk-wrong-0123456789"}])
def test_key(gateway: Gateway, headers: dict[str, str]) -> None:
    """Without the gateway's key nobody gets in."""
    before = gateway.counts()
    url = f"{gateway.base_url}/chat/completions"
    reply = httpx.post(url, json={"model": "demo"}, headers=headers, trust_env=False)
    assert reply.status_code == 401
    assert gateway.counts() == before
