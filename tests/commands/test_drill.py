"""`drill` as a user types it: what it prints, what it leaves, how it exits."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.commands.command_line import main
from runner.drill.result import DrillResult
from runner.record.files import read_json
from tests.commands.test_command_line import RETRY, TASK
from tests.conftest import write_cases

PROVIDER = """
defaults: [/base/provider@_here_, _self_]
name: {name}
litellm: anthropic
api_base: https://api.example.com
api_key_env: NOT_SET_API_KEY
data: third_party
timeout: 1m
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
MODELS = ["first", "second", "third"]
Run = Callable[..., int]


@pytest.fixture
def drill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`drill("only=[outage]")` with a user's own conf/ and cases; the provider's key is not set."""
    files = {"task/demo": TASK, "retry/quick": RETRY, "fallback/chain": FALLBACK}
    for name in MODELS:
        files[f"provider/{name}"] = PROVIDER.format(name=name)
        files[f"model/{name}"] = MODEL.format(name=name)
    for name, text in files.items():
        path = tmp_path / "conf" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "tasks").mkdir()
    write_cases(tmp_path / "tasks" / "demo.jsonl", 2)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        own = ["--config-dir", "conf", "task=demo", "model=first", "requirements=base"]
        return main(["drill", *own, "retry=quick", *arguments])

    return run


def result() -> DrillResult:
    [path] = Path("outputs").glob("drills/*_demo-first/result.json")
    return DrillResult.model_validate(read_json(path))


def test_served(drill: Run) -> None:
    """A client of the server sees under every fault what the decision does, and nothing else."""
    assert drill("fallback=chain") == 0
    [own] = Path("outputs").glob("drills/*/result.json")
    directly = DrillResult.model_validate(read_json(own))
    assert drill("fallback=chain", "served=true") == 0
    [other] = set(Path("outputs").glob("drills/*/result.json")) - {own}
    served = DrillResult.model_validate(read_json(other))
    assert served.faults == directly.faults


def test_kept(drill: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """With a fallback an outage breaks no promise: exit 0, and the record says who served."""
    assert drill("only=[outage]", "fallback=chain", "requirements.availability=0.999") == 0
    found = result()
    assert (found.kept, found.fallback) == (True, ["second", "third"])
    [outage] = found.faults
    assert outage.served_by == {"second": 2}
    [promise] = outage.promises
    assert (promise.name, promise.bound, promise.value, promise.kept) == (
        "availability", 0.999, 1.0, True,
    )  # fmt: skip
    printed = capsys.readouterr().out
    assert "first keeps what is promised under every fault." in printed
    assert "availability 0.999" in printed


def test_broken(drill: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Without one it breaks availability: exit 3, on screen and on paper alike."""
    assert drill("only=[outage,wrong_key]", "requirements.availability=0.999") == 3
    assert not result().kept
    [report] = Path("outputs").glob("drills/*/report.md")
    sentence = "first breaks what is promised under: outage (availability)"
    assert sentence in report.read_text()
    assert sentence in capsys.readouterr().out


def test_a_fault_of_ones_own(drill: Run) -> None:
    """Faults are data: another one is an override."""
    flaky_for_a_second = "+faults.flaky={answers: [{status: 529, retry_after: 1s}, ok]}"
    assert drill("only=[flaky]", flaky_for_a_second) == 0
    [flaky] = result().faults
    assert flaky.attempts == 2
    assert flaky.waited_seconds == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["only=[outge]"], "only: no fault 'outge'; did you mean 'outage'?"),
        (["+faults.x={answers: []}"], "faults.x.answers: give one or more"),
        (["+faults.x={answers: [418]}"], "faults.x.answers.0.status: input should be 400,"),
        (["+faults.x={answers: [hnag]}"], "faults.x.answers.0.does: input should be 'ok',"),
        (["+faults.x={answers: [{retry_after: 2s}]}"], "faults.x.answers.0: retry_after: goes"),
        (["-m"], "drill: takes one decision at a time"),
        (["model.retires=2020-01-01"], "model: "),
    ],
)
def test_wrong_config(
    drill: Run, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake in the config is a line and exit 2, and nothing is written."""
    assert drill(*arguments) == 2
    assert capsys.readouterr().err.startswith(f"runner: {message}")
    assert not Path("outputs").exists()


def test_the_record_knows_its_chain(drill: Run) -> None:
    """Another fallback or bound is another chain, which the drill of this one proves nothing of."""
    drill("only=[healthy]")
    first = result()
    [directory] = Path("outputs").glob("drills/*")
    directory.rename("earlier")
    drill("only=[healthy]", "fallback=chain")
    assert first.identity != result().identity
