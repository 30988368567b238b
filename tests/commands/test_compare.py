"""`compare`, `baseline=` and `junit=` as a user types them."""

import json
from pathlib import Path
from xml.etree.ElementTree import parse

import pytest

from runner.commands.command_line import main
from runner.record.files import JOURNAL, REPORT, RESULT, read_json
from tests import loopback
from tests.commands.conftest import Once
from tests.commands.test_command_line import Run
from tests.conftest import write_cases
from tests.loopback import Loopback


@pytest.fixture
def server(one_server: Loopback) -> Loopback:
    one_server.answer = loopback.echo
    return one_server


@pytest.fixture
def runs(runner: Run, server: Loopback, once: Once) -> tuple[str, str]:
    """A run whose 20 answers are all right, and one whose answers are all wrong, as they stay."""

    def measure() -> None:
        write_cases(Path("tasks/demo.jsonl"), 20)
        assert runner("model=first") == 0
        server.answer = loopback.text("wrong")
        assert runner("model=second") == 0

    once("runs", measure)
    server.answer = loopback.text("wrong")
    [good] = Path("outputs").glob("runs/*-first")
    [bad] = Path("outputs").glob("runs/*-second")
    return str(good), str(bad)


def test_two_runs(runs: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """What is proven worse is said, with the cases that flipped; only the gate exits with 3."""
    capsys.readouterr()
    assert main(["compare", *runs]) == 0
    out = capsys.readouterr().out
    assert "proven worse" in out
    assert "quality fell in 20 of 20 cases: c0 (1 → 0)" in out
    assert main(["compare", *runs, "gate=true"]) == 3
    assert main(["compare", *reversed(runs), "gate=true", "tolerance=100"]) == 0


def test_formats(runs: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """JSON is JSON and Markdown is Markdown, with nothing around it."""
    capsys.readouterr()
    main(["compare", "format=json", *runs])
    assert "quality" in json.loads(capsys.readouterr().out)["regressed"]
    main(["compare", *runs, "format=markdown"])
    assert capsys.readouterr().out.startswith("## Against the baseline")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "outputs"], "nowhere: is no run: there is no such directory"),
        (["a", "b", "gaet=true"], "gaet: no such key; did you mean 'gate'?"),
        (["a", "b", "format=xml"], "format: input should be 'table', 'json' or 'markdown'"),
        (["a", "b", "gate=true", "gate=false"], "gate: is given twice"),
    ],
)
def test_wrong_arguments(
    home: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake is one line and exit 2."""
    assert main(["compare", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"runner: {message}")
    assert len(error.splitlines()) == 1


def test_baseline_of_a_run(
    runner: Run,
    server: Loopback,
    runs: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A run that is proven worse than its baseline exits with 3 when it is gated, and says why."""
    capsys.readouterr()
    assert runner("model=second", f"baseline={runs[0]}") == 0
    assert "Proven worse than the baseline: quality" in capsys.readouterr().out
    assert runner("model=second", f"baseline={runs[0]}", "gate=true", "junit=ci/j.xml") == 3
    [failed] = parse("ci/j.xml").getroot().findall("testsuite/testcase[failure]")[:1]
    assert failed.get("name") == "against the baseline: quality"


def test_baseline_of_a_sweep(runner: Run, server: Loopback, runs: tuple[str, str]) -> None:
    """Each candidate is compared; the gate is shut only where none holds."""
    server.answer = lambda r: (
        loopback.echo(r) if r.model.startswith("first") else loopback.text("wrong")
    )
    arguments = ["-m", f"baseline={runs[1]}", "gate=true", "junit=j.xml"]
    assert runner(*arguments, "model=first,second") in (0, 3)  # latency is what it is
    [sweep] = Path("outputs").glob("sweeps/*")
    found = {run["model"]: run["baseline"] for run in read_json(sweep / RESULT)["runs"]}
    assert "quality" not in found["first"]["regressed"] + found["second"]["regressed"]
    assert len(parse("j.xml").getroot()) == 2
    assert "- first: " in (sweep / REPORT).read_text()
    server.answer = loopback.text("wrong")
    assert runner("-m", f"baseline={runs[0]}", "gate=true", "model=first,second") == 3


@pytest.mark.parametrize("mode", [[], ["-m"]])
def test_baseline_is_checked_before_anything_is_sent(
    runner: Run,
    server: Loopback,
    runs: tuple[str, str],
    mode: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A baseline that is no run, or of another task, costs no request."""
    before = len(server.requests)
    assert runner("model=first", "baseline=nowhere", *mode) == 2
    assert "nowhere: is no run" in capsys.readouterr().err
    assert runner("model=first", "task.name=other", f"baseline={runs[0]}", *mode) == 2
    assert "baseline: its task is demo, that of this run other" in capsys.readouterr().err
    assert len(server.requests) == before


def test_a_sweep_is_no_baseline(runner: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody who names a sweep is told of its runs."""
    assert runner("-m", "model=first,second", "limit=1") == 0
    [sweep] = Path("outputs").glob("sweeps/*")
    [run] = [path for path in sweep.glob("0_*") if (path / JOURNAL).exists()]
    assert runner("model=first", f"baseline={sweep}") == 2
    assert f"name one of its runs: {run}" in capsys.readouterr().err
