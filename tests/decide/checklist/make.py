"""A decision of which every line is ticked, to be spoilt in one place at a time."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from runner.decide.checklist.facts import (
    Cases,
    Checklist,
    Contest,
    Drilled,
    Facts,
    Line,
    MeasuredRun,
)
from runner.decide.checklist.rows import lines
from runner.decide.notify import Notify
from runner.decide.spend import Alerts
from runner.decide.traffic import Traffic
from runner.drill.result import DrillResult, Faulted, Promise, identity
from runner.record.outcomes import Counts, Metric, Result
from tests.report import make

TODAY = date(2026, 12, 1)
WANTED = {
    "max_latency_ms": 3000,
    "max_cost_per_request": 0.01,
    "min_quality_score": 0.85,
    "context_needed": 4000,
    "output_format": "json",
    "requests_per_month": 1000,
}
ANSWERS = {
    "compliance": False,
    "self_hosting_team": None,
    "provider_commitment": "none",
    "production_cases": True,
}
SETTINGS = {
    "from": None,
    "max_age": "90d",
    "cases_at_least": 20,
    "candidates_at_least": 3,
    "retires_within_days": 90,
    "edge_cases": {"long": "long"},
    "answers": ANSWERS,
    "format": "table",
    "to": None,
}
RETRY = {"name": "r", "attempts": 3, "initial_wait": 1, "max_wait": 30, "jitter": 1, "total": 120}


def decision(*, requirements: dict[str, Any] | None = None, **changes: Any) -> Checklist:
    known: dict[str, Any] = {"retry": RETRY, "budget_usd": 5.0, "chain": {"first": other()}}
    settings = {key: changes.pop(key) for key in list(changes) if key in SETTINGS}
    job = make.job(requirements={**WANTED, **(requirements or {})}, **{**known, **changes})
    return Checklist.model_validate(job.model_dump(mode="json") | SETTINGS | settings)


def other(**changes: Any) -> dict[str, Any]:
    """A fallback at a provider of its own."""
    return make.model("second", **changes)


def metric(value: float | None, unit: str, n: int = 1000) -> Metric:
    return Metric(value=value, low=value, high=value, n=n, unit=unit)


def measured(**changes: Any) -> MeasuredRun:
    result = Result(
        task="sorting",
        model="small",
        id="small-2026-01-01",
        complete=True,
        counts=Counts(cases=30, outcomes=30, answered=30, failed=0, replayed=0),
        metrics={
            "quality": metric(0.9, "score"),
            "latency_p95_ms": metric(900, "ms"),
            "cost_per_request_usd": metric(0.001, "usd"),
            "valid_output_rate": metric(1.0, "rate"),
        },
    )
    known = MeasuredRun(
        Path("run/report.md"), date(2026, 11, 20), result, scores={"long": [1.0, 0.5]}
    )
    return replace(known, **changes)


def drilled(of: Checklist, **changes: Any) -> Drilled:
    """An outage, under which `second` answered."""
    promise = Promise(name="availability", bound=0.9, value=0.5, kept=changes.get("kept", True))
    fault = Faulted(
        name="outage",
        expect="answer",
        outcomes={"answered": 2},
        attempts=2,
        waited_seconds=1,
        served_by=changes.pop("served_by", {"second": 2}),
        cost_usd=None,
        seconds=2,
        promises=[promise],
    )
    known: dict[str, Any] = {
        "started": "2026-11-25T12:00:00+00:00",
        "task": "sorting",
        "model": "small",
        "fallback": ["second"],
        "identity": identity(of),
        "command": "",
        "faults": [fault],
        "notes": [],
        "versions": {},
        "git": None,
        "config": {},
        "kept": True,
    }
    result = DrillResult.model_validate(known | changes)
    return Drilled(Path("drill/report.md"), date(2026, 11, 25), result)


def facts(of: Checklist | None = None, **changes: Any) -> Facts:
    of = of or decision()
    names = ("a", "b", "small")
    known = Facts(
        decision=of,
        today=TODAY,
        cases=Cases(Path("cases.jsonl"), "f" * 64, 30, {"long": 2}),
        measured=measured(),
        contest=Contest(Path("sweep/report.md"), date(2026, 11, 21), names, {}),
        drilled=drilled(of),
        alerts=Alerts(day_usd=5, month_usd=None, tasks={}),
        notify=Notify.model_validate({"env": ["SLACK_URL"], "data": "third_party"}),
        files={},
        traffic=Traffic(date(2026, 11, 1), asked=10, answered=10),
    )
    return replace(known, **changes)


def all_lines(of: Facts) -> dict[str, Line]:
    return {each.what: each for found in lines(of).values() for each in found}


def opened(of: Facts) -> dict[str, str]:
    """The evidence of the open lines."""
    return {what: each.evidence for what, each in all_lines(of).items() if each.state == "open"}
