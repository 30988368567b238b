"""The plug is pulled on a real process: nothing answered is lost or asked again."""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.commands.command_line import main
from runner.record.files import JOURNAL
from runner.record.journal import read_journal
from tests import loopback
from tests.commands.test_command_line import MODEL, PROVIDER, TASK
from tests.conftest import KEY, write_cases
from tests.loopback import Loopback, hang_after
from tests.tree import environment

CASES = 40
CONCURRENCY = 4
COMMAND = ["--config-dir", "conf", "task=demo", "model=first", "requirements=base"]
COMMAND += [f"concurrency={CONCURRENCY}"]

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def server() -> Iterator[Loopback]:
    """It hangs once half of the cases are answered."""
    with Loopback(hang_after(CASES // 2)) as server:
        yield server


@pytest.fixture
def start(tmp_path: Path, server: Loopback, monkeypatch: pytest.MonkeyPatch) -> Start:
    files = {
        "conf/provider/loop.yaml": PROVIDER.format(base_url=server.base_url),
        "conf/model/first.yaml": MODEL.format(name="first"),
        "conf/task/demo.yaml": TASK,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "tasks").mkdir()
    write_cases(tmp_path / "tasks" / "demo.jsonl", CASES)
    monkeypatch.chdir(tmp_path)

    def run(*, sigint: Any = signal.SIG_DFL) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "runner", *COMMAND],
            env=environment(LOOPBACK_API_KEY=KEY),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # The suite may itself run in the background, where SIGINT is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, sigint),
        )

    return run


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_interrupt(
    start: Start,
    server: Loopback,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    """After a kill, Ctrl-C or SIGTERM the same command finishes, asking at most what was in flight
    twice, and each case stands in the journal once."""
    first = start()
    server.wait_for(CASES // 2 + 1)
    first.send_signal(number)
    _, error = first.communicate(timeout=120)
    if number != signal.SIGKILL:
        assert first.returncode == 130
        assert "go on with: " in error
        assert "Traceback" not in error
    server.answer = loopback.echo
    assert main(COMMAND) == 0
    [run] = (tmp_path / "outputs" / "runs").glob("*")
    journal = Counter(line.case for line in read_journal(run / JOURNAL))
    assert journal == {f"c{n}": 1 for n in range(CASES)}
    asked = Counter(request.text for request in server.requests)
    assert set(asked) == {f"text {n}" for n in range(CASES)}
    assert sum(asked.values()) <= CASES + CONCURRENCY


def test_terminate_in_the_background(start: Start, server: Loopback) -> None:
    """SIGTERM ends a run cleanly also where a script's background has SIGINT ignored."""
    process = start(sigint=signal.SIG_IGN)
    server.wait_for(CASES // 2 + 1)
    process.terminate()
    _, error = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "go on with: " in error
    assert "Traceback" not in error
