"""A result fits on a screen and says the same as the report."""

import io
from pathlib import Path

from rich.console import Console

from runner.commands.report import report
from runner.outputs import REPORT, RESULT, write_json
from runner.records import Result
from tests.report.conftest import Factory
from tests.report.make import answered, failed, job, model

REQUIREMENTS = {
    "max_latency_ms": 3000,
    "max_cost_per_request": 0.01,
    "min_quality_score": 0.85,
    "context_needed": 8000,
    "data_privacy": "standard",
    "output_format": "json",
    "requests_per_month": 500_000,
    "availability": 0.999,
    "bounds": {"fallback_rate": {"max": 0.0}},
}


def printed(directory: Path, width: int = 140) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    assert report(directory, console) == 0
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_run_fits_on_a_screen(write_run: Factory) -> None:
    """All eight requirements and the numbers they rest on take no more than 25 lines."""
    lines = [answered(str(n), n % 2, cost_usd=n / 1e4, reply="{}") for n in range(1, 25)]
    directory = write_run([*lines, failed("x")], job(requirements=REQUIREMENTS))
    text = printed(directory)
    assert len(text.splitlines()) <= 25
    assert "24 of 25 outcomes answered" in text
    assert "✗   min_quality_score" in text or "≈   min_quality_score" in text
    assert str(directory / REPORT) in text


def test_a_model_can_not_write_to_the_terminal(write_run: Factory) -> None:
    """Markup and escape sequences in a name are printed, not obeyed."""
    text = printed(write_run([answered()], job(model=model(id="\x1b[2J[red]x[/red]"))))
    assert "\x1b" not in text
    assert "[red]x[/red]" in text


def test_a_sweep(write_run: Factory, tmp_path: Path) -> None:
    """Candidates come best first, then the jobs that failed, then what to ship."""
    for number, n in enumerate((4, 60)):
        lines = [answered(str(k), served_by=f"m{n}", cost_usd=k / 1e4) for k in range(1, n)]
        candidate = job(requirements={"min_quality_score": 0.85}, model=model(f"m{n}"))
        write_run(lines, candidate, name=f"sweep/{number}_sorting-m{n}")
    broken = Result(task="sorting", model="broken", id="b", error="model: [bold]no[/bold] key")
    write_json(tmp_path / "sweep/2_x" / RESULT, broken.model_dump(mode="json"))
    text = printed(tmp_path / "sweep")
    assert text.index("m60") < text.index("m4 ") < text.index("[bold]no[/bold] key")
    assert "≈min_quality_score" in text
    assert "ship m60, which provably meets every requirement" in text
