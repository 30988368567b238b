"""The lines about what was measured. A run counts for the very decision that it measured."""

from collections.abc import Iterator
from dataclasses import replace
from statistics import fmean

from runner.decide.checklist import answers
from runner.decide.checklist.facts import Facts, Line, Measured, line
from runner.measure import formatting
from runner.measure.requirements import judge
from runner.measure.verdict import hold
from runner.record.outcomes import Metric


def evaluation(facts: Facts) -> Iterator[Line]:
    yield _cases(facts)
    yield answers.production_cases(facts)
    yield _candidates(facts)
    latency = f"latency_p{facts.decision.requirements.latency_percentile}_ms"
    yield _metric(facts, "Quality", "quality", "min_quality_score")
    yield _metric(facts, "Latency", latency, "max_latency_ms")
    yield _cost(facts)
    for kind, tag in facts.decision.edge_cases.items():
        yield _edge(facts, f"Cases of the kind {kind} are measured", tag)
    yield _json(facts)


def _cases(facts: Facts) -> Line:
    least, there = facts.decision.cases_at_least, facts.cases.count
    what = f"There are {least} or more cases"
    run = _counts(facts)
    if run is None or run.result.counts is None or run.result.counts.cases >= there:
        return line(what, there >= least, f"{there} cases", facts.cases.path)
    asked = run.result.counts.cases
    said = f"{there} cases, of which {asked} were measured"
    return line(what, asked >= least, said, run.report, facts.age_days(run.on))


def _candidates(facts: Facts) -> Line:
    least, sweep = facts.decision.candidates_at_least, facts.contest
    what = f"{least} or more candidates are measured"
    if sweep is None:
        return line(what, False, f"no sweep on {facts.decision.task.name} is on record", None, None)
    said = f"{len(sweep.candidates)}: {', '.join(sweep.candidates) or 'none'}"
    for name, objections in sweep.objections.items():
        said += f"; {name} does not count: {', '.join(objections)}"
    ticked = len(sweep.candidates) >= least
    return line(what, ticked, said, sweep.report, facts.age_days(sweep.on))


def _metric(facts: Facts, name: str, metric: str, requirement: str) -> Line:
    """Measured is measured, whatever the verdict is; it is said, too."""
    what = f"{name} is measured"
    run = _counts(facts)
    if run is None:
        return _unmeasured(facts, what)
    found = run.result.metrics.get(metric)
    verdicts = {each.requirement: each for each in judge(facts.decision, run.result.metrics)}
    held = verdicts.get(requirement)
    said = _shown(metric, found)
    said += f"; {requirement} {held.verdict}" if held else f"; {requirement} is not set"
    ticked = found is not None and found.value is not None
    return line(what, ticked, said, run.report, facts.age_days(run.on))


def _cost(facts: Facts) -> Line:
    """What was paid at other prices is not what is paid now."""
    found = _metric(facts, "Cost of a request", "cost_per_request_usd", "max_cost_per_request")
    if found.state == "open" or facts.measured is None or not facts.measured.repriced:
        return found
    models = ", ".join(facts.measured.repriced)
    why = f"{found.evidence}; at another price than now of {models}"
    return replace(found, state="open", evidence=why)


def _edge(facts: Facts, what: str, tag: str) -> Line:
    run, there = _counts(facts), facts.cases.tags.get(tag, 0)
    if not there:
        return line(what, False, f"no case has the tag {tag}", facts.cases.path)
    if run is None:
        return _unmeasured(facts, what)
    scores = run.scores.get(tag, ())
    said = f"{there} of the cases have the tag {tag}; "
    if scores:
        said += f"mean quality {formatting.show(fmean(scores), 'score')}, n = {len(scores)}"
    else:
        said += "no answer of the model was scored"
    return line(what, bool(scores), said, run.report, facts.age_days(run.on))


def _json(facts: Facts) -> Line:
    what = "The output can be relied on to be JSON"
    task, wanted = facts.decision.task, facts.decision.requirements
    if "json" not in (task.output, wanted.output_format):
        said = f"the output of {task.name} is {task.output}"
        return Line(what, "not applicable", said, facts.files.get("task"))
    run = _counts(facts)
    if run is None:
        return _unmeasured(facts, what)
    least = wanted.min_valid_output
    verdict = hold(
        "output_format",
        "valid_output_rate",
        run.result.metrics,
        "min",
        least,
        share=least,
        repeats=facts.decision.repeats,
    )
    return line(what, verdict.verdict == "met", verdict.why, run.report, facts.age_days(run.on))


def _counts(facts: Facts) -> Measured | None:
    """The run, where it is one of this very decision."""
    run = facts.measured
    return None if run is None or run.objections else run


def _unmeasured(facts: Facts, what: str) -> Line:
    run, decision = facts.measured, facts.decision
    if run is None:
        said = f"no complete run of {decision.model.name} on {decision.task.name} is on record"
        return line(what, False, said, None, None)
    said = f"the run of {run.on} does not count: {', '.join(run.objections)}"
    return line(what, False, said, run.report, facts.age_days(run.on))


def _shown(name: str, metric: Metric | None) -> str:
    if metric is None or metric.value is None:
        return f"{name} is unknown"
    between = formatting.interval(metric.low, metric.high, metric.unit)
    return f"{name} {formatting.show(metric.value, metric.unit)} ({between}), n = {metric.n}"
