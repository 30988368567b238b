"""`run` gives one line of output for each line of input, in its order, whatever happens."""

import json
import random
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from runner.commands.command_line import main
from runner.decide.spend import read as read_spend
from runner.record.files import JOURNAL, RESULT, RUN, read_json
from runner.record.journal import read_journal
from tests import loopback
from tests.conftest import KEY
from tests.decision import OVERRIDES, write_conf
from tests.loopback import Answer, Gate, Held, Loopback, Request
from tests.tree import environment

LINES = 40
CONCURRENCY = 4


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(loopback.echo) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path, server: Loopback, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_conf(tmp_path, server.base_url)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    return main(["run", "--config-dir", "conf", *OVERRIDES, *arguments])


def write(*lines: Any) -> str:
    """An input file; a text is a line as it is, anything else becomes JSON."""
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    Path("in.jsonl").write_text("".join(f"{text}\n" for text in texts))
    return "input=in.jsonl"


def read(name: str = "out.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(name).read_text().splitlines()]


def records() -> list[Path]:
    return sorted(Path("outputs/runs").iterdir())


def test_order(home: Path, server: Loopback) -> None:
    """Lines come out in the order they came in, however long each takes."""
    delays = random.Random(7)
    server.answer = lambda request: loopback.text(request.text, delay=delays.random() / 50)
    source = write(*({"id": f"t{n}", "input": f"text {n}"} for n in range(60)))
    assert run(source, "output=out.jsonl", "concurrency=16") == 0
    lines = read()
    assert [line["id"] for line in lines] == [f"t{n}" for n in range(60)]
    assert [line["line"] for line in lines] == list(range(1, 61))
    assert [line["output"] for line in lines] == [f"text {n}" for n in range(60)]


def test_turns_and_messages(home: Path, server: Loopback) -> None:
    """A line may be a conversation; each of its turns is answered, and the others are its past."""
    ends = [{"role": "user", "content": "so?"}]
    source = write({"turns": ["one", "two"]}, {"messages": ends}, {"turns": []})
    assert run(source, "output=out.jsonl", "task.prompt=null", "concurrency=1") == 4
    both, last, none = read()
    assert (both["turns"], both["output"]) == (["one", "two"], "two")
    assert (last["output"], "turns" in last) == ("so?", False)
    assert (none["kind"], none["error"]) == ("invalid_input", "turns: is empty")
    assert [len(request.body["messages"]) for request in server.requests] == [1, 3, 1]


def test_a_line(home: Path, server: Loopback) -> None:
    """A line says the answer, its JSON, who gave it, and what it cost."""
    server.answer = loopback.json_text({"sum": 7})
    assert run(write('"one"'), "output=out.jsonl", "task=structured") == 0
    [line] = read()
    assert line.pop("seconds") > 0
    assert line.pop("waited_seconds") >= 0
    assert line == {
        "id": "1",
        "line": 1,
        "status": "answered",
        "output": '{"sum": 7}',
        "tool_calls": [],
        "json": {"sum": 7},
        "served_by": "first",
        "fallback": None,
        "model_served": "first-2026-01-01",
        "finish_reason": "stop",
        "usage": {
            "input_tokens": 10,
            "output_tokens": 5,
            "cached_input_tokens": 0,
            "cache_write_tokens": 0,
            "reasoning_tokens": 0,
        },
        "cost_usd": pytest.approx(20e-6),
        "kind": None,
        "error": None,
    }


def test_what_a_line_may_say(home: Path, server: Loopback) -> None:
    """A line may bring its own system prompt and token limit, and the prompt's variables."""
    source = write({"input": {"name": "Ada"}, "system": "Be brief.", "max_tokens": 7})
    assert run(source, "output=out.jsonl") == 0
    [request] = server.requests
    assert request.body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert request.text == "Ada"
    assert request.body["max_tokens"] == 7


INVALID: list[tuple[Any, str]] = [
    ("", "is empty"),
    ("no JSON", "is not JSON"),
    ("[" * 100_000, "nested too deeply"),
    ('"\\ud800"', "half a character"),
    ("7", "neither a text nor an object"),
    ({"text": "x"}, "text: no such key"),
    ({"input": "x", "sytem": "y"}, "did you mean 'system'?"),
    ({"input": {"nome": "Ada"}}, "'name' is undefined"),
    ({"input": "x", "images": ["nowhere.png"]}, "no file 'nowhere.png'"),
]


def test_invalid_lines(home: Path, server: Loopback) -> None:
    """A line that is no request fails alone, unsent, and says why."""
    between = [each for n, (line, _) in enumerate(INVALID) for each in (line, f'"good {n}"')]
    assert run(write('"before"', *between), "output=out.jsonl") == 4
    failed, good = read()[1::2], read()[::2]
    assert [line["output"] for line in good] == [
        "before", *(f"good {n}" for n in range(len(INVALID))),
    ]  # fmt: skip
    for n, (line, (_, problem)) in enumerate(zip(failed, INVALID, strict=True), start=1):
        assert (line["status"], line["kind"], line["line"]) == ("failed", "invalid_input", 2 * n)
        assert problem in line["error"]
    assert len(server.requests) == len(good)


def test_failed_line(home: Path, server: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """A request that failed is a line with its error, and the exit code says so."""
    server.answer = lambda request: (
        loopback.error_reply(400, "no") if request.text == "bad" else loopback.text("fine")
    )
    assert run(write('"good"', '"bad"'), "output=out.jsonl") == 4
    good, bad = read()
    assert good["output"] == "fine"
    assert (bad["status"], bad["kind"], bad["output"]) == ("failed", "bad_request", None)
    assert "1 answered, 1 failed; each failure says why in the output; $" in capsys.readouterr().err


def test_fallback(home: Path, server: Loopback) -> None:
    """Where the model is down its fallback answers, and the line says so."""

    def answer(request: Request) -> Answer:
        down = request.model.startswith("first")
        return loopback.overloaded() if down else loopback.text("from another")

    server.answer = answer
    assert run(write('"one"'), "output=out.jsonl", "fallback=chain") == 0
    [line] = read()
    assert (line["served_by"], line["fallback"]) == ("second", "first")
    assert line["output"] == "from another"


def test_circuit(home: Path) -> None:
    """In production a provider that is down is left alone, unless one says otherwise."""
    from runner.config import loading
    from runner.config.catalogue import compose_config
    from runner.production.job import production

    job = production(loading.plain(compose_config("run", OVERRIDES[:3], "conf")))
    assert job.retry.breaker is not None
    assert job.retry.attempts == 4


@pytest.mark.parametrize("text", ["one text", 'It\'s 5, "or" 6: ${x} \\${y} {{ z }} a=b!\n\\'])
def test_one_text(
    home: Path, server: Loopback, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """A text on the command line is asked as it stands, and its answer printed as it is."""
    assert run(f"input={text}") == 0
    assert server.requests[0].text == text
    assert capsys.readouterr().out == f"{text}\n"


def test_one_text_fails(home: Path, server: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no answer, nothing is printed as if it were one."""
    server.answer = loopback.error_reply(400, "no such luck")
    assert run("input=one text") == 4
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "bad_request" in printed.err
    assert "no such luck" in printed.err


def test_text_file(home: Path, server: Loopback) -> None:
    """In a file that ends in .txt each line is a text."""
    Path("in.txt").write_text('one\n"two"\r\nlast')
    assert run("input=in.txt", "output=out.jsonl") == 0
    assert [line["output"] for line in read()] == ["one", '"two"', "last"]


def test_empty_input(home: Path) -> None:
    """Nothing in, nothing out."""
    assert run(write(), "output=out.jsonl") == 0
    assert read() == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "input: is missing"),
        (["input=in.json"], "did you mean 'in.jsonl'?"),
        (["input=in.jsonl", "output=in.jsonl"], "output: in.jsonl is the input"),
        (["input=in.jsonl", "output=out.jsonl"], "overwrite=true"),
        (["input=in.jsonl", "output=no/out.jsonl"], "no directory"),
        (["input=in.jsonl", "repeats=2"], "repeats: is for measuring"),
        (["input=in.jsonl", "model=first,second"], "model"),
        (["-m", "input=in.jsonl", "model=first,second"], "leave the sweep out"),
    ],
)
def test_refused(
    home: Path,
    server: Loopback,
    capsys: pytest.CaptureFixture[str],
    arguments: Sequence[str],
    problem: str,
) -> None:
    """What can't be right is said in a line, nothing is sent, and no file is touched."""
    write('"one"')
    Path("out.jsonl").write_text("precious\n")
    assert run(*arguments) == 2
    assert problem in capsys.readouterr().err
    assert not server.requests
    assert Path("out.jsonl").read_text() == "precious\n"
    assert Path("in.jsonl").read_text() == '"one"\n'


def test_finished(home: Path, server: Loopback) -> None:
    """A finished run is never gone on with: its output stays, or is replaced by new answers."""
    source = write('"one"')
    assert run(source, "output=out.jsonl") == 0
    assert run(source, "output=out.jsonl") == 2
    server.answer = loopback.text("new")
    assert run(source, "output=out.jsonl", "overwrite=true") == 0
    assert [line["output"] for line in read()] == ["new"]
    assert len(server.requests) == 2


def test_record(home: Path, server: Loopback) -> None:
    """The record says what was asked, counts in `spend`, and is no measurement's to take over."""
    source = write('"one"', '"two"')
    assert run(source, "output=out.jsonl") == 0
    [directory] = records()
    about = read_json(directory / RUN)
    assert (about["kind"], about["task"], about["model"]) == ("production", "demo", "first")
    assert {line.line for line in read_journal(directory / JOURNAL)} == {1, 2}
    result = read_json(directory / RESULT)
    assert result["counts"]["answered"] == 2
    assert result["spent_usd"] == pytest.approx(40e-6)
    [total] = read_spend(Path("outputs")).by("task", since=None).values()
    assert total.attempts == 2
    assert total.known_usd == pytest.approx(40e-6)


def test_budget(home: Path, server: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """At the cap it stops with whole lines, and with a higher one goes on asking nothing twice."""
    source = write(*(f'"text {n}"' for n in range(6)))
    arguments = [source, "output=out.jsonl", "concurrency=1", "task.sampling.max_tokens=64"]
    worst = (len("text 0") + 16 + 64) * 1e-6 + 64 * 2e-6
    assert run(*arguments, f"budget_usd={worst + 50e-6}") == 4
    assert "budget_usd is" in capsys.readouterr().err
    asked = len(server.requests)
    assert 0 < asked < 6
    assert [line["line"] for line in read()] == list(range(1, asked + 1))
    assert run(*arguments, "budget_usd=1") == 0
    assert [line["output"] for line in read()] == [f"text {n}" for n in range(6)]
    assert len(server.requests) == 6


def test_changed_input(home: Path, server: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """An interrupted run does not go on with an input that is another one."""
    arguments = ["output=out.jsonl", "concurrency=1", "task.sampling.max_tokens=64"]
    assert run(write('"one"', '"two"', '"three"'), *arguments, "budget_usd=250e-6") == 4
    written = Path("out.jsonl").read_text()
    assert written
    for lines, problem in [(['"one"', '"zwei"'], "line 2 has changed"), (['"one"'], "ends with")]:
        assert run(write(*lines), *arguments, "budget_usd=1") == 2
        error = capsys.readouterr().err
        assert problem in error
        assert str(records()[0]) in error


def process(arguments: Sequence[str], **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "runner", "run", "--config-dir", "conf", *OVERRIDES, *arguments],
        env=environment(LOOPBACK_API_KEY=KEY),
        stderr=subprocess.PIPE,
        text=True,
        # The suite may itself run in the background, where SIGINT is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **{"stdout": subprocess.PIPE, **options},
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_interrupt(home: Path, server: Loopback, number: signal.Signals) -> None:
    """After a kill, Ctrl-C or SIGTERM the same command goes on: nothing is lost, and at most what
    was in flight is asked twice."""
    server.answer = loopback.hang_after(LINES // 2)
    arguments = [write(*(f'"text {n}"' for n in range(LINES))), "output=out.jsonl"]
    arguments.append(f"concurrency={CONCURRENCY}")
    first = process(arguments)
    server.wait_for(LINES // 2 + 1)
    first.send_signal(number)
    _, error = first.communicate(timeout=120)
    if number != signal.SIGKILL:
        assert first.returncode == 130
        assert "go on with: " in error
        assert "Traceback" not in error
    server.answer = loopback.echo
    with Path("out.jsonl").open("a") as file:
        file.write('{"id": "torn')
    with (records()[0] / JOURNAL).open("a") as file:
        file.write('{"case": "torn')
    assert run(*arguments) == 0
    assert [line["output"] for line in read()] == [f"text {n}" for n in range(LINES)]
    [directory] = records()
    journal = Counter(line.line for line in read_journal(directory / JOURNAL))
    assert journal == dict.fromkeys(range(1, LINES + 1), 1)
    asked = Counter(request.text for request in server.requests)
    assert set(asked) == {f"text {n}" for n in range(LINES)}
    assert sum(asked.values()) <= LINES + CONCURRENCY


def test_pipe(home: Path, server: Loopback) -> None:
    """Between two pipes each answer comes as soon as it can, and nothing else goes to stdout."""
    run = process(["input=-"], stdin=subprocess.PIPE)
    assert run.stdin
    assert run.stdout
    for text in ("one", "two"):
        run.stdin.write(f'"{text}"\n')
        run.stdin.flush()
        assert json.loads(run.stdout.readline())["output"] == text
    rest, error = run.communicate(timeout=120)
    assert (run.returncode, rest) == (0, "")
    assert re.fullmatch(r"runner: 2 answered, 0 failed; \$\S+; record: outputs/runs/\S+\n", error)


def test_a_pipe_of_texts(home: Path, server: Loopback) -> None:
    """Where the first line that comes is no JSON, each is a text, whatever it looks like."""
    run = process(["input=-"], stdin=subprocess.PIPE)
    out, _ = run.communicate('plain "text"\n{"input": "as it is"}\n42\n', timeout=120)
    answers = [json.loads(line)["output"] for line in out.splitlines()]
    assert (run.returncode, answers) == (0, ['plain "text"', '{"input": "as it is"}', "42"])


def test_interrupt_while_waiting(home: Path, server: Loopback) -> None:
    """Ctrl-C ends it while it waits for the next line of a pipe."""
    run = process(["input=-"], stdin=subprocess.PIPE)
    assert run.stdin
    assert run.stdout
    run.stdin.write('"one"\n')
    run.stdin.flush()
    run.stdout.readline()
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=120) == 130
    assert run.stderr
    assert "Traceback" not in (error := run.stderr.read())
    assert "Fatal" not in error


def test_stopped_while_waiting(home: Path, server: Loopback) -> None:
    """What stops a run ends it while a pipe is silent, too: its writer may wait for an answer."""
    server.answer = loopback.wrong_key
    run = process(["input=-"], stdin=subprocess.PIPE)
    assert run.stdin
    run.stdin.write('"one"\n')
    run.stdin.flush()
    assert run.wait(timeout=120) == 4
    assert run.stderr
    assert "mend it" in run.stderr.read()


def test_broken_pipe(home: Path, server: Loopback) -> None:
    """When nobody reads the answers any more, it stops asking without a traceback."""
    server.answer = lambda request: loopback.text(request.text, delay=0.005)
    run = process([write(*(f'"text {n}"' for n in range(500))), "concurrency=2"])
    assert run.stdout
    run.stdout.readline()
    run.stdout.close()
    assert run.stderr
    assert "Traceback" not in run.stderr.read()
    run.wait(timeout=120)
    assert len(server.requests) < 500


def test_a_directory_of_its_own(
    home: Path, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody at work on the same is left alone: it is said, or what was asked for twice is."""
    gate = Gate()
    server.answer = lambda request: (
        Held.by(gate, loopback.echo(request)) if request.number == 2 else loopback.echo(request)
    )
    source = write(*(f'"text {n}"' for n in range(8)))
    other = process([source, "output=other.jsonl", "concurrency=1"])
    server.wait_for(2)
    assert run(source, "output=out.jsonl") == 2
    assert "another process is at work on the very same" in capsys.readouterr().err
    assert len(server.requests) == 2
    assert run(source, "output=out.jsonl", "concurrency=8", "duplicate=true") == 0
    gate.open()
    other.communicate(timeout=120)
    assert read() and len(read("other.jsonl")) == 8
    assert len(server.requests) == 16
    assert len(records()) == 2


@pytest.mark.parametrize("extra", ["estimate=false", "estimate=true"])
def test_a_prompt_that_fails_on_a_value(
    home: Path, server: Loopback, capsys: pytest.CaptureFixture[str], extra: str
) -> None:
    """The line whose value the prompt can't take is named before anything is sent."""
    source = write('{"input": {"price": 1}}', '{"input": {"price": "n/a"}}')
    assert run(source, "output=out.jsonl", "task.prompt='{{ price * 1.2 }}'", extra) == 2
    assert "input: line 2: task.prompt, case '2': TypeError" in capsys.readouterr().err
    assert server.requests == []
