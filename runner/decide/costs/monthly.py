"""What a month of requests costs, and how long an answer takes: arithmetic, nothing is sent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from runner.config.schema import AnyPrice, ServerPrice, Single
from runner.decide.costs.workload import Workload
from runner.price import dollars, mixed
from runner.record.outcomes import Usage

Seconds = tuple[float, float]  # from the least to the most


class Speed(NamedTuple):
    """Tokens that a whole server writes in a second, all requests together, and who says so."""

    tokens_per_second: float
    source: str


@dataclass(frozen=True)
class MonthlyCost:
    """One model's month; None is unknown, and `unknown` says why."""

    model: str  # as in model=…
    usd_per_month: float | None
    usd_per_request: float | None
    times_cheapest: float | None  # of all that are compared
    usd_per_year_more: float | None  # than the cheapest
    response_seconds: float | None
    response_seconds_at_most: float | None
    price_checked: str | None  # a day
    tokens_per_second: float | None  # that its price rests on: a server of one's own
    unknown: str | None


def row(option: str, model: Single, workload: Workload, speed: Speed | None = None) -> MonthlyCost:
    """`speed` of the server, where it was measured."""
    speed, price = speed or typical_speed(model), model.price
    each = usd_per_request(price, workload, speed)
    least, most = response_seconds(model, workload) or (None, None)
    return MonthlyCost(
        model=option,
        usd_per_month=workload.a_month(each),
        usd_per_request=each,
        times_cheapest=None,
        usd_per_year_more=None,
        response_seconds=least,
        response_seconds_at_most=most,
        price_checked=price.checked.isoformat() if price and price.checked else None,
        tokens_per_second=speed.tokens_per_second
        if speed and isinstance(price, ServerPrice)
        else None,
        unknown=_unknown(price, workload) if each is None else None,
    )


def typical_speed(model: Single) -> Speed | None:
    """What is known of a server before a run on it: one answer's speed, as if it were alone."""
    tokens = model.typical.tokens_per_second
    return None if tokens is None else Speed(tokens, "typical of one answer, as if it were alone")


def usd_per_request(
    price: AnyPrice | None, workload: Workload, speed: Speed | None = None
) -> float | None:
    """The mean over all sizes of request; on a server of one's own by the `speed` it writes at.

    Requests of a batch run whenever there is room: they are taken to find nothing cached.
    """
    if isinstance(price, ServerPrice):
        seconds = workload.output_tokens / speed.tokens_per_second if speed else None
        return dollars(price, None, server_seconds=seconds or None)
    share = workload.batch_share
    live = _mean(price, workload, cached_share=workload.cached_share) if share < 1 else None
    batched = _mean(price, workload, batch=True) if share else None
    return mixed((1 - share, live), (share, batched))


def response_seconds(model: Single, workload: Workload) -> Seconds | None:
    """Time to the first token, then a mean answer at so many tokens a second."""
    speed = model.typical
    if speed.ttft_ms is None or speed.tokens_per_second is None:
        return None
    writing = workload.output_tokens / speed.tokens_per_second
    low, high = (first / 1000 + writing for first in speed.ttft_ms)
    return low, high


def least_seconds(model: Single, workload: Workload) -> float:
    """What an answer takes by what is known alone: half a fact can break a bound, too."""
    first, speed = model.typical.ttft_ms, model.typical.tokens_per_second
    writing = workload.output_tokens / speed if speed else 0.0
    return writing + (first[0] / 1000 if first else 0.0)


def against_cheapest(rows: Sequence[MonthlyCost]) -> list[MonthlyCost]:
    """Each row beside the cheapest one that has a price: how many times, and what more a year."""
    cheapest = min((row.usd_per_month for row in rows if row.usd_per_month), default=None)
    if cheapest is None:
        return list(rows)
    return [
        replace(
            row,
            times_cheapest=row.usd_per_month / cheapest,
            usd_per_year_more=round(12 * (row.usd_per_month - cheapest), 6),
        )
        if row.usd_per_month
        else row
        for row in rows
    ]


def _mean(
    price: AnyPrice | None, workload: Workload, *, cached_share: float = 0, batch: bool = False
) -> float | None:
    def cost(input_tokens: int, output_tokens: int) -> float | None:
        usage = Usage(
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_input_tokens=round(input_tokens * cached_share),
        )
        return dollars(price, usage, batch=batch)

    requests = sum(workload.sizes.values())
    return mixed(*((count / requests, cost(*size)) for size, count in workload.sizes.items()))


def _unknown(price: AnyPrice | None, workload: Workload) -> str:
    """Why a request has no price."""
    if price is None:
        return "no price is known"
    if isinstance(price, ServerPrice):
        return "its price is by the hour, and no run says how fast its server is"
    if workload.batch_share and price.batch_discount is None:
        return "no discount for batches is known"
    if (
        workload.cached_share
        and workload.batch_share < 1
        and price.cached_input_usd_per_mtok is None
    ):
        return "no price for cached input is known"
    return "no price for requests of this size is known"
