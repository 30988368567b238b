"""`init` makes a project out of a file of cases, which passes `check` and runs as it is."""

import csv
import json
from pathlib import Path

import pytest
import yaml

from runner.cases.cases import Case
from runner.cases.prompt import render
from runner.commands.command_line import main
from runner.config.schema import Task
from tests.loopback import Loopback

TABLE = "input,expected,tags\n" + "".join(
    f'"Text {n}, please",{["refund", "praise"][n % 2]},{["easy", "hard"][n % 2]}\n'
    for n in range(8)
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("Tickets 2026.csv").write_text(TABLE)
    Path("Ticket.csv").mkdir()
    Path("beside.csv").write_text("input,My text,expected\na,b,c\n")
    return tmp_path


def files(home: Path) -> dict[str, str]:
    return {
        str(path.relative_to(home)): path.read_text() for path in home.rglob("*") if path.is_file()
    }


def test_a_project_that_runs(
    home: Path, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """From a table and a server's address: no file written by hand, checked, asked, measured."""
    words = ["from=Tickets 2026.csv", "models=org/Own-7B", f"provider={server.base_url}/v1"]
    assert main(["init", *words]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "next: python -m runner task=tickets_2026"
    assert main(["check"]) == 0
    assert "5 options of yours, 0 problems" in capsys.readouterr().out
    assert main(["task=tickets_2026", "limit=2"]) == 0
    asked = server.requests[-1]
    assert asked.model == "org/Own-7B"
    assert "one of these labels and nothing else: refund, praise" in json.dumps(asked.body)
    assert (home / "outputs/.gitignore").read_text() == "*\n"


def test_its_task_is_meant(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a project with one task nobody has to name it; of several, which one has to be said."""
    main(["init", "from=Tickets 2026.csv"])
    capsys.readouterr()
    Path("conf/sweep").mkdir()
    sweep = "# @package _global_\nhydra: {mode: MULTIRUN, sweeper: {params: {model: local}}}\n"
    Path("conf/sweep/mine.yaml").write_text(sweep)
    many = ["-m", "model=local,haiku"]
    knob = sweep.replace("model: local", "task.sampling.temperature: '0.0,0.5'")
    Path("conf/sweep/knob.yaml").write_text(f"defaults: [_self_]\n{knob}")
    for words in ([], many, [*many, "sweep=adhoc"], ["sweep=mine"], ["sweep=knob"]):
        assert main([*words, "estimate=true"]) == 0
        assert "tickets_2026-local" in capsys.readouterr().out
    Path("conf/sweep/mine.yaml").write_text(sweep.replace("local", "local, task: reasoning"))
    for words in (["sweep=mine"], ["+experiment=nightly"], ["-m", "+experiment=nightly,nightly"]):
        assert main([*words, "estimate=true"]) == 0
        assert "tickets_2026" not in capsys.readouterr().out
    main(["init", "from=Tickets 2026.csv", "task=more"])
    capsys.readouterr()
    for command in ("eval", "run", "serve", "drill", "drift", "checklist"):
        assert main([command, *(["input=x"] if command == "run" else [])]) == 2
        said = "runner: task: say which is meant: task=more, task=tickets_2026\n"
        assert capsys.readouterr().err == said
    assert main(["estimate=true", "task=more"]) == 0
    assert main(["select", "requirements=base"]) == 0
    Path("conf/run.yaml").write_text("defaults: [config, override task: more, _self_]\n")
    capsys.readouterr()
    main(["run", "input=x", "--cfg", "job"])
    assert "say which is meant" not in capsys.readouterr().err


def test_nothing_is_overwritten(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second task is added beside the first; the same again is refused with all as it was."""
    Path("README.md").write_text("mine")
    assert main(["init", "from=Tickets 2026.csv"]) == 0
    assert main(["init", "from=Tickets 2026.csv", "task=more", "models=haiku,routed"]) == 0
    before = files(home)
    assert before["README.md"] == "mine"
    mapping = yaml.safe_load(before["conf/mapping/default.yaml"])
    assert mapping == {"tickets_2026": "local", "more": "haiku"}
    assert "ANTHROPIC_API_KEY" not in before[".github/workflows/model-decision.yml"]
    assert main(["init", "from=Tickets 2026.csv", "task=more"]) == 2
    assert "conf/task/more.yaml: is there already" in capsys.readouterr().err
    assert files(home) == before


def test_keys_of_the_candidates(home: Path) -> None:
    """The workflow is given the key of every model that it may ask, those of arms too."""
    assert main(["init", "there", "models=haiku,routed"]) == 0
    flow = yaml.safe_load((home / "there/.github/workflows/model-decision.yml").read_text())
    steps = flow["jobs"]["measure"]["steps"]
    [keys] = [step["env"] for step in steps if "env" in step]
    assert sorted(keys) == ["ANTHROPIC_API_KEY", "OPENAI_API_KEY"]


def test_columns_of_other_names(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What others call a label is what is expected, which is said; another column can be named."""
    Path("set.csv").write_text("text,label,note\nlost card,card,a\nno money,cash,b\n")
    assert main(["init", "one", "from=set.csv"]) == 0
    assert "column 'label' is what is expected" in capsys.readouterr().out
    [first, _] = (home / "one/tasks/set/cases.jsonl").read_text().splitlines()
    assert json.loads(first) == {
        "id": "2",
        "input": {"text": "lost card", "note": "a"},
        "expected": "card",
    }
    Path("set.csv").write_text("text,label\nlost card,card\nno money,cash\n")
    assert main(["init", "two", "from=set.csv", "expected=text"]) == 0
    [first, _] = (home / "two/tasks/set/cases.jsonl").read_text().splitlines()
    assert json.loads(first) == {"id": "2", "input": "card", "expected": "lost card"}
    Path("set.csv").write_text("Message,Group\nlost card,A\nno money,B\n")
    assert main(["init", "three", "from=set.csv"]) == 0
    assert "expected=… names one of Message, Group" in capsys.readouterr().out
    Path("on.csv").write_text("text,EXPECTED\nlost card,1e400\nno money,00012\n")
    assert main(["init", "four", "from=on.csv"]) == 0
    out = capsys.readouterr().out
    assert "column 'EXPECTED' is what is expected" in out
    assert "scored by contains" in out  # 1e400 is no number
    assert out.endswith("python -m runner task=my_on\n")


def test_a_column_that_is_the_answer(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What would tell the model what is expected of it is said."""
    Path("set.csv").write_text(
        "text,Label,label,note\nlost card,card,card,a\nno money,cash,cash,b\n"
    )
    assert main(["init", "from=set.csv"]) == 0
    out = capsys.readouterr().out
    assert "to look at: column 'label' is in the prompt, and is what is expected\n" in out
    assert out.count("is in the prompt") == 1


def test_json_lines_of_other_names(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Keys that no case has are read as columns are, whatever stands behind them."""
    rows = [{"text": "lost card", "label": "card", "at": {"hour": 3}}, {"text": "?", "label": "x"}]
    Path("set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["init", "one", "from=set.jsonl"]) == 0
    assert "column 'label' is what is expected" in capsys.readouterr().out
    [first, second] = (home / "one/tasks/set/cases.jsonl").read_text().splitlines()
    variables = {"text": "lost card", "at": {"hour": 3}}
    assert json.loads(first) == {"id": "1", "input": variables, "expected": "card"}
    variables = {"text": "?", "at": ""}  # the prompt names all of them
    assert json.loads(second) == {"id": "2", "input": variables, "expected": "x"}
    rows = [{"text": "a", "label": True}, {"input": "b", "expected": "x", "label": None}]
    Path("odd.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["init", "two", "from=odd.jsonl", "expected=label"]) == 0
    lines = (home / "two/tasks/odd/cases.jsonl").read_text().splitlines()
    assert [(each["input"], each["expected"]) for each in map(json.loads, lines)] == [
        ({"input": "", "text": "a"}, "true"),
        ({"input": "b", "text": ""}, "x"),
    ]


ODD = [
    "Ticket ID",
    "class",
    "if",
    "none",
    "loop",
    "*",
    "a.b",
    "it's",
    '"x"',
    "{{ y }}",
    "%}",
    "Ü b",
]


def test_a_table_as_it_comes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever its columns are called, the prompt has them; rows with a hole are left out, said."""
    cells = [f"cell {n}" for n in range(len(ODD))]
    with Path("export.csv").open("w") as file:
        table = csv.writer(file)
        table.writerow([*ODD, "Label"])
        table.writerows([[*cells, "A"], [*cells, "B"], [*cells, ""]])
    assert main(["init", "here", "from=export.csv"]) == 0
    said = capsys.readouterr().out
    assert "column 'Label' is what is expected" in said
    assert "left out, for want of a text or of what is expected: case 4\n" in said
    written = yaml.safe_load((home / "here/conf/task/export.yaml").read_text())
    lines = (home / "here/tasks/export/cases.jsonl").read_text().splitlines()
    case = Case.model_validate(json.loads(lines[0]))
    assert len(lines) == 2
    task = Task(name="x", cases="x", scorers={"exact": {}}, prompt=written["prompt"])
    [message] = render(task, case)
    assert message["content"] == "\n".join(map(": ".join, zip(ODD, cells, strict=True)))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["from=Tickets.csv"], "from: no file 'Tickets.csv'; did you mean 'Tickets 2026.csv'"),
        (["from=Ticket.csv"], "from: no file 'Ticket.csv'; did you mean 'Tickets 2026.csv'"),
        (["from=Tickets 2026.csv", "expected=inptu"], "expected=inptu: no such column"),
        (["Tickets 2026.csv"], "Tickets 2026.csv"),
        (["from=beside.csv"], "column 'My text': no prompt can name it beside `input`"),
        (["models=haiko"], "models: no model 'haiko'; did you mean 'haiku'"),
        (["models=x", "provider=opnai"], "provider=opnai: no such provider; did you mean 'openai'"),
        (["provider=openai"], "provider=openai: none of the models needs a file"),
        (["task=My Task"], "task:"),
        (["task=nan"], "task: 'nan' is a word of YAML or Hydra"),
        (["task=123"], "task:"),
        (["form=x"], "form: no such key; did you mean 'from'"),
        (["one", "two"], "two: is no override"),
    ],
)
def test_wrong_words(
    home: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake is one line and exit 2, and nothing is written."""
    before = files(home)
    assert main(["init", *words]) == 2
    assert said in capsys.readouterr().err
    assert files(home) == before
