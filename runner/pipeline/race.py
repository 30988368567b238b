"""Candidates on the same cases, side by side; who can't win any more is asked no further.

After each few cases everyone's requirements are judged, and costs held against each other, by
bounds that may be looked at so often (`measure.anytime`, `measure.racing`); whoever was asked
everything is judged by bounds of a single look, which prove more. Before a look everybody is waited
for: an answer that is late may be late for a reason. Cases come in an order of their own,
since a file may begin with what is easy. All hangs on what the journals hold: a race that was
killed decides again as it did, asks nothing twice, and goes on.
"""

import asyncio
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from pathlib import Path

import numpy as np

from runner.calls.dispatch import Dispatch
from runner.cases.query import Question
from runner.errors import BudgetSpent, ConfigError, RunnerError
from runner.measure import ceiling, requirements
from runner.measure.anytime import proves, shared_tail
from runner.measure.conclusion import bounds_quality, named, proven
from runner.measure.metrics import summed_up
from runner.measure.observations import Observations, own
from runner.measure.racing import better, dearer, standing
from runner.pipeline.conversation import takes_several
from runner.pipeline.plan import Plan
from runner.pipeline.run import Asking, begun
from runner.record.files import RUN, read_json, write_json
from runner.record.outcomes import Failed, Line, Raced, Result
from runner.record.run import Run

Planned = tuple[Plan, Path]
Bar = Callable[[str, int | None], Callable[[], None]]


def check(plans: Sequence[Planned]) -> None:
    """Raises ConfigError where candidates for one task would not get the same cases."""
    jobs = [plan.job for plan, _ in plans]
    if len({job.race for job in jobs}) > 1:
        raise ConfigError("race: a sweep races as a whole; say race=true for all of its jobs")
    for task, group in _by_task(plans):
        cases = {(p.cases_sha256, p.job.limit, p.job.tags, p.job.repeats) for p, _ in group}
        if jobs[0].race and len(cases) > 1:
            raise ConfigError(
                f"race: the candidates for {task} have to get the same cases: give one task.cases, "
                "limit, tags and repeats for all of them"
            )


async def race(plans: Sequence[Planned], dispatch: Dispatch, bar: Bar) -> dict[Path, RunnerError]:
    """Fill the journals, one task after the other, and return why some of them could not be."""
    errors: dict[Path, RunnerError] = {}
    for _, group in _by_task(plans):
        jobs = [plan.job for plan, _ in group]
        tail = shared_tail(
            max(job.requirements.confidence for job in jobs),
            len(jobs),
            max(requirements.measured(job) for job in jobs),
        )
        async with AsyncExitStack() as stack:
            lanes = [_Lane(*one, Raced(candidates=len(jobs), tail=tail)) for one in group]
            for lane in lanes:
                await lane.start(dispatch, stack, bar)
            await _ask_all(lanes, dispatch)
        errors |= {lane.directory: lane.error for lane in lanes if lane.error}
    return errors


def _by_task(plans: Sequence[Planned]) -> Iterator[tuple[str, list[Planned]]]:
    def task(planned: Planned) -> str:
        return planned[0].job.task.name

    return ((name, list(found)) for name, found in groupby(sorted(plans, key=task), key=task))


async def _ask_all(lanes: "Sequence[_Lane]", dispatch: Dispatch) -> None:
    """Whoever has been asked least comes next; but for outages, all are asked block by block."""
    cases = next((sorted(each.questions, key=_order) for each in lanes if each.running), [])
    step = max(-(-lane.plan.job.concurrency // lane.plan.job.repeats) for lane in lanes)
    blocks = [cases[start : start + step] for start in range(0, len(cases), step)]
    busy: dict[_Lane, asyncio.Task[None]] = {}
    try:
        while True:
            idle = [lane for lane in lanes if lane.running and lane not in busy]
            least = min((lane.blocks for lane in idle), default=len(blocks))
            if least == len(blocks) and not busy:
                return
            todo = [lane for lane in idle if lane.blocks == least < len(blocks)]
            for lane in todo:
                if not lane.plan.job.on_device:
                    busy[lane] = asyncio.create_task(lane.ask(blocks[least]))
            await _ended(busy, dispatch, at_least_one=not todo)
            # Models on this machine share its cores: together they would measure one another.
            for lane in todo:
                if lane.plan.job.on_device:
                    await lane.ask(blocks[least])
            if spent := [lane.error for lane in lanes if isinstance(lane.error, BudgetSpent)]:
                for lane in lanes:
                    lane.error = lane.error or (spent[0] if lane.running else None)
                return
            _look([lane for lane in lanes if lane.running], busy)
    finally:
        for task in busy.values():
            task.cancel()
        await asyncio.gather(*busy.values(), return_exceptions=True)


async def _ended(
    busy: "dict[_Lane, asyncio.Task[None]]", dispatch: Dispatch, *, at_least_one: bool
) -> None:
    """Wait for everybody but those whose provider is down: these come back, or are given up."""
    count = len(busy)
    while True:
        dispatch.outage_moved.clear()
        enough = not at_least_one or len(busy) < count
        if enough and all(dispatch.left_alone(lane.plan.job.models) for lane in busy):
            return
        moved = asyncio.create_task(dispatch.outage_moved.wait())
        try:
            await asyncio.wait([*busy.values(), moved], return_when=asyncio.FIRST_COMPLETED)
        finally:
            moved.cancel()
        for lane in [lane for lane, task in busy.items() if task.done()]:
            await busy.pop(lane)


def _order(case: str) -> bytes:
    return sha256(case.encode()).digest()


@dataclass(eq=False)
class _Lane:
    """One candidate."""

    plan: Plan
    directory: Path
    race: Raced
    questions: dict[str, list[Question]] = field(default_factory=dict)  # yet to be asked, by case
    earlier: dict[str, list[Line]] = field(default_factory=dict)  # what is on record of these
    # Of each case so far: cost, share of requests without an answer, quality; nan: unknown.
    seen: list[list[float]] = field(default_factory=list)
    blocks: int = 0  # of cases that it was asked
    error: RunnerError | None = None

    @property
    def running(self) -> bool:
        return not (self.race.stopped or self.error)

    async def start(self, dispatch: Dispatch, stack: AsyncExitStack, bar: Bar) -> None:
        job, count = self.plan.job, self.plan.count
        most = None
        if not any(takes_several(question.query) for question in self.plan.questions()):
            # Of cases that are yet to come as well: a race may be over before the dearest of them.
            most = ceiling.planned(job, (question.query for question in self.plan.questions()))
        self.tally = Observations(job, most)
        self.race = self.race.model_copy(update={"outcomes": count, "most": most})
        beginning = begun(self.plan, self.directory, dispatch, bar(job.label, count), self.race)
        try:
            self.asking: Asking = await stack.enter_async_context(beginning)
            for line in Run(self.directory).as_written():
                self.earlier.setdefault(line.case, []).append(line)
        except RunnerError as error:
            self.error = error
            return
        for question in self.asking.plan.questions():
            self.questions.setdefault(question.case.id, []).append(question)

    async def ask(self, block: Sequence[str]) -> None:
        new: list[Line] = []
        try:
            questions = (q for case in block for q in self.questions.pop(case))
            await self.asking.ask(questions, new.append)
        except RunnerError as error:
            self.error = error
            return
        for line in new:
            self.earlier.setdefault(line.case, []).append(line)
        for case in block:
            seen = [self._seen(line) for line in self._counted(case)]
            self.seen.append(np.mean(seen or [[np.nan] * 3], axis=0).tolist())
        self.blocks += 1

    def _counted(self, case: str) -> list[Line]:
        lines = self.earlier.pop(case, [])
        for line in lines:
            self.tally.add(line)
        return [line for line in lines if not (isinstance(line, Failed) and line.open)]

    def _seen(self, line: Line) -> list[float]:
        """One that the model did not answer is worth nothing; what has no score, nobody knows."""
        score = line.scores.get(self.plan.job.task.quality_scorer) if own(line) else None
        quality = score.value if score else np.nan if own(line) else 0.0
        cost = np.nan if line.cost_usd is None else line.cost_usd
        return [cost, float(isinstance(line, Failed)), quality]

    @property
    def most_usd(self) -> float | None:
        return self.tally.most.usd if self.tally.most else None

    def result(self) -> Result:
        """As it stands."""
        job = self.plan.job
        names = {"task": job.task.name, "model": job.model.name, "id": job.model.id}
        metrics = summed_up(self.tally, self.race).metrics
        verdicts = requirements.judge(job, metrics, self.race.tail, hints=False)
        return Result(**names, complete=True, metrics=metrics, verdicts=verdicts)

    def stop(self, why: str, by: str | None = None) -> None:
        """What was asked is then all that there is to be."""
        for case in list(self.earlier):  # of a run that had gone further
            self._counted(case)
        self.race = self.race.model_copy(update={"stopped": why, "beaten_by": by})
        changes = {"outcomes": self.tally.counts().outcomes, "race": self.race.model_dump()}
        try:
            write_json(self.directory / RUN, read_json(self.directory / RUN) | changes)
        except RunnerError as error:
            self.error = error


def _look(lanes: Sequence[_Lane], busy: Container[_Lane]) -> None:
    """Stop whoever need not be asked any more, and is not just being asked."""
    if not lanes:
        return
    results = [lane.result() for lane in lanes]
    missed = [named(result, "missed") for result in results]
    sure = [proven(result) for result in results]
    facts = [[v.requirement for v in result.verdicts if v.fact] for result in results]
    worse = [
        [sure[m] and n != m and _worse(lane, other, results[n]) for m, other in enumerate(lanes)]
        for n, lane in enumerate(lanes)
    ]
    gone = np.zeros(len(lanes), dtype=bool)
    some_missed, some_fact = (np.array([bool(one) for one in each]) for each in (missed, facts))
    found = standing(some_missed, np.array(sure), some_fact, np.array(worse), gone)
    for n, lane in enumerate(lanes):
        if lane in busy:
            continue
        if missed[n]:
            lane.stop(f"misses {', '.join(missed[n])}")
        elif found.beaten[n]:
            how = "costs more" if _by_cost(lane, results[n]) else "answers worse"
            by = lanes[worse[n].index(True)].directory.name
            lane.stop(f"provably {how}, on the same cases, than one that was proven by then", by)
        elif found.stuck[n]:
            lane.stop(f"can't be proven without {', '.join(facts[n])}, and another is")
        elif found.won[n]:
            lane.stop("is proven, and nobody is left who could be chosen instead")


def _by_cost(one: _Lane, result: Result) -> bool:
    """Whether the recommendation goes by costs: where answers have to be good, and are not free."""
    return bounds_quality(result) and one.most_usd != 0


def _worse(one: _Lane, other: _Lane, result: Result) -> bool:
    """Whether one is proven worse than another, on the cases that both were asked.

    A cost that nobody knows leaves it open; of a score that nobody knows the worst is taken.
    """
    both = min(len(one.seen), len(other.seen))
    (cost, _, quality), (its_cost, failed, its_quality) = (
        np.array(each.seen[:both]).reshape(both, 3).T for each in (one, other)
    )
    if not _by_cost(one, result):
        gains = better(np.nan_to_num(its_quality, nan=0.0), np.nan_to_num(quality, nan=1.0))
        return (not bounds_quality(result) or other.most_usd == 0) and proves(gains, one.race.tail)
    if other.most_usd is None or np.isnan(cost + its_cost).any():
        return False
    # One that was not answered counts as its most: what costs are held against is one of an answer.
    its_cost = its_cost + failed * other.most_usd
    most = max(other.most_usd, its_cost.max(initial=0.0))
    return proves(dearer(cost, its_cost, most), one.race.tail)
