"""What a bound excludes says why; what is unknown stays; the rest has an order."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from runner.cases.cases import Case
from runner.cases.query import Query
from runner.config.schema import Requirements, Sampling, Single
from runner.decide.costs.workload import Workload
from runner.decide.select.candidates import Candidate, Wanted, candidates, demand
from runner.decide.select.tree import Suggestion
from tests.conftest import model

TODAY = date(2026, 11, 23)


def single(name: str = "demo-model", **changes: Any) -> Single:
    return Single.model_validate(model("http://127.0.0.1:9/v1", name) | changes)


def placed(name: str, **provider: Any) -> Single:
    """A model at a provider that is changed."""
    return single(name, provider=model("http://127.0.0.1:9/v1")["provider"] | provider)


def asked(text: str = "x" * 400, **changes: Any) -> Query:
    case = {"id": "c", "input": text, **changes.pop("case", {})}
    return Query(
        case=Case.model_validate(case),
        messages=[{"role": "user", "content": text}],
        sampling=Sampling(max_tokens=changes.pop("max_tokens", 100)),
        **changes,
    )


def ranked(*models: Single, needs: tuple[str, ...] = (), **changes: Any) -> list[Candidate]:
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
    ],
)  # fmt: skip
def test_each_bound_excludes_with_its_reason(
    candidate: Single, changes: dict[str, Any], reason: str
) -> None:
    """The one thing that is wrong with a model is the one reason given."""
    [found] = ranked(candidate, **changes)
    assert len(found.excluded) == 1
    assert found.excluded[0].startswith(reason)


def test_a_bound_that_is_just_kept_excludes_nobody() -> None:
    """Equal is enough, for every bound at once."""
    fit = single(typical={"ttft_ms": 500, "tokens_per_second": 100}, retires="2026-11-23")
    bounds = {"max_cost_per_request": 0.002, "max_latency_ms": 5500, "context_needed": 8192}
    [found] = ranked(fit, requirements=bounds, output="json", hardest=[asked()])
    assert found.excluded == ()


def test_an_unknown_excludes_nobody() -> None:
    """Without a price or a typical latency a model stays, and both are named as unknown."""
    bounds = {"max_cost_per_request": 0.0, "max_latency_ms": 1}
    [found] = ranked(single(price=None), requirements=bounds)
    assert found.excluded == ()
    assert found.unmeasured == ("cost", "latency")
    assert found.usd_per_request is None and found.seconds is None


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
    assert [reason.partition(":")[0] for reason in found.excluded] == [
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
    """Suggested, good at the work, known for something, staying; then cost, then latency."""
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
        single("unpriced", price=None, **other),
        single("unheard-of", price=price(0.1)),
    ]
    found = ranked(*reversed(models), needs=("poetry",))
    assert [each.option for each in found] == [each.name for each in models]


def test_tokens_of_ones_own_machine_are_no_cheap_request() -> None:
    """$0 a token on a machine of one's own does not win against a priced model."""
    own = placed("own", data="self_hosted").model_copy(update={"price": single().price})
    dear = single("dear", price=price(9))
    assert [each.option for each in ranked(own, dear)] == ["dear", "own"]


def test_the_nearest_comes_first_among_the_excluded() -> None:
    """What fits is before what does not, and one reason before two."""
    bounds = {"context_needed": 9000, "max_cost_per_request": 0.001}
    two, one = single("two"), single("one", price=price(0.1))
    fits = single("fits", context_tokens=9000, price=price(0.1))
    found = ranked(two, one, fits, requirements=bounds)
    assert [each.option for each in found] == ["fits", "one", "two"]


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
        yield asked("x" * 900)
        yield asked("pictured", case={"images": ["a.png"]})
        yield asked("x" * 800)

    sizes, hardest = demand(stream())
    assert sum(sizes.values()) == 4
    assert [len(query.messages[0]["content"]) for query in hardest] == [900, 8]
