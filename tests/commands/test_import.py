"""`import` makes a task of another tool's file, which passes `check` and runs as it is."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from runner.commands.command_line import main
from tests.loopback import Loopback

INPUTS = Path(__file__).parent.parent / "decide/bring/inputs"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(INPUTS, tmp_path / "from")
    return tmp_path


def cases(task: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in Path(f"tasks/{task}/cases.jsonl").open()]


def test_all_of_them_pass_check(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every config, export and trace becomes a task that `check` has nothing against."""
    files = [each for each in sorted(home.glob("from/*.*")) if each.suffix != ".csv"]
    files += sorted(home.glob("from/*/promptfooconfig.yaml"))
    for number, file in enumerate(files):
        assert main(["import", str(file.relative_to(home)), f"task=t{number}"]) == 0
    assert len(files) >= 15
    assert main(["check"]) == 0
    assert "0 problems" in capsys.readouterr().out


def test_it_runs(home: Path, server: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """From a config with a server of one's own: both prompts and the scores of its assertions."""
    config = {
        "prompts": ["Say ${hello} to {{name}}", {"raw": "Greet {{name}}", "label": "short"}],
        "providers": [{"id": "openai:chat:own", "config": {"apiBaseUrl": f"{server.base_url}/v1"}}],
        "tests": [
            {
                "vars": {"name": ["Ada", "Bo"]},
                "assert": [{"type": "icontains", "value": "{{name}}"}],
            }
        ],
    }
    Path("mine.yaml").write_text(yaml.safe_dump(config))
    assert main(["import", "mine.yaml"]) == 0
    assert [case["expected"] for case in cases("mine")] == [
        [{"icontains": "Ada"}],
        [{"icontains": "Bo"}],
    ]
    assert main(["sweep=mine"]) == 0
    asked = sorted(each.body["messages"][-1]["content"] for each in server.requests)
    wanted = {f"{words} {name}" for words in ("Say ${hello} to", "Greet") for name in ("Ada", "Bo")}
    assert wanted <= set(asked)


def test_nothing_is_overwritten(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same again is refused; a second task is added beside the first."""
    assert main(["import", "from/labels.yaml", "task=one"]) == 0
    before = {path: path.read_text() for path in home.rglob("*") if path.is_file()}
    assert main(["import", "from/labels.yaml", "task=one"]) == 2
    assert "conf/task/one.yaml: is there already" in capsys.readouterr().err
    assert {path: path.read_text() for path in home.rglob("*") if path.is_file()} == before
    assert main(["import", "from/invoices.json", "task=two"]) == 0
    mapping = yaml.safe_load(Path("conf/mapping/default.yaml").read_text())
    assert mapping == {"one": "gpt-6-luna", "two": "gemini-2.5-flash-lite"}


def test_traces(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each request once and nobody in it; an answer is expected only where somebody says so."""
    assert main(["import", "from/otel.jsonl", "task=plain"]) == 0
    found = cases("plain")
    assert not any("expected" in case for case in found)
    assert [case.get("input") or case["messages"] for case in found] == [
        "Write to <email-1>, not to <email-2> or <email-1>",
        "My card is <card-1>, my IBAN <iban-1>",
        "Call <phone-1> from <ip-1>",
        [
            {"role": "user", "content": "One?"},
            {"role": "assistant", "content": "Two."},
            {"role": "user", "content": "Three?"},
        ],
        "Key <secret-1> leaked",
    ]
    capsys.readouterr()
    assert main(["import", "from/otel.jsonl", "task=told", "expected=answers"]) == 0
    assert [case["expected"] for case in cases("told")] == [
        "Done.", "Keep it.", "No.", "Four.", "Rotate it."
    ]  # fmt: skip
    said = "is what a model answered then, and was judged by nobody"
    assert said in " ".join(capsys.readouterr().out.split())
    assert said in Path("conf/task/told.yaml").read_text()


def test_a_sample(home: Path) -> None:
    """As many as asked for, by their shares, and the same ones with the same seed."""
    words = ["import", "from/litellm.jsonl", "sample=12", "by=model"]
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert main([*words, f"task={name}", f"seed={seed}"]) == 0
    a, b, c = (cases(name) for name in "abc")
    assert a == b != c
    tags = [case["tags"] for case in a]
    assert (len(a), tags.count(["web", "model=haiku"])) == (12, 3)  # 10 of 40


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["from/label.yaml"], "no such file; did you mean 'from/labels.yaml'"),
        (["from/questions.jsonl", "expected=anser"], "no such column; did you mean 'answer'"),
        (["from/questions.jsonl", "by=anser"], "no record has it; did you mean 'answer'"),
        (["from/otel.jsonl", "expected=answer"], "of otel it is answers, or nothing"),
        (["from/labels.yaml", "sample=3"], "sample: is for records"),
        (["from/labels.yaml", "format=promtfoo"], "no such format; did you mean 'promptfoo'"),
        (["from/refunds/prompts/short.txt"], "a file to import ends in .yaml"),
    ],
)
def test_wrong_words(
    home: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake is one line and exit 2, and nothing is written."""
    assert main(["import", *words]) == 2
    assert said in capsys.readouterr().err
    assert not Path("conf").exists()
