"""Which models are worth measuring: what a bound excludes goes, and the rest is ranked.

Everything here is known before a request is sent. What is unknown excludes nobody: it has to be
measured.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from runner.calls.route import unfit
from runner.cases.query import Query, about_tokens
from runner.config import pins
from runner.config.schema import Output, Requirements, Single
from runner.decide.costs import monthly
from runner.decide.costs.workload import Sizes, Workload
from runner.decide.select.tree import Step, Suggestion
from runner.errors import ConfigError
from runner.measure import formatting
from runner.measure.requirements import ALLOWED

INPUT_TOKENS = 1500  # of a request that nothing is known of
OUTPUT_TOKENS = 500  # of an answer likewise


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


@dataclass(frozen=True)
class Candidate:
    option: str  # as in model=…
    model: Single
    suggested: bool  # by the decision tree
    good_at: tuple[str, ...]  # of what the work needs
    usd_per_request: float | None
    seconds: float | None  # of a typical answer, at the least
    unmeasured: tuple[str, ...]  # what only measuring tells
    unstated: tuple[str, ...]  # what only the contract with its provider tells
    retiring: str | None  # when, if soon
    excluded: tuple[str, ...]  # the reasons; none: it is left

    @property
    def rank(self) -> tuple[bool | float | str, ...]:
        """The tree's suggestions first, then what is good at the work, then by cost and latency.

        A model comes after its equals when its provider is silent on what is required of it, when
        its file names no strength at all, and when it retires soon. Tokens on a machine of one's
        own may be free, but the machine is not: what a request costs there counts as unknown, and
        comes last.
        """
        own = self.model.provider.data != "third_party"
        usd = None if own else self.usd_per_request
        return (
            not self.suggested,
            not self.good_at,
            bool(self.unstated),
            not self.model.strengths,
            self.retiring is not None,
            usd is None,
            usd or 0.0,
            self.seconds is None,
            self.seconds or 0.0,
            self.option,
        )


@dataclass(frozen=True)
class Selection:
    """What the tree says, and what all models come to."""

    path: Sequence[Step]
    suggestion: Suggestion
    workload: Workload
    ranked: Sequence[Candidate]
    size: int  # of the shortlist, at most
    notes: Sequence[str]

    @property
    def left(self) -> list[Candidate]:
        return [each for each in self.ranked if not each.excluded]

    @property
    def excluded(self) -> list[Candidate]:
        return [each for each in self.ranked if each.excluded]

    @property
    def shortlist(self) -> list[Candidate]:
        return self.left[: self.size]


def candidates(models: Mapping[str, Single], wanted: Wanted) -> list[Candidate]:
    """The best first; those that are excluded last, the nearest to fitting first among them."""
    found = [_candidate(option, model, wanted) for option, model in models.items()]
    return sorted(found, key=lambda each: (len(each.excluded), each.rank))


def demand(queries: Iterable[Query]) -> tuple[Sizes, list[Query]]:
    """Tokens in and out of a task's cases, and those that ask most of a model.

    Four bytes are a token. An answer has as many as the expected one where this is an answer: a
    text, or the JSON that is asked for. Where it only helps to judge one, OUTPUT_TOKENS. Never more
    than the task allows. The hardest are the one that needs most room, and one with images.
    """
    sizes: Counter[tuple[int, int]] = Counter()
    hardest: dict[str, tuple[int, Query]] = {}
    for query in queries:
        tokens = about_tokens(query)
        sizes[tokens, _answer_tokens(query)] += 1
        room = tokens + query.sampling.max_tokens
        for kind in ("any", "images") if query.case.images else ("any",):
            if kind not in hardest or room > hardest[kind][0]:
                hardest[kind] = room, query
    return sizes, [query for _, query in hardest.values()]


def _answer_tokens(query: Query) -> int:
    expected = query.case.expected
    if query.output == "json" and expected is not None:
        expected = json.dumps(expected, ensure_ascii=False)
    known = isinstance(expected, str) and query.output != "code"
    tokens = max(1, len(expected.encode()) // 4) if known else OUTPUT_TOKENS
    return min(tokens, query.sampling.max_tokens)


def _candidate(option: str, model: Single, wanted: Wanted) -> Candidate:
    usd = monthly.usd_per_request(model.price, wanted.workload)
    response = monthly.response_seconds(model, wanted.workload)
    seconds = response[0] if response else None
    measured = {"cost": usd, "latency": seconds}
    stated = {
        "certifications": not wanted.requirements.certifications or model.provider.certifications,
        "regions": not wanted.requirements.regions or model.provider.regions,
    }
    return Candidate(
        option=option,
        model=model,
        suggested=wanted.suggestion.includes(option, model),
        good_at=tuple(need for need in wanted.needs if need in model.strengths),
        usd_per_request=usd,
        seconds=seconds,
        unmeasured=tuple(name for name, value in measured.items() if value is None),
        unstated=tuple(name for name, value in stated.items() if not value),
        retiring=_retiring(model, wanted),
        excluded=tuple(_reasons(model, usd, seconds, wanted)),
    )


def _reasons(
    model: Single, usd: float | None, seconds: float | None, wanted: Wanted
) -> Iterator[str]:
    """Why a model is out of the question, a line each."""
    try:
        pins.check_callable(model, wanted.today)
    except ConfigError as error:
        yield from error.problems
    bounds = wanted.requirements
    yield from _provider_reasons(model, bounds)
    if bounds.context_needed is not None and bounds.context_needed > model.context_tokens:
        yield (
            f"context_needed: it takes {model.context_tokens:,} tokens, "
            f"{bounds.context_needed:,} are needed"
        )
    if wanted.output is not None and wanted.output not in model.outputs:
        yield f"output_format: it is not for {wanted.output}"
    else:
        yield from islice(_unfit(model, wanted.hardest), 1)
    if (most := bounds.max_cost_per_request) is not None and usd is not None and usd > most:
        cost = formatting.show(usd, "usd")
        yield f"max_cost_per_request: about {cost}, {formatting.bound(most, 'usd')} at most"
    # A median above the bound puts every higher percentile above it, too.
    if (most := bounds.max_latency_ms) is not None and seconds and seconds * 1000 > most:
        yield (
            f"max_latency_ms: typically {seconds * 1000:,.0f} ms for "
            f"{wanted.workload.output_tokens:,.0f} tokens, {most:,.0f} at most"
        )


def _provider_reasons(model: Single, bounds: Requirements) -> Iterator[str]:
    provider = model.provider
    if provider.data not in ALLOWED[bounds.data_privacy]:
        yield f"data_privacy: {bounds.data_privacy}, and {provider.name} is {provider.data}"
    lacking = set(bounds.certifications) - set(provider.certifications)
    if provider.certifications and lacking:
        yield f"certifications: {provider.name} does not state {', '.join(sorted(lacking))}"
    elsewhere = set(provider.regions) - set(bounds.regions)
    if bounds.regions and elsewhere:
        yield f"regions: {provider.name} works in {', '.join(sorted(elsewhere))}"


def _unfit(model: Single, queries: Iterable[Query]) -> Iterator[str]:
    for query in queries:
        if why := unfit(model, query):
            yield f"case '{query.case.id}': {why[1]}"


def _retiring(model: Single, wanted: Wanted) -> str | None:
    if model.retires is None or model.retires - wanted.today > wanted.soon:
        return None
    instead = f", then model={model.successor}" if model.successor else ""
    return f"retires on {model.retires}{instead}"
