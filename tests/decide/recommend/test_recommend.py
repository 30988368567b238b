"""The cheapest of those proven is chosen, and every other one has a reason."""

from dataclasses import replace

import pytest

from runner.decide.recommend import Candidate, ranked, recommend
from runner.record.outcomes import Counts
from tests.decide.recommend.make import contender, metric, passing

FIRST = contender("first", passing(60, 3), cost_usd=0.002, latency_ms=400)
SECOND = contender("second", passing(60, 4, 10), cost_usd=0.001)
THIRD = contender("third", passing(60, 18, 20), cost_usd=0.0005)


def test_the_cheapest_of_those_proven() -> None:
    """Two are proven and tied, one is proven worse: the cheaper of the two is chosen."""
    found = recommend("sorting", [THIRD, FIRST, SECOND])
    assert found.choice == "second"
    assert found.headline == (
        "sorting: ship second, the cheapest of the 2 that provably meet every requirement "
        "(quality 0.933, $0.00100 a request)."
    )
    assert found.ties == ["first"]
    assert {label: one.verdict for label, one in found.compared.items()} == {
        "first": "tied",
        "third": "worse",
    }
    assert found.next_steps == []


def test_why_not_the_others() -> None:
    """A dearer one costs too much, an unproven one says what it lacks and who is better."""
    why = recommend("sorting", [FIRST, SECOND, THIRD]).why_not
    assert list(why) == ["first", "third"]
    assert why["first"] == (
        "meets every requirement too, but costs $0.00200 a request, 2 times as much."
    )
    assert why["third"].startswith(
        "is not proven to meet min_quality_score (quality 0.700, at least 0.568 with 95 % "
        "confidence: 0.8 is not proven; about"
    )
    assert "proven worse than second (-0.233, p 0.0" in why["third"]


def test_what_would_change_the_answer() -> None:
    """The price at which the next would be chosen, and what a cheaper one would have to prove."""
    found = recommend("sorting", [FIRST, SECOND, THIRD]).would_change
    assert found[0] == (
        "At less than $0.00100 a request, 50% below the $0.00200 that it costs now, first would be "
        "chosen."
    )
    assert found[1].startswith(
        "third, at $0.000500 a request, would be chosen if min_quality_score were proven (about"
    )


def test_a_better_one_is_named() -> None:
    """Where a dearer candidate is proven better the reader learns that quality has a price."""
    requirements = {"min_quality_score": 0.5}
    cheap = contender("cheap", passing(60, 18), cost_usd=0.001, requirements=requirements)
    good = contender("good", passing(60, 0), cost_usd=0.01, requirements=requirements)
    found = recommend("sorting", [good, cheap])
    assert found.choice == "cheap"
    assert "proven better than cheap" in found.why_not["good"]
    assert "If quality counted for more than cost: good, proven better." in found.would_change


def test_an_unknown_cost_is_never_the_cheapest() -> None:
    """Nobody knows what it costs: whoever has a price comes first, however high."""
    unknown = contender("unknown", passing(60, 0), cost_usd=None)
    found = recommend("sorting", [unknown, FIRST])
    assert found.choice == "first"
    assert found.why_not["unknown"] == "meets every requirement too, but its cost is unknown."
    assert recommend("sorting", [unknown]).headline == (
        "sorting: ship unknown, the only candidate that provably meets every requirement "
        "(quality 1.000)."
    )


def test_an_unknown_verdict_proves_nothing() -> None:
    """A requirement that nobody can judge leaves a candidate supported, and says what to state."""
    requirements = {"min_quality_score": 0.5, "max_cost_per_request": 1.0}
    unknown = contender("unknown", passing(60, 0), cost_usd=None, requirements=requirements)
    found = recommend("sorting", [unknown])
    assert (found.choice, found.tier) == ("unknown", "supported")
    assert "provably" not in found.headline
    assert "ship" not in found.headline
    assert found.next_steps == [
        "unknown, max_cost_per_request: cost_per_request_usd is unknown: "
        "a price or a token count is missing."
    ]


def test_none_is_proven() -> None:
    """What misses nothing is supported, with the cases and dollars that would settle the rest."""
    near = contender("near", passing(60, 6), requirements={"min_quality_score": 0.85})
    far = contender("far", passing(60, 40), requirements={"min_quality_score": 0.85})
    found = recommend("sorting", [far, near])
    assert (found.choice, found.tier) == ("near", "supported")
    assert found.headline.startswith(
        "sorting: near is supported, not proven (quality 0.900, $0.00100 a request). "
        "Open: min_quality_score (about "
    )
    assert found.headline.endswith(", would settle it; as measured it is met).")
    assert found.compared["far"].verdict == "worse"
    [step] = found.next_steps
    assert step.startswith("near, min_quality_score: about ")
    assert " more cases, about $0." in step


def test_what_would_be_missed_as_measured_is_refused() -> None:
    """An interval that reaches over the bound recommends nobody whose number lies below it."""
    below = contender("below", passing(60, 10), requirements={"min_quality_score": 0.85})
    found = recommend("sorting", [below])
    assert below.result.verdicts[0].verdict == "not proven"
    assert (found.choice, found.tier) == (None, None)
    assert found.headline == (
        "sorting: no candidate can be recommended. "
        "Nearest: below is not proven to meet min_quality_score."
    )
    [step] = found.next_steps
    assert step.endswith("as measured it is missed.")


def test_failed_calls_are_said() -> None:
    """A headline says how many calls failed and of what kind; so does the reason against others."""
    counts = Counts(cases=60, outcomes=60, answered=57, failed=3, replayed=0)
    failures = {"timeout": 2, "rate_limit": 1}
    failing = contender("failing", passing(57, 0), counts=counts, failures=failures)
    dearer = contender("dearer", passing(57, 0), counts=counts, failures=failures, cost_usd=0.01)
    found = recommend("sorting", [failing, dearer])
    assert "3 of 60 calls failed (2 timeout, 1 rate_limit)." in found.headline
    assert "3 of 60 calls failed" in found.why_not["dearer"]


@pytest.mark.parametrize(("other", "choice"), [(0.00104, "good"), (0.00106, "cheap")])
def test_near_equal_prices_are_a_tie(other: float, choice: str) -> None:
    """Less than 5 % decides nothing: then the better answers win."""
    cheap = contender("cheap", passing(200, 3), cost_usd=0.001)
    good = contender("good", passing(200, 2), cost_usd=other)
    assert recommend("sorting", [cheap, good]).choice == choice


def test_numbers_that_are_compared_are_told_apart() -> None:
    """Two prices that would look alike are shown with the digits in which they differ."""
    cheap = contender("cheap", passing(60, 1), cost_usd=46.541)
    good = contender("good", passing(60, 0), cost_usd=46.544)
    said = recommend("sorting", [cheap, good]).why_not["cheap"]
    assert "at $46.541 a request against $46.544" in said


def test_no_threshold_proves_nothing() -> None:
    """Where nobody has set a threshold nothing is proven, and the next step is to set one."""
    free = contender("free", passing(60, 0), requirements={})
    found = recommend("sorting", [free])
    assert (found.choice, found.tier) == ("free", "supported")
    assert "no threshold is set" in found.headline


def test_all_miss_something() -> None:
    """Where no number of cases would help the reader learns what the nearest misses."""
    bad = contender("bad", passing(60, 50))
    [step] = recommend("sorting", [bad]).next_steps
    assert step == (
        "Every candidate misses a requirement: measure others, or loosen min_quality_score, "
        "which is all that bad misses."
    )


def test_what_could_not_be_measured() -> None:
    """A failed run is no candidate, and has its error for a reason; an unfinished one goes on."""
    failed = contender("failed", [], complete=False, error="no key", metrics={}, verdicts=[])
    begun = contender("begun", passing(60, 0), complete=False)
    found = recommend("sorting", [failed, begun, SECOND])
    assert found.choice == "second"
    assert found.why_not["failed"] == "could not be measured: no key"
    assert found.why_not["begun"] == "is not complete: nothing is decided yet."
    assert found.compared == {}
    assert found.front == ["second"]
    alone = recommend("sorting", [begun])
    assert alone.choice is None
    assert alone.next_steps[0].startswith("The run of begun is not complete")


def test_nobody_at_all() -> None:
    """A task on which every run failed has a recommendation that recommends nothing."""
    failed = contender("failed", [], complete=False, error="no key", metrics={}, verdicts=[])
    found = recommend("sorting", [failed])
    assert (found.choice, found.compared_with, found.reasons) == (None, None, [])


def test_a_candidate_that_never_answered() -> None:
    """Where no answer was scored nothing is proven, whatever else is met."""
    silent = contender("silent", [], requirements={})
    found = recommend("sorting", [silent])
    assert found.choice is None
    assert found.headline.endswith("Nearest: silent has no answer that was scored.")
    both = recommend("sorting", [silent, contender("good", passing(60, 0), requirements={})])
    assert both.choice == "good"
    assert both.why_not["silent"] == "has no answer that was scored."


def test_the_smallest_difference() -> None:
    """A tie says what these cases could have shown; more cases show less."""
    few = recommend("sorting", [FIRST, SECOND]).smallest_difference
    assert few is not None and few.startswith("60 cases show a true difference in quality of 0.1")
    many = [
        contender(one.label, passing(600, wrong, start), cost_usd=one.cost_usd)
        for one, wrong, start in ((FIRST, 30, 0), (SECOND, 40, 100))
    ]
    more = recommend("sorting", many).smallest_difference
    assert more is not None and more.startswith(
        "600 cases show a true difference in quality of 0.0"
    )
    twins = recommend("sorting", [FIRST, replace(FIRST, label="twin")]).smallest_difference
    assert twins == few  # no difference seen is no proof that there is none
    pair = [contender(label, passing(5, 0)) for label in "ab"]
    too_few = recommend("sorting", pair).smallest_difference
    assert too_few == "5 cases are too few to show any difference in quality."


def test_repeats_are_compared_by_case() -> None:
    """Each case counts once, and a case that one of them lacks is left out and counted."""
    often = {f"c{n:04}": [1.0, 0.5] for n in range(30)}
    more = {f"c{n:04}": [0.5, 0.5] for n in range(1, 31)}
    found = recommend("sorting", [contender("a", often), contender("b", more, cost_usd=0.01)])
    one = found.compared["b"]
    assert (one.n, one.left_out, one.verdict) == (29, 2, "worse")
    assert one.difference == pytest.approx(-0.25)


def test_cases_that_are_left_out_are_named() -> None:
    """All that one of the two has no score for are counted, and the first of them named."""
    whole = {f"c{n:04}": [1.0] for n in range(60)}
    part = {case: scores for case, scores in whole.items() if case >= "c0020"}
    found = recommend("sorting", [contender("a", whole), contender("b", part, cost_usd=0.01)])
    assert any(line.endswith("b: c0000, c0001, c0002, c0003, c0004, c0005, c0006, c0007, c0008, "
                             "c0009 and 10 more.") for line in found.reasons)  # fmt: skip


def test_the_direction_does_not_depend_on_the_order() -> None:
    """Whoever comes first, the difference is the other's less the choice's."""
    found = [recommend("sorting", pair).compared for pair in ([SECOND, THIRD], [THIRD, SECOND])]
    assert found[0] == found[1]
    assert found[0]["third"].difference == pytest.approx(-14 / 60)
    low, high = found[0]["third"].low, found[0]["third"].high
    assert low is not None and high is not None and low < -14 / 60 < high < 0


@pytest.mark.parametrize("number", [2, 8])
def test_all_pairs_are_corrected_for(number: int) -> None:
    """The more candidates there are, the more it takes to prove a difference."""
    alike = [
        contender(f"m{n}", passing(60, 4, 4 * n), cost_usd=0.001 + n / 1e4) for n in range(number)
    ]
    worse = contender("worse", passing(60, 18, 40))
    found = recommend("sorting", [*alike, worse]).compared["worse"]
    assert found.verdict == ("worse" if number == 2 else "tied")


def test_the_front() -> None:
    """Dominated is who is nowhere better and somewhere worse; an unknown number decides nothing."""
    slow = contender("slow", passing(60, 4, 10), cost_usd=0.001, latency_ms=900)
    unknown = contender("unknown", passing(60, 30), cost_usd=None, latency_ms=9000)
    found = recommend("sorting", [FIRST, SECOND, THIRD, slow, unknown])
    assert found.front == ["second", "first", "third", "unknown"]
    assert found.dominated_by == {"slow": ["second"]}
    assert found.reasons[-1] == (
        "Best of quality, cost and p95 latency as measured: second, first, third, unknown; "
        "dominated: slow by second."
    )


def test_equals_do_not_dominate_each_other() -> None:
    """Two with the same numbers are both on the front, and neither is called the cheapest."""
    found = recommend("sorting", [SECOND, replace(SECOND, label="twin")])
    assert found.dominated_by == {}
    assert "ship second, as cheap as any of the 2 that provably meet" in found.headline
    assert (
        found.why_not["twin"]
        == "meets every requirement too, at the same cost, and nothing tells them apart."
    )


def test_nobody_asked_for_quality() -> None:
    """Where no requirement bounds quality the best answers win, and the reader is told."""
    warning = "No requirement bounds quality: the best answers win, whatever they cost."
    poor = contender("poor", passing(60, 60), cost_usd=0.0001, requirements={})
    good = contender("good", passing(60, 0), requirements={})
    found = recommend("sorting", [poor, good])
    assert found.choice == "good"
    assert warning in found.reasons
    assert warning not in recommend("sorting", [FIRST]).reasons


def test_the_ranking() -> None:
    """Proven by price, then open before disproved and by quality, then what was not measured."""
    free = contender("free", passing(60, 0), cost_usd=0.0)
    poor = contender("poor", passing(60, 50), cost_usd=0.0)
    nothing = Candidate("nothing", SECOND.result.model_copy(update={"error": "no key"}))
    everyone = [nothing, poor, THIRD, FIRST, SECOND, free]
    order = [one.label for one in ranked(everyone)]
    assert order == ["free", "second", "first", "third", "poor", "nothing"]


def test_a_failing_candidate_dominates_nobody_by_failing() -> None:
    """Quality of what was answered beats nobody who answered everything, if a third was not."""
    failing = contender("failing", passing(60, 0), cost_usd=0.0005)
    failing.result.metrics["quality_per_request"] = metric("quality_per_request", 0.67)
    steady = contender("steady", passing(60, 3))
    found = recommend("sorting", [failing, steady])
    assert found.dominated_by == {}
