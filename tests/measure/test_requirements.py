"""A verdict says no more than its interval, and what is unknown is never met."""

from typing import Any

import pytest

from runner.errors import ConfigError
from runner.measure.requirements import check, judge, known_metrics, leaks
from runner.record.outcomes import Metric, Verdict
from tests.report.make import job, model


def metric(value: float | None, low: float | None, high: float | None, unit: str) -> Metric:
    return Metric(value=value, low=low, high=high, n=24, unit=unit)


def verdict(
    requirements: dict[str, Any], metrics: dict[str, Metric] | None = None, **changes: Any
) -> Verdict:
    """The one on the requirement given; data_privacy always has one, too."""
    found = judge(job(requirements=requirements, **changes), metrics or {})
    wanted = next(iter(requirements))
    return next(v for v in found if v.requirement.split(".")[0] == wanted)


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (0.85, 0.95, "met"),
        (0.74, 0.93, "not proven"),
        (0.5, 0.84, "missed"),
        (None, None, "not proven"),
    ],
)
def test_a_least_score(low: float | None, high: float | None, word: str) -> None:
    """A minimum is met when the whole interval reaches it, and missed when none of it does."""
    found = verdict({"min_quality_score": 0.85}, {"quality": metric(0.8, low, high, "score")})
    assert found.verdict == word


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (800, 3000, "met"),
        (800, 3001, "not proven"),
        (3001, 9000, "missed"),
        (800, None, "not proven"),
        (3001, None, "missed"),
    ],
)
def test_a_greatest_latency(low: float, high: float | None, word: str) -> None:
    """Without an upper bound a maximum can be missed but never met."""
    metrics = {"latency_p95_ms": metric(2000, low, high, "ms")}
    assert verdict({"max_latency_ms": 3000}, metrics).verdict == word


def test_the_sentence() -> None:
    """The reason quotes the value, the bound that decides and the threshold."""
    metrics = {"quality": metric(0.861, 0.743, 0.93, "score")}
    assert verdict({"min_quality_score": 0.85}, metrics).why == (
        "quality 0.861, at least 0.743 with 95 % confidence: 0.85 is not proven; "
        "as measured it is met, by too little for ten times the cases to settle it"
    )
    assert verdict({"min_quality_score": 0.95}, metrics).why == (
        "quality 0.861, at most 0.930 with 95 % confidence: 0.95 is missed"
    )


def test_the_percentile_is_the_one_asked_for() -> None:
    """latency_percentile chooses the metric that max_latency_ms bounds."""
    metrics = {"latency_p50_ms": metric(1200, 900, 1500, "ms")}
    wanted = {"max_latency_ms": 3000, "latency_percentile": 50}
    assert verdict(wanted, metrics).verdict == "met"
    assert verdict({"max_latency_ms": 3000}, metrics).verdict == "unknown"


def test_an_unknown_price_is_an_unknown_verdict() -> None:
    """A cost that nobody knows neither meets nor misses a bound."""
    found = verdict(
        {"max_cost_per_request": 0.01}, {"cost_per_request_usd": metric(None, None, None, "usd")}
    )
    assert (found.verdict, found.value) == ("unknown", None)
    assert "price" in found.why


def test_costs_stand_beside_each_other() -> None:
    """The verdict on the cost of an answer says what an accepted one costs."""
    metrics = {
        "cost_per_request_usd": metric(0.001, 0.0009, 0.0011, "usd"),
        "cost_per_accepted_usd": metric(0.002, 0.0018, 0.0022, "usd"),
    }
    found = verdict({"max_cost_per_request": 0.01}, metrics)
    assert found.why.endswith("$0.01 is met; $0.00200 per accepted answer")


def test_the_context_is_a_fact() -> None:
    """The context that is needed is held against the one the model has."""
    assert verdict({"context_needed": 8000}).verdict == "met"
    assert verdict({"context_needed": 8001}).verdict == "missed"


@pytest.mark.parametrize(
    ("privacy", "data", "word"),
    [
        ("standard", "third_party", "met"),
        ("strict", "third_party", "missed"),
        ("strict", "self_hosted", "met"),
        ("air_gapped", "self_hosted", "missed"),
        ("air_gapped", "on_device", "met"),
    ],
)
def test_privacy(privacy: str, data: str, word: str) -> None:
    """strict keeps text from third parties, air_gapped keeps it on this machine."""
    assert verdict({"data_privacy": privacy}, model=model(data=data)).verdict == word


def test_privacy_holds_for_the_whole_chain() -> None:
    """A fallback that sends text away misses what the primary keeps."""
    found = verdict(
        {"data_privacy": "air_gapped"},
        model=model(data="on_device"),
        chain={"first": model("big")},
    )
    assert found.verdict == "missed"
    assert found.why == "fallback.chain.first goes to big-host (third_party)"


def test_privacy_holds_for_whoever_is_told() -> None:
    """Judges, callbacks and a collector of spans see texts as well: each is named by its way."""
    judge = {"judge": {"rubric": "Is it good?", "model": model("big")}}
    told = job(
        requirements={"data_privacy": "air_gapped"},
        model=model(data="on_device"),
        task={"scorers": judge},
        callbacks=["langfuse"],
        tracing={"endpoint": "http://collector:4318", "data": "self_hosted"},
    )
    assert leaks(told) == [
        "task.scorers.judge.model goes to big-host (third_party)",
        "callbacks.langfuse goes to langfuse (third_party)",
        "tracing.endpoint goes to http://collector:4318 (self_hosted)",
    ]


def test_output_formats() -> None:
    """JSON is measured, text is met by nature, and code is what nobody here can tell."""
    wanted = {"output_format": "json", "min_valid_output": 0.9}
    metrics = {"valid_output_rate": metric(1.0, 0.95, 1.0, "rate")}
    assert verdict(wanted, metrics).verdict == "met"
    assert verdict(wanted | {"min_valid_output": 0.99}, metrics).verdict == "not proven"
    assert verdict({"output_format": "text"}).verdict == "met"
    assert verdict({"output_format": "code"}).verdict == "unknown"


def test_availability_is_what_does_not_fail() -> None:
    """The upper bound of the error rate is the lower bound of availability."""
    metrics = {"error_rate": metric(0.0, 0.0, 0.1425, "rate")}
    found = verdict({"availability": 0.8}, metrics)
    assert (found.verdict, found.value) == ("met", 1)
    assert verdict({"availability": 0.999}, metrics).verdict == "not proven"


def test_availability_with_and_without_help() -> None:
    """Beside what was answered in the end stands what was answered at once."""
    metrics = {
        "error_rate": metric(0.0, 0.0, 0.1, "rate"),
        "first_attempt_success_rate": metric(0.75, 0.5, 0.9, "rate"),
    }
    found = verdict({"availability": 0.8}, metrics)
    assert found.verdict == "met"
    assert found.why.endswith("; 0.750 before retries and fallback")


def located(name: str, **facts: list[str]) -> dict[str, Any]:
    found = model(name)
    return {**found, "provider": found["provider"] | facts}


@pytest.mark.parametrize(
    ("stated", "word"),
    [
        (["soc2", "hipaa"], "met"),
        (["soc2", "hipaa", "iso27001"], "met"),
        (["soc2"], "missed"),
        ([], "unknown"),
    ],
)
def test_certifications(stated: list[str], word: str) -> None:
    """Each one is needed; a provider that states none may have all of them."""
    wanted = {"certifications": ["soc2", "hipaa"]}
    assert verdict(wanted, model=located("small", certifications=stated)).verdict == word


@pytest.mark.parametrize(
    ("stated", "word"),
    [(["eu"], "met"), (["eu", "ch"], "met"), (["eu", "us"], "missed"), ([], "unknown")],
)
def test_regions(stated: list[str], word: str) -> None:
    """A provider works nowhere but in the regions that are allowed."""
    wanted = {"regions": ["eu", "ch"]}
    assert verdict(wanted, model=located("small", regions=stated)).verdict == word


def test_the_whole_chain_is_certified() -> None:
    """What the primary has its fallback needs too, and the sentence names who lacks what."""
    found = verdict(
        {"certifications": ["soc2"]},
        model=located("small", certifications=["soc2"]),
        chain={"first": located("big", certifications=["iso27001"])},
    )
    assert (found.verdict, found.why) == ("missed", "big-host does not state soc2")


def test_a_month_has_a_verdict() -> None:
    """requests_per_month is held against what the providers carry."""
    assert verdict({"requests_per_month": 500_000}).verdict == "unknown"


def test_any_metric_can_be_bounded() -> None:
    """bounds holds a metric by its name in result.json, from either side."""
    metrics = {
        "fallback_rate": metric(0, 0, 0, "rate"),
        "score.exact": metric(0.5, 0.3, 0.7, "score"),
    }
    limits = {"fallback_rate": {"max": 0.0}, "score.exact": {"min": 0.8}}
    found = judge(job(requirements={"bounds": limits}), metrics)
    words = {v.requirement: v.verdict for v in found}
    assert words["bounds.fallback_rate"] == "met"
    assert words["bounds.score.exact"] == "missed"


def test_a_bound_on_no_metric_is_refused() -> None:
    """Each bound that nothing measures is named, with what it may have meant."""
    config = job(requirements={"bounds": {"eror_rate": {"max": 1}, "score.exakt": {"min": 0}}})
    with pytest.raises(ConfigError) as error:
        check(config.requirements, config.task)
    assert error.value.problems == (
        "requirements.bounds: no metric 'eror_rate'; did you mean 'error_rate'?",
        "requirements.bounds: no metric 'score.exakt'; did you mean 'score.exact'?",
    )
    assert "score.exact" in known_metrics(config.task)
