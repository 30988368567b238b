"""Each line of a checklist is ticked by its own evidence, and by nothing else."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from runner.decide.checklist.facts import Cases, Contest, Facts
from runner.decide.notify import Notify
from runner.decide.spend import Alerts
from runner.decide.traffic import Traffic
from runner.record.outcomes import Counts
from tests.decide.checklist.make import (
    ANSWERS,
    RETRY,
    TODAY,
    all_lines,
    decision,
    drilled,
    facts,
    measured,
    metric,
    opened,
    other,
)
from tests.report.make import PRICE, model

CASES = Path("cases.jsonl")


def test_all_is_well() -> None:
    """With all the evidence no line is open, and what concerns nobody does not apply."""
    found = all_lines(facts())
    assert {what for what, each in found.items() if each.state == "open"} == set()
    states = {what: each.state for what, each in found.items() if each.state != "ticked"}
    assert states == {"The team can operate what is self-hosted": "not applicable"}
    assert len(found) == 28


def of(**changes: Any) -> Facts:
    return facts(decision(**changes))


def answers(**changes: Any) -> Facts:
    return of(answers=ANSWERS | changes)


def run(**changes: Any) -> Facts:
    """With a metric exchanged."""
    known = measured()
    metrics = known.result.metrics | changes
    result = known.result.model_copy(update={"metrics": metrics})
    return facts(measured=replace(known, result=result))


def few_measured() -> Facts:
    known = measured()
    counts = Counts(cases=5, outcomes=5, answered=5, failed=0, replayed=0)
    return facts(measured=replace(known, result=known.result.model_copy(update={"counts": counts})))


def contest(*names: str, **objections: list[str]) -> Facts:
    return facts(contest=Contest(Path("sweep"), TODAY, names, objections))


def drill(**changes: Any) -> Facts:
    return facts(drilled=drilled(decision(), **changes))


SELF_HOSTED = {"model": model(data="self_hosted", price=None)}
SPOILT = [
    (of(requirements={"max_latency_ms": None}), "An acceptable latency is set", "not set"),
    (of(requirements={"max_cost_per_request": None}), "A budget for each request is set", "not"),
    (of(requirements={"requests_per_month": None}), "The monthly volume is set", "not set"),
    (of(requirements={"context_needed": None}), "The context length is set", "not set"),
    (
        of(requirements={"data_privacy": "strict"}, model=model(data="self_hosted"),
           answers=ANSWERS | {"self_hosting_team": True}),
        "The whole chain keeps data where it may be",
        "fallback.chain.first goes to second-host",
    ),
    (answers(compliance=None), "Rules to comply with are met", "answers.compliance=false"),
    (answers(compliance=True), "Rules to comply with are met", "name none"),
    (of(requirements={"certifications": ["SOC2"]}), "Rules to comply with are met", "unknown"),
    (of(**SELF_HOSTED), "The team can operate what is self-hosted", "not given"),
    (answers(provider_commitment=None), "Commitments to providers are known", "not given"),
    (answers(production_cases=False), "The cases are real production data", "is false"),
    (facts(cases=Cases(CASES, "", 19, {"long": 1})), "There are 20 or more cases", "19 cases"),
    (few_measured(), "There are 20 or more cases", "30 cases, of which 5 were measured"),
    (facts(contest=None), "3 or more candidates are measured", "no sweep"),
    (contest("a", "small"), "3 or more candidates are measured", "2: a, small"),
    (contest("a", "small", c=["old"]), "3 or more candidates are measured", "c does not count"),
    (run(quality=metric(None, "score")), "Quality is measured", "quality is unknown"),
    (run(latency_p95_ms=metric(None, "ms")), "Latency is measured", "is unknown"),
    (run(cost_per_request_usd=metric(None, "usd")), "Cost of a request is measured", "unknown"),
    (facts(measured=measured(repriced=["small"])), "Cost of a request is measured", "of small"),
    (facts(cases=Cases(CASES, "", 30, {})), "Cases of the kind long are measured", "no case has"),
    (facts(measured=measured(scores={})), "Cases of the kind long are measured", "no answer"),
    (
        run(valid_output_rate=metric(0.94, "rate")),
        "The output can be relied on to be JSON",
        "0.95 is missed",
    ),
    (
        of(chain={"first": other(provider=model()["provider"])}),
        "A fallback answers when a provider is down",
        "at no other provider",
    ),
    (facts(drilled=None), "The fallback is drilled", "no drill"),
    (drill(identity="another"), "The fallback is drilled", "was of another model, fallback"),
    (drill(kept=False), "The fallback is drilled", "outage (availability)"),
    (drill(served_by={"small": 2}), "The fallback is drilled", "under no fault"),
    (of(budget_usd=None), "A budget is set", "not set"),
    (
        facts(alerts=Alerts(day_usd=None, month_usd=None, tasks={"other": 1})),
        "Cost is watched, and somebody is told",
        "none on this task",
    ),
    (
        facts(notify=Notify.model_validate({"env": [], "data": "third_party"})),
        "Cost is watched, and somebody is told",
        "told: nobody",
    ),
    (of(model=model(id="x-latest", allow_unpinned=True)), "Every model is pinned", "an alias"),
    (
        of(chain={"first": other(retires="2027-02-01")}),
        "No model retires within 90 days",
        "second retires on 2027-02-01",
    ),
    (of(model=model(price=None)), "Prices are known, and dated", "no price is known of small"),
    (
        of(chain={"first": other(price=PRICE | {"checked": "2026-08-01"})}),
        "Prices are known, and dated",
        "too old: 122 days",
    ),
    (
        of(chain={"first": other(price=PRICE | {"checked": "2027-08-01"})}),
        "Prices are known, and dated",
        "yet to come",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("spoilt", "what", "why"), SPOILT)
def test_what_is_missing_is_open(spoilt: Facts, what: str, why: str) -> None:
    """One thing missing leaves its own line open, and its evidence says what."""
    found = opened(spoilt)
    assert why in found.pop(what)
    assert found == {}


@pytest.mark.parametrize("change", [{"attempts": 1}, {"max_wait": 1}, {"jitter": 0}])
def test_backoff(change: dict[str, float]) -> None:
    """Retries back off exponentially only with attempts, a growing wait and jitter."""
    what = "Rate limits are met with exponential backoff"
    assert list(opened(of(retry=RETRY | change))) == [what]


def test_no_fallback() -> None:
    """Without a fallback two lines are open: there is none, and nothing that a drill could show."""
    assert set(opened(of(chain={}))) == {
        "A fallback answers when a provider is down",
        "The fallback is drilled",
    }


def test_another_decision() -> None:
    """A run that is not of this decision ticks nothing, and its line says why."""
    found = opened(facts(measured=measured(objections=["the cases have changed since"])))
    assert len(found) == 5
    assert all("does not count: the cases have changed since" in why for why in found.values())
    assert opened(facts(measured=None)).keys() == found.keys()


def test_old_evidence() -> None:
    """A run, a sweep and a drill that are too old tick nothing, and say how old they are."""
    known = facts()
    later = opened(replace(known, today=known.today + timedelta(days=85)))
    assert len(later) == 8
    assert "too old: 96 days, at most 90 count" in later["Quality is measured"]
    assert "too old: 91 days" in later["The fallback is drilled"]
    assert all("too old" in why for why in later.values())


def test_a_missed_bound() -> None:
    """What is measured is measured, whatever came out; the verdict stands beside it."""
    line = all_lines(run(quality=metric(0.5, "score")))["Quality is measured"]
    assert line.state == "ticked"
    assert line.evidence == "quality 0.500 (exact), n = 1000; min_quality_score missed"


def test_edge_cases_say_how_few_they_are() -> None:
    """A mean over two answers comes with its n."""
    line = all_lines(facts())["Cases of the kind long are measured"]
    assert line.evidence == "2 of the cases have the tag long; mean quality 0.750, n = 2"


def test_a_server_of_ones_own() -> None:
    """It needs a team that can operate it, and has no price per token to be dated."""
    known = of(**SELF_HOSTED, answers=ANSWERS | {"self_hosting_team": True})
    assert opened(known) == {}
    alone = all_lines(of(**SELF_HOSTED, chain={}))["Prices are known, and dated"]
    assert alone.state == "not applicable"


def test_text_output() -> None:
    """Where no JSON is asked for, its reliability does not apply."""
    line = all_lines(of(requirements={"output_format": "text"}))
    assert line["The output can be relied on to be JSON"].state == "not applicable"


def test_traffic() -> None:
    """What is answered in production is held against the availability; before that nothing is."""
    what, seen = "It answers in production", Traffic(date(2026, 11, 1), asked=10, answered=9)
    assert all_lines(facts(traffic=None))[what].state == "not applicable"
    wanted = decision(requirements={"availability": 0.99})
    assert "0.99" in opened(facts(wanted, traffic=seen))[what]
