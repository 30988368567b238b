"""Where going on would only fail again a run stops with exit 4, and the same command goes on."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.commands.command_line import main
from runner.record.files import JOURNAL
from runner.record.journal import read_journal
from runner.record.outcomes import Failed
from tests import loopback
from tests.commands.test_command_line import MODEL, PROVIDER, TASK
from tests.conftest import write_cases
from tests.loopback import Answer, AnswerFunction, Loopback, Request

CASES = 30
RETRY = """
name: quick
attempts: 3
initial_wait: 1ms
max_wait: 2ms
jitter: 0
total: 1500ms
breaker: {failures: 3, cooling: 50ms}
"""
JUDGED = """
defaults: [/base/task@_here_, /model@scorers.judge.model: other, _self_]
name: judged
cases: demo.jsonl
scorers: {judge: {rubric: "Is it good?", reference: false}}
quality: judge
"""
FILES = {
    "task/demo": TASK,
    "task/judged": JUDGED,
    "retry/quick": RETRY,
    "fallback/other": (
        "defaults: [/model@chain.other: other, _self_]\nname: other\n"
        '"on": [overloaded, rate_limit, connection]'
    ),
    "model/router": (
        "defaults: [/base/router@_here_, /model@classifier: first, /model@arms.easy: other, "
        "/model@arms.hard: other, _self_]\nname: router\nsystem: easy or hard?\notherwise: hard"
    ),
    "model/steps": (
        "defaults: [/base/cascade@_here_, /model@arms.cheap: other, /model@arms.strong: first, "
        "_self_]\nname: steps\nchecks: {regex: {pattern: never}}"
    ),
}  # fmt: skip
COMMANDS = [[], ["run", "input=in.jsonl", "output=out.jsonl"]]
commands = pytest.mark.parametrize("command", COMMANDS, ids=["eval", "run"])


@pytest.fixture
def first() -> Iterator[Loopback]:
    with Loopback(loopback.echo) as server:
        yield server


@pytest.fixture
def other() -> Iterator[Loopback]:
    with Loopback(loopback.echo) as server:
        yield server


@pytest.fixture
def runner(
    tmp_path: Path, first: Loopback, other: Loopback, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """`runner([], "model=first")` for eval; models `first` and `other` have a server each."""
    files = dict(FILES)
    for name, server in {"first": first, "other": other}.items():
        provider = PROVIDER.format(base_url=server.base_url)
        files[f"provider/{name}"] = provider.replace("name: loop", f"name: {name}")
        files[f"model/{name}"] = MODEL.format(name=name).replace(": loop,", f": {name},")
    for name, text in files.items():
        path = tmp_path / "conf" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "tasks").mkdir()
    write_cases(tmp_path / "tasks" / "demo.jsonl", CASES)
    lines = (json.dumps({"id": f"c{n}", "input": f"text {n}"}) for n in range(CASES))
    (tmp_path / "in.jsonl").write_text("".join(f"{line}\n" for line in lines))
    monkeypatch.chdir(tmp_path)
    own = ["--config-dir", "conf", "task=demo", "requirements=base", "retry=quick"]
    return lambda command, *options: main([*command, *own, *options])


def lines() -> list[Any]:
    """What stands in the journals; what a run of `run` left open stands there beside the end."""
    journals = sorted(Path("outputs/runs").glob(f"*/{JOURNAL}"))
    found = [line for journal in journals for line in read_journal(journal)]
    return [line for line in found if not (isinstance(line, Failed) and line.open)]


def all_answered() -> bool:
    """Each case once, and nothing besides."""
    found = Counter((line.case, line.status) for line in lines())
    return found == {(f"c{n}", "answered"): 1 for n in range(CASES)}


TO_MEND: dict[str, Answer | AnswerFunction] = {
    "a wrong key": loopback.wrong_key,
    "an unknown model": loopback.no_model,
    "an empty account": loopback.no_quota(),
    "a parameter": loopback.error_reply(400, "no", code="unsupported_parameter"),
}


@commands
@pytest.mark.parametrize("fault", TO_MEND)
def test_to_mend(
    runner: Callable[..., int],
    first: Loopback,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    fault: str,
) -> None:
    """What is the user's to mend is asked once; mended, the same command answers every case."""
    first.answer = TO_MEND[fault]
    assert runner(command, "model=first") == 4
    assert len(first.requests) == 1
    error = capsys.readouterr().err
    assert error.count("mend it, and the same command goes on") == 1
    assert "first: " in error
    assert not lines()
    first.answer = loopback.echo
    assert runner(command, "model=first") == 0
    assert all_answered()
    assert len(first.requests) == 1 + CASES


@commands
def test_an_account_runs_empty(
    runner: Callable[..., int], first: Loopback, command: list[str]
) -> None:
    """In the midst of a run it is asked by whoever is under way, and what was answered is kept."""
    first.answer = lambda request: (
        loopback.echo(request) if request.number <= 10 else loopback.no_quota()
    )
    assert runner(command, "model=first", "concurrency=4") == 4
    assert len(first.requests) <= 10 + 4
    assert sum(line.status == "answered" for line in lines()) == 10
    first.answer = loopback.echo
    assert runner(command, "model=first", "concurrency=4") == 0
    assert all_answered()


@commands
def test_one_forbidden_text_is_no_wrong_key(
    runner: Callable[..., int], first: Loopback, command: list[str]
) -> None:
    """A 403 or 404 of a model that has answered fails its own case alone."""
    refusal = loopback.error_reply(403, "not this")
    first.answer = lambda request: refusal if request.text == "text 7" else loopback.echo(request)
    assert runner(command, "model=first", "concurrency=1") == 4
    assert len(first.requests) == CASES
    assert Counter(line.status for line in lines()) == {"answered": CASES - 1, "failed": 1}


@commands
@pytest.mark.parametrize(
    "fault",
    [loopback.overloaded(), loopback.reset(), loopback.rate_limited()],
    ids=["503", "reset", "429"],
)
def test_outage(
    runner: Callable[..., int],
    first: Loopback,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    fault: Answer,
) -> None:
    """A provider that is down is noticed, said, waited for and given up; then nothing is lost."""
    first.answer = fault
    assert runner(command, "model=first") == 4
    error = capsys.readouterr().err
    assert error.count("requests in a row failed") == 1
    assert "it is asked again every 0.05 s, and given up after 1.5 s" in error
    assert "once it is back, the same command goes on" in error
    assert len(first.requests) < 50  # 90 without a breaker; a probe every 50 ms at most
    assert not lines()
    first.answer = loopback.echo
    asked = len(first.requests)
    assert runner(command, "model=first") == 0
    assert all_answered()
    assert len(first.requests) == asked + CASES


@commands
def test_back_in_time(
    runner: Callable[..., int],
    first: Loopback,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    """One that is back before it is given up has failed nobody."""
    first.answer = lambda request: (
        loopback.overloaded() if request.number <= 6 else loopback.echo(request)
    )
    assert runner(command, "model=first", "retry.total=5m") == 0
    assert all_answered()
    error = capsys.readouterr().err
    assert (error.count("first is down, "), error.count("first answers again")) == (1, 1)


@commands
def test_a_healthy_fallback_answers(
    runner: Callable[..., int], first: Loopback, other: Loopback, command: list[str]
) -> None:
    """An outage of the primary stops no run whose fallback answers, and costs few requests."""
    first.answer = loopback.overloaded()
    # It is not asked again meanwhile: each time may be a request, and a run may take any time.
    own = "fallback=other", "retry.breaker.cooling=1h"
    assert runner(command, "model=first", *own) == 0
    assert all_answered()
    assert len(other.requests) == CASES
    assert len(first.requests) <= 3 + 10  # those that show it, and those on their way at first


@commands
def test_a_router_whose_classifier_is_down(
    runner: Callable[..., int], first: Loopback, other: Loopback, command: list[str]
) -> None:
    """It has an arm for what nobody has classified."""
    first.answer = loopback.overloaded()
    assert runner(command, "model=router") == 0
    assert all_answered()
    assert len(other.requests) == CASES


@commands
@pytest.mark.parametrize("fault", [loopback.overloaded(), loopback.wrong_key])
def test_a_cascade_whose_arm_is_down(
    runner: Callable[..., int],
    first: Loopback,
    other: Loopback,
    command: list[str],
    fault: Answer | AnswerFunction,
) -> None:
    """It stops, and goes on where it was: an arm that has answered is not asked once more."""
    first.answer = fault
    assert runner(command, "model=steps", "concurrency=2") == 4
    assert len(first.requests) < 50
    first.answer = loopback.echo
    assert runner(command, "model=steps", "concurrency=2") == 0
    assert all_answered()
    asked = Counter(request.text for request in other.requests)
    assert set(asked.values()) == {1}


def down(request: Request) -> Answer:
    return loopback.overloaded()


@pytest.mark.parametrize("fault", [down, loopback.wrong_key])
def test_a_judge_that_is_down(
    runner: Callable[..., int], first: Loopback, other: Loopback, fault: AnswerFunction
) -> None:
    """A judge stops a run as a model does, and answers wait for it on disk."""
    other.answer = fault
    assert runner([], "task=judged", "model=first") == 4
    assert len(other.requests) < 50
    other.answer = loopback.text('{"reasoning": "fine", "score": 5}')
    assert runner([], "task=judged", "model=first") == 0
    assert all_answered()
    assert len(first.requests) == CASES


@pytest.mark.parametrize("models", ["first,other", "other,first"])
def test_a_run_of_a_sweep(
    runner: Callable[..., int],
    first: Loopback,
    other: Loopback,
    capsys: pytest.CaptureFixture[str],
    models: str,
) -> None:
    """One candidate that stops does not stop the others; the command that goes on is said, and
    asks no other again. When all have ended, it measures anew."""
    first.answer = loopback.wrong_key
    command = ["-m"], f"model={models}"
    assert runner(*command) == 4
    assert (len(first.requests), len(other.requests)) == (1, CASES)
    assert "goes on, and nothing is asked again, with: " in capsys.readouterr().out
    first.answer = loopback.echo
    assert runner(*command) == 0
    assert (len(first.requests), len(other.requests)) == (1 + CASES, CASES)
    assert "goes on" not in capsys.readouterr().out
    assert runner(*command) == 0
    assert len(other.requests) == 2 * CASES


@commands
@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("number", [3, CASES - 1])
def test_one_case_that_always_fails(
    runner: Callable[..., int],
    first: Loopback,
    command: list[str],
    number: int,
    concurrency: int,
) -> None:
    """It is no outage, be it the last: it has its attempts, fails alone, and the run ends."""
    first.answer = lambda request: (
        loopback.overloaded() if request.text == f"text {number}" else loopback.echo(request)
    )
    assert runner(command, "model=first", f"concurrency={concurrency}") == 4
    assert len(first.requests) == CASES - 1 + 3
    assert Counter(line.status for line in lines()) == {"answered": CASES - 1, "failed": 1}


@commands
def test_an_outage_met_one_at_a_time(
    runner: Callable[..., int],
    first: Loopback,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    """Where one question is asked at a time, the second that fails shows it."""
    first.answer = loopback.overloaded()
    assert runner(command, "model=first", "concurrency=1") == 4
    assert capsys.readouterr().err.count("4 requests in a row failed") == 1
    assert len(first.requests) < 50
    assert len(lines()) == 1
