"""What a drill found, held against what the requirements promise: its `result.json`."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from runner.config.schema import Job, Requirements
from runner.drill.faults import Fault
from runner.errors import ErrorKind
from runner.measure import formatting
from runner.record.outcomes import Record

UNITS = {
    "availability": "rate",
    "max_latency_ms": "ms",
    "output_format": "rate",
    "stops_at_once": "attempts",
}


@dataclass(frozen=True)
class Handled:
    """What the chain did with one case."""

    attempts: int
    asked_for_answer: int  # times, less classifiers and judges; samples asked at once are one
    waited_seconds: float  # between attempts, and for the provider's limits and its circuit
    seconds: float  # from the question to the answer or the last error, waits included
    cost_usd: float | None
    served_by: str | None  # None: nobody
    in_format: bool
    error: ErrorKind | None


class Promise(Record):
    """One requirement under one fault."""

    name: str
    bound: float
    value: float | None  # None: there was no answer to measure
    kept: bool | None  # None: likewise


class Faulted(Record):
    """What the chain did under one fault; each number is the highest that one case had."""

    name: str
    expect: Literal["answer", "stop"]
    outcomes: dict[str, int]  # "answered" or the kind of the last error, and of how many cases
    attempts: int
    waited_seconds: float
    served_by: dict[str, int]
    cost_usd: float | None  # what it would have cost; None: unknown
    seconds: float  # waits included
    promises: list[Promise]

    @property
    def cases(self) -> int:
        return sum(self.outcomes.values())

    @property
    def answered(self) -> int:
        return self.outcomes.get("answered", 0)


class DrillResult(Record):
    """`identity` is that of the chain: see `identity`."""

    started: str  # ISO 8601, UTC
    task: str
    model: str
    fallback: list[str]  # the names of its models
    identity: str
    command: str
    faults: list[Faulted]
    notes: list[str]
    versions: dict[str, str | None]
    git: dict[str, Any] | None
    config: dict[str, Any]
    kept: bool  # every promise; no promise is broken by what it does not speak of


def identity(job: Job) -> str:
    """Hash of all that a drill is about: the models, their chain, the retries, the promises."""
    return hashlib.sha256(json.dumps(subject(job), sort_keys=True).encode()).hexdigest()


def subject(job: Job) -> dict[str, Any]:
    parts = ("model", "fallback", "retry", "requirements")
    return {name: getattr(job, name).model_dump(mode="json") for name in parts}


def faulted(
    requirements: Requirements,
    faults: Mapping[str, Fault],
    handled: Mapping[str, Sequence[Handled]],
) -> list[Faulted]:
    """What was seen under each fault, against what is promised."""
    return [_faulted(name, faults[name], cases, requirements) for name, cases in handled.items()]


def kept(faults: Sequence[Faulted]) -> bool:
    return not any(promise.kept is False for each in faults for promise in each.promises)


def conclusion(result: DrillResult) -> str:
    """What it comes down to, in a sentence."""
    broken = [
        f"{each.name} ({', '.join(names)})"
        for each in result.faults
        if (names := [promise.name for promise in each.promises if promise.kept is False])
    ]
    words = [
        f"breaks what is promised under: {', '.join(broken)}"
        if broken
        else "keeps what is promised under every fault"
    ]
    if unanswered := [
        each.name
        for each in result.faults
        if each.expect == "answer" and each.answered < each.cases
    ]:
        words.append(f"leaves cases unanswered under: {', '.join(unanswered)}")
    return f"{result.model} {'; '.join(words)}."


def notes(job: Job) -> list[str]:
    """What the numbers rest on, for whoever reads them."""
    bounds = promised(job.requirements)
    words = ", ".join(
        f"{name} {formatting.bound(bound, UNITS[name])}" for name, bound in bounds.items()
    )
    found = [
        f"promised: {words or 'nothing'}",
        "each number is the highest that a case had; time is simulated, so what this machine takes "
        "for itself is not in it",
        "an answer is the one that its case expects, at four bytes a token and at its model's "
        "price and typical times",
    ]
    timeless = {
        model.name
        for model in job.answering.values()
        if model.typical.ttft_ms is None and model.typical.tokens_per_second is None
    }
    if timeless:
        names = ", ".join(sorted(timeless))
        found.append(f"{names}: typical times are not known, so only waits and time-outs count")
    if "availability" not in bounds:
        found.append("availability is not promised, so a case without an answer breaks nothing")
    return found


def promised(wanted: Requirements) -> dict[str, float]:
    """The bounds that a drill can hold a chain to, by name."""
    bounds = {
        "availability": wanted.availability,
        "max_latency_ms": wanted.max_latency_ms,
        "output_format": wanted.min_valid_output if wanted.output_format == "json" else None,
    }
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _faulted(
    name: str, fault: Fault, cases: Sequence[Handled], requirements: Requirements
) -> Faulted:
    costs = [case.cost_usd for case in cases if case.cost_usd is not None]
    stop = fault.expect == "stop"
    return Faulted(
        name=name,
        expect=fault.expect,
        outcomes=Counter(case.error or "answered" for case in cases),
        attempts=max(case.attempts for case in cases),
        waited_seconds=round(max(case.waited_seconds for case in cases), 3),
        served_by=Counter(case.served_by for case in cases if case.served_by),
        cost_usd=max(costs) if len(costs) == len(cases) else None,
        seconds=round(max(case.seconds for case in cases), 3),
        promises=[_stops(cases)] if stop else _promises(requirements, cases),
    )


def _promises(wanted: Requirements, cases: Sequence[Handled]) -> list[Promise]:
    answers = [case for case in cases if case.served_by]
    values: dict[str, float | None] = {
        "availability": len(answers) / len(cases),
        "max_latency_ms": max((round(case.seconds * 1000) for case in answers), default=None),
        "output_format": sum(case.in_format for case in answers) / len(answers)
        if answers
        else None,
    }
    return [_promise(name, bound, values[name]) for name, bound in promised(wanted).items()]


def _promise(name: str, bound: float, value: float | None) -> Promise:
    sign = -1 if name == "max_latency_ms" else 1
    kept = None if value is None else sign * value >= sign * bound
    return Promise(name=name, bound=bound, value=value, kept=kept)


def _stops(cases: Sequence[Handled]) -> Promise:
    """What is ours to mend fails after one attempt, and no other model hides it."""
    most = max(case.asked_for_answer for case in cases)
    stopped = most == 1 and not any(case.served_by for case in cases)
    return Promise(name="stops_at_once", bound=1, value=most, kept=stopped)
