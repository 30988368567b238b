"""The monthly table and the routing table on screen, and what has to be said below them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from rich.bar import Bar
from rich.table import Table

from runner.config import pins
from runner.config.schema import TOKENS_PER_BYTE, Price, ServerPrice, Single
from runner.decide.costs.monthly import MonthlyCost, Speed, typical_speed
from runner.decide.costs.routing import Strategy, routed
from runner.decide.costs.workload import Workload
from runner.measure import formatting
from runner.price import coming
from runner.report.table import money, seconds, table

_BAR = 24  # characters


def month_table(rows: Sequence[MonthlyCost], workload: Workload) -> Table:
    answer = f"{workload.output_tokens:,.0f} tokens out"
    found = table("model", "a month", "a request", "times", "a year more", answer, "", left=[""])
    most = max(row.usd_per_month or 0 for row in rows)
    for row in rows:
        found.add_row(
            row.model,
            money(row.usd_per_month),
            "?" if row.usd_per_request is None else formatting.show(row.usd_per_request, "usd"),
            "" if row.times_cheapest is None else f"{row.times_cheapest:,.1f}",
            "" if not row.usd_per_year_more else money(row.usd_per_year_more),
            seconds(row.response_seconds, row.response_seconds_at_most),
            _bar(row.usd_per_month, most),
        )
    return found


def routing_table(strategies: Sequence[Strategy]) -> Table:
    found = table("strategy", "a month", "without classifier", "savings", "", left=[""])
    most = max(strategy.usd_per_month or 0 for strategy in strategies)
    for strategy in strategies:
        found.add_row(
            strategy.name,
            money(strategy.usd_per_month),
            money(strategy.usd_before_classifier),
            "?" if strategy.savings is None else f"{strategy.savings:.0%}",
            _bar(strategy.usd_per_month, most),
        )
    return found


def dearest(rows: Sequence[MonthlyCost]) -> Iterator[str]:
    """What the choice is worth: the cheaper one may be good enough."""
    priced = [row for row in rows if row.times_cheapest and row.usd_per_month]
    if len(priced) < 2:
        return
    ordered = sorted(priced, key=lambda row: row.usd_per_month or 0)
    cheapest, most = ordered[0], ordered[-1]
    if most.times_cheapest and most.times_cheapest > 1:
        yield (
            f"up to {most.times_cheapest:,.1f} times: {most.model} costs "
            f"{money(most.usd_per_year_more)} a year more than {cheapest.model}, which may be good "
            "enough"
        )


def servers(models: Mapping[str, Single], speeds: Mapping[str, Speed]) -> Iterator[str]:
    """Where the price of a request on a server of one's own comes from."""
    for option, model in models.items():
        if isinstance(price := model.price, ServerPrice):
            hour = (
                f"${price.usd_per_hour:g} an hour x {price.gpus}, {price.utilisation:.0%} at work"
            )
            speed = speeds.get(option) or typical_speed(model)
            if speed is not None:
                hour += f", {speed.tokens_per_second:,.4g} tokens a second: {speed.source}"
            yield f"{option}: {hour}"


def unknowns(rows: Sequence[MonthlyCost]) -> Iterator[str]:
    for row in rows:
        if row.unknown:
            yield f"{row.model}: the cost is unknown, {row.unknown}"


def provenance(models: Mapping[str, Single], today: date) -> Iterator[str]:
    """How old the prices are, which will change, and what nobody can call any more."""
    prices = [model.price for model in models.values() if model.price]
    days = sorted(price.checked for price in prices if price.checked)
    if days:
        yield "prices as of " + " to ".join(dict.fromkeys((str(days[0]), str(days[-1]))))
    for option, model in models.items():
        if change := coming(model, today):
            yield f"{option}: {change[1]}"
        if model.tokens_per_byte != TOKENS_PER_BYTE:
            more = model.tokens_per_byte / TOKENS_PER_BYTE - 1
            yield f"{option}: counts {more:+.0%} tokens for the same text"
    gone = [option for option, model in models.items() if pins.retired(model, today)]
    if gone:
        yield f"retired: {', '.join(gone)}"


def printed_months(
    rows: Sequence[MonthlyCost],
    models: Mapping[str, Single],
    workload: Workload,
    printed: Mapping[str, float],
) -> Iterator[str]:
    """Where the source of a scenario prints another sum than its own prices give."""
    for row in rows:
        price, said = models[row.model].price, _differs(printed.get(row.model), row.usd_per_month)
        if isinstance(price, Price) and said:
            sizes = (
                (workload.input_tokens, price.input_usd_per_mtok),
                (workload.output_tokens, price.output_usd_per_mtok),
            )
            parts = " + ".join(f"{tokens:,.0f} x ${usd:g}" for tokens, usd in sizes if usd)
            yield (
                f"{row.model}: {said}; {parts} a million, {workload.requests_per_month:,} times, "
                f"is {money(row.usd_per_month)}"
            )


def printed_strategies(
    strategies: Sequence[Strategy], simple: str, printed: Mapping[str, float]
) -> Iterator[str]:
    """The same of the routing table; `printed` is by the model for complex requests."""
    by_name = {routed(simple, option): usd for option, usd in printed.items()}
    for strategy in strategies:
        if said := _differs(by_name.get(strategy.name), strategy.usd_per_month):
            yield (
                f"{strategy.name}: {said}; it is {money(strategy.usd_per_month)}, "
                f"{money(strategy.usd_before_classifier)} without the classifier"
            )


def _differs(printed: float | None, usd: float | None) -> str | None:
    if printed is None or usd is None or round(printed, 2) == round(usd, 2):
        return None
    return f"its source prints {money(printed)}"


def _bar(usd: float | None, most: float) -> Bar | str:
    return Bar(most, 0, usd, width=_BAR) if usd else ""
