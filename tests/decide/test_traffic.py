"""What was answered in production counts for its decision, whichever command answered it."""

from datetime import date
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from runner.config.schema import Model
from runner.decide import traffic
from runner.decide.promote.drift import in_production
from runner.record.files import write_json
from runner.record.journal import to_line
from runner.record.outcomes import Answered, Failed, Metric
from tests.decide.promote.test_decision_record import record
from tests.report import make
from tests.report.make import answered, failed

MODEL: Model = TypeAdapter(Model).validate_python(make.model())
SINCE = date(2026, 11, 1)


def write(
    outputs: Path,
    name: str,
    lines: list[Answered | Failed],
    *,
    kind: str | None = "production",
    started: str = "2026-11-05T10:00:00+00:00",
    model: str = MODEL.name,
) -> None:
    directory = outputs / "runs" / name
    directory.mkdir(parents=True)
    about = {"task": "sorting", "model": model, "id": MODEL.id, "started": started, "config": {}}
    write_json(directory / "run.json", about | ({"kind": kind} if kind else {}))
    (directory / "cases.jsonl").write_bytes(b"".join(map(to_line, lines)))


def test_of(tmp_path: Path) -> None:
    """Runs in production of this very model and task count, from that day on, and no others."""
    write(tmp_path, "serve", [answered("a"), failed("b"), failed("c", kind="interrupted")])
    write(tmp_path, "run", [answered("a")])
    write(tmp_path, "measured", [answered("a")], kind=None)
    write(tmp_path, "earlier", [answered("a")], started="2026-10-05T10:00:00+00:00")
    write(tmp_path, "another", [answered("a")], model="another")
    found = traffic.of(tmp_path, "sorting", MODEL, SINCE)
    assert found
    assert (found.asked, found.answered) == (3, 2)
    assert "3 requests since 2026-11-01: 2 answered" in str(found)
    assert traffic.of(tmp_path, "sorting", MODEL, date(2026, 12, 1)) is None


@pytest.mark.parametrize(
    ("fails", "state"), [(0, "as before"), (3, "may have moved"), (60, "moved")]
)
def test_drift(tmp_path: Path, fails: int, state: str) -> None:
    """More failures than were measured have moved once that is proven, and may have before."""
    lines = [answered(f"a{n}") for n in range(40)]
    write(tmp_path, "serve", [*lines, *(failed(f"f{n}") for n in range(fails))])
    measured = Metric(value=0.0, low=0.0, high=0.1, n=40, unit="rate")
    seen = traffic.of(tmp_path, "sorting", MODEL, SINCE)
    found = list(in_production(record(metrics={"error_rate": measured}), seen))
    assert {each.what: each.state for each in found}["requests in production"] == state
    assert list(in_production(record(), None)) == []
