"""Metrics credit a model with its own answers, and charge it for everything."""

import subprocess
import sys
from typing import Any

import pytest

from runner.measure.formatting import UNITS
from runner.measure.metrics import Measured, measure
from runner.measure.statistics import rate
from runner.record.outcomes import Answered, Failed, Metric, Raced, Score, Skipped, Usage
from tests.report.make import answered, attempt, failed, job, model


def numbers(lines: list[Answered | Failed], **changes: Any) -> dict[str, float | None]:
    return {name: m.value for name, m in measured(lines, **changes).metrics.items()}


def measured(lines: list[Answered | Failed], **changes: Any) -> Measured:
    return measure(lines, job(**changes))


def test_a_failure_is_no_wrong_answer() -> None:
    """A failed call counts as an error and touches neither quality nor latency."""
    found = measured([answered("a"), answered("b"), failed("c")])
    assert found.metrics["quality"].value == 1
    assert found.metrics["quality"].n == 2
    assert found.metrics["error_rate"].value == pytest.approx(1 / 3)
    assert found.metrics["latency_p95_ms"].value == 1000
    assert (found.counts.answered, found.counts.failed, found.counts.cases) == (2, 1, 3)


def test_the_last_look_of_a_race_is_one_look() -> None:
    """Half of the error is for looks on the way, and half for the one at which all was asked."""
    lines: list[Answered | Failed] = [answered(str(n), float(n % 20 > 0)) for n in range(200)]
    race = Raced(candidates=8, tail=0.05 / 18, outcomes=len(lines))
    last = measure(lines, job(), race).metrics["quality"]
    one = rate(190, 200, 1 - 0.05 / 18)
    assert [last.low, last.high] == pytest.approx([one.low, one.high])
    on_the_way = measure(lines, job(), race.model_copy(update={"outcomes": 201}))
    assert_wider(on_the_way.metrics["quality"], last)


def assert_wider(wide: Metric, narrow: Metric) -> None:
    assert None not in (wide.low, wide.high, narrow.low, narrow.high)
    assert (wide.low or 0) < (narrow.low or 0)
    assert (wide.high or 0) > (narrow.high or 0)


def test_a_fallback_earns_the_primary_nothing() -> None:
    """Answers of another model count in fallback_rate and in cost, and nowhere else."""
    lines: list[Answered | Failed] = [
        answered("a", 0.0),
        answered("b", 1.0, served_by="big", fallback="first", seconds=9.0, cost_usd=0.05),
    ]
    found = numbers(lines, chain={"first": model("big")})
    assert found["quality"] == 0
    assert found["latency_p95_ms"] == 1000
    assert found["fallback_rate"] == 0.5
    assert found["cost_total_usd"] == pytest.approx(0.051)


def test_a_fallback_that_failed_too_was_asked() -> None:
    """fallback_rate counts the outcomes that needed another model, answered or not."""
    line = failed(
        attempts=[attempt(error="timeout"), attempt("big", fallback="first", error="timeout")]
    )
    assert numbers([line], chain={"first": model("big")})["fallback_rate"] == 1


def test_without_a_chain_fallback_rate_is_a_fact() -> None:
    """Where nothing can fall back, 0 is exact; where something can, 0 is an estimate."""
    lines: list[Answered | Failed] = [answered(str(n)) for n in range(24)]
    fact = measured(lines).metrics["fallback_rate"]
    assert (fact.value, fact.low, fact.high) == (0, 0, 0)
    estimate = measured(lines, chain={"first": model("big")}).metrics["fallback_rate"]
    assert estimate.high == pytest.approx(0.1425, abs=5e-5)


def test_what_retry_and_fallback_are_worth() -> None:
    """Answers that took a second attempt or another model are no first successes."""
    lines: list[Answered | Failed] = [
        answered("a"),
        answered("b", attempts=[attempt(error="timeout"), attempt()]),
        answered("c", fallback="first", served_by="big", attempts=[attempt("big")]),
        failed("d"),
    ]
    found = numbers(lines, chain={"first": model("big")})
    assert found["first_attempt_success_rate"] == 0.25
    assert found["error_rate"] == 0.25
    assert found["attempts_per_request"] == 1.5  # of its own answers


def test_models_that_were_passed_over() -> None:
    """Whoever was not asked although its turn had come is counted."""
    passed = Skipped(model="small", why="left alone for 3 s more after timeout")
    found = measured([answered("a", skipped=[passed]), answered("b", skipped=[passed])])
    assert found.skipped == {"small": 2}


def test_retries_are_of_one_model() -> None:
    """One attempt of each of two models is a fallback and no retry."""
    lines: list[Answered | Failed] = [
        answered("a", attempts=[attempt(error="timeout"), attempt()]),
        answered("b", served_by="big", attempts=[attempt(error="timeout"), attempt("big")]),
    ]
    assert numbers(lines, chain={"first": model("big")})["retry_rate"] == 0.5


def test_replays_are_paid_for_but_not_timed() -> None:
    """A replayed answer has no latency of this run, and costs what it cost then."""
    found = measured([answered("a"), answered("b", replayed=True, seconds=99.0)])
    assert found.metrics["latency_p95_ms"].value == 1000
    assert found.metrics["latency_p95_ms"].n == 1
    assert found.metrics["cost_total_usd"].value == pytest.approx(0.002)
    assert found.spent_usd == pytest.approx(0.001)
    assert found.counts.replayed == 1


def test_failed_attempts_are_paid_for() -> None:
    """The cost of a request is all dollars over the answers they bought."""
    lines: list[Answered | Failed] = [answered("a", cost_usd=0.002), failed("b", cost_usd=0.004)]
    assert numbers(lines)["cost_per_request_usd"] == pytest.approx(0.006)


@pytest.mark.parametrize(("least", "accepted"), [(None, 1), (0.5, 2), (0.9, 1)])
def test_an_accepted_answer(least: float | None, accepted: int) -> None:
    """It is as good as the requirement asks for, or perfect where none does; all pay for it."""
    lines: list[Answered | Failed] = [
        answered("a", 1.0, cost_usd=0.001),
        answered("b", 0.5, cost_usd=0.001),
        answered("c", 0.0, cost_usd=0.001),
        failed("d", cost_usd=0.001),
    ]
    found = measured(lines, requirements={"min_quality_score": least}).metrics
    cost = found["cost_per_accepted_usd"]
    assert cost.value == pytest.approx(0.004 / accepted)
    assert cost.n == accepted


def test_no_accepted_answer_has_no_cost() -> None:
    """Where nothing was accepted the cost of it is unknown, and not 0."""
    assert numbers([answered("a", 0.0)])["cost_per_accepted_usd"] is None


def test_an_answer_without_a_score_is_neither_accepted_nor_refused() -> None:
    """What a judge did not judge is left out of the cost of accepted answers, with its own cost."""
    lines: list[Answered | Failed] = [answered("a"), answered("b", scores={}, cost_usd=0.009)]
    assert numbers(lines)["cost_per_accepted_usd"] == pytest.approx(0.001)


def test_an_unknown_cost_stays_unknown() -> None:
    """One unknown cost makes the total, the average and the month unknown."""
    lines: list[Answered | Failed] = [answered("a"), answered("b", cost_usd=None)]
    found = measured(lines, requirements={"requests_per_month": 1000})
    for name in ("cost_total_usd", "cost_per_request_usd", "monthly_cost_usd"):
        assert found.metrics[name].value is None
    assert found.spent_usd is None


def test_a_free_model_is_free_for_certain() -> None:
    """Where every token costs 0 the interval of the cost is 0 as well."""
    price = {
        "input_usd_per_mtok": 0,
        "output_usd_per_mtok": 0,
        "checked": "2026-11-23",
        "source": "",
    }
    free = measured([answered("a", cost_usd=0.0)], model=model(price=price))
    cost = free.metrics["cost_per_request_usd"]
    assert (cost.value, cost.low, cost.high) == (0, 0, 0)


def test_a_month_costs_its_requests() -> None:
    """monthly_cost_usd is the cost per request with its interval, times the requests."""
    lines: list[Answered | Failed] = [answered(str(n), cost_usd=n / 1000) for n in range(1, 10)]
    found = measured(lines, requirements={"requests_per_month": 1000}).metrics
    each, month = found["cost_per_request_usd"], found["monthly_cost_usd"]
    assert month.value == pytest.approx(5)
    assert each.low is not None
    assert month.low == pytest.approx(each.low * 1000)


def test_tokens_where_they_were_counted() -> None:
    """Token means rest on the answers whose provider counted, and say how many these are."""
    found = measured(
        [
            answered("a", usage=Usage(input_tokens=100, output_tokens=60), seconds=2.0),
            answered("b", usage=None),
        ]
    ).metrics
    assert (found["input_tokens"].value, found["input_tokens"].n) == (100, 1)
    assert found["output_tokens_per_second"].value == 60  # of the attempt that answered: 1 s


def test_truncated_answers() -> None:
    """An answer that ran into max_tokens is counted as truncated."""
    lines: list[Answered | Failed] = [answered("a", finish_reason="length"), answered("b")]
    assert numbers(lines)["truncated_rate"] == 0.5


@pytest.mark.parametrize(
    ("reply", "valid"),
    [('{"a": 1}', 1), ('{"a": 1, "a": 2}', 0), ('{"a": NaN}', 0), ("[" * 100_000, 0), ("", 0)],
)
def test_valid_json(reply: str, valid: int) -> None:
    """Only JSON as the standard has it is valid, whatever else a parser lets through."""
    assert numbers([answered(reply=reply)], task={"output": "json"})["valid_output_rate"] == valid


@pytest.mark.parametrize("fenced", [True, False])
def test_fenced_json(fenced: bool) -> None:
    """Whether a code block is read is what the task says, here as everywhere."""
    task = {"output": "json", "fenced": fenced}
    assert numbers([answered(reply="```json\n{}\n```")], task=task)["valid_output_rate"] == fenced


def test_the_json_valid_scorer_knows_better() -> None:
    """Where the task has a scorer for validity, the rate is its verdict."""
    scores = {"exact": Score(value=1, why=""), "json_valid": Score(value=0, why="no 'name'")}
    task = {"output": "json", "scorers": {"exact": {}, "json_valid": {}}, "quality": "exact"}
    found = numbers([answered(reply="{}", scores=scores)], task=task)
    assert found["valid_output_rate"] == 0
    assert found["score.json_valid"] == 0


def test_text_has_no_validity() -> None:
    """For a task whose output is text the rate is unknown, not 0 and not 1."""
    assert numbers([answered()])["valid_output_rate"] is None


def test_repeats_widen_nothing_away() -> None:
    """Five equal answers to each of 12 cases are evidence of 12 cases, and n says 60 answers."""
    once = [answered(str(n), n % 2) for n in range(12)]
    often: list[Answered | Failed] = [
        line.model_copy(update={"repeat": repeat}) for repeat in range(5) for line in once
    ]
    a, b = measured([*once]).metrics["quality"], measured(often, repeats=5).metrics["quality"]
    assert (a.value, a.low, a.high) == (b.value, b.low, b.high)
    assert (a.n, b.n) == (12, 60)


def test_repeats_show_how_steady_a_model_is() -> None:
    """pass@k counts cases that one of the repeats passes; flaky ones are named, flakiest first."""
    tries = {"a": (1, 1, 1, 1), "b": (1, 0, 0, 1), "c": (0, 0, 0, 1), "d": (0, 0, 0, 0)}
    lines: list[Answered | Failed] = [
        answered(case, quality, repeat=repeat)
        for case, scores in tries.items()
        for repeat, quality in enumerate(scores)
    ]
    found = measured(lines, repeats=4)
    shown = {name: found.metrics[name].value for name in ("pass_at_1", "pass_at_k", "flaky_rate")}
    assert shown == {"pass_at_1": 7 / 16, "pass_at_k": 0.75, "flaky_rate": 0.5}
    assert found.metrics["quality"].value == 7 / 16
    assert list(found.flaky_cases) == ["b", "c"]


def test_one_try_says_nothing_of_steadiness() -> None:
    """Where each case is asked once there is no pass@k and no flakiness."""
    assert not {"pass_at_1", "pass_at_k", "flaky_rate"} & set(measured([answered()]).metrics)


def test_an_empty_run_knows_nothing() -> None:
    """Without outcomes every metric is there and unknown, except that nothing was spent."""
    found = measured([])
    unasked = {
        name
        for name in UNITS
        if name.startswith(("judge_", "ttft_", "tokens_per_s", "pass_", "flaky_"))
    }
    assert set(found.metrics) == set(UNITS) - unasked - {"monthly_cost_usd"} | {"score.exact"}
    assert found.metrics["quality"].value is None
    assert found.metrics["error_rate"].value is None
    assert found.spent_usd == 0


def test_scipy_is_imported_only_to_compute() -> None:
    """Commands that compute nothing do not wait for scipy."""
    code = "import runner.report, sys; sys.exit('scipy' in sys.modules or 'litellm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
