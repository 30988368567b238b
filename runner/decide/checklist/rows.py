"""Is a decision ready? A table of rows, each computed from what is on record or said by people.

A row is what is to be so, where its evidence lies, whether it is so, and what shows it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from statistics import fmean

from runner.config import pins
from runner.config.schema import Single
from runner.decide.checklist.facts import (
    Checklist,
    ChecklistRow,
    Drilled,
    Facts,
    Line,
    MeasuredRun,
    State,
)
from runner.drill.result import conclusion, identity
from runner.measure import formatting
from runner.measure.requirements import ALLOWED, judge, leaks
from runner.measure.verdict import verdict_on

Found = tuple[bool | None, str]  # whether it is so, None: it does not apply; and what shows it
Lines = Mapping[str, Sequence[Line]]  # by heading


def lines(facts: Facts) -> Lines:
    """Every line of the checklist."""
    return {heading: [_line(facts, row) for row in rows(facts)] for heading, rows in TABLE.items()}


def _line(facts: Facts, row: ChecklistRow) -> Line:
    """Old evidence ticks nothing."""
    link, of = _place(facts, row.source)
    of, most, evidence = row.dated or of, facts.decision.max_age.days, row.evidence
    age = None if of is None else (facts.today - of).days
    state: State = "not applicable" if row.holds is None else "ticked" if row.holds else "open"
    if state == "ticked" and age is not None and age > most:
        state, evidence = "open", f"{evidence}; too old: {age} days, at most {most} count"
    return Line(row.what, state, evidence, link, age)


def _place(facts: Facts, source: str) -> tuple[Path | None, date | None]:
    """Where evidence lies, and of which day it is; nobody knows when an answer was given."""
    records = {"run": facts.measured, "sweep": facts.contest, "drill": facts.drilled}
    if source in records:
        return (found.report, found.on) if (found := records[source]) else (None, None)
    if source == "answers":
        return facts.files.get("checklist"), None
    return facts.cases.path if source == "cases" else facts.files.get(source), facts.today


def _requirements(facts: Facts) -> Iterator[ChecklistRow]:
    task, wanted = facts.decision.task, facts.decision.requirements
    said = f"{task.name}: {task.output} output, its quality is {task.quality_scorer}"
    yield ChecklistRow("The task is named", "task", True, said)

    def bound(what: str, key: str, shown: Callable[[float], str]) -> ChecklistRow:
        value = getattr(wanted, key)
        said = f"requirements.{key} is not set" if value is None else f"{key}: {shown(value)}"
        return ChecklistRow(f"{what} is set", "requirements", value is not None, said)

    percentile = f"p{wanted.latency_percentile} at most"
    yield bound(
        "An acceptable latency",
        "max_latency_ms",
        lambda ms: f"{percentile} {formatting.bound(ms, 'ms')}",
    )
    yield bound(
        "A budget for each request",
        "max_cost_per_request",
        lambda usd: f"at most {formatting.bound(usd, 'usd')}",
    )
    yield bound("The monthly volume", "requests_per_month", "{:,} requests".format)
    yield bound("The context length", "context_needed", "{:,} tokens".format)


def _constraints(facts: Facts) -> Iterator[ChecklistRow]:
    job, said, privacy = facts.decision, facts.decision.answers, "requirements"
    level, found = job.requirements.data_privacy, leaks(job)
    allowed = f"data_privacy {level}: to {', '.join(ALLOWED[level])}"
    yield ChecklistRow("Where data may go is decided", privacy, True, allowed)
    reached = sorted({f"{m.provider.name} ({m.provider.data})" for m in job.models.values()})
    evidence = "; ".join(found) or f"requests reach nothing but {', '.join(reached)}"
    yield ChecklistRow("The whole chain keeps data where it may be", privacy, not found, evidence)
    yield ChecklistRow("Rules to comply with are met", *_compliance(job))
    own = sorted({m.name for m in job.models.values() if m.provider.data == "self_hosted"})
    able = f"{said.shown('self_hosting_team')}; on servers of your own: {', '.join(own)}"
    nothing = ("model", None, "nothing in the decision is on a server of your own")
    yield ChecklistRow(
        "The team can operate what is self-hosted",
        *(("answers", said.self_hosting_team is True, able) if own else nothing),
    )
    yield ChecklistRow(
        "Commitments to providers are known",
        "answers",
        said.provider_commitment is not None,
        said.shown("provider_commitment"),
    )


def _compliance(job: Checklist) -> tuple[str, bool, str]:
    wanted = job.requirements
    if wanted.certifications or wanted.regions:
        named = ("certifications", "regions")
        verdicts = [each for each in judge(job, {}) if each.requirement in named]
        said = "; ".join(f"{each.requirement} {each.verdict}: {each.why}" for each in verdicts)
        return "requirements", all(each.verdict == "met" for each in verdicts), said
    if job.answers.compliance is False:
        return "answers", True, "answers.compliance is false: there are none"
    said = "requirements.certifications and .regions name none; if so, say answers.compliance=false"
    return "answers", False, said


def _evaluation(facts: Facts) -> Iterator[ChecklistRow]:
    """A run counts for the very decision that it measured."""
    job, wanted, counts = facts.decision, facts.decision.requirements, partial(_counts, facts)
    yield ChecklistRow(f"There are {job.cases_at_least} or more cases", *_cases(facts))
    yield ChecklistRow(
        "The cases are real production data",
        "answers",
        job.answers.production_cases is True,
        job.answers.shown("production_cases"),
    )
    what = f"{job.candidates_at_least} or more candidates are measured"
    yield ChecklistRow(what, "sweep", *_candidates(facts))
    quality = partial(_metric, job, "quality", "min_quality_score")
    yield ChecklistRow("Quality is measured", "run", *counts(quality))
    percentile = f"latency_p{wanted.latency_percentile}_ms"
    latency = partial(_metric, job, percentile, "max_latency_ms")
    yield ChecklistRow("Latency is measured", "run", *counts(latency))
    yield ChecklistRow("Cost of a request is measured", "run", *counts(partial(_cost, job)))
    for kind, tag in job.edge_cases.items():
        there = facts.cases.tags.get(tag, 0)
        scored = counts(partial(_edge, tag, there))
        none = ("cases", False, f"no case has the tag {tag}")
        yield ChecklistRow(
            f"Cases of the kind {kind} are measured", *(("run", *scored) if there else none)
        )
    if "json" in (job.task.output, wanted.output_format):
        source, found = "run", counts(partial(_json, job))
    else:
        source, found = "task", (None, f"the output of {job.task.name} is {job.task.output}")
    yield ChecklistRow("The output can be relied on to be JSON", source, *found)


def _counts(facts: Facts, shown: Callable[[MeasuredRun], Found]) -> Found:
    """What a run shows, where it is one of this very decision."""
    run, job = facts.measured, facts.decision
    if run is None:
        return False, f"no complete run of {job.model.name} on {job.task.name} is on record"
    if run.objections:
        return False, f"the run of {run.on} does not count: {', '.join(run.objections)}"
    return shown(run)


def _cases(facts: Facts) -> tuple[str, bool, str]:
    least, there, run = facts.decision.cases_at_least, facts.cases.count, facts.measured
    asked = there
    if run and not run.objections and run.result.counts:
        asked = run.result.counts.cases
    if asked >= there:
        return "cases", there >= least, f"{there} cases"
    return "run", asked >= least, f"{there} cases, of which {asked} were measured"


def _candidates(facts: Facts) -> Found:
    sweep = facts.contest
    if sweep is None:
        return False, f"no sweep on {facts.decision.task.name} is on record"
    said = f"{len(sweep.candidates)}: {', '.join(sweep.candidates) or 'none'}"
    for name, objections in sweep.objections.items():
        said += f"; {name} does not count: {', '.join(objections)}"
    return len(sweep.candidates) >= facts.decision.candidates_at_least, said


def _metric(job: Checklist, name: str, requirement: str, run: MeasuredRun) -> Found:
    """Measured is measured, whatever the verdict is; it is said, too."""
    metric, said = run.result.metrics.get(name), f"{name} is unknown"
    known = metric is not None and metric.value is not None
    if metric is not None and metric.value is not None:
        between = formatting.interval(metric.low, metric.high, metric.unit)
        said = f"{name} {formatting.show(metric.value, metric.unit)} ({between}), n = {metric.n}"
    verdicts = {each.requirement: each.verdict for each in judge(job, run.result.metrics)}
    return known, f"{said}; {requirement} {verdicts.get(requirement, 'is not set')}"


def _cost(job: Checklist, run: MeasuredRun) -> Found:
    """What was paid at other prices is not what is paid now."""
    known, said = _metric(job, "cost_per_request_usd", "max_cost_per_request", run)
    if known and run.repriced:
        return False, f"{said}; at another price than now of {', '.join(run.repriced)}"
    return known, said


def _edge(tag: str, there: int, run: MeasuredRun) -> Found:
    scores, said = run.scores.get(tag, ()), f"{there} of the cases have the tag {tag}; "
    if not scores:
        return False, f"{said}no answer of the model was scored"
    mean = formatting.show(fmean(scores), "score")
    return True, f"{said}mean quality {mean}, n = {len(scores)}"


def _json(job: Checklist, run: MeasuredRun) -> Found:
    verdict = verdict_on(
        "output_format",
        "valid_output_rate",
        run.result.metrics,
        "min",
        job.requirements.min_valid_output,
        share=job.requirements.min_valid_output,
        repeats=job.repeats,
    )
    return verdict.verdict == "met", verdict.why


def _readiness(facts: Facts) -> Iterator[ChecklistRow]:
    """What happens when something fails, costs too much or ends."""
    job, retry = facts.decision, facts.decision.retry
    # Always so: every model is asked on one path. How many were is the evidence for it.
    said = "another one is model=…, and no change of code"
    if facts.contest:
        said += f"; measured on the same path: {len(facts.contest.candidates)} candidates"
    yield ChecklistRow("Models can be exchanged", "model", True, said)
    yield ChecklistRow("A fallback answers when a provider is down", "fallback", *_fallback(job))
    yield ChecklistRow("The fallback is drilled", "drill", *_drilled(job, facts.drilled))
    yield ChecklistRow("It answers in production", "production", *_traffic(facts))
    usd, volume = job.requirements.max_cost_per_request, job.requirements.requests_per_month
    budget = "not set" if job.budget_usd is None else formatting.bound(job.budget_usd, "usd")
    month = f"the requirements allow {formatting.show((usd or 0) * (volume or 0), 'usd')} a month"
    said = f"budget_usd: {budget}" + (f"; {month}" if usd and volume else "")
    yield ChecklistRow("A budget is set", "checklist", job.budget_usd is not None, said)
    yield ChecklistRow("Cost is watched, and somebody is told", "spend", *_alerts(facts))
    said = (
        f"{retry.name}: {retry.attempts} attempts, waits from {retry.initial_wait:g} s "
        f"to {retry.max_wait:g} s, jitter {retry.jitter:g} s"
    )
    backs_off = retry.attempts > 1 and retry.max_wait > retry.initial_wait and retry.jitter > 0
    yield ChecklistRow("Rate limits are met with exponential backoff", "retry", backs_off, said)
    # Each model once, however often the chain has it.
    models = list({model.name: model for model in job.models.values()}.values())
    unpinned = [f"{model.name}: {why}" for model in models if (why := pins.unpinned(model))]
    said = "; ".join(unpinned) or ", ".join(model.id for model in models)
    yield ChecklistRow("Every model is pinned", "model", not unpinned, said)
    days = job.retires_within_days
    until = facts.today + timedelta(days=days)
    yield ChecklistRow(f"No model retires within {days} days", "model", *_retirement(models, until))
    yield ChecklistRow("Prices are known, and dated", "model", *_prices(models, facts.today))


def _fallback(job: Checklist) -> Found:
    if not job.fallback.chain:
        return False, f"fallback {job.fallback.name} has no models"
    names = ", then ".join(model.name for model in job.fallback.chain.values())
    first, others = _answering(job, "model"), _answering(job, "fallback.")
    elsewhere = {m.provider.name for m in others} - {m.provider.name for m in first}
    if not elsewhere:
        return False, f"{names}: at no other provider, so that one outage takes them all"
    return True, f"{names}: at {', '.join(sorted(elsewhere))}, on {', '.join(job.fallback.on)}"


def _answering(job: Checklist, under: str) -> list[Single]:
    return [model for key, model in job.answering.items() if key.startswith(under)]


def _drilled(job: Checklist, drill: Drilled | None) -> Found:
    if drill is None:
        return False, f"no drill of {job.model.name} on {job.task.name} is on record"
    if drill.result.identity != identity(job):
        return False, (
            f"the drill of {drill.on} was of another model, fallback, retry or requirements; "
            "drill what is decided now"
        )
    names = {model.name for model in _answering(job, "fallback.")}
    answered = any(names & set(fault.served_by) for fault in drill.result.faults)
    if drill.result.kept and not answered:
        return False, f"under no fault of the drill of {drill.on} did the fallback answer"
    return drill.result.kept, conclusion(drill.result).rstrip(".")


def _traffic(facts: Facts) -> Found:
    """Of what `run` and `serve` have on record; before the first request there is none."""
    wanted, seen = facts.decision.requirements.availability, facts.traffic
    if seen is None:
        return None, "no request of run or serve is on record"
    if wanted is None:
        return seen.answered > 0, f"{seen}; requirements.availability is not set"
    said = f"{seen}; availability {formatting.bound(wanted, 'rate')} is wanted"
    return seen.answered >= wanted * seen.asked, said


def _alerts(facts: Facts) -> Found:
    task, alerts = facts.decision.task.name, facts.alerts
    limits = {
        "day_usd": alerts.day_usd,
        "month_usd": alerts.month_usd,
        f"tasks.{task}": alerts.tasks.get(task),
    }
    known = [
        f"{key} {formatting.bound(usd, 'usd')}" for key, usd in limits.items() if usd is not None
    ]
    told = ", ".join(facts.notify.env)
    said = f"alerts: {', '.join(known) or 'none on this task'}; told: {told or 'nobody'}"
    return bool(known and told), said


def _retirement(models: Sequence[Single], until: date) -> Found:
    dated = sorted((m.retires, m.name) for m in models if m.retires)
    soon = [f"{name} retires on {on}" for on, name in dated if on <= until]
    known = ", ".join(f"{name} on {on}" for on, name in dated)
    return not soon, "; ".join(soon) or f"known retirements: {known or 'none'}"


def _prices(models: Sequence[Single], today: date) -> tuple[bool | None, str, date | None]:
    # A server of one's own need not have a price: the machine costs, and not the request.
    priced = [m for m in models if m.price or m.provider.data == "third_party"]
    checked = sorted((m.price.checked, m.name) for m in priced if m.price and m.price.checked)
    if not priced:
        return None, "no model has a price", None
    if unknown := [m.name for m in priced if m.price is None]:
        return False, f"no price is known of {', '.join(unknown)}", None
    if undated := [m.name for m in priced if m.price and not m.price.checked]:
        return False, f"no day is given for the price of {', '.join(undated)}", None
    (oldest, name), (newest, _) = checked[0], checked[-1]
    if newest > today:
        return False, f"a price was checked on {newest}, which is yet to come", None
    return True, f"models with a price: {len(checked)}, the oldest is of {name}: {oldest}", oldest


TABLE: Mapping[str, Callable[[Facts], Iterator[ChecklistRow]]] = {
    "Requirements": _requirements,
    "Constraints": _constraints,
    "Evaluation": _evaluation,
    "Production readiness": _readiness,
}
