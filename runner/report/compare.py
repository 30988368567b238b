"""How a run compares with a baseline, on screen and in a report."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from runner.config.paths import shown
from runner.measure import formatting
from runner.measure.comparison import (
    NAMES,
    QUALITY,
    Change,
    Flip,
    RunComparison,
)
from runner.record.outcomes import Result
from runner.report import console
from runner.report.contents import interval_at, unlike
from runner.report.table import Cell, Table, coloured
from runner.report.text import line

_VERDICTS = {
    "better": "proven better",
    "worse": "proven worse",
    "not proven": "not proven different",
    "unknown": "unknown",
}
_SHOWN = 10  # cases of a kind


def of(result: Result) -> RunComparison | None:
    """How a run compares with its baseline; None: it has none."""
    return RunComparison.model_validate(result.baseline) if result.baseline else None


def terminal(found: RunComparison) -> Iterator[RenderableType]:
    yield console.title(title(found))
    yield from (console.note(unlike(difference)) for difference in found.differences)
    yield changes(found).drawn()
    yield from (Text(line(said)) for said in sentences(found))
    yield console.title(headline(found))


def changes(found: RunComparison) -> Table:
    """Each number of the two, by how much they differ, and what is proven of it."""
    columns = ("metric", "baseline", "candidate", "change", interval_at(found), "cases", "verdict")
    return Table(columns, [_row(change) for change in found.changes], right=columns[1:-1])


def _row(change: Change) -> tuple[Cell, ...]:
    return (
        name(change),
        formatting.show(change.before, change.unit),
        formatting.show(change.after, change.unit),
        formatting.change(change.change, change.unit),
        _interval(change),
        f"{change.n:,}",
        coloured(_VERDICTS[change.verdict] + _chance(change.p_value), change.verdict),
    )


def title(found: RunComparison) -> str:
    before, after = found.baseline, found.candidate
    return (
        f"{found.task} · {after.model} ({after.id}) against the baseline "
        f"{before.model} ({before.id}, {shown(Path(before.dir))})"
    )


def headline(found: RunComparison) -> str:
    if not found.n:
        return "Nothing was compared: the two have no case in common."
    if found.regressed:
        names = ", ".join(
            name(change) for change in found.changes if change.name in found.regressed
        )
        return f"Proven worse than the baseline: {names}."
    return f"No regression is proven on these {found.n} cases."


def sentences(found: RunComparison) -> Iterator[str]:
    """What the table does not say."""
    quality = next(change for change in found.changes if change.name == QUALITY)
    if quality.verdict == "not proven":
        yield _could_show(quality)
    for words, flips, count in (
        ("fell", found.fell, found.fell_count),
        ("rose", found.rose, found.rose_count),
    ):
        if flips:
            yield f"quality {words} in {count} of {found.n} cases: {_flips(flips, count)}"
    for words, cases in (
        ("only in the baseline", found.only_baseline),
        ("only in the candidate", found.only_candidate),
        ("changed since the baseline, so no longer the same", found.changed),
    ):
        if cases:
            yield f"left out, {words}: {_listed(cases)}"


def _could_show(quality: Change) -> str:
    if quality.smallest is None:
        return f"On {quality.n} cases the two differ too rarely for any difference to show."
    return (
        f"{quality.n} cases show a true difference in quality of {quality.smallest:.2g} or more "
        "in 8 of 10 runs; a smaller one may well pass unseen."
    )


def _flips(flips: Sequence[Flip], count: int) -> str:
    shown = [f"{flip.case} ({flip.before:.3g} → {flip.after:.3g})" for flip in flips[:_SHOWN]]
    return _with_rest(shown, count)


def _listed(cases: Sequence[str]) -> str:
    return _with_rest(cases[:_SHOWN], len(cases))


def _with_rest(shown: Sequence[str], count: int) -> str:
    more = [f"and {count - len(shown)} more"] if count > len(shown) else []
    return ", ".join([*shown, *more])


def name(change: Change) -> str:
    return NAMES.get(change.name, change.name)


def _interval(change: Change) -> str:
    if change.low is None or change.high is None:
        return "unknown"
    return " to ".join(formatting.change(each, change.unit) for each in (change.low, change.high))


def _chance(p_value: float | None) -> str:
    """After a verdict of a test."""
    if p_value is None:
        return ""
    return ", p < 0.001" if p_value < 0.001 else f", p {p_value:.3f}"
