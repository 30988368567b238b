"""Each bound held against what is known of a model: it is out, it is left open, or it is kept.

Known are the facts in its file, what its price comes to, and what one's own finished runs of the
task measured, which count for more than what somebody else says. What is unknown excludes nobody,
and is no bound kept: it is said.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice

from runner.calls.route import unfit
from runner.cases.query import Query
from runner.config import pins
from runner.config.schema import Output, Requirements, Single
from runner.decide.costs.monthly import Seconds
from runner.decide.costs.workload import Workload
from runner.decide.own_runs import OwnRun
from runner.decide.select.tree import Suggestion
from runner.errors import ConfigError
from runner.measure import formatting
from runner.measure.capacity import peak_per_minute
from runner.measure.requirements import ALLOWED
from runner.measure.verdict import Side, word_for


@dataclass(frozen=True)
class Wanted:
    """What a model is held against."""

    requirements: Requirements
    output: Output | None
    hardest: Sequence[Query]  # of the task's cases; none without a task
    workload: Workload
    suggestion: Suggestion
    needs: tuple[str, ...]  # strengths that the work calls for
    today: date
    soon: timedelta  # a retirement nearer than this is worth a warning
    max_tokens: int | None = None  # of an answer, as the task allows; None: no task
    benchmarks: tuple[str, ...] = ()  # that speak for what the work needs
    min_benchmarks: Mapping[str, float] = field(default_factory=dict)
    measured: Mapping[str, OwnRun] = field(default_factory=dict)  # by option


@dataclass(frozen=True)
class Known:
    """What there is to hold against the bounds; None is unknown."""

    model: Single
    usd_per_request: float | None
    usd_at_most: float | None  # the same with the longest answer that the task allows
    seconds: Seconds | None  # of a typical answer
    least_seconds: float  # by half a fact, too
    measured: OwnRun | None  # by one's own newest run of the task

    @property
    def thinks(self) -> bool:
        """Before it answers, unless told otherwise: in no estimate, and in every measurement."""
        reasoning = self.model.reasoning
        return reasoning is not None and reasoning.default != "none" and self.measured is None


@dataclass(frozen=True)
class Reason:
    """Why a model is out."""

    text: str
    times: float | None = None  # how far past its bound; None: there is nothing to loosen

    def __str__(self) -> str:
        return self.text


def exclusions(known: Known, wanted: Wanted) -> tuple[list[Reason], list[str]]:
    """Why a model is out, and which bounds nobody can hold against it yet."""
    found = list(_against_bounds(known, wanted))
    out = [each for each in found if isinstance(each, Reason)]
    return out, [each for each in found if isinstance(each, str)]


def _against_bounds(known: Known, wanted: Wanted) -> Iterator[Reason | str]:
    model, bounds = known.model, wanted.requirements
    try:
        pins.check_callable(model, wanted.today)
    except ConfigError as error:
        yield from map(Reason, error.problems)
    yield from _provider(model, bounds)
    if (needed := bounds.context_needed) is not None and needed > model.context_tokens:
        takes = f"it takes {model.context_tokens:,} tokens, {needed:,} are needed"
        yield Reason(f"context_needed: {takes}", needed / model.context_tokens)
    if wanted.output is not None and wanted.output not in model.outputs:
        yield Reason(f"output_format: it is not for {wanted.output}")
    else:
        yield from islice(_unfit(model, wanted.hardest), 1)
    yield from _cost(known, bounds.max_cost_per_request)
    if known.measured:
        yield from _measured(known.measured, bounds)
    elif bounds.max_latency_ms is not None:
        yield from _latency(known, wanted, bounds.max_latency_ms)
    yield from _benchmarks(model, wanted.min_benchmarks)


def _provider(model: Single, bounds: Requirements) -> Iterator[Reason]:
    provider = model.provider
    if provider.data not in ALLOWED[bounds.data_privacy]:
        yield Reason(f"data_privacy: {bounds.data_privacy}, and {provider.name} is {provider.data}")
    lacking = set(bounds.certifications) - set(provider.certifications)
    if provider.certifications and lacking:
        yield Reason(f"certifications: {provider.name} does not state {', '.join(sorted(lacking))}")
    elsewhere = set(provider.regions) - set(bounds.regions)
    if bounds.regions and elsewhere:
        yield Reason(f"regions: {provider.name} works in {', '.join(sorted(elsewhere))}")
    if bounds.requests_per_month is not None and provider.rpm is not None:
        peak = peak_per_minute(bounds.requests_per_month, bounds.peak_factor)
        if peak > provider.rpm:
            grants = f"{provider.name} takes {provider.rpm:,} a minute, {peak:,.0f} come at peak"
            yield Reason(f"requests_per_month: {grants}", peak / provider.rpm)


def _unfit(model: Single, queries: Iterable[Query]) -> Iterator[Reason]:
    for query in queries:
        if why := unfit(model, query):
            yield Reason(f"case '{query.case.id}': {why[1]}")


def _cost(known: Known, most: float | None) -> Iterator[Reason | str]:
    if most is None:
        return
    bound = f"{formatting.bound(most, 'usd')} at most"
    if known.usd_per_request is None:
        what = "speed, and so no dollars a request," if known.model.price else "price"
        yield f"max_cost_per_request is open: no {what} of it is on file"
    elif known.usd_per_request > most:
        about = formatting.show(known.usd_per_request, "usd")
        yield Reason(f"max_cost_per_request: about {about}, {bound}", known.usd_per_request / most)
    elif known.thinks and (known.usd_at_most is None or known.usd_at_most > most):
        yield "max_cost_per_request is open: it thinks first, which costs more than its answer"


def _latency(known: Known, wanted: Wanted, most: float) -> Iterator[Reason | str]:
    """A median above the bound puts every higher percentile above it, too."""
    bound = f"{most:,.0f} at most"
    tokens = f"for {wanted.workload.output_tokens:,.0f} tokens"
    low, high = known.seconds or (known.least_seconds, None)
    if low * 1000 > most:
        said = "at least" if high is None else "typically"
        yield Reason(
            f"max_latency_ms: {said} {_milliseconds(low, high)} {tokens}, {bound}",
            low * 1000 / most,
        )
    elif high is None:
        yield "max_latency_ms is open: no speed of it is on file"
    elif high * 1000 > most:
        yield f"max_latency_ms is open: typically {_milliseconds(low, high)} {tokens}, {bound}"


def _milliseconds(low: float, high: float | None) -> str:
    ends = dict.fromkeys(f"{end * 1000:,.0f}" for end in (low, high) if end is not None)
    return f"{' to '.join(ends)} ms"


def _measured(measured: OwnRun, bounds: Requirements) -> Iterator[Reason | str]:
    for requirement, name, side, limit in _measurable(bounds):
        metric = measured.metric(name)
        if metric is None or metric.value is None:
            continue
        word = word_for(metric.low, metric.high, side, limit)
        said = (
            f"{name} {formatting.show(metric.value, metric.unit)} in {measured}, "
            f"{formatting.bound(limit, metric.unit)} at {'least' if side == 'min' else 'most'}"
        )
        if word == "missed":
            more, less = (limit, metric.value) if side == "min" else (metric.value, limit)
            yield Reason(f"{requirement}: {said}", more / less if less else None)
        elif word == "not proven":
            yield f"{requirement} is open: {said}"


def _measurable(bounds: Requirements) -> Iterator[tuple[str, str, Side, float]]:
    """The bounds that a run can tell of, and the metric that does; costs go by today's prices."""
    if bounds.max_latency_ms is not None:
        latency = f"latency_p{bounds.latency_percentile}_ms"
        yield "max_latency_ms", latency, "max", bounds.max_latency_ms
    if bounds.min_quality_score is not None:
        yield "min_quality_score", "quality", "min", bounds.min_quality_score
    if bounds.availability is not None:
        yield "availability", "error_rate", "max", 1 - bounds.availability
    for name, bound in bounds.bounds.items():
        if bound.max is not None:
            yield f"bounds.{name}", name, "max", bound.max
        elif bound.min is not None:
            yield f"bounds.{name}", name, "min", bound.min


def _benchmarks(model: Single, least: Mapping[str, float]) -> Iterator[Reason | str]:
    for name, bound in least.items():
        score = model.benchmarks.get(name)
        if score is None:
            yield f"min_benchmarks.{name} is open: no score of it is on file"
        elif score.value < bound:
            times = bound / score.value if score.value > 0 else None
            yield Reason(f"min_benchmarks.{name}: {score.value:g}, {bound:g} at least", times)
