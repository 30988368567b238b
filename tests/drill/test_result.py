"""What was seen under a fault, held against the requirements."""

from dataclasses import replace

import pytest

from runner.config.schema import Requirements
from runner.drill.faults import Fault
from runner.drill.result import Faulted, Handled, faulted, kept

GOOD = Handled(
    attempts=2,
    asked_for_answer=2,
    waited_seconds=1.0,
    seconds=2.5,
    cost_usd=0.001,
    served_by="haiku",
    in_format=True,
    error=None,
)
FAILED = replace(GOOD, served_by=None, in_format=False, error="overloaded", seconds=9.0)
PROMISED = Requirements.model_validate(
    {"name": "test", "availability": 0.9, "max_latency_ms": 3000, "output_format": "json"}
)


def held(*cases: Handled, requirements: Requirements = PROMISED, expect: str = "answer") -> Faulted:
    fault = Fault.model_validate({"answers": [503, "ok"], "expect": expect})
    [found] = faulted(requirements, {"x": fault}, {"x": cases})
    return found


def verdicts(found: Faulted) -> dict[str, bool | None]:
    return {promise.name: promise.kept for promise in found.promises}


@pytest.mark.parametrize(
    ("cases", "availability", "max_latency_ms", "output_format"),
    [
        ([GOOD], True, True, True),
        ([GOOD, replace(GOOD, seconds=3.001)], True, False, True),
        ([GOOD, replace(GOOD, in_format=False)], True, True, False),
        ([GOOD, FAILED], False, True, True),
        ([FAILED], False, None, None),
    ],
)
def test_promises(
    cases: list[Handled],
    availability: bool,
    max_latency_ms: bool | None,
    output_format: bool | None,
) -> None:
    """Latency and form are promised of answers; where there is none, nobody knows them."""
    assert verdicts(held(*cases)) == {
        "availability": availability,
        "max_latency_ms": max_latency_ms,
        "output_format": output_format,
    }


def test_nothing_is_promised() -> None:
    """Without a requirement no fault breaks one, however badly it ends."""
    found = held(FAILED, requirements=Requirements(name="none"))
    assert found.promises == []
    assert kept([found])


@pytest.mark.parametrize(
    ("case", "stops"),
    [
        (replace(FAILED, attempts=2, asked_for_answer=1, error="auth"), True),
        (replace(FAILED, error="auth"), False),
        (replace(GOOD, asked_for_answer=1), False),
    ],
    ids=["at once", "retried", "hidden by another model"],
)
def test_what_is_ours_to_mend(case: Handled, stops: bool) -> None:
    """A wrong key must fail after one attempt for an answer; that is all that is asked of it."""
    assert verdicts(held(case, expect="stop")) == {"stops_at_once": stops}


def test_each_number_is_the_highest() -> None:
    """A row shows the case that fared worst; one unknown cost makes it unknown."""
    worse = replace(GOOD, attempts=4, waited_seconds=7.0, seconds=8.0, cost_usd=0.002)
    found = held(GOOD, worse)
    assert (found.attempts, found.waited_seconds, found.seconds) == (4, 7.0, 8.0)
    assert found.cost_usd == 0.002
    assert held(GOOD, replace(GOOD, cost_usd=None)).cost_usd is None
    assert held(GOOD, FAILED).outcomes == {"answered": 1, "overloaded": 1}
