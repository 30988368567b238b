"""What could move a decision: facts, by the day on which somebody looks.

Pure: from a model as conf/ has it, the lists that know it, and a day, to what is due.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta

from runner.config import sources
from runner.config.schema import Price, Single
from runner.decide.promote.decision_record import DecisionRecord
from runner.decide.promote.drift import Finding
from runner.price import coming
from runner.record.outcomes import Record

ENDS, CHEAPER = "retirement", "cheaper"  # the one can't stay, the other need not go
# Of a decision as it was promoted: `retirement` has a source of its own here.
# Latency hangs on where one looks from, and CI is elsewhere.
_ASIDE = ("retirement of ", "price in lists", "latency")
_BY_HAND = ("model", "setting", "review", "calls answered")  # which no measurement answers


Ends = Mapping[tuple[str, str], date]  # as providers list it: by provider, and id of the model


class Due(Record):
    """One thing that has moved, or will within the days that one looks ahead."""

    what: str
    why: str
    on: date | None = None  # from when on; None: now
    measured: bool = True  # whether to measure what could come instead

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"


def retirement(
    model: Single, today: date, ahead: timedelta, listed: date | None = None
) -> Iterator[Due]:
    """The first of the days that anybody says; `listed` is what its provider does."""
    told = {"its provider's list": listed, "its file": model.retires}
    if "retires" not in model.caveats:  # where its file knows better than others
        told["litellm's map"] = _in_map(model, today)
    days = {who: day for who, day in told.items() if day is not None}
    if not days or min(days.values()) - today > ahead:
        return
    first = min(days.values())
    who = " and ".join(each for each, day in days.items() if day == first)
    others = "".join(f"; {each}: {day}" for each, day in days.items() if day != first)
    why = f"{model.name} ({model.id}) ends on {first}, says {who}{others}"
    yield Due(what=ENDS, why=why, on=first)


def said_of(model: Single, listed: Ends) -> date | None:
    """When it ends, by the list of its provider."""
    return listed.get((model.provider.name, model.id))


def _in_map(model: Single, today: date) -> date | None:
    """In litellm's map. Of a server of one's own, its entries say nothing."""
    if model.provider.data != "third_party":
        return None
    found = sources.said(model, today)[sources.LITELLM]
    day = (found or {}).get("retires")
    return day if isinstance(day, date) else None


def dearer(model: Single, today: date, ahead: timedelta) -> Iterator[Due]:
    """A price of its file that will be a higher one, or that nobody will know."""
    change, then = coming(model, today), next(model.changes(today), None)
    if change and then and change[0] - today <= ahead and not _at_most(then[1], model.price):
        yield Due(what="price", why=f"{model.name}: {change[1]}", on=change[0])


def in_lists(model: Single, today: date, known: Collection[str] = ()) -> Iterator[Due]:
    """Prices of other lists that the file has not, does not explain, and no record has noted."""
    for each in sources.differences(model, today):
        said = f"{model.name}: {each}"
        if each.key.startswith("price") and each.why is None and said not in known:
            yield Due(what="price in lists", why=f"{said}: look it up", measured=False)


def of_findings(findings: Iterable[Finding]) -> Iterator[Due]:
    """What `drift` has found to have moved."""
    for each in findings:
        if each.state == "moved" and not each.what.startswith(_ASIDE):
            why = f"{each.recorded} on record, now {each.now}"
            yield Due(what=each.what, why=why, measured=each.what not in _BY_HAND)


def served(ids: Collection[str], seen: Collection[str]) -> Iterator[Due]:
    """What the last answers came from, where no decision is on record: other than was pinned."""
    if strange := sorted(set(seen) - set(ids)):
        why = f"{', '.join(sorted(ids))} was asked for, {', '.join(strange)} answered"
        yield Due(what="served model", why=why)


def relatives(
    model: Single, catalogue: Mapping[str, Single], today: date, ahead: timedelta, listed: Ends
) -> dict[str, Single]:
    """The others of its family that do not end soon themselves, by option, at today's price."""
    return {
        option: other.on(today)
        for option, other in catalogue.items()
        if other.name != model.name
        and family(other) == family(model)
        and not list(retirement(other, today, ahead, said_of(other, listed)))
    }


def cheaper(
    model: Single, family: Mapping[str, Single], today: date, record: DecisionRecord | None
) -> dict[str, Due]:
    """Those whose rates, in and out, are no higher and not both the same, and that are untried."""
    runs = record.evidence.journals_sha256 if record else ()
    tried = {run.partition(f"_{record.task}-")[2] for run in runs} if record else set()
    now = model.on(today).price
    return {
        option: Due(
            what=CHEAPER,
            why=f"model={option} ({other.id}) costs less than {model.name}",
        )
        for option, other in family.items()
        if other.name not in tried and _at_most(other.price, now) and not _at_most(now, other.price)
    }


def family(model: Single) -> tuple[str, ...]:
    """The words of its id, without versions, dates and sizes: gpt-6.1-sol is of gpt, sol."""
    id = re.sub(r"^([a-z]+\.)+", "", model.id.rpartition("/")[2].lower())  # global.anthropic.
    words = (re.fullmatch(r"([a-z]+)\d*", part) for part in re.split(r"[-_.:@ ]+", id))
    return tuple(word[1] for word in words if word) or (model.name,)


def _at_most(one: object, other: object) -> bool:
    """Whether a price is known to be no higher than another, in and out."""
    if not isinstance(one, Price) or not isinstance(other, Price):
        return False
    pairs = (
        (one.input_usd_per_mtok, other.input_usd_per_mtok),
        (one.output_usd_per_mtok, other.output_usd_per_mtok),
    )
    return all(a is not None and b is not None and a <= b for a, b in pairs)
