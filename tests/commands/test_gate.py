"""`gate=` as a user types it: what exits with 3, and the line that says why."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

from runner.commands.command_line import main
from runner.record.files import JOURNAL, RESULT, read_json
from tests import loopback
from tests.commands.test_command_line import Run
from tests.conftest import write_cases
from tests.loopback import Answer, Loopback, Request

GATES = ("false", "true", "proven")
Says = Callable[[Request], Answer]


def case(request: Request) -> int:
    return int(request.text.removeprefix("text "))


def wrong_in(mistakes: int) -> Says:
    return lambda r: loopback.text("wrong") if case(r) < mistakes else loopback.echo(r)


def fails_a_third(request: Request) -> Answer:
    return loopback.echo(request) if case(request) % 3 else loopback.server_error()


def by_model(says: Mapping[str, Says]) -> Says:
    return lambda r: says[r.model.partition("-")[0]](r)


@pytest.mark.parametrize(
    ("cases", "says", "codes"),
    [
        (90, loopback.echo, (0, 0, 0)),
        (90, wrong_in(4), (0, 0, 0)),  # 0.956
        (90, wrong_in(8), (0, 0, 3)),  # 0.911
        (90, wrong_in(80), (0, 3, 3)),
        (90, fails_a_third, (4, 3, 3)),
        (20, loopback.echo, (0, 0, 3)),
    ],
    ids=["right", "0.956", "0.911", "chance", "a third fails", "few"],
)
def test_a_run(
    runner: Run,
    server: Loopback,
    capsys: pytest.CaptureFixture[str],
    cases: int,
    says: Says,
    codes: tuple[int, int, int],
) -> None:
    """0.956 is proven to be 0.85 where 0.911 is not; a third of failed calls is no pass."""
    write_cases(Path("tasks/demo.jsonl"), cases)
    server.answer = says
    assert runner("model=first", "requirements.min_quality_score=0.85") == codes[0]
    assert not re.search("^gate: ", capsys.readouterr().out, re.MULTILINE)
    [run] = Path("outputs/runs").iterdir()
    for gate, code in zip(GATES[1:], codes[1:], strict=True):
        bound = "requirements.min_quality_score=0.85"
        assert runner("model=first", bound, f"reuse={run}", f"gate={gate}") == code
        said = re.findall("^gate: .*", capsys.readouterr().out, re.MULTILINE)
        assert said[0].startswith("gate: shut" if code == 3 else "gate: open")
        assert len(said) > 1 or code != 3
        assert main(["report", str(run), f"gate={gate}", "junit=again.xml"]) == code
        assert re.findall("^gate: .*", capsys.readouterr().out, re.MULTILINE) == said
        tests = {each.get("name"): each for each in ElementTree.parse("again.xml").iter("testcase")}
        shut = {"true": ("failure", "error"), "proven": ("failure", "error", "skipped")}[gate]
        shutting = [
            name for name, each in tests.items() if any(each.find(tag) is not None for tag in shut)
        ]
        assert bool(shutting) == (code == 3)
        assert all(any(line.startswith(f"gate: {name}: ") for line in said) for name in shutting)
    assert main(["report", str(run)]) == 0


@pytest.mark.parametrize(
    ("second", "gate", "code"),
    [(loopback.echo, "proven", 0), (wrong_in(90), "true", 3), (fails_a_third, "true", 3)],
    ids=["right", "wrong", "a third fails"],
)
def test_a_sweep(runner: Run, server: Loopback, second: Says, gate: str, code: int) -> None:
    """It is about whom to ship, whatever the others do; and about all where nobody is."""
    write_cases(Path("tasks/demo.jsonl"), 90)
    server.answer = by_model({"first": wrong_in(90), "second": second})
    bound = "requirements.min_quality_score=0.85"
    assert runner("-m", "model=first,second", bound, f"gate={gate}") == code
    [sweep] = Path("outputs/sweeps").iterdir()
    found = read_json(sweep / RESULT)
    assert found["recommendations"]["demo"]["choice"] == (None if code else "second")
    assert (found["gate"]["shut"], bool(found["gate"]["why"])) == (code == 3, code == 3)
    assert main(["report", str(sweep), f"gate={gate}"]) == code
    assert runner("report", str(sweep), "gate=perhaps") == 2


def test_two_runs(
    runner: Run, server: Loopback, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Alike is no regression and no proof of few; of nothing, or cut off, none passes a gate."""

    def measured(*arguments: str) -> str:
        assert runner("model=first", *arguments) == 0
        return str(max(Path("outputs/runs").iterdir()))

    def codes(*runs: str) -> list[int]:
        # However long each took: of latency nothing is claimed here.
        return [main(["compare", *runs, f"gate={gate}", "tolerance=1000"]) for gate in GATES]

    write_cases(Path("tasks/demo.jsonl"), 8)
    one = measured()
    assert codes(one, one) == [0, 0, 3]
    assert "against the baseline: quality: 1.000 before, 1.000 now" in capsys.readouterr().out
    text = Path("tasks/demo.jsonl").read_text()
    Path("tasks/demo.jsonl").write_text(text.replace('"id": "c', '"id": "d'))
    other = measured()
    assert codes(one, other) == [0, 3, 3]
    assert "the two have no case in common" in capsys.readouterr().out
    journal = Path(one) / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]))
    assert codes(one, one) == [0, 3, 3]
    assert "is not complete (outcomes missing: 1)" in capsys.readouterr().out
    journal.write_bytes(b"no JSON\n" + b"".join(lines))
    assert codes(one, one) == [4, 4, 4]


def test_neither_true_nor_proven(
    runner: Run, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another word is refused before anything is sent."""
    assert runner("model=first", "gate=maybe") == 2
    assert "gate: say false, true or proven (it is 'maybe')" in capsys.readouterr().err
    assert main(["compare", "a", "b", "gate=maybe"]) == 2
    assert server.requests == []
