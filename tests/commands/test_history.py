"""All runs on record over time: a table, rows for programs, and a page that leads to each run."""

import csv
import json
import re
from pathlib import Path

import pytest

import runner as package
from runner.commands import promote
from runner.commands.command_line import main
from runner.record.files import RESULT
from tests import loopback
from tests.commands.conftest import Once
from tests.commands.test_command_line import Run
from tests.loopback import Loopback


@pytest.fixture
def server(one_server: Loopback) -> Loopback:
    one_server.answer = lambda r: (
        loopback.echo(r) if r.model.startswith("first") else loopback.text("wrong")
    )
    return one_server


@pytest.fixture
def measured(runner: Run, once: Once, capsys: pytest.CaptureFixture[str]) -> None:
    """A run and a sweep, whose winner is promoted, and one production run."""

    def measure() -> None:
        assert runner("model=first", "limit=2") == 0
        assert runner("-m", "model=first,second", "requirements.min_quality_score=0.3") == 0
        [sweep] = Path("outputs/sweeps").iterdir()
        words = ["candidate=first", "--config-dir", "conf"]
        assert promote.main([str(sweep), *words]) == 0
        assert runner("run", "model=first", "input=one text") == 0

    once("measured", measure)
    capsys.readouterr()


def test_a_row_a_run(measured: None, capsys: pytest.CaptureFixture[str]) -> None:
    """Every run of outputs/ is a row, the newest first, after the decision of its task."""
    assert main(["history"]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert re.match(r"demo: first since \d{4}-\d\d-\d\d, supported; review by ", first)
    lines = [line for line in rest if line.startswith("20")]
    models = [line.split()[1] for line in lines]
    assert len(models) == 4 and sorted(models[1:3]) == ["first", "second"]
    assert rest[0].strip() == "demo" and "production" in lines[0]
    assert rest[-1] == "page: outputs/index.html"


def test_rows_for_programs(measured: None, capsys: pytest.CaptureFixture[str]) -> None:
    """`results`, JSON and CSV hold the same: numbers with their intervals, None where unknown."""
    rows = package.results("outputs/**")
    assert [row["kind"] for row in rows] == ["production", "run", "run", "run"]
    assert rows == package.results(*(row["directory"] for row in rows))
    [small] = package.results("outputs/runs/*demo-first/" + RESULT)[1:]
    assert (small["cases"], small["quality"], small["quality_high"]) == (2, 1.0, 1.0)
    assert small["quality_low"] < 1 and small["sweep"] is None
    assert rows[0]["quality"] is None and rows[1]["sweep"]
    assert main(["history", "format=json"]) == 0
    assert json.loads(capsys.readouterr().out) == rows
    assert main(["history", "format=csv", "model=second"]) == 0
    [line] = csv.DictReader(capsys.readouterr().out.splitlines())
    assert (line["model"], line["quality"]) == ("second", "0.0")


def test_the_page_leads_to_the_runs(measured: None) -> None:
    """Each link of the page is a file beside it, and nothing on it names this machine."""
    assert main(["history"]) == 0
    page = Path("outputs/index.html").read_text()
    links = re.findall(r'href="([^#"]+)"', page)
    assert len(links) == 3 and all(Path("outputs", link).is_file() for link in links)
    assert str(Path.cwd()) not in page
    assert page.count("<svg") == 3 and "demo: first since" in page


def test_a_damaged_result_hides_nothing(measured: None, capsys: pytest.CaptureFixture[str]) -> None:
    """It is named, and the others are there."""
    [small] = [row for row in package.results() if row["cases"] == 2]
    Path(small["directory"], RESULT).write_text("{")
    assert len(package.results()) == 3
    assert main(["history"]) == 0
    assert f"not read: {small['directory']}" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["outputs=nowhere"], "outputs: no directory 'nowhere'"),
        (["task=dmeo"], "task: no run of 'dmeo'; did you mean 'demo'"),
        (["most=0"], "most:"),
    ],
)
def test_wrong_words(
    measured: None, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake is one line and exit 2."""
    assert main(["history", *words]) == 2
    assert said in capsys.readouterr().err
