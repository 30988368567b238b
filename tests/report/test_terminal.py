"""A result fits on a screen and says the same as the report."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from runner.config.schema import Job
from runner.decide.sweep import SweepResult
from runner.record.files import PAGE, REPORT, RESULT, write_json
from runner.record.outcomes import Answered, Failed, Result, Score
from runner.report import rebuild, terminal
from tests.report.make import Factory, answered, attempt, failed, job, model

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


def printed(directory: Path, width: int = 140, *, verbose: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    found = rebuild(directory)
    if isinstance(found, SweepResult):
        parts = terminal.sweep(directory, found, verbose=verbose)
    else:
        parts = terminal.run(directory, found, verbose=verbose)
    for part in parts:
        console.print(part, crop=False)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_run_fits_on_a_screen(write_run: Factory) -> None:
    """All eight requirements and the numbers they rest on take no more than 26 lines."""
    lines = [answered(str(n), n % 2, cost_usd=n / 1e4, reply="{}") for n in range(1, 25)]
    directory = write_run([*lines, failed("x")], job(requirements=REQUIREMENTS))
    text = printed(directory)
    assert len(text.splitlines()) <= 26
    assert "24 of 25 outcomes answered" in text
    assert "✗   min_quality_score" in text or "≈   min_quality_score" in text
    assert str(directory / PAGE) in text


def test_a_model_can_not_write_to_the_terminal(write_run: Factory) -> None:
    """Markup and escape sequences in a name are printed, not obeyed."""
    text = printed(write_run([answered()], job(model=model(id="\x1b[2J[red]x[/red]"))))
    assert "\x1b" not in text
    assert "[red]x[/red]" in text


def test_a_sweep(write_run: Factory, tmp_path: Path) -> None:
    """What to ship comes first, then the candidates, the best first, then the jobs that failed."""
    for number, n in enumerate((4, 60)):
        lines = [answered(str(k), served_by=f"m{n}", cost_usd=k / 1e4) for k in range(1, n)]
        candidate = job(requirements={"min_quality_score": 0.85}, model=model(f"m{n}"))
        write_run(lines, candidate, name=f"sweep/{number}_sorting-m{n}")
    broken = Result(task="sorting", model="broken", id="b", error="model: [bold]no[/bold] key")
    write_json(tmp_path / "sweep/2_x" / RESULT, broken.model_dump(mode="json"))
    text = printed(tmp_path / "sweep")
    assert text.index("Ship m60") < text.index("m4 is not") < text.index("[bold]no[/bold] key")
    assert "Ship m60 for sorting: the only candidate that provably meets every requirement" in text
    assert text.index("Ship m60") < text.index("m4 is not proven to meet min_quality_score")
    assert "≈min_quality_score" in printed(tmp_path / "sweep", verbose=True)


@pytest.fixture
def four(write_run: Factory, tmp_path: Path) -> Path:
    """Candidates asked unalike: two are proven, one is supported, one misses."""
    known: dict[str, Any] = {"rpm": 5000, "max_concurrency": 50}
    planted = {"first": (5, 0.002), "second": (7, 0.001), "third": (30, 0.0004), "last": (15, 3e-4)}
    for number, (name, (wrong, cost)) in enumerate(planted.items()):
        lines = [
            answered(
                f"c{k:03}",
                float(not number * 20 <= k < number * 20 + wrong),
                served_by=name,
                cost_usd=cost * (1 + k % 5 / 10),
                seconds=1 + k / 100,
                reply="{}",
                request={"max_tokens": 50 + number, "top_k": number},
            )
            for k in range(100)
        ]
        candidate = model(name)
        price = candidate["price"] | {"output_usd_per_mtok": 100.0}
        candidate |= {"provider": candidate["provider"] | known, "price": price}
        loose = {"min_quality_score": 0.8, "availability": 0.9, "min_valid_output": 0.9}
        wanted = REQUIREMENTS | loose
        of = job(requirements=wanted, model=candidate)
        write_run(lines, of, name=f"sweep/{number}_sorting-{name}")
    return tmp_path / "sweep"


@pytest.mark.parametrize("width", [80, 120])
def test_a_sweep_fits_on_a_screen(four: Path, width: int) -> None:
    """Four candidates: 25 lines, the answer first, each reason once, and no word is cut."""
    drawn = printed(four, width)
    *lines, pointer = drawn.splitlines()
    assert len(lines) < 25
    assert max(map(len, lines)) <= width
    assert drawn.startswith("Ship second for sorting: the cheapest of the 2 that provably meet ")
    assert str(four / PAGE) in pointer and "verbose=true" in pointer
    assert "…" not in drawn
    text = " ".join(drawn.split())
    for said in (
        "candidate verdict quality 95 % interval p95 latency per request",
        "not like for like: request.max_tokens: ",
        "first meets every requirement too, but costs $0.00240 a request",
        "third misses min_quality_score (quality 0.700, at most 0.788",
        "last is not proven to meet min_quality_score (quality 0.850",
    ):
        assert text.count(said) == 1


def test_all_of_a_sweep(four: Path) -> None:
    """`verbose` has every reason, what would change the answer, and what is not alike."""
    text = printed(four, width=120, verbose=True)
    assert text.startswith("Ship second for sorting")
    for said in (
        "not like for like: request.top_k: ",
        "sorting: ship second, the cheapest of the 2 that provably meet every requirement",
        "Tied with second, as no difference in quality is proven: first",
        "100 cases show a true difference in quality of",
        "Why not the others: first meets every requirement too, but costs $0.00240 a request",
        "Why not the others: third misses min_quality_score (quality 0.700, at most 0.788",
        "What would change the answer: At less than",
    ):
        assert said in text


def test_nothing_is_recommended(write_run: Factory, tmp_path: Path) -> None:
    """The nearest candidate is named with its reason, once."""
    for number, right in enumerate((30, 20)):
        lines = [answered(str(k), float(k < right), served_by=f"m{right}") for k in range(60)]
        of = job(requirements={"min_quality_score": 0.85}, model=model(f"m{right}"))
        write_run(lines, of, name=f"sweep/{number}_sorting-m{right}")
    text = " ".join(printed(tmp_path / "sweep", 80).split())
    assert text.startswith("No candidate can be recommended for sorting: nearest: m30 misses ")
    assert text.count("m30 misses min_quality_score") == 1
    assert text.count("m20 misses min_quality_score") == 1


def test_the_worst_sweep_fits_too(write_run: Factory, tmp_path: Path) -> None:
    """Long names that miss much and failed calls: 25 lines of 80 columns, and no name is cut."""
    names = ("claude-haiku-with-a-long-name", "mistral-small-2506-instruct", "gpt-6-luna-mini", "m")
    wanted = REQUIREMENTS | {"bounds": {"error_rate": {"max": 0.05}}}
    for number, name in enumerate(names):
        lines: list[Answered | Failed] = [
            answered(str(k), float(k % 9 > number), served_by=name, seconds=1 + k / 10, reply="{")
            for k in range(40)
        ]
        lines += [failed(f"x{k}") for k in range(3)]
        of = job(requirements=wanted, model=model(name))
        write_run(lines, of, name=f"sweep/{number}_sorting-{name}")
    text = printed(tmp_path / "sweep", 80)
    assert len(text.splitlines()) <= 25
    assert "…" not in text
    assert text.startswith("No candidate can be recommended for sorting")
    report = (tmp_path / "sweep" / REPORT).read_text()
    assert "\n**none**: nearest: claude-haiku-with-a-long-name misses" in report


def test_all_verdicts_of_a_run(write_run: Factory) -> None:
    """What is met is named; only `verbose` says of it why."""
    lines = [answered(str(n), reply="{}") for n in range(100)]
    directory = write_run(lines, job(requirements=REQUIREMENTS))
    few, verbose = printed(directory), printed(directory, verbose=True)
    assert "✓ met: " in few and "context_needed" in few
    assert "8,000 are needed" not in few
    assert "8,000 are needed" in verbose


def routed(lines: int) -> tuple[list[Answered | Failed], Job]:
    """Answers of a split over two arms."""
    split = {
        "kind": "split",
        "name": "ab",
        "arms": {"simple": model("small"), "complex": model("big")},
        "weights": {"simple": 1, "complex": 1},
    }
    found: list[Answered | Failed] = []
    for n in range(lines):
        arm, name = (("simple", "small"), ("complex", "big"))[n % 2]
        found.append(answered(str(n), served_by=name, arm=arm, attempts=[attempt(name, arm=arm)]))
    return found, job(model=split)


def test_arms(write_run: Factory, tmp_path: Path) -> None:
    """A composite model has a row for each arm, in its run and in a sweep, beside single ones."""
    lines, of = routed(10)
    directory = write_run(lines, of, name="sweep/0_sorting-ab")
    write_run([answered(str(n)) for n in range(10)], name="sweep/1_sorting-small")
    for text in (printed(directory), printed(tmp_path / "sweep", verbose=True)):
        found = (line.split() for line in text.splitlines() if line.startswith("ab "))
        rows = [row for row in found if row[1] in ("simple", "complex")]
        assert [row[:5] for row in rows[:2]] == [
            ["ab", "simple", "small", "5", "5"],
            ["ab", "complex", "big", "5", "5"],
        ]
    for path in (directory, tmp_path / "sweep"):
        page = (path / REPORT).read_text()
        assert "| ab | simple | small | 5 | 5 | 1.000 |" in page
        assert "| ab | complex | big | 5 | 5 | 1.000 |" in page


def test_a_judges_bill(write_run: Factory) -> None:
    """What judging cost is shown where somebody judged, and nowhere else."""
    judged = {"scorers": {"judge": {"model": model("wise")}}}
    scores = {"judge": Score(value=1, why="")}
    line = answered(scores=scores, judging=[attempt("wise", role="judge", cost_usd=0.25)])
    shown = printed(write_run([line], job(task=judged)))
    assert "judge_cost_usd" in shown
    assert "$0.25" in shown
    assert "judge_cost_usd" not in printed(write_run([answered()], name="other"))


def test_repeats(write_run: Factory) -> None:
    """A run with repeats says how steady the model is."""
    lines: list[Answered | Failed] = [answered("a", float(n), repeat=n) for n in range(2)]
    text = printed(write_run(lines, job(repeats=2)))
    assert "pass_at_k" in text
    assert "flaky_rate" in text
