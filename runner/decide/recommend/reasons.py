"""Why this candidate and not another, in sentences."""

from collections.abc import Mapping, Sequence

from runner.decide.recommend.candidate import Candidate
from runner.decide.recommend.recommendation import Compared
from runner.measure import formatting
from runner.measure.conclusion import (
    conclusion,
    failed_calls,
    named,
    open_lines,
    raced_out,
    scored,
    shortfall,
)

_WORST_FIRST = ("missed", "not proven", "unknown")


def headline(task: str, ranked: Sequence[Candidate]) -> str:
    """What to ship, how sure that is, and how many calls failed; `ranked` has the best first."""
    may_ship = [one for one in ranked if one.shippable]
    if not may_ship:
        nearest = f" Nearest: {conclusion(ranked[0].result)}" if ranked else ""
        return f"{task}: no candidate can be recommended.{nearest}"
    choice = may_ship[0]
    cost = "" if choice.cost_usd is None else f", {choice.price_tag} a request"
    facts = f"quality {formatting.show(choice.quality, 'score')}{cost}"
    failed = f" {words}." if (words := failed_calls(choice.result)) else ""
    if choice.proven:
        return f"{task}: ship {choice.label}, {_which(choice, may_ship)} ({facts}).{failed}"
    open_ = "; ".join(open_lines(choice.result))
    return f"{task}: {choice.label} is supported, not proven ({facts}).{failed} Open: {open_}."


def because(ranked: Sequence[Candidate]) -> str:
    """Why the choice and no other, in a few words; empty where nothing may ship."""
    may_ship = [one for one in ranked if one.shippable]
    if not may_ship:
        return ""
    if may_ship[0].proven:
        return _which(may_ship[0], may_ship)
    if len(may_ship) == 1:
        return "the only candidate that misses nothing"
    return f"the first of the {len(may_ship)} that miss nothing"


def _which(choice: Candidate, may_ship: Sequence[Candidate]) -> str:
    proven = [one for one in may_ship if one.proven]
    if len(proven) == 1:
        return "the only candidate that provably meets every requirement"
    many = f"of the {len(proven)} that provably meet every requirement"
    if choice.cost_usd is None:
        return f"one {many}, at unknown costs"
    if not choice.bounds_quality:
        return f"the best {many}"
    equal = [one for one in proven if one is not choice and one.as_cheap_as(choice)]
    if any(one.cost_usd != choice.cost_usd for one in equal):
        return f"the best of {len(equal) + 1} that cost about the same, {many}"
    return f"{'as cheap as any' if equal else 'the cheapest'} {many}"


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
    if not reference.bounds_quality:
        found.append("No requirement bounds quality: the best answers win, whatever they cost.")
    left_out = [
        f"{label}: {_first(one.cases_left_out, one.left_out)}"
        for label, one in compared.items()
        if one.cases_left_out
    ]
    if left_out:
        found.append(
            f"Not compared with {reference.label}, since only one of the two has a score for them: "
            f"{'; '.join(left_out)}."
        )
    return found


def _first(names: Sequence[str], count: int) -> str:
    more = f" and {count - len(names):,} more" if count > len(names) else ""
    return f"{', '.join(names)}{more}"


def why_not(
    one: Candidate, choice: Candidate | None, reference: Candidate | None, seen: Compared | None
) -> str:
    """`reference` is whom it was compared with, and `seen` how that went."""
    if one.result.error is not None:
        return f"could not be measured: {one.result.error}"
    if not one.measured:
        return "is not complete: nothing is decided yet."
    if stopped := raced_out(one.result):
        return f"{stopped}."
    said = [_short_of(one, choice) or _second(one, choice)]
    if words := failed_calls(one.result):
        said.append(words)
    if reference and seen and seen.verdict in ("worse", "better"):
        said.append(f"proven {seen.verdict} than {reference.label} ({difference(seen)})")
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


def _short_of(one: Candidate, choice: Candidate | None) -> str:
    """What the candidate is not proven to meet, and why of the worst of it."""
    if one.tier == "supported" and not (choice and choice.proven):
        return ""
    verdicts = one.result.verdicts
    for word in _WORST_FIRST:
        if named(one.result, word):
            first = next(verdict for verdict in verdicts if verdict.verdict == word)
            return f"{shortfall(one.result)} ({first.why})"
    return "" if scored(one.result) else "has no answer that was scored"


def _second(one: Candidate, choice: Candidate | None) -> str:
    """Of a candidate of the same tier as the choice: dearer, or no better at the same price."""
    too = "meets every requirement too" if one.proven else "misses nothing either"
    if choice is None or one.cost_usd is None or choice.cost_usd is None:
        return f"{too}, but its cost is unknown"
    if one.cost_usd == choice.cost_usd:
        return f"{too}, at the same cost, {_beaten_in(one, choice)}"
    mine, its = formatting.apart(one.cost_usd, choice.cost_usd, "usd")
    if one.as_cheap_as(choice) or not choice.bounds_quality:
        return f"{too}, at {mine} a request against {its}, {_beaten_in(one, choice)}"
    if one.cost_usd < choice.cost_usd:
        return f"{too}, at {mine} a request"
    if not choice.cost_usd:
        return f"{too}, but costs {mine} a request"
    ratio = formatting.times(one.cost_usd / choice.cost_usd)
    return f"{too}, but costs {mine} a request, {ratio} as much"


def _beaten_in(one: Candidate, choice: Candidate) -> str:
    """What decides between two that cost the same."""
    if one.quality is not None and choice.quality is not None and one.quality != choice.quality:
        mine, its = formatting.apart(one.quality, choice.quality, "score")
        return f"with quality {mine} against {its}"
    known = one.latency_ms is not None and choice.latency_ms is not None
    if known and one.latency_ms != choice.latency_ms:
        mine, its = formatting.apart(one.latency_ms or 0.0, choice.latency_ms or 0.0, "ms")
        return f"with p95 {mine} against {its}"
    return "and nothing tells them apart"
