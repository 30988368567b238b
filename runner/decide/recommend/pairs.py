"""Whose answers are better: every candidate against every other, on the same cases.

All pairs are corrected for together: whom the others are compared with is picked by the very same
numbers, and a correction for its own pairs alone would take no account of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Literal

from runner.decide.recommend.candidate import Candidate
from runner.decide.recommend.recommendation import Compared

if TYPE_CHECKING:
    from runner.measure.paired import PairedDifference

_ERROR = 0.05
_NAMED = 10  # cases that a comparison leaves out


class Pairs:
    def __init__(self, contenders: Sequence[Candidate]) -> None:
        from runner.measure.paired import holm, paired

        self._pairs: dict[tuple[str, str], PairedDifference] = {
            (a.label, b.label): paired(a.scores, b.scores)
            for a, b in combinations(contenders, 2)
            if a.measured and b.measured
        }
        p_values = {str(n): found.p_value for n, found in enumerate(self._pairs.values())}
        self._left_out = {
            (a.label, b.label): sorted(a.scores.keys() ^ b.scores.keys())[:_NAMED]
            for a, b in combinations(contenders, 2)
        }
        self._p = dict(zip(self._pairs, holm(p_values).values(), strict=True))

    def against(self, reference: str) -> dict[str, Compared]:
        """Every other candidate, compared with this one."""
        found = {}
        for (baseline, candidate), comparison in self._pairs.items():
            if reference == baseline:
                one = _compared(comparison, self._p[baseline, candidate], 1)
                found[candidate] = self._naming(one, baseline, candidate)
            elif reference == candidate:
                one = _compared(comparison, self._p[baseline, candidate], -1)
                found[baseline] = self._naming(one, baseline, candidate)
        return found

    def _naming(self, one: Compared, baseline: str, candidate: str) -> Compared:
        return one.model_copy(update={"cases_left_out": self._left_out[baseline, candidate]})

    def smallest_difference(self, reference: str, others: Sequence[str]) -> str | None:
        """What true difference these cases could have shown, in the pair that shows the least."""
        from runner.measure.power import smallest_score_difference

        seen: list[tuple[float | None, int]] = []
        for pair, one in self._pairs.items():
            if reference not in pair or not set(pair) & set(others) or one.p_value is None:
                continue
            if one.won is not None and one.lost is not None:
                tail = _ERROR / 2 / len(self._pairs)
                least = _smallest_pass(one.n, (one.won + one.lost) / one.n, tail)
            else:
                least = smallest_score_difference(one.n, one.deviation or 0.0)
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


def _compared(one: PairedDifference, p_value: float | None, sign: Literal[1, -1]) -> Compared:
    """`sign` is -1 where the candidate is the comparison's baseline."""
    low, high = (one.low, one.high)[::sign]
    difference = _times(sign, one.difference)
    verdict: Literal["better", "worse", "tied", "unknown"] = "tied"
    if p_value is None or difference is None:
        verdict = "unknown"
    elif p_value <= _ERROR and difference:
        verdict = "better" if difference > 0 else "worse"
    return Compared(
        verdict=verdict,
        difference=difference,
        low=_times(sign, low),
        high=_times(sign, high),
        p_value=p_value,
        n=one.n,
        left_out=one.left_out,
        method=one.method,
    )


def _times(sign: int, value: float | None) -> float | None:
    return None if value is None else sign * value
