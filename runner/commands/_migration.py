"""From what is due to a migration: its candidates are measured, and the best becomes a branch."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

from runner.commands import _promotion, _sweep
from runner.commands._arguments import Conf
from runner.commands._evaluate import evaluate, record_failure
from runner.config import loading, paths
from runner.config.overrides import named
from runner.config.schema import Job, Single, singles
from runner.decide.configuration import arguments
from runner.decide.costs import monthly
from runner.decide.costs.workload import Workload, finished
from runner.decide.promote import canary
from runner.decide.promote.decision_record import DecisionRecord
from runner.decide.promote.promote import chosen
from runner.decide.sweep import SweepRow
from runner.decide.watch.branch import GitFailed, Repository
from runner.decide.watch.due import CHEAPER, ENDS, Due, Ends, retirement, said_of
from runner.errors import GATE_EXIT, INCOMPLETE_EXIT, ConfigError, RunnerError
from runner.measure import formatting
from runner.measure.comparison import RunComparison
from runner.measure.conclusion import conclusion, proven, tier
from runner.pipeline.plan import Plan, prepare
from runner.record.files import dated, read_json, write_json, write_text

_MONTH = 1_000_000  # requests, where no requirement says how many: as in conf/cost.yaml
_SAID, _TEXT = "outcome.json", "pull_request.md"


@dataclass(frozen=True)
class Decision:
    """Of a mapping, on a task; why it may have to move, and the options that could come instead."""

    job: Job
    mapping: str
    record: DecisionRecord | None
    today: date
    dues: Sequence[Due] = ()
    options: Sequence[str] = ()
    ahead: timedelta = timedelta(0)  # what ends within this is none of them
    listed: Ends = field(default_factory=dict)

    @property
    def models(self) -> dict[str, Single]:
        """Those that answer, by name."""
        return {model.name: model for _, model in singles(self.job.model, "model")}

    @property
    def ends(self) -> bool:
        return any(each.what == ENDS for each in self.dues)

    @property
    def on(self) -> date:
        """The day that it is about, whose prices decide."""
        return max([self.today, *(each.on for each in self.dues if each.on)])

    @property
    def candidates(self) -> dict[str, list[str]]:
        """The overrides of each: what the decision was made with, and what its runner-up was."""
        record, found = self.record, dict[str, list[str]]()
        if record and (second := record.runner_up) and second.model != self.job.model.name:
            found[second.model] = arguments(second.settings)
        kept = record.overrides if record else {}
        told = arguments({k: v for k, v in kept.items() if not k.startswith("model.")})
        return dict.fromkeys(self.options, told) | found


@dataclass(frozen=True)
class Outcome:
    """`stays`: what answers now was measured, and nothing is better."""

    lines: list[str] = field(default_factory=list)
    code: int = 0
    stays: bool = False
    unproposed: str | None = None  # the title of a pull request that could not be made
    held_up: list[str] = field(default_factory=list)  # files that no branch could be made of


@dataclass(frozen=True)
class _Measured:
    sweep: Path
    old: SweepRow | None  # of what answers now; None: it can't be asked any more
    rows: list[SweepRow]  # of the others, the best first
    jobs: Mapping[str, Job]  # by directory

    def usd(self, row: SweepRow | None, decision: Decision, day: date) -> float | None:
        """A month at the prices of a day; of one that can't be asked, at the tokens of the best."""
        model = self.jobs[row.dir].model if row else decision.job.model
        requests = decision.job.requirements.requests_per_month or _MONTH
        if not isinstance(model, Single):
            cost = row.metrics.get("cost_per_request_usd") if row else None
            return cost.value * requests if cost and cost.value is not None else None
        try:
            sizes = finished(self.sweep / (row or self.rows[0]).dir).sizes
        except RunnerError:
            return None
        month = monthly.row(model.name, model.on(day), Workload(sizes, requests))
        return month.usd_per_month


def migrate(config: Conf, decision: Decision) -> Outcome:
    """Measure, once for the same facts, and write. Raises RunnerError where it can't be done."""
    plans, ending, unasked = _plans(config, decision)
    why = [*ending, *unasked]
    if not plans:
        if all(each.what == CHEAPER for each in decision.dues):
            return Outcome()  # what nobody has a key for is no candidate
        nobody = ["  nobody is named that could come instead: say a successor in its file"]
        return Outcome(why or nobody, INCOMPLETE_EXIT if unasked else GATE_EXIT)
    _promotion.home(config.given.own)  # refused before anything is paid for
    name = f"{decision.job.task.name}-{_key(decision, plans)}"
    place = decision.job.outputs / "watch" / str(decision.today) / name
    branch = f"runner-watch/{name}"
    repository = Repository.of(config.given.own or Path.cwd())
    for earlier in sorted(decision.job.outputs.glob(f"watch/*/{name}/{_SAID}"))[-1:]:
        said = Outcome(**read_json(earlier))
        if said.held_up and not (repository and repository.unclean(map(Path, said.held_up))):
            break  # they are committed: it can be written on top of that
        if said.unproposed and repository:
            if not repository.has(branch):
                break  # it was never pushed, or is gone
            again = branch, said.unproposed, earlier.with_name(_TEXT)
            said = _proposed(repository, *again, said.lines[:-1])
            write_json(earlier, vars(said))
        return said
    if repository and repository.has(branch):
        return Outcome([f"  the migration is on branch {branch}"], GATE_EXIT)
    measured = _measured(decision, plans)
    best = _best(decision, measured)
    left = [f"  {row.candidate}: {conclusion(row)}" for row in measured.rows]
    if best is None and not all(row.complete and not row.error for row in measured.rows):
        return Outcome([*why, *left], INCOMPLETE_EXIT)
    if best:
        said = _written(config, decision, measured, best, place, branch, repository)
        kept = said.lines
    elif measured.old and not decision.ends:
        said = Outcome([*left, f"  {decision.job.model.name} stays"], stays=True)
        kept = []
    else:
        said = Outcome([*left, "  nobody qualifies: there is no migration"], GATE_EXIT)
        kept = said.lines
    write_json(place / _SAID, vars(said) | {"lines": kept})
    return Outcome([*why, *said.lines], said.code)


def _plans(config: Conf, decision: Decision) -> tuple[dict[str, Plan], list[str], list[str]]:
    """Of those that can be asked; who ends soon as well, and why the others can't be."""
    plans, ending, why = {}, list[str](), list[str]()
    today, ahead = decision.today, decision.ahead
    for option, told in decision.candidates.items():
        try:
            model = _promotion.option_of("model", option, config.given.own)
            words = [f"task={decision.job.task.name}", f"model={model}", *told]
            tree = config.plain(config.compose(Job, *words, hydra=True))
            job = loading.validate({k: v for k, v in tree.items() if k in Job.model_fields})
            priced = job.with_singles(lambda model: model.on(today))
            plan = prepare(priced, today)
        except ConfigError as error:
            why += [f"  {option} can't be measured: {line}" for line in error.problems]
            continue
        ends = [
            f"  {option} can't come instead: {each.why}"
            for _, model in singles(priced.model, "model")
            for each in retirement(model, today, ahead, said_of(model, decision.listed))
        ]
        ending += ends
        if not ends:
            plans[option] = plan
    return plans, ending, why


def _key(decision: Decision, plans: Mapping[str, Plan]) -> str:
    """Of the facts that a migration rests on: the same ones are measured once.

    What was seen in answers may be another thing in another week.
    """
    week = decision.today.isocalendar()[:2]
    dues = [each for each in decision.dues if not decision.ends or each.what == ENDS]
    facts = [
        [decision.mapping, decision.job.model.id, next(iter(plans.values())).cases_sha256],
        sorted([each.what, str(each.on or (each.what != CHEAPER and week))] for each in dues),
        sorted([option, plan.job.model.model_dump_json()] for option, plan in plans.items()),
    ]
    return sha256(json.dumps(facts).encode()).hexdigest()[:8]


def _measured(decision: Decision, plans: Mapping[str, Plan]) -> _Measured:
    """A sweep of the candidates, and of what answers now while that can be asked."""
    from runner.report import build_sweep

    now: list[Plan] = []
    with suppress(ConfigError):  # it has ended, or has no key
        now = [prepare(decision.job, decision.today)]
    where = dated(decision.job.outputs, "sweeps", f"watch-{decision.job.task.name}")
    jobs = [
        (plan, where / f"{number}_{plan.job.label}")
        for number, plan in enumerate([*now, *plans.values()])
    ]
    told = (word for words in decision.candidates.values() for word in words)
    _sweep.begin(where, sorted(named(told)))
    try:
        for result, (plan, directory) in zip(evaluate(jobs), jobs, strict=True):
            if isinstance(result, RunnerError):
                job = plan.job
                record_failure(directory, (job.task.name, job.model.name, job.model.id), result)
        found = build_sweep(where)
    finally:
        _sweep.leave()
    first = jobs[0][1].name if now else None
    return _Measured(
        sweep=where,
        old=next((row for row in found.runs if row.dir == first and row.rank), None),
        rows=[row for row in found.runs if row.dir != first],
        jobs={directory.name: plan.job for plan, directory in jobs},
    )


def _best(decision: Decision, measured: _Measured) -> SweepRow | None:
    """The first that is proven or supported; while what answers now may stay, a cheaper one."""
    old = measured.old
    fit = [row for row in measured.rows if tier(row) in ("proven", "supported")]
    if decision.ends or old is None or tier(old) not in ("proven", "supported"):
        return next(iter(fit), None)
    usd = measured.usd(old, decision, decision.on)
    for row in fit:
        other = measured.usd(row, decision, decision.on)
        cheaper = usd is not None and other is not None and other < usd
        if cheaper and (proven(row) or not proven(old)):
            return row
    return None


def _written(
    config: Conf,
    decision: Decision,
    measured: _Measured,
    best: SweepRow,
    place: Path,
    branch: str,
    repository: Repository | None,
) -> Outcome:
    """The text and the diff in `place`, and the branch where there is a repository."""
    from runner.report import markdown

    found = chosen(measured.sweep, best.label, best.task)
    if against := _promotion.objected(found, config.given.own):
        raise RunnerError(f"{best.candidate}: {'; '.join(against)}")
    count = len(decision.record.canary) if decision.record else 10
    record, files = _promotion.changes(
        found, decision.mapping, config.given.own, None, count, decision.today
    )
    diffs = [_promotion.diff(path, text) for path, text in files.items()]
    months = [
        (name, formatting.show(measured.usd(row, decision, day), "usd"))
        for name, row, day in (
            (f"{decision.job.model.name}, {decision.today}", measured.old, decision.today),
            (f"{decision.job.model.name}, {decision.on}", measured.old, decision.on),
            (f"{best.candidate}, {decision.on}", best, decision.on),
        )
    ]
    title = f"{best.task}: {best.candidate} instead of {decision.job.model.name}"
    text = markdown.migration(
        title=title,
        dues=list(map(str, decision.dues)),
        record=record,
        months=list(dict.fromkeys(months)),
        requests=decision.job.requirements.requests_per_month or _MONTH,
        flips=_flips(decision, measured, best),
        diff=diffs[0],
        ends=decision.on if decision.ends else None,
    )
    write_text(place / _TEXT, paths.shared(text))
    write_text(place / "migration.diff", "\n".join([*diffs, ""]))
    lines = [f"  {title} ({record.tier}), {' → '.join(usd for _, usd in months[1:])} a month"]
    lines += [f"  text: {paths.shown(place / _TEXT)}"]
    if repository is None:
        return Outcome([*lines, "  no branch: there is no git repository here"], GATE_EXIT)
    if unclean := repository.unclean(list(files)):
        held_up = [str(file) for file in files]
        return Outcome([*lines, f"  no branch: {unclean}"], GATE_EXIT, held_up=held_up)
    try:
        repository.commit(branch, files, f"{title}\n\n{'; '.join(map(str, decision.dues))}")
    except GitFailed as error:
        return Outcome([*lines, f"  {error}"], GATE_EXIT, held_up=list(map(str, files)))
    lines += [f"  branch: {branch}"]
    return _proposed(repository, branch, title, place / _TEXT, lines)


def _proposed(
    repository: Repository, branch: str, title: str, text: Path, lines: list[str]
) -> Outcome:
    """A pull request of the branch; what could not be made is tried again another day."""
    try:
        asked = repository.propose(branch, title, text)
    except GitFailed as error:
        return Outcome([*lines, f"  {error}"], GATE_EXIT, unproposed=title)
    return Outcome([*lines, *([f"  pull request: {asked}"] if asked else [])], GATE_EXIT)


def _flips(decision: Decision, measured: _Measured, best: SweepRow) -> RunComparison | None:
    """Against what answers now, or against its canary on record where that can't be asked."""
    from runner.measure.compare import against, compare, look

    new = measured.sweep / best.dir
    if measured.old and measured.old.complete:
        return against(measured.sweep / measured.old.dir, new)
    if decision.record is None:
        return None
    now = look(new, "now").observed
    return compare(canary.observed(decision.record, now.prompt), now)
