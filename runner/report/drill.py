"""What a drill found, on screen and as `report.md`: the same table and the same sentences."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from runner.drill.result import UNITS, DrillResult, Faulted, Promise, conclusion
from runner.measure import formatting
from runner.report.table import table
from runner.report.text import inline, line

_COLUMNS = ("fault", "answered", "attempts", "waited", "time", "cost", "served by", "promises")
_LEFT = ("answered", "served by", "promises")


def terminal(result: DrillResult) -> list[RenderableType]:
    rows = table(*_COLUMNS, left=_LEFT)
    for faulted in result.faults:
        broken = any(promise.kept is False for promise in faulted.promises)
        *cells, promises = (Text(line(cell)) for cell in _cells(faulted))
        rows.add_row(*cells, Text(promises.plain, style="bold red" if broken else "green"))
    notes = [Text(line(note), style="dim") for note in result.notes]
    return [Text(line(_title(result)), style="bold"), rows, *notes, Text(conclusion(result))]


def markdown(result: DrillResult) -> str:
    """Lines that stand on their own in a pull request."""
    lines = [
        f"# Fault drill: {inline(_title(result))}",
        inline(conclusion(result)),
        _row(_COLUMNS) + "\n" + _row(["---"] * len(_COLUMNS)) + "\n"
        + "\n".join(_row([inline(cell) for cell in _cells(each)]) for each in result.faults),
        "\n".join(f"- {inline(note)}" for note in result.notes),
        f"- started: {result.started}\n- identity of the chain: {result.identity}\n"
        f"- command: {inline(result.command)}",
    ]  # fmt: skip
    return "\n\n".join(lines) + "\n"


def _title(result: DrillResult) -> str:
    chain = ", then ".join([result.model, *result.fallback])
    return f"{result.task} · {chain} · cases under each fault: {result.faults[0].cases}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(faulted: Faulted) -> list[str]:
    failed = [kind for kind in faulted.outcomes if kind != "answered"]
    why = f", {' and '.join(failed)}" if failed else ""
    return [
        faulted.name,
        f"{faulted.answered} of {faulted.cases}{why}",
        str(faulted.attempts),
        formatting.show(faulted.waited_seconds, "s"),
        formatting.show(faulted.seconds, "s"),
        formatting.show(faulted.cost_usd, "usd"),
        ", ".join(faulted.served_by) or "nobody",
        _promises(faulted.promises),
    ]


def _promises(promises: Sequence[Promise]) -> str:
    """Those that are kept go without saying."""
    found = [_promise(promise) for promise in promises if not promise.kept]
    return ", ".join(found) or ("✓ kept" if promises else "none")


def _promise(promise: Promise) -> str:
    if promise.value is None:
        return f"? {promise.name}"
    return f"✗ {promise.name} {formatting.show(promise.value, UNITS[promise.name])}"
