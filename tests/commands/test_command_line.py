"""The command line as a user types it: what it prints, what it leaves, how it exits."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.commands.command_line import COMMANDS, main
from runner.record.files import JOURNAL, REPORT, RESULT, read_json
from runner.record.journal import read_journal
from tests import loopback
from tests.conftest import KEY, write_cases
from tests.loopback import Loopback

PROVIDER = """
defaults: [/base/provider@_here_, _self_]
name: loop
litellm: hosted_vllm
api_base: {base_url}
api_key_env: LOOPBACK_API_KEY
data: third_party
"""
MODEL = """
defaults: [/base/model@_here_, /provider: loop, _self_]
name: {name}
id: {name}-2026-01-01
context_tokens: 8192
price: {{input_usd_per_mtok: 1.0, output_usd_per_mtok: 2.0, checked: 2026-11-23, source: tests}}
"""
TASK = """
defaults: [/base/task@_here_, _self_]
name: demo
cases: demo.jsonl
scorers: {exact: {}}
"""
RETRY = """
name: quick
attempts: 2
initial_wait: 1ms
max_wait: 2ms
jitter: 0
total: 5m
"""

Run = Callable[..., int]


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(loopback.echo) as server:
        yield server


@pytest.fixture
def home(tmp_path: Path, server: Loopback, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's own directory: `conf/` with two models and a task, and `tasks/` with its cases."""
    files = {
        "provider/loop": PROVIDER.format(base_url=server.base_url),
        "model/first": MODEL.format(name="first"),
        "model/second": MODEL.format(name="second"),
        "task/demo": TASK,
        "retry/quick": RETRY,
    }
    for name, text in files.items():
        path = tmp_path / "conf" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "tasks").mkdir()
    write_cases(tmp_path / "tasks" / "demo.jsonl", 4)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def runner(home: Path) -> Run:
    """`runner("model=first")` with the user's `conf/` and the demo task."""

    def run(*arguments: str, task: str = "demo") -> int:
        own = ["--config-dir", "conf", f"task={task}", "requirements=base", "retry=quick"]
        return main([*own, *arguments])

    return run


def only(pattern: str) -> Path:
    [path] = Path("outputs").glob(pattern)
    return path


def test_one_run(runner: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """A run prints its numbers, says where its record is, and exits with 0."""
    assert runner("model=first") == 0
    run = only("runs/*_demo-first")
    out = capsys.readouterr().out
    assert "quality" in out
    assert run.name in out
    assert read_json(run / RESULT)["metrics"]["quality"]["value"] == 1.0
    assert (run / "report.md").exists()


def test_litellm_sends_what_no_template_holds(
    runner: Run,
    server: Loopback,
    home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once a kept template is lost and litellm's requests hang on their texts, a whole run goes by
    litellm: the server gets what it sends, and the record and the terminal say so.
    """
    import litellm

    real = litellm.acompletion

    async def changed(**call: Any) -> Any:
        size = str(len(call["messages"][-1]["content"]))
        return await real(**call, extra_headers={"x-size": size})

    monkeypatch.setenv("RUNNER_CACHE", "cache")
    assert runner("model=first") == 0
    assert "litellm" not in capsys.readouterr().out
    asked = len(server.requests)
    for template in (home / "cache" / "requests").iterdir():
        template.write_bytes(template.read_bytes()[:-9])
    monkeypatch.setattr(litellm, "acompletion", changed)
    assert runner("model=first") == 0
    why = "litellm sends some texts in another form than others"
    note = f"4 of 4 requests were sent by litellm itself: {why}"
    first, second = sorted(Path("outputs").glob("runs/*_demo-first"))
    assert [read_json(run / RESULT)["notes"] for run in (first, second)] == [[], [note]]
    sent = [
        attempt.by_litellm for line in read_journal(second / JOURNAL) for attempt in line.attempts
    ]
    assert sent == [why] * 4
    assert note in " ".join(capsys.readouterr().out.split())
    sizes = [request.headers.get("x-size") for request in server.requests]
    assert sizes[:asked] == [None] * asked
    assert all(sizes[asked:])


def test_sweep(runner: Run, server: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """A sweep runs every candidate and ends in one report at its root, best first."""
    server.answer = lambda r: (
        loopback.echo(r) if r.model.startswith("second") else loopback.text("")
    )
    assert runner("-m", "model=first,second") == 0
    root = only("sweeps/*")
    result = read_json(root / RESULT)
    assert [run["model"] for run in result["runs"]] == ["second", "first"]
    assert len(server.requests) == 8
    assert {path.name for path in root.glob("*/")} == {"0_demo-first", "1_demo-second"}
    assert (root / "report.md").exists()
    assert "second" in capsys.readouterr().out


def test_short_or_verbose_and_in_ci(
    runner: Run,
    home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`verbose=true` shows every reason; in a step of CI the report of a sweep is appended once."""
    summary = home / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert runner("-m", "model=first,second") == 0
    assert summary.read_text() == f"{(only('sweeps/*') / REPORT).read_text()}\n"
    assert "What to do next" not in capsys.readouterr().out
    assert runner("-m", "model=first,second", "verbose=true") == 0
    assert "What to do next" in capsys.readouterr().out
    newest = max(Path("outputs/sweeps").iterdir())
    assert main(["report", str(newest)]) == 0
    assert "What to do next" not in capsys.readouterr().out
    assert main(["report", str(newest), "verbose=true"]) == 0
    assert "What to do next" in capsys.readouterr().out


def test_flags_may_stand_anywhere(runner: Run) -> None:
    """`-m` after an override is understood, though Hydra's own parser would refuse it."""
    assert runner("limit=1", "model=first,second", "-m") == 0
    assert len(list(Path("outputs").glob("sweeps/*/*/result.json"))) == 2


def test_sweep_with_hydras_basic_launcher(runner: Run) -> None:
    """Another launcher leaves the same report."""
    assert runner("-m", "model=first,second", "hydra/launcher=basic", "limit=1") == 0
    result = read_json(only("sweeps/*") / RESULT)
    assert sorted(run["model"] for run in result["runs"]) == ["first", "second"]


def test_a_failing_candidate_does_not_stop_the_others(
    runner: Run, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """When one candidate's calls fail, the other's numbers stand, and the exit code is 4."""
    server.answer = lambda r: (
        loopback.echo(r) if r.model.startswith("second") else loopback.error_reply(400, "no")
    )
    assert runner("-m", "model=first,second") == 4
    runs = read_json(only("sweeps/*") / RESULT)["runs"]
    assert [(run["model"], run["counts"]["failed"]) for run in runs] == [
        ("second", 0),
        ("first", 4),
    ]
    assert "bad_request" in (only("sweeps/*/0_*") / "report.md").read_text()


def test_sweep_is_checked_whole_before_the_first_request(
    runner: Run, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """When one job of a sweep can't run, nothing is sent for any."""
    assert runner("-m", "model=first,second", "task.quality=exact,nonsense") == 2
    assert server.requests == []
    assert "no scorer 'nonsense'" in capsys.readouterr().err


def test_failed_calls_exit_with_4(
    runner: Run, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """Calls that could not be completed are an exit code of their own, and the way on is said."""
    server.answer = loopback.overloaded()
    assert runner("model=first") == 4
    assert "reuse=" in capsys.readouterr().err
    assert len(server.requests) == 8  # four cases, two attempts each


@pytest.mark.parametrize(("bound", "code"), [("0.2", 0), ("1.0", 3)])
def test_gate(runner: Run, server: Loopback, bound: str, code: int) -> None:
    """With gate=true a missed requirement exits with 3."""
    server.answer = lambda r: loopback.echo(r) if "3" not in r.text else loopback.text("wrong")
    write_cases(Path("tasks/demo.jsonl"), 40)
    arguments = ["model=first", "gate=true", f"requirements.min_quality_score={bound}"]
    assert runner(*arguments) == code


def test_key_is_not_printed(
    runner: Run, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key that the server echoes is neither on the terminal nor under outputs/."""
    server.answer = loopback.wrong_key_in_full
    assert runner("model=first") == 4
    assert runner("-m", "model=first,second") == 4
    printed = capsys.readouterr()
    assert KEY not in printed.out + printed.err
    files = [path for path in Path("outputs").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if KEY in path.read_text()]


def test_report_rebuilds(runner: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """`report` writes the same result from the journal alone."""
    runner("model=first")
    run = only("runs/*")
    before = read_json(run / RESULT)
    (run / RESULT).unlink()
    assert main(["report", str(run)]) == 0
    assert read_json(run / RESULT) == before


@pytest.mark.parametrize("choice", [["model=own"], ["-m", "model=first,own"]])
def test_weights_out_of_reach(
    runner: Run, server: Loopback, capsys: pytest.CaptureFixture[str], choice: list[str]
) -> None:
    """Weights that are not there stop a run, or a whole sweep, before any model is asked."""
    own = MODEL.format(name="own") + "artifact: {path: nowhere.gguf, context_tokens: 512}\n"
    Path("conf/model/own.yaml").write_text(own)
    assert runner(*choice) == 2
    assert "nowhere.gguf" in capsys.readouterr().err
    assert server.requests == []
    assert not list(Path("outputs").glob("*/*"))


@pytest.mark.parametrize("mode", [[], ["-m"]])
def test_key_on_the_command_line(
    runner: Run, server: Loopback, capsys: pytest.CaptureFixture[str], mode: list[str]
) -> None:
    """A key given as an override is refused before Hydra writes the override down."""
    assert runner("model=first", f"++model.extra_body.token={KEY}", *mode) == 2
    assert KEY not in capsys.readouterr().err
    assert server.requests == []
    assert not Path("outputs").exists()


VENDOR = "vk-0123456789-planted"  # of a variable that is not called as keys are


@pytest.mark.parametrize(
    "words",
    [
        ["model=mine", f"++model.extra_body.token={VENDOR}"],
        ["-m", "model=mine,first", f"++model.extra_body.token={VENDOR}"],
        ["--cfg", "job", "model=mine", f"++model.extra_body.token={VENDOR}"],
        ["model=first", "model.provider.api_key_env=MYVENDOR", f"task.system={VENDOR}"],
        ["run", "model=mine", f"input={VENDOR}"],
        [f"model={VENDOR}"],
        [VENDOR],
        [f"--{VENDOR}"],
        ["cost", f"{VENDOR}=1"],
        ["help", VENDOR],
    ],
)
def test_every_key_of_conf_is_known(
    home: Path,
    server: Loopback,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
) -> None:
    """Whatever its variable is called, a key is on no disk and in no message."""
    provider = PROVIDER.format(base_url=server.base_url).replace("LOOPBACK_API_KEY", "MYVENDOR")
    Path("conf/provider/vendor.yaml").write_text(provider)
    own = MODEL.format(name="mine").replace("loop", "vendor")
    Path("conf/model/mine.yaml").write_text(own)
    Path("conf/model/leaks.yaml").write_text(own + f"extra_body: {{token: {VENDOR}}}\n")
    monkeypatch.setenv("MYVENDOR", VENDOR)
    assert main([*words, "task=demo", "--config-dir", "conf"]) == 2
    printed = capsys.readouterr()
    assert VENDOR not in printed.out + printed.err
    files = [path for path in Path("outputs").rglob("*") if path.is_file()]
    assert not [path for path in files if VENDOR in path.read_text()]
    assert server.requests == []


def test_a_key_in_a_file_is_not_kept(
    runner: Run, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of conf/ may send a key, which Hydra would copy: it is on no disk all the same."""
    leaking = MODEL.format(name="leaks") + f"extra_body: {{token: {VENDOR}}}\n"
    Path("conf/model/leaks.yaml").write_text(leaking)
    monkeypatch.setenv("LOOPBACK_API_KEY", VENDOR)
    assert runner("-m", "model=leaks,first", "limit=1") == 0
    assert VENDOR in str([each.body for each in server.requests])
    files = [path for path in Path("outputs").rglob("*") if path.is_file()]
    assert files and not [path for path in files if VENDOR in path.read_text()]


def test_a_key_in_a_file_is_not_printed(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a file of conf/ holds a key, --cfg job shows all but that."""
    monkeypatch.setenv("LOOPBACK_API_KEY", VENDOR)
    leaking = MODEL.format(name="leaks") + f"extra_body: {{token: {VENDOR}}}\n"
    Path("conf/model/leaks.yaml").write_text(leaking)
    words = ["--cfg", "job", "--config-dir", "conf", "requirements=base", "task=demo"]
    for command in ([], ["run"]):
        assert main([*command, *words, "model=leaks"]) == 0
        printed = capsys.readouterr().out
        assert "token: [redacted]" in printed
        assert VENDOR not in printed


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-"])
def test_closed_streams(home: Path, server: Loopback, closed: str) -> None:
    """A stream that whoever starts us has closed costs what it would have shown, no more."""
    words = "--config-dir conf task=demo model=first requirements=base retry=quick"
    line = f'exec "{sys.executable}" -m runner {words} {closed}'
    assert subprocess.run(["sh", "-c", line], check=False).returncode == 0
    assert len(list(read_journal(only(f"runs/*/{JOURNAL}")))) == 4
    assert len(server.requests) == 4


def test_directory_with_odd_name(
    runner: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A sweep may be kept under any path."""
    assert runner("-m", "model=first,second", "limit=1", "outputs='it (a, b = c)'") == 0
    assert len(list(tmp_path.glob("it (a, b = c)/sweeps/*/*/result.json"))) == 2


BAD = [
    (["evil"], "no command 'evil'; did you mean 'eval'?"),
    (["model=frist"], "model=frist: no such option; did you mean 'first'?"),
    (["taks=demo"], "taks: no such key"),
    (["model=first", "limt=3"], "limt: no such key; did you mean 'limit'?"),
    (["model=first", "task.smapling.temperature=1"], "task.smapling: no such key"),
    (["model=first", "+limt=3"], "limt: no such key; did you mean 'limit'?"),
    (["model=first", "limit=many"], "limit: "),
    (["model=first", "task.sampling.temperature=9"], "task.sampling.temperature: "),
    (["model=first", "tags=[lnog]"], "tags: no case has 'lnog'"),
    (["model=first", "+task.scorers.exat={}", "task.quality=exact"], "exat"),
    (["model=first", "task.scorers={exat:{}}"], "add it with +task.scorers.exat="),
    (["model=first", "+requirements.bounds.qualty={min: 0.5}"], "qualty"),
    (["model=first", "+requirements.min_qality=1"], "requirements.min_qality: no such key"),
    (["model=first", "task.cases=nowhere.jsonl"], "no file 'nowhere.jsonl'"),
    (["model=../../x"], "an option is the name of a file"),
    (["model=first", "task.system=${oc.env:LOOPBACK_API_KEY}"], "never reads the environment"),
    (["model=first", "task.prompt='{{ nope }}'"], "task.prompt, case 'c0': 'nope' is undefined"),
    (["model=first", "requirements.max_latency_ms=inf"], "requirements.max_latency_ms: "),
    (
        ["model=first", "requirements.data_privacy=air_gapped"],
        "model goes to loop (third_party), but requirements.data_privacy is air_gapped",
    ),
    (["model=first", "reuse=nowhere"], "reuse: nowhere: is no run"),
    (["model=first", "limit=1", "task.sampling.max_tokens=9000"], "do not fit the 8192 of first"),
    (["model.id=x"], "model.id: name the model first"),
    (["model=first", "model.id=tiny-latest"], "tiny-latest"),
    (["model=first", "model.retires=2026-01-01"], "2026-01-01"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda value: str(value)[:60])
def test_bad_input(
    runner: Run,
    server: Loopback,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    """Bad input is one clear line on stderr and exit code 2; nothing is sent or left behind."""
    code = main(arguments) if arguments == ["evil"] else runner(*arguments)
    error = capsys.readouterr().err
    assert code == 2
    assert message in error
    assert len(error.splitlines()) == 1
    assert server.requests == []
    assert not Path("outputs").exists()


def test_missing_key(
    runner: Run,
    server: Loopback,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A key that is not set is named before any request."""
    monkeypatch.delenv("LOOPBACK_API_KEY")
    assert runner("model=first") == 2
    assert "set LOOPBACK_API_KEY in the environment" in capsys.readouterr().err
    assert server.requests == []


CASES = [
    ("{oops\n", "demo.jsonl:1: is not JSON"),
    ('{"id": "a", "input": "x"}\n{"id": "a", "input": "y"}\n', "demo.jsonl:2: id 'a'"),
    ('{"id": "a"}\n', "demo.jsonl:1: input: field required"),
    ('{"id": "a", "input": "x", "expectd": 1}\n', "did you mean 'expected'"),
    ("\n\n", "holds no cases"),
    ('{"id": "a", "input": "x"}\n', "case 'a': exact: "),
    (json.dumps({"id": "a", "input": "x " * 20000, "expected": "x"}), "do not fit the 8192"),
]


@pytest.mark.parametrize(("text", "message"), CASES)
def test_bad_cases(
    runner: Run, server: Loopback, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    """A mistake in the cases is reported with file and line before anything is sent."""
    Path("tasks/demo.jsonl").write_text(text)
    assert runner("model=first") == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert server.requests == []


def test_malformed_yaml(runner: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """A config file that is no YAML is named with its line."""
    Path("conf/model/first.yaml").write_text("name: first\n  id: [\n")
    assert runner("model=first") == 2
    error = capsys.readouterr().err
    assert "first.yaml" in error
    assert len(error.splitlines()) == 1


def test_wrong_config_dir(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A --config-dir that is not there is refused, with the one that is."""
    assert main(["--config-dir", "cnof", "model=first"]) == 2
    assert "--config-dir: no directory 'cnof'; did you mean 'conf'?" in capsys.readouterr().err


@pytest.mark.parametrize("mode", [[], ["-m"]])
def test_unwritable_outputs(
    runner: Run, server: Loopback, capsys: pytest.CaptureFixture[str], mode: list[str]
) -> None:
    """An outputs directory that can't be made is refused before anything is sent."""
    Path("file").write_text("in the way")
    assert runner("model=first", "outputs=file", *mode) == 2
    error = capsys.readouterr().err
    assert "file" in error
    assert len(error.splitlines()) == 1
    assert server.requests == []


def test_no_thresholds(runner: Run, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A task without requirements of its own has those of base, and no word is stronger for it."""
    assert main(["--config-dir", "conf", "task=demo", "model=first"]) == 0
    assert "no threshold is set" in " ".join(capsys.readouterr().out.split())
    assert main(["--config-dir", "conf", "task=demo", "requirements=demi"]) == 2
    assert "requirements=demi: no such option; there is: base" in capsys.readouterr().err


def test_own_config_comes_first(runner: Run, server: Loopback) -> None:
    """A file in the user's --config-dir replaces ours of the same name."""
    Path("conf/model/haiku.yaml").write_text(MODEL.format(name="haiku"))
    assert runner("model=haiku", "limit=1") == 0
    assert server.requests[0].model == "haiku-2026-01-01"


def test_mapping_picks_the_model(runner: Run, server: Loopback) -> None:
    """The mapping says which model answers a task, and model= wins over it."""
    mapping = Path("conf/mapping/mine.yaml")
    mapping.parent.mkdir()
    mapping.write_text("defaults:\n  - /model@demo: second\n")
    assert runner("mapping=mine", "limit=1") == 0
    assert runner("mapping=mine", "model=first", "limit=1") == 0
    assert [request.model[:6] for request in server.requests] == ["second", "first-"]


def test_unmapped_task(runner: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """A task that the mapping does not know needs a model=."""
    assert runner() == 2
    assert "mapping: no model for task 'demo'" in capsys.readouterr().err


def test_task_of_ones_own(runner: Run, server: Loopback) -> None:
    """A copied task needs its file and its cases, and no code."""
    assert runner("model=first", "task.name=mine", "task.prompt='Say: {{ input }}'") == 0
    assert server.requests[0].text.startswith("Say: text")


def test_sweep_file(runner: Run, server: Loopback) -> None:
    """A sweep file holds the candidates, and names the directory."""
    path = Path("conf/sweep/mine.yaml")
    path.parent.mkdir()
    path.write_text(
        "# @package _global_\nhydra: {mode: MULTIRUN, sweeper: {params: {model: 'first,second'}}}\n"
    )
    assert runner("sweep=mine", "limit=1") == 0
    assert len(server.requests) == 2
    assert only("sweeps/*").name.endswith("_mine")


def test_interrupted_sweep_is_taken_over(runner: Run, server: Loopback) -> None:
    """The same sweep after a crash asks nothing of the jobs that were finished."""
    runner("-m", "model=first,second")
    crashed = only("sweeps/*")
    (crashed / RESULT).unlink()
    [first] = crashed.glob("0_*")
    journal = first / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:1]) + lines[1][:50])  # torn in mid-write
    (first / RESULT).unlink()
    assert runner("-m", "model=first,second") == 0
    assert len(server.requests) == 8 + 3
    assert not crashed.exists()
    for run in only("sweeps/*").glob("*/"):
        assert sorted(line.case for line in read_journal(run / JOURNAL)) == ["c0", "c1", "c2", "c3"]


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"], ["model=first", "--help"]])
def test_help_is_our_page(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """Help names every command, and the options that are there, the user's own among them."""
    assert main([*arguments, "--config-dir", str(home / "conf")]) == 0
    out = capsys.readouterr().out
    assert all(f"  {command} " in out for command in COMMANDS)
    assert "first" in out.partition("model=")[2]
