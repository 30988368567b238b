"""What `estimate=true` prints: calls, tokens and dollars of each candidate, and of all together."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table

from runner.decide.costs.amounts import Range, together
from runner.decide.costs.estimate import FALLBACK, CostEstimate
from runner.measure import formatting
from runner.report.console import uncut
from runner.report.table import table

_ROLES = {
    "answer": "answers",
    "classifier": "classifier",
    "judge": "judge",
    FALLBACK: "fallback, if all of it is needed",
}
_WORDS = (
    "nothing was sent. low: empty answers, the cheapest way through each model; "
    "high: answers of max_tokens, the dearest way, every fallback",
    "left out: retries, which are rarely billed, discounts for cached input, "
    "and what answers on record already save",
    "input is counted by litellm, offline: near for OpenAI's models, roughly for others",
)


def terminal(
    estimates: Sequence[CostEstimate], budget_usd: float | None
) -> Iterator[RenderableType]:
    """`budget_usd` is the cap for all of them together."""
    everything = together(estimate.range for estimate in estimates)
    yield _table(estimates, everything)
    notes = dict.fromkeys(note for estimate in estimates for note in estimate.notes)
    yield from (uncut(text, style="dim") for text in (*notes, *_WORDS))
    if budget_usd is not None:
        yield uncut(_held_against(budget_usd, everything))


def _table(estimates: Sequence[CostEstimate], everything: Range) -> Table:
    found = table("candidate", "calls", "input tokens", "output tokens", "dollars")
    for estimate in estimates:
        found.add_row(estimate.candidate, *_row(estimate.range))
        if len(estimate.parts) > 1:
            for role, name in _ROLES.items():
                if role in estimate.parts:
                    found.add_row(f"  {name}", *_row(estimate.parts[role]), style="dim")
    if len(estimates) > 1:
        found.add_section()
        found.add_row("all together", *_row(everything), style="bold")
    return found


def _row(given: Range) -> Iterator[str]:
    low, high = given
    yield _to(f"{low.calls:,}", f"{high.calls:,}")
    yield _to(f"{low.input_tokens:,}", f"{high.input_tokens:,}")
    yield f"at most {high.output_tokens:,}"
    yield _to(*("?" if usd is None else formatting.show(usd, "usd") for usd in (low.usd, high.usd)))


def _to(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _held_against(budget_usd: float, everything: Range) -> str:
    low, high = everything.low.usd, everything.high.usd
    cap = f"budget_usd is {formatting.bound(budget_usd, 'usd')}"
    if low is not None and budget_usd < low:
        return f"{cap}, less than the low end: it would stop this before the end"
    if high is None:
        return f"{cap}, under which no request of unknown price is sent"
    if budget_usd < high:
        return f"{cap}, less than the high end: it may stop this before the end"
    return f"{cap}, which covers the high end"
