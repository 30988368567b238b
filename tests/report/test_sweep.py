"""A sweep names a model only when that one is proven to meet every requirement."""

from pathlib import Path
from typing import Any

import pytest

from runner.outputs import REPORT, RESULT, SWEEP, write_json
from runner.records import Result
from runner.report import SweepResult, build, build_sweep, rebuild
from tests.report.conftest import Factory
from tests.report.make import answered, job, model


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
    """Proven ones come first, by quality; then what is open; then what is disproved."""
    found = build_sweep(sweep)
    assert [run.model for run in found.runs] == ["good", "cheap", "unsure", "wrong"]
    assert [run.rank for run in found.runs] == [1, 2, 3, 4]
    assert found.best == {"sorting": "good"}
    stored = SweepResult.model_validate_json((sweep / RESULT).read_bytes())
    assert stored == found
    assert "**sorting: ship good, which provably" in (sweep / REPORT).read_text()


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
    assert found.best == {"sorting": "good"}
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
    assert found.best == {"sorting": "good"}
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
