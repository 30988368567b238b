"""A setting that changes nothing is said: equal requests, or no more reasoning for an effort."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

from runner.config.overrides import shapes_answers
from runner.decide.configuration import short, shown
from runner.measure.like_for_like import JournalDigest

_FEWEST = 6  # cases of which all can differ by chance in less than 1 of 20 sweeps
_SURE = 0.05
# What shapes answers, but not by what is asked: who is asked, and how answers are read.
_OFF_THE_WIRE = (
    *("model.provider", "model.price", "model.typical", "model.benchmarks"),
    *("task.scorers", "task.quality", "task.cases", "task.needs", "task.fenced"),
)


@dataclass(frozen=True)
class Tried:
    """A candidate that was measured, and what its journal shows."""

    label: str
    model: str
    settings: Mapping[str, Any]
    seen: JournalDigest


def without_effect(candidates: Sequence[Tried]) -> list[str]:
    """A sentence for every two of one model that differ in one thing, and that to no effect."""
    found: list[str] = []
    for one, other in combinations(candidates, 2):
        keys = {*one.settings, *other.settings}
        differ = [key for key in keys if one.settings.get(key) != other.settings.get(key)]
        if one.model == other.model and len(differ) == 1:
            found += _compared(one, other, differ[0])
    return found


def _compared(one: Tried, other: Tried, key: str) -> Iterator[str]:
    [word] = short([key]).values()
    if shapes_answers(key) and not key.startswith(_OFF_THE_WIRE):
        mine, its = one.seen.requests, other.seen.requests
        common = mine.keys() & its.keys()
        if common and all(mine[case] == its[case] for case in common):
            yield (
                f"{word} changed nothing on the wire: {one.label} and {other.label} sent equal "
                f"requests on all {len(common)} cases."
            )
        elif "effort" in key and (said := _reasoning(one, other, key)):
            yield f"{one.label} and {other.label}: {said}."


def _reasoning(one: Tried, other: Tried, key: str) -> str | None:
    """Of tokens case by case, by a sign test; None: they differ, or nobody can tell."""
    mine, its = one.seen.reasoning, other.seen.reasoning
    common = sorted(mine.keys() & its.keys())
    if not common:
        return None
    if not any(mine[case] or its[case] for case in common):
        return f"no reasoning tokens are reported for either, on {len(common)} cases"
    if any(mine[case] != its[case] for case in common):
        from runner.measure.paired import paired

        more = {case: [float(mine[case] > its[case])] for case in common}
        less = {case: [float(mine[case] < its[case])] for case in common}
        chance = paired(more, less).p_value
        if len(common) < _FEWEST or chance is None or chance < _SURE:
            return None
    means = " against ".join(
        f"{fmean(seen[case] for case in common):,.0f} a case with {shown(tried.settings.get(key))}"
        for tried, seen in ((one, mine), (other, its))
    )
    return f"reasoning tokens do not differ beyond chance: {means}, on {len(common)} cases"
