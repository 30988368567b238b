"""Sweeps over candidates whose true accuracy is known, simulated and over HTTP."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.config.schema import Job
from runner.decide.recommend import Recommendation, recommend
from runner.decide.sweep import SweepResult
from runner.pipeline.plan import prepare
from runner.pipeline.resume import claim
from runner.pipeline.run import run
from runner.pipeline.session import connected
from runner.record.files import REPORT
from runner.report import build, build_sweep
from tests import loopback
from tests.conftest import model, write_cases
from tests.decide.recommend.make import contender
from tests.loopback import Answer, Loopback, Request

SWEEPS = 200
CASES = 60
PLANTED = {"first": 0.95, "second": 0.93, "third": 0.70}
LIMIT = 0.85
COSTS = {"first": 0.002, "second": 0.001, "third": 0.0005}


def sweeps() -> Iterator[Recommendation]:
    """Answers that are right by chance; a case that is hard for one is hard for the others."""
    draw = np.random.default_rng(7)
    for _ in range(SWEEPS):
        hard = draw.random(CASES)
        contenders = []
        for name, accuracy in PLANTED.items():
            luck = np.where(draw.random(CASES) < 0.5, hard, draw.random(CASES))
            scores = (luck < accuracy).astype(float).tolist()
            wanted = {"min_quality_score": LIMIT}
            contenders.append(contender(name, scores, cost_usd=COSTS[name], requirements=wanted))
        yield recommend("planted", contenders)


def wrongly_told_apart(found: Recommendation) -> bool:
    """Whether a difference is called proven that goes the other way."""
    assert found.compared_with is not None
    truth = PLANTED[found.compared_with]
    return any(
        one.verdict == ("worse" if PLANTED[name] > truth else "better")
        for name, one in found.compared.items()
    )


def test_a_wrong_proof_is_rare() -> None:
    """In 200 sweeps nobody unfit is chosen, nor a wrong difference proven, in more than 5 %."""
    wrong = right = 0
    for found in sweeps():
        unfit = found.choice is not None and PLANTED[found.choice] < LIMIT
        wrong += unfit or wrongly_told_apart(found)
        right += found.compared_with != "third" and found.compared["third"].verdict == "worse"
    assert wrong <= 0.05 * SWEEPS
    assert right >= 0.8 * SWEEPS


# Of each 60 cases, evenly, so that half as many cases have half as many.
MISTAKES = {"first": range(7, 60, 20), "second": range(0, 60, 15), "third": range(1, 55, 3)}


def planted(request: Request) -> Answer:
    """Right, or wrong on the planted cases."""
    number = int(request.text.split()[-1]) % CASES
    name = request.model.removesuffix("-2026-01-01")
    return loopback.text("wrong" if number in MISTAKES[name] else request.text)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(planted) as server:
        yield server


@pytest.fixture
def sweep(
    make_job: Callable[..., Job], config: dict[str, Any], tmp_path: Path, server: Loopback
) -> Callable[..., Any]:
    """`await sweep("name", cases=60, least=0.8)` runs the three on so many cases."""

    async def one(job: Job, directory: Path) -> None:
        plan = prepare(job)
        with claim(plan, directory):
            async with connected() as dispatch:
                await run(plan, directory, dispatch, lambda: None)
            build(directory)

    async def execute(name: str, *, cases: int, least: float) -> SweepResult:
        file = str(write_cases(tmp_path / f"{name}.jsonl", cases))
        for number, candidate in enumerate(MISTAKES):
            config["model"] = model(server.base_url, candidate)
            config["model"]["price"]["output_usd_per_mtok"] = 9.0 / (1 + number)
            wanted = {"name": "planted", "min_quality_score": least}
            job = make_job(
                server.base_url, requirements=wanted, concurrency=16, **{"task.cases": file}
            )
            await one(job, tmp_path / name / f"{number}_demo-{candidate}")
        return build_sweep(tmp_path / name)

    return execute


async def test_over_http(sweep: Callable[..., Any], tmp_path: Path) -> None:
    """Of 0.95, 0.93 and 0.70 the third is proven worse, and the cheaper of the tied is chosen."""
    found: SweepResult = await sweep("sweep", cases=CASES, least=0.8)
    said = found.recommendations["demo"]
    qualities = {run.model: run.metrics["quality"].value for run in found.runs}
    assert qualities == {"second": 56 / 60, "first": 0.95, "third": 0.7}
    assert (said.choice, said.ties) == ("second", ["first"])
    assert said.compared["third"].verdict == "worse"
    assert said.differences == []
    assert said.headline in (tmp_path / "sweep" / REPORT).read_text()


async def test_as_many_more_cases_settle_it(sweep: Callable[..., Any]) -> None:
    """What is not proven on 60 cases is proven with the number of cases that it asks for."""
    before: SweepResult = await sweep("few", cases=CASES, least=0.85)
    [open_] = next(run for run in before.runs if run.model == "second").verdicts[:1]
    assert before.best == {"demo": "first"}
    assert open_.why.endswith("; about 30 more cases would settle it; as measured it is met")
    assert open_.more_cases is not None
    after: SweepResult = await sweep("more", cases=CASES + open_.more_cases, least=0.85)
    assert after.best == {"demo": "second"}
