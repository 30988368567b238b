"""Why this candidate and not another, in sentences."""

from collections.abc import Mapping, Sequence

from runner.decide.recommend.candidate import Candidate
from runner.decide.recommend.recommendation import Compared
from runner.measure import formatting
from runner.measure.conclusion import conclusion, named, provided, scored, shortfall

_WORST_FIRST = ("missed", "not proven", "unknown")


def headline(task: str, ranked: Sequence[Candidate]) -> str:
    """What to ship; `ranked` has the best first."""
    proven = [one for one in ranked if one.proven]
    if not proven:
        nearest = f" Nearest: {conclusion(ranked[0].result)}" if ranked else ""
        return f"{task}: no candidate provably meets every requirement.{nearest}"
    choice = proven[0]
    as_cheap = [one for one in proven if one.cost_usd == choice.cost_usd]
    cheapest = "the cheapest" if len(as_cheap) == 1 else "as cheap as any"
    which = f"{cheapest} of the {len(proven)} that provably meet every requirement"
    if len(proven) == 1:
        which = "the only candidate that provably meets every requirement"
    elif choice.cost_usd is None:
        which = f"one of the {len(proven)} that provably meet every requirement, at unknown costs"
    cost = "" if choice.cost_usd is None else f", {choice.price_tag} a request"
    facts = f"quality {formatting.show(choice.quality, 'score')}{cost}"
    return f"{task}: ship {choice.label}, {which} ({facts}).{provided(choice.result)}"


def reasons(
    reference: Candidate,
    compared: Mapping[str, Compared],
    front: Sequence[str],
    dominated: Mapping[str, Sequence[str]],
) -> list[str]:
    """Who may be as good as the choice, and who is on the Pareto front."""
    found = []
    ties = [
        f"{label} ({difference(one)})" for label, one in compared.items() if one.verdict == "tied"
    ]
    if ties:
        found.append(
            f"Tied with {reference.label}, as no difference in quality is proven: "
            f"{', '.join(ties)}."
        )
    if dominated:
        beaten = ", ".join(f"{label} by {' and '.join(by)}" for label, by in dominated.items())
        found.append(
            f"Best of quality, cost and p95 latency as measured: {', '.join(front)}; "
            f"dominated: {beaten}."
        )
    elif len(front) > 1:
        found.append("None is dominated in quality, cost and p95 latency, as measured.")
    if not any(_bounds_quality(verdict.requirement) for verdict in reference.result.verdicts):
        found.append("No requirement bounds quality: whoever is cheapest wins, however it answers.")
    return found


def _bounds_quality(requirement: str) -> bool:
    return requirement.startswith(("min_quality_score", "bounds.quality", "bounds.score."))


def why_not(one: Candidate, choice: Candidate | None, beside: tuple[str, Compared] | None) -> str:
    """`beside` is whom it was compared with, and how that went."""
    if one.result.error is not None:
        return f"could not be measured: {one.result.error}"
    if not one.measured:
        return "is not complete: nothing is decided yet."
    said = [_short_of(one) or _dearer(one, choice)]
    if beside and (words := _quality(*beside)):
        said.append(words)
    return "; ".join(said) + "."


def difference(one: Compared) -> str:
    """`-0.233, p 0.003`."""
    if one.difference is None or one.p_value is None:
        return "not compared"
    return f"{one.difference:+.3f}, p {chance(one.p_value)}"


def chance(p_value: float | None) -> str:
    if p_value is None:
        return "unknown"
    return "below 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _short_of(one: Candidate) -> str:
    """What the candidate is not proven to meet, and why of the worst of it."""
    verdicts = one.result.verdicts
    for word in _WORST_FIRST:
        if named(one.result, word):
            first = next(verdict for verdict in verdicts if verdict.verdict == word)
            return f"{shortfall(one.result)} ({first.why})"
    return "" if scored(one.result) else "has no answer that was scored"


def _dearer(one: Candidate, choice: Candidate | None) -> str:
    """Of a candidate that meets all requirements as well as the choice."""
    too = "meets every requirement too"
    if choice is None or one.cost_usd is None or choice.cost_usd is None:
        return f"{too}, but its cost is unknown"
    if one.cost_usd == choice.cost_usd:
        return f"{too}, at the same cost"
    times = f", {one.cost_usd / choice.cost_usd:.2g} times as much" if choice.cost_usd else ""
    return f"{too}, but costs {one.price_tag} a request{times}"


def _quality(reference: str, one: Compared) -> str:
    if one.verdict not in ("worse", "better"):
        return ""
    return f"proven {one.verdict} than {reference} ({difference(one)})"
