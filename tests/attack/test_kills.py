"""A process is killed wherever it is: no answer is paid for twice, and no cap breaks.

More of it, with other seeds: KILLS=40 python -m pytest tests/attack/test_kills.py
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.decide.spend import Sum, read
from runner.record.journal import read_journal
from runner.record.run import Run
from tests import loopback
from tests.commands.test_command_line import MODEL, PROVIDER
from tests.conftest import KEY, write_cases
from tests.loopback import Answer, Loopback, Request
from tests.loopback.answers import tokens

KILLS = int(os.environ.get("KILLS", "2"))
TASK = """
defaults: [/base/task@_here_, /model@scorers.judge.model: strict, _self_]
name: demo
cases: demo.jsonl
sampling: {max_tokens: 64}
scorers: {judge: {rubric: "Is it good?", reference: false}}
quality: judge
"""
PLAIN = """
defaults: [/base/task@_here_, _self_]
name: plain
cases: demo.jsonl
sampling: {max_tokens: 64}
scorers: {exact: {}}
"""
STEPS = """
defaults: [/base/cascade@_here_, /model@arms.cheap: first, /model@arms.strong: strong, _self_]
name: steps
checks: {regex: {pattern: never}}
"""
JUDGED = '{"reasoning": "fine", "score": 5}'
CASES = 12
COST_USD = 30e-6 + 64 * 2e-6  # of one request, as the provider bills it

Start = Callable[..., subprocess.Popen[str]]


def answer(request: Request) -> Answer:
    if request.model.startswith("strict"):
        return loopback.text(JUDGED)
    return loopback.text(request.text, usage=tokens(30, 64), delay=0.05)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(answer) as server:
        yield server


@pytest.fixture
def start(tmp_path: Path, server: Loopback) -> Iterator[Start]:
    """`start("task=plain", ...)`: the command, in a directory with a few models and two tasks."""
    files = {
        "conf/provider/loop.yaml": PROVIDER.format(base_url=server.base_url),
        "conf/task/demo.yaml": TASK,
        "conf/task/plain.yaml": PLAIN,
        "conf/model/steps.yaml": STEPS,
    }
    for name in ("first", "strong", "strict"):
        files[f"conf/model/{name}.yaml"] = MODEL.format(name=name)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "tasks").mkdir()
    write_cases(tmp_path / "tasks" / "demo.jsonl", CASES)
    root = str(Path(__file__).parents[2])
    begun: list[subprocess.Popen[str]] = []

    def run(*options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "runner", "--config-dir", "conf", "requirements=base"]
        process = subprocess.Popen(
            [*command, *options],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": root, "LOOPBACK_API_KEY": KEY},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        begun.append(process)
        return process

    yield run
    for process in begun:
        process.kill()
        process.wait()


def ended(process: subprocess.Popen[str], code: int = 0) -> str:
    _, error = process.communicate(timeout=120)
    assert process.returncode == code, error
    return error


def killed(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=120)


def asked(server: Loopback) -> Counter[str]:
    return Counter(request.model.partition("-")[0] for request in server.requests)


def only(tmp_path: Path) -> Run:
    [directory] = (tmp_path / "outputs" / "runs").glob("*")
    return Run(directory)


def silent(name: str) -> Callable[[Request], Answer]:
    """One model never answers."""
    return lambda request: loopback.hang() if request.model.startswith(name) else answer(request)


def done(tmp_path: Path) -> bool:
    """Whether each case stands in the journal, once."""
    return Counter(line.case for line in read_journal(only(tmp_path).journal)) == {
        f"c{n}": 1 for n in range(CASES)
    }


def in_flight(tmp_path: Path) -> tuple[int, float]:
    found = sum(read(tmp_path / "outputs").by("model", since=None).values(), Sum())
    return found.in_flight, found.in_flight_usd


@pytest.mark.parametrize(
    ("options", "slow"),
    [(("task=demo", "model=first"), "strict"), (("task=plain", "model=steps"), "strong")],
    ids=["judge", "next arm"],
)
def test_what_comes_after_an_answer(
    start: Start, server: Loopback, tmp_path: Path, options: tuple[str, str], slow: str
) -> None:
    """An answer is on disk before its judge, or the next arm, is asked: after a kill it is asked
    no more, and what waited is."""
    server.answer = silent(slow)
    process = start(*options)
    while asked(server)[slow] < 4:  # as many as are asked at once to begin with
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    killed(process)
    answers, (count, at_most_usd) = asked(server)["first"], in_flight(tmp_path)
    assert count >= 4
    assert at_most_usd >= count * COST_USD
    server.answer = answer
    ended(start(*options))
    assert asked(server)["first"] <= max(CASES, answers) + count - 4
    assert done(tmp_path)
    assert in_flight(tmp_path) == (count, at_most_usd)


@pytest.mark.parametrize("seed", range(max(1, KILLS // 20)))
def test_cap_over_kills(start: Start, server: Loopback, tmp_path: Path, seed: int) -> None:
    """However often it is killed and begun again under one cap, the provider bills no more."""
    draw, cap_usd = random.Random(seed), 15 * COST_USD
    options = "task=plain", "model=steps", f"budget_usd={cap_usd}", f"seed={seed}"
    for _ in range(min(KILLS, 20)):
        process = start(*options)
        try:
            server.wait_for(len(server.requests) + draw.randint(1, 6), timeout=20)
        except TimeoutError:  # it has ended, one way or the other
            break
        killed(process)
    process = start(*options)
    process.communicate(timeout=120)
    assert process.returncode == 4
    assert len(server.requests) * COST_USD <= cap_usd
    recorded = sum(
        attempt.worst_usd or attempt.cost_usd or 0.0 for attempt in only(tmp_path).paid()
    )
    assert len(server.requests) * COST_USD <= recorded + 1e-12
