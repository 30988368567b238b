"""Whose answers are better: every candidate against every other, on the same cases.

All pairs are corrected for together, p values and intervals alike: whom the others are compared
with is picked by the very same numbers, and a correction for its own pairs alone would take no
account of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Literal

from runner.decide.recommend.candidate import Candidate
from runner.decide.recommend.recommendation import Compared
from runner.record.outcomes import CONFIDENCE

if TYPE_CHECKING:
    from runner.measure.paired import PairedDifference

_NAMED = 10  # cases that a comparison leaves out


class Pairs:
    def __init__(self, contenders: Sequence[Candidate]) -> None:
        from runner.measure.paired import paired

        pairs = list(combinations((one for one in contenders if one.measured), 2))
        tested = max(1, sum(bool(a.scores.keys() & b.scores.keys()) for a, b in pairs))
        confidence = max((one.result.confidence for one in contenders), default=CONFIDENCE)
        self._confidence, self._error = confidence, (1 - confidence) / tested
        self._raced = any(one.result.race for one in contenders)
        self._pairs: dict[tuple[str, str], PairedDifference] = {}
        self._left_out: dict[tuple[str, str], list[str]] = {}
        for a, b in pairs:
            found = paired(
                a.scores, b.scores, confidence=confidence, among=tested, anytime=self._raced
            )
            self._pairs[a.label, b.label] = found
            left_out = set() if self._raced else a.scores.keys() ^ b.scores.keys()
            self._left_out[a.label, b.label] = sorted(left_out)[:_NAMED]

    def against(self, reference: str) -> dict[str, Compared]:
        """Every other candidate, compared with this one."""
        found = {}
        for (baseline, candidate), one in self._pairs.items():
            if reference in (baseline, candidate):
                other, sign = (candidate, 1) if reference == baseline else (baseline, -1)
                seen = _compared(one, sign, self._left_out[baseline, candidate])
                found[other] = seen.model_copy(update={"confidence": self._confidence})
        return found

    def smallest_difference(self, reference: str, others: Sequence[str]) -> str | None:
        """What true difference these cases could have shown, in the pair that shows the least."""
        from runner.measure.power import smallest_score_difference

        tail = self._error / 2
        seen: list[tuple[float | None, int]] = []
        if self._raced:
            return None
        for pair, one in self._pairs.items():
            if reference not in pair or not set(pair) & set(others) or one.p_value is None:
                continue
            if one.won is not None and one.lost is not None:
                least = _smallest_pass(one.n, (one.won + one.lost) / one.n, tail)
            else:
                least = smallest_score_difference(one.n, one.deviation or 0.0, tail=tail)
                if least is None:  # equal graded scores show nothing of how much they vary
                    continue
            seen.append((least, one.n))
        if not seen:
            return None
        known = [(least, n) for least, n in seen if least is not None]
        if not known:
            return f"{seen[0][1]} cases are too few to show any difference in quality."
        least, n = max(known)
        return (
            f"{n} cases show a true difference in quality of {least:.2g} or more in 8 of 10 "
            "sweeps; a smaller one may well pass for a tie."
        )


def _smallest_pass(n: int, discordant: float, tail: float) -> float | None:
    """Where they differ too rarely for anything to show: what would show if they differed more."""
    from runner.measure.power import smallest_pass_difference

    more = (percent / 100 for percent in range(1, 101) if percent / 100 > discordant)
    found = (smallest_pass_difference(n, share, tail=tail) for share in (discordant, *more))
    return next((least for least in found if least is not None), None)


def _compared(one: PairedDifference, sign: int, cases_left_out: list[str]) -> Compared:
    """`sign` is -1 where the candidate is the comparison's baseline."""
    difference, *ends = (
        None if value is None else sign * value for value in (one.difference, one.low, one.high)
    )
    low, high = ends[::sign]
    verdict: Literal["better", "worse", "tied", "unknown"] = "tied"
    if low is None or high is None:
        verdict = "unknown"
    elif low > 0 or high < 0:
        verdict = "better" if low > 0 else "worse"
    return Compared(
        verdict=verdict,
        difference=difference,
        low=low,
        high=high,
        p_value=one.p_value,
        n=one.n,
        left_out=one.left_out,
        cases_left_out=cases_left_out,
        method=one.method,
    )
