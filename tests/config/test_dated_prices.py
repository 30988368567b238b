"""A price may have a first and a last day: what holds is asked for by the day."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from runner.calls.route import unfit
from runner.cases.cases import Case
from runner.cases.query import Query, cramped
from runner.config.schema import Sampling
from runner.price import coming
from tests.config.test_pins import single

DAY = date(2026, 11, 28)


def price(usd: float, **days: str) -> dict[str, Any]:
    rates = {"input_usd_per_mtok": usd, "output_usd_per_mtok": usd * 5}
    return {**rates, **days, "checked": "2026-11-28", "source": "made up for the tests"}


def usd(model: Any, day: date) -> float | None:
    found = model.on(day).price
    return found.input_usd_per_mtok if found else None


def asked(text: str, **sampling: Any) -> Query:
    wanted = Sampling.model_validate({"max_tokens": 100, **sampling})
    case = Case(id="a", input=text)
    return Query(case=case, messages=[{"role": "user", "content": text}], sampling=wanted)


def test_the_row_of_a_day_holds_on_it() -> None:
    """Each row holds from its first day on, until the next one does."""
    model = single("openai", "x", price=[price(1), price(2, **{"from": "2027-01-01"})])
    assert usd(model, date(2026, 12, 31)) == 1
    assert usd(model, date(2027, 1, 1)) == 2
    assert coming(model, DAY) == (
        date(2027, 1, 1),
        "from 2027-01-01 on $2 in and $10 out per million tokens",
    )
    assert coming(model, date(2027, 1, 1)) is None


def test_after_its_last_day_a_price_is_unknown() -> None:
    """What nobody knows is no price of yesterday, and it is said beforehand."""
    model = single("openai", "x", price=price(1, until="2026-12-31"))
    assert usd(model, date(2026, 12, 31)) == 1
    assert usd(model, date(2027, 1, 1)) is None
    assert coming(model, DAY) == (date(2027, 1, 1), "from 2027-01-01 on nobody knows its price")


@given(st.lists(st.integers(1, 400), min_size=1, max_size=5, unique=True), st.integers(-500, 500))
def test_changes_lead_to_the_price_of_a_day(starts: list[int], ahead: int) -> None:
    """Following the changes from any day gives the price of any later one."""
    rows = [price(0)] + [price(n, **{"from": str(DAY + timedelta(days=n))}) for n in sorted(starts)]
    model, day = single("openai", "x", price=rows), DAY + timedelta(days=ahead)
    reached = usd(model, DAY - timedelta(days=500))  # before the first change
    for start, then in model.changes(DAY - timedelta(days=500)):
        if start <= day:
            reached = then.input_usd_per_mtok if then else None
    assert reached == usd(model, day)


def test_a_record_has_the_price_that_held() -> None:
    """What is written down is one price without its days, and it can be read again."""
    model = single("openai", "x", price=[price(1), price(2, **{"from": "2099-01-01"})])
    dumped = model.model_dump(mode="json")
    assert "prices" not in dumped and "until" not in dumped["price"]
    assert type(model).model_validate(dumped).price == model.price


def test_rows_out_of_order_are_refused() -> None:
    """Which of two prices holds has to be clear."""
    with pytest.raises(ValidationError, match="from which day"):
        single("openai", "x", price=[price(1), price(2)])


def test_a_prompt_may_be_too_long_for_a_window_with_room() -> None:
    """The limit of the input is held apart from that of prompt and answer together."""
    question = asked("word " * 4000)
    wide: dict[str, Any] = {"context_tokens": 100_000}
    assert unfit(single("openai", "x", **wide), question) is None
    found = unfit(single("openai", "x", **wide, max_input_tokens=4000), question)
    assert found is not None and "more than the 4000 that demo-model reads" in found[1]
    assert unfit(single("openai", "x", **wide, tokens_per_byte=1.0), question) is None
    assert unfit(single("openai", "x", context_tokens=12_000, tokens_per_byte=1.0), question)


@pytest.mark.parametrize(
    ("reasoning", "effort", "max_tokens", "fits"),
    [
        (None, None, 10, True),
        ({"default": "medium", "lowest": "none"}, None, 50, False),
        ({"default": "medium", "lowest": "none"}, "none", 50, True),
        ({"default": "medium"}, None, 2000, True),
        ({"default": None}, None, 500, False),
        ({"default": "none", "lowest": "none"}, None, 10, True),
    ],
)
def test_what_is_thought_first_needs_room(
    reasoning: dict[str, str] | None,
    effort: str | None,
    max_tokens: int,
    fits: bool,
) -> None:
    """A limit that thinking alone would use up is pointed out, with the lower effort if any."""
    question = asked("x", max_tokens=max_tokens, reasoning_effort=effort)
    why = cramped(single("openai", "x", reasoning=reasoning), question)
    assert (why is None) == fits
    if why and reasoning and reasoning.get("lowest"):
        assert why.endswith("or reasoning_effort=none")
