"""Who dominates whom: at least as good, as cheap and as fast, and better in one of these."""

from collections.abc import Sequence

from runner.decide.recommend.candidate import Candidate


def dominated_by(contenders: Sequence[Candidate]) -> dict[str, list[str]]:
    """Of each candidate that is dominated, by whom; as measured, which proves no difference.

    Where a number is unknown nothing is at least as good, so that such a candidate neither
    dominates nor is dominated.
    """
    measured = [one for one in contenders if one.measured]
    found = {
        one.label: [other.label for other in measured if _dominates(other, one)] for one in measured
    }
    return {label: others for label, others in found.items() if others}


def _dominates(one: Candidate, other: Candidate) -> bool:
    pairs = (
        (one.quality, other.quality),
        (_less(one.cost_usd), _less(other.cost_usd)),
        (_less(one.latency_ms), _less(other.latency_ms)),
    )
    known = [(mine, its) for mine, its in pairs if mine is not None and its is not None]
    return (
        len(known) == len(pairs)
        and all(mine >= its for mine, its in known)
        and any(mine > its for mine, its in known)
    )


def _less(value: float | None) -> float | None:
    """So that more is better, as it is for quality."""
    return None if value is None else -value
