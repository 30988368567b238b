"""The result of a run comes from its record alone."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from runner.decide import own_runs
from runner.decide import sweep as sweeps
from runner.errors import ConfigError, StorageError
from runner.measure.conclusion import tier
from runner.measure.result import compute, load
from runner.record.files import JOURNAL, RESULT, RUN, SWEEP, write_json
from runner.record.outcomes import Result
from runner.record.run import Run
from runner.report import build, build_sweep, rebuild
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


def _changed(directory: Path) -> Iterator[str]:
    """The run with its journal cut at every line and within one, gone on with, and put back."""
    journal, result = directory / JOURNAL, (directory / RESULT).read_bytes()
    whole = journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    more = answered("more").model_dump_json().encode() + b"\n"
    cuts = {f"cut after {n} lines": b"".join(lines[:n]) for n in range(len(lines))}
    for what, text in {
        **cuts, "torn": whole[:-40],
        "one more": whole + more, "half a line more": whole + more[:50],
        "no JSON": b"no JSON\n", "an outcome twice": whole + lines[0],
    }.items():  # fmt: skip
        journal.write_bytes(text)
        (directory / RESULT).write_bytes(result)
        yield what
    journal.write_bytes(whole)
    (directory / RESULT).write_bytes(result)


def test_a_result_is_of_its_own_journal(write_run: Factory) -> None:
    """However a journal was cut or went on, its old result is not complete, to nobody."""
    first = write_run([answered(str(n)) for n in range(6)], name="sweep/runs/0_sorting-small")
    sweep = first.parent
    build(first)
    write_json(sweep / SWEEP, {})
    build_sweep(sweep)
    assert load(first).complete
    whole_sweep = (sweep / RESULT).read_bytes()
    for what in _changed(first):
        (sweep / RESULT).write_bytes(whole_sweep)
        stored = Run(first).result
        assert stored is not None and not stored.complete and tier(stored) is None, what
        assert not list(own_runs.finished(sweep.parent)), what
        with pytest.raises(ConfigError, match="has changed since it was measured"):
            sweeps.load(sweep)
        whole = what == "half a line more"  # a torn line is none
        assert all(run.complete == whole for run in sweeps.compute(sweep).runs), what
        with suppress(StorageError):
            assert load(first).complete == whole, what
            rebuild(first)
            assert (first / RESULT).exists() == whole, what
    assert load(first).complete
    assert sweeps.load(sweep).runs[0].rank == 1
