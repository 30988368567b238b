"""What has moved since a decision was promoted: facts, and what a few cases prove.

Pure: from a record, the models as conf/ has them now, and new answers to findings.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from shlex import quote
from typing import Literal

from runner.config.overrides import leaves
from runner.config.schema import Job, Model, Single, singles
from runner.decide import gate
from runner.decide.configuration import arguments, shown
from runner.decide.promote.decision_record import Canary, DecisionRecord, rounded
from runner.decide.promote.promote import NOTICE, map_prices, prices
from runner.decide.traffic import Traffic
from runner.measure import formatting
from runner.measure.comparison import (
    ANSWERED,
    COST,
    LATENCY,
    QUALITY,
    TYPICAL_COST,
    Change,
    RunComparison,
)
from runner.measure.observations import own
from runner.measure.statistics import rate
from runner.record.outcomes import Answered, Failed, Record

# `moved` is a fact or proven; `may have moved` is seen and could be chance, or somebody's word.
State = Literal["as before", "moved", "may have moved", "unknown"]
_WATCHED = {
    QUALITY: ("score", "measure again: sweep the candidates"),
    ANSWERED: ("calls answered", "read the errors in the report"),
    LATENCY: ("latency", "measure again, at the hours that matter"),
    COST: ("cost per request", "measure again: sweep the candidates"),
    TYPICAL_COST: ("cost of the typical request", "measure again: sweep the candidates"),
}
_POINTS: dict[State, gate.State] = {"as before": "passed", "moved": "missed"}  # else open


class Finding(Record):
    what: str
    recorded: str
    now: str
    state: State
    advice: str  # what to do; empty: nothing


class Drift(Record):
    """`drift.json`."""

    task: str
    mapping: str
    model: str
    promoted: date
    findings: list[Finding]
    proposal: str | None  # the runner-up, where something has moved

    @property
    def moved(self) -> list[str]:
        return [finding.what for finding in self.findings if finding.state == "moved"]


def stated(record: DecisionRecord, model: Model, today: date) -> Iterator[Finding]:
    """What can be told without asking any model."""
    models = {single.name: single for _, single in singles(model, "model")}
    then, now = f"{record.model} ({record.id})", f"{model.name} ({model.id})"
    advice = "conf/ has changed: promote anew, or take it back"
    yield _fact("model", then, now, advice, moved=then != now)
    yield _price(record, models)
    yield _price_map(record, models, today)
    for name, single in models.items():
        yield _retirement(single, record.retires.get(name), today)
    late = today > record.review_by
    yield _fact(
        "review",
        f"by {record.review_by} ({record.review_because})",
        f"{(today - record.review_by).days} days late" if late else "in time",
        "review the decision, then promote it anew",
        moved=late,
    )


def told(record: DecisionRecord, job: Job) -> Iterator[Finding]:
    """Whether the mapping still sets what was promoted with the model."""
    now = dict(leaves(job.model_dump(mode="json"))) | {"prompt": job.task.prompt_name}
    for key, value in record.overrides.items():
        then, found = f"{key}={shown(value)}", f"{key}={shown(now.get(key))}"
        advice = "another configuration answers: promote anew, or take it back"
        yield _fact("setting", then, found, advice, moved=rounded(now.get(key)) != value)


def in_production(record: DecisionRecord, seen: Traffic | None) -> Iterator[Finding]:
    """What the requests of `run` and `serve` show since then; of other inputs than the cases."""
    if seen is None:
        return
    if record.served and seen.served:
        new = seen.served - set(record.served)
        yield _fact(
            "served in production",
            ", ".join(record.served),
            ", ".join(sorted(seen.served)),
            "the provider serves another model: measure again",
            moved=bool(new),
        )
    measured = record.metrics.get("error_rate")
    then = measured.value if measured else None
    failed = rate(seen.asked - seen.answered, seen.asked)
    state: State = "unknown" if then is None else "as before"
    if measured and then is not None and (failed.value or 0.0) > then:
        proven = measured.high is not None and failed.low is not None and failed.low > measured.high
        state = "moved" if proven else "may have moved"
    yield Finding(
        what="requests in production",
        recorded="unknown" if then is None else f"{1 - then:.1%} answered",
        now=str(seen),
        state=state,
        advice="read the errors in outputs/runs/" if state == "moved" else "",
    )


def asked_again(
    record: DecisionRecord, lines: Sequence[Answered | Failed], found: RunComparison
) -> Iterator[Finding]:
    """What new answers to the canary cases show."""
    answers = [line for line in lines if isinstance(line, Answered) and own(line)]
    yield _served(record, answers)
    same = {each.case: each for each in record.canary if each.case not in found.changed}
    if missing := len(record.canary) - found.n:
        now, advice = f"{missing} gone or changed", "cases or prompt have changed: measure again"
        yield _fact("canary cases", str(len(record.canary)), now, advice, maybe=True)
    yield _answers(same, answers)
    for change in found.changes:
        if change.name in _WATCHED:
            yield _measured(change, regressed=change.name in found.regressed)


def points(found: Drift, again: RunComparison | None) -> list[gate.GateCheck]:
    """What a gate looks at: the findings, and how the answers compare with those on record."""
    of_findings = [
        gate.GateCheck(
            one.what,
            _POINTS.get(one.state, "open"),
            f"{one.recorded} on record, {one.now} now: {one.state}",
        )
        for one in found.findings
    ]
    return of_findings + (gate.of_comparison(again) if again else [])


def proposal(record: DecisionRecord, *, sweep_is_there: bool, options: str = "") -> str:
    """What to ship instead, of what was measured already; `options` end the command for it."""
    second = record.runner_up
    if second is None:
        return "No runner-up was measured: sweep other candidates."
    numbers_of = ", ".join(
        f"{name} {formatting.show(second.metrics[name].value, second.metrics[name].unit)}"
        for name in ("quality", "latency_p95_ms", "cost_per_request_usd")
        if name in second.metrics
    )
    how = {
        "proven": "provably met every requirement",
        "supported": "missed none, with some not proven",
    }.get(second.tier or "", "was not proven to fit")
    name, settings = second.candidate or second.model, arguments(second.settings)
    # Its evidence has to be measured again.
    command = " ".join([f"task={record.task} model={second.model}", *settings])
    if sweep_is_there:
        sweep = record.evidence.sweep
        command = f"promote {sweep} candidate={quote(name)} mapping={record.mapping}"
    return (
        f"Runner-up, as measured for this decision: {name} ({numbers_of}), which {how}. "
        f"Next: python -m runner {command}{options}"
    )


def _fact(
    what: str, recorded: str, now: str, advice: str, *, moved: bool = False, maybe: bool = False
) -> Finding:
    """`advice` is what to do where something `moved`, or `maybe` did."""
    state: State = "moved" if moved else "may have moved" if maybe else "as before"
    done = state == "as before"
    return Finding(
        what=what, recorded=recorded, now=now, state=state, advice="" if done else advice
    )


def _price(record: DecisionRecord, models: Mapping[str, Single]) -> Finding:
    """Rates alone: when and where they were looked up moves nothing."""
    then = _rates(record.prices)
    now = _rates(prices(models))
    changed = [key for key in then | now if then.get(key) != now.get(key)]
    return _fact(
        "price",
        ", ".join(f"{key} {then.get(key)}" for key in changed) or f"{len(then)} rates",
        ", ".join(f"{key} {now.get(key)}" for key in changed) or "the same",
        "the costs are others: measure again",
        moved=bool(changed),
    )


def _rates(prices: Mapping[str, Mapping[str, object] | None]) -> dict[str, object]:
    return {
        f"{name}: {key}": rounded(value)
        for name, price in prices.items()
        for key, value in (price or {}).items()
        if key not in ("checked", "source")
    }


def _price_map(record: DecisionRecord, models: Mapping[str, Single], today: date) -> Finding:
    now = [each for model in models.values() for each in map_prices(model, today)]
    new = [each for each in now if each not in record.price_map]
    advice = "look at the provider's price list, then correct price in conf/model/"
    known = f"{len(record.price_map)} differences"
    return _fact("price in lists", known, "; ".join(new) or "no new ones", advice, maybe=bool(new))


def _retirement(model: Single, recorded: date | None, today: date) -> Finding:
    now, near = "no date", False
    if model.retires is not None:
        days = (model.retires - today).days
        near = days <= NOTICE.days
        now = f"{model.retires}, " + (f"in {days} days" if days >= 0 else f"{-days} days ago")
    instead = f"model={model.successor}" if model.successor else "another model"
    return _fact(
        f"retirement of {model.name}",
        str(recorded or "no date"),
        now,
        f"measure {instead} now",
        moved=near or model.retires != recorded,
    )


def _served(record: DecisionRecord, answers: Sequence[Answered]) -> Finding:
    now = sorted({line.model_served for line in answers if line.model_served})
    state: State = "moved" if set(now) - set(record.served) else "as before"
    if not now or not record.served:
        state = "unknown"
    return Finding(
        what="served model",
        recorded=", ".join(record.served) or "not said",
        now=", ".join(now) or "not said",
        state=state,
        advice="the provider serves another model: measure again" if state == "moved" else "",
    )


def _answers(recorded: Mapping[str, Canary], answers: Sequence[Answered]) -> Finding:
    """Texts may change by chance: models do not always say the same, even at temperature 0."""
    known = [line for line in answers if line.case in recorded]
    pairs = [(recorded[line.case].answer, line.as_text) for line in known]
    exact = sum(one == other for one, other in pairs)
    alike = sum(_normal(one) == _normal(other) for one, other in pairs)
    more = f", {alike} but for case and spaces" if alike > exact else ""
    state: State = "as before" if exact == len(pairs) else "may have moved"
    return Finding(
        what="answers",
        recorded=f"{len(pairs)} answers",
        now=f"{exact} the same{more}",
        state=state if pairs else "unknown",
        advice="",
    )


def _normal(text: str) -> str:
    return " ".join(text.casefold().split())


def _measured(change: Change, *, regressed: bool) -> Finding:
    """A quality that is proven better has moved, too: another model may have answered."""
    what, advice = _WATCHED[change.name]
    differs = change.verdict in ("better", "worse")
    state: State = "unknown" if change.verdict == "unknown" else "as before"
    if regressed or (differs and change.name == QUALITY):
        state = "moved"
    elif differs or (change.unit in ("score", "rate") and change.change):
        state = "may have moved"
    return Finding(
        what=what,
        recorded=formatting.show(change.before, change.unit),
        now=f"{formatting.show(change.after, change.unit)}, {change.n} cases",
        state=state,
        advice=advice if state == "moved" else "",
    )
