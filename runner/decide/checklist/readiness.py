"""The lines about production: what happens when something fails, costs too much or ends."""

from collections.abc import Iterator
from datetime import timedelta

from runner.config import pins
from runner.config.schema import Single
from runner.decide.checklist.facts import Drilled, Facts, Line, line
from runner.drill.result import conclusion, identity
from runner.measure import formatting


def readiness(facts: Facts) -> Iterator[Line]:
    yield _exchange(facts)
    yield _fallback(facts)
    yield _drilled(facts)
    yield _budget(facts)
    yield _alerts(facts)
    yield _backoff(facts)
    yield _pins(facts)
    yield _retirement(facts)
    yield _prices(facts)


def _exchange(facts: Facts) -> Line:
    """Always so: every model is asked on one path. How many were is the evidence for it."""
    said = "another one is model=…, and no change of code"
    if facts.contest:
        said += f"; measured on the same path: {len(facts.contest.candidates)} candidates"
    return line("Models can be exchanged", True, said, facts.files.get("model"))


def _fallback(facts: Facts) -> Line:
    what, link = "A fallback answers when a provider is down", facts.files.get("fallback")
    fallback = facts.decision.fallback
    if not fallback.chain:
        return line(what, False, f"fallback {fallback.name} has no models", link)
    names = ", then ".join(model.name for model in fallback.chain.values())
    if not (elsewhere := _providers(facts, "fallback.") - _providers(facts, "model")):
        said = f"{names}: at no other provider, so that one outage takes them all"
        return line(what, False, said, link)
    said = f"{names}: at {', '.join(sorted(elsewhere))}, on {', '.join(fallback.on)}"
    return line(what, True, said, link)


def _providers(facts: Facts, under: str) -> set[str]:
    return {
        model.provider.name
        for key, model in facts.decision.answering.items()
        if key.startswith(under)
    }


def _drilled(facts: Facts) -> Line:
    what, drill = "The fallback is drilled", facts.drilled
    if drill is None:
        job = facts.decision
        said = f"no drill of {job.model.name} on {job.task.name} is on record"
        return line(what, False, said, None, None)
    problem = _objection(facts, drill)
    said = problem or conclusion(drill.result).rstrip(".")
    return line(what, problem is None, said, drill.report, facts.age_days(drill.on))


def _objection(facts: Facts, drill: Drilled) -> str | None:
    """Why a drill shows nothing of this decision's fallback, or that it does not hold."""
    result = drill.result
    if result.identity != identity(facts.decision):
        return (
            f"the drill of {drill.on} was of another model, fallback, retry or requirements; "
            "drill what is decided now"
        )
    if not result.kept:
        return conclusion(result).rstrip(".")
    others = {m.name for k, m in facts.decision.answering.items() if k.startswith("fallback.")}
    if not any(others & set(fault.served_by) for fault in result.faults):
        return f"under no fault of the drill of {drill.on} did the fallback answer"
    return None


def _budget(facts: Facts) -> Line:
    what, job = "A budget is set", facts.decision
    usd, volume = job.requirements.max_cost_per_request, job.requirements.requests_per_month
    said = "not set" if job.budget_usd is None else formatting.bound(job.budget_usd, "usd")
    said = f"budget_usd: {said}"
    if usd and volume:
        said += f"; the requirements allow {formatting.show(usd * volume, 'usd')} a month"
    return line(what, job.budget_usd is not None, said, facts.files.get("checklist"))


def _alerts(facts: Facts) -> Line:
    what, link = "Cost is watched, and somebody is told", facts.files.get("spend")
    task = facts.decision.task.name
    limits = {
        "day_usd": facts.alerts.day_usd,
        "month_usd": facts.alerts.month_usd,
        f"tasks.{task}": facts.alerts.tasks.get(task),
    }
    known = [
        f"{key} {formatting.bound(usd, 'usd')}" for key, usd in limits.items() if usd is not None
    ]
    told = ", ".join(facts.notify.env)
    said = f"alerts: {', '.join(known) or 'none on this task'}; told: {told or 'nobody'}"
    return line(what, bool(known and told), said, link)


def _backoff(facts: Facts) -> Line:
    what, retry = "Rate limits are met with exponential backoff", facts.decision.retry
    said = (
        f"{retry.name}: {retry.attempts} attempts, waits from {retry.initial_wait:g} s "
        f"to {retry.max_wait:g} s, jitter {retry.jitter:g} s"
    )
    ticked = retry.attempts > 1 and retry.max_wait > retry.initial_wait and retry.jitter > 0
    return line(what, ticked, said, facts.files.get("retry"))


def _pins(facts: Facts) -> Line:
    problems = [f"{model.name}: {why}" for model in _models(facts) if (why := pins.unpinned(model))]
    ids = ", ".join(model.id for model in _models(facts))
    said = "; ".join(problems) or ids
    return line("Every model is pinned", not problems, said, facts.files.get("model"))


def _retirement(facts: Facts) -> Line:
    days = facts.decision.retires_within_days
    until = facts.today + timedelta(days=days)
    dated = sorted((m.retires, m.name) for m in _models(facts) if m.retires)
    soon = [f"{name} retires on {on}" for on, name in dated if on <= until]
    later = [f"{name} on {on}" for on, name in dated]
    said = "; ".join(soon) or f"known retirements: {', '.join(later) or 'none'}"
    what = f"No model retires within {days} days"
    return line(what, not soon, said, facts.files.get("model"))


def _prices(facts: Facts) -> Line:
    what, link = "Prices are known, and dated", facts.files.get("model")
    # A server of one's own need not have a price: the machine costs, and not the request.
    priced = [m for m in _models(facts) if m.price or m.provider.data == "third_party"]
    checked = sorted((m.price.checked, m.name) for m in priced if m.price and m.price.checked)
    undated = [m.name for m in priced if m.price and not m.price.checked]
    unknown = [m.name for m in priced if m.price is None]
    if not priced:
        return Line(what, "not applicable", "no model has a price", link)
    if unknown:
        return line(what, False, f"no price is known of {', '.join(unknown)}", link)
    if undated:
        return line(what, False, f"no day is given for the price of {', '.join(undated)}", link)
    (oldest, name), (newest, _) = checked[0], checked[-1]
    if newest > facts.today:
        return line(what, False, f"a price was checked on {newest}, which is yet to come", link)
    said = f"models with a price: {len(checked)}, the oldest is of {name}: {oldest}"
    return line(what, True, said, link, facts.age_days(oldest))


def _models(facts: Facts) -> list[Single]:
    """Each once, however often the chain has it."""
    return list({model.name: model for model in facts.decision.models.values()}.values())
