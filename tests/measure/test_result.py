"""The result of a run comes from its record alone."""

import json

import pytest

from runner.errors import ConfigError, StorageError
from runner.measure.result import compute, load
from runner.record.files import JOURNAL, RESULT, RUN, write_json
from runner.record.outcomes import Result
from tests.report.make import Factory, answered, job


def test_why_a_run_stopped_is_kept(write_run: Factory) -> None:
    """The error of a run that ended half-way survives a rebuild."""
    directory = write_run([answered("a")], outcomes=2)
    stopped = Result(task="sorting", model="small", id="x", error="disk is full")
    write_json(directory / RESULT, stopped.model_dump(mode="json"))
    assert compute(directory).result.error == "disk is full"
    assert load(directory).error == "disk is full"


def test_a_torn_last_line_is_not_counted(write_run: Factory) -> None:
    """What a crash left of a line is no outcome."""
    directory = write_run([answered("a")], outcomes=2)
    with (directory / JOURNAL).open("a") as file:
        file.write('{"status": "answ')
    assert compute(directory).result.counts == load(directory).counts
    assert load(directory).complete is False


def test_an_outcome_counts_once(write_run: Factory) -> None:
    """A journal that holds an outcome twice is damaged, and says which."""
    directory = write_run([answered("a"), answered("a")])
    with pytest.raises(StorageError, match="case 'a', repeat 0 stands twice"):
        compute(directory)


def test_a_config_of_another_time(write_run: Factory) -> None:
    """A recorded config that is no job any more says which key is to blame."""
    directory = write_run([answered("a")])
    run = json.loads((directory / RUN).read_text())
    run["config"]["repeats"] = 0
    write_json(directory / RUN, run)
    with pytest.raises(ConfigError, match=r"run.json: config.repeats: .*greater than or equal"):
        compute(directory)


def test_verdicts_are_part_of_the_result(write_run: Factory) -> None:
    """The requirements of the recorded config are held against the recorded outcomes."""
    lines = [answered(str(n)) for n in range(24)]
    result = compute(write_run(lines, job(requirements={"min_quality_score": 0.85}))).result
    found = {verdict.requirement: verdict.verdict for verdict in result.verdicts}
    assert found == {"min_quality_score": "met", "data_privacy": "met"}
