"""What a month of requests costs, and how long an answer takes: arithmetic, nothing is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from runner.config.schema import Price, Single
from runner.decide.costs.workload import Workload
from runner.price import dollars, total
from runner.record.outcomes import Usage

Range = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """One model's month; None is unknown, and `unknown` says why."""

    model: str  # as in model=…
    usd_per_month: float | None
    usd_per_request: float | None
    response_seconds: Range | None
    price_checked: date | None
    unknown: str | None


@dataclass(frozen=True)
class Strategy:
    """One way to answer a month of requests."""

    name: str
    usd_per_month: float | None
    usd_before_classifier: float | None
    savings: float | None  # share of what the first strategy costs; below 0: dearer


def row(option: str, model: Single, workload: Workload, first_token_ms: Range | None = None) -> Row:
    """`first_token_ms` stands in where a model has no typical time to its first token."""
    each = usd_per_request(model.price, workload)
    return Row(
        model=option,
        usd_per_month=_month(each, workload),
        usd_per_request=each,
        response_seconds=response_seconds(model, workload, first_token_ms),
        price_checked=model.price.checked if model.price else None,
        unknown=_unknown(model.price, workload) if each is None else None,
    )


def usd_per_request(price: Price | None, workload: Workload) -> float | None:
    """The mean over all sizes of request.

    Requests of a batch run whenever there is room: they are taken to find nothing cached.
    """
    share = workload.batch_share
    live = _mean(price, workload, cached_share=workload.cached_share) if share < 1 else None
    batched = _mean(price, workload, batch=True) if share else None
    return _mixed((1 - share, live), (share, batched))


def response_seconds(
    model: Single, workload: Workload, first_token_ms: Range | None = None
) -> Range | None:
    """Time to the first token, then a mean answer at so many tokens a second."""
    speed = model.typical
    if speed.ttft_ms is not None:
        first_token_ms = speed.ttft_ms, speed.ttft_ms
    if first_token_ms is None or not speed.tokens_per_second:
        return None
    low, high = first_token_ms
    writing = workload.output_tokens / speed.tokens_per_second
    return low / 1000 + writing, high / 1000 + writing


def strategies(
    prices: Mapping[str, Price | None],
    workload: Workload,
    *,
    simple: str,
    complex: Sequence[str],
    simple_share: float,
    classifier_usd: float | None,
) -> list[Strategy]:
    """All requests to one model, and routed between `simple` and each of `complex`.

    The first of `complex` is the baseline. Every routed request pays the classifier.
    """
    each = {option: usd_per_request(prices[option], workload) for option in (*complex, simple)}
    rows = {f"all {option}": (usd, usd) for option, usd in each.items()}
    for option in complex:
        before = _mixed((simple_share, each[simple]), (1 - simple_share, each[option]))
        rows[routed(simple, option)] = total([before, classifier_usd]), before
    baseline = each[complex[0]]
    return [
        Strategy(
            name=name,
            usd_per_month=_month(usd, workload),
            usd_before_classifier=_month(before, workload),
            savings=None if usd is None or not baseline else 1 - usd / baseline,
        )
        for name, (usd, before) in rows.items()
    ]


def routed(simple: str, complex: str) -> str:
    return f"routed: {simple} + {complex}"


def _mean(
    price: Price | None, workload: Workload, *, cached_share: float = 0, batch: bool = False
) -> float | None:
    def cost(input_tokens: int, output_tokens: int) -> float | None:
        usage = Usage(
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_input_tokens=round(input_tokens * cached_share),
        )
        return dollars(price, usage, batch=batch)

    requests = sum(workload.sizes.values())
    return _mixed(*((count / requests, cost(*size)) for size, count in workload.sizes.items()))


def _mixed(*parts: tuple[float, float | None]) -> float | None:
    """Dollars by share; what has no share may be unknown."""
    return total(None if usd is None else share * usd for share, usd in parts if share)


def _month(each: float | None, workload: Workload) -> float | None:
    # Beyond a millionth of a dollar is but the noise of binary fractions.
    return None if each is None else round(each * workload.requests_per_month, 6)


def _unknown(price: Price | None, workload: Workload) -> str:
    """Why a request has no price."""
    if price is None:
        return "no price is known"
    if workload.batch_share and price.batch_discount is None:
        return "no discount for batches is known"
    if (
        workload.cached_share
        and workload.batch_share < 1
        and price.cached_input_usd_per_mtok is None
    ):
        return "no price for cached input is known"
    return "no price for requests of this size is known"
