"""A request costs what its tokens cost, and what is unknown is never free."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from runner.config import pins
from runner.config.schema import Price, ServerPrice, Single
from runner.config.validation import validated
from runner.errors import ConfigError
from runner.price import dollars, total, worst_case
from runner.record.outcomes import Usage
from tests import conftest

LONG = {"above_tokens": 1000, "input_usd_per_mtok": 4, "output_usd_per_mtok": 16}


def price(
    input: float | None, output: float | None, cached: float | None = None, **more: Any
) -> Price:
    return Price.model_validate(
        {
            "input_usd_per_mtok": input,
            "output_usd_per_mtok": output,
            "cached_input_usd_per_mtok": cached,
            "checked": "2026-11-23",
            "source": "https://example.com",
        }
        | more
    )


def usage(input: int, output: int, cached: int = 0, written: int = 0, reasoning: int = 0) -> Usage:
    return Usage(
        input_tokens=input,
        output_tokens=output,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=reasoning,
    )


@pytest.mark.parametrize(
    ("input", "output", "month"),
    [(2.5, 10, 8750), (0.15, 0.6, 525), (3, 15, 12000), (0.8, 4, 3200), (0.88, 0.88, 1760)],
)
def test_a_million_requests_of_1500_in_and_500_out(
    input: float, output: float, month: float
) -> None:
    """List prices of early 2026 give the monthly costs that everybody can compute by hand."""
    each = dollars(price(input, output), usage(1500, 500))
    assert each is not None
    assert each * 1_000_000 == pytest.approx(month)


def test_cached_tokens_have_their_own_price() -> None:
    """Cached tokens are part of the input tokens and are not paid for twice."""
    assert dollars(price(2, 8, cached=0.5), usage(1000, 100, cached=400)) == pytest.approx(0.0022)


def test_an_unknown_cached_price_is_unknown() -> None:
    """Cached tokens without a price make the request's price unknown, not zero."""
    assert dollars(price(2, 8), usage(1000, 100, cached=400)) is None
    assert dollars(price(2, 8), usage(1000, 100)) == pytest.approx(0.0028)


def test_written_tokens_cost_their_own_price_or_that_of_input() -> None:
    """Tokens written to a cache are part of the input, dearer only where the price says so."""
    row = price(2, 8, cache_write_usd_per_mtok=2.5)
    assert dollars(row, usage(1000, 100, written=400)) == pytest.approx(0.003)
    assert dollars(price(2, 8), usage(1000, 100, written=400)) == pytest.approx(0.0028)


def test_reasoning_costs_its_own_price_or_that_of_output() -> None:
    """Reasoning tokens are part of the output and are not paid for twice."""
    row = price(2, 8, reasoning_usd_per_mtok=3)
    assert dollars(row, usage(1000, 100, reasoning=60)) == pytest.approx(0.0025)
    assert dollars(price(2, 8), usage(1000, 100, reasoning=60)) == pytest.approx(0.0028)


def test_a_long_prompt_reprices_the_whole_request() -> None:
    """One token more than the bound puts all tokens of the request on the dearer row."""
    row = price(2, 8, cached=0.5, long_prompt={**LONG, "cached_input_usd_per_mtok": 1})
    assert dollars(row, usage(1000, 100, cached=400)) == pytest.approx(0.0022)
    assert dollars(row, usage(1001, 100, cached=400)) == pytest.approx(0.004404)


@pytest.mark.parametrize("kind", [{"cached": 400}, {"written": 400}, {"reasoning": 60}])
def test_what_a_long_prompt_leaves_out_is_unknown(kind: dict[str, int]) -> None:
    """A rate of the short row is not taken for a long prompt, whose other rates all differ."""
    own = {"cache_write_usd_per_mtok": 2.5, "reasoning_usd_per_mtok": 9}
    row = price(2, 8, cached=0.5, **own, long_prompt=LONG)
    assert dollars(row, usage(900, 100, **kind)) is not None
    assert dollars(row, usage(1100, 100, **kind)) is None
    assert dollars(row, usage(1100, 100)) == pytest.approx(0.006)


def test_kinds_without_a_rate_of_their_own_follow_a_long_prompt() -> None:
    """Written tokens are input and reasoning is output, on the dearer row as on the other."""
    row = price(2, 8, long_prompt=LONG)
    assert dollars(row, usage(1100, 100, written=400, reasoning=60)) == pytest.approx(0.006)


def test_a_batch_is_discounted_where_the_discount_is_known() -> None:
    """A batch takes the discount off every price, and without a known one it has no price."""
    row = price(2, 8, batch_discount=0.25, long_prompt=LONG)
    asked = usage(1000, 100, written=400, reasoning=60)
    assert dollars(row, asked, batch=True) == pytest.approx(0.0021)
    assert dollars(row, usage(1100, 100), batch=True) == pytest.approx(0.0045)
    assert dollars(row, asked) == pytest.approx(0.0028)
    assert dollars(price(2, 8), asked, batch=True) is None


def test_cached_tokens_in_a_batch_are_unknown() -> None:
    """Whether the discount comes on top of the cheaper cached price differs between models."""
    row = price(2, 8, cached=0.5, batch_discount=0.5)
    assert dollars(row, usage(1000, 100, cached=400), batch=True) is None


@pytest.mark.parametrize("row", [None, price(None, 8), price(2, None)])
def test_an_unknown_price_is_unknown(row: Price | None) -> None:
    """No price, or half of one, is no price."""
    assert dollars(row, usage(10, 10)) is None
    assert worst_case(row, 10, 10) is None


@pytest.mark.parametrize(
    "counts", [usage(10, 10, cached=6, written=6), usage(10, 10, reasoning=11)]
)
def test_counts_that_contradict_each_other_have_no_price(counts: Usage) -> None:
    """A part that is larger than its whole is no ground for a figure."""
    assert dollars(price(2, 8, cached=0.5), counts) is None


def test_unknown_usage_is_unknown_unless_all_is_free() -> None:
    """Nobody can price uncounted tokens, except where every token costs nothing."""
    assert dollars(price(2, 8), None) is None
    assert dollars(price(0, 0), None) == 0
    assert dollars(price(0, 0), usage(10, 10, cached=5)) == 0
    assert dollars(price(0, 0), usage(10, 10), batch=True) == 0
    assert dollars(price(0, 0, cached=1), None) is None
    assert dollars(price(0, 0, reasoning_usd_per_mtok=1), None) is None
    assert dollars(price(0, 0, long_prompt=LONG), None) is None


def test_one_unknown_makes_a_sum_unknown() -> None:
    """A total is a number only when every part is."""
    assert total([0.1, 0.2]) == pytest.approx(0.3)
    assert total([0.1, None, 0.2]) is None
    assert total([]) == 0


def test_the_worst_case_takes_the_dearest_rate_of_each_kind() -> None:
    """Everything might be written to a cache and be reasoning, where these are dearer."""
    row = price(2, 8, cache_write_usd_per_mtok=2.5, reasoning_usd_per_mtok=10)
    assert worst_case(row, 1000, 100) == pytest.approx(0.0035)
    assert worst_case(price(2, 8, cached=0.5), 1000, 100) == pytest.approx(0.0028)
    assert worst_case(price(0, 0), 1000, 100) == 0


def test_the_worst_case_reaches_a_long_prompt_only_beyond_its_bound() -> None:
    """A prompt that can't be long is not reserved for as if it were; one that can be is."""
    row = price(2, 8, long_prompt=LONG)
    assert worst_case(row, 1000, 100) == pytest.approx(0.0028)
    assert worst_case(row, 1001, 100) == pytest.approx(0.005604)
    cheaper = price(8, 32, long_prompt=LONG)  # the real prompt may be shorter than the estimate
    assert worst_case(cheaper, 1001, 100) == pytest.approx(0.011208)


def test_the_worst_case_of_an_unknown_rate_is_unknown() -> None:
    """Where one kind of token has no known price, no bound is known either."""
    row = price(2, 8, cache_write_usd_per_mtok=2.5, long_prompt=LONG)
    assert worst_case(row, 1000, 100) is not None
    assert worst_case(row, 1001, 100) is None


# Around each bound that a model has, and of every kind of token.
USAGES = {
    "plain": usage(1500, 500),
    "cached": usage(1500, 500, cached=1000),
    "written": usage(1500, 500, written=1000),
    "reasoning": usage(1500, 500, reasoning=400),
    "all kinds": usage(50_000, 5000, cached=20_000, written=10_000, reasoning=4000),
} | {
    f"{name} at {tokens}": usage(tokens, 2000, **kinds)
    for bound in (100_000, 200_000, 272_000)
    for tokens in (bound, bound + 1)
    for name, kinds in {
        "plain": {},
        "all kinds": {"cached": 30_000, "written": 20_000, "reasoning": 700},
    }.items()
}
# What litellm takes for cached input, as a share of input, where its map has no price of it: a
# rule of its own, no price that anybody stated. Ours stays unknown.
CACHED_SHARE = {"together_ai": 1.0, "fireworks_ai": 0.5}


@pytest.fixture(scope="module")
def listed(every_model: Mapping[str, Single]) -> dict[str, tuple[Single, Price]]:
    """The models of conf/ whose id litellm's map knows and prices as we do; seed/ keeps a table of
    another day. Where we know better, the file says why (tests/config/test_sources.py)."""
    return {
        name: (model, model.price)
        for name, model in every_model.items()
        if isinstance(model.price, Price)
        and model.id in pins._ids(model.provider.litellm)
        and not {"price", "litellm", "litellm.price"} & set(model.caveats)
        and not name.startswith("seed/")
    }


@pytest.fixture(scope="module")
def litellm() -> Iterator[Any]:
    """Imported as the runner does it: no other price map is fetched, no .env file is read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        patch.setenv("LITELLM_MODE", "PRODUCTION")
        patch.setenv("LITELLM_LOG", "ERROR")
        import litellm

        yield litellm


@pytest.fixture(scope="module")
def theirs(litellm: Any) -> Callable[..., float]:
    """What litellm says a request costs, in US dollars."""
    from litellm.cost_calculator import batch_cost_calculator

    def cost(model: Single, counts: Usage, *, batch: bool = False) -> float:
        used = litellm.Usage(
            prompt_tokens=counts.input_tokens,
            completion_tokens=counts.output_tokens,
            # xAI counts reasoning beside the completion unless the total says otherwise
            total_tokens=(counts.input_tokens or 0) + (counts.output_tokens or 0),
            prompt_tokens_details={
                "cached_tokens": counts.cached_input_tokens,
                "cache_creation_tokens": counts.cache_write_tokens,
            },
            completion_tokens_details={"reasoning_tokens": counts.reasoning_tokens},
        )
        if batch:
            prompt, completion = batch_cost_calculator(used, model.litellm_id)
        else:
            prompt, completion = litellm.cost_per_token(model=model.litellm_id, usage_object=used)
        return float(prompt + completion)

    return cost


@pytest.mark.parametrize("counts", USAGES.values(), ids=USAGES)
def test_our_dollars_are_those_of_litellm(
    listed: dict[str, tuple[Single, Price]], theirs: Callable[..., float], counts: Usage
) -> None:
    """Each model's row gives the figure that litellm has for it, or none where none is known."""
    assert len(listed) > 20
    for name, (model, row) in listed.items():
        theirs_usd = theirs(model, counts)
        if counts.cached_input_tokens and row.cached_input_usd_per_mtok is None:
            assert dollars(row, counts) is None, name
            assert row.input_usd_per_mtok is not None
            if (share := CACHED_SHARE.get(model.provider.litellm)) is None:
                continue
            guess = {"cached_input_usd_per_mtok": row.input_usd_per_mtok * share}
            row = row.model_copy(update=guess)
        assert dollars(row, counts) == pytest.approx(theirs_usd, rel=1e-9), name


@pytest.mark.parametrize("counts", USAGES.values(), ids=USAGES)
def test_our_batches_cost_what_litellm_says(
    listed: dict[str, tuple[Single, Price]], theirs: Callable[..., float], counts: Usage
) -> None:
    """A batch costs what litellm says, wherever a price for it is stated."""
    for name, (model, row) in listed.items():
        ours = dollars(row, counts, batch=True)
        # Litellm halves the price of every model that its map has no batch price for, and takes
        # cached tokens of some for plain ones: rules of its own again. Where we know better, the
        # file says why.
        if "price.batch_discount" in model.caveats:
            continue
        if row.batch_discount is None or counts.cached_input_tokens:
            assert ours is None, name
            continue
        # The map has a batch price of gemini-3.1-pro-preview for short prompts alone, which litellm
        # takes for long ones as well. Ours is the discount on what a long prompt costs.
        if model.id == "gemini-3.1-pro-preview" and counts.input_tokens > 200_000:
            short = row.model_copy(update={"long_prompt": None})
            assert ours == pytest.approx((dollars(row, counts) or 0) / 2, rel=1e-9)
            ours = dollars(short, counts, batch=True)
        assert ours == pytest.approx(theirs(model, counts, batch=True), rel=1e-9), name


@pytest.mark.parametrize("counts", USAGES.values(), ids=USAGES)
def test_no_request_costs_more_than_its_worst_case(
    listed: dict[str, tuple[Single, Price]], counts: Usage
) -> None:
    """What is reserved for a request covers it, with every model and every kind of token."""
    for name, (_, row) in listed.items():
        reserved = worst_case(row, counts.input_tokens, counts.output_tokens)
        assert reserved is not None, name
        assert (dollars(row, counts) or 0) <= reserved * (1 + 1e-12), name


SERVER = ServerPrice(usd_per_hour=1.8, gpus=2, utilisation=0.5)


def test_a_server_of_ones_own_is_paid_for_by_time() -> None:
    """Two GPUs at $1.80, at work half the time, are $0.002 a second; without a time: unknown."""
    assert dollars(SERVER, None, server_seconds=3) == pytest.approx(0.006)
    assert dollars(SERVER, usage(10, 10)) is None
    assert worst_case(SERVER, 10, 10) is None


@pytest.mark.parametrize(
    ("price", "problem"),
    [
        ({"usd_per_hour": 2}, "price.utilisation: is missing"),
        ({"usd_per_hour": 2, "utilisation": 0}, "price.utilisation: input should be greater"),
        ({"usd_per_hour": 2, "utilisation": 1, "gpu": 2},
         "price.gpu: no such key; did you mean 'gpus'?"),
        ({"input_usd_per_mtok": 2}, "price.output_usd_per_mtok: is missing"),
    ],
)  # fmt: skip
def test_a_price_is_of_one_kind(price: dict[str, Any], problem: str) -> None:
    """An hour makes it a server's price, and each kind is told its own mistakes."""
    with pytest.raises(ConfigError) as error:
        validated(Single, conftest.model("http://127.0.0.1:9/v1") | {"price": price})
    assert error.value.problems[0].startswith(problem)
