"""What a bound excludes says why; what is unknown stays; the rest has an order."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from runner.cases.cases import Case
from runner.cases.messages import attached
from runner.cases.query import Query
from runner.config.schema import Requirements, Sampling, Single
from runner.decide.costs.workload import Workload
from runner.decide.select.candidates import Prospect, Selection, candidates, demand
from runner.decide.select.exclusion import Wanted
from runner.decide.select.tree import Suggestion
from tests.conftest import model

TODAY = date(2026, 11, 23)


def single(name: str = "demo-model", **changes: Any) -> Single:
    return Single.model_validate(model("http://127.0.0.1:9/v1", name) | changes)


def placed(name: str, **provider: Any) -> Single:
    """A model at a provider that is changed."""
    return single(name, provider=model("http://127.0.0.1:9/v1")["provider"] | provider)


def asked(text: str = "x" * 400, **changes: Any) -> Query:
    case = Case.model_validate({"id": "c", "input": text, **changes.pop("case", {})})
    return Query(
        case=case,
        messages=[{"role": "user", "content": attached(text, case.images, case.files)}],
        sampling=Sampling(max_tokens=changes.pop("max_tokens", 100)),
        **changes,
    )


def ranked(*models: Single, needs: tuple[str, ...] = (), **changes: Any) -> list[Prospect]:
    """1,000 tokens in and 500 out: $0.002 at the price of the tests."""
    wanted = {
        "output": None,
        "hardest": [],
        "workload": Workload({(1000, 500): 1}, 1),
        "suggestion": Suggestion(models=("first",), why="so"),
        "needs": needs,
        "today": TODAY,
        "soon": timedelta(days=90),
        **changes,
    }
    bounds = Requirements(name="mine", **wanted.pop("requirements", {}))
    return candidates({each.name: each for each in models}, Wanted(requirements=bounds, **wanted))


@pytest.mark.parametrize(
    ("candidate", "changes", "reason"),
    [
        (single(retires="2026-11-22", successor="next"), {},
         "demo-model retired on 2026-11-22; use model=next"),
        (single(id="demo-latest"), {}, "id: 'demo-latest' is an alias"),
        (single(), {"requirements": {"data_privacy": "strict"}},
         "data_privacy: strict, and loopback is third_party"),
        (placed("demo-model", data="self_hosted"), {"requirements": {"data_privacy": "air_gapped"}},
         "data_privacy: air_gapped, and loopback is self_hosted"),
        (placed("demo-model", certifications=["SOC2"]),
         {"requirements": {"certifications": ["SOC2", "HIPAA"]}},
         "certifications: loopback does not state HIPAA"),
        (placed("demo-model", regions=["eu", "us"]), {"requirements": {"regions": ["eu"]}},
         "regions: loopback works in us"),
        (single(), {"requirements": {"context_needed": 8193}},
         "context_needed: it takes 8,192 tokens, 8,193 are needed"),
        (single(outputs=["text"]), {"output": "json"}, "output_format: it is not for json"),
        (single(), {"hardest": [asked("x" * 40_000)]},
         "case 'c': about 10000 tokens and 100 for the answer do not fit the 8192 of demo-model"),
        (single(), {"hardest": [asked(case={"images": ["a.png"]})]},
         "case 'c': demo-model takes no images"),
        (single(), {"requirements": {"max_cost_per_request": 0.0019}},
         "max_cost_per_request: about $0.00200, $0.0019 at most"),
        (single(typical={"ttft_ms": 500, "tokens_per_second": 100}),
         {"requirements": {"max_latency_ms": 5499}},
         "max_latency_ms: typically 5,500 ms for 500 tokens, 5,499 at most"),
        (single(typical={"ttft_ms": [2000, 30000], "tokens_per_second": 40}),
         {"requirements": {"max_latency_ms": 1500}},
         "max_latency_ms: typically 14,500 to 42,500 ms for 500 tokens, 1,500 at most"),
        (single(typical={"tokens_per_second": 40}), {"requirements": {"max_latency_ms": 1500}},
         "max_latency_ms: at least 12,500 ms for 500 tokens, 1,500 at most"),
        (placed("demo-model", rpm=60), {"requirements": {"requests_per_month": 1_000_000}},
         "requests_per_month: loopback takes 60 a minute, 68 come at peak"),
        (single(benchmarks={"mine": 80}), {"min_benchmarks": {"mine": 80.5}},
         "min_benchmarks.mine: 80, 80.5 at least"),
    ],
)  # fmt: skip
def test_each_bound_excludes_with_its_reason(
    candidate: Single, changes: dict[str, Any], reason: str
) -> None:
    """The one thing that is wrong with a model is the one reason given."""
    [found] = ranked(candidate, **changes)
    assert len(found.excluded) == 1
    assert str(found.excluded[0]).startswith(reason)


def test_a_bound_that_is_just_kept_excludes_nobody() -> None:
    """Equal is enough, for every bound at once."""
    fit = single(typical={"ttft_ms": 500, "tokens_per_second": 100}, retires="2026-11-23")
    bounds = {"max_cost_per_request": 0.002, "max_latency_ms": 5500, "context_needed": 8192}
    [found] = ranked(fit, requirements=bounds, output="json", hardest=[asked()])
    assert found.excluded == ()


def test_an_unknown_excludes_nobody() -> None:
    """Without a price or a typical latency a model stays, and both bounds are named as open."""
    bounds = {"max_cost_per_request": 0.0, "max_latency_ms": 1}
    [found] = ranked(single(price=None), requirements=bounds)
    assert found.excluded == ()
    assert [each.partition(" ")[0] for each in found.open] == list(bounds)
    assert found.usd_per_request is None and found.seconds is None


@pytest.mark.parametrize(
    ("typical", "word"),
    [
        ({}, "no speed of it is on file"),
        ({"ttft_ms": 10}, "no speed of it is on file"),
        ({"ttft_ms": [100, 2000], "tokens_per_second": 1000}, "typically 600 to 2,500 ms"),
        ({"ttft_ms": [100, 900], "tokens_per_second": 1000}, None),
    ],
)
def test_a_latency_that_may_break_its_bound_is_open(
    typical: dict[str, Any], word: str | None
) -> None:
    """Only what is known to be fast enough, to the end of its range, has kept the bound."""
    [found] = ranked(single(typical=typical), requirements={"max_latency_ms": 1500})
    assert found.excluded == ()
    assert len(found.open) == (word is not None)
    assert all(word and word in each for each in found.open)


def test_more_facts_never_make_a_slow_model_pass() -> None:
    """Whatever half of its speed is taken away, a model that was out is open at the best."""
    bounds = {"max_latency_ms": 1500}
    whole = {"ttft_ms": [1600, 30000], "tokens_per_second": 40}
    for known in ({}, {"ttft_ms": whole["ttft_ms"]}, {"tokens_per_second": 40}, whole):
        [found] = ranked(single(typical=known), requirements=bounds)
        assert found.excluded or found.open


def test_thinking_leaves_a_cost_open_that_the_longest_answer_may_break() -> None:
    """What it thinks is paid for like an answer: the task's max_tokens bounds it, or nothing."""
    bounds = {"max_cost_per_request": 0.003}
    thinks = single(reasoning={"default": "medium", "lowest": "none"})
    for most, is_open in ((None, True), (2000, True), (1000, False)):
        [found] = ranked(thinks, requirements=bounds, max_tokens=most)
        assert (not found.excluded, bool(found.open)) == (True, is_open), most
    [plain] = ranked(single(reasoning={"default": "none"}), requirements=bounds)
    assert not plain.open and not plain.thinks


def test_a_silent_provider_excludes_nobody() -> None:
    """Where its file states nothing, the contract may; who states it comes first."""
    bounds = {"certifications": ["SOC2"], "regions": ["eu"]}
    stated = placed("stated", certifications=["SOC2"], regions=["eu"])
    found = ranked(single("silent", price=price(0.1)), stated, requirements=bounds)
    assert [(each.option, each.excluded, each.unstated) for each in found] == [
        ("stated", (), ()),
        ("silent", (), ("certifications", "regions")),
    ]


def test_all_reasons_are_given() -> None:
    """A model that misses two bounds says so of both."""
    bounds = {"data_privacy": "strict", "context_needed": 9000}
    [found] = ranked(single(), requirements=bounds)
    assert [str(reason).partition(":")[0] for reason in found.excluded] == [
        "data_privacy",
        "context_needed",
    ]


@pytest.mark.parametrize(("retires", "soon"), [("2027-02-21", True), ("2027-02-22", False)])
def test_a_retirement_ahead_is_a_warning(retires: str, soon: bool) -> None:
    """Within 90 days it is told, with the successor; it excludes nobody."""
    [found] = ranked(single(retires=retires, successor="next"))
    assert found.excluded == ()
    assert found.retiring == ("retires on 2027-02-21, then model=next" if soon else None)


def price(usd: float) -> dict[str, Any]:
    known = {"checked": "2026-11-23", "source": "made up for the tests"}
    return {"input_usd_per_mtok": usd, "output_usd_per_mtok": usd, **known}


def test_the_order() -> None:
    """Suggested, good at the work, staying, priced, known for something; then cost, latency."""
    good = {"strengths": ["poetry"]}
    other = {"strengths": ["prose"]}
    fast = {"typical": {"ttft_ms": 1, "tokens_per_second": 100}}
    models = [
        single("first", price=price(9)),
        single("poet", price=price(8), **good),
        single("leaving-poet", price=price(1), retires="2026-12-01", **good),
        single("fast-cheap", price=price(2), **other, **fast),
        single("cheap", price=price(2), **other),
        single("dear", price=price(3), **other),
        single("unheard-of", price=price(0.1)),
        single("unpriced", price=None, **other),
    ]
    found = ranked(*reversed(models), needs=("poetry",))
    assert [each.option for each in found] == [each.name for each in models]


def test_tokens_of_ones_own_machine_are_no_cheap_request() -> None:
    """$0 a token on a machine of one's own does not win against a priced model."""
    own = placed("own", data="self_hosted").model_copy(update={"price": single().price})
    dear = single("dear", price=price(9))
    assert [each.option for each in ranked(own, dear)] == ["dear", "own"]


def test_the_nearest_comes_first_among_the_excluded() -> None:
    """What fits, then what must give least: a little of two bounds is less than a lot of one.

    What no bound can be loosened for, as where a text goes, is the farthest.
    """
    bounds = {"context_needed": 9000, "max_cost_per_request": 0.001, "data_privacy": "strict"}

    def own(name: str, usd: float, context_tokens: int) -> Single:
        at_home = placed(name, data="self_hosted")
        priced = single(name, price=price(usd), context_tokens=context_tokens)
        return priced.model_copy(update={"provider": at_home.provider})

    models = [
        own("fits", 0.1, 9000),
        own("a-little-of-two", 0.8, 8192),
        own("twice-one", 0.1, 4500),
        own("ten-times-one", 20 / 3, 9000),
        single("elsewhere", price=price(0.1), context_tokens=9000),
    ]
    found = ranked(*reversed(models), requirements=bounds)
    assert [each.option for each in found] == [each.name for each in models]


def test_who_thinks_comes_after_its_equals_under_a_bound() -> None:
    """Of two whose speed nobody knows the one that thinks first is the less likely to keep it."""
    thinks = single("cheap", price=price(0.1), reasoning={"default": "high"})
    plain = single("plain", price=price(1))
    both = [each.option for each in ranked(thinks, plain, requirements={"max_latency_ms": 900})]
    assert both == ["plain", "cheap"]
    assert [each.option for each in ranked(thinks, plain)] == ["cheap", "plain"]


def test_who_has_to_answer_at_once_is_not_asked_to_think() -> None:
    """Where less than 2 s are left, being good at the work is no merit of one that thinks first."""
    thinks = single("good", reasoning={"default": "high"}, strengths=["law"])
    plain = single("plain", strengths=["chat"])
    for most_ms, first in ((1500, "plain"), (2500, "good")):
        found = ranked(thinks, plain, needs=("law",), requirements={"max_latency_ms": most_ms})
        assert found[0].option == first


def test_a_price_by_the_hour_waits_for_a_speed() -> None:
    """A server's price is dollars a request once it is known how long one takes it."""
    hourly = {"usd_per_hour": 3.6, "utilisation": 1.0}  # $0.001 a second
    quick: dict[str, int] = {"ttft_ms": 500, "tokens_per_second": 100}
    [silent], [known] = (
        ranked(single(price=hourly, typical=typical), requirements={"max_cost_per_request": 0.01})
        for typical in ({}, quick)
    )
    [said] = silent.open
    assert (silent.usd_per_request, "no speed" in said) == (None, True)
    assert known.usd_per_request == pytest.approx(0.005)
    assert not known.open


def selection(*models: Single, size: int = 2, **changes: Any) -> Selection:
    return Selection(
        path=[],
        suggestion=Suggestion(models=("first",), why="so"),
        workload=Workload({(1, 1): 1}, 1),
        ranked=ranked(*models, **changes),
        size=size,
        notes=[],
        benchmarks=changes.get("benchmarks", ()),
    )


def test_ten_times_the_cheapest_is_said() -> None:
    """Of what fits, free tokens aside: nine times as dear is not worth a word, ten times is."""
    models = [
        single("first", price=price(10)),
        single("nine", price=price(9)),
        single("cheapest", price=price(1)),
        single("too-short", price=price(0.1), context_tokens=10),
        placed("at-home", data="on_device").model_copy(
            update={"price": single(price=price(0)).price}
        ),
    ]
    found = selection(*models, requirements={"context_needed": 8000})
    times = {each.option: found.times_cheapest(each) for each in found.ranked}
    assert times.pop("first") == pytest.approx(10)
    assert set(times.values()) == {None}


def test_the_best_by_a_benchmark_is_on_the_shortlist() -> None:
    """It takes the last place, unless it leaves soon or versions differ; the order stays."""
    scored = {
        name: single(name, price=price(usd), benchmarks={"mine": score})
        for name, usd, score in (("cheap", 1, 50), ("mid", 2, 60), ("best", 3, 70))
    }
    unheard = {"other": 99}
    top = single("dearest", price=price(9), benchmarks=unheard)

    def listed(*models: Single) -> list[str]:
        found = selection(*models, benchmarks=("unheard-of", "mine"))
        assert {each.option for each in found.shortlist + found.fit_too} == {
            each.name for each in models
        }
        return [each.option for each in found.shortlist]

    assert listed(*scored.values(), top) == ["cheap", "best"]
    leaving = scored["best"].model_copy(update={"retires": TODAY})
    assert listed(scored["cheap"], scored["mid"], leaving) == ["cheap", "mid"]
    newer = single("best", price=price(3), benchmarks={"mine": {"value": 70, "version": "2"}})
    assert listed(scored["cheap"], scored["mid"], newer) == ["cheap", "mid"]


@pytest.mark.parametrize(
    ("query", "out"),
    [
        (asked(case={"expected": "w" * 40}), 10),
        (asked(case={"expected": "a"}), 1),
        (asked(case={"expected": {"a": "bcdefgh"}}, output="json"), 4),
        (asked(case={"expected": {"facts": ["x"]}}, max_tokens=1000), 500),
        (asked(case={"expected": 12.5}, max_tokens=1000), 500),
        (asked(case={"expected": "assert f(1)"}, max_tokens=1000, output="code"), 500),
        (asked(case={"expected": "w" * 4000}), 100),
    ],
)
def test_the_size_of_an_answer(query: Query, out: int) -> None:
    """The expected answer's own where it is one, else 500; never more than the task allows."""
    assert list(demand([query])[0]) == [(100, out)]


def test_the_hardest_cases_are_kept() -> None:
    """Of a stream only the case that needs most room stays, and the longest with images."""

    def stream() -> Iterator[Query]:
        yield asked("short")
        yield asked("x" * 9000)
        yield asked("pictured", case={"images": ["a.png"]})
        yield asked("x" * 8000)

    sizes, hardest = demand(stream())
    assert sum(sizes.values()) == 4
    assert [query.case.images for query in hardest] == [(), ("a.png",)]
    assert len(hardest[0].messages[0]["content"]) == 9000
