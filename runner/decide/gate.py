"""What a gate says, in one place for a run, a sweep, a comparison, drift and JUnit.

`gate=true` is shut by what is missed, has regressed or could not be measured or compared;
`gate=proven` also by what is open: not proven, or unknown. It is about the recommended candidate of
each task. Where none is recommended it is about those that miss nothing, or else about them all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from runner.config.schema import Gate
from runner.measure import formatting
from runner.measure.comparison import (
    NAMES,
    QUALITY,
    TOLERANCE,
    WATCHED,
    Change,
    RunComparison,
    Side,
)
from runner.measure.conclusion import conclusion, failed_calls, scored, thresholds
from runner.record.outcomes import Record, Result

State = Literal["passed", "open", "missed", "unmeasured"]
_SHUTS: dict[Gate, tuple[State, ...]] = {
    False: (),
    True: ("missed", "unmeasured"),
    "proven": ("missed", "unmeasured", "open"),
}
_STATES: dict[str, State] = {"met": "passed", "missed": "missed"}
_BOUND_FAILURES = ("bounds.error_rate", "bounds.quality_per_request", "availability")


class GateCheck(NamedTuple):
    """One thing that a gate looks at, and how it stands, in a line."""

    name: str
    state: State
    why: str


class Ruling(Record):
    """`why` has a line for each point that shuts it."""

    gate: Gate
    shut: bool
    why: list[str]

    @property
    def lines(self) -> list[str]:
        """What there is to print; nothing where nobody asked."""
        if not self.gate:
            return []
        asked = str(self.gate).lower()
        held = {"true": "nothing is missed", "proven": "everything is proven"}[asked]
        if not self.shut:
            return [f"gate: open, {held} (gate={asked})"]
        return [f"gate: shut (gate={asked})", *(f"gate: {each}" for each in self.why)]


def rule(gate: Gate, points: Iterable[GateCheck], of: str = "") -> Ruling:
    """`of` is whose points they are, where there are several."""
    about = f"{of}, " if of else ""
    shutting = [point for point in points if point.state in _SHUTS[gate]]
    why = [f"{about}{point.name}: {point.why}" for point in shutting]
    return Ruling(gate=gate, shut=bool(why), why=why)


def together(gate: Gate, rulings: Iterable[Ruling]) -> Ruling:
    """Shut where one of them is."""
    why = [line for ruling in rulings for line in ruling.why]
    return Ruling(gate=gate, shut=bool(why), why=why)


def subjects(choice: str | None, runs: Mapping[str, Result]) -> list[str]:
    """Which of the candidates of a task, by label, the gate is about."""
    if choice is not None:
        return [choice]
    hopeful = [label for label, run in runs.items() if not rule(True, of_run(run)).shut]
    return hopeful or list(runs)


def of_run(result: Result) -> list[GateCheck]:
    """Requirements, then the comparison with the baseline."""
    if result.error is not None or not result.complete:
        return [GateCheck("run", "unmeasured", conclusion(result))]
    return [*_measured(result), *_required(result), *_compared(result)]


def _measured(result: Result) -> Iterator[GateCheck]:
    if result.counts is None or not result.counts.outcomes:
        yield GateCheck("run", "unmeasured", "nothing was asked")
    elif not scored(result):
        yield GateCheck("run", "open", "no answer was scored")
    bound = {verdict.requirement for verdict in result.verdicts}.intersection(_BOUND_FAILURES)
    if (said := failed_calls(result)) and not bound:
        yield GateCheck("run", "open", f"{said}, and nothing bounds error_rate")


def _required(result: Result) -> Iterator[GateCheck]:
    for verdict in result.verdicts:
        state = _STATES.get(verdict.verdict, "open")
        yield GateCheck(verdict.requirement, state, f"{verdict.verdict}: {verdict.why}")
    if not thresholds(result):
        yield GateCheck("requirements", "open", "no threshold is set")


def _compared(result: Result) -> list[GateCheck]:
    if result.uncompared is not None:
        return [GateCheck(_against("all"), "unmeasured", result.uncompared)]
    if result.baseline is None:
        return []
    return of_comparison(RunComparison.model_validate(result.baseline))


def of_comparison(found: RunComparison) -> list[GateCheck]:
    """That of nothing, or with a run that is not complete, is none.

    Proven is what can't be worse by more than the tolerance, a share of the baseline's cost or
    latency; of quality and of the share of requests answered it is so many points, 0.1 at most.
    """
    points = [*_of_side("the baseline", found.baseline), *_of_side("the run", found.candidate)]
    if not found.n:
        points.append(GateCheck(_against("all"), "unmeasured", "the two have no case in common"))
        return points
    names = [change.name for change in found.changes]
    if QUALITY not in names:
        points.append(GateCheck(_against(QUALITY), "open", "was not compared"))
    return points + [_changed(change, found) for change in found.changes if change.name in WATCHED]


def _of_side(which: str, side: Side) -> Iterator[GateCheck]:
    if side.missing:
        why = f"{which}, {side.dir}, is not complete (outcomes missing: {side.missing:,})"
        yield GateCheck(_against("all"), "unmeasured", why)


def _changed(change: Change, found: RunComparison) -> GateCheck:
    if change.name in found.regressed:
        return GateCheck(_against(change.name), "missed", _said(change, "proven worse"))
    if change.verdict == "unknown":
        return GateCheck(_against(change.name), "open", _said(change, "unknown"))
    of_score = change.unit in ("score", "rate")
    margin = min(found.tolerance, TOLERANCE) if of_score else found.tolerance
    worst = change.low if of_score else change.high
    kept = f"at most {margin:g} worse" if of_score else f"at most {margin:.0%} more"
    if worst is not None and (worst >= -margin if of_score else worst <= 1 + margin):
        return GateCheck(_against(change.name), "passed", _said(change, kept))
    return GateCheck(_against(change.name), "open", _said(change, f"{kept} is not proven"))


def _said(change: Change, word: str) -> str:
    amount = formatting.change(change.change, change.unit)
    low, high = (formatting.change(each, change.unit) for each in (change.low, change.high))
    before, after = (formatting.show(each, change.unit) for each in (change.before, change.after))
    return f"{before} before, {after} now, change {amount} ({low} to {high}): {word}"


def _against(name: str) -> str:
    return f"against the baseline: {NAMES.get(name, name)}"


def labelled(gate: Gate, choice: str | None, runs: Mapping[str, Result]) -> Ruling:
    """What a gate says of the candidates of one task, by label."""
    about: Sequence[str] = subjects(choice, runs)
    return together(gate, (rule(gate, of_run(runs[label]), label) for label in about))
