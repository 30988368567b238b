"""The report of a sweep says what its result says."""

import io
import shutil
from pathlib import Path
from typing import Any

import pytest

from runner.decide.sweep import load
from runner.errors import StorageError
from runner.record.files import JOURNAL, REPORT, RESULT, SWEEP, jobs, write_json
from runner.record.outcomes import Result
from runner.report import build, build_sweep, console, rebuild, terminal
from tests.report.make import Factory, answered, job, model


@pytest.fixture
def sweep(write_run: Factory, tmp_path: Path) -> Path:
    """good meets all and cheap too, each asked in its own way; wrong misses."""
    candidates = [("wrong", 0.0, 0.001), ("cheap", 0.96, 0.001), ("good", 1.0, 0.002)]
    for number, (name, quality, cost) in enumerate(candidates):
        lines = [
            answered(str(k), quality, served_by=name, cost_usd=cost, request={"top_k": number})
            for k in range(60)
        ]
        wanted: dict[str, Any] = {"min_quality_score": 0.85}
        of = job(requirements=wanted, model=model(name))
        write_run(lines, of, name=f"sweep/{number}_sorting-{name}")
    write_json(tmp_path / "sweep" / SWEEP, {"command": "python -m runner -m model=good,cheap"})
    return tmp_path / "sweep"


def test_the_report(sweep: Path) -> None:
    """What to ship, why, why not the others and the command stand in report.md, as on record."""
    found = build_sweep(sweep)
    assert load(sweep) == found
    said = found.recommendations["sorting"]
    page = (sweep / REPORT).read_text()
    assert f"**{said.headline}**" in page
    assert found.command and found.command in page
    for heading in ("Why", "Why not the others", "What would change the answer"):
        assert f"### {heading}\n" in page
    for why in said.why_not.values():
        assert why.partition(" (")[0] in page
    assert "- not like for like: request.top_k: " in page


def test_a_job_that_could_not_run(sweep: Path) -> None:
    """Why a job has no numbers is in the report."""
    broken = Result(task="sorting", model="broken", id="broken-1", error="no key")
    write_json(sweep / "4_sorting-broken" / RESULT, broken.model_dump(mode="json"))
    build_sweep(sweep)
    assert "no key" in (sweep / REPORT).read_text()


def test_an_unfinished_run_gets_no_result(sweep: Path, write_run: Factory) -> None:
    """What the same command can go on with is reported on, and stays without an end."""
    directory = write_run([answered()], name="sweep/5_sorting-small", outcomes=51)
    build_sweep(sweep, anew=True)
    assert not (directory / RESULT).exists()
    assert not (sweep / RESULT).exists()


def test_nothing_is_reported_over_what_is_lost(sweep: Path) -> None:
    """A result whose record is cut or gone is kept, and says so, until somebody takes it away."""
    build_sweep(sweep)
    kept = (sweep / RESULT).read_bytes()
    run = next(path for path in jobs(sweep) if (path / JOURNAL).is_file())
    build(run)
    journal, said = (run / JOURNAL).read_bytes(), (run / RESULT).read_bytes()
    (run / JOURNAL).write_bytes(journal[: journal.index(b"\n") + 1])
    with pytest.raises(StorageError, match=r"does not hold all that result\.json was made of"):
        rebuild(run)
    assert (run / RESULT).read_bytes() == said
    shutil.rmtree(run)
    with pytest.raises(StorageError, match=f"{run.name} is gone"):
        rebuild(sweep)
    assert (sweep / RESULT).read_bytes() == kept
    (sweep / RESULT).unlink()
    rebuild(sweep)
    assert (sweep / RESULT).is_file()


def test_rebuild_reads_the_journals(sweep: Path) -> None:
    """A sweep whose results are lost has the same ones after a rebuild."""
    before = build_sweep(sweep)
    for path in sweep.rglob(RESULT):
        path.unlink()
    assert rebuild(sweep) == before


def test_intervals_have_the_confidence_of_the_job(write_run: Factory, tmp_path: Path) -> None:
    """Every form of a run, a comparison and a sweep names the confidence that was asked for."""
    for number in (0, 1):
        lines = [answered(str(k), k % 2) for k in range(20)]
        before = write_run(lines, name="before")
        wanted = {"min_quality_score": 0.4, "confidence": 0.9}
        of = job(requirements=wanted, baseline=before, model=model("small"))
        write_run(lines, of, name=f"sweep/{number}_sorting-small")
    sweep = tmp_path / "sweep"
    found = build_sweep(sweep, anew=True)
    screen = io.StringIO()
    console.show([*terminal.run(sweep, found.runs[0]), *terminal.sweep(sweep, found)], screen)
    written = [path.read_text() for path in sweep.rglob("report.*")]
    assert len(written) == 6
    for said in (*written, screen.getvalue()):
        assert "90 % interval" in said
        assert "95 %" not in said
