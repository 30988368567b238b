"""What a drill found, on screen and as `report.md`: the same table and the same sentences."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from runner.drill.result import UNITS, DrillResult, Faulted, Promise, conclusion
from runner.measure import formatting
from runner.report.console import note, title
from runner.report.table import Cell, Table, coloured
from runner.report.text import inline, line


def terminal(result: DrillResult) -> Iterator[RenderableType]:
    yield title(_title(result))
    yield _table(result).drawn()
    yield from map(note, result.notes)
    yield Text(line(conclusion(result)))


def markdown(result: DrillResult) -> str:
    """Lines that stand on their own in a pull request."""
    parts = [
        f"# Fault drill: {inline(_title(result))}",
        inline(conclusion(result)),
        _table(result).markdown(),
        "\n".join(f"- {inline(note)}" for note in result.notes),
        f"- started: {result.started}\n- identity of the chain: {result.identity}\n"
        f"- command: {inline(result.command)}",
    ]
    return "\n\n".join(parts) + "\n"


def _title(result: DrillResult) -> str:
    chain = ", then ".join([result.model, *result.fallback])
    return f"{result.task} · {chain} · cases under each fault: {result.faults[0].cases}"


def _table(result: DrillResult) -> Table:
    numbers = ("attempts", "waited", "time", "cost")
    columns = ("fault", "answered", *numbers, "served by", "promises")
    return Table(columns, [_row(faulted) for faulted in result.faults], right=numbers)


def _row(faulted: Faulted) -> tuple[Cell, ...]:
    failed = [kind for kind in faulted.outcomes if kind != "answered"]
    why = f", {' and '.join(failed)}" if failed else ""
    return (
        faulted.name,
        f"{faulted.answered} of {faulted.cases}{why}",
        str(faulted.attempts),
        formatting.show(faulted.waited_seconds, "s"),
        formatting.show(faulted.seconds, "s"),
        formatting.show(faulted.cost_usd, "usd"),
        ", ".join(faulted.served_by) or "nobody",
        _promises(faulted.promises),
    )


def _promises(promises: Sequence[Promise]) -> Text:
    """Those that are kept go without saying."""
    found = [_promise(promise) for promise in promises if not promise.kept]
    said = ", ".join(found) or ("✓ kept" if promises else "none")
    broken = any(promise.kept is False for promise in promises)
    return coloured(said, "broken" if broken else "kept")


def _promise(promise: Promise) -> str:
    if promise.value is None:
        return f"? {promise.name}"
    return f"✗ {promise.name} {formatting.show(promise.value, UNITS[promise.name])}"
