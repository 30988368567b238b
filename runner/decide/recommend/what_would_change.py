"""What would change the answer, and what to do where there is none."""

from collections.abc import Iterator, Mapping, Sequence

from runner.decide.recommend.candidate import Candidate
from runner.decide.recommend.recommendation import Compared
from runner.measure import formatting
from runner.measure.conclusion import conclusion, named, settles, thresholds
from runner.measure.verdict import about
from runner.record.outcomes import Verdict

_MOST = 4  # sentences: those of the candidates nearest to the choice


def would_change(
    choice: Candidate, measured: Sequence[Candidate], compared: Mapping[str, Compared]
) -> list[str]:
    """At which price, with which proof, without which requirement another would be chosen."""
    found = [*_at_another_price(choice, measured), *_if_it_met(choice, measured)]
    better = [
        one.label
        for one in measured
        if one.proven and (seen := compared.get(one.label)) and seen.verdict == "better"
    ]
    if better:
        found.append(
            f"If quality counted for more than cost: {' or '.join(better)}, proven better."
        )
    return found[:_MOST]


def next_steps(ranked: Sequence[Candidate]) -> list[str]:
    """What would make a proof out of what is open, for the candidates that miss nothing."""
    steps = [conclusion(one.result) for one in ranked if not one.measured and not one.result.error]
    if steps:
        steps.append("The same command goes on with it.")
    measured = [one for one in ranked if one.measured]
    hopeful = [one for one in measured if not named(one.result, "missed")]
    if hopeful:
        steps += dict.fromkeys(step for one in hopeful for step in _to_prove(one))
    elif measured:
        missed = named(measured[0].result, "missed")
        steps.append(
            f"Every candidate misses a requirement: measure others, or loosen "
            f"{' and '.join(missed)}, which is all that {measured[0].label} misses."
        )
    return steps[:_MOST]


def _at_another_price(choice: Candidate, measured: Sequence[Candidate]) -> Iterator[str]:
    dearer = [
        (one.cost_usd, one)
        for one in measured
        if one.tier == choice.tier and one is not choice and one.cost_usd is not None
    ]
    if not dearer or not choice.cost_usd or not choice.bounds_quality:
        return
    cost, next_best = min(dearer, key=lambda pair: pair[0])
    if not next_best.as_cheap_as(choice):
        now, then = formatting.apart(cost, choice.cost_usd, "usd")
        yield (
            f"At less than {then} a request, {1 - choice.cost_usd / cost:.0%} below the {now} "
            f"that it costs now, {next_best.label} would be chosen."
        )


def _if_it_met(choice: Candidate, measured: Sequence[Candidate]) -> Iterator[str]:
    """Of those that cost less, and are not proven."""
    if choice.cost_usd is None:
        return
    for one in measured:
        cheaper = one.cost_usd is not None and one.cost_usd < choice.cost_usd
        if one.proven or not cheaper or one.as_cheap_as(choice) or one.tier == choice.tier:
            continue
        missing = [v for v in one.result.verdicts if v.verdict != "met"]
        needs = " and ".join(map(_need, missing))
        yield f"{one.label}, at {one.price_tag} a request, would be chosen if {needs}."


def _need(verdict: Verdict) -> str:
    if verdict.verdict == "missed":
        bound = verdict.bound if isinstance(verdict.bound, str) else f"{verdict.bound:,g}"
        return f"{verdict.requirement} ({bound}) were given up"
    if verdict.fact:
        return f"{verdict.requirement} were known and met ({verdict.fact})"
    cases = f" ({about(verdict.more_cases)} would tell)" if verdict.more_cases else ""
    verb = "were known and met" if verdict.verdict == "unknown" else "were proven"
    return f"{verdict.requirement} {verb}{cases}"


def _to_prove(one: Candidate) -> Iterator[str]:
    for verdict in one.result.verdicts:
        if verdict.verdict != "met":
            yield f"{one.label}, {verdict.requirement}: {settles(one.result, verdict)}."
    if not thresholds(one.result):
        yield f"No threshold is set: write some into conf/requirements/{one.result.task}.yaml."
