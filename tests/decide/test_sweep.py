"""A sweep names a model only when that one is proven to meet every requirement."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from runner.decide.sweep import compute, load
from runner.errors import ConfigError
from runner.record.files import RESULT, SWEEP, write_json
from runner.record.outcomes import Result
from runner.report import build_sweep
from tests.report.make import Factory, answered, job, model


@pytest.fixture
def sweep(write_run: Factory, tmp_path: Path) -> Path:
    """good meets all, cheap too at less quality, wrong misses, unsure is not proven."""
    candidates: list[tuple[str, float, float, int]] = [
        ("wrong", 0.0, 0.001, 40),
        ("unsure", 1.0, 0.001, 4),
        ("cheap", 0.9, 0.001, 100),
        ("good", 1.0, 0.002, 100),
    ]
    for number, (name, quality, cost, n) in enumerate(candidates):
        lines = [
            answered(
                str(k), quality if k % 2 else min(1, quality + 0.02), served_by=name, cost_usd=cost
            )
            for k in range(n)
        ]
        candidate = job(requirements={"min_quality_score": 0.85}, model=model(name))
        write_run(lines, candidate, name=f"sweep/{number}_sorting-{name}")
    write_json(tmp_path / "sweep" / SWEEP, {"command": "python -m runner -m model=good,cheap"})
    return tmp_path / "sweep"


def fail(sweep: Path, name: str, **changes: Any) -> None:
    known = {"task": "sorting", "model": "broken", "id": "broken-1", "error": "no key"}
    result = Result.model_validate(known | changes)
    write_json(sweep / name / RESULT, result.model_dump(mode="json"))


def test_ranking(sweep: Path) -> None:
    """Proven ones come first, by price; then what is open; then what is disproved."""
    found = compute(sweep)
    assert [run.model for run in found.runs] == ["cheap", "good", "unsure", "wrong"]
    assert [run.rank for run in found.runs] == [1, 2, 3, 4]
    assert found.best == {"sorting": "cheap"}


def test_the_recommendation_rests_on_the_journals(sweep: Path) -> None:
    """Candidates are compared on the cases that both answered, and the record says how."""
    said = compute(sweep).recommendations["sorting"]
    assert said.choice == "cheap"
    assert (said.compared["good"].n, said.compared["good"].verdict) == (100, "better")
    assert (said.compared["unsure"].n, said.compared["unsure"].left_out) == (4, 96)
    assert said.compared["wrong"].verdict == "worse"
    assert said.dominated_by["wrong"] == ["cheap", "unsure"]


def test_a_damaged_journal_costs_its_rank(sweep: Path) -> None:
    """Where a journal can't be read any more, its result is outdated, and no evidence."""
    build_sweep(sweep, anew=True)
    (journal,) = sweep.glob("*-good/cases.jsonl")
    journal.write_text("no JSON\n")
    found = compute(sweep)
    assert [run.model for run in found.runs if run.rank] == ["cheap", "unsure", "wrong"]
    assert "can't be read" in str(found.runs[-1].error)


def test_one_model_twice(write_run: Factory, tmp_path: Path) -> None:
    """Runs of one model that nothing tells apart go by their places."""
    for number in range(2):
        lines = [answered(str(n), cost_usd=0.002 - number / 1e3) for n in range(40)]
        write_run(lines, job(), name=f"sweep/{number}_sorting-small")
    found = compute(tmp_path / "sweep")
    assert [(run.dir, run.label) for run in found.runs] == [
        ("1_sorting-small", "small #1"),
        ("0_sorting-small", "small #2"),
    ]
    assert found.recommendations["sorting"].choice == "small #1"


def test_configurations(write_run: Factory, tmp_path: Path) -> None:
    """Two models at two efforts: what was tried is in every name, and no unlikeness."""
    for number, (name, effort) in enumerate(product(("small", "big"), ("low", "high"))):
        lines = [
            answered(
                str(n),
                cost_usd=0.001 + 0.001 * number,
                request={"model": name, "reasoning_effort": effort, "top_k": len(effort)},
            )
            for n in range(40)
        ]
        sampling = {"temperature": 0.0, "max_tokens": 50, "reasoning_effort": effort}
        of = job(task={"sampling": sampling}, model=model(name))
        write_run(lines, of, name=f"sweep/{number}_sorting-{name}")
    found = compute(tmp_path / "sweep")
    names = ["small · effort=low", "small · effort=high", "big · effort=low", "big · effort=high"]
    assert [run.label for run in found.runs] == names
    assert found.runs[0].settings == {"task.sampling.reasoning_effort": "low"}
    said = found.recommendations["sorting"]
    assert said.choice == found.best["sorting"] == "small · effort=low"
    assert list(said.compared) == [name for name in names if name != said.choice]
    assert said.differences == []


@pytest.mark.parametrize("others", [["temperature"], []])
def test_what_nobody_is_sent_is_no_difference(
    write_run: Factory, tmp_path: Path, others: list[str]
) -> None:
    """That a model does not take a parameter is one where another takes it, and only there."""
    for number, (name, dropped) in enumerate([("small", ["temperature"]), ("big", others)]):
        of = job(model={**model(name), "drop_params": dropped})
        write_run([answered("a", served_by=name)], of, name=f"sweep/{number}_sorting-{name}")
    found = compute(tmp_path / "sweep")
    notes = [note for run in found.runs for note in run.notes if "is not sent" in note]
    assert len(notes) == 1 + len(others)
    said = found.recommendations["sorting"].differences
    assert [each for each in said if "is not sent" in each] == ([] if others else notes)


def test_tasks_are_decided_one_by_one(write_run: Factory, tmp_path: Path) -> None:
    """A sweep over two tasks has a recommendation for each."""
    for number, (task, name, cost) in enumerate(
        [("a", "x", 0.1), ("a", "y", 0.2), ("b", "x", 0.2), ("b", "y", 0.1)]
    ):
        lines = [answered(str(n), served_by=name, cost_usd=cost) for n in range(40)]
        candidate = job(task={"name": task}, model=model(name))
        write_run(lines, candidate, name=f"sweep/{number}_{task}-{name}")
    assert compute(tmp_path / "sweep").best == {"a": "x", "b": "y"}


def test_none_is_proven(sweep: Path) -> None:
    """Without a proof the best that misses nothing is named as such, or else nobody is."""
    for path in (*sweep.glob("*-good/*"), *sweep.glob("*-cheap/*")):
        path.unlink()
    found = compute(sweep)
    assert found.best == {"sorting": "unsure"}
    headline = found.recommendations["sorting"].headline
    assert "unsure is supported, not proven" in headline
    for path in sweep.glob("*-unsure/*"):
        path.unlink()
    found = compute(sweep)
    assert found.best == {"sorting": None}
    assert "no candidate can be recommended" in found.recommendations["sorting"].headline


def test_a_job_that_could_not_run(sweep: Path) -> None:
    """A failed job has no rank and stands last."""
    fail(sweep, "4_sorting-broken")
    fail(sweep, "10_invalid", task="?", model="?", error="model: no `x` | y")
    found = compute(sweep)
    assert [run.rank for run in found.runs][-2:] == [None, None]
    assert found.best == {"sorting": "cheap"}


def test_a_task_of_failures_only(tmp_path: Path) -> None:
    """Where every job of a task failed, its best is null."""
    fail(tmp_path, "0_sorting-broken")
    assert compute(tmp_path).best == {"sorting": None}


def test_an_unfinished_run_is_not_the_best(sweep: Path, write_run: Factory) -> None:
    """A run that was interrupted is not ranked, whatever it has so far."""
    perfect = [answered(str(n)) for n in range(50)]
    of = job(requirements={"min_quality_score": 0.85})
    write_run(perfect, of, name="sweep/5_sorting-small", outcomes=51)
    found = compute(sweep)
    assert next(run for run in found.runs if run.model == "small").rank is None
    assert found.best == {"sorting": "cheap"}


def test_the_gate(write_run: Factory, tmp_path: Path) -> None:
    """A sweep's gate is the strictest that one of its jobs asked for."""
    for asked, shut in ((False, False), (True, True), ("proven", True)):
        missed = job(requirements={"context_needed": 9000}, gate=asked)
        write_run([answered()], missed, name="sweep/0_sorting-small")
        found = compute(tmp_path / "sweep").gate
        assert found is not None
        assert (found.gate, found.shut) == (asked, shut)


def test_only_a_finished_sweep_loads(sweep: Path) -> None:
    """What has no result, or that of something else, is refused by name."""
    with pytest.raises(ConfigError, match=r"is no finished sweep: it has no result\.json"):
        load(sweep)
    write_json(sweep / RESULT, {"runs": 3})
    with pytest.raises(ConfigError, match=r"is no sweep: .*result\.json: runs: "):
        load(sweep)
    write_json(sweep / RESULT, compute(sweep).model_dump(mode="json"))
    assert load(sweep) == compute(sweep)
