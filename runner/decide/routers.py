"""Whether choosing a model for each case pays: of each composite model of a sweep, in words.

From the journals alone: a router is held against its own arms, as they did alone on the same cases
of the same sweep; where there is none, it says what a router over the candidates could reach.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from runner.measure import formatting
from runner.measure.like_for_like import JournalDigest
from runner.record.outcomes import CONFIDENCE, Metric, Record

_RIVALS = {
    "best": "its best arm alone",
    "mix": "a random mix that costs the same",
    "length": "a length rule",
}


class Alternative(Record):
    """One way to answer the cases."""

    name: str
    quality: float
    usd: float | None  # of a request; None: unknown
    arms: dict[str, float] = Field(default_factory=dict)  # the share of the cases each one gets


class RouterGain(Record):
    """What a router gains on the `n` cases that it and its arms answered, and `said` of it.

    `label` is empty where no router was measured. `share` is of the way from a random mix at its
    cost to the oracle. `over` are differences in quality, with their intervals.
    """

    label: str
    said: list[str]
    n: int = 0
    alternatives: list[Alternative] = Field(default_factory=list)
    share: Metric | None = None
    over: dict[str, Metric] = Field(default_factory=dict)
    not_measured: list[str] = Field(default_factory=list)  # arms
    confidence: float = CONFIDENCE


@dataclass(frozen=True)
class Seen:
    """A candidate of a sweep: its label, its model's config, what else was set, its journal."""

    label: str
    model: Mapping[str, Any]
    settings: Mapping[str, Any]
    digest: JournalDigest

    @property
    def setting(self) -> dict[str, Any]:
        return {k: v for k, v in self.settings.items() if not k.startswith("model.")}


def gains(seen: Sequence[Seen], confidence: float = CONFIDENCE) -> list[RouterGain]:
    """One for each composite model; of single ones alone, what a router over them could gain."""
    routers = [each for each in seen if each.model.get("arms")]
    if routers:
        return [_held_against_arms(each, seen, confidence, len(routers)) for each in routers]
    return list(_possible(seen))


def _held_against_arms(
    router: Seen, seen: Sequence[Seen], confidence: float, among: int
) -> RouterGain:
    from runner.measure.routing_gain import gain

    wanted = dict.fromkeys(_leaves(router.model))
    alike = [one for one in seen if one.setting == router.setting]
    alone = {_id(one.model): one for one in reversed(alike)}
    missing = [name for name, pinned in wanted if (name, pinned) not in alone]
    if missing:
        said = (
            f"{router.label} can't be judged against its arms: measure {', '.join(missing)}, too, "
            "in the same sweep"
        )
        return RouterGain(label=router.label, said=[said], not_measured=missing)
    arms = {alone[each].label: alone[each].digest.worth for each in wanted}
    found = gain(router.digest.worth, arms, confidence=confidence, among=among * len(_RIVALS))
    if found is None:
        return RouterGain(label=router.label, said=[f"{router.label}: no case has all answers"])
    ways = {"": found.router, "best": found.best, "mix": found.mix, "length": found.length}
    ways["oracle"] = found.oracle
    names = {"": router.label, "oracle": "the best arm for each case (oracle)", **_RIVALS}
    over = {
        key: Metric(value=one.difference, low=one.low, high=one.high, n=one.n, unit="score")
        for key, one in (found.over or {}).items()
    }
    share = None
    if found.share:
        value, low, high = found.share
        share = Metric(value=value, low=low, high=high, n=found.n, unit="share")
    return RouterGain(
        label=router.label,
        said=list(_words(router.label, share, over, known=found.mix is not None)),
        n=found.n,
        alternatives=[
            Alternative(name=names[key], quality=way.quality, usd=way.usd, arms=dict(way.arms))
            for key, way in ways.items()
            if way
        ],
        share=share,
        over=over,
        confidence=confidence,
    )


def _words(
    label: str, share: Metric | None, over: Mapping[str, Metric], *, known: bool
) -> Iterator[str]:
    if not known:
        yield f"{label}: what its requests cost is not known, so no mix costs the same"
        return
    for key, one in over.items():
        if one.value is not None:
            number = formatting.interval(one.low, one.high, "score")
            yield f"{label} is {_word(one)} {_RIVALS[key]}: {one.value:+.3f} ({number})"
    if share is None:
        yield f"{label}: no choice among its arms is better than drawing lots at its cost"
    elif share.value is not None:
        bounds = formatting.interval(share.low, share.high, "score")
        yield (
            f"{label} closes {share.value:.2f} ({bounds}) of the gap between drawing lots at its "
            "cost and the best arm for each case"
        )


def _word(difference: Metric) -> str:
    if difference.low is not None and difference.low > 0:
        return "better than"
    if difference.high is not None and difference.high < 0:
        return "worse than"
    if difference.value is not None and difference.value > 0:
        return "not proven to be better than"
    return "no better than"


def _possible(seen: Sequence[Seen]) -> Iterator[RouterGain]:
    """Of the models that were asked alike: what the best for each case comes to."""
    from runner.measure.routing_gain import oracle

    first = seen[0].setting if seen else {}
    arms = {one.label: one.digest.worth for one in seen if one.setting == first}
    found = oracle(arms) if len(arms) > 1 else None
    if found is None:
        return
    n, best, ideal = found
    [name] = best.arms
    gained = ideal.quality - best.quality
    cost = "" if ideal.usd is None else f" at {formatting.show(ideal.usd, 'usd')} a request"
    said = (
        f"The best of these for each case would reach {ideal.quality:.3f}{cost}: {gained:+.3f} "
        f"over {name} alone is the most that a router over them could gain"
    )
    ways = {f"{name} alone": best, "the best for each case (oracle)": ideal}
    yield RouterGain(
        label="",
        said=[said],
        n=n,
        alternatives=[
            Alternative(name=key, quality=way.quality, usd=way.usd, arms=dict(way.arms))
            for key, way in ways.items()
        ],
    )


def _leaves(model: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and id of each single model that may answer."""
    for arm in model["arms"].values():
        yield from _leaves(arm) if arm.get("arms") else [_id(arm)]


def _id(model: Mapping[str, Any]) -> tuple[str, str]:
    return str(model.get("name")), str(model.get("id"))
