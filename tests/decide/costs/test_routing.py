"""Routed requests cost what each arm takes for its own, and what the classifier takes for all."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runner.config.schema import Price
from runner.decide.costs.monthly import usd_per_request
from runner.decide.costs.routing import (
    ArmShare,
    Usd,
    classifier_usd,
    measured,
    measured_classifier_usd,
    models_of,
    strategies,
    unused,
)
from runner.decide.costs.scenario import Classifier, Routing
from runner.decide.costs.workload import FinishedRun, Workload, finished
from runner.errors import ConfigError
from runner.record.files import RUN, read_json, write_json
from tests.conftest import model
from tests.decide.costs.test_monthly import month, price
from tests.decide.costs.test_workload import answer, finish, usage, write_run


def by(prices: Mapping[str, Price | None]) -> Usd:
    return lambda option, workload: usd_per_request(prices[option], workload)


def routes(simple: str, share: float, *complex: str) -> list[list[ArmShare]]:
    return [[ArmShare(simple, share), ArmShare(each, 1 - share)] for each in complex]


def test_strategies() -> None:
    """Routed requests cost each arm's share and the classifier; the first strategy is the rule."""
    prices = {"big": price(2.5, 10), "other": price(3, 15), "small": price(0.15, 0.6)}
    found = {
        each.name: each
        for each in strategies(
            month((1000, 1000), requests_per_month=1_000_000),
            routes("small", 0.7, "big", "other"),
            by(prices),
            0.0001,
        )
    }
    assert next(iter(found)) == "all big"
    assert found["all big"].savings == 0
    assert found["all small"].usd_per_month == pytest.approx(750)
    assert found["all other"].savings == pytest.approx(-0.44)
    assert found["routed: small + big"].usd_before_classifier == pytest.approx(4275)
    assert found["routed: small + big"].usd_per_month == pytest.approx(4375)
    assert found["routed: small + big"].savings == pytest.approx(0.65)


def test_a_router_of_unknown_cost() -> None:
    """An unknown classifier or arm makes the routed month unknown, and the savings too."""
    prices = {"big": price(2, 2), "dark": None, "small": price(1, 1)}
    found = {
        each.name: each
        for each in strategies(
            month((10, 10)), routes("small", 0.5, "big", "dark"), by(prices), None
        )
    }
    assert found["routed: small + big"].usd_before_classifier is not None
    assert found["routed: small + big"].usd_per_month is None
    assert found["routed: small + dark"].usd_before_classifier is None
    assert found["all dark"].savings is None


ROUTER = Routing(
    simple="planned-small",
    complex=("planned-big",),
    simple_share=0.9,
    classifier=Classifier(usd_per_request=None, model="small", input_tokens=None, output_tokens=5),
    input_tokens=None,
    output_tokens=None,
    printed={},
)
PRICES = by(
    {
        "small": price(1, 1),
        "big": price(10, 10),
        "planned-small": price(2, 2),
        "planned-big": price(20, 20),
    }
)


def named(name: str, **changes: Any) -> dict[str, Any]:
    return model("http://127.0.0.1:9/v1", name) | changes


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Three short questions and a long one through a router, which classified each of them."""

    def routed(case: str, arm: str, tokens: tuple[int, int]) -> Any:
        asked = answer(case, usage(*tokens), arm=arm)
        classified = asked.attempts[0].model_copy(
            update={"role": "classifier", "usage": usage(50, 2)}
        )
        return asked.model_copy(update={"attempts": [classified, *asked.attempts]})

    lines = [routed(case, "simple", (100, 10)) for case in "abc"]
    run = write_run(tmp_path / "run", *lines, routed("d", "complex", (1000, 500)))
    arms = {"simple": named("small"), "complex": named("big")}
    router = {"kind": "router", "classifier": named("small"), "arms": arms}
    write_json(run / RUN, read_json(run / RUN) | {"config": {"model": router}})
    finish(run)
    return run


@pytest.fixture
def run(directory: Path) -> FinishedRun:
    return finished(directory)


def test_a_run_of_a_router_has_shares_of_its_own(run: FinishedRun) -> None:
    """Who answered how many, of which sizes, the cheapest first; and what was classified."""
    workload = Workload(run.sizes, 1)
    [arms] = measured(run, workload, PRICES, ROUTER, set())
    assert [(arm.model, arm.share) for arm in arms] == [("small", 0.75), ("big", 0.25)]
    assert [arm.sizes for arm in arms] == [Counter({(100, 10): 3}), Counter({(1000, 500): 1})]
    assert measured_classifier_usd(run, PRICES, workload) == pytest.approx(52e-6)


def test_a_measured_month_is_the_sum_of_its_answers(run: FinishedRun) -> None:
    """Routed is each arm's own tokens at its own price; alone, each model takes all of them."""
    workload = Workload(run.sizes, 4)  # as many requests as there were
    found = strategies(workload, measured(run, workload, PRICES, ROUTER, set()), PRICES, 52e-6)
    months = {each.name: each.usd_per_month for each in found}
    assert months == {
        "all big": pytest.approx((330 + 1500) * 10e-6),
        "all small": pytest.approx((330 + 1500) * 1e-6),
        "routed: small + big": pytest.approx(330e-6 + 1500 * 10e-6 + 4 * 52e-6),
    }
    assert found[0].savings == 0


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"simple_share"}, [("small", 0.9), ("big", 0.1)]),
        ({"complex"}, [("small", 0.75), ("planned-big", 0.25)]),
        ({"simple", "complex"}, [("planned-small", 0.75), ("planned-big", 0.25)]),
    ],
)
def test_what_one_is_told_wins(
    run: FinishedRun, told: set[str], expected: list[tuple[str, float]]
) -> None:
    """A share or a model that is named stands in for the run's; sizes stay those of its arms."""
    [arms] = measured(run, Workload(run.sizes, 1), PRICES, ROUTER, told)
    assert [(arm.model, round(arm.share, 9)) for arm in arms] == expected


def test_a_planned_classifier_reads_the_question(run: FinishedRun) -> None:
    """Without a number of its own it is the question's tokens, and what tells it what to do."""
    each = classifier_usd(ROUTER.classifier, PRICES, month((272, 18)))
    assert each == pytest.approx((272 + 100 + 5) * 1e-6)
    fixed = ROUTER.classifier.model_copy(update={"input_tokens": 1600})
    assert classifier_usd(fixed, PRICES, month((272, 18))) == pytest.approx(1605e-6)


def test_rules_cost_nothing(directory: Path) -> None:
    """A router that asked no classifier pays for none."""
    text = (directory / "cases.jsonl").read_text().replace('"role":"classifier"', '"role":"judge"')
    (directory / "cases.jsonl").write_text(text)
    finish(directory)
    run = finished(directory)
    assert measured_classifier_usd(run, PRICES, Workload(run.sizes, 1)) == 0.0


def test_an_arm_made_of_models_is_refused(directory: Path) -> None:
    """A price is of a single model: an arm that is a cascade has none."""
    tree = read_json(directory / RUN)
    tree["config"]["model"]["arms"]["complex"] = {"kind": "cascade", "name": "both"}
    write_json(directory / RUN, tree)
    finish(directory)
    with pytest.raises(ConfigError, match="from: complex of demo-own is made of models"):
        models_of(finished(directory))


@pytest.mark.parametrize("dear", [price(10, 10), None])
def test_an_arm_that_answered_nothing(directory: Path, dear: Price | None) -> None:
    """It stays what the router is compared with: all tokens at its price, or unknown."""
    lines = (directory / "cases.jsonl").read_text().splitlines(keepends=True)[:3]
    (directory / "cases.jsonl").write_text("".join(lines))
    write_json(directory / RUN, read_json(directory / RUN) | {"outcomes": 3})
    finish(directory)
    run, prices = finished(directory), by({"small": price(1, 1), "big": dear})
    workload = Workload(run.sizes, 3)
    arms = measured(run, workload, prices, ROUTER, set())
    found = {each.name: each for each in strategies(workload, arms, prices, 52e-6)}
    routed = next(each for name, each in found.items() if name.startswith("routed: "))
    assert unused(run) == ["big"]
    assert routed.usd_per_month == pytest.approx(330e-6 + 3 * 52e-6)
    assert found["all small"].usd_per_month == pytest.approx(330e-6)
    assert found["all big"].usd_per_month == (dear and pytest.approx(330 * 10e-6))
    if dear:
        assert routed.savings == pytest.approx(1 - (330e-6 + 3 * 52e-6) / 3300e-6)
    else:
        assert routed.savings is None
