"""What has moved is a fact or proven; what is only seen is said to be so."""

from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from runner.config.schema import Model
from runner.decide.promote.decision_record import RunnerUp
from runner.decide.promote.drift import Finding, asked_again, proposal, stated
from runner.decide.promote.promote import map_prices
from runner.measure.compare import compare
from runner.measure.comparison import Observed, RunComparison, Side
from runner.record.outcomes import Metric
from tests.decide.promote.test_decision_record import record
from tests.report import make
from tests.report.make import answered

TODAY = date(2026, 12, 1)
_models: TypeAdapter[Model] = TypeAdapter(Model)


def findings(
    today: date = TODAY, *, recorded: dict[str, Any] | None = None, **model: Any
) -> dict[str, Finding]:
    found = stated(record(**(recorded or {})), _models.validate_python(make.model(**model)), today)
    return {one.what: one for one in found}


def nothing() -> RunComparison:
    side = Side(dir="", model="small", id="s")
    return compare(Observed(side, "sorting", "exact"), Observed(side, "sorting", "exact"))


def test_nothing_moved() -> None:
    """The model as it was promoted, before its review."""
    assert {one.state for one in findings().values()} == {"as before"}


@pytest.mark.parametrize(
    ("model", "what", "now"),
    [
        ({"id": "small-2026-09-09"}, "model", "small (small-2026-09-09)"),
        (
            {"price": None},
            "price",
            "small: input_usd_per_mtok None, small: output_usd_per_mtok None",
        ),
        ({"retires": "2026-12-20"}, "retirement of small", "2026-12-20, in 19 days"),
        ({"retires": "2026-11-20"}, "retirement of small", "2026-11-20, 11 days ago"),
        ({"retires": "2028-01-01"}, "retirement of small", "2028-01-01, in 396 days"),
    ],
)
def test_facts(model: dict[str, Any], what: str, now: str) -> None:
    """Another pin, price or day of retirement has moved; an unknown price is not the same."""
    found = findings(**model)[what]
    assert (found.state, found.now) == ("moved", now)
    assert found.advice


def test_a_price_of_many_digits() -> None:
    """What the record rounds has not moved."""
    price = make.PRICE | {"input_usd_per_mtok": 0.123456789}
    kept = {"small": {"input_usd_per_mtok": 0.123457, "output_usd_per_mtok": 4.0}}
    assert findings(recorded={"prices": kept}, price=price)["price"].state == "as before"


def test_a_known_retirement_far_away() -> None:
    """A day that stood on record has not moved until it is near."""
    day = TODAY + timedelta(days=31)
    recorded = {"retires": {"small": day}}
    assert findings(recorded=recorded, retires=day)["retirement of small"].state == "as before"
    later = findings(TODAY + timedelta(days=1), recorded=recorded, retires=day)
    assert later["retirement of small"].state == "moved"


def test_a_price_in_other_lists() -> None:
    """A list is somebody's word: what it says newly may be so, what it said before is no news."""
    openai = {
        "id": "gpt-4o-mini-2024-07-18",
        "provider": make.model()["provider"] | {"litellm": "openai"},
    }
    model = _models.validate_python(make.model(**openai))
    assert model.kind == "single"
    said = map_prices(model, TODAY)
    assert said
    what = "price in lists"
    assert findings(**openai)[what].state == "may have moved"
    assert findings(recorded={"price_map": said}, **openai)[what].state == "as before"


@pytest.mark.parametrize(
    ("recorded", "now", "state"),
    [
        (["a"], "a", "as before"),
        (["a", "b"], "a", "as before"),
        (["a"], "b", "moved"),
        ([], "b", "unknown"),
        (["a"], None, "unknown"),
    ],
)
def test_served_model(recorded: list[str], now: str | None, state: str) -> None:
    """Another string is a fact; a provider that says nothing leaves it unknown."""
    lines = [answered(model_served=now)]
    found = {one.what: one for one in asked_again(record(served=recorded), lines, nothing())}
    assert found["served model"].state == state


def test_proposal() -> None:
    """The runner-up comes with its numbers, the command, and whether it was proven."""
    assert "sweep other candidates" in proposal(record(), sweep_is_there=True)
    quality = Metric(value=0.9, low=0.8, high=0.95, n=40, unit="score")
    second = RunnerUp(
        model="large", id="l-1", tier="proven", metrics={"quality": quality}, why_not=None
    )
    said = proposal(record(runner_up=second), sweep_is_there=True, options=" -cd conf")
    assert "large (quality 0.900), which provably met every requirement" in said
    assert said.endswith("python -m runner promote s candidate=large mapping=mine -cd conf")
    gone = proposal(record(runner_up=second), sweep_is_there=False)
    assert gone.endswith("python -m runner task=sorting model=large")
