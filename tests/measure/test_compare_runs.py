"""A run is held against another from what the two left on disk."""

from pathlib import Path

import pytest

from runner.errors import ConfigError
from runner.measure.compare import against, check
from runner.measure.comparison import QUALITY, RunComparison
from runner.record.files import JOURNAL, REPORT, RESULT, read_json
from runner.report import build
from tests.report.make import Factory, answered, failed, job, model


def test_journals_are_compared(write_run: Factory) -> None:
    """Scores, failures, latency and cost come from the journals; a fallback earns no credit."""
    before = write_run([answered(f"c{k}") for k in range(20)], name="before")
    lines = [answered(f"c{k}", 0.0, seconds=3.0, cost_usd=0.002) for k in range(18)]
    lines += [answered("c18", 1.0, fallback="first")]
    after = write_run([*lines, failed("c19", expected="yes")], name="after")
    found = against(before, after)
    rows = {one.name: (one.before, one.after, one.n) for one in found.changes}
    assert rows["quality"] == (1.0, 0.0, 18)
    assert rows["answered"] == (1.0, 0.9, 20)
    assert rows["latency_p50_ms"] == (1000.0, 3000.0, 18)
    assert found.n == 20


def test_what_was_not_asked_alike_is_said(write_run: Factory) -> None:
    """Another concurrency is named, and the latencies are not compared."""
    before = write_run([answered("a")], name="before")
    after = write_run([answered("a")], job(concurrency=4), name="after")
    found = against(before, after)
    assert found.differences == ["concurrency: 1 for baseline; 4 for candidate"]
    assert {one.verdict for one in found.changes if one.unit == "ms"} == {"unknown"}


def test_replayed_answers_have_no_latency(write_run: Factory) -> None:
    """What was replayed was timed once, and is not timed again."""
    before = write_run([answered("a")], name="before")
    after = write_run([answered("a", replayed=True)], name="after")
    assert not [one for one in against(before, after).changes if one.unit == "ms"]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"name": "other"}, "task: is sorting in"),
        ({"scorers": {"regex": {}}}, "quality: is exact in"),
    ],
)
def test_what_can_not_be_compared(
    write_run: Factory, task: dict[str, object], message: str
) -> None:
    """Another task or another measure of quality is refused, before a run and after it."""
    before = write_run([answered("a")], name="before")
    other = job(task=task, baseline=before)
    with pytest.raises(ConfigError, match=message):
        against(before, write_run([answered("a")], other, name="after"))
    with pytest.raises(ConfigError, match="baseline: its"):
        check(other)


def test_no_run(write_run: Factory, tmp_path: Path) -> None:
    """A directory that is no run is refused, and a sweep's runs are named."""
    run = write_run([answered("a")], name="sweep/0_sorting-small")
    with pytest.raises(ConfigError, match=f"is no run.*{run}"):
        against(tmp_path / "sweep", run)


def test_the_result_keeps_the_comparison(write_run: Factory) -> None:
    """It stands in result.json and in the report, and outlives the baseline."""
    before = write_run([answered(f"c{k}") for k in range(20)], name="before")
    lines = [answered(f"c{k}", 0.0) for k in range(20)]
    after = write_run(lines, job(baseline=before, model=model("large")), name="after")
    built = build(after)
    found = RunComparison.model_validate(read_json(after / RESULT)["baseline"])
    assert found.regressed == [QUALITY]
    report = (after / REPORT).read_text()
    assert "## Against the baseline" in report
    assert "Proven worse than the baseline: quality." in report
    assert "c1 (1 → 0)" in report
    (before / JOURNAL).unlink()
    assert build(after) == built


def test_a_hostile_case(write_run: Factory) -> None:
    """The id of a case becomes no markup in the report, and no second line."""
    hostile = "<b>| **x**\n# y"
    before = write_run([answered(hostile)], name="before")
    after = write_run([answered(hostile, 0.0)], job(baseline=before), name="after")
    build(after)
    [line] = [one for one in (after / REPORT).read_text().splitlines() if "quality fell" in one]
    assert "<b>" not in line
    assert "# y" not in line.replace("&#35; y", "")


def test_a_baseline_that_is_gone(write_run: Factory, tmp_path: Path) -> None:
    """A report without its baseline, and without an earlier comparison, says so."""
    after = write_run([answered("a")], job(baseline=tmp_path / "gone"), name="after")
    built = build(after)
    assert built.baseline is None
    assert "is no run" in built.notes[-1]
