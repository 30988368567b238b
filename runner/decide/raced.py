"""What a race has saved, and how to read its figures, which are of unequal numbers of cases."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from runner.measure import formatting
from runner.price import total
from runner.record.outcomes import Result

Row = TypeVar("Row", bound=Result)


def named(rows: Sequence[Row], labels: Mapping[str, str]) -> list[Row]:
    """With the labels of those who beat others, in place of their directories."""
    return [
        row.model_copy(
            update={"race": row.race.model_copy(update={"beaten_by": labels.get(by, by)})}
        )
        if row.race and (by := row.race.beaten_by)
        else row
        for row in rows
    ]


def told(rows: Sequence[Result]) -> list[str]:
    """Nothing where there was none. The rest would have cost each candidate what it has so far."""
    ran = [(row, row.race, row.counts) for row in rows if row.race and row.counts]
    if not ran:
        return []
    asked, planned = (
        sum(n) for n in zip(*((c.outcomes, r.outcomes) for _, r, c in ran), strict=True)
    )
    spent = total(_paid(row) for row, _, _ in ran)
    rest = total(
        usd and usd / max(1, counts.outcomes) * (race.outcomes - counts.outcomes)
        for row, race, counts in ran
        for usd in [_paid(row)]
    )
    part = f" ({rest / (spent + rest):.0%} of all)" if rest and spent is not None else ""
    cases = ", ".join(f"{row.candidate} {counts.cases:,}" for row, _, counts in ran)
    confidence = max(row.confidence for row, _, _ in ran)
    left = ", ".join(row.candidate for row in rows if row.error)
    over = f"The race is not over, {left} could not be measured: so far it" if left else "The race"
    kept = ", and the one to ship is kept"
    if any(row.rescored for row in rows):
        kept = "; who was asked no more was left out by the scores and thresholds of then"
    saved = (
        f"asked {asked:,} of {planned:,} questions; the rest would have cost about "
        f"{formatting.show(rest, 'usd')}{part}, at what each candidate has cost so far."
        if asked < planned
        else f"asked all {planned:,} questions"
        + (" of the others." if left else ": nobody could be left out.")
    )
    return [
        f"{over} {saved}",
        f"Figures are of each candidate's own number of cases ({cases}): what is met, missed or "
        "proven holds at any number, and a difference is of the cases that both were asked. In "
        f"{100 * confidence:g} of 100 races nobody unfit is proven{kept}.",
    ]


def _paid(row: Result) -> float | None:
    found = [row.metrics.get(name) for name in ("cost_total_usd", "judge_cost_usd")]
    return total(each.value for each in found if each)
