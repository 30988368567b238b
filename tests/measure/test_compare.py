"""What is proven to have changed between two runs is told from what is not."""

from collections.abc import Mapping, Sequence

import pytest

from runner.measure.compare import compare
from runner.measure.comparison import (
    ANSWERED,
    COST,
    LATENCY,
    QUALITY,
    TAIL,
    TYPICAL_COST,
    CaseOutcomes,
    Change,
    Observed,
    RunComparison,
    Side,
)


def observed(scores: Mapping[str, Sequence[float]], **changes: object) -> Observed:
    """A run whose quality is `exact`; answers take 100 ms and cost a cent, of five at most."""
    side = Side(dir="run", model="m", id="m-1")
    run = Observed(side, task="sorting", quality="exact", most_usd=0.05)
    for number, (case, values) in enumerate(scores.items()):
        seen = CaseOutcomes("question", "expected", outcomes=len(values), answered=len(values))
        seen.scores["exact"] = list(values)
        seen.latency_ms = [100.0 + number for _ in values]
        seen.cost_usd = [0.01 for _ in values]
        run.cases[case] = seen
    for name, value in changes.items():
        setattr(run, name, value)
    return run


def passing(n: int, failed: int = 0) -> dict[str, list[float]]:
    return {f"c{k:03}": [float(k >= failed)] for k in range(n)}


def change(found: RunComparison, name: str) -> Change:
    return next(one for one in found.changes if one.name == name)


def test_nothing_changed() -> None:
    """Equal runs: nothing is proven, nothing flips, the gate stays open."""
    found = compare(observed(passing(40, 4)), observed(passing(40, 4)))
    assert found.regressed == []
    assert (found.fell, found.rose) == ([], [])
    assert change(found, QUALITY).verdict == "not proven"
    assert change(found, COST).change == 1.0


def test_quality_proven_worse() -> None:
    """Twelve of forty cases that only the baseline passes are no chance, and all are named."""
    found = compare(observed(passing(40)), observed(passing(40, 12)))
    quality = change(found, QUALITY)
    assert (quality.verdict, quality.before, quality.after) == ("worse", 1.0, 0.7)
    assert quality.high is not None
    assert quality.high < 0
    assert found.regressed == [QUALITY]
    assert [flip.case for flip in found.fell] == [f"c{k:03}" for k in range(12)]


def test_what_a_race_ended() -> None:
    """It was ended by what it had shown: more is needed to prove a change, and no bound is lost."""
    for failed, verdict in ((6, "not proven"), (24, "worse")):
        ended = compare(observed(passing(40), anytime=True), observed(passing(40, failed)))
        fixed = compare(observed(passing(40)), observed(passing(40, failed)))
        assert change(ended, QUALITY).verdict == verdict
        assert change(fixed, QUALITY).verdict == "worse"
        for one, other in zip(ended.changes, fixed.changes, strict=True):
            assert one.change == other.change
            for low, wider in ((other.low, one.low), (-(other.high or 0), -(one.high or 0))):
                assert wider is None or low is None or wider <= low + 1e-6


def test_quality_proven_better_shuts_no_gate() -> None:
    """An improvement is proven just so, and is no regression."""
    found = compare(observed(passing(40, 12)), observed(passing(40)))
    assert change(found, QUALITY).verdict == "better"
    assert found.regressed == []
    assert found.rose_count == 12


def test_few_flips_prove_nothing() -> None:
    """Three flips of forty may be chance; what so many cases could show is said."""
    quality = change(compare(observed(passing(40)), observed(passing(40, 3))), QUALITY)
    assert quality.verdict == "not proven"
    assert quality.p_value == pytest.approx(0.25)
    more = change(compare(observed(passing(100, 10)), observed(passing(100, 14))), QUALITY)
    assert more.verdict == "not proven"


def test_smallest_difference() -> None:
    """With cases enough that differ, a number says which difference would have shown."""
    before = {f"c{k:03}": [float(k % 2)] for k in range(100)}
    after = {f"c{k:03}": [float(k % 3 > 0)] for k in range(100)}
    smallest = change(compare(observed(before), observed(after)), QUALITY).smallest
    assert smallest is not None
    assert 0.05 < smallest < 0.4


def test_graded_flips_are_ordered_by_size() -> None:
    """Of graded scores the largest drop comes first."""
    before, after = observed({"a": [0.9], "b": [0.8]}), observed({"a": [0.8], "b": [0.1]})
    assert [flip.case for flip in compare(before, after).fell] == ["b", "a"]


def test_only_the_same_cases_are_compared() -> None:
    """A case of one run only, and one whose expected value is another, are left out and said."""
    before, after = observed(passing(4)), observed(passing(5))
    del after.cases["c000"]
    after.cases["c001"].expected = "another"
    found = compare(before, after)
    assert found.n == 2
    assert (found.only_baseline, found.only_candidate) == (["c000"], ["c004"])
    assert found.changed == ["c001"]


@pytest.mark.parametrize(("prompt", "changed"), [("same", ["c000"]), ("new", [])])
def test_another_question(prompt: str, changed: list[str]) -> None:
    """Another text of a case is another case, unless it comes from another prompt."""
    before, after = observed(passing(4), prompt="same"), observed(passing(4), prompt=prompt)
    after.cases["c000"].question = "another"
    assert compare(before, after).changed == changed


def slower(times: float, n: int = 40) -> Observed:
    run = observed(passing(n))
    for number, seen in enumerate(run.cases.values()):
        seen.latency_ms = [seen.latency_ms[0] * (times + 0.02 * (number % 3 - 1))]
    return run


@pytest.mark.parametrize(
    ("times", "verdict", "regressed"),
    [(1.0, "not proven", []), (1.06, "worse", []), (1.5, "worse", [LATENCY]), (0.5, "better", [])],
)
def test_latency(times: float, verdict: str, regressed: list[str]) -> None:
    """A slowdown is a regression only where it is proven beyond the tolerance."""
    found = compare(observed(passing(40)), slower(times))
    assert change(found, LATENCY).verdict == verdict
    assert found.regressed == regressed


def test_the_tail_takes_many_cases() -> None:
    """No change of p95 is proven by 40 cases, whose interval has no end; 300 prove it."""
    few = compare(observed(passing(40)), slower(9.0))
    many = compare(observed(passing(300)), slower(9.0, 300))
    assert change(few, TAIL).verdict == "not proven"
    assert TAIL not in few.regressed
    assert change(many, TAIL).verdict == "worse"


def test_times_of_unlike_runs_are_not_compared() -> None:
    """With another concurrency nobody can say whose fault the latency is."""
    found = compare(observed(passing(40), timing=1), observed(passing(40), timing=8))
    assert change(found, LATENCY).verdict == "unknown"


def priced(usd: float | None, n: int = 40) -> Observed:
    run = observed(passing(n))
    for seen in run.cases.values():
        seen.cost_usd = [usd]
    return run


@pytest.mark.parametrize(
    ("before", "after", "verdict", "regressed"),
    [
        (0.01, 0.02, "worse", [COST]),
        (0.01, 0.0105, "worse", []),
        (0.02, 0.01, "better", []),
        (0.0, 0.0, "not proven", []),
        (0.0, 0.01, "worse", [COST]),
        (None, 0.01, "unknown", []),
        (0.01, None, "unknown", []),
    ],
)
def test_cost(
    before: float | None, after: float | None, verdict: str, regressed: list[str]
) -> None:
    """A price that doubled is proven to have; an unknown one proves nothing, and is no zero."""
    found = compare(priced(before), priced(after))
    assert change(found, COST).verdict == verdict
    assert found.regressed == regressed


def test_rounding_is_no_change() -> None:
    """Costs that differ in the last bit alone are the same."""
    found = change(compare(priced(0.3), priced(0.1 + 0.2)), COST)
    assert (found.verdict, found.low, found.high) == ("not proven", 1.0, 1.0)


def test_cost_of_answers_that_vary() -> None:
    """Where cases cost unlike each other, the ratio is that of the sums."""
    run = priced(0.01)
    for number, seen in enumerate(run.cases.values()):
        seen.cost_usd = [0.01 * (1 + number % 4)]
    found = change(compare(priced(0.01), run), COST)
    assert found.change == pytest.approx(2.5)
    assert found.verdict == "worse"
    run.most_usd = None
    assert change(compare(priced(0.01), run), COST).high is None


def test_the_typical_cost_needs_no_limit() -> None:
    """That most cases cost twice as much is proven whatever a single one can cost."""
    before, after = observed(passing(40), most_usd=None), observed(passing(40), most_usd=None)
    for number, seen in enumerate(after.cases.values()):
        seen.cost_usd = [0.02 + number / 10_000]
    found = compare(before, after)
    assert change(found, COST).verdict == "not proven"
    assert change(found, TYPICAL_COST).verdict == "worse"
    assert found.regressed == [TYPICAL_COST]


def test_failures_are_a_regression_of_their_own() -> None:
    """Calls that fail are not scored, yet the gate sees them."""
    after = observed(passing(40))
    for seen in list(after.cases.values())[:12]:
        seen.answered, seen.scores, seen.latency_ms = 0, {}, []
    found = compare(observed(passing(40)), after)
    assert found.regressed == [ANSWERED]
    assert change(found, QUALITY).n == 28


def test_nothing_in_common() -> None:
    """Runs without a common case say that nothing is known."""
    found = compare(observed({"a": [1.0]}), observed({"b": [1.0]}))
    assert found.n == 0
    assert {one.verdict for one in found.changes} == {"unknown"}
    assert found.regressed == []
