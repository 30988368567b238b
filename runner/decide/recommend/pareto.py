"""Who dominates whom: at least as good, as cheap and as fast, and better in one of these."""

from collections.abc import Sequence

from runner.decide.recommend.candidate import Candidate


def dominated_by(contenders: Sequence[Candidate]) -> dict[str, list[str]]:
    """Of each candidate that is dominated, by whom; as measured, which proves no difference.

    Quality is that of all requests, so that nobody gets ahead by failing on what is hard. Where a
    number is unknown nothing is at least as good, so that such a candidate neither dominates nor is
    dominated.
    """
    measured = [one for one in contenders if one.measured]
    found = {
        one.label: [other.label for other in measured if _dominates(other, one)] for one in measured
    }
    return {label: others for label, others in found.items() if others}


def _dominates(one: Candidate, other: Candidate) -> bool:
    pairs = list(zip(_merits(one), _merits(other), strict=True))
    known = [(mine, its) for mine, its in pairs if mine is not None and its is not None]
    return known == pairs and all(a >= b for a, b in known) and any(a > b for a, b in known)


def _merits(one: Candidate) -> tuple[float | None, ...]:
    """More of each is better."""
    prices = (None if value is None else -value for value in (one.cost_usd, one.latency_ms))
    return (one.quality_per_request, *prices)
