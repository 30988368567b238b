"""Which models are worth measuring: what a bound excludes goes, and the rest is ranked.

Everything here is known before a request is sent. What is unknown excludes nobody, and is no merit
either: it has to be measured.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from runner.cases import attachments
from runner.cases.query import Query, about_tokens
from runner.config import redact
from runner.config.schema import Benchmark, ServerPrice, Single
from runner.decide.costs import monthly
from runner.decide.costs.workload import Sizes, Workload
from runner.decide.own_runs import OwnRun, speed_in
from runner.decide.select.exclusion import Known, Reason, Wanted, exclusions
from runner.decide.select.tree import PathStep, Suggestion
from runner.price import coming
from runner.record.outcomes import Metric

INPUT_TOKENS = 1500  # of a request that nothing is known of
OUTPUT_TOKENS = 500  # of an answer likewise
DEARER = 10  # so many times the cheapest that fits is worth a word
_CRITICAL_MS = 2000  # who has to answer sooner does not wait for a model that thinks first


@dataclass(frozen=True)
class Prospect(Known):
    option: str  # as in model=…
    suggested: bool  # by the decision tree
    good_at: tuple[str, ...]  # of what the work needs
    slow: bool  # so that it is the less likely to keep a latency bound which is open and critical
    open: tuple[str, ...]  # bounds that nothing can be held against yet
    unstated: tuple[str, ...]  # what only the contract with its provider tells
    retiring: str | None  # when, if soon
    repriced: str | None  # from when on, if soon
    excluded: tuple[Reason, ...]  # none: it is left
    missing_key: str | None  # the variable that has to be set before it can be measured
    benchmarks: Mapping[str, Benchmark]  # that speak for what the work needs

    @property
    def rank(self) -> tuple[bool | float | str, ...]:
        """The tree's suggestions first, then what is good at the work, then by cost and latency.

        A model comes after its equals when it retires soon, when nobody knows its price, when its
        file names no strength, when more bounds are open, and when its provider is silent on what
        is required of it. Tokens on a machine of one's own may be free, but the machine is
        not: what a request costs there counts as unknown until its price is stated by the hour.
        """
        price = self.model.price
        own = self.model.provider.data != "third_party" and not isinstance(price, ServerPrice)
        usd = None if own else self.usd_per_request
        return (
            not self.suggested,
            self.slow,
            not self.good_at,
            self.retiring is not None,
            usd is None,
            not self.model.strengths,
            len(self.open),
            bool(self.unstated),
            usd or 0.0,
            self.seconds is None,
            self.seconds[0] if self.seconds else 0.0,
            self.option,
        )

    @property
    def distance(self) -> tuple[int, float]:
        """From fitting: what no bound can be loosened for, then how far past its bounds it is."""
        times = [reason.times for reason in self.excluded]
        return times.count(None), math.prod(each for each in times if each is not None)


@dataclass(frozen=True)
class Selection:
    """What the tree says, and what all models come to."""

    path: Sequence[PathStep]
    suggestion: Suggestion
    workload: Workload
    ranked: Sequence[Prospect]
    size: int  # of the shortlist, at most
    notes: Sequence[str]
    benchmarks: Sequence[str] = ()  # that speak for the work, the one that says most first

    @property
    def left(self) -> list[Prospect]:
        return [each for each in self.ranked if not each.excluded]

    @property
    def excluded(self) -> list[Prospect]:
        return [each for each in self.ranked if each.excluded]

    @property
    def shortlist(self) -> list[Prospect]:
        """The first of the ranking; the best by a benchmark has the last place at the least."""
        first, best = self.left[: self.size], self.best
        if best is None or best in first or self.size == 1:
            return first
        return [*first[:-1], best]

    @property
    def fit_too(self) -> list[Prospect]:
        shortlist = self.shortlist
        return [each for each in self.left if each not in shortlist]

    @property
    def best(self) -> Prospect | None:
        """Of those that are left, stay and are not slow, by the first benchmark that two have.

        None, too, where their scores are of several versions, which do not compare.
        """
        staying = [each for each in self.left if each.retiring is None and not each.slow]
        for name in self.benchmarks:
            scored = [each for each in staying if name in each.benchmarks]
            if len(scored) > 1 and len({each.benchmarks[name].version for each in scored}) == 1:
                return max(scored, key=lambda each: each.benchmarks[name].value)
        return None

    @property
    def cheapest(self) -> Prospect | None:
        """Of those left; what is free by the token has a price that nobody stated."""
        priced = [each for each in self.left if each.usd_per_request]
        return min(priced, key=lambda each: each.usd_per_request or 0.0, default=None)

    def times_cheapest(self, candidate: Prospect) -> float | None:
        """How many times as much as the cheapest, where that is worth a word."""
        cheapest = self.cheapest
        if cheapest is None or not cheapest.usd_per_request or not candidate.usd_per_request:
            return None
        times = candidate.usd_per_request / cheapest.usd_per_request
        return times if times >= DEARER else None


def candidates(models: Mapping[str, Single], wanted: Wanted) -> list[Prospect]:
    """The best first; those that are excluded last, the nearest to fitting first among them."""
    found = [_candidate(option, model, wanted) for option, model in models.items()]
    return sorted(found, key=lambda each: (bool(each.excluded), each.distance, each.rank))


def demand(queries: Iterable[Query]) -> tuple[Sizes, list[Query]]:
    """Tokens in and out of a task's cases, and those that ask most of a model.

    Four bytes are a token. An answer has as many as the expected one where this is an answer: a
    text, or the JSON that is asked for. Where it only helps to judge one, OUTPUT_TOKENS. Never more
    than the task allows. The hardest are the one that needs most room, and those with images and
    with files.
    """
    sizes: Counter[tuple[int, int]] = Counter()
    hardest: dict[str, tuple[int, Query]] = {}
    for query in queries:
        tokens = about_tokens(query)
        sizes[tokens, _answer_tokens(query)] += 1
        room = tokens + query.sampling.max_tokens
        for kind in ("any", *{part["type"] for part in attachments.of(query.messages)}):
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


def _candidate(option: str, model: Single, wanted: Wanted) -> Prospect:
    known = _known(model, wanted.measured.get(option), wanted)
    excluded, left_open = exclusions(known, wanted)
    most_ms = wanted.requirements.max_latency_ms
    critical = most_ms is not None and most_ms < _CRITICAL_MS
    latency_open = any(each.startswith("max_latency_ms") for each in left_open)
    stated = {
        "certifications": not wanted.requirements.certifications or model.provider.certifications,
        "regions": not wanted.requirements.regions or model.provider.regions,
    }
    return Prospect(
        **vars(known),
        option=option,
        suggested=wanted.suggestion.includes(option, model),
        good_at=tuple(need for need in wanted.needs if need in model.strengths),
        slow=known.thinks and latency_open and critical,
        open=tuple(left_open),
        unstated=tuple(name for name, value in stated.items() if not value),
        retiring=_retiring(model, wanted),
        repriced=_repriced(model, wanted),
        excluded=tuple(excluded),
        missing_key=redact.missing_key(model, "model")
        and (redact.unset(model) or model.provider.api_key_env),
        benchmarks={
            name: score for name in wanted.benchmarks if (score := model.benchmarks.get(name))
        },
    )


def _known(model: Single, measured: OwnRun | None, wanted: Wanted) -> Known:
    """Tokens as a run counted them, what the model thinks included; else as the cases have them."""
    workload = wanted.workload.counted_at(model.tokens_per_byte)
    tokens = [_mean(measured, f"{side}_tokens") for side in ("input", "output")]
    if None not in tokens:
        read, written = (round(mean or 0) for mean in tokens)
        workload = Workload({(read, written): 1}, workload.requests_per_month)
    # How fast another's server is makes no difference to its price.
    own = measured if isinstance(model.price, ServerPrice) else None
    speed = (speed_in(own) if own else None) or monthly.typical_speed(model)
    longest = None
    if wanted.max_tokens is not None:
        size = round(workload.input_tokens), wanted.max_tokens
        longest = monthly.usd_per_request(model.price, Workload({size: 1}, 1))
    return Known(
        model=model,
        usd_per_request=monthly.usd_per_request(model.price, workload, speed),
        usd_at_most=longest,
        seconds=monthly.response_seconds(model, workload),
        least_seconds=monthly.least_seconds(model, workload),
        measured=measured,
    )


def _mean(measured: OwnRun | None, name: str) -> float | None:
    metric: Metric | None = measured.metric(name) if measured else None
    return metric.value if metric else None


def _repriced(model: Single, wanted: Wanted) -> str | None:
    change = coming(model, wanted.today)
    return change[1] if change and change[0] - wanted.today <= wanted.soon else None


def _retiring(model: Single, wanted: Wanted) -> str | None:
    if model.retires is None or model.retires - wanted.today > wanted.soon:
        return None
    instead = f", then model={model.successor}" if model.successor else ""
    return f"retires on {model.retires}{instead}"
