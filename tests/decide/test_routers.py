"""A sweep says whether its routers know anything, and what one could gain where there is none."""

from collections.abc import Callable
from pathlib import Path
from random import Random

from runner.config.schema import Job
from runner.decide.routers import RouterGain
from runner.decide.sweep import compute
from runner.record.files import SWEEP, write_json
from runner.record.outcomes import Answered, Failed
from runner.report import build_sweep
from tests.report.make import Factory, answered, failed, job, model

N = 150
_HARD = {str(k) for k in range(N) if k % 2}
_ANY = {str(k) for k in range(N) if Random(k).random() < 0.5}
_COST = {"weak": 0.001, "strong": 0.01}


def right(name: str, case: str) -> float:
    """The weak one is good at what is easy, the strong one at nearly all."""
    skill = {"strong": 0.95, "weak": 0.1 if case in _HARD else 0.95}[name]
    return float(Random(f"{name} {case}").random() < skill)


def alone(name: str) -> tuple[Job, list[Answered | Failed]]:
    lines: list[Answered | Failed] = [
        answered(str(k), right(name, str(k)), served_by=name, cost_usd=_COST[name])
        for k in range(N)
    ]
    return job(model=model(name)), lines


def router(name: str, strong: Callable[[str], bool]) -> tuple[Job, list[Answered | Failed]]:
    """By rules, so that no classifier is paid; `strong` says which cases the dear arm gets."""
    composite = {
        "kind": "router",
        "name": name,
        "arms": {"simple": model("weak"), "complex": model("strong")},
        "rules": [{"arm": "complex", "tags": ["hard"]}],
        "otherwise": "simple",
        "system": "Which arm?",
        "sampling": {"temperature": 0.0, "max_tokens": 10},
    }
    lines: list[Answered | Failed] = []
    for k in range(N):
        served = "strong" if strong(str(k)) else "weak"
        arm = "complex" if strong(str(k)) else "simple"
        lines.append(
            answered(
                str(k), right(served, str(k)), served_by=served, arm=arm, cost_usd=_COST[served]
            )
        )
    return job(model=composite), lines


def swept(
    write_run: Factory, where: Path, *runs: tuple[Job, list[Answered | Failed]]
) -> list[RouterGain]:
    for number, (each, lines) in enumerate(runs):
        write_run(lines, each, name=f"sweep/{number}_sorting-{each.model.name}")
    write_json(where / "sweep" / SWEEP, {"command": "python -m runner -m model=weak,strong"})
    return compute(where / "sweep").routing["sorting"]


def test_signal_and_none(write_run: Factory, tmp_path: Path) -> None:
    """Of planted skill: a router that sees what is hard gains, and one that draws lots is told."""
    signal, lots = swept(
        write_run,
        tmp_path,
        alone("weak"),
        alone("strong"),
        router("sees", _HARD.__contains__),
        router("lots", _ANY.__contains__),
    )
    if signal.label != "sees":
        signal, lots = lots, signal
    assert signal.share and signal.share.low and signal.share.low > 0.5
    assert any("sees is better than a length rule" in line for line in signal.said)
    assert lots.share and lots.share.low is not None and lots.share.low < 0
    assert any(
        "lots is no better than a length rule" in line
        or "lots is not proven to be better than a length rule" in line
        for line in lots.said
    )
    build_sweep(tmp_path / "sweep", anew=True)
    for report in ("report.md", "report.html"):
        text = (tmp_path / "sweep" / report).read_text()
        assert "the best arm for each case" in text and "a random mix that costs the same" in text


def test_arms_that_nobody_measured(write_run: Factory, tmp_path: Path) -> None:
    """A router whose arms were not measured alone is not judged, and told which are missing."""
    [found] = swept(write_run, tmp_path, alone("strong"), router("sees", _HARD.__contains__))
    assert found.not_measured == ["weak"] and found.share is None
    assert "measure weak, too" in found.said[0]


def test_single_models(write_run: Factory, tmp_path: Path) -> None:
    """Without a router a sweep says what one could gain at the most."""
    [found] = swept(write_run, tmp_path, alone("weak"), alone("strong"))
    names = [one.name for one in found.alternatives]
    assert names == ["strong alone", "the best for each case (oracle)"]
    best, ideal = found.alternatives
    assert ideal.quality > best.quality and (ideal.usd or 1) < (best.usd or 0)


def test_failures_are_worth_nothing(write_run: Factory, tmp_path: Path) -> None:
    """A request of the router that failed counts against it, and is not left out."""
    lossy, lines = router("sees", _HARD.__contains__)
    lost = [failed(str(k)) for k in range(0, N, 3)]
    kept = [line for line in lines if int(line.case) % 3]
    [found] = swept(write_run, tmp_path, alone("weak"), alone("strong"), (lossy, [*lost, *kept]))
    assert found.n == N
    assert found.alternatives[0].quality < 0.7
