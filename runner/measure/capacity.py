"""Whether the providers carry the load of a month, held against what they state as their limits.

The load is that of the busiest minute: `peak_factor` times the average one. Each provider that may
answer has to carry all of it, as one does while the others fail.
"""

from collections.abc import Iterable, Iterator, Mapping

from runner.config.schema import Job, Provider, Single
from runner.measure import formatting
from runner.measure.verdict import Word, word_for
from runner.record.outcomes import Metric, Verdict

_MINUTES_PER_MONTH = 365.25 / 12 * 24 * 60
# Whatever fails anywhere fails; a limit that is missing is worse than one that is close.
_WORST_FIRST = ("missed", "unknown", "not proven", "met")

Judged = tuple[Word | str, str]  # a verdict's word and why


def peak_per_minute(requests_per_month: int, peak_factor: float) -> float:
    """Requests in the busiest minute of a month."""
    return requests_per_month / _MINUTES_PER_MONTH * peak_factor


def carries(job: Job, metrics: Mapping[str, Metric], requests_per_month: int) -> Verdict:
    factor = job.requirements.peak_factor
    peak = peak_per_minute(requests_per_month, factor)
    providers = _providers(job)
    judged = [found for provider in providers for found in _held(provider, metrics, peak)]
    word = min((word for word, _ in judged), key=_WORST_FIRST.index)
    said = "; ".join(why for _, why in judged)
    if word == "missed" and len(providers) > 1 and not isinstance(job.model, Single):
        word, said = "not proven", f"{said}; less where its arms share the load"
    per_minute = f"{_count(peak)} a minute at peak"
    month = metrics.get("monthly_cost_usd")
    cost = formatting.show(month.value if month else None, "usd")
    return Verdict.model_validate(
        {
            "requirement": "requests_per_month",
            "bound": requests_per_month,
            "value": per_minute,
            "verdict": word,
            "why": f"{per_minute} ({factor:g}x the average): {said}; {cost} a month",
            "fact": _to_state(providers) if word == "unknown" else None,
        }
    )


def _providers(job: Job) -> list[Provider]:
    """Everyone who may answer; a server that we start has as many slots as we give it."""
    found = {}
    for model in job.answering.values():
        provider = model.provider
        if provider.max_concurrency is None and model.artifact:
            provider = provider.model_copy(update={"max_concurrency": model.artifact.slots})
        found[provider.name] = provider
    return list(found.values())


def _to_state(providers: Iterable[Provider]) -> str:
    silent = [p.name for p in providers if not (p.rpm or p.tpm or p.max_concurrency)]
    files = " and ".join(f"conf/provider/{name}.yaml" for name in silent)
    return f"write the rpm that your account has into {files}" if files else "measure it"


def _held(provider: Provider, metrics: Mapping[str, Metric], peak: float) -> Iterator[Judged]:
    attempts = metrics.get("attempts_per_request")
    if attempts:
        # Nearly every request takes one attempt, so that this is no more than a small correction.
        attempts = attempts.model_copy(update={"low": attempts.value, "high": attempts.value})
    # By Little's law: requests a second, times the seconds that each of them takes.
    at_once = peak / 60 / 1000
    limits = (
        (provider.rpm, attempts, peak, "requests a minute"),
        (provider.tpm, metrics.get("tokens_per_request"), peak, "tokens a minute"),
        (provider.max_concurrency, metrics.get("latency_mean_ms"), at_once, "requests at once"),
    )
    stated = [
        _one(provider.name, limit, each and each.times(factor), what)
        for limit, each, factor, what in limits
        if limit is not None
    ]
    yield from stated or [("unknown", f"{provider.name} states no rpm, tpm or max_concurrency")]


def _one(name: str, limit: int, demand: Metric | None, what: str) -> Judged:
    if demand is None or demand.value is None:
        return "unknown", f"{name} takes {limit:,} {what}, how many are needed was not measured"
    word = word_for(demand.low, demand.high, "max", limit)
    return word, f"{name} takes {limit:,} {what}, {_count(demand.value)} are needed ({word})"


def _count(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:,.2g}"
