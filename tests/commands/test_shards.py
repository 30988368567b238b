"""A run in shards is the run: one result of what each has answered, whatever happens on the way."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from runner.commands.command_line import main
from runner.decide.spend import read as read_spend
from runner.record.files import JOURNAL, RESULT, RUN, read_json
from runner.record.journal import read_journal
from runner.record.shards import in_order
from tests import loopback
from tests.commands.test_command_line import Run, home, runner, server
from tests.conftest import KEY, write_cases
from tests.decision import TASK
from tests.loopback import Answer, Gate, Held, Loopback, Request
from tests.tree import environment

__all__ = ["home", "runner", "server"]

LINES, SHARDS, CONCURRENCY = 41, 3, 6
TIMES = {"seconds", "waited_seconds"}


@pytest.fixture
def lines(home: Path) -> Path:
    """An input with lines that are no requests, and a task for it."""
    texts = [json.dumps({"id": f"t{n}", "input": f"text {n}"}) for n in range(LINES)]
    for number in (0, 3, 6, 9, 20):
        texts[number] = "{}"
    Path("in.jsonl").write_text("".join(f"{text}\n" for text in texts))
    Path("conf/task/lines.yaml").write_text(TASK.replace("name: demo", "name: lines"))
    return home


COMMAND = [
    *("run", "--config-dir", "conf", "task=lines", "model=first", "requirements=base"),
    *("retry=quick", "input=in.jsonl", f"concurrency={CONCURRENCY}"),
]


def run(*arguments: str) -> int:
    return main([*COMMAND, *arguments])


def process(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "runner", *COMMAND, *arguments],
        env=environment(LOOPBACK_API_KEY=KEY, RAY_USAGE_STATS_ENABLED="0"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def answers(name: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in Path(name).read_text().splitlines()]
    return [{key: value for key, value in each.items() if key not in TIMES} for each in found]


def result(directory: Path) -> dict[str, Any]:
    """What does not hang on how long anything took."""
    found = read_json(directory / RESULT)
    del found["stamp"]
    metrics = found["metrics"].items()
    found["metrics"] = {k: v for k, v in metrics if v["unit"] not in ("ms", "tokens/s")}
    return found


def fails(request: Request) -> Answer:
    """Some requests, each time; answers come in any order."""
    number = int(request.text.removeprefix("text ") or 0)
    wait = (number * 7 % 5) / 200
    if number % 10 == 7:
        return loopback.error_reply(400, "no")
    return loopback.text(request.text, delay=wait)


@pytest.mark.parametrize("shards", [2, 7])
def test_run_is_the_same(lines: Path, server: Loopback, shards: int) -> None:
    """Answers, their order, journal, result and dollars are those of a run without shards."""
    server.answer = fails
    assert run("output=one.jsonl") == run(f"shards={shards}", "output=all.jsonl") == 4
    assert answers("one.jsonl") == answers("all.jsonl")
    one, other = sorted(Path("outputs/runs").iterdir())
    assert result(one) == result(other)
    journals = [[line.line or 0 for line in read_journal(each / JOURNAL)] for each in (one, other)]
    assert sorted(journals[0]) == journals[1]
    assert Counter(each.text for each in server.requests).most_common()[-1][1] == 2
    assert {path.name for path in other.iterdir() if not path.name.startswith(".")} == {
        *(RUN, JOURNAL, RESULT)
    }
    sums = read_spend(Path("outputs")).by("model", since=None)
    assert [each.attempts for each in sums.values()] == [len(server.requests)]


def test_limit(lines: Path, server: Loopback) -> None:
    """A limit is of all lines, and not of each shard's."""
    assert run("shards=3", "output=all.jsonl", "limit=8") == 4  # some are no requests
    assert [each["line"] for each in answers("all.jsonl")] == list(range(1, 9))


@pytest.mark.parametrize("repeats", [1, 2])
def test_eval_is_the_same(runner: Run, server: Loopback, repeats: int) -> None:
    """Metrics, intervals, verdicts and costs of an evaluation are those of one without shards."""
    write_cases(Path("tasks/demo.jsonl"), 11)
    given = ["model=first", "concurrency=1", f"repeats={repeats}"]
    assert runner(*given) == 0
    assert runner(*given, "shards=4") == 0
    one, other = sorted(Path("outputs/runs").iterdir())
    assert result(one) == result(other)
    assert len(server.requests) == 2 * 11 * repeats
    assert read_json(other / RUN)["taken_over"] == 0
    assert [(line.case, line.repeat) for line in read_journal(one / JOURNAL)] == [
        (line.case, line.repeat) for line in read_journal(other / JOURNAL)
    ]


def test_limits_are_shared(
    lines: Path, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each shard keeps its part of every limit, which is said; one that can't be is refused."""
    given = ["shards=3", "output=all.jsonl", "++model.provider.rpm=60001", "budget_usd=3"]
    assert run(*given) == 4
    said = capsys.readouterr().err
    assert "3 shards share concurrency 6 (2 each), loop's rpm 60,001 (20,000 each)" in said
    assert "budget_usd $3.00 ($1.00 each)" in said
    assert run("shards=3", "output=b.jsonl", "++model.provider.tpm=2") == 2
    assert "can't share loop's tpm of 2; say shards=2 at most" in capsys.readouterr().err
    assert run(f"shards={CONCURRENCY + 1}", "output=c.jsonl", "limit=1") == 4
    assert f"share concurrency {CONCURRENCY + 1} (1 each)" in capsys.readouterr().err


@pytest.mark.parametrize("given", [["+shard=0"], ["+shard=1"], ["shards=3", "+shard=3"]])
def test_no_shard_by_itself(
    lines: Path, server: Loopback, capsys: pytest.CaptureFixture[str], given: list[str]
) -> None:
    """A part of the input is not asked in silence, as if it were all."""
    assert run("output=all.jsonl", *given) == 2
    assert "shard: is set for each of several; say shards=" in capsys.readouterr().err
    assert not server.requests


def test_an_unfinished_shard(
    lines: Path, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is merged before all are through; the same command asks for the rest alone."""
    asked = 0

    def dear(request: Request) -> Answer:
        nonlocal asked
        asked += 1
        return loopback.wrong_key(request) if asked > LINES // 2 else loopback.echo(request)

    server.answer = dear
    assert run("shards=3", "output=all.jsonl") == 4
    said = capsys.readouterr().err
    assert "shard 2: first: " in said
    assert "shards have not come to their end (" in said
    assert "nothing is merged, and the same command goes on" in said
    assert not Path("all.jsonl").exists() or not Path("all.jsonl").read_text()
    sums = read_spend(Path("outputs")).by("model", since=None)
    assert sum(each.attempts for each in sums.values()) == len(server.requests)
    server.answer = loopback.echo
    for other in ([], ["shards=4"]):
        assert run("output=all.jsonl", *other) == 2
        assert "was begun with shards=3" in capsys.readouterr().err
    before = [request.text for request in server.requests][: LINES // 2]
    server.requests.clear()
    assert run("shards=3", "output=all.jsonl") == 4
    assert not {request.text for request in server.requests} & set(before)
    assert [each["line"] for each in answers("all.jsonl")] == list(range(1, LINES + 1))


def test_order() -> None:
    """Numbered lines come in order, each with the place it had."""
    numbers = [3, 1, 2, 6, 4, 5, 7]
    found = list(in_order(((number, str(number)) for number in numbers), ahead=3))
    assert [item for _, _, item in found] == list("1234567")
    assert [numbers[place] for _, place, _ in found] == [1, 2, 3, 4, 5, 6, 7]


def _needs(engine: str) -> pytest.MarkDecorator:
    absent = find_spec(f"hydra_plugins.hydra_{engine}_launcher") is None
    return pytest.mark.skipif(absent, reason=f"the extra {engine} is not installed")


def _workers(driver: int) -> list[int]:
    """The processes below another one in which Ray does some work of ours."""
    parents, names = dict[int, int](), dict[int, bytes]()
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
            names[int(status.parent.name)] = (status.parent / "cmdline").read_bytes()

    def below(pid: int) -> bool:
        return pid == driver or (pid in parents and below(parents[pid]))

    return [pid for pid, name in names.items() if name.startswith(b"ray::_run_job") and below(pid)]


@_needs("ray")
@pytest.mark.parametrize("retries", [3, 0])
def test_a_killed_worker(lines: Path, server: Loopback, retries: int) -> None:
    """A worker that is killed loses nothing: Ray places its shard anew, or the same command does.

    Only what was in flight is asked twice.
    """
    gate, free = Gate(), LINES // 3
    server.answer = lambda request: (
        loopback.echo(request) if request.number <= free else Held.by(gate, loopback.echo(request))
    )
    ray = "hydra.launcher.ray"
    given = [
        *("hydra/launcher=ray", f"+{ray}.init.num_cpus=2", f"+{ray}.init.include_dashboard=false"),
        *(f"+{ray}.remote.max_retries={retries}", "shards=3", "output=all.jsonl"),
    ]
    driver = process(*given)
    server.wait_for(free + 2)
    os.kill(_workers(driver.pid)[0], signal.SIGKILL)
    gate.open()
    said = driver.communicate(timeout=300)[1]
    if not retries:
        assert driver.returncode == 4, said
        assert "shards: ray: " in said
        assert "nothing is merged, and the same command goes on" in said
        assert not Path("all.jsonl").exists()
        driver = process(*given)
        said = driver.communicate(timeout=300)[1]
    assert driver.returncode == 4, said  # some lines are no requests
    assert "36 answered, 5 failed" in said
    assert [each["line"] for each in answers("all.jsonl")] == list(range(1, LINES + 1))
    asked = Counter(request.text for request in server.requests)
    assert len(asked) == LINES - 5
    assert sum(asked.values()) <= LINES - 5 + CONCURRENCY


@_needs("joblib")
def test_joblib(lines: Path, server: Loopback) -> None:
    """Processes of this machine give the same."""
    server.answer = fails
    run("output=one.jsonl")
    assert run("shards=3", "output=all.jsonl", "hydra/launcher=joblib") == 4
    assert answers("one.jsonl") == answers("all.jsonl")
