"""The way through the decision tree, the shortlist and what is out of the question, on screen."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from runner.decide.select.candidates import Prospect, Selection
from runner.decide.select.tree import PathStep, Suggestion
from runner.measure import formatting
from runner.record.outcomes import Metric
from runner.report.table import money, seconds, table

_SHOWN = ("quality", "latency_p95_ms", "cost_per_request_usd")  # of what was measured


def text(
    name: str, selection: Selection, requests_per_month: int | None
) -> Iterator[RenderableType]:
    size = selection.workload
    yield Text(
        f"{name}: {size.input_tokens:,.0f} tokens in and {size.output_tokens:,.0f} out a request",
        style="bold",
    )
    yield _path_table(selection.path)
    out = [each.option for each in selection.excluded if each.option in selection.suggestion.models]
    but = f" Of these {' and '.join(out)} {'are' if out[1:] else 'is'} out, as said below." * bool(
        out
    )
    yield Text(f"→ {selection.suggestion}. {selection.suggestion.why}{but}\n")
    if selection.left:
        yield _shortlist_table(selection, requests_per_month)
    else:
        yield Text(nearest(selection), style="bold")
    if more := selection.fit_too:
        yield Text(f"fit, too: {', '.join(each.option for each in more)}")
    if selection.excluded:
        yield ""
        yield _excluded_table(selection.excluded)


def plain(name: str, selection: Selection, command: str | None) -> dict[str, Any]:
    """The same as data; None is unknown."""
    return {
        "name": name,
        "path": [asdict(step) for step in selection.path],
        "suggestion": selection.suggestion.model_dump(include=set(Suggestion.model_fields)),
        "input_tokens": selection.workload.input_tokens,
        "output_tokens": selection.workload.output_tokens,
        "shortlist": [_candidate(selection, each) for each in selection.shortlist],
        "fit_too": [_candidate(selection, each) for each in selection.fit_too],
        "excluded": {
            each.option: [str(reason) for reason in each.excluded] for each in selection.excluded
        },
        "command": command,
        "notes": list(selection.notes),
    }


def nearest(selection: Selection) -> str:
    """What to say when nothing is left: which model has the least against it."""
    if not selection.ranked:
        return "nothing fits: there is no model"
    first = selection.ranked[0]
    return f"nothing fits; the nearest: {first.option} ({'; '.join(map(str, first.excluded))})"


def _candidate(selection: Selection, candidate: Prospect) -> dict[str, Any]:
    measured = candidate.measured
    return {
        "model": candidate.option,
        "usd_per_request": candidate.usd_per_request,
        "times_the_cheapest": selection.times_cheapest(candidate),
        "seconds": candidate.seconds and candidate.seconds[0],
        "seconds_at_most": candidate.seconds and candidate.seconds[1],
        "thinks": candidate.thinks,
        "suggested": candidate.suggested,
        "good_at": list(candidate.good_at),
        "benchmarks": {name: each.value for name, each in candidate.benchmarks.items()},
        "open": list(candidate.open),
        "measured": measured
        and {
            "run": str(measured.run.directory),
            "cases": measured.cases,
            **{name: metric.value for name in _SHOWN if (metric := measured.metric(name))},
        },
        "unstated": list(candidate.unstated),
        "retiring": candidate.retiring,
        "missing_key": candidate.missing_key,
    }


def _path_table(path: Sequence[PathStep]) -> Table:
    found = table("decision tree", "", "because", left=["", "because"])
    for number, step in enumerate(path, 1):
        answer = Text("yes", style="bold") if step.yes else "no"
        found.add_row(Text(f"{number}. {step.question}"), answer, Text(step.why))
    return found


def _shortlist_table(selection: Selection, requests_per_month: int | None) -> Table:
    month = ["a month"] if requests_per_month else []
    found = table("measure", "a request", *month, "typically", "why", left=["why"])
    for each in selection.shortlist:
        usd = each.usd_per_request
        found.add_row(
            each.option,
            "?" if usd is None else formatting.show(usd, "usd"),
            *([money(selection.workload.a_month(usd))] if month else []),
            seconds(*(each.seconds or (None, None))),
            Text("; ".join([_why(selection, each), *_remarks(selection, each)])),
        )
    return found


def _excluded_table(excluded: Sequence[Prospect]) -> Table:
    found = table("excluded", "because", left=["because"])
    for each in excluded:
        found.add_row(each.option, Text("; ".join(map(str, each.excluded))))
    return found


def _why(selection: Selection, candidate: Prospect) -> str:
    """Why it stands where it stands."""
    reasons = ["the tree suggests it"] if candidate.suggested else []
    reasons += [f"good at {need}" for need in candidate.good_at]
    reasons += ["the best score of what fits"] if candidate == selection.best else []
    reasons += [f"{name} {score.value:g}" for name, score in candidate.benchmarks.items()]
    return ", ".join(reasons) or "fits; next by cost and latency"


def _remarks(selection: Selection, candidate: Prospect) -> list[str]:
    """What to know before measuring it."""
    found = [each for each in (candidate.retiring, candidate.repriced) if each]
    if candidate.measured:
        shown = [f"{name} {_metric(candidate.measured.metric(name))}" for name in _SHOWN]
        found.append(f"measured: {', '.join(shown)} in {candidate.measured}")
    elif candidate.thinks and (reasoning := candidate.model.reasoning):
        effort = f" ({reasoning.default})" if reasoning.default else ", nobody says how much"
        found.append(f"thinks first{effort}: that comes on top")
    found += candidate.open
    if candidate.usd_per_request is None and not _is_open(candidate, "max_cost_per_request"):
        found.append("cost unknown")
    if times := selection.times_cheapest(candidate):
        assert selection.cheapest is not None
        found.append(f"{times:,.0f} times as dear as {selection.cheapest.option}")
    if candidate.unstated:
        words = " and ".join(candidate.unstated)
        found.append(f"{words} unknown: see your contract with {candidate.model.provider.name}")
    if key := candidate.missing_key:
        found.append(f"needs {key}, not set")
    return found


def _is_open(candidate: Prospect, requirement: str) -> bool:
    return any(each.startswith(requirement) for each in candidate.open)


def _metric(metric: Metric | None) -> str:
    return "?" if metric is None else formatting.show(metric.value, metric.unit)
