"""The result of a run comes from its record alone, and only a whole run has one."""

import json
from pathlib import Path

import pytest

from runner.errors import ConfigError, StorageError
from runner.record.files import JOURNAL, REPORT, RESULT, RUN, write_json
from runner.record.outcomes import Result
from runner.report import build, load, rebuild
from tests.report.make import Factory, answered, failed, job


def test_build(write_run: Factory) -> None:
    """A complete run gets a result.json that reads back as what build returned, and a report."""
    directory = write_run([answered("a"), failed("b")])
    result = build(directory)
    assert result.complete
    assert result.counts is not None and result.counts.failed == 1
    assert (
        Result.model_validate_json((directory / RESULT).read_bytes()) == result == load(directory)
    )
    assert (directory / REPORT).read_text().startswith("# sorting: small\n")


def test_building_again_changes_nothing(write_run: Factory) -> None:
    """A rebuilt report is the same to the last digit."""
    directory = write_run([answered(str(n), n % 4 / 3, cost_usd=n / 1e4) for n in range(40)])
    build(directory)
    before = {name: (directory / name).read_bytes() for name in (RESULT, REPORT)}
    rebuild(directory)
    assert before == {name: (directory / name).read_bytes() for name in (RESULT, REPORT)}


def test_an_unfinished_run_has_no_result(write_run: Factory) -> None:
    """A run that can still go on is reported on, but leaves no result.json that would end it."""
    directory = write_run([answered("a")], outcomes=2)
    assert not build(directory).complete
    assert not (directory / RESULT).exists()
    assert "not complete" in (directory / REPORT).read_text()
    assert load(directory).counts is not None


def test_why_a_run_stopped_is_kept(write_run: Factory) -> None:
    """The error of a run that ended half-way survives a rebuild."""
    directory = write_run([answered("a")], outcomes=2)
    stopped = Result(task="sorting", model="small", id="x", error="disk is full")
    write_json(directory / RESULT, stopped.model_dump(mode="json"))
    assert build(directory).error == "disk is full"
    assert load(directory).error == "disk is full"


def test_a_torn_last_line_is_not_counted(write_run: Factory) -> None:
    """What a crash left of a line is no outcome."""
    directory = write_run([answered("a")], outcomes=2)
    with (directory / JOURNAL).open("a") as file:
        file.write('{"status": "answ')
    assert build(directory).counts == load(directory).counts
    assert load(directory).complete is False


def test_an_outcome_counts_once(write_run: Factory) -> None:
    """A journal that holds an outcome twice is damaged, and says which."""
    directory = write_run([answered("a"), answered("a")])
    with pytest.raises(StorageError, match="case 'a', repeat 0 stands twice"):
        build(directory)


def test_numbers_are_json(write_run: Factory) -> None:
    """Unknown is null: the file holds no NaN, which other readers refuse."""
    directory = write_run([answered("a", cost_usd=None, usage=None)])
    build(directory)
    text = (directory / RESULT).read_text()
    json.loads(text, parse_constant=pytest.fail)
    assert json.loads(text)["metrics"]["cost_per_request_usd"]["value"] is None


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is not JSON"), ("{}", "identity: field required")],
)
def test_a_damaged_run_json(tmp_path: Path, text: str, message: str) -> None:
    """A run.json that can't be used is one line that names the file and the key."""
    (tmp_path / RUN).write_text(text)
    with pytest.raises(ConfigError, match=f"run.json: {message}"):
        rebuild(tmp_path)


def test_a_config_of_another_time(write_run: Factory) -> None:
    """A recorded config that is no job any more says which key is to blame."""
    directory = write_run([answered("a")])
    run = json.loads((directory / RUN).read_text())
    run["config"]["repeats"] = 0
    write_json(directory / RUN, run)
    with pytest.raises(ConfigError, match=r"run.json: config.repeats: .*greater than or equal"):
        build(directory)


def test_neither_a_run_nor_a_sweep(write_run: Factory, tmp_path: Path) -> None:
    """A directory above a run is refused, with the run in it as the likely meaning."""
    directory = write_run([answered("a")], name="runs/2026-11-23_12-00-00_sorting-small")
    with pytest.raises(ConfigError, match=f"neither a run nor a sweep; did you mean {directory}"):
        rebuild(tmp_path)
    with pytest.raises(ConfigError, match="no such directory"):
        rebuild(tmp_path / "nothing")


def test_verdicts_are_part_of_the_result(write_run: Factory) -> None:
    """The requirements of the recorded config are held against the recorded outcomes."""
    lines = [answered(str(n)) for n in range(24)]
    result = build(write_run(lines, job(requirements={"min_quality_score": 0.85})))
    found = {verdict.requirement: verdict.verdict for verdict in result.verdicts}
    assert found == {"min_quality_score": "met", "data_privacy": "met"}
