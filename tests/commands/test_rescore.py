"""`rescore` as a user types it: what people say of cases and answers, applied with nobody asked."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from runner.commands.command_line import main
from runner.record.files import JOURNAL, REPORT, RESULT, RUN, read_json
from runner.record.journal import read_journal
from runner.record.outcomes import Answered, Line
from runner.record.run import Run as Record
from tests import loopback
from tests.commands.conftest import Once
from tests.commands.test_command_line import Run
from tests.conftest import write_cases
from tests.loopback import Loopback

JUDGED = """
defaults: [/base/task@_here_, /model@scorers.judge.model: second, _self_]
name: judged
cases: demo.jsonl
scorers: {judge: {rubric: "5: it is so."}}
"""


def answer(request: loopback.Request) -> loopback.Answer:
    """`first` is right but for c2, `second` says something else, and fails at c1."""
    if "Rubric" in str(request.body):
        return loopback.text('{"reasoning": "so", "score": 3}')
    if request.model.startswith("second"):
        return loopback.too_long() if "text 1" in str(request.body) else loopback.text("Text!")
    return loopback.text("text two") if "text 2" in str(request.body) else loopback.echo(request)


@pytest.fixture
def server(one_server: Loopback) -> Loopback:
    one_server.answer = answer
    return one_server


@pytest.fixture
def sweep(runner: Run, once: Once, server: Loopback) -> Path:
    def measure() -> None:
        Path("conf/task/judged.yaml").write_text(JUDGED)
        write_cases(Path("tasks/demo.jsonl"), 5)
        runner("-m", "model=first,second", "requirements.max_latency_ms=100000")
        runner("model=first", task="judged")

    once("sweep", measure)
    server.requests.clear()
    [found] = Path("outputs").glob("sweeps/*")
    return found


def noted(*notes: dict[str, Any]) -> str:
    Path("notes.jsonl").write_text("".join(json.dumps(note) + "\n" for note in notes))
    return "notes=notes.jsonl"


def newest(kind: str) -> Path:
    return max(Path("outputs").glob(f"{kind}/*rescored"))


def lines(run: Path) -> dict[str, Line]:
    return {line.case: line for line in read_journal(run / JOURNAL)}


MENDED = {"case": "c2", "expected": "text two", "note": "it always was"}


def test_a_run(sweep: Path, server: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong expectation is mended: a score is another, what was measured stays as it was."""
    old = sweep / "0_demo-first"
    before, record = lines(old), (old / JOURNAL).read_bytes()
    assert (
        main(["rescore", str(old), noted({"case": "c2", "expected": "two"}, MENDED)]) == 0
    )  # the later one
    new, said = newest("runs"), capsys.readouterr()
    assert server.requests == []
    assert (old / JOURNAL).read_bytes() == record
    for case, line in lines(new).items():
        then = before[case]
        assert (line.seconds, line.cost_usd, line.key) == (then.seconds, then.cost_usd, then.key)
        assert [a.seconds for a in line.attempts] == [a.seconds for a in then.attempts]
        assert isinstance(line, Answered) and line.scores["exact"].value == 1
    result, was = read_json(new / RESULT), read_json(old / RESULT)
    assert result["metrics"]["quality"]["value"] == 1 != was["metrics"]["quality"]["value"]
    for name in ("latency_p95_ms", "cost_per_request_usd"):
        assert result["metrics"][name] == was["metrics"][name]
    verdicts = {each["requirement"]: each for each in result["verdicts"]}
    assert verdicts["max_latency_ms"] in was["verdicts"]
    assert result["spent_usd"] == 0  # it was paid for where it was asked
    assert read_json(new / RUN)["started"] == read_json(old / RUN)["started"]
    told = "expectations mended: 1 (c2); scores: 1 rose, 0 fell; quality 0.800 → 1.000"
    assert told in " ".join(said.out.split())
    assert told in (new / REPORT).read_text()
    assert 'demo.jsonl:3: expected "text 2" is "text two" now' in said.err
    assert main(["history"]) == 0
    assert capsys.readouterr().out.count(", rescored") == 1


def test_its_cases_can_be_measured_on(runner: Run, sweep: Path, server: Loopback) -> None:
    """What is mended lies beside the new record, as cases of the next run; the user's stay."""
    before = Path("tasks/demo.jsonl").read_text()
    assert main(["rescore", str(sweep / "0_demo-first"), noted(MENDED)]) == 0
    assert Path("tasks/demo.jsonl").read_text() == before
    [mended] = newest("runs").glob("mended-*.jsonl")
    was, now = before.splitlines(), mended.read_text().splitlines()
    assert [json.loads(b) for a, b in zip(was, now, strict=True) if a != b] == [
        {"id": "c2", "input": "text 2", "expected": "text two"}
    ]
    assert runner("model=first", f"task.cases={mended}", f"reuse={newest('runs')}") == 0
    assert server.requests == []


def test_a_sweep(sweep: Path, server: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """All candidates are held against the same notes, and what failed stays failed."""
    accepted = {"task": "demo", "case": "c0", "answer": "Text!", "accept": True, "note": "fine"}
    assert main(["rescore", str(sweep), noted(MENDED, accepted, {"case": "c4", "note": "hm"})]) == 0
    new = newest("sweeps")
    assert server.requests == []
    runs = {run["model"]: run["metrics"] for run in read_json(new / RESULT)["runs"]}
    assert runs["first"]["quality"]["value"] == 1
    assert runs["second"]["quality"]["value"] == 0.25
    assert runs["second"]["error_rate"]["value"] == 0.2
    assert {line.expected for line in lines(new / "1_demo-second").values()} >= {"text two"}
    [c0] = [line for line in lines(new / "1_demo-second").values() if line.case == "c0"]
    assert isinstance(c0, Answered)
    assert c0.scores["exact"].why.startswith("accepted by a person (fine); 0 before: ")
    assert (c0.scores["exact"].value, c0.scores["exact"].by_scorer) == (1, 0)
    assert "scored" not in c0.scores["exact"].details  # which are the scorer's own
    out = " ".join(capsys.readouterr().out.split())
    assert "second: expectations mended: 1 (c2); answers accepted: 1; scores: 1 rose" in out
    capsys.readouterr()
    assert main(["rescore", str(new)]) == 0  # nothing has changed: what was accepted stands
    assert "0 rose, 0 fell" in " ".join(capsys.readouterr().out.split())
    promoting = ["candidate=first", "mapping=mine", "task=demo", "--config-dir", "conf"]
    assert main(["promote", str(new), *promoting]) == 0, capsys.readouterr().err
    assert main(["compare", str(sweep / "1_demo-second"), str(new / "1_demo-second")]) == 0


def test_thresholds_of_a_file(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Thresholds that were written down after a run are held against it, with nobody asked."""
    Path("conf/requirements").mkdir(exist_ok=True)
    Path("conf/requirements/strict.yaml").write_text("min_quality_score: 0.1\n")
    old = str(sweep / "0_demo-first")
    own = ["--config-dir", "conf"]
    assert main(["rescore", old, *own, "requirements=strict"]) == 0
    assert "min_quality_score none → met" in " ".join(capsys.readouterr().out.split())
    about = read_json(newest("runs") / RUN)
    assert about["rescored"]["changed"] == {"requirements": "strict"}
    assert about["config"]["requirements"]["name"] == "strict"
    assert main(["rescore", old, *own, "requirements=strikt"]) == 2
    assert "requirements=strikt: no such option; did you mean 'strict'" in capsys.readouterr().err


def test_a_threshold_and_a_scorer(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without notes another threshold, or another option of a scorer, is what is scored with."""
    old = str(sweep / "0_demo-first")
    assert main(["rescore", old, "requirements.min_quality_score=0.1"]) == 0
    assert "min_quality_score none → met" in " ".join(capsys.readouterr().out.split())
    assert main(["rescore", old, "task.scorers={contains: {}}"]) == 0
    assert read_json(newest("runs") / RESULT)["metrics"]["score.contains"]["value"] == 0.8


def test_a_judge(sweep: Path, server: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """Judgements stand; where one would have to be asked for, that is said, and no more."""
    [judged] = Path("outputs").glob("runs/*_judged-first")
    accepted = {"case": "c0", "answer": "text 0", "accept": True}
    assert main(["rescore", str(judged), noted(accepted)]) == 0
    assert lines(newest("runs"))["c0"].scores["judge"].value == 1  # type: ignore[union-attr]
    count = len(list(Path("outputs/runs").iterdir()))
    capsys.readouterr()
    assert main(["rescore", str(judged), noted(MENDED)]) == 2
    assert "case 'c2': its judge would be told something else" in capsys.readouterr().err
    assert len(list(Path("outputs/runs").iterdir())) == count
    assert server.requests == []


@pytest.mark.parametrize(
    ("note", "message"),
    [
        ({"case": "c9", "expected": "x"}, "notes.jsonl:1: case 'c9': there is no such case here"),
        (
            {"case": "c1", "answer": "x", "accept": True},
            "notes.jsonl:1: case 'c1': no answer to it",
        ),
        (
            {"task": "other", "case": "c1", "expected": "text 1"},
            "notes.jsonl:1: case 'c1': is of task 'other', which is not here",
        ),
        ({"case": "c1", "accept": True}, "notes.jsonl:1: note: answer: is missing"),
        ({"case": "c1", "expcted": "x"}, "notes.jsonl:1: expcted: "),
    ],
)
def test_a_wrong_note(
    sweep: Path, note: dict[str, Any], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A note on nothing is one line, and leaves nothing behind."""
    before = sorted(Path("outputs").rglob("*"))
    assert main(["rescore", str(sweep), noted(note)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"runner: {message}")
    assert len(error.splitlines()) == 1
    assert sorted(Path("outputs").rglob("*")) == before


def labelled(page: Path) -> list[dict[str, Any]]:
    """What somebody sends back who finds what begins with "text" right."""
    [data] = re.findall(r'id="data">(.*?)</script>', page.read_text())
    found = json.loads(data)
    texts = [found["texts"][item["answer"]] for item in found["items"]]
    return [
        {"task": item["task"], "case": item["case"], "answer": text, "score": float(text[0] == "t")}
        for item, text in zip(found["items"], texts, strict=True)
    ]


def test_labels(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Answers go out without names and scores; what comes back says how a scorer agrees."""
    assert main(["label", str(sweep), "n=5"]) == 0
    page = sweep / "label.html"
    assert "first" not in page.read_text().partition("</style>")[2].partition("<script>")[0]
    assert "second" not in page.read_text().partition("</style>")[2].partition("<script>")[0]
    assert len(labelled(page)) in (4, 5)
    assert main(["label", str(sweep), "n=100", "seed=1"]) == 0
    labels = labelled(page)
    assert len(labels) == 9  # two of five cases each, one of which failed
    capsys.readouterr()
    assert main(["rescore", str(sweep), noted(*labels)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "first: answers labelled: 5; all verdicts as before; exact beside people, on 5" in out
    assert "kappa unknown: people gave all of them the same score" in out
    assert "exact beside people, on 4 answers: kappa unknown" in out
    run = newest("sweeps") / "0_demo-first"
    assert "Scorers beside people" in (run / REPORT).read_text()
    assert [line.human for line in lines(run).values() if isinstance(line, Answered)] == [1] * 5
    assert read_json(run / RESULT)["metrics"]["quality"]["value"] == 0.8  # it is not touched


def test_what_shapes_answers(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another prompt, or another text of a case, is no rescoring."""
    old = str(sweep / "0_demo-first")
    assert main(["rescore", old, "task.system=Hello"]) == 2
    assert "task.system: shapes answers" in capsys.readouterr().err
    cases = Path("tasks/demo.jsonl")
    cases.write_text(cases.read_text().replace('"input": "text 1"', '"input": "text one"'))
    assert main(["rescore", old]) == 2
    assert "case 'c1': asks something else in" in capsys.readouterr().err
    assert Record(Path(old)).result is not None
