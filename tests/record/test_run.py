"""A run on disk: what it was, read in one place, and one line for whatever it is not."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.decide import spend
from runner.decide.costs.workload import finished
from runner.errors import ConfigError, RunnerError, StorageError
from runner.measure.compare import against
from runner.record.files import (
    JOURNAL,
    RESULT,
    RUN,
    SWEEP,
    UNSCORED,
    jobs,
    sweep_command,
    write_json,
)
from runner.record.outcomes import Answered, Counts, Failed, Result
from runner.record.run import Run
from runner.report import rebuild
from tests.report import make

Line = Answered | Failed


def result(**changes: Any) -> Result:
    counts = Counts(cases=2, outcomes=2, answered=1, failed=1, replayed=0)
    known = {"task": "sorting", "model": "small", "id": "small-1", "counts": counts}
    return Result(**known | {"complete": True} | changes)


def whole(directory: Path) -> Path:
    """A run with all that one leaves."""
    make.run(directory, [make.answered("a"), make.failed("b")])
    write_json(directory / RESULT, result().model_dump(mode="json"))
    return directory


def change(path: Path, **values: Any) -> None:
    write_json(path, json.loads(path.read_text()) | values)


def put(path: Path, *lines: Line) -> None:
    path.write_text("".join(f"{line.model_dump_json()}\n" for line in lines))


def test_what_was_asked_and_what_came_of_it(tmp_path: Path) -> None:
    """A run gives back its job, its outcomes and its result as they went in."""
    job = make.job(repeats=2)
    lines: list[Line] = [make.answered("a"), make.answered("a", repeat=1), make.failed("b")]
    run = Run.open(make.run(tmp_path / "run", lines, job))
    assert run.job == job
    assert list(run.outcomes()) == lines
    assert (run.measurement.task, run.measurement.outcomes) == ("sorting", 3)
    assert run.result is None
    said = result(stamp=run.stamp)
    write_json(run.directory / RESULT, said.model_dump(mode="json"))
    assert run.result == said


def test_a_result_is_of_every_byte(tmp_path: Path) -> None:
    """One other digit anywhere in a long journal, of the same size, makes the result outdated."""
    run = Run(make.run(tmp_path, [make.answered(str(n)) for n in range(2_000)]))
    whole = run.journal.read_bytes()
    write_json(tmp_path / RESULT, result(stamp=run.stamp).model_dump(mode="json"))
    assert run.result and run.result.complete
    for place in (whole.index(b'"seconds"') + 11, len(whole) // 2):
        run.journal.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert run.result and not run.result.complete
    run.journal.write_bytes(whole)
    assert run.result.complete


def test_everything_that_was_paid_counts_once(tmp_path: Path) -> None:
    """Answers, judges and what waits for one; what was taken over was paid elsewhere."""
    judge = make.attempt("judge", role="judge", cost_usd=4.0)
    before = make.attempt(cost_usd=8.0, replayed=True)
    run = Run(make.run(tmp_path, [make.answered("a", attempts=[before], judging=[judge])]))
    put(
        run.directory / UNSCORED,
        make.answered("a", attempts=[make.attempt(cost_usd=16.0)]),  # since then on the journal
        make.answered("b", attempts=[make.attempt(cost_usd=2.0)]),
    )
    assert [each.cost_usd for each in run.paid()] == [4.0, 2.0]


def test_what_a_directory_is(tmp_path: Path) -> None:
    """A run, a production run, a sweep by its file or by its jobs, or none of these."""
    run = make.run(tmp_path / "run", [make.answered()])
    production = make.run(tmp_path / "production", [make.answered()])
    change(production / RUN, kind="production")
    make.run(tmp_path / "old_sweep" / "0_sorting-small", [])
    write_json(tmp_path / "sweep" / SWEEP, {"command": "python -m runner -m"})
    found = {path.name: Run(path).kind for path in tmp_path.iterdir()}
    assert found == {
        "run": "run",
        "production": "production",
        "old_sweep": "sweep",
        "sweep": "sweep",
    }
    for none in (tmp_path, tmp_path / "nowhere", run / RUN):
        assert Run(none).kind is None
    assert sweep_command(tmp_path / "sweep") == "python -m runner -m"
    assert sweep_command(tmp_path / "old_sweep") is None


def test_jobs_come_in_their_order(tmp_path: Path) -> None:
    """The tenth job is the last one; what has no number or left nothing is no job."""
    for name in ("10_a", "2_b", "b_3", "run"):
        make.run(tmp_path / name, [])
    write_json(tmp_path / "1" / RESULT, {})
    (tmp_path / "4_nothing").mkdir()
    assert [path.name for path in jobs(tmp_path)] == ["1", "2_b", "10_a"]


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda path: None, "is no run: there is no such directory"),
        (lambda path: path.mkdir(), "is no run: it has no run.json"),
        (lambda path: path.write_text("x"), "is no run: there is no such directory"),
        (lambda path: (whole(path) / RUN).unlink(), "is no run: it has no run.json"),
        (lambda path: (whole(path) / JOURNAL).unlink(), "is no run: it has no cases.jsonl"),
        (lambda path: change(whole(path) / RUN, kind="production"), "is of the command run"),
        (lambda path: whole(path / "0_a"), "is no run but a sweep; name one of its runs: "),
    ],
)
def test_what_is_no_run(tmp_path: Path, prepare: Any, said: str) -> None:
    """Whoever names something else than a run is told what it is, and under which key."""
    prepare(tmp_path / "it")
    with pytest.raises(ConfigError) as refused:
        Run.open(tmp_path / "it", at="from: ")
    assert str(refused.value).startswith(f"from: {tmp_path / 'it'}: {said}")
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON: "),
        ('{"identity": "0', "is not JSON: "),
        ("\udcff{}", "is not JSON: "),
        ("[" * 100_000, "is not JSON: "),
        ("[1]", "is no JSON object"),
        ("{}", "task: is missing (and 2 more)"),
        ('{"task": "t", "started": "soon", "config": {}}', "started: "),
        ('{"task": "t", "started": "2026-11-23", "config": 5}', "config: "),
    ],
)
def test_a_damaged_run_json(tmp_path: Path, text: str, said: str) -> None:
    """It is one line with the file and the key, and nothing for those who can do without."""
    (tmp_path / RUN).write_text(text, errors="surrogateescape")
    run = Run(tmp_path)
    with pytest.raises(ConfigError) as refused:
        _ = run.provenance
    assert str(refused.value).startswith(f"{tmp_path / RUN}: {said}")
    assert "\n" not in str(refused.value)
    assert run.config == {}


def test_a_run_of_an_older_version(tmp_path: Path) -> None:
    """What it holds is known; a config that is no job any more is a line that names the version."""
    run = Run(make.run(tmp_path, [make.answered()]))
    config = json.loads((tmp_path / RUN).read_text())["config"]
    change(tmp_path / RUN, config=config | {"repeats": 0, "limit": 0}, versions={})
    assert run.provenance.task == "sorting"
    assert run.measurement.model == "small"
    with pytest.raises(ConfigError, match=r"run.json: config.limit: .* \(and 1 more\)$") as refused:
        _ = run.job
    assert "\n" not in str(refused.value)
    change(tmp_path / RUN, versions={"llm-decision-runner": "0.0.1"})
    with pytest.raises(ConfigError, match=r"\(and 1 more\); it is of version 0.0.1, this is "):
        _ = Run(tmp_path).job


def test_a_key_that_is_gone(tmp_path: Path) -> None:
    """What jobs could say once, and what shaped no answer, keeps no run from being read."""
    job = make.job()
    run = Run(make.run(tmp_path, [make.answered()], job))
    config = json.loads((tmp_path / RUN).read_text())["config"]
    change(tmp_path / RUN, config=config | {"latency_probe": 3})
    assert run.job == job


def test_a_production_run_measures_nothing(tmp_path: Path) -> None:
    """Its provenance and what it paid are there; a measurement of it is not."""
    run = Run(make.run(tmp_path, [make.answered(line=1), make.answered(line=2)]))
    change(tmp_path / RUN, kind="production")
    assert run.provenance.task == "sorting"
    assert len(list(run.outcomes())) == 2  # two lines of input may be called alike
    for read in ("measurement", "job"):
        with pytest.raises(ConfigError, match="is of the command run, which measures nothing"):
            getattr(run, read)


def test_an_outcome_stands_once(tmp_path: Path) -> None:
    """A second one of the same case would count twice: the journal is damaged there."""
    run = Run(make.run(tmp_path, [make.answered("a"), make.answered("b"), make.failed("a")]))
    found = run.outcomes()
    assert [next(found).case for _ in range(3)] == ["a", "b", "a"]
    with pytest.raises(StorageError, match="case 'a', repeat 0 stands twice"):
        next(found)
    assert len(list(run.as_written())) == 3


def test_nothing_was_asked_yet(tmp_path: Path) -> None:
    """A run without a journal has no outcomes and has paid nothing."""
    run = Run(tmp_path)
    assert not run.begun
    assert [*run.outcomes(), *run.unscored(), *run.paid()] == []
    assert run.result is None
    assert not run.ended


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ('{"error": "the budget is spent"}', False),
        ('{"of": "another version"}', True),
        ("{}", False),
        ("{", False),
        ("[1]", False),
    ],
)
def test_an_end_of_any_version(tmp_path: Path, text: str, ended: bool) -> None:
    """A result of whichever version is an end; an error or damage is none."""
    (tmp_path / RESULT).write_text(text)
    assert Run(tmp_path).ended is ended


def read_all(directory: Path) -> None:
    """All that can be asked of a run; what can't be told may be said in a line."""
    run = Run(directory)
    for name in ("provenance", "measurement", "job", "result"):
        try:
            getattr(run, name)
        except ConfigError as error:
            assert "\n" not in str(error)
    for stream in (run.outcomes, run.as_written, run.unscored, run.paid):
        try:
            list(stream())
        except StorageError as error:
            assert "\n" not in str(error)
    assert (run.ended, run.begun, run.kind) is not None
    assert isinstance(run.config, dict)


def spoil(path: Path, cut: float | None, bytes_at: list[tuple[float, int]]) -> None:
    data = bytearray(path.read_bytes())
    for where, byte in bytes_at:
        data[int(where * len(data))] = byte
    path.write_bytes(data if cut is None else data[: int(cut * len(data))])


damage = given(
    file=st.sampled_from((RUN, RESULT, JOURNAL)),
    cut=st.none() | st.floats(0, 1),
    bytes_at=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4
    ),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@damage
def test_no_damage_is_a_traceback(
    tmp_path_factory: pytest.TempPathFactory,
    file: str,
    cut: float | None,
    bytes_at: list[tuple[float, int]],
) -> None:
    """Cut off or garbled anywhere, a record still answers each question, or says why in a line."""
    directory = whole(tmp_path_factory.mktemp("run"))
    spoil(directory / file, cut, bytes_at)
    read_all(directory)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@damage
def test_nor_is_it_for_whoever_reads_it(
    tmp_path_factory: pytest.TempPathFactory,
    file: str,
    cut: float | None,
    bytes_at: list[tuple[float, int]],
) -> None:
    """Reports, comparisons, sums and workloads of a damaged record end with a line, if they end."""
    outputs = tmp_path_factory.mktemp("outputs")
    good, bad = whole(outputs / "runs" / "good"), whole(outputs / "runs" / "bad")
    spoil(bad / file, cut, bytes_at)
    spend.read(outputs)
    for ask in (lambda: rebuild(bad), lambda: against(good, bad), lambda: finished(bad)):
        with suppress(RunnerError):
            ask()
