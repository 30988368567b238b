"""Everything that a run has to show, gathered in one pass over its journal."""

import heapq
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cases.prompt import variableless
from runner.cases.query import differences
from runner.config import paths
from runner.config.schema import Job, ServerPrice, Single, answerers
from runner.config.self_judging import self_judging
from runner.errors import StorageError
from runner.measure import agreement
from runner.measure.agreement import Agreement, People
from runner.measure.conclusion import tier
from runner.measure.observations import Sample, own, turns
from runner.measure.requirements import judge
from runner.measure.rescored import told
from runner.record.outcomes import CONFIDENCE, Answered, Failed, Line, Metric, Result, Score
from runner.record.run import Run
from runner.record.run_json import Measurement

if TYPE_CHECKING:
    from runner.scorers import ScorerTable

_WORST = 10
_TAGS = 30  # that have a quality of their own

Lines = Callable[[Run], Iterable[Line]]  # of a journal, each of which somebody else may look at


@dataclass
class Failure:
    """Calls that failed in the same way."""

    kind: str
    first: str  # message
    count: int = 0


@dataclass
class Evidence:
    run: Measurement
    job: Job
    result: Result
    failures: list[Failure]  # the most frequent first
    worst: list[tuple[Answered, Score]]  # the lowest quality first
    journal: "JournalSummary"


def read(directory: Path, lines: Lines = Run.outcomes) -> Evidence:
    """Read the journal, once: whoever wants to see it, too, gives its `lines`.

    Raises ConfigError for a run.json, StorageError for a journal, that can't be used.
    """
    from runner.measure.metrics import measure

    record = Run(directory)
    run, job, stamp = record.measurement, record.job, record.stamp
    confidence = job.requirements.confidence
    observer = _Observer(job.task.name, job.task.quality_scorer, job=job, confidence=confidence)
    measured = measure(observer.watch(lines(record)), job, run.race)
    # Nobody would ask it more; and how many one look takes is not told by bounds for several.
    early = run.race and run.race.stopped and measured.counts.outcomes < run.race.outcomes
    result = Result(
        **vars(measured),
        task=run.task,
        model=run.model,
        id=run.id,
        complete=measured.counts.outcomes == run.outcomes,
        stamp=stamp,
        confidence=confidence,
        verdicts=judge(job, measured.metrics, run.race.tail if run.race else None, hints=not early),
        race=run.race,
        notes=_notes(job, observer, measured.metrics),
        request=observer.request,
    )
    observer.sum_up()
    rescored = told(record.about.get("rescored"), result)
    rescored += [each.said for each in observer.agreements if rescored]
    result = result.model_copy(update={"tier": tier(result), "rescored": rescored})
    failures = sorted(observer.failures.values(), key=lambda failure: -failure.count)
    return Evidence(run, job, result, failures, observer.worst(), observer)


PARTS = ("answers", "other answers", "retries", "fallbacks", "classifier", "judge")


@dataclass
class JournalSummary:
    """What a journal comes down to beside its metrics, as its lines are on their way elsewhere.

    `costs` are dollars by what they were paid for, None where unknown.
    """

    task: str
    quality: str = ""  # the scorer that it is measured by
    latencies_ms: "array[float]" = field(default_factory=lambda: array("d"))
    costs: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    scores: dict[str, list[Score]] = field(default_factory=dict)  # those that have details
    tables: "list[ScorerTable]" = field(
        default_factory=list
    )  # of the scorers, once it is summed up
    problems: list[str] = field(default_factory=list)  # why something is missing
    confidence: float = CONFIDENCE
    people: People = field(default_factory=People)
    agreements: list[Agreement] = field(default_factory=list)  # with people, likewise
    _known: dict[str, Score] = field(default_factory=dict)  # scores: equal ones are kept once
    _tagged: dict[str, Sample] = field(default_factory=lambda: defaultdict(Sample))
    _cases: dict[str, int] = field(default_factory=dict)

    def watch(self, lines: Iterable[Line]) -> Iterator[Line]:
        try:
            for line in lines:
                self.see(line)
                yield line
        except StorageError as error:
            self.problems.append(str(error))
            raise

    def see(self, line: Line) -> None:
        for part, usd in _costs(line):
            known = self.costs[part]
            self.costs[part] = None if known is None or usd is None else known + usd
        if own(line):
            case = self._cases.setdefault(line.case, len(self._cases))
            self.people.add(line, case)
            if not line.replayed:
                for each in turns(line) if line.exchanges else [line]:
                    self.latencies_ms.append(1000 * each.seconds)
            for name, score in line.scores.items():
                kept = self.scores.setdefault(name, [])
                for one in line.judged(name) if line.exchanges else [score]:
                    if one.details:
                        equal = self._known.setdefault(f"{name} {one.value} {one.details}", one)
                        kept.append(equal)
            if line.tags and (quality := line.scores.get(self.quality)):
                for tag in line.tags:
                    self._tagged[tag].add(case, quality.value)

    def sum_up(self) -> None:
        """A scorer that is gone or broken costs its tables, no more."""
        from runner import scorers

        self.agreements = self.people.agreements(self.confidence)
        self.tables += agreement.tables(self.agreements)
        for name, given in self.scores.items():
            try:
                self.tables += scorers.tables(
                    name, given, task=self.task, tasks_dirs=paths.tasks_dirs()
                )
            except Exception as error:  # a user's scorer may raise anything when it is imported
                self.problems.append(f"{name}: {error}")

    def by_tag(self, confidence: float) -> dict[str, Metric]:
        """The quality of the answers to cases with a tag; the most frequent tags first."""
        from runner.measure.statistics import mean

        found = {}
        for tag, sample in sorted(self._tagged.items(), key=lambda each: -len(each[1].values)):
            estimate = mean(sample.values, sample.cases, most=1.0, confidence=confidence)
            found[tag] = estimate.metric(len(sample.values), "score")
            if len(found) == _TAGS:
                break
        return found

    def cost_of_answer(self, result: Result) -> dict[str, float | None]:
        """All that was paid, for each answer that came."""
        answered = result.counts.answered if result.counts else 0
        return {
            part: None if usd is None or not answered else usd / answered
            for part, usd in self.costs.items()
        }


@dataclass
class _Observer(JournalSummary):
    """Keeps the few lines that are worth telling, too."""

    job: Job = field(kw_only=True)
    failures: dict[str, Failure] = field(default_factory=dict)
    # Models, and the ids that their providers say answered.
    served: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_litellm: Counter[str] = field(default_factory=Counter)  # requests that it sent, by why
    requests: int = 0
    answers: int = 0  # of the model under test
    turns: int = 0  # of conversations
    held: int = 0  # conversations
    steps: int = 0  # requests of theirs that were answered
    used_up: int = 0  # answers of which nothing came but reasoning
    _low: list[tuple[float, int, Answered, Score]] = field(default_factory=list)
    _count: int = 0

    def see(self, line: Line) -> None:
        super().see(line)
        self._count += 1
        if line.exchanges:
            self.held += 1
            self.turns += line.exchanges[-1].turn
            self.steps += len(line.exchanges)
        for attempt in line.attempts:
            self.requests += attempt.http_requests
            if attempt.by_litellm:
                self.by_litellm[attempt.by_litellm] += attempt.http_requests
        if isinstance(line, Failed):
            self._fail(line)
        elif own(line):
            self._answer(line)

    def _fail(self, line: Failed) -> None:
        last = line.attempts[-1] if line.attempts else None
        kind = (last.error if last else None) or "error"
        failure = self.failures.setdefault(kind, Failure(kind, line.error))
        failure.count += 1

    def _answer(self, line: Answered) -> None:
        if line.model_served:
            self.served[line.served_by, line.model_served] += 1
        self.answers += 1
        nothing = not (line.reply.strip() or line.tool_calls)
        cut = line.finish_reason == "length" and nothing
        self.used_up += cut and bool(line.reasoning or (line.usage and line.usage.reasoning_tokens))
        quality = line.scores.get(self.quality)
        if quality is not None and quality.value < 1:
            # A heap gives up its smallest: of the best of the worst, the last.
            heapq.heappush(self._low, (-quality.value, -self._count, line, quality))
            if len(self._low) > _WORST:
                heapq.heappop(self._low)

    @property
    def request(self) -> str | None:
        """What is called one, where a case has taken several."""
        if not self.held:
            return None
        if self.turns == self.held:
            return (
                f"a request here is an answer with all of its steps: {self.held} answers took "
                f"{self.steps} steps, with results of tools between them"
            )
        how = {"all": "the worst of its turns", "last": "its last turn", "mean": "their mean"}
        return (
            f"a request here is a whole conversation, in costs, failures and quality "
            f"({how[self.job.task.turns_score]}); latency and tokens are of a single turn: there "
            f"are {self.turns} turns in {self.held} conversations"
        )

    def worst(self) -> list[tuple[Answered, Score]]:
        ordered = sorted(self._low, key=lambda entry: (-entry[0], entry[2].case, -entry[1]))
        return [(line, score) for _, _, line, score in ordered]


def _notes(job: Job, observer: _Observer, metrics: Mapping[str, Metric]) -> list[str]:
    asked = [model for _, model in answerers(job.model)]
    for candidate in job.fallback.chain.values():
        asked += [model for _, model in answerers(candidate)]
    notes = [note for model in asked for note in differences(model, job.task)]
    notes += filter(None, [variableless(job.task)])
    notes += [_by_the_hour(job, model, metrics) for model in asked if _rented(model)]
    if observer.used_up:
        of = f"{observer.used_up} of {observer.answers} answers"
        notes.append(f"reasoning took all of max_tokens in {of}: nothing came but that")
    for why, count in observer.by_litellm.items():
        notes.append(f"{count} of {observer.requests} requests were sent by litellm itself: {why}")
    pins = {model.name: model.id for model in asked}
    for (name, served), count in observer.served.items():
        if served != pins.get(name):
            notes.append(f"{count} answers came from {served}, {pins.get(name)} was asked for")
    return list(dict.fromkeys([*notes, *self_judging(job, allowed=True)]))


def _rented(model: Single) -> bool:
    return isinstance(model.price, ServerPrice)


def _by_the_hour(job: Job, model: Single, metrics: Mapping[str, Metric]) -> str:
    """A server costs the same whatever it does: a request's share hangs on how many share it."""
    cost, speed = metrics.get("cost_per_request_usd"), ""
    if model is job.model and isinstance(model.price, ServerPrice) and cost and cost.value:
        speed = f" and {model.price.usd_per_busy_second / cost.value:.2g} answers a second"
    return (
        f"{model.name} is priced by the hour: what a request costs was measured at a concurrency "
        f"of {job.concurrency}{speed}, and is another at another"
    )


def _costs(line: Line) -> Iterator[tuple[str, float | None]]:
    """What each attempt was paid for. The other answers are samples, and those of arms
    whose answer did not stand."""
    answered = isinstance(line, Answered)
    others: list[int | None] = []  # requests of a conversation whose answer is passed
    for attempt in reversed(line.attempts):
        stood = answered and attempt.exchange not in others
        if attempt.fallback is not None:
            yield "fallbacks", attempt.cost_usd
        elif attempt.role != "answer":
            yield attempt.role, attempt.cost_usd
        elif attempt.error:
            yield "retries", attempt.cost_usd
        else:
            yield ("answers" if stood else "other answers"), attempt.cost_usd
        if attempt.role == "answer" and not attempt.error:
            others.append(attempt.exchange)
    for attempt in line.judging:
        yield "judge", attempt.cost_usd
