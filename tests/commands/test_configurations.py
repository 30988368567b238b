"""A candidate is a configuration: swept, named, recommended, promoted, and asked as it was."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner.commands._check_files import check_files
from runner.commands.command_line import main
from runner.config import paths
from runner.decide.promote import decision_record
from runner.decide.sweep import SweepResult, load
from runner.record.files import JOURNAL, RESULT, SWEEP
from tests import loopback
from tests.commands.conftest import Once
from tests.commands.test_check import TODAY, leave_out
from tests.loopback import Answer, Loopback, Request

PROVIDER = """
defaults: [/base/provider@_here_, _self_]
name: openai
litellm: openai
api_base: {base_url}
api_key_env: LOOPBACK_API_KEY
data: third_party
"""
OTHER = """
defaults: [gpt-6-luna, _self_]
name: gpt-6-other
id: gpt-6-luna-2
allow_unpinned: true
"""
LOW, HIGH = "gpt-6-luna · effort=low", "gpt-6-luna · effort=high"
EFFORTS = "task.sampling.reasoning_effort=low,high"
CASES = 40


def thinking(request: Request, *, always: bool = False) -> Answer:
    """At high effort the answer is right, and has cost thought."""
    high = always or request.body.get("reasoning_effort") == "high"
    number = request.text.split()[-1]
    body = loopback.completion(f"Answer: {number if high else 0}")
    thought = {"reasoning_tokens": 300 if high else 20}
    body["usage"] |= {"completion_tokens": 400, "completion_tokens_details": thought}
    return Answer(body=body)


@pytest.fixture
def server(one_server: Loopback) -> Loopback:
    one_server.answer = thinking
    return one_server


@pytest.fixture
def home(tmp_path: Path, server: Loopback, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A provider on loopback in place of ours, and easy cases in place of ours."""
    files = {
        "conf/provider/openai.yaml": PROVIDER.format(base_url=server.base_url),
        "conf/model/gpt-6-other.yaml": OTHER,
        "conf/prompt/mine/brief.yaml": "# @package task\nprompt_name: mine-brief\nsystem: Brief.\n",
        "tasks/reasoning/cases.jsonl": "".join(
            json.dumps({"id": f"c{n}", "input": f"Say {n}", "expected": n}) + "\n"
            for n in range(1, CASES + 1)
        ),
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    return main([*arguments, "--config-dir", "conf"])


def swept(*arguments: str) -> tuple[Path, SweepResult]:
    """A sweep on the task, with bounds that such a server can be shown to meet."""
    wanted = ["requirements=base", "requirements.min_quality_score=0.8", "retry=none"]
    assert run("-m", "task=reasoning", *wanted, *arguments) == 0
    sweep = max(Path("outputs").glob("sweeps/*"))
    return sweep, load(sweep)


@pytest.fixture
def efforts_swept(home: Path, server: Loopback, once: Once) -> tuple[Path, SweepResult]:
    """A model at two efforts, swept once for this file."""

    def measure() -> None:
        swept("model=gpt-6-luna", EFFORTS)

    once("efforts", measure)
    [sweep] = Path("outputs").glob("sweeps/*")
    return sweep, load(sweep)


def like_for_like(found: SweepResult) -> bool:
    """What the model's own file says of it holds for each of its rows, and is no difference."""
    assert all("is not sent temperature" in " ".join(row.notes) for row in found.runs)
    return not found.recommendations["reasoning"].differences


def efforts(server: Loopback, since: int) -> set[Any]:
    return {request.body.get("reasoning_effort") for request in server.requests[since:]}


def test_from_a_sweep_to_production(
    efforts_swept: tuple[Path, SweepResult], server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was measured is what is served: named, promoted, run, drifted with its effort."""
    sweep, found = efforts_swept
    assert [(row.rank, row.label) for row in found.runs] == [(1, HIGH), (2, LOW)]
    said = found.recommendations["reasoning"]
    assert said.choice == found.best["reasoning"] == HIGH
    assert HIGH in said.headline
    assert like_for_like(found)
    assert said.reasons and "reasoning tokens" not in " ".join(said.reasons)
    for page in ("report.md", "report.html"):
        assert HIGH in (sweep / page).read_text()
    capsys.readouterr()
    assert main(["report", str(sweep)]) == 0
    assert "effort=high" in capsys.readouterr().out

    assert run("promote", str(sweep), "candidate=effort=high", "mapping=mine") == 0
    mapping = yaml.safe_load(Path("conf/mapping/mine.yaml").read_text())
    assert mapping["overrides"] == {"reasoning": {"task.sampling.reasoning_effort": "high"}}
    record = decision_record.find([Path("tasks")], "reasoning", "mine")
    assert (record.model, record.candidate) == ("gpt-6-luna", HIGH)
    assert record.overrides == {"task.sampling.reasoning_effort": "high"}
    assert record.runner_up and record.runner_up.candidate == LOW

    own, since = ["task=reasoning", "mapping=mine"], len(server.requests)
    assert run("run", *own, "input=Say 7") == 0
    assert run(*own, "requirements=base", "limit=1") == 0
    assert run("drift", *own, "requirements=base") == 0
    assert efforts(server, since) == {"high"}
    since = len(server.requests)
    assert run("run", *own, "input=Say 7", "task.sampling.reasoning_effort=low") == 0
    assert efforts(server, since) == {"low"}


def test_a_mapping_that_lost_its_effort_has_moved(
    efforts_swept: tuple[Path, SweepResult],
) -> None:
    """Drift says so when the mapping asks otherwise than was promoted."""
    sweep, _ = efforts_swept
    assert run("promote", str(sweep), f"candidate={HIGH}", "mapping=mine") == 0
    mapping = Path("conf/mapping/mine.yaml")
    mapping.write_text(mapping.read_text().replace(": high", ": low"))
    own = ["task=reasoning", "mapping=mine", "requirements=base", "gate=true"]
    assert run("drift", *own) == 3


def test_two_by_two(home: Path, server: Loopback) -> None:
    """Each model at each effort is a row of its own, and a plain model takes no effort along."""
    sweep, found = swept("model=gpt-6-luna,gpt-6-other", EFFORTS)
    assert {row.label for row in found.runs} == {
        f"{model} · effort={effort}"
        for model in ("gpt-6-luna", "gpt-6-other")
        for effort in ("low", "high")
    }
    assert like_for_like(found)
    assert run("promote", str(sweep), "candidate=high gpt-6-other", "mapping=mine") == 0
    sweep, found = swept("model=gpt-6-luna,gpt-6-other", "task.sampling.max_tokens=500")
    assert {row.label for row in found.runs} == {"gpt-6-luna", "gpt-6-other"}
    reason = ["unproven=true", "reason=cheap"]
    assert run("promote", str(sweep), "candidate=gpt-6-luna", "mapping=mine", *reason) == 0
    mapping = yaml.safe_load(Path("conf/mapping/mine.yaml").read_text())
    assert mapping["overrides"] == {"reasoning": {"task.sampling.max_tokens": 500}}


def test_resume(efforts_swept: tuple[Path, SweepResult], server: Loopback) -> None:
    """A sweep that was interrupted goes on with each configuration's own answers."""
    sweep, before = efforts_swept
    (sweep / RESULT).unlink()
    for number in (0, 1):
        [job] = sweep.glob(f"{number}_*")
        (job / RESULT).unlink()
        lines = (job / JOURNAL).read_text().splitlines(keepends=True)
        (job / JOURNAL).write_text("".join(lines[: 10 + number]))
    since = len(server.requests)
    _, found = swept("model=gpt-6-luna", EFFORTS)
    assert len(server.requests) - since == 2 * CASES - 21
    assert not (sweep / SWEEP).exists()
    assert [(row.label, row.tier) for row in found.runs] == [
        (row.label, row.tier) for row in before.runs
    ]


def test_a_knob_that_does_nothing(home: Path, server: Loopback) -> None:
    """A parameter that never goes over the wire, and an effort that costs no thought, are said."""
    server.answer = lambda r: thinking(r, always=True)
    _, found = swept("model=gpt-6-luna", "task.sampling.temperature=0,1")
    reasons = found.recommendations["reasoning"].reasons
    assert any(
        "temperature changed nothing on the wire" in said and f"all {CASES} cases" in said
        for said in reasons
    )
    _, found = swept("model=gpt-6-luna", EFFORTS)
    reasons = found.recommendations["reasoning"].reasons
    assert any(
        "reasoning tokens do not differ beyond chance: 300 a case" in said for said in reasons
    )


def test_prompts_are_candidates(home: Path, server: Loopback) -> None:
    """A prompt of one's own is swept by name, promoted by name, and sent."""
    server.answer = lambda r: loopback.text(
        f"Answer: {r.text.split()[-1] if 'Brief.' in json.dumps(r.body) else 0}"
    )
    sweep, found = swept("model=gpt-6-luna", "prompt=default,mine/brief")
    assert [row.label for row in found.runs] == [
        "gpt-6-luna · prompt=mine-brief",
        "gpt-6-luna · prompt=default",
    ]
    assert like_for_like(found)
    assert "on the wire" not in " ".join(found.recommendations["reasoning"].reasons)
    assert run("promote", str(sweep), "candidate=mine-brief", "mapping=mine") == 0
    mapping = yaml.safe_load(Path("conf/mapping/mine.yaml").read_text())
    assert mapping["overrides"] == {"reasoning": {"prompt": "mine/brief"}}
    assert run("run", "task=reasoning", "mapping=mine", "input=Say 7") == 0
    assert "Brief." in json.dumps(server.requests[-1].body)
    assert run("drift", "task=reasoning", "mapping=mine", "requirements=base") == 0
    shutil.copytree(paths.builtin("conf"), home / "ours", ignore=leave_out)
    folders = [home / "conf", home / "ours"]
    report = check_files(folders, paths.tasks_dirs(), TODAY, ["mapping", "prompt"])
    assert report.checked > 4
    about = [line for line in (*report.problems, *report.notes) if "/mine" in line]
    assert about == []


def test_what_is_not_unambiguous(
    efforts_swept: tuple[Path, SweepResult], capsys: pytest.CaptureFixture[str]
) -> None:
    """A part that two have is refused with both of them, one that none has with the nearest."""
    sweep, _ = efforts_swept
    capsys.readouterr()
    assert run("promote", str(sweep), "candidate=gpt-6-luna", "mapping=mine") == 2
    said = capsys.readouterr().err
    assert f"'{HIGH}'" in said and f"'{LOW}'" in said
    assert run("promote", str(sweep), "candidate=gpt-6-luna · effort=hihg", "mapping=mine") == 2
    assert f"did you mean '{HIGH}'" in capsys.readouterr().err
