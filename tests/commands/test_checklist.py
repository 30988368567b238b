"""`checklist` as a user types it, on the records of real runs, sweeps and drills."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.commands import checklist
from runner.commands.command_line import main
from runner.config import paths
from tests.commands.conftest import Once
from tests.commands.test_command_line import MODEL, Run
from tests.conftest import write_cases
from tests.loopback import Loopback

OWN = ["--config-dir", "conf", "task=demo", "model=first", "requirements=base", "retry=quick"]
NAMES = ("first", "second", "third")
Lines = dict[str, dict[str, Any]]
Checked = Callable[..., Lines]

MEASURED = "Quality is measured"
CANDIDATES = "3 or more candidates are measured"
DRILLED = "The fallback is drilled"


@pytest.fixture
def server(one_server: Loopback) -> Loopback:
    return one_server


@pytest.fixture
def home_of_three(home: Path) -> Path:
    (home / "conf/model/third.yaml").write_text(MODEL.format(name="third"))
    (home / "conf/fallback").mkdir()
    (home / "conf/fallback/chain.yaml").write_text(
        'defaults: [/model@chain.first: second, _self_]\nname: chain\n"on": [overloaded]\n'
    )
    return home


@pytest.fixture
def checked(home_of_three: Path, capsys: pytest.CaptureFixture[str]) -> Checked:
    """The lines by what they are about."""

    def run(*arguments: str, days_later: int = 0) -> Lines:
        capsys.readouterr()
        today = datetime.now(UTC).date() + timedelta(days=days_later)
        assert checklist.main([*OWN, "format=json", *arguments], today) == 0
        tree = json.loads(capsys.readouterr().out)
        return {each["what"]: each for each in tree["lines"]}

    return run


@pytest.fixture
def sweep(home_of_three: Path, runner: Run, once: Once) -> Path:
    """All three models, each measured on every case."""

    def measure() -> None:
        assert runner("-m", f"model={','.join(NAMES)}") == 0

    once("sweep", measure)
    [found] = Path("outputs").glob("sweeps/*")
    return found


@pytest.fixture
def run_of_first(home_of_three: Path, runner: Run, once: Once) -> None:
    def measure() -> None:
        assert runner("model=first") == 0

    once("run", measure)


def test_nothing_on_record(checked: Checked) -> None:
    """Before anything is measured nothing is ticked for it; what the config says is."""
    found = checked()
    assert found[MEASURED]["state"] == "open"
    assert found[CANDIDATES]["evidence"] == "no sweep on demo is on record"
    assert found["The task is named"]["link"] == "conf/task/demo.yaml"
    assert found["Every model is pinned"]["state"] == "ticked"


@pytest.mark.usefixtures("sweep")
def test_a_sweep_is_evidence(checked: Checked) -> None:
    """Its candidates are counted, its run of the model ticks what it measured, until it is old."""
    found = checked()
    assert found[CANDIDATES]["state"] == "ticked"
    assert found[CANDIDATES]["evidence"] == "3: first, second, third"
    assert found[MEASURED]["state"] == "ticked"
    assert found[MEASURED]["evidence"].startswith("quality 1.000")
    assert Path(found[MEASURED]["link"]).is_file()
    assert found[MEASURED]["age_days"] == 0
    later = checked(days_later=91)
    assert (later[MEASURED]["state"], later[CANDIDATES]["state"]) == ("open", "open")


@pytest.mark.usefixtures("sweep")
def test_other_cases(checked: Checked) -> None:
    """What was measured on other cases counts for nothing, and it is said why."""
    write_cases(Path("tasks/demo.jsonl"), 5)
    found = checked()
    assert "the cases have changed since" in found[MEASURED]["evidence"]
    assert found[CANDIDATES]["evidence"].startswith("0: none; ")


@pytest.mark.usefixtures("run_of_first")
def test_another_pin(checked: Checked) -> None:
    """A run of another id is no evidence for this one; neither is one with another prompt."""
    found = checked("model.id=first-2026-06-06")[MEASURED]
    assert found["state"] == "open"
    assert "the model was first-2026-01-01, it is first-2026-06-06 now" in found["evidence"]
    prompted = checked("task.system=Be brief.")[MEASURED]
    assert "the task had another system" in prompted["evidence"]


@pytest.mark.usefixtures("run_of_first")
def test_another_price(checked: Checked) -> None:
    """A price that has changed since leaves the cost open, and the quality as it was."""
    cost = "Cost of a request is measured"
    found = checked("model.price.input_usd_per_mtok=3")
    assert (found[MEASURED]["state"], found[cost]["state"]) == ("ticked", "open")
    assert found[cost]["evidence"].endswith("; at another price than now of first")
    assert checked("model.price.checked=2026-11-24")[cost]["state"] == "ticked"


@pytest.mark.usefixtures("run_of_first")
def test_a_newer_run_that_does_not_count(checked: Checked, runner: Run) -> None:
    """The evidence is the newest run that counts, and one of all cases where there is one."""
    assert runner("model=first", "task.system=Be brief.") == 0
    assert runner("model=first", "limit=2") == 0
    found = checked()
    assert found[MEASURED]["state"] == "ticked"
    assert found[MEASURED]["evidence"].endswith("n = 4; min_quality_score is not set")


def test_from(checked: Checked, runner: Run, sweep: Path) -> None:
    """`from` names the one record that counts; one without this task is a mistake."""
    assert runner("model=second") == 0
    [alone] = Path("outputs").glob("runs/*")
    assert checked(f"from={sweep}")[CANDIDATES]["state"] == "ticked"
    found = checked(f"from={alone}")
    assert (found[CANDIDATES]["state"], found[MEASURED]["state"]) == ("open", "open")


def test_a_drill_is_evidence(checked: Checked) -> None:
    """A drill ticks its line for the very chain that it drilled, and for no other."""
    assert main(["drill", *OWN, "fallback=chain", "only=[outage]", "limit=1"]) == 0
    assert checked("fallback=chain")[DRILLED]["state"] == "ticked"
    assert "was of another model, fallback" in checked()[DRILLED]["evidence"]
    assert "was of" in checked("fallback=chain", "retry.attempts=3")[DRILLED]["evidence"]


def test_edge_cases(checked: Checked, runner: Run) -> None:
    """The score of tagged cases is the mean over the chosen model's answers to them."""
    cases = [
        {"id": "a", "input": "x", "expected": "x", "tags": ["long"]},
        {"id": "b", "input": "x", "expected": "y", "tags": ["long"]},
        {"id": "c", "input": "x", "expected": "x", "tags": ["de"]},
    ]
    Path("tasks/demo.jsonl").write_text("".join(f"{json.dumps(case)}\n" for case in cases))
    assert runner("model=first") == 0
    found = checked("edge_cases.multilingual=de")
    said = "2 of the cases have the tag long; mean quality 0.500, n = 2"
    assert found["Cases of the kind long are measured"]["evidence"] == said
    assert found["Cases of the kind multilingual are measured"]["state"] == "ticked"
    assert found["Cases of the kind adversarial are measured"]["state"] == "open"


def test_gate(home_of_three: Path) -> None:
    """An open line is exit 3 under gate=true, and Markdown goes into a file."""
    assert main(["checklist", *OWN]) == 0
    assert main(["checklist", *OWN, "gate=true", "format=markdown", "to=docs/list.md"]) == 3
    text = Path("docs/list.md").read_text()
    assert text.startswith("# Checklist: demo · first (first-2026-01-01)\n")
    assert "- [x] The task is named" in text
    assert "](<../conf/task/demo.yaml>)" in text
    assert "conf/requirements/base.yaml" in text
    # Where the program lies is nobody's business.
    assert str(paths.builtin("conf").parent) not in text


def test_alerts_are_those_of_spend(checked: Checked) -> None:
    """What one's own conf/spend.yaml says is what `spend` would do."""
    Path("conf/spend.yaml").write_text(
        "outputs: outputs\nsince: null\nby: [day]\nformat: table\ndata_privacy: standard\n"
        "alerts: {day_usd: 5, month_usd: null, tasks: {}}\n"
        "notify: {env: [SLACK_URL], data: third_party}\n"
    )
    found = checked()["Cost is watched, and somebody is told"]
    assert (found["state"], found["link"]) == ("ticked", "conf/spend.yaml")
    assert found["evidence"] == "alerts: day_usd $5.00; told: SLACK_URL"


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("max_aeg=3d", "max_aeg: no such key; did you mean 'max_age'?"),
        ("max_age=90", "max_age: is no age; write 90d for 90 days"),
        ("answers.team=true", "answers.team: no such key"),
        ("retry.attemps=3", "retry.attemps: no such key; did you mean 'attempts'?"),
        ("from=nowhere", "from: nowhere: is no run: there is no such directory"),
        ("sweep=local", "checklist: is about one decision"),
        ("haiku", "haiku: is no override"),
    ],
)
def test_wrong_config(
    home_of_three: Path, argument: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake is a line and exit 2."""
    assert main(["checklist", *OWN, argument]) == 2
    assert capsys.readouterr().err.startswith(f"runner: {message}")
