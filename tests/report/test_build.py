"""A run that is over has its result and its reports on disk, whenever they are built."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from runner.errors import ConfigError
from runner.measure.conclusion import conclusion
from runner.measure.result import load
from runner.record import run as run_module
from runner.record.files import PAGE, REPORT, RESULT, RUN
from runner.record.journal import read_at, read_journal, read_placed
from runner.record.outcomes import Line, Result
from runner.record.run import Run
from runner.report import build, build_sweep, rebuild, terminal
from runner.report.page.cells import Texts
from runner.report.page.rows import Gatherer
from tests.report.make import Factory, answered, failed, job

WANTED = {"min_quality_score": 0.9}


def test_build(write_run: Factory) -> None:
    """A complete run gets a result.json that reads back as what build returned, and a report."""
    directory = write_run([answered("a"), failed("b")])
    result = build(directory)
    assert result.complete
    assert result.counts is not None and result.counts.failed == 1
    assert (
        Result.model_validate_json((directory / RESULT).read_bytes()) == result == load(directory)
    )
    assert (directory / REPORT).read_text().startswith("### No threshold is set for sorting\n")


def test_building_again_changes_nothing(write_run: Factory) -> None:
    """A rebuilt report is the same to the last digit."""
    directory = write_run([answered(str(n), n % 4 / 3, cost_usd=n / 1e4) for n in range(40)])
    build(directory)
    before = {name: (directory / name).read_bytes() for name in (RESULT, REPORT)}
    rebuild(directory)
    assert before == {name: (directory / name).read_bytes() for name in (RESULT, REPORT)}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file of outcomes is read, by the names of its run and of itself."""
    count: Counter[str] = Counter()
    for read in (read_journal, read_placed):

        def reading(path: Path, *damaged: Any, read: Any = read) -> Iterator[Any]:
            count[f"{path.parent.name}/{path.name}"] += 1
            return cast(Iterator[Any], read(path, *damaged))

        monkeypatch.setattr(run_module, read.__name__, reading)
    return count


def test_a_journal_is_read_once(write_run: Factory, opened: Counter[str]) -> None:
    """One pass measures a run, compares it with its baseline and gathers its page."""
    before = write_run([answered("a"), failed("b")], name="before")
    build(write_run([answered("a"), failed("b")], job(baseline=before), name="after"))
    assert opened == {"before/cases.jsonl": 1, "after/cases.jsonl": 1}


def test_so_are_those_of_a_sweep(write_run: Factory, opened: Counter[str], tmp_path: Path) -> None:
    """One pass over each compares the candidates and gathers their page."""
    for name in ("0_sorting-a", "1_sorting-b"):
        build(write_run([answered("a")], name=f"sweep/{name}"))
    opened.clear()
    build_sweep(tmp_path / "sweep")
    assert opened == {"0_sorting-a/cases.jsonl": 1, "1_sorting-b/cases.jsonl": 1}


def test_so_are_big_ones(
    write_run: Factory, opened: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a journal with more outcomes than a page has room for, those that it shows are fetched."""
    fetched: list[str] = []

    def fetching(path: Path, places: Iterable[int]) -> Iterator[Line]:
        for line in read_at(path, places):
            fetched.append(line.case)
            yield line

    monkeypatch.setattr(run_module, "read_at", fetching)
    gatherer = Gatherer(Texts(2), most=2)
    lines = [answered("a", 0.5), answered("b"), failed("c"), answered("d")]
    for name in ("one", "other"):
        assert list(gatherer.lines(Run(write_run(lines, name=name)))) == lines
    assert [json.loads(row)["case"] for row in gatherer.finish().rows] == ["a", "c"]
    assert opened == {"one/cases.jsonl": 1, "other/cases.jsonl": 1}
    assert fetched == ["a", "c"] * 2


def test_an_unfinished_run_has_no_result(write_run: Factory) -> None:
    """A run that can still go on is reported on, but leaves no result.json that would end it."""
    directory = write_run([answered("a")], outcomes=2)
    assert not build(directory).complete
    assert not (directory / RESULT).exists()
    assert "not complete" in (directory / REPORT).read_text()
    assert load(directory).counts is not None


def test_numbers_are_json(write_run: Factory) -> None:
    """Unknown is null: the file holds no NaN, which other readers refuse."""
    directory = write_run([answered("a", cost_usd=None, usage=None)])
    build(directory)
    text = (directory / RESULT).read_text()
    json.loads(text, parse_constant=pytest.fail)
    assert json.loads(text)["metrics"]["cost_per_request_usd"]["value"] is None


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is not JSON"), ("{}", "task: is missing")],
)
def test_a_damaged_run_json(tmp_path: Path, text: str, message: str) -> None:
    """A run.json that can't be used is one line that names the file and the key."""
    (tmp_path / RUN).write_text(text)
    with pytest.raises(ConfigError, match=f"run.json: {message}"):
        rebuild(tmp_path)


def test_neither_a_run_nor_a_sweep(write_run: Factory, tmp_path: Path) -> None:
    """A directory above a run is refused, with the run in it as the likely meaning."""
    directory = write_run([answered("a")], name="runs/2026-11-23_12-00-00_sorting-small")
    with pytest.raises(ConfigError, match=f"neither a run nor a sweep; did you mean {directory}"):
        rebuild(tmp_path)
    with pytest.raises(ConfigError, match="no such directory"):
        rebuild(tmp_path / "nothing")


def test_one_sentence_everywhere(write_run: Factory) -> None:
    """What a run comes to reads the same as JSON, on paper, on the page and, verbose, on screen."""
    directory = write_run([answered(str(n), n % 2) for n in range(8)], job(requirements=WANTED))
    said = conclusion(build(directory))
    assert json.loads((directory / RESULT).read_text())["conclusion"] == said
    assert said in (directory / REPORT).read_text()
    assert said in (directory / PAGE).read_text()
    drawn = "".join(f"{part}" for part in terminal.run(directory, load(directory), verbose=True))
    assert said in drawn
