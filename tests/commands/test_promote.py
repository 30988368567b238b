"""`promote` as a user types it: what it writes, and what it refuses."""

import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml

from runner.commands import promote
from runner.commands.command_line import main
from runner.config import paths
from runner.config.catalogue import compose_config
from runner.decide.promote import decision_record
from runner.decide.promote.decision_record import DecisionRecord
from runner.errors import ConfigError
from runner.record.files import RESULT
from tests import loopback
from tests.commands.conftest import Once
from tests.commands.test_command_line import MODEL, Run
from tests.conftest import write_cases
from tests.loopback import Loopback

MAPPING = """# mine
defaults:
  - /model@other: second  # stays
  - /model@demo: second  # the cheap one
"""
TODAY = date(2026, 12, 1)

# Few cases: what is open waits for more of them.
OPEN_NAMES = ["bounds.error_rate"]


@pytest.fixture
def server(one_server: Loopback) -> Loopback:
    one_server.answer = lambda r: (
        loopback.echo(r) if r.model.startswith("first") else loopback.text("wrong")
    )
    return one_server


@pytest.fixture
def sweep(runner: Run, once: Once) -> str:
    """first answers all 20 cases right, second none; 0.8 is required."""

    def measure() -> None:
        write_cases(Path("tasks/demo.jsonl"), 20)
        assert runner("-m", "model=first,second", "requirements.min_quality_score=0.8") == 0

    once("sweep", measure)
    [found] = Path("outputs").glob("sweeps/*")
    return str(found)


def promoted(*arguments: str) -> int:
    own = ["mapping=mine", "--config-dir", "conf"]
    return promote.main([*arguments, *own], today=TODAY)


def record() -> DecisionRecord:
    return decision_record.find(paths.tasks_dirs(), "demo", "mine")


def test_one_line_changes(sweep: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The mapping names the winner, comments stay, and the change is printed as a diff."""
    mapping = Path("conf/mapping/mine.yaml")
    mapping.parent.mkdir()
    mapping.write_text(MAPPING)
    capsys.readouterr()
    assert promoted(sweep, "candidate=first") == 0
    assert mapping.read_text() == MAPPING.replace("demo: second", "demo: first")
    out = capsys.readouterr().out
    assert "-  - /model@demo: second  # the cheap one" in out
    assert "+  - /model@demo: first  # the cheap one" in out
    assert "+++ tasks/demo/decisions/mine.yaml" in out
    assert "drift task=demo mapping=mine --config-dir conf" in out


def test_the_mapping_is_used(sweep: str, runner: Run, server: Loopback) -> None:
    """mapping= and task= alone ask the promoted model, in a mapping that was not there before."""
    assert promoted(sweep, "candidate=first") == 0
    assert runner("mapping=mine", "limit=1") == 0
    assert server.requests[-1].model == "first-2026-01-01"


def test_the_record(sweep: str) -> None:
    """It holds what is required, what was found, the evidence's hash, the runner-up, canaries."""
    assert promoted(sweep, "candidate=first", "canary=7") == 0
    found = record()
    assert (found.task, found.mapping, found.model) == ("demo", "mine", "first")
    assert found.requirements["min_quality_score"] == 0.8
    assert found.metrics["quality"].value == 1.0
    assert (found.overruled, found.tier) == (None, "supported")
    assert [line.partition(" ")[0] for line in found.open] == OPEN_NAMES
    assert found.runner_up is not None
    assert (found.runner_up.model, found.runner_up.tier) == ("second", "refused")
    assert len(found.evidence.result_sha256) == 64
    assert sorted(found.evidence.journals_sha256) == ["0_demo-first", "1_demo-second"]
    assert len(found.canary) == 7
    assert all(each.answer.startswith("text") and each.scores["exact"] for each in found.canary)
    assert found.review_by == date(2026, 11, 23) + (date(2026, 4, 1) - date(2026, 1, 1))
    assert found.review_because == "price of first was checked on 2026-11-23"
    lines = Path("tasks/demo/decisions/mine.yaml").read_text().splitlines()
    assert lines[0].startswith("# python -m runner drift task=demo mapping=mine ")


TASKS = [
    "extraction",
    "classification",
    "summarization",
    "code_generation",
    "reasoning",
    "tool_use",
]


def test_only_what_is_mine(sweep: str, runner: Run) -> None:
    """A mapping beside ours of that name holds the one task, and ours goes on with the others."""
    assert promote.main([sweep, "candidate=first", "--config-dir", "conf"], today=TODAY) == 0
    own = Path("conf/mapping/default.yaml").read_text()
    assert yaml.safe_load(own) == {"demo": "first"}
    mapping = compose_config("config", [], "conf").mapping
    assert {task: model.name for task, model in mapping.items()} == {
        "demo": "first",
        **dict.fromkeys(TASKS, "local"),
    }


def test_what_is_not_proven_is_refused(sweep: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It takes a reason, which goes on record."""
    capsys.readouterr()
    with pytest.raises(ConfigError, match="second misses min_quality_score"):
        promoted(sweep, "candidate=second")
    assert not Path("conf/mapping").exists()
    assert promoted(sweep, "candidate=second", "unproven=true", "reason=cheap, (really)") == 0
    assert record().overruled == "cheap, (really)"


def test_another_model_of_that_name(sweep: str) -> None:
    """A file that was changed since the sweep is not what was measured."""
    changed = MODEL.format(name="first").replace("first-2026-01-01", "first-2026-09-09")
    Path("conf/model/first.yaml").write_text(changed)
    with pytest.raises(ConfigError, match="is not the model that was measured"):
        promoted(sweep, "candidate=first", "unproven=true", "reason=x")


def test_another_task(sweep: str) -> None:
    """A prompt that was changed since is said, and nothing is written."""
    task = Path("conf/task/demo.yaml")
    task.write_text(task.read_text() + "prompt: 'Say {{ input }}'\n")
    with pytest.raises(ConfigError, match="measured with another prompt"):
        promoted(sweep, "candidate=first")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["candidate=frist"], "candidate: .* has no 'frist'; did you mean 'first'?"),
        (["candidate=first", "task=extraction"], "task: say which of demo"),
        (["candidate=first", "unproven=true"], "unproven: goes with a reason"),
        (["candidate=first", "reason=x"], "unproven: goes with a reason"),
        (["candidate=first", "unproven=true", "reason=x"], "nothing speaks against it"),
        (["candidate=first", "canary=0"], "canary: "),
        ([], "candidate: is missing"),
    ],
)
def test_wrong_arguments(sweep: str, arguments: list[str], message: str) -> None:
    """A mistake is refused before anything is written."""
    with pytest.raises(ConfigError, match=message):
        promoted(sweep, *arguments)
    assert not Path("conf/mapping").exists()
    assert not Path("tasks/demo").exists()


def test_no_sweep(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory that is no finished sweep, and a mapping outside conf/, are refused."""
    own = ["candidate=first", "--config-dir", "conf"]
    assert main(["promote", "nowhere", *own]) == 2
    assert "nowhere: is no finished sweep" in capsys.readouterr().err
    assert main(["promote", "nowhere", "mapping=../x", *own]) == 2
    assert capsys.readouterr().err.startswith("runner: mapping: ")


def test_a_sweep_without_its_report(sweep: str) -> None:
    """A sweep whose result is damaged is refused as such."""
    (Path(sweep) / RESULT).write_text("[]")
    with pytest.raises(ConfigError, match="is no sweep"):
        promoted(sweep, "candidate=first")


def test_an_installed_package_is_left_alone(
    sweep: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --config-dir an installed conf/ is never written to."""
    installed = tmp_path / "site" / "runner"
    shutil.copytree(paths.builtin("conf"), installed / "_conf")
    monkeypatch.setattr(paths, "_PACKAGE", installed)
    monkeypatch.chdir(installed.parent)  # where there is no ./conf
    with pytest.raises(ConfigError, match="say --config-dir"):
        promote.main([str(Path(sweep).absolute()), "candidate=first"], today=TODAY)
