"""`serve` starts what it describes, or refuses before anything starts."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest

from runner.commands.command_line import main
from runner.record.files import read_json
from runner.record.journal import read_journal
from tests import loopback
from tests.conftest import KEY
from tests.decision import OVERRIDES, write_conf
from tests.loopback import Gate, Held, Loopback
from tests.served import SERVE_KEY
from tests.tree import environment


@pytest.fixture
def provider() -> Iterator[Loopback]:
    with Loopback(loopback.echo) as server:
        yield server


@pytest.fixture
def serve(tmp_path: Path, provider: Loopback, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command with a user's own conf/, which a test adds overrides to."""
    write_conf(tmp_path, provider.base_url)
    monkeypatch.chdir(tmp_path)
    return ["serve", "--config-dir", "conf", *OVERRIDES]


def test_dry_run(serve: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run says which models answer, and what bounds them; it starts and writes nothing."""
    shadow = "shadow={model: second, share: 0.05, budget_usd: 1}"
    more = ["dry_run=true", "fallback=chain", "budget_usd=5", shadow]
    assert main([*serve, *more]) == 0
    printed = capsys.readouterr().out
    for said in (
        "model demo",
        "first (first-2026-01-01 at loop)",
        "then        second",
        "on overloaded",
        "$5 a day",
        "shadow      second, about 5% of the requests, for $1 a day",
        "the key in RUNNER_SERVE_KEY",
    ):
        assert said in printed
    assert KEY not in printed
    assert not Path("outputs").exists()


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["host=0.0.0.0", "key_env=null"], "key_env: a server on 0.0.0.0 needs a key"),
        (["dry_run=true", "requirements.data_privacy=strict"], "goes to loop (third_party)"),
        (["port=-1"], "port: "),
        (["-m", "model=first,second"], "leave the sweep out"),
        (["sweep=local"], "leave the sweep out"),
        ([], "key_env: set RUNNER_SERVE_KEY"),
        (["tasks=[demo,structured]"], "leave task= out"),
        (["repeats=2"], "repeats: is for measuring"),
        (["estimate=true", "key_env=null"], "estimate: is for commands"),
        (["key_env=null", "limits.max_tokens=5"], "limits.max_tokens: is 5"),
        (["key_env=null", "budget_usd=-1"], "budget_usd"),
        (["shadow={model: nope, share: 0.1, budget_usd: 1}"], "model=nope: no such option"),
        (["shadow={model: second, share: 2, budget_usd: 1}"], "shadow.share"),
    ],
)
def test_refused(
    serve: list[str], capsys: pytest.CaptureFixture[str], overrides: list[str], said: str
) -> None:
    """What can't be served as it is said ends with a line and exit code 2."""
    assert main([*serve, *overrides]) == 2
    assert said in capsys.readouterr().err
    assert not Path("outputs").exists()


def test_short_key(
    serve: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that could be guessed is none."""
    monkeypatch.setenv("RUNNER_SERVE_KEY", "secret")
    assert main(serve) == 2
    assert "has under 16 characters" in capsys.readouterr().err


def test_ends_well(serve: list[str], provider: Loopback) -> None:
    """SIGTERM finishes what is under way; then all is on record, no key is, and it exits with 0."""
    gate = Gate()
    provider.answer = lambda request: Held.by(gate, loopback.text("finished"))
    process = subprocess.Popen(
        [sys.executable, "-m", "runner", *serve, "port=0"],
        env=environment(LOOPBACK_API_KEY=KEY, RUNNER_SERVE_KEY=SERVE_KEY),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        introduction = process.stdout.readline()  # once it is ready; empty when it has ended
        [url] = [word for word in introduction.split() if word.startswith("http://")]
        client = openai.OpenAI(base_url=url, api_key=SERVE_KEY, max_retries=0)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(
                lambda: client.chat.completions.create(
                    model="demo", messages=[{"role": "user", "content": f"my key: {SERVE_KEY}"}]
                )
            )
            provider.wait_for(1)
            process.send_signal(signal.SIGTERM)
            gate.open()
            assert asked.result().choices[0].message.content == "finished"
    finally:
        _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (0, "")
    [run] = Path("outputs/runs").iterdir()
    assert [line.status for line in read_journal(run / "cases.jsonl")] == ["answered"]
    result = read_json(run / "result.json")
    assert (result["counts"]["answered"], result["complete"]) == (1, True)
    assert not (run / "cases.sent.jsonl").exists()
    for file in run.iterdir():
        assert KEY not in file.read_text()
        assert SERVE_KEY not in file.read_text()
