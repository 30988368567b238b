"""What `check` says of the facts in a model's file: its price, its end, what other lists say."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Literal

from runner.config import pins
from runner.config.schema import Single
from runner.config.sources import GENAI, LITELLM, Difference
from runner.errors import did_you_mean
from runner.price import coming
from runner.report.console import emit
from runner.report.table import table

STALE = timedelta(days=90)  # a price older than this is worth another look
SOON = timedelta(days=90)  # an end nearer than this is worth planning for

Level = Literal["problems", "notes", "details"]
Finding = tuple[Level, str]


def of_price(model: Single, today: date) -> Iterator[Finding]:
    """How old it is, and when it changes."""
    if model.price is None or model.price.checked is None:
        return
    if (change := coming(model, today)) and change[0] - today <= SOON:
        yield "notes", f"price: {change[1]}"
    age = today - model.price.checked
    if not model.price.source.strip():
        yield "problems", "price.source: is empty; say where the price stands"
    if age < timedelta(0):
        yield "problems", f"price.checked: {model.price.checked} is yet to come"
    if age > STALE:
        yield "notes", f"price.checked: {model.price.checked} is {age.days} days ago"


def of_retirement(model: Single, today: date, options: Collection[str]) -> Iterator[Finding]:
    """When it ends, and what comes after it, which is one of `options`."""
    if model.successor and model.successor not in options:
        near = did_you_mean(model.successor, options)
        yield "problems", f"successor: no model '{model.successor}'{near}"
    if gone := pins.retired(model, today):
        yield ("notes" if model.successor else "problems"), f"retires: {gone}"
    elif model.retires and model.retires - today <= SOON:
        days = (model.retires - today).days
        instead = f"; then use model={model.successor}" if model.successor else ""
        yield "notes", f"retires: {model.retires}, in {days} days{instead}"


def thinking_unknown(models: Mapping[str, Single], fact: Literal["default", "lowest"]) -> str:
    """The models that think first and whose default, or lowest, effort no source has."""
    return ", ".join(
        option
        for option, model in sorted(models.items())
        if model.reasoning and getattr(model.reasoning, fact) is None and "/" not in option
    )


def show(found: Sequence[tuple[str, Difference]], *, known: bool) -> None:
    """One table of the differences; those that their files explain only where `known`."""
    rows: dict[tuple[str, str | None], list[Difference]] = {}
    for option, each in found:
        if known or each.why is None:
            rows.setdefault((option, each.why), []).append(each)
    if rows:
        shown = table("model", "fact", "its file", LITELLM, GENAI, "why", left=["fact", "why"])
        for column in shown.columns[:-1]:
            column.no_wrap = True
        for (option, why), several in rows.items():
            keys = [each.key.removesuffix("_usd_per_mtok") for each in several]
            ours = ["" if each.key == "id" else str(each.ours) for each in several]
            theirs = [
                "\n".join(str(each.theirs.get(source, "")) for each in several)
                for source in (LITELLM, GENAI)
            ]
            shown.add_row(option, "\n".join(keys), "\n".join(ours), *theirs, why or "?")
        emit("table", text=[shown])
    if explained := len(found) - len([each for _, each in found if each.why is None]):
        more = "" if known else "; -v shows them"
        print(f"{explained} differences between the sources are explained in the files{more}")
