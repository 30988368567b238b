"""A sweep names a model only when that one is proven to meet every requirement."""

from pathlib import Path
from typing import Any

import pytest

from runner.record.files import REPORT, RESULT, SWEEP, write_json
from runner.record.outcomes import Result
from runner.report import SweepResult, build, build_sweep, rebuild
from tests.report.make import Factory, answered, job, model


@pytest.fixture
def sweep(write_run: Factory, tmp_path: Path) -> Path:
    """good meets all, cheap too at less quality, wrong misses, unsure is not proven."""
    candidates: list[tuple[str, float, float, int]] = [
        ("wrong", 0.0, 0.001, 40),
        ("unsure", 1.0, 0.001, 4),
        ("cheap", 0.96, 0.001, 100),
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
        build(write_run(lines, candidate, name=f"sweep/{number}_sorting-{name}"))
    write_json(tmp_path / "sweep" / SWEEP, {"command": "python -m runner -m model=good,cheap"})
    return tmp_path / "sweep"


def fail(sweep: Path, name: str, **changes: Any) -> None:
    known = {"task": "sorting", "model": "broken", "id": "broken-1", "error": "no key"}
    result = Result.model_validate(known | changes)
    write_json(sweep / name / RESULT, result.model_dump(mode="json"))


def test_ranking(sweep: Path) -> None:
    """Proven ones come first, by price; then what is open; then what is disproved."""
    found = build_sweep(sweep)
    assert [run.model for run in found.runs] == ["cheap", "good", "unsure", "wrong"]
    assert [run.rank for run in found.runs] == [1, 2, 3, 4]
    assert found.best == {"sorting": "cheap"}
    stored = SweepResult.model_validate_json((sweep / RESULT).read_bytes())
    assert stored == found
    assert "**sorting: ship cheap, the cheapest of the 2" in (sweep / REPORT).read_text()


def test_the_recommendation_rests_on_the_journals(sweep: Path) -> None:
    """Candidates are compared on the cases that both answered, and the record says how."""
    said = build_sweep(sweep).recommendations["sorting"]
    assert said.choice == "cheap"
    assert (said.compared["good"].n, said.compared["good"].verdict) == (100, "better")
    assert (said.compared["unsure"].n, said.compared["unsure"].left_out) == (4, 96)
    assert said.compared["wrong"].verdict == "worse"
    assert said.dominated_by["wrong"] == ["cheap", "unsure"]
    page = (sweep / REPORT).read_text()
    for heading in ("Why", "Why not the others", "What would change the answer"):
        assert f"### {heading}\n" in page
    for why in said.why_not.values():
        assert why.partition(" (")[0] in page


def test_a_damaged_journal_costs_its_comparison(sweep: Path) -> None:
    """A run whose result stands keeps its rank where its journal can't be read any more."""
    (journal,) = sweep.glob("*-good/cases.jsonl")
    journal.write_text("no JSON\n")
    found = build_sweep(sweep)
    assert [run.model for run in found.runs][:2] == ["cheap", "good"]
    assert found.recommendations["sorting"].compared["good"].verdict == "unknown"


def test_one_model_twice(write_run: Factory, tmp_path: Path) -> None:
    """Runs of one model under different settings are told apart by their places."""
    for number, concurrency in enumerate((1, 8)):
        lines = [answered(str(n), cost_usd=0.002 - number / 1e3) for n in range(40)]
        write_run(lines, job(concurrency=concurrency), name=f"sweep/{number}_sorting-small")
    found = build_sweep(tmp_path / "sweep")
    assert [(run.dir, run.label) for run in found.runs] == [
        ("1_sorting-small", "small #1"),
        ("0_sorting-small", "small #2"),
    ]
    said = found.recommendations["sorting"]
    assert said.choice == "small #1"
    assert said.differences == ["concurrency: 8 for small #1; 1 for small #2"]
    assert "- Not like for like: concurrency: 8 for" in (tmp_path / "sweep" / REPORT).read_text()


def test_tasks_are_decided_one_by_one(write_run: Factory, tmp_path: Path) -> None:
    """A sweep over two tasks has a recommendation for each."""
    for number, (task, name, cost) in enumerate(
        [("a", "x", 0.1), ("a", "y", 0.2), ("b", "x", 0.2), ("b", "y", 0.1)]
    ):
        lines = [answered(str(n), served_by=name, cost_usd=cost) for n in range(40)]
        candidate = job(task={"name": task}, model=model(name))
        write_run(lines, candidate, name=f"sweep/{number}_{task}-{name}")
    assert build_sweep(tmp_path / "sweep").best == {"a": "x", "b": "y"}


def test_none_is_proven(sweep: Path) -> None:
    """Without a proof there is no best, and the report says so."""
    for path in (*sweep.glob("*-good/*"), *sweep.glob("*-cheap/*")):
        path.unlink()
    assert build_sweep(sweep).best == {"sorting": None}
    assert "no candidate provably meets every requirement" in (sweep / REPORT).read_text()


def test_a_job_that_could_not_run(sweep: Path) -> None:
    """A failed job has no rank and stands last, with its reason in the report."""
    fail(sweep, "4_sorting-broken")
    fail(sweep, "10_invalid", task="?", model="?", error="model: no `x` | y")
    found = build_sweep(sweep)
    assert [run.rank for run in found.runs][-2:] == [None, None]
    assert found.best == {"sorting": "cheap"}
    assert "no key" in (sweep / REPORT).read_text()


def test_a_task_of_failures_only(tmp_path: Path) -> None:
    """Where every job of a task failed, its best is null."""
    fail(tmp_path, "0_sorting-broken")
    assert build_sweep(tmp_path).best == {"sorting": None}


def test_an_unfinished_run_is_not_the_best(sweep: Path, write_run: Factory) -> None:
    """A run that was interrupted is not ranked, whatever it has so far, and gets no result."""
    perfect = [answered(str(n)) for n in range(50)]
    directory = write_run(perfect, job(), name="sweep/5_sorting-small", outcomes=51)
    found = build_sweep(sweep, anew=True)
    assert next(run for run in found.runs if run.model == "small").rank is None
    assert found.best == {"sorting": "cheap"}
    assert not (directory / RESULT).exists()


def test_rebuild_reads_the_journals(sweep: Path) -> None:
    """A sweep whose results are lost has the same ones after a rebuild."""
    before = build_sweep(sweep)
    for path in sweep.rglob(RESULT):
        path.unlink()
    assert rebuild(sweep) == before


def test_the_gate(write_run: Factory, tmp_path: Path) -> None:
    """A sweep is gated when a run that asked for the gate misses a requirement."""
    for gate in (False, True):
        missed = job(requirements={"context_needed": 9000}, gate=gate)
        build(write_run([answered()], missed, name="sweep/0_sorting-small"))
        assert build_sweep(tmp_path / "sweep").gated is gate
